package arch

import (
	"cmp"
	"slices"

	"keepgreen/internal/ci"
)

// From which numbers on something is worth a word.
const (
	complexFunction = 10 // McCabe's own limit
	hardFunction    = 15 // cognitive, SonarSource's default
	coupledCommits  = 5
	coupledDegree   = 0.5
	maxHotspots     = 200
	maxCoupled      = 200
)

// hotspots ranks files by complexity × churn. Without history complexity alone
// ranks them.
func hotspots(g ci.Graph, h ci.History) []ci.Hotspot {
	churn := make(map[string]ci.Churn, len(h.Files))
	most := 0
	for _, c := range h.Files {
		churn[c.File] = c
		most = max(most, c.Commits)
	}
	var out []ci.Hotspot
	largest := 0
	for i := range g.Modules {
		m := &g.Modules[i]
		if m.External || m.Test {
			continue
		}
		for _, spot := range fileSpots(i, m) {
			spot.Churn = churn[spot.File]
			largest = max(largest, spot.Total)
			out = append(out, spot)
		}
	}
	for i := range out {
		out[i].Rank = float64(out[i].Total) / float64(max(largest, 1))
		if h.Known {
			out[i].Rank *= float64(out[i].Churn.Commits) / float64(max(most, 1))
		}
	}
	slices.SortStableFunc(out, func(a, b ci.Hotspot) int {
		return cmp.Or(cmp.Compare(b.Rank, a.Rank), cmp.Compare(b.Total, a.Total), cmp.Compare(a.File, b.File))
	})
	return out[:min(len(out), maxHotspots)]
}

// fileSpots sums up the functions of a module by file, whose functions stand together.
func fileSpots(index int, m *ci.Module) []ci.Hotspot {
	var out []ci.Hotspot
	for i := range m.Defs {
		d := &m.Defs[i]
		if d.Kind != ci.DefFunction && d.Kind != ci.DefMethod {
			continue
		}
		file := cmp.Or(d.File, m.File)
		if n := len(out); n == 0 || out[n-1].File != file {
			out = append(out, ci.Hotspot{File: file, Module: index})
		}
		spot := &out[len(out)-1]
		spot.Functions++
		spot.Total += d.Complexity
		if worse(d, &spot.Function) {
			spot.Function = *d
		}
	}
	return out
}

func worse(a, b *ci.Definition) bool {
	return cmp.Or(cmp.Compare(a.Cognitive, b.Cognitive), cmp.Compare(a.Complexity, b.Complexity)) > 0 || b.Name == ""
}

// coupled lists files that change together, and whether an import explains it.
func coupled(g ci.Graph, h ci.History) []ci.Coupled {
	if len(h.Pairs) == 0 {
		return nil
	}
	of := map[string]int{}
	for i, m := range g.Modules {
		if !m.External {
			of[m.File] = i
		}
	}
	joined := map[[2]int]bool{}
	for _, e := range g.Imports {
		joined[[2]int{e.From, e.To}] = true
	}
	var out []ci.Coupled
	for _, p := range h.Pairs {
		a, knownA := of[p.A]
		b, knownB := of[p.B]
		degree := float64(p.Together) / float64(max(p.OfA+p.OfB-p.Together, 1))
		if !knownA || !knownB || p.Together < coupledCommits || degree < coupledDegree {
			continue
		}
		out = append(out, ci.Coupled{CoChange: p, Degree: degree, Import: joined[[2]int{a, b}] || joined[[2]int{b, a}]})
	}
	slices.SortStableFunc(out, func(a, b ci.Coupled) int {
		return cmp.Or(cmp.Compare(b.Degree, a.Degree), cmp.Compare(b.Together, a.Together), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	return out[:min(len(out), maxCoupled)]
}
