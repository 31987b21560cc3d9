package flake

import "math"

// What is believed before a test's history is seen.
const (
	// priorFlaky: 811 of 22,244 tests of 24 Java projects failed and passed in
	// 10,000 reruns (Alshammari et al., "FlakeFlagger", ICSE 2021).
	priorFlaky = 811.0 / 22244
	// breakRate is how often a run of a passing test finds it really broken: 16 %
	// of the transitions from pass to fail, as Google saw (Micco, "Flaky tests at
	// Google", 2016), of the rate at which FlakeFlagger's tests make the other 84 %.
	breakRate = 0.0005
	// startBroken is for a history that begins with failures.
	startBroken = 0.01
)

// probability weighs two stories of a segment. Flaky: each run fails by itself,
// with one unknown rate. Steady: the code breaks now and then, and each break
// lasts for l runs with probability 1/(l(l+1)), whatever the scale; in a crowd
// it fails as likely as any other test. A segment with but one outcome is not
// flaky whatever the odds. changed: the segment begins at a change point, so
// that failures at its start need no explanation.
func probability(m *marginal, segment []sighting, changed bool) float64 {
	k, streak, began := 0, 0, 0
	steady := 0.0
	for i, s := range segment {
		bad := s.cell&Fail != 0
		if bad {
			k++
		}
		switch {
		case bad && s.crowd > 0 && streak == 0:
			steady += math.Log(s.crowd)
		case bad:
			if streak == 0 {
				began = i
			}
			streak++
		default:
			steady += streakCost(streak, began, changed, true) + stayed(s.crowd)
			streak = 0
		}
	}
	if k == 0 || k == len(segment) {
		return 0
	}
	steady += streakCost(streak, began, changed, false)
	odds := math.Log(priorFlaky/(1-priorFlaky)) + m.ln(k, len(segment)) - steady
	return 1 / (1 + math.Exp(-odds))
}

// stayed is ln of the probability that a passing test passes again.
func stayed(crowd float64) float64 {
	if crowd == 0 {
		return lnStayed
	}
	return lnStayed + math.Log1p(-crowd)
}

var lnStayed = math.Log1p(-breakRate)

// streakCost is ln of the probability of a break of length failures that begins
// at position at; mended: it is over.
func streakCost(length, at int, changed, mended bool) float64 {
	if length == 0 {
		return 0
	}
	l := float64(length)
	cost := math.Log(breakRate)
	if at == 0 {
		cost = math.Log(startBroken)
		if changed {
			cost = 0
		}
	}
	if mended {
		return cost - math.Log(l*(l+1))
	}
	return cost - math.Log(l)
}
