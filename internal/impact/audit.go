package impact

import "math"

// MissInterval is the 95 % interval of the share of failing tests that plans
// miss, given how many they missed of how many that failed: Clopper and Pearson,
// which never promises too much. Nothing scored: 0 to 1.
func MissInterval(missed, failed int) (low, high float64) {
	if failed <= 0 || missed < 0 || missed > failed {
		return 0, 1
	}
	n, k := float64(failed), float64(missed)
	low, high = 0, 1
	if missed > 0 {
		low = bisect(func(p float64) bool { return upper(n, k, p) < 0.025 })
	}
	if missed < failed {
		high = bisect(func(p float64) bool { return 1-upper(n, k+1, p) > 0.025 })
	}
	return low, high
}

// bisect finds where a condition that holds for small p ends to hold.
func bisect(holds func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if mid := (low + high) / 2; holds(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// upper is the chance of at least k of n.
func upper(n, k, p float64) float64 {
	switch {
	case p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	sum := 0.0
	for i := k; i <= n; i++ {
		sum += math.Exp(choose(n, i) + i*math.Log(p) + (n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}

func choose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}
