package arch

import (
	"strings"

	"keepgreen/internal/ci"
)

// Compare says what a change makes better or worse. Modules are the same if
// their names are.
func Compare(before, after ci.Architecture) ci.ArchitectureDelta {
	d := ci.ArchitectureDelta{Before: before.Score, After: after.Score}
	old, now := cycles(before), cycles(after)
	d.NewCycles, d.GoneCycles = missing(now, old), missing(old, now)
	edgesBefore, edgesAfter := edges(before.Graph), edges(after.Graph)
	for e := range edgesAfter {
		if !edgesBefore[e] {
			d.NewEdges++
		}
	}
	for e := range edgesBefore {
		if !edgesAfter[e] {
			d.GoneEdges++
		}
	}
	known := map[string]int{}
	for _, a := range before.Advice {
		known[a.Rule+"|"+a.Key]++
	}
	for _, a := range after.Advice {
		if known[a.Rule+"|"+a.Key] > 0 {
			known[a.Rule+"|"+a.Key]--
			continue
		}
		d.NewAdvice = append(d.NewAdvice, a)
	}
	for _, n := range known {
		d.GoneAdvice += n
	}
	return d
}

// cycles lists the shortest cycles at load by name.
func cycles(a ci.Architecture) [][]string {
	var out [][]string
	for _, t := range a.Tangles {
		if !t.Kind.AtLoad() {
			continue
		}
		for _, c := range t.Cycles {
			names := make([]string, len(c))
			for i, m := range c {
				names[i] = a.Graph.Modules[m].Name
			}
			out = append(out, names)
		}
	}
	return out
}

// missing lists what is in a and whose every step is not already in some cycle
// of b: a shorter way round does not make an old cycle a new one.
func missing(a, b [][]string) [][]string {
	steps := map[[2]string]bool{}
	for _, cycle := range b {
		for i, name := range cycle {
			steps[[2]string{name, cycle[(i+1)%len(cycle)]}] = true
		}
	}
	have := map[string]bool{}
	for _, cycle := range b {
		have[strings.Join(cycle, "\x00")] = true
	}
	var out [][]string
	for _, cycle := range a {
		fresh := false
		for i, name := range cycle {
			fresh = fresh || !steps[[2]string{name, cycle[(i+1)%len(cycle)]}]
		}
		if fresh && !have[strings.Join(cycle, "\x00")] {
			out = append(out, cycle)
		}
	}
	return out
}

func edges(g ci.Graph) map[[2]string]bool {
	out := map[[2]string]bool{}
	for _, e := range g.Imports {
		if !g.Modules[e.To].External {
			out[[2]string{g.Modules[e.From].Name, g.Modules[e.To].Name}] = true
		}
	}
	return out
}
