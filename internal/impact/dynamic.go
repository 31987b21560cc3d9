package impact

import (
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Dynamic is a map of who ran what, and what changed since it was made.
type Dynamic struct {
	*Map
	Since  []ci.FileChange  // everything that changed since
	Deltas map[string]Delta // by path: every Python file of it
	Go     map[string]Delta // and every Go file
	// Texts yields every Python file of the tree that is tested.
	Texts func(yield func(file string, text []byte)) error
}

// Delta is a Python file before and after.
type Delta struct {
	Old, New         []ci.Definition // nil: it was not there, or is gone
	OldText, NewText []byte
	Broken           bool // either does not parse: everything in it may have changed
}

// collected are the tests of a file that the map knows and that are still
// there: defined in the file, or, as ever, inherited or made by others.
func (d *Dynamic) collected(file string, defined map[string]bool) []ci.TestID {
	var out []ci.TestID
	prefix := file + "::"
	delta, changed := d.Deltas[file]
	was := map[string]bool{}
	for _, def := range delta.Old {
		was[def.Name] = true
	}
	i, _ := slices.BinarySearch(d.Map.Collected, ci.TestID(prefix))
	for ; i < len(d.Map.Collected) && strings.HasPrefix(string(d.Map.Collected[i]), prefix); i++ {
		id := d.Map.Collected[i]
		name := strings.ReplaceAll(string(id[len(prefix):]), "::", ".")
		class, _, method := strings.Cut(name, ".")
		if !changed || defined[name] || !was[name] && (!method || defined[class]) {
			out = append(out, id)
		}
	}
	return out
}

// dynamic is the work of selecting by a map.
type dynamic struct {
	*Dynamic
	s        *selection
	file     map[string]uint32
	names    map[string]*taintedName
	defs     map[Def]string    // tainted definitions → why
	closed   map[string]string // files whose loading is tainted → why
	todo     []string          // names that are to be looked for
	everyone string            // why every test is reached; empty: it is not
	seen     map[string]bool   // "from x import y" of what did not change
	words    map[string]bool   // words of the file that is weighed
	byFile   map[string][]ci.Definition
	from     map[string][]ci.ImportEdge // by the file that is imported
	origin   string                     // the changed file that is looked at
}

// taintedName is a name of which something depends on what changed.
type taintedName struct {
	origin   string          // the changed file
	anywhere bool            // a member or a fixture: no import says who means it
	removed  bool            // nobody binds it any more: what imports it fails
	files    map[string]bool // where the bare name means it; behind a dot and in strings it does everywhere
}

func newDynamic(s *selection) *dynamic {
	d := &dynamic{
		Dynamic: s.in.Map, s: s, file: map[string]uint32{}, names: map[string]*taintedName{}, defs: map[Def]string{}, closed: map[string]string{},
		byFile: map[string][]ci.Definition{},
	}
	for i, f := range d.Files {
		d.file[f] = uint32(i)
	}
	for _, m := range s.in.Graph.Modules {
		if !m.External && len(m.Defs) > 0 && path.Ext(m.File) != "" {
			d.byFile[m.File] = m.Defs
		}
	}
	return d
}

// links are the imports that were seen to happen.
func (d *Dynamic) links() []Link {
	var out []Link
	for _, l := range d.Loads {
		for _, by := range l.By {
			out = append(out, Link{d.Files[by], d.Files[l.File], "loads"})
		}
	}
	return out
}

// select finds every test that a change since the map can reach.
func (d *dynamic) selectTests() {
	for _, file := range sortedKeys(d.Deltas) {
		d.origin = file
		d.delta(file, d.Deltas[file])
	}
	for len(d.todo) > 0 && d.everyone == "" {
		names := d.todo
		d.todo = nil
		d.mentions(names)
	}
	d.apply()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
