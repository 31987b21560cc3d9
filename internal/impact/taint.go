package impact

import (
	"slices"

	"keepgreen/internal/ci"
)

// taint marks a definition: who ran it is reached.
func (d *dynamic) taint(def Def, file, why string) {
	i, known := d.file[file]
	if !known {
		return
	}
	def.File = i
	if _, seen := d.defs[def]; !seen {
		d.defs[def] = why
	}
}

// close marks the loading of a file: whoever loads it is reached.
func (d *dynamic) close(file, why string) {
	if _, seen := d.closed[file]; !seen {
		d.closed[file] = why
	}
}

// name marks a name of a module, and of those that import it from there; an
// empty file means that it may be meant anywhere.
func (d *dynamic) name(n, file string) {
	if n == "" || n == "*" {
		return
	}
	t, known := d.names[n]
	if !known {
		t = &taintedName{origin: d.origin, files: map[string]bool{}}
		d.names[n] = t
	}
	switch {
	case t.anywhere, file != "" && t.files[file]:
		return
	case file == "":
		t.anywhere = true
	default:
		d.importers(n, file, t.files)
	}
	d.todo = append(d.todo, n)
}

// importers adds the files in which the bare name means what it does in one.
func (d *dynamic) importers(n, file string, files map[string]bool) {
	if d.from == nil {
		d.from = map[string][]ci.ImportEdge{}
		for _, e := range d.s.in.Graph.Imports {
			if to := d.s.in.Graph.Modules[e.To]; !to.External {
				d.from[to.File] = append(d.from[to.File], e)
			}
		}
	}
	queue := []string{file}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if files[at] {
			continue
		}
		files[at] = true
		for _, e := range d.from[at] {
			if slices.Contains(e.Names, n) || slices.Contains(e.Names, "*") {
				queue = append(queue, d.s.in.Graph.Modules[e.From].File)
			}
		}
	}
}
