// Package arch understands an import graph: which modules hang together in
// cycles and what to cut, what everything depends on, where complexity meets
// churn, and how healthy that is on a scale with a published formula. It never
// enumerates cycles, whose number is exponential: a component of 33 real
// modules has 685,456 of them. It knows no language and reads nothing.
package arch

import (
	"cmp"
	"slices"

	"keepgreen/internal/ci"
)

// Input is what an analysis starts from.
type Input struct {
	Graph     ci.Graph
	History   ci.History
	Contracts []ci.Contract
}

// Analyse understands a graph.
func Analyse(in Input) ci.Architecture {
	a := ci.Architecture{Graph: in.Graph, History: in.History}
	n := newNet(in.Graph)
	a.Tangles = n.tangles()
	a.Metrics = n.metrics(a.Tangles)
	results, breaches := n.check(in.Contracts)
	a.Contracts, a.Violations = results, append(n.instabilities(a.Metrics), breaches...)
	a.Hotspots = hotspots(in.Graph, in.History)
	a.Coupled = coupled(in.Graph, in.History)
	a.Score = n.score(a)
	a.Advice = advise(a)
	return a
}

// net is the graph between modules of ours, one arc for each pair.
type net struct {
	graph ci.Graph
	size  int // modules of ours; they come first in the graph
	out   [][]arc
}

// arc is everything by which one module imports another.
type arc struct {
	to     int
	kind   ci.ImportKind // the most binding one
	weight int           // names that ride on it
	edges  []int         // indexes of Graph.Imports
}

func newNet(g ci.Graph) *net {
	n := &net{graph: g}
	for n.size < len(g.Modules) && !g.Modules[n.size].External {
		n.size++
	}
	n.out = make([][]arc, n.size)
	for i, e := range g.Imports {
		if e.From >= n.size || e.To >= n.size {
			continue
		}
		list := n.out[e.From]
		if len(list) == 0 || list[len(list)-1].to != e.To { // edges are sorted
			list = append(list, arc{to: e.To, kind: e.Kind})
		}
		last := &list[len(list)-1]
		last.edges = append(last.edges, i)
		last.weight += weigh(e)
		if binding(e.Kind) < binding(last.kind) {
			last.kind = e.Kind
		}
		n.out[e.From] = list
	}
	return n
}

// starWeight is what "import *" counts for: nobody knows what rides on it.
const starWeight = 5

func weigh(e ci.ImportEdge) int {
	if slices.Contains(e.Names, "*") {
		return starWeight
	}
	return max(len(e.Names), 1)
}

// binding orders kinds, the most binding first.
func binding(k ci.ImportKind) int {
	return slices.Index([]ci.ImportKind{ci.ImportRuntime, ci.ImportConditional, ci.ImportLazy, ci.ImportTyping}, k)
}

// upTo is the graph with the arcs that are at least as binding as kind.
func (n *net) upTo(kind ci.ImportKind) [][]arc {
	out := make([][]arc, n.size)
	for from, list := range n.out {
		for _, a := range list {
			if binding(a.kind) <= binding(kind) {
				out[from] = append(out[from], a)
			}
		}
	}
	return out
}

// byName orders indexes of modules; their order is the names' order.
func byName(a, b []int) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
}
