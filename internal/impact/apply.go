package impact

import (
	"cmp"
	"fmt"
	"path"
	"strings"
)

// apply selects the tests that what is tainted reaches.
func (d *dynamic) apply() {
	tainted := make([]bool, len(d.Defs))
	why := make([]string, len(d.Defs))
	mark := func(def uint32, because string) {
		if !tainted[def] {
			tainted[def], why[def] = true, because
		}
	}
	for i, def := range d.Defs {
		if because, ok := d.defs[def]; ok {
			mark(uint32(i), because)
		}
	}
	for _, l := range d.Loads { // what ran while a module was loaded is part of it
		for _, def := range l.Defs {
			if tainted[def] && d.Defs[def].Name != "<module>" {
				d.close(d.Files[l.File], fmt.Sprintf("%s runs %s::%s when it is loaded", d.Files[l.File], d.Files[d.Defs[def].File], d.Defs[def].Name))
				break
			}
		}
	}
	for _, def := range d.Session.Defs {
		if tainted[def] {
			d.everyone = fmt.Sprintf("%s::%s runs between tests, and %s", d.Files[d.Defs[def].File], d.Defs[def].Name, why[def])
		}
	}
	loaders := d.loaders()
	through := make([]bool, len(d.Files))
	for i, f := range d.Files {
		_, through[i] = loaders[f]
	}
	unrecorded := map[int]bool{}
	for i, t := range d.s.u.tests {
		if !d.applyTo(i, t, tainted, why, through, loaders) {
			unrecorded[i] = true
		}
	}
	d.static(unrecorded)
	d.renamed()
}

// loaders walks from the files whose loading is tainted to all who load them.
func (d *dynamic) loaders() map[string]reached {
	out := map[string]reached{}
	for _, file := range sortedKeys(d.closed) {
		for _, r := range []*reach{d.s.now, d.s.before} {
			if r == nil {
				continue
			}
			back := r.from(r.modules(file))
			for module := range back {
				if name := r.file(module); out[name].why == "" {
					out[name] = reached{r, back, module, d.closed[file]}
				}
			}
		}
		if out[file].why == "" {
			out[file] = reached{why: d.closed[file]}
		}
	}
	for _, l := range d.Loads {
		if because, ok := d.closed[d.Files[l.File]]; ok && l.Anyone && !d.byItself(d.Files[l.File]) {
			d.everyone = cmp.Or(d.everyone, because+", and it is loaded for every test")
		}
	}
	return out
}

// reached is a file that loads a tainted one.
type reached struct {
	r      *reach
	back   map[int]loader
	module int
	why    string
}

// byItself reports whether pytest loads a file for the tests in its folder only.
func (d *dynamic) byItself(file string) bool {
	base := path.Base(file)
	return base == "conftest.py" || base == "__init__.py" || d.s.in.Config.isTestFile(file)
}

// applyTo selects one test, if anything tainted reaches it. Recorded is false
// where nobody knows what it does.
func (d *dynamic) applyTo(i int, t Test, tainted []bool, why []string, through []bool, loaders map[string]reached) (recorded bool) {
	if d.everyone != "" {
		return d.s.choose(i, KindRuns, d.everyone, nil) || true
	}
	row, recorded := d.Row(t.ID)
	for _, def := range row.Defs {
		if tainted[def] {
			d.ran(i, t, d.Files[d.Defs[def].File]+"::"+d.Defs[def].Name, why[def])
			return true
		}
	}
	file := t.File
	from, hit := loaders[file]
	for k := 0; !hit && k < len(row.Defs); k++ {
		if f := d.Defs[row.Defs[k]].File; through[f] {
			file = d.Files[f]
			from, hit = loaders[file]
		}
	}
	for k := 0; !hit && k < len(row.Loads); k++ {
		file = d.Files[row.Loads[k]]
		from, hit = loaders[file]
	}
	switch {
	case hit:
		d.s.choose(i, KindImport, "it loads "+file+": "+from.why, d.steps(t, file, from))
	case row.Why != "" && len(d.Deltas) > 0:
		d.s.choose(i, KindAlways, "what it does cannot be recorded: "+row.Why, nil)
	}
	return recorded
}

// ran selects a test for a tainted definition that ran in it.
func (d *dynamic) ran(i int, t Test, name, why string) {
	kind, because := KindRuns, "it runs "+name+": "+why
	switch {
	case strings.HasPrefix(why, name):
		because = "it runs " + why
	case strings.HasPrefix(why, "it mentions"):
		kind = KindNames
	}
	d.s.choose(i, kind, because, []Step{{From: string(t.ID), To: name, How: "runs"}})
}

func (d *dynamic) steps(t Test, file string, from reached) []Step {
	var out []Step
	if file != t.File {
		out = append(out, Step{From: string(t.ID), To: file, How: "runs code of"})
	}
	if from.r != nil {
		out = append(out, from.r.path(from.back, from.module)...)
	}
	return out
}

// static selects the tests that nobody recorded by what they import.
func (d *dynamic) static(unrecorded map[int]bool) {
	if len(unrecorded) == 0 {
		return
	}
	for _, file := range sortedKeys(d.Deltas) {
		for _, r := range []*reach{d.s.now, d.s.before} {
			if r != nil {
				d.s.importers(r, file, func(test int) bool { return unrecorded[test] })
			}
		}
	}
}

// renamed selects the whole file of a test that is inherited from where its
// name is gone: it may not be there any more, and pytest refuses a name that is
// not.
func (d *dynamic) renamed() {
	gone := map[string]bool{}
	for _, delta := range d.Deltas {
		now := byName(delta.New)
		for _, def := range delta.Old {
			if _, there := now[def.Name]; !there {
				gone[last(def.Name)] = true
			}
		}
	}
	if len(gone) == 0 {
		return
	}
	for _, t := range d.s.u.tests {
		id := string(t.ID)
		if !gone[id[strings.LastIndexByte(id, ':')+1:]] {
			continue
		}
		for _, other := range d.s.u.byFile[t.File] {
			d.s.choose(other, KindNames, "a test that its file inherited may be gone", nil)
		}
	}
}
