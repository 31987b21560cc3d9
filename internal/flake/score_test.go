package flake_test

import (
	"fmt"
	"runtime"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
)

var classes = []ci.FlakeVerdict{ci.FlakeHealthy, ci.FlakeFlaky, ci.FlakeBroken, ci.FlakeRegressed}

// score counts verdicts against the truth.
type score struct {
	table map[[2]ci.FlakeVerdict]int // truth, verdict
}

// against leaves out the flaky tests that have not shown it, unless they were
// called flaky: whoever calls them anything else cannot know better.
func (s simulation) against(said []ci.FlakeVerdict) score {
	out := score{map[[2]ci.FlakeVerdict]int{}}
	for t, truth := range s.truth {
		if truth == ci.FlakeFlaky && !s.seen[t] && said[t] != ci.FlakeFlaky {
			continue
		}
		out.table[[2]ci.FlakeVerdict{truth, said[t]}]++
	}
	return out
}

func (s score) precision(class ci.FlakeVerdict) float64 {
	hit, all := 0, 0
	for pair, n := range s.table {
		if pair[1] == class {
			all += n
			if pair[0] == class {
				hit += n
			}
		}
	}
	return ratio(hit, all)
}

func (s score) recall(class ci.FlakeVerdict) float64 {
	hit, all := 0, 0
	for pair, n := range s.table {
		if pair[0] == class {
			all += n
			if pair[1] == class {
				hit += n
			}
		}
	}
	return ratio(hit, all)
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func (s score) f1(class ci.FlakeVerdict) float64 {
	p, r := s.precision(class), s.recall(class)
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

func (s score) macro() float64 {
	sum := 0.0
	for _, c := range classes {
		sum += s.f1(c)
	}
	return sum / float64(len(classes))
}

func (s score) String() string {
	out := fmt.Sprintf("macro F1 %.3f\n%-10s", s.macro(), "truth")
	columns := append([]ci.FlakeVerdict{ci.FlakeUnknown}, classes...)
	for _, c := range columns {
		out += fmt.Sprintf("%10s", c)
	}
	for _, truth := range classes {
		out += fmt.Sprintf("\n%-10s", truth)
		for _, c := range columns {
			out += fmt.Sprintf("%10d", s.table[[2]ci.FlakeVerdict{truth, c}])
		}
		out += fmt.Sprintf("  precision %.3f recall %.3f", s.precision(truth), s.recall(truth))
	}
	return out
}

func ours(h flake.History) []ci.FlakeVerdict {
	var out []ci.FlakeVerdict
	for _, v := range flake.Verdicts(h, flake.Options{}) {
		out = append(out, v.Verdict)
	}
	return out
}

// failureRate is the rule of a pure failure rate, as FlakeTrack has it (5 % of
// at least 5 runs); what always fails is called broken, which is more than it does.
func failureRate(h flake.History) []ci.FlakeVerdict {
	return byRow(h, func(row []flake.Cell) ci.FlakeVerdict {
		failed, n := 0, 0
		for _, c := range row {
			if c != flake.None {
				n++
				failed += int(c >> 1)
			}
		}
		switch {
		case n < 5:
			return ci.FlakeUnknown
		case failed == n:
			return ci.FlakeBroken
		case failed*20 >= n:
			return ci.FlakeFlaky
		}
		return ci.FlakeHealthy
	})
}

// flips is TestGrid's flip analyser (pkg/summarizer/analyzers): changes from
// pass to fail, streaks of 3 failures left out, one change is flaky. A trailing
// streak is called regressed, which is more than it does.
func flips(h flake.History) []ci.FlakeVerdict {
	return byRow(h, func(row []flake.Cell) ci.FlakeVerdict {
		n, changes, streak, passed := 0, 0, 0, false
		for _, c := range row {
			switch c {
			case flake.None:
				continue
			case flake.Fail:
				streak++
			default:
				if passed && streak > 0 && streak < 3 {
					changes++
				}
				passed, streak = true, 0
			}
			n++
		}
		switch {
		case n < 5:
			return ci.FlakeUnknown
		case streak == n:
			return ci.FlakeBroken
		case streak >= 3:
			return ci.FlakeRegressed
		case changes+min(streak, 1) > 0:
			return ci.FlakeFlaky
		}
		return ci.FlakeHealthy
	})
}

// sameCode calls flaky what passed and failed on one tree, and no more: the
// rule of most services (Mergify, Semaphore, Tuist). What always fails is broken.
func sameCode(h flake.History) []ci.FlakeVerdict {
	return byRow(h, func(row []flake.Cell) ci.FlakeVerdict {
		seen, all := flake.None, flake.None // runs on one tree are neighbours here
		for r, c := range row {
			if r == 0 || h.Runs[r].Tree != h.Runs[r-1].Tree {
				seen = flake.None
			}
			seen |= c
			all |= c
			if seen == flake.Both {
				return ci.FlakeFlaky
			}
		}
		if all == flake.Fail {
			return ci.FlakeBroken
		}
		return ci.FlakeHealthy
	})
}

func byRow(h flake.History, rule func([]flake.Cell) ci.FlakeVerdict) []ci.FlakeVerdict {
	out := make([]ci.FlakeVerdict, len(h.Tests))
	for t, row := range h.Cells {
		out[t] = rule(row)
	}
	return out
}

// The constants of the rules were looked at on the histories of tuning only.
const (
	tuning  = 1
	heldOut = 7001
	suites  = 5 // histories that are judged together, since clusters of flaky tests make each another
)

func (s score) add(other score) {
	for pair, n := range other.table {
		s.table[pair] += n
	}
}

// judged is how a rule does on several suites of 20,000 tests together.
func judged(rule func(flake.History) []ci.FlakeVerdict, suites []simulation) score {
	all := score{map[[2]ci.FlakeVerdict]int{}}
	for _, s := range suites {
		all.add(s.against(rule(s.History)))
	}
	return all
}

func simulations(seed uint64, runs int) []simulation {
	out := make([]simulation, suites)
	for i := range out {
		out[i] = typical(20000, runs).simulate(seed + uint64(i))
	}
	return out
}

// TestAccuracy is the floor under the verdicts, on the histories that were used
// for tuning and on others.
func TestAccuracy(t *testing.T) {
	for _, seed := range []uint64{tuning, heldOut} {
		suites := simulations(seed, 100)
		got := judged(ours, suites)
		t.Logf("seed %d: %s", seed, got)
		assert.Check(t, got.macro() >= 0.90, "macro F1 %.3f", got.macro())
		assert.Check(t, got.precision(ci.FlakeFlaky) >= 0.98, "precision of flaky %.3f", got.precision(ci.FlakeFlaky))
		for _, rule := range peers {
			peer := judged(rule.of, suites[:1])
			assert.Check(t, got.macro() > peer.macro(), "%s: macro F1 %.3f", rule.name, peer.macro())
		}
	}
}

type rule struct {
	name string
	of   func(flake.History) []ci.FlakeVerdict
}

var peers = []rule{{"failure-rate", failureRate}, {"flips", flips}, {"same-code", sameCode}}

// BenchmarkRules states how right the verdicts and three published rules are, by
// the number of runs, on histories that nothing was tuned on.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{20, 50, 100, 500} {
		suites := simulations(heldOut+suites, n)
		for _, rule := range append([]rule{{"keepgreen", ours}}, peers...) {
			b.Run(fmt.Sprintf("runs=%d/%s", n, rule.name), func(b *testing.B) {
				var got score
				for b.Loop() {
					got = judged(rule.of, suites)
				}
				b.ReportMetric(got.precision(ci.FlakeFlaky), "flaky-precision")
				b.ReportMetric(got.recall(ci.FlakeFlaky), "flaky-recall")
				b.ReportMetric(got.macro(), "macro-F1")
			})
		}
	}
}

// BenchmarkVerdicts states what judging 20,000 tests over 1,000 runs takes as the
// commands do it, with hysteresis: once on a typical history, once on one in
// which every test fails now and then.
func BenchmarkVerdicts(b *testing.B) {
	restless := typical(20000, 1000)
	restless.Flaky = 1
	for _, c := range []struct {
		name string
		world
	}{{"typical", typical(20000, 1000)}, {"all-flaky", restless}} {
		b.Run(c.name, func(b *testing.B) {
			h := c.simulate(tuning).History
			runtime.GC()
			var stats runtime.MemStats
			peak := uint64(0)
			for b.Loop() {
				flake.Remembering(h, flake.Options{})
				runtime.ReadMemStats(&stats)
				peak = max(peak, stats.HeapInuse)
			}
			b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
		})
	}
}
