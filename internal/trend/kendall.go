package trend

import (
	"cmp"
	"math"
	"slices"

	"keepgreen/internal/ci"
)

// kendall is the statistic S of Mann and Kendall, the number of pairs that rise
// less those that fall, and its variance under "no trend", corrected for ties.
func kendall(points []Point) (s, variance float64) {
	for i, a := range points {
		for _, b := range points[i+1:] {
			switch {
			case b.Y > a.Y:
				s++
			case b.Y < a.Y:
				s--
			}
		}
	}
	n := float64(len(points))
	variance = n * (n - 1) * (2*n + 5)
	ys := sortedYs(points)
	for i := 0; i < len(ys); {
		j := i
		for j < len(ys) && ys[j] == ys[i] {
			j++
		}
		t := float64(j - i)
		variance -= t * (t - 1) * (2*t + 5)
		i = j
	}
	return s, variance / 18
}

// twoSided is the chance of an S at least as far from 0, with the usual
// correction for continuity.
func twoSided(s, variance float64) float64 {
	if variance <= 0 || s == 0 {
		return 1
	}
	z := (math.Abs(s) - 1) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// fitted is the line of Theil and Sen: the median of the slopes between all
// pairs, through the median of what is left over. A third of the points may be
// wrong before it follows them.
type fitted struct {
	ci.Line
	slopes []float64 // sorted
}

// theilSen fits a line (Sen, "Estimates of the regression coefficient based on
// Kendall's tau", 1968). Without two points at different days the slope is 0.
func theilSen(points []Point) fitted {
	var l fitted
	l.slopes = make([]float64, 0, len(points)*(len(points)-1)/2)
	for i, a := range points {
		for _, b := range points[i+1:] {
			if b.X != a.X {
				l.slopes = append(l.slopes, (b.Y-a.Y)/(b.X-a.X))
			}
		}
	}
	slices.Sort(l.slopes)
	if len(l.slopes) > 0 {
		l.Slope = middle(l.slopes)
	}
	l.Low, l.High = l.Slope, l.Slope
	rest := make([]float64, len(points))
	for i, p := range points {
		rest[i] = p.Y - l.Slope*p.X
	}
	l.At = Median(rest)
	for i, p := range points {
		rest[i] = math.Abs(p.Y - l.Value(p.X))
	}
	l.Spread = 1.4826 * Median(rest)
	l.Median = middle(sortedYs(points))
	return l
}

// interval is the line with the slope's 95 % interval from the variance of S, which says how
// many slopes lie between the interval's ends (Gilbert, "Statistical Methods for
// Environmental Pollution Monitoring", 1987, 16.5.1).
func (l fitted) interval(variance float64) ci.Line {
	n := len(l.slopes)
	if n == 0 {
		return l.Line
	}
	reach := z95 * math.Sqrt(max(variance, 0))
	low := int(math.Floor((float64(n) - reach) / 2))
	high := int(math.Ceil((float64(n)+reach)/2)) - 1
	l.Low, l.High = l.slopes[max(0, min(low, n-1))], l.slopes[max(0, min(high, n-1))]
	return l.Line
}

// z95 is the normal quantile of a two-sided 95 % interval.
const z95 = 1.959963984540054

// memory is the lag-1 autocorrelation of what the line leaves over, which makes
// neighbours agree without any trend. It is a property of the pipeline and not
// of the last weeks, so up to four windows are asked, each with a line of its
// own: from one alone it is known to no better than 0.13. A short series with a
// line taken out underestimates it by about (2+4r)/n, which is put back
// (Mudelsee, "Climate Time Series Analysis", 2.6). Below 0 it counts as 0, for
// what comes and goes must not make us surer; above .8 nothing could be said at
// all.
func memory(all []Point, window float64) float64 {
	sum, weight := 0.0, 0.0
	for range 4 {
		points := recent(all, window)
		all = all[:len(all)-len(points)]
		if len(points) < 12 {
			break
		}
		n := float64(len(points))
		sum += n * (n*lag1(points, theilSen(points).Line) + 2) / (n - 4)
		weight += n
	}
	if weight == 0 {
		return 0
	}
	return max(0, min(sum/weight, 0.8))
}

// lag1 is the plain autocorrelation of what the line leaves over.
func lag1(points []Point, l ci.Line) float64 {
	rest := make([]float64, len(points))
	mean := 0.0
	for i, p := range points {
		rest[i] = p.Y - l.Value(p.X)
		mean += rest[i] / float64(len(points))
	}
	var with, own float64
	for i := range rest {
		rest[i] -= mean
		own += rest[i] * rest[i]
		if i > 0 {
			with += rest[i] * rest[i-1]
		}
	}
	if own == 0 {
		return 0
	}
	return with / own
}

func sortedYs(points []Point) []float64 {
	ys := make([]float64, len(points))
	for i, p := range points {
		ys[i] = p.Y
	}
	slices.Sort(ys)
	return ys
}

// Median of values in any order; NaN of none.
func Median(values []float64) float64 { return middle(slices.Sorted(slices.Values(values))) }

func middle(sorted []float64) float64 { return Quantile(sorted, 0.5) }

// Quantile of sorted values, between two of them by their share (type 7, as
// spreadsheets and NumPy have it); NaN of none.
func Quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	at := q * float64(n-1)
	low := max(0, min(int(math.Floor(at)), n-1))
	high := min(low+1, n-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// sortByX brings points into the order of their days.
func sortByX(points []Point) {
	slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.X, b.X) })
}
