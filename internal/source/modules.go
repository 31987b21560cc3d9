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
	b := &builder{layout: layout, external: map[string]int{}}
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
	return Arrange(b.graph)
}

// builder collects the graph; indexes are provisional until sorted.
type builder struct {
	layout   Layout
	graph    ci.Graph
	external map[string]int
}

// maxWarnings bounds what is said about one repository.
const maxWarnings = 1000

func (b *builder) warn(file string, line int, format string, args ...any) {
	b.say(ci.Warning{Source: file, Line: line, Text: fmt.Sprintf(format, args...)})
}

func (b *builder) say(w ci.Warning) {
	if len(b.graph.Warnings) < maxWarnings {
		b.graph.Warnings = append(b.graph.Warnings, w)
	}
}

// edges are the imports of some files in a row. A dependency is an index of
// leaves as -1, -2 … until all files are read.
type edges struct {
	list   []ci.ImportEdge
	leaves []ci.Module
	at     map[string]int
	said   []ci.Warning
}

// add adds an edge, or a name to the edge before if the line made that already.
// room is how many names may follow.
func (x *edges) add(edge ci.ImportEdge, name string, room int) {
	if edge.From == edge.To {
		return
	}
	if n := len(x.list); n == 0 || !sameImport(x.list[n-1], edge) {
		if x.list = append(x.list, edge); name != "" {
			x.list[n].Names = make([]string, 0, room)
		}
	}
	if last := &x.list[len(x.list)-1]; name != "" {
		last.Names = append(last.Names, name)
	}
}

// sameImport reports whether two edges are one: the same line imports the same.
func sameImport(a, b ci.ImportEdge) bool {
	return a.From == b.From && a.To == b.To && a.Line == b.Line && a.Kind == b.Kind && a.File == b.File
}

// leaf stands for a dependency.
func (x *edges) leaf(name string, std bool) int {
	i, known := x.at[name]
	if !known {
		if x.at == nil {
			x.at = map[string]int{}
		}
		i = -len(x.leaves) - 1
		x.at[name] = i
		x.leaves = append(x.leaves, ci.Module{Name: name, External: true, Standard: std})
	}
	return i
}

// take puts the edges into the graph, their dependencies among its modules.
func (b *builder) take(x *edges) {
	place := make([]int, len(x.leaves))
	for i, leaf := range x.leaves {
		at, known := b.external[leaf.Name]
		if !known {
			at = len(b.graph.Modules)
			b.external[leaf.Name] = at
			b.graph.Modules = append(b.graph.Modules, leaf)
		}
		place[i] = at
	}
	for _, e := range x.list {
		if e.To < 0 {
			e.To = place[-e.To-1]
		}
		b.graph.Imports = append(b.graph.Imports, e)
	}
	for _, w := range x.said {
		b.say(w)
	}
}

// Arrange puts modules and edges, which may come in any order, into the one that
// ci.Graph promises, and makes one edge of those that are the same.
func Arrange(g ci.Graph) ci.Graph {
	order := make([]int, len(g.Modules))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		m, n := &g.Modules[x], &g.Modules[y]
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
	g.Imports = inOrder(g.Imports, place)
	return g
}

// inOrder renumbers edges and sorts them: by the module they come from in one
// pass, for there are few of each. Edges that are the same become one.
func inOrder(list []ci.ImportEdge, place []int) []ci.ImportEdge {
	next := make([]int, len(place)+1)
	for _, e := range list {
		next[place[e.From]+1]++
	}
	for i := range place {
		next[i+1] += next[i]
	}
	ends := slices.Clone(next[1:])
	out := make([]ci.ImportEdge, len(list))
	for _, e := range list {
		e.From, e.To = place[e.From], place[e.To]
		out[next[e.From]] = e
		next[e.From]++
	}
	start, n := 0, 0
	for _, end := range ends {
		group := out[start:end]
		slices.SortStableFunc(group, func(x, y ci.ImportEdge) int {
			return cmp.Or(cmp.Compare(x.To, y.To), cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Kind, y.Kind))
		})
		for _, e := range group {
			if n > 0 && sameImport(out[n-1], e) {
				out[n-1].Names = append(out[n-1].Names, e.Names...)
				continue
			}
			out[n] = e
			n++
		}
		start = end
	}
	out = out[:n]
	for i := range out {
		if names := out[i].Names; len(names) > 1 {
			slices.Sort(names)
			out[i].Names = slices.Compact(names)
		}
	}
	return out
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

// IsStandard reports whether Python's standard library has a module of this name.
func IsStandard(name string) bool { return standard[name] }

// IsTest reports whether a path is a test's or belongs to tests.
func IsTest(file string) bool {
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
