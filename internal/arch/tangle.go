package arch

import (
	"cmp"
	"slices"

	"keepgreen/internal/ci"
)

// components are the strongly connected components with more than one module,
// by Tarjan's algorithm without recursion: chains of 100,000 imports are no
// reason to fail. at maps each module to its component; components are
// numbered against the imports' direction, so that what is imported comes first.
func components(out [][]arc) (all [][]int, at []int) {
	const unseen = 0
	index, low := make([]int, len(out)), make([]int, len(out))
	on := make([]bool, len(out))
	at = make([]int, len(out))
	var stack []int
	type visit struct{ node, next int }
	counter := 0
	for root := range out {
		if index[root] != unseen {
			continue
		}
		calls := []visit{{root, 0}}
		for len(calls) > 0 {
			call := &calls[len(calls)-1]
			v := call.node
			if call.next == 0 {
				counter++
				index[v], low[v], on[v] = counter, counter, true
				stack = append(stack, v)
			}
			if call.next < len(out[v]) {
				w := out[v][call.next].to
				call.next++
				if index[w] == unseen {
					calls = append(calls, visit{w, 0})
				} else if on[w] {
					low[v] = min(low[v], index[w])
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				parent := calls[len(calls)-1].node
				low[parent] = min(low[parent], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			i := slices.Index(stack, v)
			one := slices.Clone(stack[i:])
			for _, w := range one {
				on[w], at[w] = false, len(all)
			}
			stack = stack[:i]
			slices.Sort(one)
			all = append(all, one)
		}
	}
	return all, at
}

// tangles finds what is circular, and says of each what it takes to close it: a
// component of the graph of run-time imports hurts at load; one that appears
// only with lazy or type-checking imports does not.
func (n *net) tangles() []ci.Tangle {
	var out []ci.Tangle
	tied := make([]bool, n.size) // in a tangle already that is more binding
	for _, kind := range []ci.ImportKind{ci.ImportConditional, ci.ImportLazy, ci.ImportTyping} {
		arcs := n.upTo(kind)
		all, at := n.load, n.loadAt
		if kind != ci.ImportConditional {
			all, at = components(arcs)
		}
		for c, modules := range all {
			if len(modules) < 2 || slices.ContainsFunc(modules, func(m int) bool { return tied[m] }) {
				continue
			}
			out = append(out, n.tangle(arcs, at, c, modules, kind))
		}
		for _, t := range out {
			for _, m := range t.Modules {
				tied[m] = true
			}
		}
	}
	slices.SortStableFunc(out, func(a, b ci.Tangle) int {
		return cmp.Or(cmp.Compare(binding(a.Kind), binding(b.Kind)), cmp.Compare(len(b.Modules), len(a.Modules)), slices.Compare(a.Modules, b.Modules))
	})
	return out
}

func (n *net) tangle(arcs [][]arc, at []int, c int, modules []int, kind ci.ImportKind) ci.Tangle {
	t := ci.Tangle{Modules: modules, Kind: kind}
	k := newKnot(arcs, at, c, modules)
	t.Edges = len(k.arcs)
	if kind == ci.ImportConditional && k.closes(ci.ImportRuntime) {
		t.Kind = ci.ImportRuntime
	}
	for _, cycle := range k.shortest() {
		for i := range cycle {
			cycle[i] = modules[cycle[i]]
		}
		t.Cycles = append(t.Cycles, cycle)
	}
	slices.SortFunc(t.Cycles, byName)
	for _, e := range k.cut() {
		cut := ci.Cut{From: modules[k.arcs[e].from], To: modules[k.arcs[e].to], Weight: (k.arcs[e].weight + unit - 1) / unit}
		for _, i := range k.arcs[e].edges {
			if binding(n.graph.Imports[i].Kind) <= binding(kind) {
				cut.Lines = append(cut.Lines, n.graph.Imports[i])
			}
		}
		t.Cuts = append(t.Cuts, cut)
		t.Weight += cut.Weight
	}
	slices.SortFunc(t.Cuts, func(a, b ci.Cut) int {
		return cmp.Or(cmp.Compare(a.Weight, b.Weight), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	t.AtLeast = k.atLeast(t.Weight)
	return t
}

// knot is one component with its modules numbered from 0.
type knot struct {
	size    int
	arcs    []tie
	out, in [][]int // indexes of arcs
}

// unit is the weight of one name. Of arcs with as many names the less binding
// one weighs a little less, so that it is the one that is cut.
const unit = 1 << 20

type tie struct {
	from, to, weight int // weight in units
	kind             ci.ImportKind
	edges            []int
}

func newKnot(arcs [][]arc, at []int, c int, modules []int) *knot {
	k := &knot{size: len(modules), out: make([][]int, len(modules)), in: make([][]int, len(modules))}
	place := make(map[int]int, len(modules))
	for i, m := range modules {
		place[m] = i
	}
	for i, m := range modules {
		for _, a := range arcs[m] {
			if at[a.to] != c {
				continue
			}
			j := place[a.to]
			k.out[i] = append(k.out[i], len(k.arcs))
			k.in[j] = append(k.in[j], len(k.arcs))
			k.arcs = append(k.arcs, tie{i, j, a.weight*unit - binding(a.kind), a.kind, a.edges})
		}
	}
	return k
}

// closes reports whether arcs of this kind alone make a cycle.
func (k *knot) closes(kind ci.ImportKind) bool {
	_, acyclic := k.order(func(e int) bool { return k.arcs[e].kind == kind })
	return !acyclic
}

// order is a topological order of the arcs that are kept; false: there is none.
func (k *knot) order(keep func(e int) bool) ([]int, bool) {
	degree := make([]int, k.size)
	for e, a := range k.arcs {
		if keep(e) {
			degree[a.to]++
		}
	}
	var sorted []int
	for v, d := range degree {
		if d == 0 {
			sorted = append(sorted, v)
		}
	}
	for i := 0; i < len(sorted); i++ {
		for _, e := range k.out[sorted[i]] {
			if !keep(e) {
				continue
			}
			if degree[k.arcs[e].to]--; degree[k.arcs[e].to] == 0 {
				sorted = append(sorted, k.arcs[e].to)
			}
		}
	}
	return sorted, len(sorted) == k.size
}

// searchBudget bounds the steps of all searches in one component; beyond it
// the modules that are left have no cycle of their own in the list.
const searchBudget = 200_000_000

// shortest finds the shortest cycle through each module, each cycle once, the
// smallest number first.
func (k *knot) shortest() [][]int {
	seen := map[string]bool{}
	var cycles [][]int
	budget := searchBudget
	from := make([]int, k.size)
	for v := 0; v < k.size && budget > 0; v++ {
		cycle := k.through(v, from, &budget)
		if cycle == nil {
			continue
		}
		i := slices.Index(cycle, slices.Min(cycle))
		cycle = append(slices.Clone(cycle[i:]), cycle[:i]...)
		if key := keyOf(cycle); !seen[key] {
			seen[key] = true
			cycles = append(cycles, cycle)
		}
	}
	return cycles
}

func keyOf(cycle []int) string {
	b := make([]byte, 0, 4*len(cycle))
	for _, v := range cycle {
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	return string(b)
}

// through is the shortest cycle through v by breadth-first search. from is
// scratch.
func (k *knot) through(v int, from []int, budget *int) []int {
	for i := range from {
		from[i] = -1
	}
	queue := []int{v}
	for i := 0; i < len(queue); i++ {
		w := queue[i]
		*budget -= len(k.out[w]) + 1
		for _, e := range k.out[w] {
			to := k.arcs[e].to
			if to == v {
				cycle := []int{w}
				for w != v {
					w = from[w]
					cycle = append(cycle, w)
				}
				slices.Reverse(cycle)
				return cycle
			}
			if from[to] < 0 {
				from[to] = w
				queue = append(queue, to)
			}
		}
	}
	return nil
}
