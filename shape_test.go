package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// anchors are the figures of the codebases that we learn from: lines a file
// (median, 90 %, longest), lines a function (median, 95 %, longest), share of
// functions over 60 lines, interfaces, comment share.
var anchors = []string{
	"actionlint    154/526/1342   9/53/160   4.0%   7  13%",
	"gotestsum      61/238/649   10/39/90    1.1%   8   8%",
	"govulncheck    81/260/580   12/51/198   3.3%   4  21%",
	"age           130/360/529   10/59/217   4.8%   3  13%",
	"perf           80/284/728   11/67/237   7.0%   9  26%",
}

// TestShape prints the shape of the code for a person to look at; "make shape"
// shows it. It judges nothing.
func TestShape(t *testing.T) {
	if !testing.Verbose() {
		t.Skip("prints a picture for people: make shape")
	}
	var s shape
	files := []string{"main.go"}
	for _, list := range packages(t) {
		files = append(files, list...)
	}
	slices.Sort(files)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			s.add(t, file)
		}
	}
	for _, line := range s.lines() {
		t.Log(line)
	}
}

// measured is a place with its number.
type measured struct {
	place string
	n     int
}

type shape struct {
	files, functions, params, nesting, fields []measured
	interfaces, inits, variables              []string
	undocumented                              []string
	code, comments                            int
}

func (s *shape) add(t *testing.T, file string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, file, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(source)) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case strings.HasPrefix(line, "//"):
			s.comments++
		default:
			lines++
		}
	}
	s.code += lines
	s.files = append(s.files, measured{file, lines})
	for _, decl := range syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			s.function(set, file, d)
		case *ast.GenDecl:
			s.declaration(file, d)
		}
	}
}

func (s *shape) function(set *token.FileSet, file string, d *ast.FuncDecl) {
	place := file + " " + d.Name.Name
	if d.Body != nil {
		s.functions = append(s.functions, measured{place, set.Position(d.Body.End()).Line - set.Position(d.Body.Pos()).Line + 1})
		s.nesting = append(s.nesting, measured{place, depth(d.Body)})
	}
	s.params = append(s.params, measured{place, d.Type.Params.NumFields()})
	if d.Name.Name == "init" {
		s.inits = append(s.inits, file)
	}
	if d.Name.IsExported() && d.Doc == nil {
		s.undocumented = append(s.undocumented, place)
	}
}

func (s *shape) declaration(file string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			place := file + " " + spec.Name.Name
			switch typ := spec.Type.(type) {
			case *ast.InterfaceType:
				s.interfaces = append(s.interfaces, place)
			case *ast.StructType:
				s.fields = append(s.fields, measured{place, typ.Fields.NumFields()})
			}
			if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
				s.undocumented = append(s.undocumented, place)
			}
		case *ast.ValueSpec:
			if d.Tok == token.VAR {
				s.variables = append(s.variables, file+" "+spec.Names[0].Name)
			}
		}
	}
}

// depth is how deep blocks are nested.
func depth(n ast.Node) int {
	deepest, open := 0, []ast.Node{}
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			open = open[:len(open)-1]
			return true
		}
		open = append(open, n)
		blocks := 0
		for _, o := range open {
			if _, ok := o.(*ast.BlockStmt); ok {
				blocks++
			}
		}
		deepest = max(deepest, blocks)
		return true
	})
	return deepest
}

func (s *shape) lines() []string {
	over := 0
	for _, f := range s.functions {
		if f.n > 60 {
			over++
		}
	}
	out := []string{
		"              file           function   > 60  ifaces  comments",
		fmt.Sprintf("keepgreen    %s  %s  %.1f%%  %d  %d%%    (%d files, %d lines of code)",
			quantiles(s.files, 90), quantiles(s.functions, 95), 100*float64(over)/float64(max(1, len(s.functions))),
			len(s.interfaces), 100*s.comments/max(1, s.code+s.comments), len(s.files), s.code),
	}
	out = append(out, anchors...)
	out = append(out, most("longest files", s.files)...)
	out = append(out, most("longest functions", s.functions)...)
	out = append(out, most("deepest nesting", s.nesting)...)
	out = append(out, most("most parameters", s.params)...)
	out = append(out, most("most fields", s.fields)...)
	out = append(out, list("interfaces", s.interfaces)...)
	out = append(out, list("init functions", s.inits)...)
	out = append(out, list("undocumented exports", s.undocumented)...)
	return append(out, fmt.Sprintf("package variables: %d", len(s.variables)))
}

func quantiles(in []measured, high int) string {
	sorted := slices.SortedFunc(slices.Values(in), func(a, b measured) int { return cmp.Compare(a.n, b.n) })
	if len(sorted) == 0 {
		return "-"
	}
	at := func(percent int) int { return sorted[min(len(sorted)-1, len(sorted)*percent/100)].n }
	return fmt.Sprintf("%d/%d/%d", at(50), at(high), sorted[len(sorted)-1].n)
}

func most(title string, in []measured) []string {
	sorted := slices.SortedStableFunc(slices.Values(in), func(a, b measured) int { return cmp.Compare(b.n, a.n) })
	out := []string{"", title}
	for _, m := range sorted[:min(6, len(sorted))] {
		out = append(out, fmt.Sprintf("%6d  %s", m.n, m.place))
	}
	return out
}

func list(title string, in []string) []string {
	out := []string{"", fmt.Sprintf("%s: %d", title, len(in))}
	for _, place := range in[:min(8, len(in))] {
		out = append(out, "        "+place)
	}
	return out
}
