package render

import (
	"fmt"
	"io"
	"strings"

	"keepgreen/internal/ci"
)

// InsightsMarkdown writes ci_insights.md. charts is the directory of the charts
// beside it; where it is empty, as for a job summary, which strips images, the
// sparklines of characters have to do.
func InsightsMarkdown(w io.Writer, v InsightsView, charts string) error {
	s := &sheet{}
	s.part("# 📈 CI insights\n\n" + Neutral(insightsWhere(v)) + "\n\n**" + Neutral(upperFirst(v.headline())) + ".**\n\n")
	s.part("## What to do next\n\n" + insightsList(v.next(), "Nothing stands out.", true))
	s.part("## What changed\n\n" + insightsList(v.Changed, "No trend and no change point could be shown; that is not the same as that nothing moved.", false))
	s.part("## What it costs\n\n" + insightsList(v.Costs, "Nothing is known of cost yet.", false))
	s.part(insightsTable(v))
	for _, k := range v.KPIs {
		s.part(insightsDetail(k, charts))
	}
	if len(v.Notes) > 0 {
		var b strings.Builder
		for _, note := range v.Notes {
			fmt.Fprintf(&b, "> %s\n", Neutral(cut(Visible(note), 300)))
		}
		s.part(b.String() + "\n")
	}
	s.part("<sub>A trend is called one only if Mann-Kendall, asked for all key figures together (Holm), and the size of the change say so. Intervals are 95 %.</sub>\n")
	_, err := io.WriteString(w, s.b.String())
	return err
}

func insightsWhere(v InsightsView) string {
	parts := []string{v.Now.UTC().Format("2006-01-02 15:04 UTC"), fmt.Sprintf("the last %s", plural(v.Days, "day"))}
	if v.Repo != "" {
		parts = append([]string{v.Repo}, parts...)
	}
	return strings.Join(parts, " · ")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// insightsList is a list of insights; code between backticks stays code.
func insightsList(list []ci.Insight, none string, numbered bool) string {
	if len(list) == 0 {
		return none + "\n\n"
	}
	var b strings.Builder
	for i, one := range list[:min(len(list), 20)] {
		mark := "-"
		if numbered {
			mark = fmt.Sprintf("%d.", i+1)
		}
		text := neutralCode(one.Text)
		if url := webURL(one.URL); url != "" {
			text = mdLink(text, url)
		}
		fmt.Fprintf(&b, "%s **%s**", mark, text)
		if one.Evidence != "" {
			fmt.Fprintf(&b, "<br>%s", neutralCode(one.Evidence))
		}
		if one.Next != "" {
			fmt.Fprintf(&b, "<br>→ %s", neutralCode(one.Next))
		}
		b.WriteString("\n")
	}
	return b.String() + "\n"
}

func mdLink(text, url string) string {
	return `<a href="` + strings.NewReplacer("&", "&amp;", `"`, "%22", "<", "%3C", ">", "%3E").Replace(url) + `">` + text + "</a>"
}

// neutralCode neutralises a sentence of ours in which what stands between
// backticks is code.
func neutralCode(s string) string {
	parts := strings.Split(cut(Visible(s), 600), "`")
	if len(parts)%2 == 0 {
		return Neutral(strings.Join(parts, "`"))
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 1 {
			b.WriteString(NeutralCode(part))
		} else {
			b.WriteString(neutral(part, true))
		}
	}
	return b.String()
}

func insightsTable(v InsightsView) string {
	var b strings.Builder
	b.WriteString("## Key figures\n\n| | Key figure | Value | 95 % | n | Target | Trend | Last days |\n|---|---|--:|---|--:|--:|---|---|\n")
	for _, k := range v.KPIs {
		n := "0"
		if k.Known() && !k.Hidden {
			n = thousands(k.N)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", kpiEmoji(k.Status), Neutral(k.Label), Neutral(kpiValue(k)), Neutral(kpiRange(k)), n,
			Neutral(kpiTarget(k)), Neutral(kpiTrend(k)), sparkline(k.Series))
	}
	return b.String() + "\n"
}

func insightsDetail(k ci.KPI, charts string) string {
	var b strings.Builder
	if charts != "" && len(k.Series) > 1 {
		fmt.Fprintf(&b, "![%s: %s](%s/%s.svg)\n\n", k.Label, kpiTrend(k), charts, k.Name)
	}
	fmt.Fprintf(&b, "%s.\n\n", Neutral(upperFirst(k.Doc)))
	if k.Note != "" {
		fmt.Fprintf(&b, "%s.\n\n", Neutral(upperFirst(k.Note)))
	}
	if len(k.Details) > 0 {
		b.WriteString("| | Value | n |\n|---|--:|--:|\n")
		for _, d := range k.Details {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", Neutral(d.Label), Neutral(d.Unit.Say(d.Value)), thousands(d.N))
		}
		b.WriteString("\n")
	}
	if len(k.Bins) > 0 {
		b.WriteString("| Claimed | Right | 95 % | n |\n|--:|--:|---|--:|\n")
		for _, x := range k.Bins {
			fmt.Fprintf(&b, "| %s | %s | %s to %s | %d |\n", percent(100*x.Mean), percent(100*x.Value), percent(100*x.Low), percent(100*x.High), x.N)
		}
		b.WriteString("\n")
	}
	return fold(Neutral(k.Label+": "+kpiValue(k)), b.String())
}
