package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// maxSummary is what one step may write to GITHUB_STEP_SUMMARY, less some room:
// above 1 MiB GitHub drops the whole of it.
const maxSummary = 1<<20 - 16<<10

// sheet is Markdown that is written part by part; a part that does not fit
// any more is left out as a whole, so that no table or fold is cut open.
type sheet struct {
	b    strings.Builder
	most int // bytes; 0: maxSummary
	left int // parts that did not fit
}

func (s *sheet) part(text string) {
	if s.b.Len()+len(text) > cmp.Or(s.most, maxSummary) {
		s.left++
		return
	}
	s.b.WriteString(text)
}

// StepSummary writes the Markdown of a job's summary page.
func StepSummary(w io.Writer, v View) error {
	v = v.sorted()
	s := &sheet{}
	s.part(summaryHead(v))
	s.part(summaryCauses(v))
	s.part(summaryGates(v))
	for i, c := range v.Clusters[:min(len(v.Clusters), maxPageClusters)] {
		s.part(summaryCause(v, i+1, c))
	}
	s.part(summaryChanges(v))
	s.part(summaryCoverage(v))
	s.part(summaryArch(v))
	s.part(summarySlow(v))
	s.part(summaryJobs(v))
	foot := ""
	if s.left > 0 {
		foot = fmt.Sprintf("%s did not fit on this page, which GitHub limits to 1 MiB.\n\n", plural(s.left, "section"))
	}
	if v.Note != "" {
		foot += "<sub>" + Neutral(cut(v.Note, 400)) + "</sub>\n"
	}
	_, err := io.WriteString(w, s.b.String()+foot)
	return err
}

func verdictEmoji(v ci.Verdict) string {
	switch v {
	case ci.VerdictPass:
		return "✅"
	case ci.VerdictFail:
		return "❌"
	case ci.VerdictWarn, ci.VerdictInherited:
		return "⚠️"
	case ci.VerdictNoData:
	}
	return "❔"
}

func summaryHead(v View) string {
	var b strings.Builder
	word := verdictPartOf(v.verdict()).Word
	fmt.Fprintf(&b, "### %s %s: %s\n\n", verdictEmoji(v.verdict()), word, Neutral(strings.Join(v.headline(), " · ")))
	if where := v.where(); where != "" {
		fmt.Fprintf(&b, "%s\n\n", Neutral(cut(where, 300)))
	}
	if next := v.next(); next != "" {
		fmt.Fprintf(&b, "**Next:** %s\n\n", NeutralProse(cut(next, 300)))
	}
	return b.String()
}

// mdPlace is a position as a permalink or as code.
func mdPlace(v View, p ci.Position) string {
	l := v.place(p)
	if l.Text == "" {
		return ""
	}
	text := cutLeft(l.Text, 200)
	if l.URL == "" {
		return NeutralCode(text)
	}
	return `<a href="` + hrefEscapes.Replace(l.URL) + `">` + NeutralCode(text) + "</a>"
}

func summaryCauses(v View) string {
	if len(v.Clusters) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| | What broke | Where | Failures | Whose | Cause |\n|--:|---|---|--:|---|---|\n")
	shown := v.Clusters[:min(len(v.Clusters), 10)]
	for i, c := range shown {
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s |\n", i+1, NeutralProse(cut(Visible(sentence(c)), 200)), mdPlace(v, place(c)),
			thousands(count(c)), Neutral(cut(cmp.Or(whoseWords(c), "–"), 80)), sureness(c.Confidence))
	}
	if n := len(v.Clusters) - len(shown); n > 0 {
		fmt.Fprintf(&b, "\nand %s\n", plural(n, "more cause"))
	}
	return b.String() + "\n"
}

func summaryGates(v View) string {
	if len(v.Decisions) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Gate | Answer | Because |\n|---|---|---|\n")
	for _, d := range v.Decisions[:min(len(v.Decisions), 50)] {
		why := ""
		if len(d.Because) > 0 {
			why = Neutral(cut(Visible(d.Because[0]), 300))
		}
		verdict := cmp.Or(d.Verdict, ci.VerdictNoData)
		fmt.Fprintf(&b, "| %s | %s %s | %s |\n", Neutral(cut(Visible(d.Gate), 60)), verdictEmoji(verdict), gateWord(verdict), why)
	}
	return b.String() + "\n"
}

// fold is a folded section; its title is already neutral.
func fold(title, body string) string {
	return "<details><summary>" + title + "</summary>\n\n" + body + "\n</details>\n\n"
}

func summaryCause(v View, n int, c ci.Cluster) string {
	var b strings.Builder
	if log := logLine(c); log != "" {
		b.WriteString(NeutralBlock(cut(Visible(log), 500)) + "\n\n")
	}
	if c.Cause.Next != "" {
		fmt.Fprintf(&b, "→ %s\n\n", NeutralProse(cut(Visible(c.Cause.Next), 300)))
	}
	if c.Opinion != nil {
		fmt.Fprintf(&b, "AI: %s\n\n", Neutral(cut(Visible(opinionText(c.Opinion)), 900)))
	}
	if len(c.Members) > 0 {
		if trace := details(c.Members[0]); trace != "" {
			b.WriteString(NeutralBlock(cutBytes(trace, 4<<10)) + "\n\n")
		}
	}
	for _, m := range c.Members[:min(len(c.Members), 20)] {
		fmt.Fprintf(&b, "- %s %s\n", NeutralCode(cutLeft(Visible(m.Name()), 300)), mdPlace(v, m.Pos))
	}
	if n := len(c.Members) - 20; n > 0 {
		fmt.Fprintf(&b, "- and %s more\n", thousands(n))
	}
	for _, f := range v.Fixes {
		if f.Cluster != c.ID {
			continue
		}
		fmt.Fprintf(&b, "\n**Proposed fix** (%s): %s\n\n", sureness(f.Confidence), NeutralProse(cut(Visible(f.Description), 300)))
		if f.CodeChange != "" {
			b.WriteString(NeutralBlock(cutBytes(f.CodeChange, 8<<10)) + "\n")
		}
	}
	title := fmt.Sprintf("%d. %s (%s)", n, NeutralProse(cut(Visible(sentence(c)), 200)), plural(count(c), "failure"))
	return fold(title, b.String())
}

func summaryChanges(v View) string {
	var b strings.Builder
	var counts []string
	for _, g := range v.groups() {
		counts = append(counts, thousands(len(g.ids))+" "+g.label)
		fmt.Fprintf(&b, "**%s %s**\n\n", thousands(len(g.ids)), g.label)
		for _, id := range g.ids[:min(len(g.ids), 20)] {
			fmt.Fprintf(&b, "- %s\n", NeutralCode(cutLeft(Visible(string(id)), 300)))
		}
		if n := len(g.ids) - 20; n > 0 {
			fmt.Fprintf(&b, "- and %s more\n", thousands(n))
		}
		b.WriteString("\n")
	}
	if len(v.Flaky) > 0 {
		counts = append(counts, plural(len(v.Flaky), "flaky test"))
		b.WriteString("**Flaky**\n\n")
		for _, t := range v.Flaky[:min(len(v.Flaky), 20)] {
			fmt.Fprintf(&b, "- %s %s\n", NeutralCode(cutLeft(Visible(string(t.ID)), 300)), Neutral(cut(flakeWords(t), 200)))
		}
	}
	if len(counts) == 0 {
		return ""
	}
	return fold("Beside the runs before: "+strings.Join(counts, ", "), b.String())
}

func summaryCoverage(v View) string {
	cover := coverPartOf(v)
	if cover == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("| File | Covered | Change | Lines that did not run |\n|---|--:|--:|---|\n")
	files := slices.DeleteFunc(v.coverFiles(), func(f fileCover) bool { return f.Pct >= 100 })
	for _, f := range files[:min(len(files), 30)] {
		delta := ""
		if f.HasDelta {
			delta = points(f.Delta)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", mdPlace(v, ci.Position{File: f.File}), percent(f.Pct), delta, ranges(f.Missing, 12))
	}
	if n := len(files) - 30; n > 0 {
		fmt.Fprintf(&b, "\nand %s below 100 %%\n", plural(n, "more file"))
	}
	title := "Coverage " + cover.Pct + ", " + cover.Counts
	if cover.HasMark {
		title += ", " + cover.Delta + " against the baseline " + cover.Baseline
	}
	return fold(title, b.String())
}

func summarySlow(v View) string {
	slow := ci.SlowestTests(v.Run.Tests, 10)
	if len(slow) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Duration | Test |\n|--:|---|\n")
	for _, t := range slow {
		fmt.Fprintf(&b, "| %s | %s |\n", spent(t.Duration), NeutralCode(cutLeft(Visible(string(t.ID)), 300)))
	}
	return fold("Slowest tests", b.String())
}

func summaryJobs(v View) string {
	if len(v.Run.Jobs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Job | Tool | Ended | Duration | |\n|---|---|---|--:|---|\n")
	for _, j := range v.Run.Jobs[:min(len(v.Run.Jobs), 100)] {
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s | %s |\n", Neutral(cut(Visible(j.Name), 80)), Neutral(cut(Visible(j.Tool+" "+j.Version), 80)),
			jobGlyph(j.Status), Neutral(string(j.Status)), spent(j.Duration), Neutral(cut(Visible(j.Detail), 200)))
	}
	return fold("Jobs", b.String())
}
