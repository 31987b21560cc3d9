// Package arch understands an import graph: which modules hang together in
// cycles and what to cut, what everything depends on, where complexity meets
// churn, and how healthy that is on a scale with a published formula. It never
// enumerates cycles, whose number is exponential: a component of 33 real
// modules has 685,456 of them. It knows no language and reads nothing.
package arch

import (
	"cmp"
	"slices"
	"sync"

	"keepgreen/internal/ci"
)

// Input is what an analysis starts from.
type Input struct {
	Graph     ci.Graph
	History   ci.History
	Contracts []ci.Contract
	Findings  []ci.Diagnostic // of other tools
}

// Analyse understands a graph.
func Analyse(in Input) ci.Architecture {
	a := ci.Architecture{Graph: in.Graph, History: in.History}
	n := newNet(in.Graph)
	n.load, n.loadAt = components(n.upTo(ci.ImportConditional))
	var wait sync.WaitGroup
	var s shape
	wait.Go(func() { s = n.shape() })
	a.Tangles = n.tangles()
	wait.Wait()
	a.Metrics = n.metrics(a.Tangles, s)
	results, breaches := n.check(in.Contracts)
	a.Contracts, a.Violations = results, append(n.instabilities(a.Metrics), breaches...)
	a.Hotspots = hotspots(in.Graph, in.History)
	a.Coupled = coupled(in.Graph, in.History)
	a.Findings, a.Elsewhere = merge(in.Graph, in.Findings)
	a.Score = n.score(a)
	a.Advice = advise(a)
	return a
}

// net is the graph between modules of ours, one arc for each pair.
type net struct {
	graph ci.Graph
	size  int // modules of ours; they come first in the graph
	out   [][]arc

	load   [][]int // components of the imports that run at load, and …
	loadAt []int   // … which one each module is in
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
	for i := range g.Imports {
		e := &g.Imports[i]
		if e.From >= n.size || e.To >= n.size {
			continue
		}
		list := n.out[e.From]
		if len(list) == 0 || list[len(list)-1].to != e.To { // edges are sorted
			list = append(list, arc{to: e.To, kind: e.Kind})
		}
		last := &list[len(list)-1]
		last.edges = append(last.edges, i)
		last.weight += weigh(*e)
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
	switch k {
	case ci.ImportRuntime:
		return 0
	case ci.ImportConditional:
		return 1
	case ci.ImportLazy:
		return 2
	case ci.ImportTyping:
	}
	return 3
}

// upTo is the graph with the arcs that are at least as binding as kind.
func (n *net) upTo(kind ci.ImportKind) [][]arc {
	most, all := binding(kind), 0
	for _, list := range n.out {
		all += len(list)
	}
	out, flat := make([][]arc, n.size), make([]arc, 0, all)
	for from, list := range n.out {
		start := len(flat)
		for _, a := range list {
			if binding(a.kind) <= most {
				flat = append(flat, a)
			}
		}
		out[from] = flat[start:len(flat):len(flat)]
	}
	return out
}

// byName orders indexes of modules; their order is the names' order.
func byName(a, b []int) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
}
