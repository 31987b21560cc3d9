package render

import (
	"cmp"
	"fmt"
	"strings"

	"keepgreen/internal/ci"
)

// FeedbackView is what a pull request is told about a run.
type FeedbackView struct {
	ci.Findings
	Verdict  ci.Verdict
	Was      ci.Verdict // what the comment said before; empty: there was none
	Resolved []string   // titles of what it said before and does not say any more
	Repo     string     // "https://github.com/owner/name": permalinks are made from it
	Head     string     // the pull request's commit, which was tested
	Run      string     // the forge's page of the run
	RunID    string
	Attempt  int
	Prose    Prose
	AI       string // what asking a model cost, or why none was asked
	Mute     string // how to have no such comment, in one sentence
	Notes    []string
}

// Prose is a model's text, held against the facts before it comes here.
type Prose struct {
	Summary string
	Points  []string
}

// What a comment may hold. GitHub's limit is 65,536 characters; sanitising has
// been done when it is measured, because it makes text longer.
const (
	MaxComment = 60000 // bytes
	maxCards   = 5     // findings above the fold
	maxProse   = 300   // words
	maxDetails = 40    // findings below it
	maxCauses  = 24000 // bytes of their details
)

// FeedbackMarkdown is the comment without its hidden first line. It is the same
// text that the summary page gets.
func FeedbackMarkdown(v FeedbackView) string { return v.markdown(MaxComment - 8<<10) } // the marker needs room too

func (v FeedbackView) markdown(most int) string {
	foot := v.footer()
	s := &sheet{most: most - len(foot) - 200}
	cards := v.cards()
	s.part("## 🤖 CI Feedback\n\n" + v.headlineMarkdown(cards) + "\n\n")
	s.part(v.Prose.markdown())
	for i, c := range cards[:min(len(cards), maxCards)] {
		s.part(c.markdown(v, i))
	}
	if more := len(cards) - maxCards; more > 0 {
		s.part(fmt.Sprintf("… and %s, folded below.\n\n", plural(more, "more finding")))
	}
	s.part(v.table())
	s.part(v.gaps())
	s.part(v.praise())
	s.part(v.resolved())
	for _, part := range v.folds(cards) {
		s.part(part)
	}
	for _, note := range v.Notes[:min(len(v.Notes), 5)] {
		s.part("<sub>" + Neutral(cut(Visible(note), 300)) + "</sub>\n\n")
	}
	left := ""
	if s.left > 0 {
		left = fmt.Sprintf("<sub>%s did not fit into a comment; the run's summary page has the whole.</sub>\n\n", plural(s.left, "section"))
	}
	return s.b.String() + left + foot
}

// FeedbackSummary is the comment's text at the size of a summary page.
func FeedbackSummary(v FeedbackView) string { return v.markdown(maxSummary) }

// FeedbackHeadline is the comment's first sentence as plain text.
func FeedbackHeadline(v FeedbackView) string {
	sign, bold, rest := v.headline(v.cards())
	return cut(Visible(strings.Join(append([]string{sign + " " + bold}, rest...), " · ")), 240)
}

func (v FeedbackView) headlineMarkdown(cards []card) string {
	sign, bold, rest := v.headline(cards)
	line := sign + " **" + Neutral(cut(Visible(bold), 300)) + "**"
	for _, part := range rest {
		line += " · " + Neutral(cut(Visible(part), 200))
	}
	return line
}

// headline says it all: how many failures and how many of them are probably the
// reader's, or what else is wrong, or that all is well.
func (v FeedbackView) headline(cards []card) (sign, bold string, rest []string) {
	sign = verdictEmoji(cmp.Or(v.Verdict, ci.VerdictNoData))
	rest = v.figures()
	c := v.countFailures()
	switch {
	case c.all > 0:
		bold, rest = c.words(), append(c.others(), rest...)
		if n := len(v.Clusters); n < c.all {
			rest = append([]string{plural(n, "cause")}, rest...)
		}
	case len(cards) > 0:
		bold = cmp.Or(cards[0].short, cards[0].title)
		if cards[0].id == "coverage" && len(rest) > 0 {
			rest = rest[:len(rest)-1] // it is said
		}
		if len(cards) > 1 {
			rest = append([]string{plural(len(cards)-1, "more finding")}, rest...)
		}
	case v.Verdict == ci.VerdictNoData || v.Verdict == "":
		return "❔", "No data: nothing says how this run went", rest
	case v.Verdict == ci.VerdictFail:
		bold = "The run failed" + v.failedJobs()
	case v.Was == ci.VerdictFail || v.Was == ci.VerdictInherited:
		bold = "Green again"
	case v.Verdict == ci.VerdictPass:
		bold = "All green"
	default:
		bold = "Green, with warnings"
	}
	return sign, bold, rest
}

// failedJobs names the jobs that failed without any report to explain it.
func (v FeedbackView) failedJobs() string {
	var names []string
	for name, status := range v.Statuses {
		if status == ci.JobFailure || status == ci.JobError || status == ci.JobTimeout {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	names = sortedBy(names, cmp.Compare)
	return " in " + strings.Join(names[:min(len(names), 5)], ", ") + ", and no report says why"
}

// figures are the numbers behind the headline.
func (v FeedbackView) figures() []string {
	var out []string
	if t := v.Tests; t != nil && t.Failed == 0 {
		out = append(out, testsWords(Tally{Total: t.Total, Passed: t.Passed, Failed: t.Failed, Skipped: t.Skipped}))
	}
	if c := v.Coverage; c != nil && c.Pct != nil {
		words := "coverage " + percent(*c.Pct)
		if c.Base != nil {
			words += " (" + points(*c.Pct-*c.Base) + ")"
		}
		out = append(out, words)
	}
	return out
}

// failureCounts are the failures by whose they are.
type failureCounts struct{ all, mine, unknown, main, flaky, infra int }

func (v FeedbackView) countFailures() failureCounts {
	var n failureCounts
	for _, c := range v.Clusters {
		k := count(c)
		n.all += k
		switch c.Whose {
		case ci.WhoseNew:
			n.mine += k
		case ci.WhoseMain:
			n.main += k
		case ci.WhoseFlaky:
			n.flaky += k
		case ci.WhoseInfra:
			n.infra += k
		case ci.WhoseUnknown:
			n.unknown += k
		default:
			n.unknown += k
		}
	}
	return n
}

func (n failureCounts) words() string {
	all := plural(n.all, "failure")
	switch {
	case n.mine == n.all && n.all == 1:
		return all + ", probably yours"
	case n.mine == n.all:
		return all + ", all probably yours"
	case n.mine > 0:
		return fmt.Sprintf("%s, %s probably yours", all, thousands(n.mine))
	case n.unknown == 0 && n.all == 1:
		return all + ", not yours"
	case n.unknown == 0:
		return all + ", none of them yours"
	}
	return all
}

func (n failureCounts) others() []string {
	var out []string
	for _, part := range []struct {
		n    int
		word string
	}{{n.main, "already on main"}, {n.flaky, "flaky"}, {n.infra, "infrastructure"}} {
		if part.n > 0 {
			out = append(out, thousands(part.n)+" "+part.word)
		}
	}
	return out
}

// markdown is the model's text: a paragraph and points, cut at three hundred
// words. It has no links and no markup, whatever it was given.
func (p Prose) markdown() string {
	left := maxProse
	take := func(text string) string {
		words := strings.Fields(Visible(text))
		words = words[:min(len(words), left)]
		left -= len(words)
		return Neutral(strings.Join(words, " "))
	}
	var b strings.Builder
	if text := take(p.Summary); text != "" {
		b.WriteString(text + "\n\n")
	}
	for _, point := range p.Points {
		if text := take(point); text != "" {
			b.WriteString("- " + text + "\n")
		}
	}
	if len(p.Points) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// footer says which commit and run this is about, what it cost, and how not to
// have it.
func (v FeedbackView) footer() string {
	var parts []string
	if v.Head != "" {
		parts = append(parts, "commit "+NeutralCode(shortSHA(Visible(v.Head))))
	}
	if v.RunID != "" {
		run := "run " + Neutral(cut(Visible(v.RunID), 40))
		if at := webURL(v.Run); at != "" {
			run = `<a href="` + hrefEscapes.Replace(at) + `">` + run + "</a>"
		}
		parts = append(parts, run+fmt.Sprintf(", attempt %d", max(v.Attempt, 1)))
	}
	parts = append(parts, Neutral(cut(Visible(cmp.Or(v.AI, "without AI")), 300)))
	parts = append(parts, "👍 or 👎 tells us whether this helped")
	if v.Mute != "" {
		parts = append(parts, Neutral(cut(Visible(v.Mute), 200)))
	}
	return "<sub>" + strings.Join(parts, " · ") + "</sub>\n"
}

var hrefEscapes = strings.NewReplacer("&", "&amp;", `"`, "%22", "<", "%3C", ">", "%3E")

// at is a place as a permalink at the tested commit.
func (v FeedbackView) at(p ci.Position) string {
	return mdPlace(View{Run: ci.Run{Commit: v.Head}, Links: Links{Repo: v.Repo}}, p)
}

// FeedbackFacts is the comment as facts for a model: the same figures and names,
// as text and without markup.
func FeedbackFacts(v FeedbackView) string {
	var b strings.Builder
	b.WriteString(FeedbackHeadline(v) + "\n")
	for i, c := range v.cards() {
		if i == maxCards*2 {
			break
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, cut(Visible(c.title), 240))
		for _, line := range [][2]string{{"where", c.where.String()}, {"log", c.log}, {"whose", c.whose}, {"certainty", c.sure}, {"next", c.next}} {
			if line[1] != "" {
				fmt.Fprintf(&b, "   %s: %s\n", line[0], cut(Visible(line[1]), 300))
			}
		}
		if c.count > 0 {
			fmt.Fprintf(&b, "   failures: %d\n", c.count)
		}
	}
	for _, row := range v.rows() {
		if row.now != "" {
			fmt.Fprintf(&b, "%s: %s; against the base: %s\n", row.name, row.now, cmp.Or(row.delta, "not known"))
		}
	}
	if v.Coverage != nil {
		for _, g := range v.Coverage.Gaps[:min(len(v.Coverage.Gaps), 5)] {
			fmt.Fprintf(&b, "new lines that no test ran: %s, lines %d to %d\n", Visible(g.File), g.Line, max(g.EndLine, g.Line))
		}
	}
	return b.String()
}
