package arch

import (
	"fmt"
	"math"
	mathbits "math/bits"
	"slices"

	"keepgreen/internal/ci"
)

// What makes a module a hub or a god module: far above its repository's median,
// and above a floor below which no module is large.
const (
	hubFanIn  = 8
	hubFanOut = 8
	godCode   = 800
	godFactor = 8
)

// shape is what can be said of every module without knowing what is circular.
type shape struct{ depth, reach, external []int }

func (n *net) shape() shape {
	s := shape{external: make([]int, n.size)}
	last := make([]int, n.size) // the dependency that was counted last: edges are sorted by where they lead
	for i := range n.graph.Imports {
		if e := &n.graph.Imports[i]; e.From < n.size && e.To >= n.size && last[e.From] != e.To {
			last[e.From] = e.To
			s.external[e.From]++
		}
	}
	s.depth, s.reach = n.levels()
	return s
}

// metrics measures every module of ours.
func (n *net) metrics(tangles []ci.Tangle, s shape) []ci.ModuleMetrics {
	out := make([]ci.ModuleMetrics, n.size)
	for from, list := range n.out {
		out[from].FanOut = len(list)
		for _, a := range list {
			out[a.to].FanIn++
		}
	}
	for _, t := range tangles {
		for _, m := range t.Modules {
			out[m].Tangled = out[m].Tangled || t.Kind.AtLoad()
		}
	}
	median := n.medianCode()
	for i := range out {
		m, module := &out[i], &n.graph.Modules[i]
		m.Module, m.Depth, m.Reach, m.External = i, s.depth[i], s.reach[i], s.external[i]
		if both := m.FanIn + m.FanOut; both > 0 {
			m.Instability = float64(m.FanOut) / float64(both)
		}
		if module.Classes > 0 {
			m.Abstractness = float64(module.Abstract) / float64(module.Classes)
		}
		m.Distance = math.Abs(m.Abstractness + m.Instability - 1)
		for k := range module.Defs {
			d := &module.Defs[k]
			if d.Kind == ci.DefFunction || d.Kind == ci.DefMethod {
				m.Complexity += d.Complexity
				m.Worst = max(m.Worst, d.Complexity)
			}
		}
		m.Hub = !module.Test && m.FanIn >= hubFanIn && m.FanOut >= hubFanOut
		m.God = !module.Test && module.Code >= max(godCode, godFactor*median)
	}
	return out
}

func (n *net) medianCode() int {
	var sizes []int
	for _, m := range n.graph.Modules[:n.size] {
		if !m.Test && m.Code > 0 {
			sizes = append(sizes, m.Code)
		}
	}
	if len(sizes) == 0 {
		return 0
	}
	slices.Sort(sizes)
	return sizes[len(sizes)/2]
}

// levels is, for each module, the longest chain of imports below it and how
// many modules load it. Both are worked out between components, whose members
// share them; the sets of those who load are bitsets, passed from importer to
// imported.
func (n *net) levels() (depth, reach []int) {
	arcs, all, at := n.upTo(ci.ImportConditional), n.load, n.loadAt
	level := make([]int, len(all))
	above := make([][]int32, len(all)) // components that import each, without repeats
	for c, modules := range all {      // what is imported comes first
		for _, m := range modules {
			for _, a := range arcs[m] {
				if d := at[a.to]; d != c {
					level[c] = max(level[c], level[d]+1)
					if list := above[d]; len(list) == 0 || list[len(list)-1] != int32(c) {
						above[d] = append(above[d], int32(c))
					}
				}
			}
		}
	}
	weight := make([]int, len(all)) // tests load what they test; that they do is no coupling
	for m, module := range n.graph.Modules[:n.size] {
		if !module.Test {
			weight[at[m]]++
		}
	}
	loaders := n.loaders(weight, above)
	depth, reach = make([]int, n.size), make([]int, n.size)
	for m, module := range n.graph.Modules[:n.size] {
		depth[m], reach[m] = level[at[m]], loaders[at[m]]
		if !module.Test {
			reach[m]--
		}
	}
	return depth, reach
}

// maxReach bounds the modules for which reach is worked out: the sets take
// modules² bits.
const maxReach = 60_000

// loaders counts, for each component, the modules in it and in all that load
// it. Importers have higher numbers, so one pass from the top has every set
// complete when it is needed; 4096 bits at a time keep it small.
func (n *net) loaders(weight []int, above [][]int32) []int {
	const words = 64
	count := make([]int, len(weight))
	if n.size > maxReach {
		return slices.Clone(weight)
	}
	set := make([][words]uint64, len(weight))
	for low := 0; low < len(weight); low += words * 64 {
		for c := len(weight) - 1; c >= 0; c-- {
			set[c] = [words]uint64{}
			if bit := c - low; bit >= 0 && bit < words*64 {
				set[c][bit/64] |= 1 << (bit % 64)
			}
			for _, from := range above[c] {
				for w := range words {
					set[c][w] |= set[from][w]
				}
			}
			for w, bits := range set[c] {
				for ; bits != 0; bits &= bits - 1 {
					count[c] += weight[low+w*64+mathbits.TrailingZeros64(bits)]
				}
			}
		}
	}
	return count
}

// instabilityGap is by how much a module must be less stable than its importer
// before that is worth a word; with less, one more import would turn it round.
const instabilityGap = 0.3

// instabilities finds imports that point from a stable module, on which many
// depend, to one that is much less so (Martin's stable dependencies principle).
func (n *net) instabilities(metrics []ci.ModuleMetrics) []ci.Violation {
	var out []ci.Violation
	for from, list := range n.out {
		for _, a := range list {
			m, to := metrics[from], metrics[a.to]
			if n.graph.Modules[from].Test || n.graph.Modules[from].Package || m.FanIn < 3 || !a.kind.AtLoad() || to.Instability-m.Instability < instabilityGap {
				continue
			}
			out = append(out, ci.Violation{
				Rule: "stable-dependencies", Kind: "stability", Chain: []int{from, a.to}, Edge: n.graph.Imports[a.edges[0]],
				Text: fmt.Sprintf("%s (instability %.2f) imports %s (%.2f)", n.graph.Modules[from].Name, m.Instability, n.graph.Modules[a.to].Name, to.Instability),
			})
		}
	}
	return out
}
