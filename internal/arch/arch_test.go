package arch_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/arch"
	"keepgreen/internal/ci"
)

// graph makes a graph of "a>b" (run-time), "a?b" (conditional), "a~b" (lazy)
// and "a:b" (type checking); "a>b*3" has three names on it.
func graph(edges ...string) ci.Graph {
	var g ci.Graph
	kinds := map[byte]ci.ImportKind{'>': ci.ImportRuntime, '?': ci.ImportConditional, '~': ci.ImportLazy, ':': ci.ImportTyping}
	at := map[string]int{}
	var names []string
	for _, e := range edges {
		e, _, _ = strings.Cut(e, "*")
		i := strings.IndexAny(e, ">?~:")
		names = append(names, e[:i], e[i+1:])
	}
	slices.Sort(names)
	for i, name := range slices.Compact(names) {
		at[name] = i
		g.Modules = append(g.Modules, ci.Module{Name: name, File: name + ".py", Code: 10})
	}
	for line, e := range edges {
		e, count, _ := strings.Cut(e, "*")
		n := 1
		fmt.Sscan(count, &n)
		i := strings.IndexAny(e, ">?~:")
		edge := ci.ImportEdge{From: at[e[:i]], To: at[e[i+1:]], Kind: kinds[e[i]], Line: line + 1}
		for k := range n {
			edge.Names = append(edge.Names, fmt.Sprintf("n%d", k))
		}
		g.Imports = append(g.Imports, edge)
	}
	slices.SortFunc(g.Imports, func(a, b ci.ImportEdge) int {
		return slices.Compare([]int{a.From, a.To, a.Line}, []int{b.From, b.To, b.Line})
	})
	return g
}

func analyse(edges ...string) ci.Architecture {
	return arch.Analyse(arch.Input{Graph: graph(edges...)})
}

func TestTangles(t *testing.T) {
	for _, c := range []struct {
		name  string
		edges string
		want  []string // kind, modules, cycles, cuts
	}{
		{"a chain has none", "a>b b>c a>c", nil},
		{"the import with fewer names is cut", "a>b*3 b>a", []string{"runtime [a b] cycles [[a b]] cuts [b>a] 1 of 1"}},
		{"two statements weigh as two", "a>b a>b b>a*3", []string{"runtime [a b] cycles [[a b]] cuts [a>b] 2 of 2"}},
		{"a lazy way back is harmless", "a>b b~a", []string{"lazy [a b] cycles [[a b]] cuts [b>a] 1 of 1"}},
		{"a way back for the type checker is harmless", "a>b b:a", []string{"type_checking [a b] cycles [[a b]] cuts [b>a] 1 of 1"}},
		{"a way back under try hurts", "a>b b?a", []string{"conditional [a b] cycles [[a b]] cuts [b>a] 1 of 1"}},
		{"every module has its shortest cycle", "a>b b>c c>a c>d d>c", []string{"runtime [a b c d] cycles [[c d] [a b c]] cuts [a>b c>d] 2 of 2"}},
		{"those that hurt come first", "a~b b~a c>d d>c", []string{"runtime [c d] cycles [[c d]] cuts [c>d] 1 of 1", "lazy [a b] cycles [[a b]] cuts [a>b] 1 of 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := analyse(strings.Fields(c.edges)...)
			var got []string
			for _, x := range a.Tangles {
				var cycles [][]string
				for _, cycle := range x.Cycles {
					cycles = append(cycles, names(a.Graph, cycle))
				}
				var cuts []string
				for _, cut := range x.Cuts {
					cuts = append(cuts, a.Graph.Modules[cut.From].Name+">"+a.Graph.Modules[cut.To].Name)
				}
				got = append(got, fmt.Sprintf("%s %v cycles %v cuts %v %d of %d", x.Kind, names(a.Graph, x.Modules), cycles, cuts, x.Weight, x.AtLeast))
			}
			assert.DeepEqual(t, got, c.want)
		})
	}
}

func names(g ci.Graph, modules []int) []string {
	var out []string
	for _, m := range modules {
		out = append(out, g.Modules[m].Name)
	}
	return out
}

// TestCutsBreakEveryCycle holds for random graphs what the cuts promise: without
// them nothing is circular, with any one of them put back something is, and the
// bound from below is one.
func TestCutsBreakEveryCycle(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		n := 3 + random.IntN(40)
		var edges []string
		for range n * 3 {
			a, b := random.IntN(n), random.IntN(n)
			if a != b {
				edges = append(edges, fmt.Sprintf("m%02d>m%02d*%d", a, b, 1+random.IntN(5)))
			}
		}
		a := analyse(edges...)
		var cuts [][2]int
		weight := 0
		for _, x := range a.Tangles {
			assert.Assert(t, x.AtLeast <= x.Weight && x.AtLeast > 0)
			weight += x.Weight
			for _, c := range x.Cuts {
				cuts = append(cuts, [2]int{c.From, c.To})
			}
		}
		assert.Equal(t, circular(a.Graph, cuts), 0, "seed %d", seed)
		for i := range cuts {
			assert.Assert(t, circular(a.Graph, slices.Delete(slices.Clone(cuts), i, i+1)) > 0, "seed %d: %v need not be cut", seed, cuts[i])
		}
	}
}

// circular counts the tangles of a graph without some imports.
func circular(g ci.Graph, without [][2]int) int {
	rest := g
	rest.Imports = slices.DeleteFunc(slices.Clone(g.Imports), func(e ci.ImportEdge) bool { return slices.Contains(without, [2]int{e.From, e.To}) })
	return len(arch.Analyse(arch.Input{Graph: rest}).Tangles)
}

func TestMetrics(t *testing.T) {
	a := analyse("a>c", "b>c", "c>d", "d>e", "e>d", "b~a")
	m := map[string]ci.ModuleMetrics{}
	for _, x := range a.Metrics {
		m[a.Graph.Modules[x.Module].Name] = x
	}
	assert.Equal(t, m["c"].FanIn, 2)
	assert.Equal(t, m["c"].FanOut, 1)
	assert.Equal(t, fmt.Sprintf("%.2f", m["c"].Instability), "0.33")
	assert.Equal(t, m["a"].Depth, 2, "c, then the cycle, which is one step")
	assert.Equal(t, m["d"].Reach, 4)
	assert.Equal(t, m["a"].Reach, 0, "a lazy import loads nothing")
	assert.Assert(t, m["d"].Tangled && !m["c"].Tangled)
}

func TestScore(t *testing.T) {
	clean := analyse("a>b", "b>c", "a>d", "d>c").Score
	cyclic := analyse("a>b", "b>c", "a>d", "d>c", "c>b").Score
	lazy := analyse("a>b", "b>c", "a>d", "d>c", "c~b").Score
	assert.Assert(t, clean.Known && cyclic.Value < clean.Value-0.3, "%v %v", clean.Value, cyclic.Value)
	assert.Assert(t, lazy.Value > cyclic.Value)
	assert.Assert(t, !arch.Analyse(arch.Input{}).Score.Known, "nothing has no score")
	weights := 0.0
	for _, p := range arch.Formula() {
		weights += p.Weight
	}
	assert.Equal(t, weights, 10.0)
}

func TestDelta(t *testing.T) {
	before, after := analyse("a>b", "b>c", "d>e", "e>d"), analyse("a>b", "b>c", "c>a", "d>e")
	d := arch.Compare(before, after)
	assert.DeepEqual(t, d.NewCycles, [][]string{{"a", "b", "c"}})
	assert.DeepEqual(t, d.GoneCycles, [][]string{{"d", "e"}})
	assert.Equal(t, d.NewEdges, 1)
	assert.Equal(t, d.GoneEdges, 1)
	same := arch.Compare(before, before)
	assert.Equal(t, len(same.NewCycles)+len(same.NewAdvice)+same.GoneAdvice+same.NewEdges, 0)
}

func TestHotspotsAndCoupling(t *testing.T) {
	g := graph("a>b", "c>b")
	for i := range g.Modules {
		g.Modules[i].Defs = []ci.Definition{{Name: "f", Kind: ci.DefFunction, Complexity: 10 + i, Line: 1, Last: 2}}
	}
	h := ci.History{
		Known: true, Files: []ci.Churn{{File: "a.py", Commits: 20, Authors: 2}, {File: "c.py", Commits: 1, Authors: 1}},
		Pairs: []ci.CoChange{{A: "a.py", B: "c.py", Together: 6, OfA: 8, OfB: 7}, {A: "a.py", B: "b.py", Together: 9, OfA: 9, OfB: 9}},
	}
	a := arch.Analyse(arch.Input{Graph: g, History: h})
	assert.Equal(t, a.Hotspots[0].File, "a.py")
	assert.Equal(t, a.Hotspots[2].File, "b.py", "never changed, never hot")
	assert.Equal(t, a.Coupled[0].B, "b.py")
	assert.Assert(t, a.Coupled[0].Import && !a.Coupled[1].Import)
	assert.Assert(t, slices.ContainsFunc(a.Advice, func(x ci.Advice) bool { return x.Rule == "change-coupling" }))
	without := arch.Analyse(arch.Input{Graph: g})
	assert.Equal(t, without.Hotspots[0].File, "c.py", "without history complexity alone ranks")
}

func BenchmarkAnalyse(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	var edges []string
	for i := range 20_000 {
		for range 4 {
			edges = append(edges, fmt.Sprintf("m%05d>m%05d", i, max(0, i-random.IntN(500)+2)))
		}
	}
	edges = slices.DeleteFunc(edges, func(e string) bool { return e[:6] == e[7:] })
	g := graph(edges...)
	for b.Loop() {
		arch.Analyse(arch.Input{Graph: g})
	}
}
