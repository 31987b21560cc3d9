package gotest

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// goBuild reads what the go command prints when a package does not compile:
// "# example.com/mod/pkg [example.com/mod/pkg.test]" and positions below it.
type goBuild struct {
	pkg     string // the package of the last heading; empty: what follows is not the compiler's
	vet     bool   // the heading is vet's
	found   []ci.Diagnostic
	known   map[string]bool // diagnostics by their text: a package and its test variant say the same
	has     map[string]bool // packages with diagnostics
	roots   []string        // import paths of directories the go command ran in
	unbuilt []goUnbuilt
	count   int // findings since the heading: a heading alone is a comment of somebody else
}

// goUnbuilt is a package that go test could not build.
type goUnbuilt struct {
	pkg, cause string
	reason     string
	line       int
}

// line takes a line of the compiler's; it reports false for lines of others.
func (b *goBuild) line(n int, text []byte) bool {
	if text[0] == '#' {
		return b.heading(text)
	}
	if b.pkg == "" {
		return false
	}
	if text[0] == '\t' && b.count > 0 {
		last := &b.found[len(b.found)-1]
		if len(last.Message) < 4<<10 {
			last.Message += "\n" + string(text)
		}
		return true
	}
	file, line, col, msg, ok := splitGoPosition(trimVet(text))
	if !ok {
		done := b.count > 0 && string(text) == "too many errors"
		b.pkg = ""
		return done
	}
	b.add(n, file, line, col, string(msg))
	return true
}

// trimVet takes off the "vet: " that the type checker's errors carry.
func trimVet(text []byte) []byte { return bytes.TrimPrefix(text, []byte("vet: ")) }

func (b *goBuild) heading(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("# "))
	if !ok || len(rest) == 0 {
		return false
	}
	if rest[0] == '[' && b.pkg != "" && string(bytes.Trim(rest, "[]")) == b.pkg {
		b.vet = true // "# [pkg]" below "# pkg": the analyzers of go vet speak
		return true
	}
	pkg, variant, _ := bytes.Cut(rest, []byte(" "))
	if len(variant) > 0 && variant[0] != '[' {
		b.pkg = ""
		return false
	}
	b.pkg, b.vet, b.count = string(pkg), false, 0
	return false // claimed only once a position follows
}

func (b *goBuild) add(n int, file string, line, col int, msg string) {
	b.count++
	tool, kind := "go build", ci.KindBuild
	if b.vet {
		tool, kind = "go vet", ci.KindLint
	}
	file = strings.TrimPrefix(file, "./")
	b.root(file)
	if b.known == nil {
		b.known, b.has = map[string]bool{}, map[string]bool{}
	}
	b.has[strings.TrimSuffix(b.pkg, "_test")] = true
	key := ci.Position{File: file, Line: line, Col: col}.String() + msg
	if b.known[key] || len(b.found) >= format.MaxDiagnostics {
		b.count = 0 // its continuation lines are known as well
		return
	}
	b.known[key] = true
	b.found = append(b.found, ci.Diagnostic{
		Tool: tool, Kind: kind, Severity: ci.SeverityError, Message: msg,
		Pos: ci.Position{File: file, Line: line, Col: col}, Log: ci.Position{Line: n},
	})
}

// root learns the import path of the directory in which the go command ran: the
// package's, without the directories that the compiler's relative path shows.
func (b *goBuild) root(file string) {
	if strings.HasPrefix(file, "/") || strings.HasPrefix(file, "..") || len(b.roots) > 64 {
		return
	}
	pkg := strings.TrimSuffix(b.pkg, "_test")
	root := pkg
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		var ok bool
		if root, ok = strings.CutSuffix(pkg, "/"+file[:i]); !ok {
			return
		}
	}
	for _, known := range b.roots {
		if known == root {
			return
		}
	}
	b.roots = append(b.roots, root)
}

// unresolved takes what the go command says about an import that it cannot
// find when there is no package to put above it.
func (b *goBuild) unresolved(n int, text []byte) bool {
	if !bytes.Contains(text, []byte(".go:")) {
		return false
	}
	file, line, col, msg, ok := splitGoPosition(text)
	if !ok {
		return false
	}
	for _, known := range [...]string{"no required module provides package ", "cannot find module providing package ", "cannot find package ", "package "} {
		if !bytes.HasPrefix(msg, []byte(known)) {
			continue
		}
		if known == "package " && !bytes.Contains(msg, []byte(" is not in std")) {
			continue
		}
		b.pkg, b.vet, b.count = "command-line-arguments", false, 0
		b.add(n, file, line, col, string(msg))
		b.pkg = ""
		return true
	}
	return false
}

// finish adds the diagnostics, and a failure for each package that was not
// built and whose reason is nowhere to be seen.
func (b *goBuild) finish(rep *ci.Report) {
	rep.Diagnostics = append(rep.Diagnostics, b.found...)
	explained := b.elsewhere()
	for _, u := range b.unbuilt {
		if b.has[u.pkg] || u.cause != "" && b.has[u.cause] || explained {
			continue
		}
		rep.Failures = append(rep.Failures, ci.Failure{
			Kind: ci.KindBuild, Test: ci.TestID(u.pkg), Tool: "go build", Message: u.pkg + ": " + u.reason,
			Log: ci.Position{Line: u.line},
		})
	}
}

// elsewhere reports whether some diagnostic is of a package that is not itself
// in the list of those that were not built: a dependency, which explains all.
func (b *goBuild) elsewhere() bool {
	named := map[string]bool{}
	for _, u := range b.unbuilt {
		named[u.pkg] = true
	}
	for pkg := range b.has {
		if !named[pkg] {
			return true
		}
	}
	return false
}

// splitGoPosition splits "dir/file.go:12:3: message"; the column may be absent.
func splitGoPosition(b []byte) (file string, line, col int, msg []byte, ok bool) {
	i := bytes.Index(b, []byte(".go:"))
	if i <= 0 || bytes.IndexByte(b[:i], ' ') >= 0 {
		return "", 0, 0, nil, false
	}
	name, rest := b[:i+3], b[i+4:]
	line, rest = format.LeadingNumber(rest)
	if line <= 0 || len(rest) == 0 || rest[0] != ':' {
		return "", 0, 0, nil, false
	}
	rest = rest[1:]
	if n, after := format.LeadingNumber(rest); n > 0 && len(after) > 0 && after[0] == ':' {
		col, rest = n, after[1:]
	}
	if len(rest) > 0 && rest[0] != ' ' {
		return "", 0, 0, nil, false
	}
	return string(name), line, col, bytes.TrimPrefix(rest, []byte(" ")), true
}
