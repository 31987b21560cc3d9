package render

import (
	"cmp"
	"fmt"
	"strings"

	"keepgreen/internal/ci"
)

// table is how lint, tests, coverage, vulnerabilities and architecture stand,
// now and beside the base. What was not looked at is said below it: a row that
// is missing must not look like one that is fine.
func (v FeedbackView) table() string {
	var rows, missing []string
	for _, row := range v.rows() {
		if row.now == "" {
			missing = append(missing, row.name)
			continue
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s |\n", verdictEmoji(row.verdict), row.name, row.now, cmp.Or(row.delta, "–")))
	}
	text := ""
	if len(rows) > 0 {
		text = "| | | now | Δ base |\n|---|---|---|---|\n" + strings.Join(rows, "") + "\n"
	}
	if len(missing) > 0 && len(rows) > 0 {
		text += "<sub>No data: " + strings.Join(missing, ", ") + "</sub>\n\n"
	}
	return text
}

// standing is one row of the table; no words for now: nobody looked.
type standing struct {
	name       string
	verdict    ci.Verdict
	now, delta string
}

func (v FeedbackView) rows() []standing {
	var out []standing
	for _, row := range []struct {
		name string
		cell func() (verdict ci.Verdict, now, delta string)
	}{
		{"lint", v.lintRow}, {"tests", v.testsRow}, {"coverage", v.coverageRow}, {"vulnerabilities", v.vulnRow}, {"architecture", v.archRow},
	} {
		verdict, now, delta := row.cell()
		out = append(out, standing{row.name, verdict, now, delta})
	}
	return out
}

// kindCounts counts failures of some kinds, and how many of them are new.
func (v FeedbackView) kindCounts(kinds ...ci.Kind) (all, added int, told bool) {
	for _, c := range v.Clusters {
		for _, kind := range kinds {
			if c.Kind != kind {
				continue
			}
			all += count(c)
			told = told || c.Whose != ci.WhoseUnknown && c.Whose != ""
			if c.Whose == ci.WhoseNew {
				added += count(c)
			}
		}
	}
	return all, added, told
}

func passIf(ok bool) ci.Verdict {
	if ok {
		return ci.VerdictPass
	}
	return ci.VerdictFail
}

func (v FeedbackView) lintRow() (ci.Verdict, string, string) {
	all, added, told := v.kindCounts(ci.KindLint, ci.KindType)
	if v.Lint != nil {
		all = max(all, *v.Lint)
	}
	switch status := v.Statuses["lint"]; {
	case all > 0 && told:
		return ci.VerdictFail, plural(all, "diagnostic"), fmt.Sprintf("+%d new", added)
	case all > 0:
		return ci.VerdictFail, plural(all, "diagnostic"), ""
	case v.Lint != nil:
		return ci.VerdictPass, "clean", ""
	case status == ci.JobSuccess, status == ci.JobFailure:
		return passIf(status == ci.JobSuccess), string(status), ""
	}
	return "", "", ""
}

func (v FeedbackView) testsRow() (ci.Verdict, string, string) {
	failed, added, told := v.kindCounts(ci.KindTest, ci.KindError)
	var delta []string
	if told {
		delta = append(delta, fmt.Sprintf("+%d new", added))
	}
	if len(v.Fixed) > 0 {
		delta = append(delta, fmt.Sprintf("−%d fixed", len(v.Fixed)))
	}
	switch status := v.Statuses["test"]; {
	case v.Tests != nil:
		t := Tally{Total: v.Tests.Total, Passed: v.Tests.Passed, Failed: v.Tests.Failed, Skipped: v.Tests.Skipped}
		return passIf(t.Failed == 0), testsWords(t), strings.Join(delta, ", ")
	case failed > 0:
		return ci.VerdictFail, thousands(failed) + " failed", strings.Join(delta, ", ")
	case status == ci.JobSuccess, status == ci.JobFailure:
		return passIf(status == ci.JobSuccess), string(status), ""
	}
	return "", "", ""
}

func (v FeedbackView) coverageRow() (verdict ci.Verdict, now, delta string) {
	c := v.Coverage
	if c == nil || c.Pct == nil {
		return "", "", ""
	}
	verdict, now = cmp.Or(c.Verdict, ci.VerdictPass), percent(*c.Pct)
	if c.Base != nil {
		delta = points(*c.Pct - *c.Base)
	}
	return verdict, now, delta
}

func (v FeedbackView) vulnRow() (verdict ci.Verdict, now, delta string) {
	if v.Vulns == nil || v.Vulns.Counts == nil {
		return "", "", ""
	}
	var nows, deltas []string
	for _, severity := range []ci.VulnSeverity{ci.VulnCritical, ci.VulnHigh} {
		n := v.Vulns.Counts[severity]
		nows = append(nows, fmt.Sprintf("%d %s", n, severity))
		if v.Vulns.Base != nil {
			deltas = append(deltas, signedCount(n-v.Vulns.Base[severity])+" "+severity.String())
		}
	}
	return cmp.Or(v.Vulns.Verdict, ci.VerdictPass), strings.Join(nows, ", "), strings.Join(deltas, ", ")
}

// signedCount writes a difference of counts with its sign.
func signedCount(n int) string {
	switch {
	case n > 0:
		return "+" + thousands(n)
	case n < 0:
		return "−" + thousands(-n)
	}
	return "±0"
}

func (v FeedbackView) archRow() (verdict ci.Verdict, now, delta string) {
	a := v.Arch
	if a == nil || a.Score == nil {
		return "", "", ""
	}
	verdict = ci.VerdictPass
	if len(a.Failed) > 0 {
		verdict = ci.VerdictFail
	} else if len(a.NewCycles) > 0 {
		verdict = ci.VerdictWarn
	}
	if a.Before != nil {
		delta = strings.TrimSuffix(points(*a.Score-*a.Before), " pp")
	}
	if n := len(a.NewCycles); n > 0 {
		delta = strings.TrimPrefix(delta+", +"+plural(n, "cycle"), ", ")
	}
	return verdict, fmt.Sprintf("health %.1f of 100", *a.Score), delta
}

// gaps are the change's own lines that no test ran.
func (v FeedbackView) gaps() string {
	if v.Coverage == nil || len(v.Coverage.Gaps) == 0 {
		return ""
	}
	var parts []string
	all := v.Coverage.Gaps
	for _, g := range all[:min(len(all), 5)] {
		parts = append(parts, v.lines(g))
	}
	if more := len(all) - 5; more > 0 {
		parts = append(parts, thousands(more)+" more")
	}
	return "**New lines that no test ran:** " + strings.Join(parts, ", ") + "\n\n"
}

// lines is a range of lines as a permalink.
func (v FeedbackView) lines(p ci.Position) string {
	at := v.at(ci.Position{File: p.File, Line: p.Line})
	if p.EndLine <= p.Line {
		return at
	}
	end := fmt.Sprintf("%d", p.EndLine)
	at = strings.Replace(at, fmt.Sprintf(`#L%d"`, p.Line), fmt.Sprintf(`#L%d-L%s"`, p.Line, end), 1)
	return strings.Replace(at, "</code>", "&#45;"+end+"</code>", 1)
}

// praise is what got better: measured, and only that.
func (v FeedbackView) praise() string {
	var parts []string
	if c := v.Coverage; c != nil && c.Pct != nil && c.Base != nil && *c.Pct-*c.Base >= 0.5 {
		parts = append(parts, "coverage rose "+strings.TrimPrefix(points(*c.Pct-*c.Base), "+"))
	}
	if n := len(v.Fixed); n > 0 {
		verb := " pass now"
		if n == 1 {
			verb = " passes now"
		}
		parts = append(parts, plural(n, "test")+" that failed before"+verb)
	}
	if v.Vulns != nil && len(v.Vulns.Fixed) > 0 {
		parts = append(parts, plural(len(v.Vulns.Fixed), "vulnerability")+" gone")
	}
	if v.Arch != nil {
		if n := len(v.Arch.GoneCycles); n > 0 {
			parts = append(parts, plural(n, "import cycle")+" broken up")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "🎉 Better than before: " + strings.Join(parts, ", ") + ".\n\n"
}

// resolved is what the comment said before and does not say any more.
func (v FeedbackView) resolved() string {
	if len(v.Resolved) == 0 {
		return ""
	}
	var b strings.Builder
	for _, title := range v.Resolved[:min(len(v.Resolved), 5)] {
		fmt.Fprintf(&b, "- ✅ <del>%s</del>\n", Neutral(cut(Visible(title), 120)))
	}
	if more := len(v.Resolved) - 5; more > 0 {
		fmt.Fprintf(&b, "- and %s more\n", thousands(more))
	}
	return "**Resolved since the last run**\n\n" + b.String() + "\n"
}
