package arch

import (
	"cmp"
	"math"
	"slices"
)

// A smallest set of imports without which nothing is circular is a minimum
// feedback arc set, which is NP-hard. Up to exactSize modules it is computed;
// beyond that an order is made by the heuristic of Eades, Lin and Smyth (1993),
// whose result never has more than m/2 - n/6 arcs when all weigh the same,
// improved by moving one module at a time to where it fits best. What is cut is
// minimal either way: no arc of it can be put back. How far from the best it may
// be is told by atLeast.
const (
	exactSize = 14
	siftSize  = 1500
)

// cut lists arcs without which the component has no cycle.
func (k *knot) cut() []int {
	var order []int
	if k.size <= exactSize {
		order = k.exact()
	} else if order = k.greedy(); k.size <= siftSize {
		k.sift(order)
	}
	place := make([]int, k.size)
	for i, v := range order {
		place[v] = i
	}
	var back []int
	for e, a := range k.arcs {
		if place[a.from] > place[a.to] {
			back = append(back, e)
		}
	}
	return k.putBack(back)
}

// exact finds the best order by dynamic programming over sets of modules that
// come first: the cost of a set is the weight of the arcs into it.
func (k *knot) exact() []int {
	full := 1<<k.size - 1
	into := make([][]int, k.size) // into[v][w]: weight of the arc from w to v
	for v := range into {
		into[v] = make([]int, k.size)
	}
	for _, a := range k.arcs {
		into[a.to][a.from] += a.weight
	}
	cost, last := make([]int, full+1), make([]int8, full+1)
	for set := 1; set <= full; set++ {
		cost[set] = math.MaxInt
		for v := range k.size {
			if set&(1<<v) == 0 {
				continue
			}
			c := cost[set&^(1<<v)]
			for w := range k.size { // arcs from what comes later than v to v
				if set&(1<<w) == 0 {
					c += into[v][w]
				}
			}
			if c < cost[set] {
				cost[set], last[set] = c, int8(v)
			}
		}
	}
	order := make([]int, 0, k.size)
	for set := full; set != 0; set &^= 1 << last[set] {
		order = append(order, int(last[set]))
	}
	slices.Reverse(order)
	return order
}

// greedy takes sinks last, sources first, and otherwise the module whose
// outgoing arcs outweigh its incoming ones most.
func (k *knot) greedy() []int {
	out, in := make([]int, k.size), make([]int, k.size)
	for _, a := range k.arcs {
		out[a.from] += a.weight
		in[a.to] += a.weight
	}
	gone := make([]bool, k.size)
	var first, rest []int
	remove := func(v int) {
		gone[v] = true
		for _, e := range k.out[v] {
			in[k.arcs[e].to] -= k.arcs[e].weight
		}
		for _, e := range k.in[v] {
			out[k.arcs[e].from] -= k.arcs[e].weight
		}
	}
	for len(first)+len(rest) < k.size {
		best := -1
		for v := range k.size {
			switch {
			case gone[v]:
			case out[v] == 0:
				remove(v)
				rest = append(rest, v)
			case best < 0 || in[v] == 0 && in[best] != 0 || (in[v] == 0) == (in[best] == 0) && out[v]-in[v] > out[best]-in[best]:
				best = v
			}
		}
		if best >= 0 && !gone[best] {
			remove(best)
			first = append(first, best)
		}
	}
	slices.Reverse(rest)
	return append(first, rest...)
}

// sift moves one module at a time to its best place, until nothing gains.
func (k *knot) sift(order []int) {
	place := make([]int, k.size)
	for i, v := range order {
		place[v] = i
	}
	for range 10 {
		gained := false
		for v := range k.size {
			if to := k.bestPlace(v, place); to != place[v] {
				move(order, place, place[v], to)
				gained = true
			}
		}
		if !gained {
			return
		}
	}
}

// bestPlace is where v costs least with everything else as it is.
func (k *knot) bestPlace(v int, place []int) int {
	type step struct{ at, change int }
	var steps []step
	for _, e := range k.out[v] { // an arc to something earlier is cut
		steps = append(steps, step{place[k.arcs[e].to], k.arcs[e].weight})
	}
	for _, e := range k.in[v] {
		steps = append(steps, step{place[k.arcs[e].from], -k.arcs[e].weight})
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	// Sum over the modules before v of what v pays for standing behind them.
	here, best, sum, at := 0, 0, 0, -1
	for _, s := range steps {
		if s.at < place[v] {
			here += s.change
		}
	}
	for i, s := range steps {
		sum += s.change
		if (i+1 == len(steps) || steps[i+1].at != s.at) && sum < best {
			best, at = sum, s.at
		}
	}
	switch {
	case best >= here:
		return place[v]
	case at < place[v]:
		return at + 1
	}
	return at
}

func move(order, place []int, from, to int) {
	v := order[from]
	if from < to {
		copy(order[from:to], order[from+1:to+1])
	} else {
		copy(order[to+1:from+1], order[to:from])
	}
	order[to] = v
	for i := min(from, to); i <= max(from, to); i++ {
		place[order[i]] = i
	}
}

// putBack keeps of the arcs only those that close a cycle with what stays, the
// heaviest tried first.
func (k *knot) putBack(back []int) []int {
	cut := map[int]bool{}
	for _, e := range back {
		cut[e] = true
	}
	slices.SortFunc(back, func(a, b int) int {
		return cmp.Or(cmp.Compare(k.arcs[b].weight, k.arcs[a].weight), cmp.Compare(a, b))
	})
	seen := make([]int, k.size)
	for i, e := range back {
		if !k.reaches(k.arcs[e].to, k.arcs[e].from, cut, seen, i+1) {
			delete(cut, e)
		}
	}
	return slices.DeleteFunc(back, func(e int) bool { return !cut[e] })
}

// reaches reports whether there is a way without the cut arcs.
func (k *knot) reaches(from, to int, cut map[int]bool, seen []int, mark int) bool {
	stack := []int{from}
	seen[from] = mark
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v == to {
			return true
		}
		for _, e := range k.out[v] {
			if w := k.arcs[e].to; !cut[e] && seen[w] != mark {
				seen[w] = mark
				stack = append(stack, w)
			}
		}
	}
	return false
}

// atLeast is a weight that every set of cuts has: each cycle needs a cut, so a
// packing of cycles that share no weight is a bound from below.
func (k *knot) atLeast(found int) int {
	if k.size <= exactSize {
		return found
	}
	left := make([]int, len(k.arcs))
	for e, a := range k.arcs {
		left[e] = a.weight
	}
	bound, budget := 0, searchBudget/4
	from := make([]int, k.size)
	for v := 0; v < k.size && budget > 0; {
		path := k.residual(v, left, from, &budget)
		if path == nil {
			v++
			continue
		}
		least := math.MaxInt
		for _, e := range path {
			least = min(least, left[e])
		}
		for _, e := range path {
			left[e] -= least
		}
		bound += least
	}
	return (bound + unit - 1) / unit
}

// residual is the shortest cycle through v of arcs with weight left.
func (k *knot) residual(v int, left, from []int, budget *int) []int {
	for i := range from {
		from[i] = -1
	}
	queue := []int{v}
	for i := 0; i < len(queue); i++ {
		w := queue[i]
		*budget -= len(k.out[w]) + 1
		for _, e := range k.out[w] {
			to := k.arcs[e].to
			if left[e] == 0 {
				continue
			}
			if to == v {
				path := []int{e}
				for w != v {
					path = append(path, from[w])
					w = k.arcs[from[w]].from
				}
				return path
			}
			if from[to] < 0 {
				from[to] = e
				queue = append(queue, to)
			}
		}
	}
	return nil
}
