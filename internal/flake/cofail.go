package flake

import (
	"cmp"
	"math/bits"
	"slices"

	"keepgreen/internal/ci"
)

// Flaky tests mostly fail together, for one cause outside of them: 75 % of 810
// were in clusters of 13.5 on average (Parry et al., "Systemic Flakiness", arXiv
// 2504.16777). As there, the distance of two tests is Jaccard's, of the sets of
// runs in which they failed, and clusters grow by average linkage.
const (
	minShared   = 2    // failures of a test, below which falling together is chance
	minJaccard  = 0.5  // mean similarity at which clusters are joined
	maxFlaky    = 2000 // tests that take part, those with most failures; bounds the table
	maxCoFails  = 100  // tests named in a verdict
	bitsPerWord = 64
)

// coFailures fills in CoFails of the flaky verdicts.
func coFailures(j *judge, verdicts []Verdict) {
	flaky := mostFailing(verdicts)
	sets := make([][]uint64, len(flaky))
	for i, t := range flaky {
		sets[i] = j.failingRuns(t)
	}
	for _, members := range averageLinkage(sets) {
		slices.SortFunc(members, func(a, b int) int { return compareTests(verdicts[flaky[a]].Test, verdicts[flaky[b]].Test) })
		for _, m := range members {
			v := &verdicts[flaky[m]]
			for _, other := range members {
				if other != m && len(v.CoFails) < maxCoFails {
					v.CoFails = append(v.CoFails, verdicts[flaky[other]].Test)
				}
			}
			v.Because = append(v.Because, "fails together with "+count(len(members)-1, "other flaky test"))
		}
	}
}

func compareTests(a, b Test) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Variant, b.Variant))
}

// mostFailing are the flaky tests that have failed often enough, in an order
// that does not depend on the order of the input.
func mostFailing(verdicts []Verdict) []int {
	var out []int
	for t, v := range verdicts {
		if v.Verdict == ci.FlakeFlaky && v.Failures >= minShared {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b int) int {
		return cmp.Or(cmp.Compare(verdicts[b].Failures, verdicts[a].Failures), compareTests(verdicts[a].Test, verdicts[b].Test))
	})
	return out[:min(len(out), maxFlaky)]
}

func (j *judge) failingRuns(t int) []uint64 {
	set := make([]uint64, (len(j.order)+bitsPerWord-1)/bitsPerWord)
	row := j.h.Cells[t]
	for at, r := range j.order {
		if r < len(row) && row[r]&Fail != 0 {
			set[at/bitsPerWord] |= 1 << (at % bitsPerWord)
		}
	}
	return set
}

func jaccard(a, b []uint64) float32 {
	both, either := 0, 0
	for i := range a {
		both += bits.OnesCount64(a[i] & b[i])
		either += bits.OnesCount64(a[i] | b[i])
	}
	if both < minShared {
		return 0
	}
	return float32(both) / float32(either)
}

// averageLinkage joins the two most similar clusters for as long as they are
// similar enough, and returns those of two and more. Similarities are updated by
// Lance and Williams' formula; the nearest neighbour of each cluster is kept, so
// that the usual case, few joins, is quadratic.
func averageLinkage(sets [][]uint64) [][]int {
	n := len(sets)
	similar := make([][]float32, n)
	for i := range sets {
		similar[i] = make([]float32, n)
		for k := range i {
			similar[i][k] = jaccard(sets[i], sets[k])
			similar[k][i] = similar[i][k]
		}
	}
	members := make([][]int, n)
	near := make([]int, n)
	for i := range members {
		members[i] = []int{i}
	}
	nearest := func(i int) {
		near[i] = -1
		for k := range n {
			if k != i && members[k] != nil && similar[i][k] >= minJaccard && (near[i] < 0 || similar[i][k] > similar[i][near[i]]) {
				near[i] = k
			}
		}
	}
	for i := range n {
		nearest(i)
	}
	for {
		a := -1
		for i := range n {
			if members[i] != nil && near[i] >= 0 && (a < 0 || similar[i][near[i]] > similar[a][near[a]]) {
				a = i
			}
		}
		if a < 0 {
			break
		}
		b := near[a]
		na, nb := float32(len(members[a])), float32(len(members[b]))
		members[a], members[b] = append(members[a], members[b]...), nil
		for k := range n {
			similar[a][k] = (na*similar[a][k] + nb*similar[b][k]) / (na + nb)
			similar[k][a] = similar[a][k]
		}
		nearest(a)
		for k := range n {
			switch {
			case members[k] == nil || k == a:
			case near[k] == a || near[k] == b:
				nearest(k)
			case similar[k][a] >= minJaccard && (near[k] < 0 || similar[k][a] > similar[k][near[k]]):
				near[k] = a
			}
		}
	}
	return slices.DeleteFunc(members, func(m []int) bool { return len(m) < 2 })
}
