package source

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// Go reads one Go file with the standard library's parser, which goes on after
// an error.
func Go(src []byte) Facts {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", src, parser.SkipObjectResolution)
	facts := Facts{Lines: strings.Count(string(src), "\n")}
	if err != nil {
		facts.Broken = goProblem(err)
	}
	if file == nil {
		return facts
	}
	facts.Package = file.Name.Name
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		imp := Import{Line: set.Position(spec.Pos()).Line, Module: name, Kind: ci.ImportRuntime}
		if spec.Name != nil {
			imp.As = spec.Name.Name
		}
		facts.Imports = append(facts.Imports, imp)
	}
	g := goReader{set: set, src: src, facts: &facts}
	g.measure()
	for _, decl := range file.Decls {
		g.declaration(decl)
	}
	return facts
}

func goProblem(err error) *Problem {
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		return &Problem{Line: max(list[0].Pos.Line, 1), Text: list[0].Msg}
	}
	return &Problem{Line: 1, Text: err.Error()}
}

// goReader turns declarations into definitions.
type goReader struct {
	set   *token.FileSet
	src   []byte
	facts *Facts
}

func (g *goReader) line(p token.Pos) int { return g.set.Position(p).Line }

// hashOf is the hash of the tokens from one offset to another.
func (g *goReader) hashOf(from, to token.Pos) uint64 {
	start, end := g.set.Position(from).Offset, min(g.set.Position(to).Offset, len(g.src))
	if start >= end {
		return 0
	}
	d, _ := goTokens(g.src[start:end])
	return uint64(d)
}

// goTokens hashes source text and counts its lines with code.
func goTokens(src []byte) (digest, int) {
	set := token.NewFileSet()
	file := set.AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, func(token.Position, string) {}, 0)
	var d digest
	code, last := 0, 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return d, code
		}
		d.word(uint64(tok))
		if tok == token.SEMICOLON { // written or not
			continue
		}
		d.bytes([]byte(lit))
		line := file.Line(pos)
		end := line + strings.Count(lit, "\n")
		code += end - max(line-1, last)
		last = end
	}
}

func (g *goReader) measure() {
	var d digest
	d, g.facts.Code = goTokens(g.src)
	g.facts.Defs = []ci.Definition{{Name: g.facts.Package, Kind: ci.DefModule, First: 1, Line: 1, Last: max(g.facts.Lines, 1), Hash: uint64(d), Complexity: 1}}
}

func (g *goReader) declaration(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		g.function(d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				_, describes := t.Type.(*ast.InterfaceType)
				g.facts.Defs = append(g.facts.Defs, ci.Definition{
					Name: t.Name.Name, Kind: ci.DefClass, First: g.line(t.Pos()), Line: g.line(t.Pos()), Last: g.line(t.End()),
					Hash: g.hashOf(t.Pos(), t.End()), Complexity: 1, Abstract: describes,
				})
			}
		}
	}
}

func (g *goReader) function(d *ast.FuncDecl) {
	def := ci.Definition{
		Name: d.Name.Name, Kind: ci.DefFunction, First: g.line(d.Pos()), Line: g.line(d.Pos()), Last: g.line(d.End()),
		Hash: g.hashOf(d.Pos(), d.End()), Complexity: 1, Params: d.Type.Params.NumFields(),
	}
	if d.Recv != nil && len(d.Recv.List) > 0 {
		def.Kind = ci.DefMethod
		def.Name = receiver(d.Recv.List[0].Type) + "." + def.Name
	}
	if d.Body != nil {
		w := goWeigher{def: &def, name: d.Name.Name, control: map[ast.Node]bool{}}
		w.block(d.Body, 0, 0)
	}
	g.facts.Defs = append(g.facts.Defs, def)
}

func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return "?"
}

// golang adds the packages and imports of Go files. A package's tests are part
// of it; a package of tests is a module of its own.
func (b *builder) golang(files []File) {
	at := map[string]int{}
	name := func(f File) string {
		n := b.importPath(path.Dir(f.Path))
		if strings.HasSuffix(f.Package, "_test") && strings.HasSuffix(f.Path, "_test.go") {
			n += "_test"
		}
		return n
	}
	for _, f := range files {
		n := name(f)
		i, known := at[n]
		if !known {
			i = len(b.graph.Modules)
			at[n] = i
			b.graph.Modules = append(b.graph.Modules, ci.Module{Name: n, File: path.Dir(f.Path), Test: true})
		}
		m := &b.graph.Modules[i]
		m.Test = m.Test && IsTest(f.Path)
		m.Code += f.Code
		if f.Broken != nil {
			m.Broken = f.Broken.Line
			b.warn(f.Path, f.Broken.Line, "does not parse: %s", f.Broken.Text)
		}
		defs := slices.Clone(f.Defs)
		for j := range defs {
			defs[j].File = f.Path
		}
		m.Defs = append(m.Defs, defs...)
		describe(m, defs)
	}
	x := &edges{}
	for _, f := range files {
		from := at[name(f)]
		for _, imp := range f.Imports {
			edge := ci.ImportEdge{From: from, Kind: imp.Kind, Line: imp.Line, File: f.Path}
			if to, ours := at[imp.Module]; ours {
				edge.To = to
			} else {
				edge.To = x.leaf(imp.Module, !strings.Contains(strings.SplitN(imp.Module, "/", 2)[0], "."))
			}
			x.add(edge, "", 0)
		}
	}
	b.take(x)
}

// importPath is what Go calls the package in a folder.
func (b *builder) importPath(dir string) string {
	for at := dir; ; at = path.Dir(at) {
		if module, ok := b.layout.GoModules[at]; ok {
			if at == "." {
				return path.Join(module, dir)
			}
			return path.Join(module, strings.TrimPrefix(dir, at))
		}
		if at == "." || at == "/" {
			return dir
		}
	}
}

// GoModulePath is the module path that a go.mod declares; empty: none.
func GoModulePath(src []byte) string {
	for line := range strings.Lines(string(src)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "module"); ok && strings.TrimLeft(rest, " \t") != rest {
			name, _, _ := strings.Cut(strings.TrimSpace(rest), "//")
			return strings.Trim(strings.TrimSpace(name), "\"`")
		}
	}
	return ""
}
