package policy_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/assert/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
)

// at is a green run of main with the coverage in percent.
func at(pct float64) policy.CoverageRecord {
	return policy.CoverageRecord{Covered: int(math.Round(pct * 1000)), Total: 100_000, Series: "coverage.py/line", Green: true}
}

func runs(pcts ...float64) policy.CoverageBaseline {
	base := policy.CoverageBaseline{Stated: -1}
	for i, pct := range pcts {
		r := at(pct)
		r.RunID, r.Commit = fmt.Sprint(i+1), fmt.Sprintf("%040d", i+1)
		base.Records = append(base.Records, r)
	}
	return base
}

func flat(pct float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = pct
	}
	return out
}

func TestCoverage(t *testing.T) {
	guide := policy.CoverageSettings{Delta: 5}
	half := policy.CoverageSettings{Delta: 0.5}
	strict := policy.CoverageSettings{Delta: 0.5, Strict: true}
	other := runs(90)
	other.Records[0].Series = "go/line"
	red := runs(90, 50)
	red.Records[1].Green = false
	broken := runs(90)
	broken.Records = append(broken.Records,
		policy.CoverageRecord{Pct: math.NaN(), Green: true}, policy.CoverageRecord{Pct: 120, Green: true},
		policy.CoverageRecord{Pct: -1, Green: true}, policy.CoverageRecord{Covered: 5, Total: 4, Green: true})
	accepted := runs(append(flat(90, 10), 87, 87, 87, 87, 87, 87)...)
	accepted.Records[10].Accepted = true
	down := runs(append(flat(90, 9), 88.6)...)
	down.Records[9].Green = false
	noisyDown := runs(90, 90.1, 89.9, 90, 90.2, 90.1, 90, 89.9, 90, 88.6)
	noisyDown.Records[9].Green = false
	refused := runs(append(flat(90, 10), 89.4, 89.3, 89.3, 89.3, 89.2, 89.2, 89.2, 89.2, 89.2, 89.2, 88.95)...)
	refused.Records[20].Green = false
	removal := runs(flat(90, 5)...)
	removal.Removed = &policy.RemovedCode{BaseCovered: 900, BaseTotal: 1000, Covered: 200, Total: 200}

	for _, c := range []struct {
		name    string
		now     policy.CoverageRecord
		base    policy.CoverageBaseline
		s       policy.CoverageSettings
		verdict ci.Verdict
		because string // of the first sentence
	}{
		{"the guide's example: 88 against 90 with 5.0 passes", at(88), runs(flat(90, 10)...), guide, ci.VerdictPass, "coverage 88.00 % is 2.00 pp below the baseline of 90.00 % (the median of 10 green runs on main); up to 5.00 pp are allowed"},
		{"worse by exactly the delta passes", at(85), runs(90), guide, ci.VerdictPass, "5.00 pp below"},
		{"worse by more than the delta fails in the words that people search for", at(84.999), runs(90), guide, ci.VerdictFail, "regression exceeds delta threshold: coverage 84.99 % is 5.00 pp below"},
		{"a binary fraction at the limit is at the limit", at(89.9), runs(90.2), policy.CoverageSettings{Delta: 0.3}, ci.VerdictPass, "0.30 pp below"},
		{"nothing measured is no data", policy.CoverageRecord{}, runs(90), guide, ci.VerdictNoData, "no data is never a pass"},
		{"no statements are no data, not 100 %", policy.CoverageRecord{Covered: 0, Total: 0}, runs(90), guide, ci.VerdictNoData, "no coverage data"},
		{"more covered than there is, is no data", policy.CoverageRecord{Covered: 5, Total: 4}, runs(90), guide, ci.VerdictNoData, "no coverage data"},
		{"one odd run does not move the median", at(89.6), runs(90, 90, 99, 90, 12, 90), half, ci.VerdictPass, "baseline of 90.00 %"},
		{"only the last ten count", at(70), runs(append(flat(90, 12), flat(70, 10)...)...), half, ci.VerdictPass, "the median of 10 green runs"},
		{"runs that were not green do not count", at(89.8), red, half, ci.VerdictPass, "1 green run"},
		{"records that are no percentage do not count", at(90), broken, half, ci.VerdictPass, "1 green run"},
		{"no history: the default of 90", at(86), policy.CoverageBaseline{Stated: 90, Default: true}, guide, ci.VerdictPass, "the default: main has no green run on record yet"},
		{"no history: the default of 90 fails as any", at(84), policy.CoverageBaseline{Stated: 90, Default: true}, guide, ci.VerdictFail, "regression exceeds delta threshold"},
		{"no baseline at all is said and passes with a warning", at(84), policy.CoverageBaseline{Stated: -1}, guide, ci.VerdictWarn, "no baseline yet"},
		{"another tool is another series", at(20), other, guide, ci.VerdictWarn, "a new series begins: this is coverage.py/line, main has only go/line"},
		{"the floor stands beside the delta", at(88), runs(90), policy.CoverageSettings{Delta: 5, Min: 90}, ci.VerdictFail, "coverage 88.00 % is below the floor of 90.00 %"},
		{"a hair below the floor reads as below it", at(89.999), runs(90), policy.CoverageSettings{Delta: 5, Min: 90}, ci.VerdictFail, "coverage 89.99 % is below"},
		{"at the floor is not below it", at(90), runs(90), policy.CoverageSettings{Delta: 5, Min: 90}, ci.VerdictPass, ""},
		{"the floor holds for a new series, too", at(20), other, policy.CoverageSettings{Min: 90}, ci.VerdictFail, "below the floor"},

		{"strict: a drop beyond the delta fails", at(89), runs(flat(90, 10)...), strict, ci.VerdictFail, "regression exceeds delta threshold"},
		{"strict: noise of main is allowed for, and asks for a second measurement", at(89.3), runs(90, 90.3, 89.7, 90.2, 89.9, 90.4, 89.6, 90.1, 89.8, 90), strict, ci.VerdictWarn, "a second measurement decides"},
		{"strict: well within the delta of a noisy main", at(89.8), runs(90, 90.3, 89.7, 90.2, 89.9, 90.4, 89.6, 90.1, 89.8, 90), strict, ci.VerdictPass, "up to 0.94 pp"},
		{"strict: noise excuses one point at most", at(88.4), runs(94, 86, 93, 87, 92, 88, 91, 89, 90, 90), strict, ci.VerdictFail, "1.00 pp are allowed"},
		{"strict: main is down, and this may add to it", at(88.5), noisyDown, strict, ci.VerdictWarn, "main is down itself at 88.60 % (commit 000000000000): a second measurement decides"},
		{"strict: main was already down", at(88.5), down, strict, ci.VerdictInherited, "main was already down at 88.60 % (commit 000000000000): not this change's fault"},
		{"strict: main was down, and this makes it worse", at(87), down, strict, ci.VerdictFail, "regression exceeds"},
		{"strict: no records, no comparison with a default", at(50), policy.CoverageBaseline{Stated: 90, Default: true}, strict, ci.VerdictWarn, "no baseline yet"},
		{"strict: two records are compared with the last, and it is said", at(89.2), runs(80, 90), strict, ci.VerdictFail, "the last green run on main; 2 runs on record, 3 are wanted"},
		{"strict: a line of a tiny scope is no regression", policy.CoverageRecord{Covered: 17, Total: 20}, runs(flat(90, 5)...), strict, ci.VerdictPass, "up to 5.00 pp"},
		{"strict: main was refused at the end of a slow erosion, which is nobody else's", at(88.9), refused, strict, ci.VerdictFail, "small losses have added up"},
		{"strict: slow erosion stops at the anchor", at(88.96), runs(append(flat(90, 10), 89.9, 89.8, 89.7, 89.6, 89.5, 89.4, 89.3, 89.2, 89.15, 89.2)...), strict, ci.VerdictFail, "small losses have added up"},
		{"strict: an accepted level starts the anchor anew", at(86.8), accepted, strict, ci.VerdictPass, "baseline of 87.00 %"},
		{"strict: removed code that was well tested moves the baseline", at(87.5), removal, strict, ci.VerdictPass, "baseline of 87.50 %"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := policy.Coverage(c.now, c.base, c.s)
			assert.Equal(t, d.Verdict, c.verdict, "%v", d.Because)
			assert.Assert(t, cmp.Contains(d.Because[0], c.because))
			assert.Equal(t, d.Pass(), c.verdict != ci.VerdictFail && c.verdict != ci.VerdictNoData)
		})
	}
}

func TestCoverageTwice(t *testing.T) {
	base, s := runs(flat(90, 10)...), policy.CoverageSettings{Delta: 0.5}
	assert.Assert(t, policy.Coverage(at(88), base, s).Again)
	assert.Assert(t, !policy.Coverage(at(90), base, s).Again)
	for _, s := range []policy.CoverageSettings{s, {Delta: 0.5, Strict: true}} {
		assert.Equal(t, policy.CoverageTwice(at(90), at(88), base, s).Verdict, ci.VerdictPass)
		twice := policy.CoverageTwice(at(88), at(88), base, s)
		assert.Equal(t, twice.Verdict, ci.VerdictFail)
		assert.Assert(t, !twice.Again)
		assert.Assert(t, policy.CoverageTwice(at(88), at(90), base, s).Pass())
	}
	assert.Equal(t, policy.CoverageTwice(at(88), at(90), base, s).Verdict, ci.VerdictWarn)
}

func TestPatch(t *testing.T) {
	c := &ci.Coverage{Files: map[string]*ci.FileCoverage{
		"a.py": {Lines: map[int]int{1: 1, 2: 0, 4: 0, 5: 1, 6: 0, 9: 0, 20: 0}},
		"b.py": {Lines: map[int]int{1: 0}},
	}}
	p := policy.Patch(c, ci.Change{Files: []ci.FileChange{
		{Path: "b.py", Status: "D"},
		{Path: "none.py", Added: []ci.LineRange{{First: 1, Last: 9}}},
		{Path: "a.py", Added: []ci.LineRange{{First: 1, Last: 6}, {First: 9, Last: 1 << 30}}},
	}})
	assert.DeepEqual(t, p, policy.PatchCoverage{Covered: 2, Total: 7, Missing: []policy.Uncovered{
		{"a.py", ci.LineRange{First: 2, Last: 4}}, {"a.py", ci.LineRange{First: 6, Last: 6}}, {"a.py", ci.LineRange{First: 9, Last: 20}},
	}})
	assert.Equal(t, p.String(), "28.57 % of the change's own lines ran (2 of 7)")
	assert.Equal(t, policy.Patch(c, ci.Change{}).String(), "the change adds no line that coverage measures")
}

func TestRemoved(t *testing.T) {
	base := &ci.Coverage{Files: map[string]*ci.FileCoverage{
		"a.py": {Lines: map[int]int{1: 1, 2: 9, 3: 0}, Covered: 2, Total: 3, Branches: map[int]ci.BranchCount{2: {Covered: 1, Total: 2}}, CoveredBranches: 1, TotalBranches: 2},
	}}
	r := policy.Removed(base, map[string][]ci.LineRange{"a.py": {{First: 2, Last: 3}}, "gone.py": {{First: 1, Last: 2}}})
	assert.DeepEqual(t, *r, policy.RemovedCode{BaseCovered: 3, BaseTotal: 5, Covered: 2, Total: 4})
}

func TestAncestral(t *testing.T) {
	line := []string{"c4", "c3", "c2", "c1"} // newest first
	of := func(commits ...string) (out []policy.CoverageRecord) {
		for i, c := range commits { // later ones carry earlier times: clocks differ
			out = append(out, policy.CoverageRecord{Commit: c, Time: time.Unix(int64(-i), 0)})
		}
		return out
	}
	names := func(records []policy.CoverageRecord) string {
		var out []string
		for _, r := range records {
			out = append(out, r.Commit)
		}
		return strings.Join(out, " ")
	}
	got, note := policy.Ancestral(of("c3", "", "c1", "c2"), line)
	assert.Equal(t, names(got), " c1 c2 c3")
	assert.Equal(t, note, "")
	got, note = policy.Ancestral(of("c1", "old", "c5"), line)
	assert.Equal(t, names(got), "c1")
	assert.Assert(t, cmp.Contains(note, "2 records of main are no ancestors"))
	got, _ = policy.Ancestral(of("c3", "c1"), nil)
	assert.Equal(t, names(got), "c3 c1")
}

func TestReplayAndWhatIf(t *testing.T) {
	base := runs(90, 90, 90, 88, 90)
	s := policy.CoverageSettings{Delta: 1}
	var verdicts []string
	for _, r := range policy.Replay(base, s) {
		verdicts = append(verdicts, string(r.Decision.Verdict))
	}
	assert.Equal(t, strings.Join(verdicts, " "), "warn pass pass fail pass")
	assert.DeepEqual(t, policy.WhatIfs(at(89.2), base, s, []float64{0.5, 1, 5}), []policy.WhatIf{
		{0.5, ci.VerdictFail, 1}, {1, ci.VerdictPass, 1}, {5, ci.VerdictPass, 0},
	})
}
