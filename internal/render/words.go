package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// plural is "1 test", "2 tests".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	switch {
	case strings.HasSuffix(one, "ss"), strings.HasSuffix(one, "ch"), strings.HasSuffix(one, "x"):
		return thousands(n) + " " + one + "es"
	case strings.HasSuffix(one, "ry"), strings.HasSuffix(one, "ty"):
		return thousands(n) + " " + strings.TrimSuffix(one, "y") + "ies"
	}
	return thousands(n) + " " + one + "s"
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	s := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// spent writes a duration with about three digits: 0.42 s, 12.3 s, 4 m 05 s.
func spent(d time.Duration) string {
	switch {
	case d < 0:
		return "?"
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	case d < 59950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d m %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d m", int(d.Hours()), int(d.Minutes())%60)
}

// percent writes a percentage that is known; a share below 100 is never
// rounded up to it, for "100 %" is a promise.
func percent(p float64) string {
	if math.IsNaN(p) || math.IsInf(p, 0) {
		return "unknown"
	}
	if p < 100 && p > 99.95 {
		p = 99.9
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + " %"
}

// points writes a difference of percentages with its sign.
func points(d float64) string {
	if math.IsNaN(d) || math.IsInf(d, 0) {
		return "unknown"
	}
	d = math.Round(d*10) / 10
	switch {
	case d > 0:
		return "+" + strconv.FormatFloat(d, 'f', 1, 64) + " pp"
	case d < 0:
		return "−" + strconv.FormatFloat(-d, 'f', 1, 64) + " pp"
	}
	return "±0 pp"
}

// sureness says a confidence in a word and a number.
func sureness(p float64) string {
	if math.IsNaN(p) || p <= 0 {
		return "cause uncertain"
	}
	word := "a guess"
	switch {
	case p >= 0.9:
		word = "sure"
	case p >= 0.7:
		word = "likely"
	case p >= 0.5:
		word = "probable"
	}
	return fmt.Sprintf("%s, %d %%", word, int(math.Floor(min(p, 1)*100+1e-9)))
}

// shortSHA is the first seven digits of a hash.
func shortSHA(sha string) string { return sha[:min(7, len(sha))] }

// whoseWords says whose failure it is.
func whoseWords(c ci.Cluster) string {
	switch c.Whose {
	case ci.WhoseNew:
		return "new with this change"
	case ci.WhoseMain:
		if c.Since != "" {
			return "already failing on main since " + sinceWord(c.Since)
		}
		return "already failing on main"
	case ci.WhoseFlaky:
		if c.Since != "" {
			return "flaky since " + sinceWord(c.Since)
		}
		return "flaky"
	case ci.WhoseInfra:
		return "not the code: infrastructure"
	case ci.WhoseUnknown:
	}
	return ""
}

// sinceWord shortens a full hash and leaves other names as they are.
func sinceWord(since string) string {
	if len(since) == 40 && strings.Trim(since, "0123456789abcdef") == "" {
		return shortSHA(since)
	}
	return since
}

// ranges writes missing lines as "4, 18–24"; at most n of them (0: all).
func ranges(missing []ci.LineRange, n int) string {
	var parts []string
	for i, r := range missing {
		if n > 0 && i == n {
			parts = append(parts, fmt.Sprintf("… %d more", len(missing)-n))
			break
		}
		if r.First == r.Last {
			parts = append(parts, strconv.Itoa(r.First))
			continue
		}
		parts = append(parts, fmt.Sprintf("%d–%d", r.First, r.Last))
	}
	return strings.Join(parts, ", ")
}

// verdictWord is the verdict as a person says it.
func verdictWord(v ci.Verdict) string {
	switch v {
	case ci.VerdictPass:
		return "GREEN"
	case ci.VerdictWarn:
		return "GREEN, with warnings"
	case ci.VerdictFail:
		return "RED"
	case ci.VerdictInherited:
		return "RED BEFORE YOU"
	case ci.VerdictNoData:
	}
	return "NO ANSWER"
}

// glyph is the sign of a verdict, which says the same as its colour.
func glyph(v ci.Verdict) string {
	switch v {
	case ci.VerdictPass:
		return "✓"
	case ci.VerdictWarn:
		return "!"
	case ci.VerdictFail:
		return "✗"
	case ci.VerdictInherited:
		return "↓"
	case ci.VerdictNoData:
	}
	return "?"
}

// jobGlyph is the sign of a job's status.
func jobGlyph(s ci.JobStatus) string {
	switch s {
	case ci.JobSuccess:
		return "✓"
	case ci.JobFailure:
		return "✗"
	case ci.JobError:
		return "!"
	case ci.JobTimeout:
		return "◷"
	case ci.JobCancelled:
		return "⊘"
	case ci.JobSkipped:
		return "–"
	}
	return "?"
}

// headline is the verdict with its reasons in one line, without the verdict's
// own word: "2 causes need you · 5 of 214 tests failed · coverage 87.3 %".
func (v View) headline() []string {
	var parts []string
	tally := v.tally()
	mine := 0
	for _, c := range v.Clusters {
		if needsYou(c) {
			mine++
		}
	}
	switch {
	case len(v.Clusters) == 0:
	case mine == 0:
		parts = append(parts, "nothing of it is yours")
	case mine == len(v.Clusters):
		parts = append(parts, plural(mine, "cause"))
	default:
		parts = append(parts, fmt.Sprintf("%d of %s need you", mine, plural(len(v.Clusters), "cause")))
	}
	if tally.Total == 0 && len(v.Run.Jobs) == 0 && len(v.Clusters) > 0 { // only logs were read, which need not name the tests that passed
		failures := 0
		for _, c := range v.Clusters {
			failures += count(c)
		}
		parts = append(parts, plural(failures, "failure"))
	} else {
		parts = append(parts, testsWords(tally))
	}
	if n := v.countDiagnostics(); n > 0 {
		parts = append(parts, plural(n, "diagnostic"))
	}
	if pct, ok := v.Run.Coverage.Percent(); ok {
		words := "coverage " + percent(pct)
		if v.Baseline.Known {
			words += " (" + points(pct-v.Baseline.Pct) + ")"
		}
		parts = append(parts, words)
	}
	return parts
}

func testsWords(t Tally) string {
	switch {
	case t.Total == 0:
		return "no tests ran"
	case t.Bad() > 0:
		return fmt.Sprintf("%s of %s failed", thousands(t.Bad()), plural(t.Total, "test"))
	case t.Unknown > 0:
		return fmt.Sprintf("%s of %s did not finish", thousands(t.Unknown), plural(t.Total, "test"))
	case t.Skipped > 0:
		return fmt.Sprintf("%s passed, %s skipped", plural(t.Total-t.Skipped, "test"), thousands(t.Skipped))
	}
	return plural(t.Total, "test") + " passed"
}

func (v View) countDiagnostics() int {
	n := 0
	for _, d := range v.Run.Diagnostics {
		if d.Severity != ci.SeverityInfo {
			n++
		}
	}
	return n
}

// logLine is the one line of the failure that tells most.
func logLine(c ci.Cluster) string {
	if len(c.Members) == 0 {
		return ""
	}
	f := c.Members[0]
	line := f.Headline()
	if f.Exception != "" && !strings.HasPrefix(line, f.Exception) && f.Message != "" {
		line = f.Exception + ": " + line
	}
	return line
}

// opinionText is what a model says of a cluster, and which one says it. Its
// number is called its own: nothing was measured.
func opinionText(o *ci.Opinion) string {
	text, by := o.Cause, o.Model
	if o.Fix != "" {
		text += " → " + o.Fix
	}
	if !math.IsNaN(o.Confidence) {
		by += fmt.Sprintf(" says %.0f %%", 100*min(max(o.Confidence, 0), 1))
	}
	return text + " (" + by + ")"
}

// evidenceWords is one reason, after the name of its kind.
func evidenceWords(e ci.Evidence) string {
	return strings.TrimSuffix(e.What+": "+e.Detail, ": ")
}
