package flake

import (
	"math"
	"math/rand/v2"
	"testing"

	"gotest.tools/v3/assert"
)

// Values of R's pbeta and qbeta, and of closed forms.
func TestBeta(t *testing.T) {
	for _, c := range []struct{ a, b, x, want float64 }{
		{1, 1, 0.3, 0.3},
		{2, 1, 0.5, 0.25},
		{1, 3, 0.2, 1 - 0.8*0.8*0.8},
		{0.5, 0.5, 0.5, 0.5},
		{0.5, 0.5, 0.25, 1.0 / 3},
		{2, 2, 0.1, 0.028},
		{5, 5, 0.5, 0.5},
		{3, 2, 1, 1},
		{3, 2, 0, 0},
	} {
		assert.Assert(t, math.Abs(betaInc(c.a, c.b, c.x)-c.want) < 1e-12, "I_%v(%v, %v) = %v", c.x, c.a, c.b, betaInc(c.a, c.b, c.x))
	}
	for _, a := range []float64{0.5, 1.5, 20.5, 400.5} {
		for _, b := range []float64{0.5, 3.5, 1000.5} {
			for _, p := range []float64{0.025, 0.5, 0.975} {
				x := betaQuantile(a, b, p)
				assert.Assert(t, math.Abs(betaInc(a, b, x)-p) < 1e-9, "quantile %v of (%v, %v)", p, a, b)
				assert.Assert(t, math.Abs(betaInc(a, b, x)+betaInc(b, a, 1-x)-1) < 1e-9)
			}
		}
	}
	// Brown, Cai and DasGupta 2001, table 5: n = 7 and 12.
	for _, c := range []struct {
		k, n     int
		low, top float64
	}{{0, 7, 0, 0.292}, {1, 7, 0.016, 0.501}, {3, 7, 0.139, 0.766}, {0, 0, 0, 1}, {7, 7, 0.708, 1}} {
		got := jeffreys(c.k, c.n)
		assert.Assert(t, math.Abs(got[0]-c.low) < 1e-3 && math.Abs(got[1]-c.top) < 1e-3, "%d of %d: %.4f", c.k, c.n, got)
	}
}

// The figures that LUCI's priors give: after 20 passes 4 failures are a change,
// 3 are not; after 100 passes 3 are.
func TestChangePoint(t *testing.T) {
	m := newMarginal(200)
	for _, c := range []struct {
		passes, failures int
		want             bool
	}{{20, 3, false}, {20, 4, true}, {100, 2, false}, {100, 3, true}} {
		series := make([]bool, c.passes, c.passes+c.failures)
		for range c.failures {
			series = append(series, true)
		}
		start, found := m.lastSegment(series)
		assert.Equal(t, found, c.want, "%d passes, %d failures", c.passes, c.failures)
		if found {
			assert.Equal(t, start, c.passes)
		}
	}
	series := make([]bool, 24)
	for i := 20; i < 24; i++ {
		series[i] = true
	}
	_, gain := m.bestSplit(series)
	assert.Assert(t, math.Abs(gain-9.68) < 0.01, "ln Bayes factor %v", gain)
}

// TestBestSplit compares with trying every position.
func TestBestSplit(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	m := newMarginal(80)
	for range 500 {
		series := make([]bool, 2+random.IntN(78))
		total, rate := 0, random.Float64()
		for i := range series {
			series[i] = random.Float64() < rate
			if series[i] {
				total++
			}
		}
		best, k := math.Inf(-1), 0
		for i := 1; i < len(series); i++ {
			if series[i-1] {
				k++
			}
			best = max(best, m.ln(k, i)+m.ln(total-k, len(series)-i)-m.ln(total, len(series)))
		}
		_, gain := m.bestSplit(series)
		if total == 0 || total == len(series) || best <= splitMargin {
			continue
		}
		assert.Assert(t, gain > best-1e-9, "%v: %v, not %v", series, gain, best)
	}
}
