package pytest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// ranLine reads "Ran 10 tests in 0.002s".
func (u *unittestReader) ranLine(b []byte) bool {
	n, rest := number(b[len("Ran "):])
	rest, ok := bytes.CutPrefix(rest, []byte(" test"))
	if !ok {
		return false
	}
	_, took, ok := bytes.Cut(rest, []byte(" in "))
	d, valid := seconds(took)
	if !ok || !valid {
		return false
	}
	u.close()
	u.ran = n
	if u.rep.Totals == nil {
		u.rep.Totals = &ci.Totals{}
	}
	u.rep.Totals.Duration += d.Round(time.Millisecond)
	u.state = utRan
	return true
}

// verdict reads "FAILED (failures=3, errors=4, skipped=1)" or "OK (skipped=1)",
// and compares it with what was found.
func (u *unittestReader) verdict(n int, b []byte) {
	u.state = utProgress
	word, rest, _ := strings.Cut(string(b), " (")
	if word != "OK" && word != "FAILED" && word != "NO TESTS RAN" {
		u.endRun(n, nil)
		return
	}
	counts := map[string]int{}
	for part := range strings.SplitSeq(strings.TrimSuffix(rest, ")"), ", ") {
		name, value, _ := strings.Cut(part, "=")
		if n, err := strconv.Atoi(value); err == nil {
			counts[name] = n
		}
	}
	u.endRun(n, counts)
}

func (u *unittestReader) endRun(n int, counts map[string]int) {
	t := u.rep.Totals
	failed := counts["failures"] + counts["unexpected successes"]
	t.Failed += failed
	t.Errors += counts["errors"]
	t.Skipped += counts["skipped"]
	t.XFailed += counts["expected failures"]
	found := 0
	broken := map[string]bool{} // tests; subtests and fixtures of classes are not among those that ran
	for _, r := range u.rep.Tests[u.from:] {
		if r.Outcome.Bad() {
			found++
			if !u.fixtures[r.ID] {
				broken[string(untilSpace([]byte(r.ID)))] = true
			}
		}
	}
	t.Passed += max(0, u.ran-len(broken)-counts["skipped"]-counts["expected failures"])
	for _, f := range u.rep.Failures {
		if f.Log.Line >= u.start && f.Test != "" {
			found++
		}
	}
	if claimed := failed + counts["errors"]; counts != nil && claimed != found && u.dropped == 0 {
		u.warn(n, "unittest counts %d failures and errors, the log shows %d", claimed, found)
	}
	if u.ran == 0 && failed+counts["errors"] == 0 {
		u.warn(n, "unittest ran no tests")
	}
	u.from, u.start, u.ran = len(u.rep.Tests), 0, 0
	clear(u.tests)
	clear(u.fixtures)
}

func (u *unittestReader) warn(n int, format string, args ...any) {
	if len(u.rep.Warnings) < 1000 {
		u.rep.Warnings = append(u.rep.Warnings, ci.Warning{Line: n, Text: fmt.Sprintf(format, args...)})
	}
}

// finish is what was found, after the last line.
func (u *unittestReader) finish() ci.Report {
	u.close()
	if u.state == utRan {
		u.endRun(0, nil)
	}
	if len(u.rep.Tests) > u.from {
		if u.pending != "" {
			t := u.add(u.shown, unittestName{id: u.pending}, ci.Errored)
			t.Failure = &ci.Failure{
				Kind: ci.KindError, Test: t.ID, Tool: "unittest", Phase: "call", Job: u.job,
				Message: "the test was running when the run ended", Log: ci.Position{Line: u.shown},
			}
		}
		u.warn(u.start, "the run has no last line: it crashed, was ended from outside, or the log is cut")
	}
	for i := range u.rep.Tests {
		if t := &u.rep.Tests[i]; t.Outcome.Bad() && t.Failure == nil {
			t.Failure = &ci.Failure{Kind: ci.KindTest, Test: t.ID, Tool: "unittest", Phase: "call", Message: "the log does not say why"}
		}
	}
	if u.details > maxDetails {
		u.warn(0, "the tracebacks of later failures were left out: the log has more than %d MiB of them", maxDetails>>20)
	}
	if u.dropped > 0 {
		u.warn(0, "%d more results were counted and not listed: the log has more than %d", u.dropped, maxTests)
	}
	u.rep.Format = "unittest"
	return u.rep
}
