package render

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// TextOptions say how the terminal's summary is laid out.
type TextOptions struct {
	Width  int    // columns; 0: 80; less than 40 counts as 40
	Colour bool   // escape sequences for colours may be used
	Full   bool   // nothing is folded
	More   string // how what is folded can be seen; empty: by flags that every command with a summary has
}

// How much the summary shows before it folds. Together they keep a normal red
// run on one screen of about forty lines.
const (
	foldDetailed = 3 // clusters with their lines
	foldListed   = 4 // further clusters, a line each
	foldSlow     = 3
	foldFiles    = 2
	foldNames    = 3
	foldWarnings = 2

	maxWarningLines = 3 // a hint at its end is what mends it
)

// Text writes the summary that a person reads in a terminal.
func Text(w io.Writer, v View, o TextOptions) error {
	p := newPaper(o)
	v = v.sorted()
	p.verdict(v)
	p.clusters(v)
	p.decisions(v)
	p.history(v)
	p.coverage(v)
	p.architecture(v)
	p.slowest(v)
	p.jobs(v)
	p.warnings(v)
	p.ending(v)
	_, err := io.WriteString(w, p.out.String())
	return err
}

// paper is what the summary is written on: it knows its width, its colours and
// how much may be shown.
type paper struct {
	out    strings.Builder
	width  int
	full   bool
	more   string
	ink    ink
	folded bool // something was left out
}

func newPaper(o TextOptions) *paper {
	width := o.Width
	if width == 0 {
		width = 80
	}
	return &paper{width: max(width, 40), full: o.Full, more: cmp.Or(o.More, "all of it: --full, or --format json"), ink: ink(o.Colour)}
}

// limit is how many of n are shown.
func (p *paper) limit(n, fold int) int {
	if p.full || n <= fold+1 { // folding one away would take a line as well
		return n
	}
	p.folded = true
	return fold
}

// lineEnd is the blanks at a line's end, with the colours among them.
var lineEnd = regexp.MustCompile(`( |\x1b\[[0-9;]*m)+$`)

func (p *paper) line(s string) {
	s = lineEnd.ReplaceAllStringFunc(s, func(end string) string { return strings.ReplaceAll(end, " ", "") })
	if bare(s) == "" {
		s = ""
	}
	p.out.WriteString(unspoken(s))
	p.out.WriteByte('\n')
}

// unspoken keeps a line from being a command to a GitHub runner, which obeys
// whatever a step prints: a "::" after blanks, and "##[" anywhere.
func unspoken(line string) string {
	line = strings.ReplaceAll(line, "##[", "##(")
	if strings.HasPrefix(strings.TrimSpace(bare(line)), "::") {
		line = strings.Replace(line, "::", "∶:", 1)
	}
	return line
}

func (p *paper) blank() { p.out.WriteByte('\n') }

// inline writes parts beside each other, breaking between them.
func (p *paper) inline(first, indent string, parts []string) {
	line, used := first, width(bare(first))
	fresh := true
	for _, part := range parts {
		n := width(bare(part))
		if !fresh && used+3+n > p.width {
			p.line(line)
			line, used, fresh = indent, width(indent), true
		}
		if !fresh {
			line += p.ink.dim(" · ")
			used += 3
		}
		line += part
		used += n
		fresh = false
	}
	p.line(line)
}

func (p *paper) verdict(v View) {
	verdict := v.verdict()
	word := glyph(verdict) + " " + verdictWord(verdict)
	parts := v.headline()
	for i, part := range parts {
		parts[i] = cut(part, p.width-4)
	}
	p.inline(p.ink.verdict(verdict, word)+"  ", "  ", parts)
	if where := v.where(); where != "" {
		for _, line := range wrap(Visible(where), p.width-2, 2) {
			p.line("  " + p.ink.dim(line))
		}
	}
}

// where says which tree this is about and what it is compared with.
func (v View) where() string {
	var b strings.Builder
	b.WriteString(v.Run.Repo)
	if v.Run.Commit != "" {
		b.WriteString(" at " + shortSHA(v.Run.Commit))
		if v.Run.Dirty {
			b.WriteString(" with local changes")
		}
	}
	if v.Run.Branch != "" {
		b.WriteString(" on " + v.Run.Branch)
	}
	if v.Compare.Known && v.Compare.With != "" {
		b.WriteString(", compared with " + v.Compare.With)
	}
	if v.Run.Duration > 0 {
		b.WriteString(", in " + spent(v.Run.Duration))
	}
	return strings.TrimLeft(b.String(), ", ")
}

func (p *paper) clusters(v View) {
	if len(v.Clusters) == 0 {
		return
	}
	p.blank()
	shown := p.limit(len(v.Clusters), foldDetailed)
	for i, c := range v.Clusters[:shown] {
		p.cluster(i+1, c)
	}
	rest := v.Clusters[shown:]
	listed := rest[:p.limit(len(rest), foldListed)]
	for i, c := range listed {
		p.brief(shown+i+1, c)
	}
	if n := len(rest) - len(listed); n > 0 {
		failures := 0
		for _, c := range rest[len(listed):] {
			failures += count(c)
		}
		p.line(p.ink.dim(fmt.Sprintf("  … %s, %s", plural(n, "more cause"), plural(failures, "failure"))))
	}
}

func (p *paper) cluster(n int, c ci.Cluster) {
	mark := p.clusterMark(c)
	lines := wrap(Visible(sentence(c)), p.width-6, 2)
	for i, line := range lines {
		head := "      "
		if i == 0 {
			head = padLeft(fmt.Sprint(n), 3) + " " + mark + " "
		}
		p.line(head + p.ink.bold(line))
	}
	where := cutLeft(Visible(place(c).String()), p.width-20)
	var facts []string
	if words := whoseWords(c); words != "" {
		facts = append(facts, cut(Visible(words), p.width-8))
	}
	facts = append(facts, sureness(c.Confidence))
	room := p.width - 6 - width(where) - 3
	for _, fact := range facts {
		room -= width(bare(fact)) + 3
	}
	facts = append([]string{p.ink.blue(where), p.who(c, room)}, facts...)
	if where == "" {
		facts = facts[1:]
	}
	p.inline("      ", "      ", facts)
	if line := Visible(logLine(c)); line != "" && !strings.Contains(strings.Join(lines, " "), line) {
		p.line("      " + p.ink.dim("│ "+cut(line, p.width-8)))
	}
	if c.Cause.Next != "" {
		p.line("      " + p.ink.green("→ ") + cut(Visible(c.Cause.Next), p.width-8))
	}
	p.opinion(c.Opinion)
	p.members(c)
}

// opinion is what a model adds, marked as such.
func (p *paper) opinion(o *ci.Opinion) {
	if o == nil {
		return
	}
	for i, line := range wrap(Visible(opinionText(o)), p.width-12, 4) {
		head := "          "
		if i == 0 {
			head = "      AI: "
		}
		p.line(head + p.ink.dim(line))
	}
}

// who is the one test that failed, where there is room for its name, or how
// many failures there are.
func (p *paper) who(c ci.Cluster, room int) string {
	if count(c) == 1 && c.Members[0].Test != "" {
		if name := Visible(string(c.Members[0].Test)); p.full || room >= 24 {
			return cutLeft(name, max(room, 24))
		}
	}
	return plural(count(c), "failure")
}

// members lists the failures of a cluster that has more than one, in full only.
func (p *paper) members(c ci.Cluster) {
	switch {
	case count(c) < 2:
	case !p.full:
		p.folded = true
	default:
		for _, m := range c.Members {
			p.line("        " + p.ink.dim(cutLeft(Visible(m.Name()), p.width-8)))
		}
	}
}

// clusterMark is the sign of whose failure it is.
func (p *paper) clusterMark(c ci.Cluster) string {
	switch c.Whose {
	case ci.WhoseMain:
		return p.ink.yellow("↓")
	case ci.WhoseFlaky:
		return p.ink.yellow("~")
	case ci.WhoseInfra:
		return p.ink.yellow("○")
	case ci.WhoseNew, ci.WhoseUnknown:
	}
	return p.ink.red("✗")
}

func (p *paper) brief(n int, c ci.Cluster) {
	tail := "  ×" + thousands(count(c))
	where := cutLeft(Visible(place(c).String()), p.width/3)
	room := p.width - 6 - width(tail) - width(where) - 2
	p.line(padLeft(fmt.Sprint(n), 3) + " " + p.clusterMark(c) + " " + cut(Visible(sentence(c)), room) + "  " + p.ink.blue(where) + p.ink.dim(tail))
}

func (p *paper) decisions(v View) {
	if len(v.Decisions) == 0 {
		return
	}
	p.blank()
	var passed []string
	for _, d := range v.Decisions {
		if d.Verdict == ci.VerdictPass {
			passed = append(passed, Visible(d.Gate))
			continue
		}
		why := ""
		if len(d.Because) > 0 {
			why = Visible(d.Because[0])
		}
		verdict := cmp.Or(d.Verdict, ci.VerdictNoData)
		p.line("  " + p.ink.verdict(verdict, glyph(verdict)) + " " + pad(cut(Visible(d.Gate), 9), 9) + " " + cut(why, p.width-14))
	}
	if len(passed) > 0 {
		p.line("  " + p.ink.green("✓") + " " + cut(strings.Join(passed, ", "), p.width-5))
	}
}

func (p *paper) history(v View) {
	groups := v.groups()
	if len(groups)+len(v.Flaky) == 0 {
		return
	}
	if len(v.Decisions) == 0 || p.full {
		p.blank()
	}
	var counts []string
	for _, g := range groups {
		if p.full {
			p.names(g)
			continue
		}
		words := thousands(len(g.ids)) + " " + p.ink.sgr(g.ink, g.label)
		if room := p.width - 6 - width(bare(words)); len(g.ids) == 1 && room > 20 {
			words += " (" + cutLeft(Visible(g.ids[0].Name()), room) + ")"
		}
		counts = append(counts, words)
	}
	if len(counts) > 0 {
		p.folded = true
		p.inline("  ± ", "    ", counts)
	}
	p.flaky(v.Flaky)
}

// group is tests about which the history says the same.
type group struct {
	label, ink string
	ids        []ci.TestID
}

// groups lists what the history says, without what it does not say.
func (v View) groups() []group {
	var still, flipped, muted []ci.TestID
	for _, s := range v.Compare.Still {
		still = append(still, s.Test)
	}
	for _, f := range v.Compare.Flipped {
		flipped = append(flipped, f.Test)
	}
	for _, q := range v.Muted {
		muted = append(muted, q.Test)
	}
	all := []group{
		{"newly failing", "31", v.Compare.New},
		{"fixed", "32", v.Compare.Fixed},
		{"still failing", "33", still},
		{"flipped on the same tree", "33", flipped},
		{"passed when tried again", "33", v.Compare.Recovered},
		{"quarantined", "2", muted},
	}
	return slices.DeleteFunc(all, func(g group) bool { return len(g.ids) == 0 })
}

// names lists the tests of a group, one a line.
func (p *paper) names(g group) {
	p.line(fmt.Sprintf("  %s %s", thousands(len(g.ids)), p.ink.sgr(g.ink, g.label)))
	for _, id := range g.ids {
		p.line("      " + cutLeft(Visible(string(id)), p.width-6))
	}
}

func (p *paper) flaky(tests []FlakeTest) {
	shown := p.limit(len(tests), foldNames)
	for _, t := range tests[:shown] {
		words := flakeWords(t)
		name := cutLeft(Visible(t.ID.Name()), max(p.width-12-width(words), p.width/2))
		p.line("  " + p.ink.yellow("~ flaky") + " " + name + " " + p.ink.dim(cut(words, p.width-11-width(name))))
	}
	if n := len(tests) - shown; n > 0 {
		p.line(p.ink.dim("    … " + plural(n, "more flaky test")))
	}
}

// flakeWords says how often a test fails, with how much that rests on.
func flakeWords(t FlakeTest) string {
	words := Visible(t.Why)
	if t.Runs > 0 {
		words = fmt.Sprintf("failed %d of %s", t.Failures, plural(t.Runs, "run"))
		if t.Flips > 0 {
			words += ", " + plural(t.Flips, "flip")
		}
	}
	return words
}

func (p *paper) jobs(v View) {
	if len(v.Run.Jobs) == 0 {
		return
	}
	p.blank()
	var parts []string
	for _, j := range v.Run.Jobs {
		parts = append(parts, p.job(j))
	}
	p.inline("  jobs  ", "        ", parts)
	for _, j := range v.Run.Jobs {
		if j.Detail != "" && j.Status != ci.JobSuccess && j.Status != ci.JobFailure {
			p.line("        " + p.ink.dim(cut(Visible(j.Name)+": "+Visible(j.Detail), p.width-8)))
		}
	}
}

func (p *paper) job(j ci.Job) string {
	words := cut(Visible(j.Name), p.width/5)
	tool := j.Tool
	if j.Tool == j.Name {
		tool = ""
	}
	if tool = strings.TrimSpace(tool + " " + j.Version); tool != "" {
		words += " " + p.ink.dim(cut(Visible(tool), p.width/5))
	}
	if j.Status != ci.JobSuccess && j.Status != ci.JobFailure {
		words += " " + cut(Visible(string(j.Status)), 10)
	}
	if j.Status != ci.JobSkipped {
		words += " " + spent(j.Duration)
	}
	return p.ink.job(j.Status, jobGlyph(j.Status)) + " " + words
}

func (p *paper) warnings(v View) {
	if len(v.Run.Warnings) == 0 {
		return
	}
	if len(v.Run.Jobs) == 0 || p.full {
		p.blank()
	}
	shown := p.limit(len(v.Run.Warnings), foldWarnings)
	for _, w := range v.Run.Warnings[:shown] {
		mark := p.ink.yellow("!")
		for _, line := range wrap(Visible(warningWords(w)), p.width-4, maxWarningLines) {
			p.line("  " + mark + " " + line)
			mark = " "
		}
	}
	if n := len(v.Run.Warnings) - shown; n > 0 {
		p.line(p.ink.dim("    … " + plural(n, "more warning")))
	}
}

func warningWords(w ci.Warning) string {
	if at := (ci.Position{File: w.Source, Line: w.Line}).String(); at != "" {
		return at + ": " + w.Text
	}
	return w.Text
}

// ending says what to do next and where the rest can be read.
func (p *paper) ending(v View) {
	next := v.next()
	if len(v.Clusters) == 1 && next == v.Clusters[0].Cause.Next {
		next = "" // it stands a few lines above
	}
	if next == "" && v.Links.Report == "" && !p.folded && v.Note == "" {
		return
	}
	p.blank()
	if next != "" {
		for i, line := range wrap(Visible(next), p.width-8, 3) {
			head := "        "
			if i == 0 {
				head = "  " + p.ink.green("next") + "  "
			}
			p.line(head + line)
		}
	}
	if v.Links.Report != "" {
		p.line("  " + p.ink.dim("report  ") + cutLeft(Visible(v.Links.Report), p.width-10))
	} else if p.folded {
		p.line("  " + p.ink.dim(cut(Visible(p.more), p.width-2)))
	}
	if v.Note != "" {
		for _, line := range wrap(Visible(v.Note), p.width-2, 4) {
			p.line("  " + p.ink.dim(line))
		}
	}
}
