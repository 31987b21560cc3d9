// Package policy holds every threshold and every yes or no: facts and findings
// go in, decisions with their reasons come out. It measures nothing and acts on
// nothing. No data is never a pass.
package policy

import (
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Excused says whether a failed test may fail: it is quarantined, and what it
// did is what it is quarantined for. The reason is for people.
type Excused func(ci.TestResult) (reason string, ok bool)

// Tests decides whether the tests are green. A test that failed and passed on a
// later attempt is a warning: it is flaky, and somebody should know.
func Tests(run ci.Run, excused Excused) ci.Decision {
	d := ci.Decision{Gate: "tests"}
	last, recovered := ci.Last(run.Tests)
	var bad, forgiven, good int
	for _, t := range last {
		switch {
		case t.Outcome.Good():
			good++
		case !t.Outcome.Bad():
		case isExcused(excused, t):
			forgiven++
		default:
			bad++
		}
	}
	jobs := ofGate(run.Jobs, "test")
	if forgiven+len(recovered) > 0 {
		jobs = explained(jobs)
	}
	d.Verdict, d.Because = judge(bad, jobs, len(last) > 0, func() string {
		return fmt.Sprintf("%d of %s failed", bad, count(len(last), "test"))
	}, func() string {
		return count(good, "test") + " passed"
	})
	var but []string
	if forgiven > 0 {
		but = append(but, count(forgiven, "quarantined test")+" failed and did not count")
	}
	if len(recovered) > 0 {
		but = append(but, count(len(recovered), "test")+" passed only when run again")
	}
	if d.Verdict == ci.VerdictPass && len(but) > 0 {
		d.Verdict, d.Because[0] = ci.VerdictWarn, d.Because[0]+"; "+strings.Join(but, "; ")
		return d
	}
	d.Because = append(d.Because, but...)
	return d
}

// explained takes a tool's own no as a yes: every failure behind it is known and
// was excused or recovered, or else is counted as bad.
func explained(jobs []ci.Job) []ci.Job {
	out := slices.Clone(jobs)
	for i := range out {
		if out[i].Status == ci.JobFailure {
			out[i].Status = ci.JobSuccess
		}
	}
	return out
}

func isExcused(excused Excused, t ci.TestResult) bool {
	if excused == nil {
		return false
	}
	_, ok := excused(t)
	return ok
}

// Lint decides whether linters and formatters are content; Types, whether the
// type checkers are. Warnings of a tool that exited well do not fail.
func Lint(run ci.Run) ci.Decision { return diagnostics(run, "lint", "lint", "lint finding") }

// Types decides whether the type checkers are content.
func Types(run ci.Run) ci.Decision { return diagnostics(run, "types", "types", "type error") }

func diagnostics(run ci.Run, gate, job, what string) ci.Decision {
	d := ci.Decision{Gate: gate}
	jobs := ofGate(run.Jobs, job)
	found := 0
	for _, diagnostic := range run.Diagnostics {
		if diagnostic.Severity != ci.SeverityInfo && gateOf(diagnostic.Kind) == gate {
			found++
		}
	}
	d.Verdict, d.Because = judge(found, jobs, true, func() string { return count(found, what) }, func() string {
		return "nothing found by " + names(jobs)
	})
	if d.Verdict == ci.VerdictFail && found > 0 && len(jobs) > 0 && !said(jobs, ci.JobFailure) && !said(jobs, ci.JobError) {
		d.Verdict = ci.VerdictWarn
	}
	return d
}

// gateOf says which gate a diagnostic belongs to.
func gateOf(k ci.Kind) string {
	switch k {
	case ci.KindType:
		return "types"
	case ci.KindLint:
		return "lint"
	default:
		return "tests"
	}
}

// judge is what all gates over jobs have in common. hasData says whether a clean
// answer of the jobs rests on anything.
func judge(bad int, jobs []ci.Job, hasData bool, red, green func() string) (ci.Verdict, []string) {
	broken := describe(jobs, ci.JobError, ci.JobTimeout, ci.JobCancelled)
	switch {
	case bad > 0:
		return ci.VerdictFail, append([]string{red()}, broken...)
	case len(broken) > 0:
		return ci.VerdictNoData, broken
	case said(jobs, ci.JobFailure):
		return ci.VerdictFail, describe(jobs, ci.JobFailure)
	case len(jobs) == 0, !said(jobs, ci.JobSuccess):
		return ci.VerdictNoData, append([]string{"nothing was run"}, describe(jobs, ci.JobSkipped)...)
	case !hasData:
		return ci.VerdictNoData, []string{"no test was run"}
	}
	return ci.VerdictPass, []string{green()}
}

// describe is a sentence for each job with one of the statuses.
func describe(jobs []ci.Job, statuses ...ci.JobStatus) []string {
	var out []string
	for _, j := range jobs {
		for _, s := range statuses {
			if j.Status == s {
				out = append(out, sentence(j))
			}
		}
	}
	return out
}

func sentence(j ci.Job) string {
	if j.Detail != "" {
		return j.Tool + ": " + j.Detail
	}
	switch j.Status {
	case ci.JobTimeout:
		return j.Tool + " was ended after " + j.Duration.String()
	case ci.JobCancelled:
		return j.Tool + " was interrupted"
	default:
		return fmt.Sprintf("%s ended with exit status %d and named no reason", j.Tool, j.ExitCode)
	}
}

func ofGate(jobs []ci.Job, name string) []ci.Job {
	var out []ci.Job
	for _, j := range jobs {
		if j.Name == name {
			out = append(out, j)
		}
	}
	return out
}

func said(jobs []ci.Job, status ci.JobStatus) bool {
	for _, j := range jobs {
		if j.Status == status {
			return true
		}
	}
	return false
}

func names(jobs []ci.Job) string {
	var out []string
	for _, j := range jobs {
		if j.Status == ci.JobSuccess {
			out = append(out, j.Tool)
		}
	}
	return strings.Join(out, ", ")
}

// Overall is the verdict of several gates: the worst of them. A gate that had
// nothing to look at, because the repository is not set up for it, is left out
// by the caller.
func Overall(decisions []ci.Decision) ci.Verdict {
	worst := ci.VerdictNoData
	for i, d := range decisions {
		if i == 0 || rank(d.Verdict) > rank(worst) {
			worst = d.Verdict
		}
	}
	return worst
}

// rank orders verdicts by how much they matter to the whole: a no outweighs a
// missing answer, which outweighs every yes.
func rank(v ci.Verdict) int {
	switch v {
	case ci.VerdictPass:
		return 0
	case ci.VerdictInherited:
		return 1
	case ci.VerdictWarn:
		return 2
	case ci.VerdictFail:
		return 4
	default:
		return 3
	}
}

// count is a number with its noun.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
