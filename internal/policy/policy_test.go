package policy_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
)

func job(name, tool string, status ci.JobStatus) ci.Job {
	return ci.Job{Name: name, Tool: tool, Status: status}
}

func test(id string, o ci.Outcome, attempt int) ci.TestResult {
	return ci.TestResult{ID: ci.TestID(id), Outcome: o, Attempt: attempt}
}

func TestTests(t *testing.T) {
	ran := []ci.Job{job("test", "pytest", ci.JobSuccess)}
	red := []ci.Job{job("test", "pytest", ci.JobFailure)}
	hung := []ci.Job{{Name: "test", Tool: "pytest", Status: ci.JobTimeout, Detail: "ended after 30m"}}
	excuse := func(r ci.TestResult) (string, bool) { return "known flaky", r.ID == "q" }
	for _, c := range []struct {
		name    string
		run     ci.Run
		verdict ci.Verdict
		because string
	}{
		{"all passed", ci.Run{Jobs: ran, Tests: []ci.TestResult{test("a", ci.Passed, 1)}}, ci.VerdictPass, "1 test passed"},
		{"one failed", ci.Run{Jobs: red, Tests: []ci.TestResult{test("a", ci.Failed, 1), test("b", ci.Passed, 1)}}, ci.VerdictFail, "1 of 2 tests failed"},
		{"nothing was run", ci.Run{}, ci.VerdictNoData, "nothing was run"},
		{"no test is no pass", ci.Run{Jobs: ran}, ci.VerdictNoData, "no test was run"},
		{"only skipped tests ran", ci.Run{Jobs: ran, Tests: []ci.TestResult{test("a", ci.Skipped, 1)}}, ci.VerdictPass, "0 tests passed"},
		{"a hang is no answer", ci.Run{Jobs: hung, Tests: []ci.TestResult{test("a", ci.Passed, 1)}}, ci.VerdictNoData, "pytest: ended after 30m"},
		{"a failure beside a hang is a no", ci.Run{Jobs: hung, Tests: []ci.TestResult{test("a", ci.Failed, 1)}}, ci.VerdictFail, "1 of 1 test failed"},
		{"a no without a reason is a no", ci.Run{Jobs: red, Tests: []ci.TestResult{test("a", ci.Passed, 1)}}, ci.VerdictFail, "pytest ended with exit status 0 and named no reason"},
		{"recovered on retry is a warning", ci.Run{Jobs: red, Tests: []ci.TestResult{test("a", ci.Failed, 1), test("a", ci.Passed, 2)}}, ci.VerdictWarn, "1 test passed; 1 test passed only when run again"},
		{"failed again on retry is a no", ci.Run{Jobs: red, Tests: []ci.TestResult{test("a", ci.Passed, 1), test("b", ci.Failed, 1), test("b", ci.Failed, 2)}}, ci.VerdictFail, "1 of 2 tests failed"},
		{"a quarantined failure does not count", ci.Run{Jobs: red, Tests: []ci.TestResult{test("q", ci.Failed, 1), test("b", ci.Passed, 1)}}, ci.VerdictWarn, "1 test passed; 1 quarantined test failed and did not count"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := policy.Tests(c.run, excuse)
			assert.Equal(t, d.Verdict, c.verdict)
			assert.Equal(t, d.Because[0], c.because)
		})
	}
}

func TestLintWarningsOfAContentToolDoNotFail(t *testing.T) {
	finding := []ci.Diagnostic{{Kind: ci.KindLint, Severity: ci.SeverityWarning}}
	green := policy.Lint(ci.Run{Jobs: []ci.Job{job("lint", "ruff", ci.JobSuccess)}, Diagnostics: finding})
	assert.Equal(t, green.Verdict, ci.VerdictWarn)
	red := policy.Lint(ci.Run{Jobs: []ci.Job{job("lint", "ruff", ci.JobFailure)}, Diagnostics: finding})
	assert.Equal(t, red.Verdict, ci.VerdictFail)
	assert.Equal(t, red.Because[0], "1 lint finding")
	types := policy.Types(ci.Run{Jobs: []ci.Job{job("types", "mypy", ci.JobSuccess)}, Diagnostics: finding})
	assert.Equal(t, types.Verdict, ci.VerdictPass) // a lint finding is no type error
}

func TestOverallIsTheWorst(t *testing.T) {
	of := func(verdicts ...ci.Verdict) (ds []ci.Decision) {
		for _, v := range verdicts {
			ds = append(ds, ci.Decision{Verdict: v})
		}
		return ds
	}
	for _, c := range []struct {
		in   []ci.Decision
		want ci.Verdict
	}{
		{nil, ci.VerdictNoData},
		{of(ci.VerdictPass), ci.VerdictPass},
		{of(ci.VerdictPass, ci.VerdictWarn), ci.VerdictWarn},
		{of(ci.VerdictWarn, ci.VerdictNoData, ci.VerdictPass), ci.VerdictNoData},
		{of(ci.VerdictNoData, ci.VerdictFail, ci.VerdictInherited), ci.VerdictFail},
	} {
		assert.Equal(t, policy.Overall(c.in), c.want)
	}
}
