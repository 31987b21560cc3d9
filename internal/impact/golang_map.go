package impact

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"strings"

	"keepgreen/internal/ci"
)

// GoRan notes that a Go test ran definitions of a file. Why says why that is not
// all that it ran; empty: it is.
func (r *Recording) GoRan(test ci.TestID, file string, defs []string, why string) {
	b := r.test(string(test))
	for _, d := range defs {
		b.defs[r.def(file, d)] = struct{}{}
	}
	if why != "" {
		b.why = why
	}
	r.collected[test] = true
	r.partly = true
}

// goBodies are the functions whose bodies changed, if nothing else did.
func (d Delta) goBodies() (names map[string]bool, only bool) {
	if d.Old == nil || d.New == nil || d.Broken {
		return nil, false
	}
	before, ok := withoutBodies(d.OldText)
	after, parses := withoutBodies(d.NewText)
	if !ok || !parses || !bytes.Equal(before, after) {
		return nil, false
	}
	names = map[string]bool{}
	old, now := byName(d.Old), byName(d.New)
	for name, g := range old {
		if h := now[name]; g.kind != ci.DefModule && (len(g.hashes) != len(h.hashes) || g.hashes[0] != h.hashes[0] || len(g.hashes) > 1) {
			names[name] = true
		}
	}
	return names, true
}

// withoutBodies is a Go file without the bodies of its functions and without
// comments, but for those that direct the compiler.
func withoutBodies(src []byte) ([]byte, bool) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, false
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			f.Body = nil
		}
	}
	var out bytes.Buffer
	if format.Node(&out, token.NewFileSet(), file) != nil {
		return nil, false
	}
	for line := range strings.Lines(string(src)) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "//go:") || strings.HasPrefix(text, "// +build") || strings.HasPrefix(text, "//export ") || strings.Contains(text, `"C"`) {
			out.WriteString(text + "\n")
		}
	}
	return out.Bytes(), true
}

// goRuns reports whether a Go test whose record is whole ran none of the
// functions whose bodies are all that changed in a file.
func (s *selection) goRuns(t Test, file string, bodies map[string]bool) (name string, runs bool) {
	row, recorded := s.in.Map.Row(t.ID)
	if !recorded || row.Why != "" {
		return "", true
	}
	for _, def := range row.Defs {
		if d := s.in.Map.Defs[def]; s.in.Map.Files[d.File] == file && bodies[d.Name] {
			return d.Name, true
		}
	}
	return "", false
}
