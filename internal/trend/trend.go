// Package trend says what the figures of a pipeline are and where they go: key
// figures with their number of cases, interval, target and trend, taken from
// runs, findings, fixes and replies. It knows neither store nor clock, and it
// refuses to cry wolf: a change is called a trend only if it is larger than
// noise, than the noise's own memory, and than what anybody would care about.
package trend

import (
	"cmp"
	"math"
	"slices"

	"keepgreen/internal/ci"
)

// The words of this package, which are said often.
type (
	Point     = ci.Point
	Estimate  = ci.Estimate
	Trend     = ci.Trend
	Direction = ci.Direction
	KPI       = ci.KPI
)

func point(x, y float64) Point { return Point{X: x, Y: y} }

// Rule is what it takes to call a change a trend; the zero value is the default.
// The figures it rests on are printed by TestFalseAlarms and TestPower.
type Rule struct {
	Window   float64 // days before the newest point that are looked at; zero: 56
	Family   float64 // chance of any false trend in all series together (Holm); zero: .035
	MinN     int     // fewer points are no trend; zero: 20
	Relative float64 // a smaller change in 30 days, as a share of the median, is no trend; zero: .10
}

func (r Rule) withDefaults() Rule {
	r.Window = cmp.Or(r.Window, 56)
	r.Family = cmp.Or(r.Family, 0.035)
	r.MinN = cmp.Or(r.MinN, 20)
	r.Relative = cmp.Or(r.Relative, 0.10)
	return r
}

// Series is a figure over days, and what change of it matters.
type Series struct {
	Points   []Point // sorted by X, one a day
	Absolute float64 // a smaller change in 30 days is no trend; zero: Rule.Relative decides
}

// Judge looks at all series of one report together, since twelve questions asked
// every day at 5 % each find something wrong every second day. A trend has to
// survive Mann-Kendall at the family's level after Holm, and the effect gate.
func Judge(all []Series, rule Rule) []Trend {
	rule = rule.withDefaults()
	out := make([]Trend, len(all))
	var asked []int
	var ps []float64
	for i, s := range all {
		out[i] = measure(s.Points, rule)
		if out[i].Direction != ci.NoTrend {
			asked = append(asked, i)
			ps = append(ps, out[i].P)
		}
	}
	for k, adjusted := range Holm(ps) {
		t := &out[asked[k]]
		t.Adjusted = adjusted
		gate := cmp.Or(all[asked[k]].Absolute, rule.Relative*math.Abs(t.Line.Median))
		switch {
		case adjusted > rule.Family || math.Abs(t.Change) < gate || t.Line.Low <= 0 && t.Line.High >= 0:
		case t.Change > 0:
			t.Direction = ci.Rising
		default:
			t.Direction = ci.Falling
		}
	}
	return out
}

// recent are the points of the window that ends with the newest one.
func recent(points []Point, window float64) []Point {
	if len(points) == 0 {
		return nil
	}
	from := points[len(points)-1].X - window
	i, _ := slices.BinarySearchFunc(points, from, func(p Point, x float64) int {
		if p.X <= x {
			return -1
		}
		return 1
	})
	return points[i:]
}

// measure asks one series; Direction is NoTrend or, for now, Steady.
func measure(all []Point, rule Rule) Trend {
	points := recent(all, rule.Window)
	t := Trend{Direction: ci.NoTrend, N: len(points), P: 1, Adjusted: 1}
	if len(points) < max(rule.MinN, 4) {
		return t
	}
	t.Direction = ci.Steady
	fit := theilSen(points)
	t.Memory = memory(all, rule.Window)
	s, variance := kendall(points)
	variance *= (1 + t.Memory) / (1 - t.Memory)
	t.P = twoSided(s, variance)
	t.Line = fit.interval(variance)
	t.Change = 30 * t.Line.Slope
	return t
}

// Holm adjusts p-values for having asked so many questions (Holm, "A simple
// sequentially rejective multiple test procedure", 1979). It keeps their order.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out := make([]float64, len(ps))
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, ps[i]*float64(len(ps)-rank)))
		out[i] = worst
	}
	return out
}
