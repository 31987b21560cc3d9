// Package flake says what the history of a test means: healthy, flaky, broken,
// regressed, or not known. It knows outcomes, which of them were on equal code,
// and which run came after which. It reads no store and no clock, and it refuses
// to call a test flaky for failing alone: a failure counts against a test's
// steadiness only if the same code also passed, or if failures come and go more
// often than code breaks and is mended. It also reads the quarantine list, which
// excuses confirmed flakes and never a broken test.
package flake

import (
	"cmp"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

// Cell is what became of one test in one run: the union over its attempts and
// shards, so cells of the same run are joined with |.
type Cell uint8

// The bits of a cell. The zero value means that the test did not run, was
// skipped or did not say.
const (
	Pass Cell = 1 << iota
	Fail
	None Cell = 0
	Both      = Pass | Fail // failed and passed on the same code, in the same run
)

// CellOf is an outcome as a bit of a cell.
func CellOf(o ci.Outcome) Cell {
	switch {
	case o.Bad():
		return Fail
	case o.Good():
		return Pass
	}
	return None
}

// Test names a row of a history. The same ID in another variant (matrix cell,
// platform) is another row: it can be flaky in one and healthy in the other.
type Test struct {
	ID      ci.TestID
	Variant string
}

// Run is a column of a history.
type Run struct {
	ID      string // unique within the history
	Commit  string // empty where the work tree differed from it
	Tree    string // equal trees are equal code; empty: the commit is taken
	Main    bool   // belongs to the one line of development that is read as a series; where there are no branches, all do
	Started time.Time
}

func (r Run) code() string {
	if r.Tree != "" {
		return r.Tree
	}
	return r.Commit
}

// History is outcomes in columns. Cells[t][r] is test t in run r; a row may be
// shorter than Runs, what is missing is None. The order of tests and of runs
// does not matter.
type History struct {
	Tests []Test
	Runs  []Run
	Cells [][]Cell
}

// NewHistory has a row of None for every test.
func NewHistory(tests []Test, runs []Run) History {
	h := History{Tests: tests, Runs: runs, Cells: make([][]Cell, len(tests))}
	all := make([]Cell, len(tests)*len(runs))
	for t := range h.Cells {
		h.Cells[t], all = all[:len(runs):len(runs)], all[len(runs):]
	}
	return h
}

// Add notes one execution of test t in run r.
func (h History) Add(t, r int, o ci.Outcome) { h.Cells[t][r] |= CellOf(o) }

// Options of Verdicts. The zero value is the default.
type Options struct {
	MinRuns   int                      // fewer runs of a test than this are no verdict, unless the same code passed and failed; zero: 5
	MassShare float64                  // a run in which a larger share fails says nothing about its tests; zero: 0.8
	Activate  float64                  // probability from which a test becomes flaky; zero: 0.95
	Resolve   float64                  // probability below which a flaky test is no longer; zero: 0.2
	Window    time.Duration            // how far before the newest run to look; zero: everything
	Previous  map[Test]ci.FlakeVerdict // what was said last time; nil: nothing was
}

func (o Options) withDefaults() Options {
	o.MinRuns = cmp.Or(o.MinRuns, 5)
	o.MassShare = cmp.Or(o.MassShare, 0.8)
	o.Activate = cmp.Or(o.Activate, 0.95)
	o.Resolve = cmp.Or(o.Resolve, 0.2)
	return o
}

// Verdict is what a test's history says.
type Verdict struct {
	Test
	Verdict ci.FlakeVerdict

	Runs     int // runs that say how the test ended, mass failures left out
	Failures int // of these, runs in which it failed, also if it passed when retried
	Flips    int // short failures that came and went, in the current segment

	// Rate is the share of failing runs since Since, and Interval its 95 %
	// credible interval (Jeffreys). Both are of SegmentRuns runs of the line.
	Rate            float64
	Interval        [2]float64
	SegmentRuns     int
	SegmentFailures int
	Since           string // first run of the current segment; empty: none

	Probability  float64  // that the test is flaky, between 0 and 1
	Contradicted []string // runs whose failure the same code contradicted by passing, newest first, at most 20
	Because      []string // sentences; the first explains the verdict alone
	CoFails      []Test   // flaky tests that fail in the same runs: one cause, most likely; at most 100
}

// Verdicts judges every test of the history, in the order of h.Tests.
func Verdicts(h History, opt Options) []Verdict {
	opt = opt.withDefaults()
	j := newJudge(h, opt)
	out := make([]Verdict, len(h.Tests))
	for t := range h.Tests {
		out[t] = j.verdict(t)
	}
	coFailures(j, out)
	return out
}

// Remembering is Verdicts with hysteresis: what was said before the newest run is
// worked out from the runs before it, so that it needs no keeping and cannot
// contradict them.
func Remembering(h History, opt Options) []Verdict {
	if len(h.Runs) > 1 && opt.Previous == nil {
		before := h.without(chronological(h.Runs)[len(h.Runs)-1])
		opt.Previous = make(map[Test]ci.FlakeVerdict, len(h.Tests))
		for _, v := range Verdicts(before, opt) {
			opt.Previous[v.Test] = v.Verdict
		}
	}
	return Verdicts(h, opt)
}

// without is the history without one run.
func (h History) without(run int) History {
	out := History{Tests: h.Tests, Runs: slices.Delete(slices.Clone(h.Runs), run, run+1), Cells: make([][]Cell, len(h.Cells))}
	for t, row := range h.Cells {
		if run < len(row) {
			row = slices.Delete(slices.Clone(row), run, run+1)
		}
		out.Cells[t] = row
	}
	return out
}

// MassFailures lists the runs, in the order of h.Runs, in which so large a share
// of the tests failed that they say nothing about any of them.
func MassFailures(h History, opt Options) []string {
	j := newJudge(h, opt.withDefaults())
	var out []string
	for r, run := range h.Runs {
		if j.mass[r] {
			out = append(out, run.ID)
		}
	}
	return out
}

// chronological is the order of the runs in time; runs that started together
// are ordered by ID, so that the result does not depend on the input's order.
func chronological(runs []Run) []int {
	order := make([]int, len(runs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(runs[a].Started.Compare(runs[b].Started), cmp.Compare(runs[a].ID, runs[b].ID))
	})
	return order
}
