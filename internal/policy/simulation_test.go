package policy_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
)

// noise is how coverage of one commit differs from run to run, in points: the
// models of a deterministic suite, of one with randomness or timing in it, and
// of one in which now and then a whole group of tests does not run.
type noise struct {
	name            string
	sigma           float64 // of normal noise
	spikes          float64 // share of runs that lose
	leastLoss, most float64 // between so many points
}

var noises = []noise{
	{name: "quiet", sigma: 0.03},
	{name: "noisy", sigma: 0.2},
	{name: "spiky", sigma: 0.03, spikes: 0.05, leastLoss: 0.3, most: 1.5},
}

// measure is one run of a commit whose true coverage is level.
func (n noise) measure(r *rand.Rand, level float64) float64 {
	v := level + r.NormFloat64()*n.sigma
	if r.Float64() < n.spikes {
		v -= n.leastLoss + r.Float64()*(n.most-n.leastLoss)
	}
	return min(v, 100)
}

// rule is a gate: may a change with this coverage go on, after these runs?
type rule struct {
	name string
	// verdict of the change; refused: main's newest run was not green itself.
	verdict func(now float64, main []float64, refused bool) ci.Verdict
}

func (r rule) fail(now float64, main []float64) bool {
	return r.verdict(now, main, false) == ci.VerdictFail
}

const simDelta = 0.5

func gate(strict bool) func(float64, []float64, bool) ci.Verdict {
	return func(now float64, main []float64, refused bool) ci.Verdict {
		base := runs(main...)
		base.Records[len(base.Records)-1].Green = !refused
		return policy.Coverage(at(now), base, policy.CoverageSettings{Delta: simDelta, Strict: strict}).Verdict
	}
}

// below is a gate that knows nothing but a number to compare with.
func below(baseline func(main []float64) float64) func(float64, []float64, bool) ci.Verdict {
	return func(now float64, main []float64, _ bool) ci.Verdict {
		if now < baseline(main[max(0, len(main)-10):])-simDelta {
			return ci.VerdictFail
		}
		return ci.VerdictPass
	}
}

func mean(main []float64) float64 {
	sum := 0.0
	for _, v := range main {
		sum += v
	}
	return sum / float64(len(main))
}

var rules = []rule{
	{"last run", below(func(main []float64) float64 { return main[len(main)-1] })},
	{"mean of 10", below(mean)},
	{"max of 10", below(func(main []float64) float64 { return slices.Max(main) })},
	{"guide (median)", gate(false)},
	{"strict", gate(true)},
}

// simulated are the shares of changes that a rule fails, in percent.
type simulated struct {
	innocent  float64 // nothing changed
	confirmed float64 // nothing changed, and only what fails twice fails
	found     float64 // the change loses a point
	noticed   float64 // the change loses a point: failed, or said to be inherited
	inherited float64 // nothing changed, on a base that lost a point before
	again     float64 // the same, and only what fails twice fails
	end       float64 // level after 60 changes that each lose 0.4 points, from 90; between two of them main has another green run
}

func simulate(r *rand.Rand, n noise, gate rule, trials int) simulated {
	var s simulated
	window := func(level float64, count int) []float64 {
		out := make([]float64, count)
		for i := range out {
			out[i] = n.measure(r, level)
		}
		return out
	}
	for range trials {
		main := window(90, 10)
		if gate.fail(n.measure(r, 90), main) {
			s.innocent++
			if gate.fail(n.measure(r, 90), main) {
				s.confirmed++
			}
		}
		switch gate.verdict(n.measure(r, 89), main, false) {
		case ci.VerdictFail:
			s.found++
			s.noticed++
		case ci.VerdictInherited:
			s.noticed++
		default:
		}
		down := append(window(90, 10), n.measure(r, 89))
		if gate.verdict(n.measure(r, 89), down, true) == ci.VerdictFail {
			s.inherited++
			if gate.verdict(n.measure(r, 89), down, true) == ci.VerdictFail {
				s.again++
			}
		}
	}
	for _, v := range []*float64{&s.innocent, &s.confirmed, &s.found, &s.noticed, &s.inherited, &s.again} {
		*v *= 100 / float64(trials)
	}
	const frogs = 20
	for range frogs {
		level, main := 90.0, window(90, 10)
		for range 60 {
			if now := n.measure(r, level-0.4); !gate.fail(now, main) {
				level -= 0.4
				main = append(main, now)
			}
			if now := n.measure(r, level); !gate.fail(now, main) {
				main = append(main, now)
			}
		}
		s.end += level / frogs
	}
	return s
}

// TestSimulation holds both policies to what they promise, on fixed seeds. With
// -v it prints the same rows for the gates that other tools have.
func TestSimulation(t *testing.T) {
	const trials = 3000
	t.Logf("%-7s %-15s %8s %8s %8s %8s %9s %8s %8s", "noise", "rule", "innocent", "twice", "found", "noticed", "base down", "twice", "frog at")
	for i, n := range noises {
		for j, gate := range rules {
			s := simulate(rand.New(rand.NewPCG(uint64(i), uint64(j))), n, gate, trials)
			t.Logf("%-7s %-15s %7.2f%% %7.2f%% %7.2f%% %7.2f%% %8.2f%% %7.2f%% %8.2f", n.name, gate.name, s.innocent, s.confirmed, s.found, s.noticed, s.inherited, s.again, s.end)
			hold(t, n, gate, s)
		}
	}
}

func hold(t *testing.T, n noise, gate rule, s simulated) {
	t.Helper()
	promise := func(kept bool, what string) {
		if !kept {
			t.Errorf("%s, %s: %s: %+v", n.name, gate.name, what, s)
		}
	}
	switch gate.name {
	case "guide (median)":
		// Noise of 0.2 puts the two kinds of error against each other at a delta
		// of 0.5: no rule over one measurement finds 99 % and alarms for 0.5 %.
		promise(s.found >= 98.5 && (n.name == "noisy" || s.found >= 99), "finds a lost point")
		promise(s.confirmed <= 0.3, "false alarms when confirmed")
	case "strict":
		promise(s.innocent <= 0.5 || n.name == "spiky", "false alarms")
		promise(s.confirmed <= 0.3, "false alarms when confirmed")
		promise(s.noticed >= 99 || n.name == "noisy", "notices a lost point")
		promise(s.inherited <= 4, "a base that was down")
		promise(s.end >= 90-1.2-1e-6, "many small losses")
	}
}
