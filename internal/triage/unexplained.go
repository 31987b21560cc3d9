package triage

import (
	"slices"

	"keepgreen/internal/ci"
)

// Explained reports whether what the readers found in a log says why it failed: a
// test, a finding, or a failure of which more is known than that something ended
// with an error. Where it does not, the lines that matter are still to be found.
func Explained(rep ci.Report) bool {
	bad := slices.ContainsFunc(rep.Tests, func(t ci.TestResult) bool { return t.Outcome.Bad() })
	return bad || len(rep.Diagnostics) > 0 || slices.ContainsFunc(rep.Failures, explains)
}

func explains(f ci.Failure) bool {
	cause, _ := classify(newClue(f, nil))
	return cause.Class != ci.ClassUnknown && cause.Class != ci.ClassExit
}

// Explain adds the lines that were found to a report that explains nothing. What
// the readers had is then one more line of the log, after those.
func Explain(rep *ci.Report, found []Excerpt) {
	if len(found) == 0 {
		return
	}
	var out []ci.Failure
	for _, x := range found {
		out = append(out, x.Failure())
	}
	for _, f := range rep.Failures {
		at := func(x Excerpt) bool { return x.First <= f.Log.Line && f.Log.Line <= x.Last }
		if f.Log.Line > 0 && slices.ContainsFunc(found, at) {
			continue
		}
		f.Signal, f.Rank = float64(anchor)/100, len(out)+1
		out = append(out, f)
	}
	rep.Failures = out
}
