package flake_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
)

// drawn is a history of one drawing a test: . passed, F failed, B both, - did
// not run. Runs with the same letter in trees are on the same code; without
// trees each has its own.
func drawn(trees string, rows ...string) flake.History {
	tests := make([]flake.Test, len(rows))
	for i := range rows {
		tests[i].ID = ci.TestID(fmt.Sprintf("t%d", i))
	}
	runs := make([]flake.Run, len(rows[0]))
	for r := range runs {
		tree := fmt.Sprint(r)
		if trees != "" {
			tree = trees[r : r+1]
		}
		runs[r] = flake.Run{ID: fmt.Sprintf("r%d", r), Tree: tree, Main: true, Started: time.Unix(int64(r)*3600, 0)}
	}
	h := flake.NewHistory(tests, runs)
	for i, row := range rows {
		for r := range runs {
			h.Cells[i][r] = map[byte]flake.Cell{'.': flake.Pass, 'F': flake.Fail, 'B': flake.Both, '-': flake.None}[row[r]]
		}
	}
	return h
}

func passes(n int) string { return strings.Repeat(".", n) }

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name, trees, row string
		want             ci.FlakeVerdict
		since            string
	}{
		{"always passed", "", passes(20), ci.FlakeHealthy, "r0"},
		{"never ran", "", "-----", ci.FlakeUnknown, ""},
		{"too few runs", "", "....", ci.FlakeUnknown, "r0"},
		{"passed when retried, once", "", passes(9) + "B" + passes(5), ci.FlakeFlaky, "r0"},
		{"passed when retried, in the first of two runs", "", "B.", ci.FlakeFlaky, "r0"},
		{"failed and passed on one tree", "abbcdefg", ".F......", ci.FlakeFlaky, "r0"},
		{"failed and passed on one tree, not one after the other", "abcbdefg", ".F......", ci.FlakeFlaky, "r0"},
		{"failed once, on code of its own, lately", "", passes(15) + "F...", ci.FlakeUnknown, "r0"},
		{"failed once, on code of its own, in many runs", "", passes(50) + "F" + passes(50), ci.FlakeHealthy, "r0"},
		{"a break of three runs that was mended", "", passes(30) + "FFF" + passes(30), ci.FlakeHealthy, ""},
		{"comes and goes", "", "..F...F....F..F.....", ci.FlakeFlaky, "r0"},
		{"fails since a change", "", passes(20) + "FFFF", ci.FlakeRegressed, "r20"},
		{"fails since a change, and the code is not to blame", "abcdefghijklmnopqrstttt", passes(19) + ".FFF", ci.FlakeRegressed, "r20"},
		{"fails in the newest run only", "", passes(20) + "F", ci.FlakeUnknown, "r0"},
		{"always failed", "", "FFFFFF", ci.FlakeBroken, "r0"},
		{"was flaky, then only failed", "", "..F.F..F....F..F." + strings.Repeat("F", 12), ci.FlakeBroken, "r17"},
		{"was broken, and was mended", "", strings.Repeat("F", 12) + passes(12), ci.FlakeHealthy, "r12"},
		{"was flaky, and was mended", "", "F.FF.F.F..FF.F.F" + passes(30), ci.FlakeHealthy, "r16"},
		{"fails nearly always, passes now and then", "", "FFF.FFFFF.FFF.FFFF.F", ci.FlakeFlaky, "r0"},
	} {
		got := flake.Verdicts(drawn(c.trees, c.row), flake.Options{})[0]
		assert.Check(t, is.Equal(got.Verdict, c.want), "%s: %s %.3f", c.name, got.Because, got.Probability)
		if c.since != "" {
			assert.Check(t, is.Equal(got.Since, c.since), c.name)
		}
		assert.Check(t, len(got.Because) > 0, c.name)
		assert.Check(t, got.SegmentRuns == 0 || got.Interval[0] <= got.Rate && got.Rate <= got.Interval[1], c.name)
	}
}

func TestVerdictFields(t *testing.T) {
	got := flake.Verdicts(drawn("abcdeefghi", "..F.F...-."), flake.Options{})[0]
	assert.Equal(t, got.Runs, 9)
	assert.Equal(t, got.Failures, 2)
	assert.Equal(t, got.Flips, 2)
	assert.Equal(t, got.SegmentRuns, 9)
	assert.DeepEqual(t, got.Contradicted, []string{"r4"})
	assert.Equal(t, got.Because[0], "failed and passed on the same code in 1 run")
}

// A change that really breaks a test on a branch is not a flake, and neither
// are the tests that passed beside a contradicted one.
func TestBranchesAndSiblings(t *testing.T) {
	h := drawn("", "....F.F.F..", "...........", "......B....")
	for _, r := range []int{4, 6, 8} {
		h.Runs[r].Main = false
	}
	got := flake.Verdicts(h, flake.Options{})
	assert.Check(t, got[0].Verdict != ci.FlakeFlaky, got[0].Because)
	assert.Equal(t, got[1].Verdict, ci.FlakeHealthy)
	assert.Equal(t, got[2].Verdict, ci.FlakeFlaky) // retried on a branch: the same code all the same
}

func TestMassFailure(t *testing.T) {
	rows := make([]string, 20)
	for i := range rows {
		rows[i] = passes(10) + "F" + passes(10)
	}
	rows[0] = passes(21)
	h := drawn("", rows...)
	h.Runs[10].Tree = h.Runs[9].Tree // it even passed on the same code
	assert.DeepEqual(t, flake.MassFailures(h, flake.Options{}), []string{"r10"})
	for _, v := range flake.Verdicts(h, flake.Options{}) {
		assert.Check(t, is.Equal(v.Verdict, ci.FlakeHealthy))
		assert.Check(t, is.Equal(v.Runs, 20))
	}
	assert.Equal(t, len(flake.MassFailures(drawn("", "F", "F", "F"), flake.Options{})), 0, "three tests are too few for a mass")
}

func TestHysteresis(t *testing.T) {
	h := drawn("", passes(40)+"F"+passes(40)+"F"+passes(10))
	fresh := flake.Verdicts(h, flake.Options{})[0]
	assert.Equal(t, fresh.Verdict, ci.FlakeUnknown, fresh.Because)
	was := flake.Verdicts(h, flake.Options{Previous: map[flake.Test]ci.FlakeVerdict{{ID: "t0"}: ci.FlakeFlaky}})[0]
	assert.Equal(t, was.Verdict, ci.FlakeFlaky)
}

func TestWindow(t *testing.T) {
	h := drawn("", "B"+passes(30))
	assert.Equal(t, flake.Verdicts(h, flake.Options{})[0].Verdict, ci.FlakeFlaky)
	got := flake.Verdicts(h, flake.Options{Window: 24 * time.Hour})[0]
	assert.Equal(t, got.Verdict, ci.FlakeHealthy)
	assert.Equal(t, got.Runs, 25)
}

func TestCoFailures(t *testing.T) {
	h := drawn("",
		"..B...B....B..B.....",
		"..B...B....B..B.....",
		"..B...B....B........",
		".B..B...B....B...B..",
		"....................")
	got := flake.Verdicts(h, flake.Options{})
	assert.DeepEqual(t, got[0].CoFails, []flake.Test{{ID: "t1"}, {ID: "t2"}})
	assert.DeepEqual(t, got[2].CoFails, []flake.Test{{ID: "t0"}, {ID: "t1"}})
	assert.Equal(t, len(got[3].CoFails), 0)
	assert.Equal(t, len(got[4].CoFails), 0)
}

// TestOrderDoesNotMatter: a history is a set of tests and a set of runs.
func TestOrderDoesNotMatter(t *testing.T) {
	h := typical(400, 60).simulate(5).History
	want := map[flake.Test]flake.Verdict{}
	for _, v := range flake.Verdicts(h, flake.Options{}) {
		want[v.Test] = v
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		tests, runs := random.Perm(len(h.Tests)), random.Perm(len(h.Runs))
		mixed := flake.History{Tests: make([]flake.Test, len(tests)), Runs: make([]flake.Run, len(runs)), Cells: make([][]flake.Cell, len(tests))}
		for to, from := range runs {
			mixed.Runs[to] = h.Runs[from]
		}
		for to, from := range tests {
			mixed.Tests[to] = h.Tests[from]
			for _, r := range runs {
				mixed.Cells[to] = append(mixed.Cells[to], h.Cells[from][r])
			}
		}
		for _, v := range flake.Verdicts(mixed, flake.Options{}) {
			assert.DeepEqual(t, v, want[v.Test])
		}
	}
}

func TestOddHistories(t *testing.T) {
	assert.Equal(t, len(flake.Verdicts(flake.History{}, flake.Options{})), 0)
	short := flake.History{Tests: []flake.Test{{ID: "a"}, {ID: "b"}, {ID: "c"}}, Runs: make([]flake.Run, 3), Cells: [][]flake.Cell{{flake.Pass}, nil, {255, 8, flake.Both, flake.Fail, flake.Fail}}}
	got := flake.Verdicts(short, flake.Options{})
	assert.Equal(t, got[1].Verdict, ci.FlakeUnknown)
	assert.Assert(t, slices.IndexFunc(got, func(v flake.Verdict) bool { return len(v.Because) == 0 }) < 0)
}

// Remembering says what Verdicts says when it is told what was said before.
func TestRememberingIsVerdictsWithWhatWasSaidBefore(t *testing.T) {
	h := drawn("", passes(10)+"B"+passes(60)+"F"+passes(10))
	last := len(h.Runs) - 1
	before := flake.History{Tests: h.Tests, Runs: h.Runs[:last], Cells: [][]flake.Cell{h.Cells[0][:last]}}
	previous := map[flake.Test]ci.FlakeVerdict{h.Tests[0]: flake.Verdicts(before, flake.Options{})[0].Verdict}
	want := flake.Verdicts(h, flake.Options{Previous: previous})[0]
	got := flake.Remembering(h, flake.Options{})[0]
	if got.Verdict != want.Verdict || got.Probability != want.Probability {
		t.Errorf("got %s %.3f, want %s %.3f", got.Verdict, got.Probability, want.Verdict, want.Probability)
	}
}
