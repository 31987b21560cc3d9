package source

import (
	"cmp"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"keepgreen/internal/ci"
)

// resolver knows where Python finds a module.
type resolver struct {
	files   map[string]int      // path without ".py" or "/__init__.py" → module
	dirs    map[string]bool     // folders that hold Python files, at any depth
	pkgs    map[string]bool     // folders with an __init__.py
	first   map[string][]string // first part of a dotted name → roots that have it
	self    string              // what the repository's root is called, where that is a package
	local   map[string]bool     // folders that are roots only for the files below them
	scratch map[lookup][]found  // of one goroutine
}

// lookup is a dotted name as seen from a folder.
type lookup struct{ dir, name string }

// found is where a dotted name leads.
type found struct {
	path   string // without suffix
	module int    // -1: a folder without an __init__.py
	whole  bool   // every part of the name was found
	last   string // the last part of the name, where it alone was not found
}

// python adds the modules and imports of Python files.
func (b *builder) python(files []File) {
	r := &resolver{files: map[string]int{}, dirs: map[string]bool{}, pkgs: map[string]bool{}, first: map[string][]string{}, local: map[string]bool{}, scratch: map[lookup][]found{}}
	for i, f := range files {
		r.enter(f.Path, i)
	}
	if r.pkgs["."] {
		r.self = b.layout.Self
	}
	r.findRoots(files, b.layout.Roots)
	start := len(b.graph.Modules)
	taken := map[string]bool{}
	for _, f := range files {
		m := ci.Module{Name: r.name(f.Path), File: f.Path, Package: path.Base(f.Path) == "__init__.py", Test: IsTest(f.Path), Code: f.Code, Defs: f.Defs}
		for _, name := range []string{m.Name, strings.ReplaceAll(key(f.Path), "/", "."), f.Path} {
			if m.Name = name; name != "" && !taken[name] {
				break
			}
		}
		taken[m.Name] = true
		if f.Broken != nil {
			m.Broken = f.Broken.Line
			b.warn(f.Path, f.Broken.Line, "does not parse: %s", f.Broken.Text)
		}
		describe(&m, f.Defs)
		b.graph.Modules = append(b.graph.Modules, m)
	}
	b.resolve(r, files, start)
}

// resolveChunk is how many files are resolved in a row; more share a resolver's memory.
const resolveChunk = 1024

// resolve adds the edges of files, some of them at the same time. What comes out
// is in the order of the files.
func (b *builder) resolve(r *resolver, files []File, start int) {
	done := make([]edges, (len(files)+resolveChunk-1)/resolveChunk)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(done)) {
		wait.Go(func() {
			own := *r
			own.scratch = map[lookup][]found{}
			for {
				n := int(next.Add(1)) - 1
				if n >= len(done) {
					return
				}
				p := pythonEdges{edges: &done[n], r: &own, start: start}
				first := n * resolveChunk
				for i, f := range files[first:min(first+resolveChunk, len(files))] {
					p.file(f, start+first+i, b.layout.Strings)
				}
			}
		})
	}
	wait.Wait()
	n := len(b.graph.Imports)
	for i := range done {
		n += len(done[i].list)
	}
	b.graph.Imports = slices.Grow(b.graph.Imports, n)
	for i := range done {
		b.take(&done[i])
	}
}

// key is a module's path without what marks it as Python.
func key(file string) string {
	dir, base := path.Split(file)
	if base == "__init__.py" {
		return path.Clean(dir)
	}
	return dir + strings.TrimSuffix(base, path.Ext(base))
}

func (r *resolver) enter(file string, module int) {
	k := key(file)
	dir := path.Dir(file)
	if path.Base(file) == "__init__.py" {
		r.pkgs[dir] = true
		r.files[k] = module // a package comes before a module of the same name
	} else if _, taken := r.files[k]; !taken {
		r.files[k] = module
	}
	for ; !r.dirs[dir]; dir = path.Dir(dir) {
		r.dirs[dir] = true
		if dir == "." {
			break
		}
	}
}

// sourceFolders are folders that are roots by their name.
var sourceFolders = []string{"src", "lib", "python"}

// findRoots finds the folders that module names begin in: the repository
// itself, those that hold a package and are none, those with a name that says
// so. A folder of scripts, or with a conftest.py, is one for what is below it.
func (r *resolver) findRoots(files []File, given []string) {
	roots := map[string]bool{}
	if !r.pkgs["."] {
		roots["."] = true
	}
	for _, dir := range given {
		roots[path.Clean(dir)] = true
	}
	for dir := range r.dirs {
		parent := path.Dir(dir)
		switch {
		case r.inPackage(parent):
		case r.pkgs[dir]:
			roots[parent] = true
		case slices.Contains(sourceFolders, path.Base(dir)):
			roots[dir] = true
		}
	}
	for _, f := range files {
		if dir := path.Dir(f.Path); !roots[dir] && !r.inPackage(dir) {
			roots[dir], r.local[dir] = true, true
		}
	}
	for dir := range roots {
		r.local[dir] = r.local[dir] || dir != "." && aside(dir) && !slices.Contains(given, dir)
	}
	r.children(roots)
}

// inPackage reports whether a folder is a package or within one.
func (r *resolver) inPackage(dir string) bool {
	for ; ; dir = path.Dir(dir) {
		if r.pkgs[dir] {
			return true
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// aside reports whether a folder holds examples, tests or their data, whose
// packages the rest of the repository does not mean by an import.
func aside(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		switch part {
		case "test", "tests", "testing", "testdata", "test_data", "fixtures", "fixture", "data", "example", "examples", "samples", "demo", "demos", "templates", "doc", "docs", "benchmarks", "functional":
			return true
		}
	}
	return false
}

// children notes which names begin in which root.
func (r *resolver) children(roots map[string]bool) {
	note := func(child string) {
		if dir := path.Dir(child); roots[dir] && child != "." {
			r.first[path.Base(child)] = append(r.first[path.Base(child)], dir)
		}
	}
	for k := range r.files {
		if !r.dirs[k] {
			note(k)
		}
	}
	for dir := range r.dirs {
		note(dir)
	}
	for _, list := range r.first { // the deepest first: the nearest root above a file is the first that fits
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	}
}

// name is what an import statement calls the file.
func (r *resolver) name(file string) string {
	k := key(file)
	root, inside := path.Dir(k), false
	for dir := k; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if r.pkgs[dir] { // the topmost one counts: a folder within it needs no __init__.py
			root, inside = path.Dir(dir), true
		}
	}
	if r.self != "" {
		return strings.ReplaceAll(path.Join(r.self, k), "/", ".")
	}
	// A namespace package: its folder has no __init__.py, but one above it is a root by name.
	for dir := root; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if slices.Contains(sourceFolders, path.Base(dir)) && !r.pkgs[dir] {
			root = dir
			break
		}
	}
	if root != "." && !inside && !slices.Contains(sourceFolders, path.Base(root)) {
		root = "." // a script or a test in a plain folder goes by its path
	}
	if root != "." {
		k = strings.TrimPrefix(k, root+"/")
	}
	return strings.ReplaceAll(k, "/", ".")
}

// above reports whether root is dir or above it.
func above(root, dir string) bool {
	return root == "." || dir == root || strings.HasPrefix(dir, root) && dir[len(root)] == '/'
}

// absolute finds a dotted name as an import in a file of dir means it.
func (r *resolver) absolute(dir, name string) []found {
	head, rest, _ := strings.Cut(name, ".")
	if r.self != "" && head == r.self {
		return r.below(rest)
	}
	roots := r.first[head]
	if len(roots) == 0 {
		return nil
	}
	at := lookup{dir, name}
	if len(roots) == 1 && !r.local[roots[0]] {
		at.dir = "" // it is the same from everywhere
	}
	if hits, known := r.scratch[at]; known {
		return hits
	}
	var hits []found
	for _, root := range roots {
		near := above(root, dir)
		if !near && r.local[root] || near && root != dir && r.local[root] && !r.reaches(root) {
			continue
		}
		hit, ok := r.walk(root, name)
		if !ok {
			continue
		}
		if near && hit.whole {
			hits = []found{hit}
			break
		}
		hits = append(hits, hit)
	}
	if slices.ContainsFunc(hits, func(f found) bool { return f.whole }) {
		hits = slices.DeleteFunc(hits, func(f found) bool { return !f.whole })
	}
	r.scratch[at] = hits
	return hits
}

// below finds what follows the name of a repository that is itself a package.
func (r *resolver) below(rest string) []found {
	module, ok := r.files["."]
	if rest == "" && ok {
		return []found{{path: ".", module: module, whole: true}}
	}
	hit, _ := r.walk(".", rest)
	return []found{hit}
}

// reaches reports whether a folder is on the path of tests further down: pytest
// puts those with a conftest.py there, and those that hold a package.
func (r *resolver) reaches(dir string) bool {
	_, conftest := r.files[path.Join(dir, "conftest")]
	return conftest || aside(dir)
}

// walk follows a dotted name from a folder as far as there are files.
func (r *resolver) walk(from, name string) (found, bool) {
	hit := found{path: from, module: -1}
	for part := range strings.SplitSeq(name, ".") {
		next := part
		if hit.path != "." {
			next = hit.path + "/" + part
		}
		module, isModule := r.files[next]
		if !isModule && !r.dirs[next] {
			if part == name[strings.LastIndexByte(name, '.')+1:] && len(hit.path)+1+len(part) == len(next) && strings.HasSuffix(path.Join(from, strings.ReplaceAll(name, ".", "/")), next) {
				hit.last = part
			}
			return hit, hit.path != from
		}
		hit.path, hit.module = next, module
		if !isModule {
			hit.module = -1
		}
	}
	hit.whole = true
	return hit, true
}

// pythonEdges resolves the imports of Python files.
type pythonEdges struct {
	*edges
	r     *resolver
	start int // where the Python modules begin in the graph
}

// file adds the edges of one file.
func (p *pythonEdges) file(f File, from int, literals bool) {
	for _, imp := range f.Imports {
		p.imported(f, from, imp)
	}
	if literals {
		p.strings(f, from)
	}
}

// imported adds the edges of one import.
func (p *pythonEdges) imported(f File, from int, imp Import) {
	edge := ci.ImportEdge{From: from, Kind: imp.Kind, Line: imp.Line, Dynamic: imp.Dynamic}
	dir := path.Dir(f.Path)
	var hits []found
	if imp.Level > 0 {
		for range imp.Level - 1 {
			dir = path.Dir(dir)
		}
		hits = []found{{path: dir, module: -1, whole: true}}
		if module, ok := p.r.files[dir]; ok && p.r.pkgs[dir] {
			hits[0].module = module
		}
		if imp.Module != "" {
			hit, _ := p.r.walk(dir, imp.Module)
			hits[0] = hit
		}
	} else if hits = p.r.absolute(dir, imp.Module); len(hits) == 0 {
		head, _, _ := strings.Cut(imp.Module, ".")
		edge.To = p.leaf(head, standard[head])
		p.addNames(edge, imp)
		return
	}
	for _, hit := range hits {
		switch {
		case !hit.whole && len(imp.Names) == 0 && !imp.Star && hit.last != "" && hit.module >= 0:
			edge.To = p.start + hit.module // an extension module, most often: its package is loaded
			p.add(edge, hit.last, 1)
			continue
		case !hit.whole:
			p.nowhere(f, imp)
			continue
		}
		p.named(edge, hit, imp)
	}
}

// nowhere notes an import of ours that no file answers: generated code, an
// extension module, or a mistake.
func (p *pythonEdges) nowhere(f File, imp Import) {
	if len(p.said) < maxWarnings {
		text := strings.Repeat(".", min(imp.Level, maxName)) + imp.Module + " is imported and is no file here"
		p.said = append(p.said, ci.Warning{Source: f.Path, Line: imp.Line, Text: text})
	}
}

func (p *pythonEdges) addNames(edge ci.ImportEdge, imp Import) {
	switch {
	case imp.Star:
		p.add(edge, "*", 1)
	case len(imp.Names) == 0:
		p.add(edge, "", 0)
	}
	for _, name := range imp.Names {
		p.add(edge, name.Name, len(imp.Names))
	}
}

// named adds an edge to the module, or for "from p import n" to p.n where
// that is a module, as grimp and import-linter do: that p is loaded too follows
// from the name.
func (p *pythonEdges) named(edge ci.ImportEdge, hit found, imp Import) {
	if imp.Star || len(imp.Names) == 0 {
		if edge.To = p.start + hit.module; hit.module >= 0 {
			p.addNames(edge, imp)
		}
		return
	}
	for _, name := range imp.Names {
		child := path.Join(hit.path, name.Name)
		if module, ok := p.r.files[child]; ok && p.r.dirs[hit.path] {
			edge.To = p.start + module
			p.add(edge, "", 0)
		} else if hit.module >= 0 {
			edge.To = p.start + hit.module
			p.add(edge, name.Name, len(imp.Names))
		}
	}
}

// strings adds a lazy edge for every string that names a module of ours,
// or something in one.
func (p *pythonEdges) strings(f File, from int) {
	for _, s := range f.Strings {
		head, _, _ := strings.Cut(s.Text, ".")
		if len(p.r.first[head]) == 0 || standard[head] {
			continue
		}
		for _, hit := range p.r.absolute(path.Dir(f.Path), s.Text) {
			if hit.module >= 0 {
				p.add(ci.ImportEdge{From: from, To: p.start + hit.module, Kind: ci.ImportLazy, Line: s.Line, Dynamic: true}, "", 0)
			}
		}
	}
}
