package flake

import (
	"cmp"
	"slices"

	"keepgreen/internal/ci"
)

// Earlier is what an earlier run says about tests: how each ended, by its last
// attempt.
type Earlier struct {
	Run      string
	Commit   string
	Tree     string // empty: unknown
	Outcomes map[ci.TestID]ci.Outcome
}

// Comparison is how a run stands beside the runs before it.
type Comparison struct {
	New       []ci.TestID // bad now, and not bad when it last ran, or never seen
	Fixed     []ci.TestID // good now, and bad when it last ran
	Still     []Streak    // bad now, and bad when it last ran
	Flipped   []Flip      // ended differently on this very tree
	Recovered []ci.TestID // bad at first, good when tried again in this run
}

// Streak is a row of bad runs that ends with this one.
type Streak struct {
	ID    ci.TestID
	Since Earlier // the first run of the row
	Runs  int     // bad runs in the row, this one included
}

// Flip is a test that was good and bad on one tree.
type Flip struct {
	ID     ci.TestID
	Before ci.Outcome
	Now    ci.Outcome
	Run    string // the earlier run
}

// Compare compares a run with earlier ones, newest first. A test that was
// skipped or did not run says nothing; the run before that is asked.
func Compare(now ci.Run, earlier []Earlier) Comparison {
	last, recovered := ci.Last(now.Tests)
	var c Comparison
	for _, t := range last {
		if !t.Outcome.Bad() && !t.Outcome.Good() {
			continue
		}
		c.add(t, now.Tree, earlier)
	}
	for id := range recovered {
		c.Recovered = append(c.Recovered, id)
	}
	slices.Sort(c.New)
	slices.Sort(c.Fixed)
	slices.Sort(c.Recovered)
	slices.SortFunc(c.Still, func(a, b Streak) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Flipped, func(a, b Flip) int { return cmp.Compare(a.ID, b.ID) })
	return c
}

func (c *Comparison) add(t ci.TestResult, tree string, earlier []Earlier) {
	streak := Streak{ID: t.ID, Runs: 1}
	seen, wasBad := false, false
	for _, e := range earlier {
		o, ran := e.Outcomes[t.ID]
		if !ran || !o.Bad() && !o.Good() {
			continue
		}
		if !seen {
			seen, wasBad = true, o.Bad()
		}
		if !o.Bad() {
			break
		}
		streak.Since = e
		streak.Runs++
	}
	switch {
	case t.Outcome.Bad() && wasBad:
		c.Still = append(c.Still, streak)
	case t.Outcome.Bad():
		c.New = append(c.New, t.ID)
	case wasBad:
		c.Fixed = append(c.Fixed, t.ID)
	}
	if tree == "" {
		return
	}
	for _, e := range earlier {
		o, ran := e.Outcomes[t.ID]
		if ran && e.Tree == tree && (o.Bad() && t.Outcome.Good() || o.Good() && t.Outcome.Bad()) {
			c.Flipped = append(c.Flipped, Flip{t.ID, o, t.Outcome, e.Run})
			return
		}
	}
}
