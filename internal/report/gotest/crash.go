package gotest

import (
	"bytes"
	"path"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// crashStart reports whether the Go runtime begins to say why it ends the process.
func crashStart(b []byte) bool {
	return bytes.HasPrefix(b, []byte("panic: ")) || bytes.HasPrefix(b, []byte("fatal error: ")) ||
		bytes.HasPrefix(b, []byte("SIGQUIT: ")) || bytes.HasPrefix(b, []byte("SIGABRT: ")) || bytes.HasPrefix(b, []byte("SIGSEGV: "))
}

func isRace(b []byte) bool { return bytes.HasPrefix(b, []byte("WARNING: DATA RACE")) }

// hasCrash reports whether some line starts a crash or a race report.
func hasCrash(text string) bool {
	for line := range strings.Lines(text) {
		if b := []byte(line[:min(len(line), 20)]); crashStart(b) || isRace(b) {
			return true
		}
	}
	return false
}

// raceOrPanic fills in a failure from the first race report or crash in the
// lines; false: there is none.
func (g *goReader) raceOrPanic(f *ci.Failure, pkg string, lines []string) bool {
	for i, line := range lines {
		head := []byte(line[:min(len(line), 20)])
		if isRace(head) {
			g.race(f, pkg, lines[i+1:])
			return true
		}
		if crashStart(head) {
			g.crash(f, pkg, lines[i:])
			return true
		}
	}
	return false
}

// crash reads "panic: why", the lines of the value, and the goroutines.
func (g *goReader) crash(f *ci.Failure, pkg string, lines []string) {
	kind, message, _ := strings.Cut(lines[0], ": ")
	f.Exception = kind
	for _, end := range []string{" [recovered, repanicked]", " [recovered]"} {
		message = strings.TrimSuffix(message, end)
	}
	i := 1
	for ; i < len(lines) && i < 40; i++ {
		line := lines[i]
		if line == "" || strings.HasPrefix(line, "goroutine ") || strings.HasPrefix(line, "[signal ") ||
			strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "running tests:") {
			break
		}
		message += "\n" + line
	}
	f.Message = format.Shorten(message, format.MaxMessage)
	g.stacks(f, pkg, lines[i:])
}

// stacks takes the first goroutine that ran code of the repository, or else the
// first: after a timeout that is only the alarm's.
func (g *goReader) stacks(f *ci.Failure, pkg string, lines []string) {
	var stack []string
	for i := 0; i <= len(lines); i++ {
		if i < len(lines) && !strings.HasPrefix(lines[i], "goroutine ") {
			stack = append(stack, lines[i])
			continue
		}
		frames, pos := g.frames(pkg, stack)
		if len(f.Frames) == 0 || !pos.IsZero() {
			f.Frames, f.Pos = frames, pos
		}
		if !f.Pos.IsZero() {
			return
		}
		stack = stack[:0]
	}
}

// frames reads a stack as the runtime prints it, innermost first, and returns
// it innermost last with the innermost place in the repository.
func (g *goReader) frames(pkg string, lines []string) ([]ci.Frame, ci.Position) {
	var out []ci.Frame
	var pos ci.Position
	for i := 1; i < len(lines) && len(out) < format.MaxFrames; i++ {
		file, line, ok := stackPlace(lines[i])
		if !ok {
			continue
		}
		name := stackFunc(lines[i-1])
		if name == "" {
			continue
		}
		frame := ci.Frame{Func: name, Position: ci.Position{File: file, Line: line}}
		if g.ours(pkg, name, file) {
			frame.File = g.repoFile(pkg, name, file)
			if pos.IsZero() {
				pos = frame.Position
			}
		}
		out = append(out, frame)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, pos
}

// stackPlace reads "\t/path/file.go:12 +0x1d".
func stackPlace(line string) (file string, n int, ok bool) {
	if line == "" || line[0] != '\t' && line[0] != ' ' {
		return "", 0, false
	}
	line = strings.TrimLeft(line, " \t")
	i := strings.LastIndex(line, ".go:")
	if i <= 0 {
		return "", 0, false
	}
	n, rest := format.LeadingNumber([]byte(line[i+4:]))
	if n == 0 || len(rest) > 0 && rest[0] != ' ' {
		return "", 0, false
	}
	return line[:i+3], n, true
}

// stackFunc is the function of "created by pkg.(*T).Run in goroutine 1" and of
// "pkg.(*T).Run(0xc000, {0x1, 0x2})".
func stackFunc(line string) string {
	line = strings.TrimSpace(line)
	if rest, ok := strings.CutPrefix(line, "created by "); ok {
		rest, _, _ = strings.Cut(rest, " in goroutine ")
		return rest
	}
	if !strings.HasSuffix(line, ")") {
		return ""
	}
	depth := 0
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return line[:i]
			}
		}
	}
	return ""
}

// race reads the report of the race detector: two accesses with their stacks.
func (g *goReader) race(f *ci.Failure, pkg string, lines []string) {
	f.Exception = "data race"
	var said []string
	for i := 0; i < len(lines) && !strings.HasPrefix(lines[i], "=========="); i++ {
		access, _, ok := strings.Cut(lines[i], " at 0x")
		if !ok || strings.HasPrefix(lines[i], " ") {
			continue
		}
		end := i + 1
		for end < len(lines) && lines[end] != "" {
			end++
		}
		frames, pos := g.frames(pkg, lines[i:end])
		if len(said) == 0 {
			f.Frames = frames
		}
		if f.Pos.IsZero() {
			f.Pos = pos
		}
		said = append(said, strings.ToLower(access)+" in "+raceFunc(frames))
		i = end
	}
	f.Message = "data race"
	if len(said) > 0 {
		f.Message += ": " + format.Shorten(strings.Join(said, ", "), format.MaxMessage)
	}
}

// raceFunc is the innermost function of a stack that was written by somebody
// other than the runtime.
func raceFunc(frames []ci.Frame) string {
	for i := len(frames) - 1; i >= 0; i-- {
		if name := frames[i].Func; !isStd(funcPackage(name)) {
			return name[format.LastSlash(name)+1:]
		}
	}
	return "an unknown function"
}

// crashTests names the top-level tests that a crash speaks of: the list of a
// timeout ("running tests:"), or else the test functions in its stacks.
func crashTests(pkg, text string) []string {
	var running, stacked []string
	listing := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		if trimmed == "running tests:" {
			listing = true
			continue
		}
		if name, _, ok := strings.Cut(trimmed, " ("); listing && ok && len(trimmed) < len(line) && IsTestName([]byte(name)) {
			running = append(running, name)
			continue
		}
		listing = false
		if name := stackTest(pkg, stackFunc(line)); name != "" && len(stacked) == 0 {
			stacked = append(stacked, name)
		}
	}
	if len(running) > 0 {
		return running
	}
	return stacked
}

// stackTest is the test whose function, or a closure in it, a frame names.
func stackTest(pkg, fn string) string {
	rest, ok := strings.CutPrefix(fn, pkg)
	if !ok || pkg == "" {
		return ""
	}
	rest = strings.TrimPrefix(rest, "_test")
	if !strings.HasPrefix(rest, ".") {
		return ""
	}
	name, _, _ := strings.Cut(rest[1:], ".")
	if name == "TestMain" || !IsTestName([]byte(name)) {
		return ""
	}
	return name
}

// stdTop are the first elements of the standard library's import paths, as far
// as they turn up in stacks of tests.
var stdTop = map[string]bool{
	"bufio": true, "bytes": true, "compress": true, "container": true, "context": true, "crypto": true, "database": true,
	"encoding": true, "errors": true, "flag": true, "fmt": true, "go": true, "hash": true, "html": true, "image": true,
	"internal": true, "io": true, "iter": true, "log": true, "maps": true, "math": true, "mime": true, "net": true, "os": true,
	"path": true, "plugin": true, "reflect": true, "regexp": true, "runtime": true, "slices": true, "sort": true,
	"strconv": true, "strings": true, "sync": true, "syscall": true, "testing": true, "text": true, "time": true,
	"unicode": true, "unique": true, "unsafe": true, "weak": true, "panic": true,
}

func isStd(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return stdTop[first]
}

// funcPackage is the import path in a function's full name.
func funcPackage(fn string) string {
	slash := format.LastSlash(fn)
	dot := strings.IndexByte(fn[slash+1:], '.')
	if dot < 0 {
		return fn
	}
	return fn[:slash+1+dot]
}

// ours reports whether a frame is code of the repository.
func (g *goReader) ours(pkg, fn, file string) bool {
	if strings.Contains(file, "/pkg/mod/") || strings.Contains(file, "/vendor/") || path.Base(file) == "_testmain.go" {
		return false
	}
	imp := funcPackage(fn)
	if root := g.goRoot(pkg); root != "" && (imp == root || strings.HasPrefix(imp, root+"/")) {
		return true
	}
	return !isStd(imp)
}

// repoFile is the path of a frame's file within the repository: the directory
// of its package below the module's, which the absolute path has to confirm.
func (g *goReader) repoFile(pkg, fn, file string) string {
	imp := strings.TrimSuffix(funcPackage(fn), "_test")
	dir, base := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	if rel := below(g.goRoot(pkg), imp); rel == "" || dir == rel || strings.HasSuffix(dir, "/"+rel) {
		return path.Join(rel, base)
	}
	return file
}

// logPosition is where t.Error stood, of which its line shows only the name of
// the file (or, with -fullpath, an absolute path).
func (g *goReader) logPosition(pkg, file string, line int) ci.Position {
	return ci.Position{File: path.Join(below(g.goRoot(pkg), pkg), path.Base(file)), Line: line}
}

// below is the part of an import path under root.
func below(root, imp string) string {
	return strings.TrimPrefix(strings.TrimPrefix(imp, root), "/")
}

// goRoot is the import path of the module that a package is in. Nothing in the
// output of go test says it; positions of the compiler do, and the habits of
// import paths usually suffice: the forge's owner and name, or a domain and one
// element.
func (g *goReader) goRoot(pkg string) string {
	best := ""
	for _, root := range g.build.roots {
		if len(root) > len(best) && (pkg == root || strings.HasPrefix(pkg, root+"/")) {
			best = root
		}
	}
	if best != "" {
		return best
	}
	parts := strings.Split(pkg, "/")
	n := 1
	switch host := parts[0]; {
	case host == "github.com" || host == "gitlab.com" || host == "bitbucket.org" || host == "codeberg.org" || host == "golang.org":
		n = 3
	case strings.Contains(host, "."):
		n = 2
	}
	if n < len(parts) && len(parts[n]) > 1 && parts[n][0] == 'v' && format.LineNumber([]byte(parts[n][1:])) > 1 {
		n++ // the major version of the module
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}
