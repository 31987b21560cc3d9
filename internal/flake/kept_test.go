package flake_test

import (
	"slices"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
)

// upTo is a history as it was after its first n runs.
func upTo(h flake.History, n int) flake.History {
	out := flake.History{Tests: h.Tests, Runs: h.Runs[:n], Cells: make([][]flake.Cell, len(h.Cells))}
	for t, row := range h.Cells {
		out.Cells[t] = slices.Clone(row[:min(n, len(row))])
	}
	return out
}

// followed judges after each of the last runs, and counts how often a test
// became flaky or stopped being it. With memory, each verdict knows the one
// before, as the commands keep it.
func followed(h flake.History, last int, memory bool) (verdicts []flake.Verdict, changes int) {
	said := map[flake.Test]ci.FlakeVerdict{}
	for n := len(h.Runs) - last; n <= len(h.Runs); n++ {
		var opt flake.Options
		if memory {
			opt.Previous = said
		}
		verdicts = flake.Verdicts(upTo(h, n), opt)
		now := map[flake.Test]ci.FlakeVerdict{}
		for _, v := range verdicts {
			now[v.Test] = v.Verdict
			if was, known := said[v.Test]; known && (was == ci.FlakeFlaky) != (v.Verdict == ci.FlakeFlaky) {
				changes++
			}
		}
		said = now
	}
	return verdicts, changes
}

// TestVerdictsThatAreKeptFlickerLess follows a suite run by run: memory must take
// away changes of mind, and cost no accuracy.
func TestVerdictsThatAreKeptFlickerLess(t *testing.T) {
	s := typical(20000, 100).simulate(heldOut)
	with, changes := followed(s.History, 6, true)
	_, bare := followed(s.History, 6, false)
	said := make([]ci.FlakeVerdict, len(with))
	for i, v := range with {
		said[i] = v.Verdict
	}
	got := s.against(said)
	t.Logf("changes of mind in 6 runs: %d with memory, %d without", changes, bare)
	t.Logf("%s", got)
	assert.Check(t, changes < bare, "%d with memory, %d without", changes, bare)
	assert.Check(t, got.macro() >= 0.90, "macro F1 %.3f", got.macro())
	assert.Check(t, got.precision(ci.FlakeFlaky) >= 0.98, "precision %.3f", got.precision(ci.FlakeFlaky))
}
