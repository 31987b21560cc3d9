package flake_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
)

// flakyRates are the 40 quantiles (1.25 %, 3.75 % …) of the failure rates of the
// 811 flaky tests among 22,244 of 24 Java projects that FlakeFlagger's authors
// ran 10,000 times (Alshammari et al., ICSE 2021; computed from
// AlshammariA/FlakeFlagger, test-rerun-scripts/test_results.csv at 2fcbafc,
// NumFailingRuns / (NumFailingRuns + NumPassingRuns), BSD-3-Clause).
var flakyRates = [40]float64{
	0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0002, 0.00025, 0.0003, 0.000375, 0.0004,
	0.0004, 0.0006, 0.0008, 0.0012, 0.0024, 0.0043, 0.0044, 0.0065, 0.0065, 0.0065,
	0.0071, 0.0078, 0.0145, 0.0145, 0.0145, 0.015, 0.0151, 0.0186, 0.0268, 0.105,
	0.199, 0.201, 0.201, 0.201, 0.551, 0.554, 0.554, 0.554, 0.554, 0.554,
}

// world is what a simulated history is drawn from. The shares with a source
// cite it; the others are assumptions, and the benchmark varies the one that
// matters most, SameCode.
type world struct {
	Tests, Runs int
	Flaky       float64 // share of tests; 811/22,244 (FlakeFlagger)
	Systemic    float64 // share of flaky tests that fail together; 0.75 (Parry et al., arXiv 2504.16777)
	ClusterSize float64 // mean; 13.5 (same)
	Changed     float64 // share of flaky tests that began, were mended or broke for good on the way
	Broken      float64 // share of tests that never pass
	Regressed   float64 // share of tests that pass until a change point, and never again
	Breaks      float64 // real breaks of a test a run; so that 16 % of the transitions from pass to fail are real (Micco, Google 2016)
	BreakSize   float64 // tests broken by one change, mean
	BreakLength float64 // runs until it is mended, mean
	SameCode    float64 // share of runs on the code of the run before
	Outages     float64 // share of runs in which nearly everything fails
	Brownouts   float64 // share of runs in which 5 to 40 % of the tests fail
	Late        float64 // share of tests that were added on the way
	Skips       float64 // share of results that are missing
}

func typical(tests, runs int) world {
	return world{
		Tests: tests, Runs: runs, Flaky: 811.0 / 22244, Systemic: 0.75, ClusterSize: 13.5, Changed: 0.25,
		Broken: 0.005, Regressed: 0.01, Breaks: 0.0005, BreakSize: 4, BreakLength: 3, SameCode: 0.1,
		Outages: 0.005, Brownouts: 0.01, Late: 0.05, Skips: 0.01,
	}
}

// simulation is a history with the truth about it.
type simulation struct {
	flake.History
	truth []ci.FlakeVerdict
	// seen says that a flaky test has shown it: failed and passed, in the time in
	// which it was flaky. Nobody can know the others.
	seen []bool
}

type simulator struct {
	world
	*rand.Rand
	simulation
	begin  []int // first run of each test
	flakes []bool
}

func (w world) simulate(seed uint64) simulation {
	s := simulator{world: w, Rand: rand.New(rand.NewPCG(seed, 0x6b67))}
	s.setUp()
	s.addBreaks()
	s.addFlakes()
	for t := range w.Tests {
		switch {
		case s.flakes[t]:
		case s.Float64() < w.Broken:
			s.breakFrom(t, 0, ci.FlakeBroken)
		case s.Float64() < w.Regressed && w.Runs-s.begin[t] > 1:
			from := s.begin[t] + 1 + s.IntN(w.Runs-s.begin[t]-1)
			for from < w.Runs && s.sameCode(from) {
				from++
			}
			if from < w.Runs {
				s.breakFrom(t, from, ci.FlakeRegressed)
			}
		}
	}
	s.addOutages()
	return s.simulation
}

func (s *simulator) setUp() {
	tests, runs := make([]flake.Test, s.world.Tests), make([]flake.Run, s.world.Runs)
	s.begin, s.flakes = make([]int, len(tests)), make([]bool, len(tests))
	s.truth, s.seen = make([]ci.FlakeVerdict, len(tests)), make([]bool, len(tests))
	for t := range tests {
		tests[t].ID = ci.TestID(fmt.Sprintf("tests/test_%05d.py::test_it", t))
		s.truth[t] = ci.FlakeHealthy
		if s.Float64() < s.Late {
			s.begin[t] = s.IntN(len(runs))
		}
	}
	code := 0
	for r := range runs {
		if s.Float64() >= s.SameCode {
			code++
		}
		runs[r] = flake.Run{
			ID: fmt.Sprintf("%d", r), Tree: fmt.Sprintf("tree%d", code), Main: true,
			Started: time.Date(2026, 1, 1, r, 0, 0, 0, time.UTC),
		}
	}
	s.History = flake.NewHistory(tests, runs)
	for t := range tests {
		for r := s.begin[t]; r < len(runs); r++ {
			if s.Float64() >= s.Skips {
				s.Cells[t][r] = flake.Pass
			}
		}
	}
}

func (s *simulator) fail(t, r int) {
	if s.Cells[t][r] != flake.None {
		s.Cells[t][r] = flake.Fail
	}
}

func (s *simulator) sameCode(r int) bool {
	return r > 0 && s.History.Runs[r].Tree == s.History.Runs[r-1].Tree
}

// geometric is 1, 2 … with the given mean.
func (s *simulator) geometric(mean float64) int {
	n := 1
	for s.Float64() > 1/mean {
		n++
	}
	return n
}

// addBreaks lets changes break a few tests each, for as long as it takes to mend
// them. Code breaks and is mended only where it changes.
func (s *simulator) addBreaks() {
	events := s.Breaks * float64(s.world.Tests) / s.BreakSize // a run
	for r := 1; r < s.world.Runs; r++ {
		if s.sameCode(r) {
			continue
		}
		for p := events; p > 0; p-- {
			if s.Float64() >= p {
				continue
			}
			length, first := s.geometric(s.BreakLength), s.IntN(s.world.Tests)
			for t := first; t < min(first+s.geometric(s.BreakSize), s.world.Tests); t++ {
				s.breakFor(t, r, length)
			}
		}
	}
}

func (s *simulator) breakFor(t, from, length int) {
	for r := from; ; r++ {
		if r == s.world.Runs {
			s.truth[t] = ci.FlakeRegressed
			if from <= s.begin[t] {
				s.truth[t] = ci.FlakeBroken
			}
			return
		}
		if r >= from+length && !s.sameCode(r) {
			return
		}
		s.fail(t, r)
	}
}

func (s *simulator) breakFrom(t, from int, truth ci.FlakeVerdict) {
	for r := from; r < s.world.Runs; r++ {
		s.fail(t, r)
	}
	s.truth[t] = truth
}

// open is the probability down to which a flaky test that was mended, or broke
// for good, is still as likely to be as flaky as before, for one who knows its
// rate. Until then the truth about it is "flaky".
const open = 0.05

// addFlakes makes tests flaky, alone or in clusters that one trigger fails.
func (s *simulator) addFlakes() {
	left := int(s.Flaky * float64(s.world.Tests))
	for left > 0 {
		size := 1
		if s.Float64() < s.Systemic/(s.Systemic+(1-s.Systemic)*s.ClusterSize) { // shares of tests, not of clusters
			size = min(1+s.geometric(s.ClusterSize-1), left)
		}
		rate := flakyRates[s.IntN(len(flakyRates))] * (0.8 + 0.4*s.Float64())
		trigger := make([]bool, s.world.Runs)
		for r := range trigger {
			trigger[r] = s.Float64() < rate
		}
		for range size {
			s.addFlake(trigger, rate, size > 1)
		}
		left -= size
	}
}

func (s *simulator) addFlake(trigger []bool, rate float64, together bool) {
	t := s.IntN(s.world.Tests)
	if s.flakes[t] || s.truth[t] != ci.FlakeHealthy {
		return
	}
	s.flakes[t], s.truth[t] = true, ci.FlakeFlaky
	from, to, end := s.begin[t], s.world.Runs, s.world.Runs
	if s.Float64() < s.Changed && to-from > 2 {
		change := from + 1 + s.IntN(to-from-1)
		since := float64(end - change)
		switch s.IntN(3) {
		case 0:
			from = change
		case 1:
			to = change
			if math.Pow(1-rate, since) <= open {
				s.truth[t], end = ci.FlakeHealthy, change
			}
		case 2:
			to = change
			s.breakFrom(t, change, ci.FlakeFlaky)
			if math.Pow(rate, since) <= open {
				s.truth[t], end = ci.FlakeBroken, change
			}
		}
	}
	passed, failed := false, false
	for r := from; r < to; r++ {
		fails := s.Float64() < rate
		if together {
			fails = trigger[r] && s.Float64() < 0.9
		}
		if fails {
			s.fail(t, r)
		}
	}
	for r := from; r < end; r++ {
		passed = passed || s.Cells[t][r] == flake.Pass
		failed = failed || s.Cells[t][r] == flake.Fail
	}
	s.seen[t] = passed && failed
	if s.truth[t] == ci.FlakeBroken && !s.seen[t] {
		s.truth[t] = ci.FlakeRegressed // it never showed that it was flaky before
	}
}

func (s *simulator) addOutages() {
	for r := range s.world.Runs {
		share := 0.0
		switch p := s.Float64(); {
		case p < s.Outages:
			share = 0.95
		case p < s.Outages+s.Brownouts:
			share = 0.05 + 0.35*s.Float64()
		}
		for t := range s.world.Tests {
			if s.Float64() < share {
				s.fail(t, r)
			}
		}
	}
}
