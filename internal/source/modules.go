package source

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// File is one file that was read.
type File struct {
	Path string // slash-separated, relative to the repository
	Facts
}

// Layout is what the files themselves do not say of how they become modules.
type Layout struct {
	Roots     []string          // folders that are on Python's path besides those that are found, e.g. "backend/src"
	Self      string            // what the repository's own folder is called, for when that is a package
	GoModules map[string]string // folder of each go.mod → its module path
	Strings   bool              // a string that is the dotted name of a module of ours counts as a lazy import
}

// Modules makes the import graph of files. Names are those that an import
// statement uses: folders that hold packages, "src" and "lib" are where they
// begin. Where one name stands for files in several such folders, the nearest
// one above the importing file is meant, and all of them if there is none.
func Modules(files []File, layout Layout) ci.Graph {
	b := &builder{layout: layout, external: map[string]int{}, edges: map[edgeKey]int{}}
	var python, golang []File
	for _, f := range files {
		switch path.Ext(f.Path) {
		case ".py", ".pyw":
			python = append(python, f)
		case ".go":
			golang = append(golang, f)
		}
	}
	byPath := func(a, b File) int { return cmp.Compare(a.Path, b.Path) }
	slices.SortFunc(python, byPath)
	slices.SortFunc(golang, byPath)
	b.python(python)
	b.golang(golang)
	return b.sorted()
}

// builder collects the graph; indexes are provisional until sorted.
type builder struct {
	layout   Layout
	graph    ci.Graph
	external map[string]int
	edges    map[edgeKey]int
}

type edgeKey struct {
	from, to, line int
	kind           ci.ImportKind
	file           string
}

// maxWarnings bounds what is said about one repository.
const maxWarnings = 1000

func (b *builder) warn(file string, line int, format string, args ...any) {
	if len(b.graph.Warnings) < maxWarnings {
		b.graph.Warnings = append(b.graph.Warnings, ci.Warning{Source: file, Line: line, Text: fmt.Sprintf(format, args...)})
	}
}

// add adds an edge, or a name to the edge that the line made already.
func (b *builder) add(edge ci.ImportEdge, name string) {
	if edge.From == edge.To {
		return
	}
	key := edgeKey{edge.From, edge.To, edge.Line, edge.Kind, edge.File}
	i, known := b.edges[key]
	if !known {
		i = len(b.graph.Imports)
		b.edges[key] = i
		b.graph.Imports = append(b.graph.Imports, edge)
	}
	if name != "" {
		b.graph.Imports[i].Names = append(b.graph.Imports[i].Names, name)
	}
}

// leaf is the module that stands for a dependency.
func (b *builder) leaf(name string, std bool) int {
	i, known := b.external[name]
	if !known {
		i = len(b.graph.Modules)
		b.external[name] = i
		b.graph.Modules = append(b.graph.Modules, ci.Module{Name: name, External: true, Standard: std})
	}
	return i
}

// sorted puts modules and edges into the order that Graph promises.
func (b *builder) sorted() ci.Graph {
	g := b.graph
	order := make([]int, len(g.Modules))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		m, n := g.Modules[x], g.Modules[y]
		if m.External != n.External {
			return map[bool]int{true: 1, false: -1}[m.External]
		}
		return cmp.Or(cmp.Compare(m.Name, n.Name), cmp.Compare(m.File, n.File))
	})
	place := make([]int, len(order))
	modules := make([]ci.Module, len(order))
	for to, from := range order {
		place[from], modules[to] = to, g.Modules[from]
	}
	g.Modules = modules
	for i := range g.Imports {
		e := &g.Imports[i]
		e.From, e.To = place[e.From], place[e.To]
		slices.Sort(e.Names)
		e.Names = slices.Compact(e.Names)
	}
	slices.SortFunc(g.Imports, func(x, y ci.ImportEdge) int {
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To), cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Kind, y.Kind))
	})
	return g
}

// describe fills in what a module's definitions say of it.
func describe(m *ci.Module, defs []ci.Definition) {
	for _, d := range defs {
		if d.Kind != ci.DefClass {
			continue
		}
		m.Classes++
		if d.Abstract {
			m.Abstract++
		}
	}
}

// isTest reports whether a path is a test's or belongs to tests.
func isTest(file string) bool {
	dir, base := path.Split(file)
	stem := strings.TrimSuffix(base, path.Ext(base))
	if stem == "conftest" || strings.HasPrefix(stem, "test_") || strings.HasSuffix(stem, "_test") {
		return true
	}
	for part := range strings.SplitSeq(dir, "/") {
		if part == "tests" || part == "test" || part == "testdata" {
			return true
		}
	}
	return false
}
