package flake

import "math"

// The change-point model of LUCI Analysis (luci-go, analysis/internal/
// changepoints/bayesian): within a segment a test fails with one unknown rate,
// whose prior is Beta(0.3, 0.5); a position is a change point with prior odds
// of 1 to 10,000. The rates integrate out, so what is compared are counts.
const (
	priorFail   = 0.3
	priorPass   = 0.5
	splitMargin = 9.210340371976184 // ln 10,000
	maxSplits   = 32                // of one test; a history with more is noise
)

// marginal gives ln of the probability of a sequence with k failures among n
// runs, order given, rate unknown. It holds tables of ln Γ, since a history asks
// millions of times.
type marginal struct {
	fail, pass, both []float64
	base             float64
}

func newMarginal(n int) *marginal {
	m := &marginal{base: lnBeta(priorFail, priorPass)}
	for i := range n + 1 {
		m.fail = append(m.fail, lgamma(priorFail+float64(i)))
		m.pass = append(m.pass, lgamma(priorPass+float64(i)))
		m.both = append(m.both, lgamma(priorFail+priorPass+float64(i)))
	}
	return m
}

func (m *marginal) ln(k, n int) float64 { return m.fail[k] + m.pass[n-k] - m.both[n] - m.base }

// lastSegment is where the newest segment of failed begins, and whether a change
// point is its beginning. The series is split at its best position for as long as
// splitting is worth the prior odds, each time the right part again: what changed
// before the last change is not asked here.
func (m *marginal) lastSegment(failed []bool) (start int, found bool) {
	for range maxSplits {
		at, gain := m.bestSplit(failed[start:])
		if gain <= splitMargin {
			break
		}
		start, found = start+at, true
	}
	return start, found
}

// bestSplit finds the position whose split explains the series best, and by how
// much in ln likelihood.
func (m *marginal) bestSplit(failed []bool) (at int, gain float64) {
	total := 0
	for _, f := range failed {
		if f {
			total++
		}
	}
	n := len(failed)
	if total == 0 || total == n {
		return 0, math.Inf(-1)
	}
	gain = math.Inf(-1)
	k := 0
	for i := 1; i < n; i++ {
		if failed[i-1] {
			k++
		}
		// Within a streak the gain is largest at an end, so only changes are tried.
		if failed[i-1] == failed[i] {
			continue
		}
		if g := m.ln(k, i) + m.ln(total-k, n-i); g > gain {
			at, gain = i, g
		}
	}
	return at, gain - m.ln(total, n)
}
