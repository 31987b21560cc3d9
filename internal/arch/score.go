package arch

import (
	"math"

	"keepgreen/internal/ci"
)

// part is one row of the score: what is measured, the value that costs the
// whole weight, the weight in points, and how costs grow with the value.
type part struct {
	name, doc     string
	limit, weight float64
	curve         float64
	measure       func(n *net, a ci.Architecture) float64
}

// parts are the score: it is 10 minus each part's weight × (value / limit)^curve,
// never more than the weight. With a curve of ½ the first cycle costs more than
// the twentieth, and there is none that costs nothing. Nothing here sees
// comments, layout, names, history or tests. The limits and weights were chosen
// so that 35 well-known projects spread (docs/arch.md).
var parts = []part{
	{"import cycles", "share of the modules that are in a cycle at load", 1, 4, 0.5, cycleShare},
	{"cuts", "imports to remove until nothing is circular at load, for each module", 1, 1, 0.5, cutShare},
	{"reach", "share of the modules that a change to an average module may break", 0.6, 2, 1, propagation},
	{"complex functions", "share of all complexity that sits in functions above 10", 0.8, 1.5, 1, complexShare},
	{"god modules", "share of the code in modules of more than 800 lines of code", 1, 1, 1, godShare},
	{"stability", "share of the imports that point from a stable module to a much less stable one", 0.05, 0.5, 1, unstableShare},
}

// ours calls f for every module of ours that is no test.
func (n *net) ours(f func(i int, m *ci.Module)) {
	for i := range n.size {
		if m := &n.graph.Modules[i]; !m.Test {
			f(i, m)
		}
	}
}

func (n *net) score(a ci.Architecture) ci.HealthScore {
	count := 0
	n.ours(func(int, *ci.Module) { count++ })
	if count == 0 {
		return ci.HealthScore{}
	}
	s := ci.HealthScore{Known: true, Value: 10}
	for _, p := range parts {
		raw := p.measure(n, a)
		cost := p.weight * math.Pow(min(raw/p.limit, 1), p.curve)
		s.Value -= cost
		s.Parts = append(s.Parts, ci.ScorePart{Name: p.name, Doc: p.doc, Raw: raw, Limit: p.limit, Weight: p.weight, Curve: p.curve, Cost: cost})
	}
	return s
}

func ratio(x, of float64) float64 {
	if of == 0 {
		return 0
	}
	return x / of
}

func cycleShare(n *net, a ci.Architecture) float64 {
	tied, all := 0.0, 0.0
	n.ours(func(i int, _ *ci.Module) {
		all++
		if a.Metrics[i].Tangled {
			tied++
		}
	})
	return ratio(tied, all)
}

func cutShare(n *net, a ci.Architecture) float64 {
	cuts, all := 0.0, 0.0
	n.ours(func(int, *ci.Module) { all++ })
	for _, t := range a.Tangles {
		for _, c := range t.Cuts {
			if t.Kind.AtLoad() && !n.graph.Modules[c.From].Test {
				cuts++
			}
		}
	}
	return ratio(cuts, all)
}

// propagation is MacCormack's propagation cost, of the code without tests.
func propagation(n *net, a ci.Architecture) float64 {
	reach, all := 0.0, 0.0
	n.ours(func(i int, _ *ci.Module) {
		all++
		reach += float64(a.Metrics[i].Reach)
	})
	if all < 2 {
		return 0
	}
	return min(reach/(all*(all-1)), 1)
}

func complexShare(n *net, _ ci.Architecture) float64 {
	over, all := 0.0, 0.0
	n.ours(func(_ int, m *ci.Module) {
		for i := range m.Defs {
			d := &m.Defs[i]
			if d.Kind != ci.DefFunction && d.Kind != ci.DefMethod {
				continue
			}
			all += float64(d.Complexity)
			if d.Complexity > complexFunction {
				over += float64(d.Complexity)
			}
		}
	})
	return ratio(over, all)
}

func godShare(n *net, _ ci.Architecture) float64 {
	large, all := 0.0, 0.0
	n.ours(func(_ int, m *ci.Module) {
		all += float64(m.Code)
		if m.Code > godCode {
			large += float64(m.Code)
		}
	})
	return ratio(large, all)
}

func unstableShare(n *net, a ci.Architecture) float64 {
	wrong, all := 0.0, 0.0
	n.ours(func(i int, _ *ci.Module) { all += float64(a.Metrics[i].FanOut) })
	for _, v := range a.Violations {
		if v.Kind == "stability" {
			wrong++
		}
	}
	return ratio(wrong, all)
}

// Formula describes the score's parts, for the documentation.
func Formula() []ci.ScorePart {
	out := make([]ci.ScorePart, len(parts))
	for i, p := range parts {
		out[i] = ci.ScorePart{Name: p.name, Doc: p.doc, Limit: p.limit, Weight: p.weight, Curve: p.curve}
	}
	return out
}
