package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// card is one finding as it stands above the fold: what, where, the one line of
// the log, whose it is and what to do.
type card struct {
	id, sign string
	title    string
	short    string // the headline's word for it; empty: the title
	where    ci.Position
	log      string
	count    int // failures behind it; 0: not a matter of failures
	whose    string
	sure     string
	next     string
	cluster  *ci.Cluster
}

// FeedbackFindings are the findings of a comment as its marker carries them.
func FeedbackFindings(v FeedbackView) (ids, titles []string) {
	for _, c := range v.cards() {
		ids, titles = append(ids, c.id), append(titles, c.title)
	}
	return ids, titles
}

// cards are the findings, those first that want the reader to do something.
func (v FeedbackView) cards() []card {
	var mine, others []card
	for i := range v.Clusters {
		c := clusterCard(&v.Clusters[i])
		if needsYou(v.Clusters[i]) {
			mine = append(mine, c)
		} else {
			others = append(others, c)
		}
	}
	gates := slices.Concat(v.vulnCards(), v.coverageCards(), v.archCards(), v.gateCards())
	slices.SortStableFunc(gates, func(a, b card) int { return cmp.Compare(rank(a.sign), rank(b.sign)) })
	return slices.Concat(mine, gates, others)
}

// rank puts what fails before what is within the limits.
func rank(sign string) int {
	if sign == "🔴" {
		return 0
	}
	return 1
}

func clusterCard(c *ci.Cluster) card {
	out := card{
		id: cmp.Or(c.ID, sentence(*c)), title: firstLine(sentence(*c)), where: place(*c), log: logLine(*c), count: count(*c), cluster: c,
		whose: cmp.Or(whoseWords(*c), "whose it is, is not known"), sure: sureness(c.Confidence), next: c.Cause.Next,
	}
	switch c.Whose {
	case ci.WhoseMain:
		out.sign = "🟠"
		out.next = cmp.Or(out.next, "nothing here: it fails on main too")
	case ci.WhoseFlaky:
		out.sign = "🟡"
	case ci.WhoseInfra:
		out.sign = "⚪"
	case ci.WhoseNew, ci.WhoseUnknown:
		out.sign = "🔴"
	default:
		out.sign = "🔴"
	}
	if out.log == out.title {
		out.log = ""
	}
	return out
}

// firstLine is the first line of a text that says anything.
func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(line)
}

// vulnCards: the new vulnerabilities that are HIGH or worse are one finding.
func (v FeedbackView) vulnCards() []card {
	if v.Vulns == nil {
		return nil
	}
	bad := slices.DeleteFunc(slices.Clone(v.Vulns.New), func(x ci.Vulnerability) bool { return x.Severity < ci.VulnHigh })
	if len(bad) == 0 {
		if v.Vulns.Verdict != ci.VerdictFail {
			return nil
		}
		return []card{{id: "vulns", sign: "🔴", title: cmp.Or(first(v.Vulns.Because), "too many vulnerabilities"), whose: "by the gate's limits"}}
	}
	bad = sortedBy(bad, func(a, b ci.Vulnerability) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	})
	worst := bad[0]
	c := card{
		id: "vulns " + worst.ID, sign: "🔴", log: worst.Title, whose: "main does not have it",
		short: "New " + strings.ToUpper(worst.Severity.String()) + " vulnerability",
		title: fmt.Sprintf("New %s vulnerability: %s in %s", strings.ToUpper(worst.Severity.String()), worst.ID, strings.TrimSpace(worst.Package+" "+worst.Version)),
	}
	if len(bad) > 1 {
		c.title += fmt.Sprintf(", and %d more", len(bad)-1)
		c.short, c.whose = thousands(len(bad))+" new vulnerabilities, the worst "+strings.ToUpper(worst.Severity.String()), "main does not have them"
	}
	if worst.Exploited {
		c.whose += ", known to be exploited"
	}
	if v.Vulns.Verdict != ci.VerdictFail {
		c.sign, c.whose = "🟠", c.whose+"; within the limits"
	}
	switch {
	case len(worst.Fixed) > 0:
		c.next = fmt.Sprintf("update %s to %s", worst.Package, worst.Fixed[0])
	default:
		c.next = "no fixed version is known: see whether the code in question is used"
	}
	return []card{c}
}

func (v FeedbackView) coverageCards() []card {
	c := v.Coverage
	if c == nil || c.Verdict != ci.VerdictFail && c.Verdict != ci.VerdictWarn {
		return nil
	}
	out := card{id: "coverage", sign: "🔴", title: cmp.Or(first(c.Because), "Coverage is below its limit"), log: c.Patch, whose: "by the gate's limits"}
	if c.Pct != nil && c.Base != nil {
		out.short = "Coverage fell " + strings.TrimLeft(points(*c.Pct-*c.Base), "−+")
		out.title = fmt.Sprintf("Coverage is %s, and was %s: more of a drop than its gate allows", percent(*c.Pct), percent(*c.Base))
		if out.log == "" {
			out.log = first(c.Because)
		}
	}
	if c.Verdict == ci.VerdictWarn {
		out.sign = "🟠"
	}
	if len(c.Gaps) > 0 {
		out.where, out.next = c.Gaps[0], "test the new lines that did not run"
	}
	return []card{out}
}

func (v FeedbackView) archCards() []card {
	if v.Arch == nil {
		return nil
	}
	var out []card
	for _, cycle := range v.Arch.NewCycles[:min(len(v.Arch.NewCycles), 3)] {
		out = append(out, card{
			id: "cycle " + strings.Join(cycle, ">"), sign: "🔴", whose: "new with this change", next: "move what both need into a module of its own",
			title: "New import cycle: " + strings.Join(cycle, " → "),
		})
	}
	if len(out) == 0 && len(v.Arch.Failed) > 0 {
		out = append(out, card{id: "arch", sign: "🔴", title: v.Arch.Failed[0], whose: "by what the scan was asked to fail on"})
	}
	return out
}

// gateCards are the gates that said no and that nothing above explains.
func (v FeedbackView) gateCards() []card {
	var out []card
	for _, d := range v.Decisions {
		explained := d.Gate == "tests" || d.Gate == "lint" || d.Gate == "types"
		if d.Verdict != ci.VerdictFail || explained && len(v.Clusters) > 0 {
			continue
		}
		out = append(out, card{id: "gate " + d.Gate, sign: "🔴", title: cmp.Or(first(d.Because), d.Gate+" said no"), whose: "by the gate's limits"})
	}
	return out
}

// markdown is the finding in three lines. The breaks are HTML's: GitHub breaks
// lines of comments where they end, other renderers do not.
func (c card) markdown(v FeedbackView, i int) string {
	lines := []string{fmt.Sprintf("%s **%d. %s**", c.sign, i+1, NeutralProse(cut(Visible(c.title), 240)))}
	if at := v.at(c.where); at != "" {
		lines[0] += " – " + at
	}
	if c.log != "" {
		lines = append(lines, NeutralCode(cut(Visible(c.log), 300)))
	}
	about := Neutral(cut(Visible(c.whose), 160))
	if c.cluster != nil {
		about = "<em>" + about + "</em>" + behind(*c.cluster) + " · " + c.sure
	}
	if c.next != "" {
		about += " → " + NeutralProse(cut(Visible(c.next), 240))
	}
	return strings.Join(append(lines, about), "<br>\n") + "\n\n"
}

// behind says how many failures a cause stands for, by a name where it is one.
func behind(c ci.Cluster) string {
	switch n := count(c); {
	case n == 1 && c.Members[0].Test != "":
		return " · " + NeutralCode(cutLeft(Visible(string(c.Members[0].Test)), 120))
	case n == 1:
		return ""
	default:
		return " · " + plural(n, "failure")
	}
}

// folds are the sections below the fold.
func (v FeedbackView) folds(cards []card) []string {
	var out []string
	if len(cards) > maxCards {
		var b strings.Builder
		for i, c := range cards[maxCards:min(len(cards), maxCards+maxDetails)] {
			b.WriteString(c.markdown(v, maxCards+i))
		}
		if n := len(cards) - maxCards - maxDetails; n > 0 {
			fmt.Fprintf(&b, "… and %s\n\n", plural(n, "more finding"))
		}
		out = append(out, fold(plural(len(cards)-maxCards, "more finding"), b.String()))
	}
	return append(out, v.causesFold(cards), v.vulnFold(), v.flakyFold())
}

// causesFold is one fold with what each cause rests on and whom it hits.
func (v FeedbackView) causesFold(cards []card) string {
	var b strings.Builder
	told, left := 0, 0
	for i, c := range cards {
		if c.cluster == nil {
			continue
		}
		text := v.causeDetails(i+1, *c.cluster)
		switch {
		case text == "":
		case b.Len()+len(text) > maxCauses:
			left++
		default:
			b.WriteString(text)
			told++
		}
	}
	if told == 0 {
		return ""
	}
	if left > 0 {
		fmt.Fprintf(&b, "… and of %s\n\n", plural(left, "more cause"))
	}
	return fold("Details of "+plural(told, "cause"), strings.TrimRight(b.String(), "\n")+"\n")
}

// causeDetails is what a cause rests on, whom it hits, and what would mend it.
func (v FeedbackView) causeDetails(n int, c ci.Cluster) string {
	var b strings.Builder
	if count(c) > 1 {
		for _, m := range c.Members[:min(count(c), 20)] {
			fmt.Fprintf(&b, "- %s %s\n", NeutralCode(cutLeft(Visible(m.Name()), 200)), v.at(m.Pos))
		}
		if more := count(c) - 20; more > 0 {
			fmt.Fprintf(&b, "- and %s more\n", thousands(more))
		}
	}
	for _, e := range c.Evidence[:min(len(c.Evidence), 6)] {
		fmt.Fprintf(&b, "- %s\n", Neutral(cut(Visible(evidenceWords(e)), 280)))
	}
	for _, f := range v.Fixes {
		if f.Cluster != c.ID || f.Cluster == "" || math.IsNaN(f.Confidence) {
			continue
		}
		fmt.Fprintf(&b, "\n**Proposed fix** (%s): %s\n\n", sureness(f.Confidence), NeutralProse(cut(Visible(f.Description), 300)))
		if f.CodeChange != "" {
			b.WriteString(NeutralBlock(cutBytes(f.CodeChange, 4<<10)) + "\n")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("**%d. %s** (%s)\n\n", n, NeutralProse(cut(Visible(firstLine(sentence(c))), 160)), plural(count(c), "failure")) + b.String() + "\n"
}

func (v FeedbackView) vulnFold() string {
	if v.Vulns == nil || len(v.Vulns.New) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| | Package | Vulnerability | Fixed in |\n|---|---|---|---|\n")
	news := sortedBy(v.Vulns.New, func(a, b ci.Vulnerability) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	})
	for _, x := range news[:min(len(news), 30)] {
		fixed := "–"
		if len(x.Fixed) > 0 {
			fixed = NeutralCode(cut(Visible(x.Fixed[0]), 40))
		}
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s |\n", x.Severity, NeutralCode(cut(Visible(strings.TrimSpace(x.Package+" "+x.Version)), 80)),
			NeutralCode(cut(Visible(x.ID), 40)), Neutral(cut(Visible(x.Title), 120)), fixed)
	}
	if more := len(news) - 30; more > 0 {
		fmt.Fprintf(&b, "\nand %s more\n", thousands(more))
	}
	return fold("New vulnerabilities: "+thousands(len(news)), b.String())
}

func (v FeedbackView) flakyFold() string {
	all := sortedBy(slices.Concat(v.Recovered, v.Flaky), cmp.Compare)
	all = slices.Compact(all)
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	for _, id := range all[:min(len(all), 20)] {
		why := "known to pass and fail on the same code"
		if slices.Contains(v.Recovered, id) {
			why = "failed, and passed when tried again in this run"
		}
		fmt.Fprintf(&b, "- %s %s\n", NeutralCode(cutLeft(Visible(string(id)), 200)), why)
	}
	if more := len(all) - 20; more > 0 {
		fmt.Fprintf(&b, "- and %s more\n", thousands(more))
	}
	return fold("Flaky: "+plural(len(all), "test"), b.String())
}
