package trend

import (
	"cmp"
	"math"
	"slices"
)

// Share is k of n with the interval of Wilson ("Probable inference, the law of
// succession, and statistical inference", 1927), which stays within 0 and 1 and
// does not shrink to a point where nothing was seen yet.
func Share(k, n int) Estimate {
	if n <= 0 {
		return Estimate{}
	}
	p, m := float64(k)/float64(n), float64(n)
	z2 := z95 * z95
	mid := (p + z2/(2*m)) / (1 + z2/m)
	half := z95 / (1 + z2/m) * math.Sqrt(p*(1-p)/m+z2/(4*m*m))
	low, high := max(0, mid-half), min(1, mid+half)
	if k == 0 {
		low = 0
	}
	if k == n {
		high = 1
	}
	return Estimate{Value: p, Low: low, High: high, N: n}
}

// AtQuantile is a quantile of values in any order, with the interval that order
// statistics give without asking how the values are distributed (Conover,
// "Practical Nonparametric Statistics", 3.2). values is sorted in place.
func AtQuantile(values []float64, q float64) Estimate {
	if len(values) == 0 {
		return Estimate{}
	}
	slices.Sort(values)
	n := float64(len(values))
	half := z95 * math.Sqrt(n*q*(1-q))
	low := int(math.Floor(n*q-half)) - 1
	high := int(math.Ceil(n*q+half)) - 1
	last := len(values) - 1
	return Estimate{
		Value: Quantile(values, q), N: len(values),
		Low: values[max(0, min(low, last))], High: values[max(0, min(high, last))],
	}
}

// Mean with the interval of the normal approximation.
func Mean(values []float64) Estimate {
	n := float64(len(values))
	if n == 0 {
		return Estimate{}
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	mean := sum / n
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	half := math.Inf(1)
	if n > 1 {
		half = z95 * math.Sqrt(squares/(n-1)/n)
	}
	return Estimate{Value: mean, Low: mean - half, High: mean + half, N: len(values)}
}

// Lifetime is how long something lasted: until it ended, or until now.
type Lifetime struct {
	Days  float64
	Ended bool // false: it is still there, and lasts at least Days
}

// Survival is the median lifetime of Kaplan and Meier with those that still
// last: the mean of the ended ones alone is perfect where nothing is ever
// mended. An end that is not reached is infinite; Low and High are from
// Greenwood's variance on the log-log scale (Kalbfleisch and Prentice), and N
// counts all of them, ended or not.
func Survival(lives []Lifetime) Estimate {
	if len(lives) == 0 {
		return Estimate{}
	}
	lives = slices.SortedFunc(slices.Values(lives), func(a, b Lifetime) int { return cmp.Compare(a.Days, b.Days) })
	out := Estimate{Value: math.Inf(1), Low: math.Inf(1), High: math.Inf(1), N: len(lives)}
	left, variance := 1.0, 0.0
	for i := 0; i < len(lives); {
		at, ended, j := lives[i].Days, 0.0, i
		for ; j < len(lives) && lives[j].Days == at; j++ {
			if lives[j].Ended {
				ended++
			}
		}
		risk := float64(len(lives) - i)
		left *= 1 - ended/risk
		if ended < risk {
			variance += ended / (risk * (risk - ended))
		}
		low, high := band(left, variance)
		out.Value = reached(out.Value, left, at)
		out.Low = reached(out.Low, low, at)
		out.High = reached(out.High, high, at)
		i = j
	}
	return out
}

// reached is the first day at which a share is down to one half.
func reached(before, share, at float64) float64 {
	if math.IsInf(before, 1) && share <= 0.5 {
		return at
	}
	return before
}

// band is the 95 % interval of a surviving share.
func band(left, variance float64) (low, high float64) {
	if left <= 0 || left >= 1 {
		return left, left
	}
	half := z95 * math.Sqrt(variance) / math.Abs(math.Log(left))
	return math.Pow(left, math.Exp(half)), math.Pow(left, math.Exp(-half))
}
