package trend

import (
	"cmp"
	"math"
	"slices"
)

// Change is a point of a series from which on it was another.
type Change struct {
	At            int // index of the first point that is new
	Before, After float64
	P             float64
}

// ChangeRule is what it takes to call a difference a change point; the zero
// value is the default.
type ChangeRule struct {
	Level    float64 // chance of a split of noise; zero: .001
	Relative float64 // a smaller step of the median is none; zero: .10
	MinSide  int     // points on each side; zero: 5
}

// maxChangePoints bounds the work: it grows with the square of the series.
const maxChangePoints = 600

// Changes finds change points in the way of E-divisive (Matteson and James, "A
// nonparametric approach for multiple change point analysis", 2014): the split
// with the largest energy distance between its sides, then again on each side. As
// Apache Otava found, a test of the two sides can take the place of
// permutations, which makes equal input give equal output: here it is that of
// Mann and Whitney, since durations are not normal. Only the newest 600 points
// are looked at.
func Changes(values []float64, rule ChangeRule) []Change {
	rule.Level = cmp.Or(rule.Level, 0.001)
	rule.Relative = cmp.Or(rule.Relative, 0.10)
	rule.MinSide = cmp.Or(rule.MinSide, 5)
	start := max(0, len(values)-maxChangePoints)
	var out []Change
	rule.split(values, start, len(values), &out)
	slices.SortFunc(out, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	return rule.confirmed(values, start, out)
}

func (r ChangeRule) split(values []float64, from, to int, out *[]Change) {
	at := r.best(values[from:to])
	if at < 0 {
		return
	}
	at += from
	// The best of many splits is asked, so each is asked more strictly.
	tried := float64(to - from - 2*r.MinSide + 1)
	if RankSum(values[from:at], values[at:to])*tried > r.Level*20 {
		return
	}
	*out = append(*out, Change{At: at})
	r.split(values, from, at, out)
	r.split(values, at, to, out)
}

// confirmed keeps the change points whose neighbouring segments differ by
// chance at most so often, and by as much as matters.
func (r ChangeRule) confirmed(values []float64, start int, found []Change) []Change {
	for {
		worst, weakest := -1, r.Level
		for i := range found {
			from, to := start, len(values)
			if i > 0 {
				from = found[i-1].At
			}
			if i+1 < len(found) {
				to = found[i+1].At
			}
			c := &found[i]
			before, after := values[from:c.At], values[c.At:to]
			c.Before, c.After, c.P = Median(before), Median(after), RankSum(before, after)
			p := c.P
			if math.Abs(c.After-c.Before) < r.Relative*math.Abs(c.Before) {
				p = 1
			}
			if p > weakest {
				worst, weakest = i, p
			}
		}
		if worst < 0 {
			return found
		}
		found = slices.Delete(found, worst, worst+1)
	}
}

// best is the split with the largest energy distance; -1: there is none.
func (r ChangeRule) best(values []float64) int {
	n := len(values)
	if n < 2*r.MinSide {
		return -1
	}
	// within and across hold the sums of distances for the current split, and move
	// with it: a point that changes sides takes its distances along.
	var left, right, across float64
	for i, a := range values {
		for _, b := range values[i+1:] {
			right += math.Abs(a - b)
		}
	}
	best, at := 0.0, -1
	for k := 1; k < n; k++ {
		moved := values[k-1]
		for i, v := range values {
			d := math.Abs(v - moved)
			switch {
			case i < k-1:
				left, across = left+d, across-d
			case i > k-1:
				right, across = right-d, across+d
			}
		}
		if k < r.MinSide || n-k < r.MinSide {
			continue
		}
		a, b := float64(k), float64(n-k)
		energy := a * b / (a + b) * (2*across/(a*b) - 2*left/(a*a) - 2*right/(b*b))
		if energy > best {
			best, at = energy, k
		}
	}
	return at
}

// RankSum is the two-sided p-value of Mann and Whitney's test, by its normal
// approximation with ties and continuity.
func RankSum(a, b []float64) float64 {
	type ranked struct {
		v     float64
		first bool
	}
	all := make([]ranked, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, ranked{v, true})
	}
	for _, v := range b {
		all = append(all, ranked{v, false})
	}
	slices.SortFunc(all, func(x, y ranked) int { return cmp.Compare(x.v, y.v) })
	n, m := float64(len(a)), float64(len(b))
	total := n + m
	ranks, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		for _, x := range all[i:j] {
			if x.first {
				ranks += float64(i+j+1) / 2
			}
		}
		i = j
	}
	u := ranks - n*(n+1)/2
	variance := n * m / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 || total < 2 {
		return 1
	}
	z := max(0, math.Abs(u-n*m/2)-0.5) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}
