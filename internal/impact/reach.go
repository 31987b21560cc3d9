package impact

import (
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// reach is the import graph the other way round: who loads a file.
type reach struct {
	graph   ci.Graph
	at      map[string][]int // file, or folder of a Go package → modules
	loaders [][]loader       // by module: who loads it
	any     int              // stands for what a computed import may load: all but tests
	all     int              // and the same with tests
}

// loader is a module that loads another.
type loader struct {
	module int
	edge   int // index of graph.Imports; negative: see how
	how    string
}

// newReach adds to the imports of a graph what Python and pytest load without
// an import statement: the packages that a module is in, the conftest files
// above a test, plugins, and for a computed import whatever it may mean.
// Imports for the type checker alone are left out: nothing runs them.
func newReach(g ci.Graph, in Input) *reach {
	n := len(g.Modules)
	r := &reach{graph: g, at: make(map[string][]int, n), loaders: make([][]loader, n+2), any: n, all: n + 1}
	byName := make(map[string]int, n)
	for i, m := range g.Modules {
		if m.External {
			continue
		}
		byName[m.Name] = i
		r.at[m.File] = append(r.at[m.File], i)
	}
	for i, e := range g.Imports {
		if e.Kind != ci.ImportTyping && !g.Modules[e.To].External {
			r.link(e.From, e.To, i, "imports")
		}
	}
	for i, m := range g.Modules {
		if !m.External && path.Ext(m.File) == ".py" {
			r.python(i, m, in, byName)
		}
	}
	for _, l := range in.Links {
		for _, from := range r.at[l.From] {
			for _, to := range r.at[l.To] {
				r.link(from, to, -1, l.How)
			}
		}
	}
	return r
}

func (r *reach) link(from, to, edge int, how string) {
	if from != to {
		r.loaders[to] = append(r.loaders[to], loader{from, edge, how})
	}
}

// python adds what is loaded for one Python file.
func (r *reach) python(i int, m ci.Module, in Input, byName map[string]int) {
	dir := path.Dir(m.File)
	if m.Package {
		dir = path.Dir(dir)
	}
	for _, p := range r.at[path.Join(dir, "__init__.py")] {
		r.link(i, p, -1, "is in the package")
	}
	if in.Opaque[m.File] || m.Broken > 0 {
		to := r.any
		if m.Test {
			to = r.all
		}
		r.link(i, to, -1, "may load by a computed name")
	}
	r.link(r.all, i, -1, "may be")
	if !m.Test {
		r.link(r.any, i, -1, "may be")
	}
	if !in.Config.isTestFile(m.File) && !in.Config.Doctest {
		return
	}
	for _, file := range conftests(m.File) {
		for _, c := range r.at[file] {
			r.link(i, c, -1, "is collected with")
		}
	}
	for _, name := range in.Config.Plugins {
		if p, ok := byName[name]; ok {
			r.link(i, p, -1, "is run with the plugin")
		}
	}
}

// from walks from some modules to everything that loads them. The result has,
// for each module that does, the step that leads back to the start.
func (r *reach) from(start []int) map[int]loader {
	back := make(map[int]loader, 64)
	queue := make([]int, 0, 64)
	for _, m := range start {
		if _, seen := back[m]; !seen {
			back[m] = loader{module: -1}
			queue = append(queue, m)
		}
	}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		for _, l := range r.loaders[m] {
			if _, seen := back[l.module]; !seen {
				back[l.module] = loader{m, l.edge, l.how}
				queue = append(queue, l.module)
			}
		}
	}
	return back
}

// path is the way from a module to where a walk began.
func (r *reach) path(back map[int]loader, module int) []Step {
	var out []Step
	for at := module; ; {
		next := back[at]
		if next.module < 0 {
			return out
		}
		step := Step{From: r.file(at), To: r.file(next.module), How: next.how}
		if next.edge >= 0 {
			step.Line = r.graph.Imports[next.edge].Line
		}
		out = append(out, step)
		at = next.module
	}
}

func (r *reach) file(module int) string {
	if module >= len(r.graph.Modules) {
		return "any module"
	}
	return r.graph.Modules[module].File
}

// modules are the modules that a changed file is.
func (r *reach) modules(file string) []int {
	if strings.HasSuffix(file, ".go") {
		return r.at[path.Dir(file)]
	}
	return r.at[file]
}

// pathText is a path in one line.
func pathText(steps []Step) string {
	var parts []string
	for i, s := range steps {
		if i == 0 {
			parts = append(parts, s.From)
		}
		parts = append(parts, s.To)
	}
	parts = slices.Compact(parts)
	if n := len(parts); n > 5 {
		parts = slices.Concat(parts[:2], []string{"…"}, parts[n-2:])
	}
	return strings.Join(parts, " → ")
}
