package flake_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
)

func TestCompare(t *testing.T) {
	type outcomes = map[ci.TestID]ci.Outcome
	earlier := []flake.Earlier{ // newest first
		{Run: "3", Tree: "t1", Outcomes: outcomes{"still": ci.Failed, "fixed": ci.Errored, "new": ci.Passed, "flips": ci.Passed, "skipped": ci.Skipped}},
		{Run: "2", Tree: "t0", Outcomes: outcomes{"still": ci.Failed, "new": ci.Passed, "skipped": ci.Failed}},
		{Run: "1", Tree: "t0", Outcomes: outcomes{"still": ci.Passed, "flips": ci.Failed}},
	}
	now := ci.Run{Tree: "t1"}
	for id, o := range (outcomes{"still": ci.Failed, "fixed": ci.Passed, "new": ci.Failed, "never seen": ci.Errored, "flips": ci.Failed, "skipped": ci.Failed, "cut off": ci.Unknown}) {
		now.Tests = append(now.Tests, ci.TestResult{ID: id, Outcome: o, Attempt: 1})
	}
	now.Tests = append(now.Tests, ci.TestResult{ID: "retried", Outcome: ci.Failed, Attempt: 1}, ci.TestResult{ID: "retried", Outcome: ci.Passed, Attempt: 2})

	c := flake.Compare(now, earlier)
	assert.DeepEqual(t, c.New, []ci.TestID{"flips", "never seen", "new"})
	assert.DeepEqual(t, c.Fixed, []ci.TestID{"fixed"})
	assert.DeepEqual(t, c.Recovered, []ci.TestID{"retried"})
	assert.Equal(t, len(c.Still), 2)
	assert.Equal(t, c.Still[0].ID, ci.TestID("skipped")) // its last word was in run 2
	assert.Equal(t, c.Still[1].Runs, 3)
	assert.Equal(t, c.Still[1].Since.Run, "2")
	flipped := map[ci.TestID]string{}
	for _, f := range c.Flipped {
		flipped[f.ID] = f.Run
	}
	assert.DeepEqual(t, flipped, map[ci.TestID]string{"fixed": "3", "new": "3", "flips": "3"})
}

func TestAnUnknownTreeFlipsNothing(t *testing.T) {
	c := flake.Compare(ci.Run{Tests: []ci.TestResult{{ID: "a", Outcome: ci.Failed}}},
		[]flake.Earlier{{Outcomes: map[ci.TestID]ci.Outcome{"a": ci.Passed}}})
	assert.Equal(t, len(c.Flipped), 0)
}
