package render

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"keepgreen/internal/ci"
)

// GateFile is a file in the table of the coverage gate.
type GateFile struct {
	Path string
	Pct  float64
}

// PatchGap is new lines of a file that did not run.
type PatchGap struct {
	File  string       `json:"file"`
	Lines ci.LineRange `json:"-"`
	First int          `json:"first"`
	Last  int          `json:"last"`
}

// CoverageView is the answer of the coverage gate with what it rests on.
type CoverageView struct {
	Gate    CoverageGate
	Series  string
	Policy  string
	Allowed float64   // percentage points below the baseline that pass
	Window  []float64 // percent of the runs that made the baseline, oldest first
	Patch   string    // the sentence about the change's own lines; empty: not known
	Gaps    []PatchGap
	Again   bool     // a second measurement of the same commit could change the answer
	Notes   []string // what a careful reader should know
}

// CoverageGateDocument writes the document of "keepgreen gate coverage --format json".
func CoverageGateDocument(w io.Writer, v CoverageView) error {
	type document struct {
		coverageGateDoc
		Allowed number     `json:"allowed_pp"`
		Series  string     `json:"series"`
		Policy  string     `json:"policy"`
		Again   bool       `json:"measure_again"`
		Window  []number   `json:"window"`
		Patch   string     `json:"patch,omitempty"`
		Gaps    []PatchGap `json:"uncovered_new_lines"`
		Notes   []string   `json:"notes"`
	}
	doc := document{
		coverageGateDoc: coverageGateOf(v.Gate), Allowed: rounded(v.Allowed, 4), Series: v.Series, Policy: v.Policy, Again: v.Again,
		Window: []number{}, Patch: v.Patch, Gaps: append([]PatchGap{}, v.Gaps...), Notes: append([]string{}, v.Notes...),
	}
	for _, pct := range v.Window {
		doc.Window = append(doc.Window, rounded(pct, 4))
	}
	return encode(w, doc)
}

// CoverageGateText writes the sentence that explains the verdict, and a table.
func CoverageGateText(w io.Writer, v CoverageView) error {
	var b strings.Builder
	d := v.Gate.Decision
	fmt.Fprintf(&b, "%s %s\n\n", verdictEmoji(d.Verdict), Visible(cmp.Or(first(d.Because), string(d.Verdict))))
	covered, total, cb, tb := v.Gate.Now.Counts()
	pct, measured := v.Gate.Now.Percent()
	if measured {
		fmt.Fprintf(&b, "  coverage  %s  (%d of %d statements", exactPercent(pct), covered, total)
		if tb > 0 {
			fmt.Fprintf(&b, ", %d of %d branches", cb, tb)
		}
		fmt.Fprintf(&b, "; %s)\n", Visible(v.Series))
	}
	if v.Gate.Baseline.Known {
		fmt.Fprintf(&b, "  baseline  %s  (%s)\n", exactPercent(v.Gate.Baseline.Pct), Visible(v.Gate.Baseline.From))
		if measured {
			fmt.Fprintf(&b, "  change    %+.2f pp  (−%.2f pp allowed)\n", pct-v.Gate.Baseline.Pct, v.Allowed)
		}
	}
	if len(v.Window) > 0 {
		fmt.Fprintf(&b, "  main      %s\n", bars(append(append([]float64{}, v.Window...), pct)))
	}
	if v.Patch != "" {
		fmt.Fprintf(&b, "  patch     %s\n", v.Patch)
	}
	for i, gap := range v.Gaps {
		if i == maxGaps {
			fmt.Fprintf(&b, "            … and %d more\n", len(v.Gaps)-i)
			break
		}
		fmt.Fprintf(&b, "            %s did not run\n", Visible(gap.String()))
	}
	for _, note := range append(rest(d.Because), v.Notes...) {
		fmt.Fprintf(&b, "  note      %s\n", Visible(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const maxGaps = 20

func (g PatchGap) String() string {
	if g.First == g.Last {
		return fmt.Sprintf("%s:%d", g.File, g.First)
	}
	return fmt.Sprintf("%s:%d-%d", g.File, g.First, g.Last)
}

// CoverageGateSummary writes the step summary.
func CoverageGateSummary(w io.Writer, v CoverageView) error {
	var b strings.Builder
	d := v.Gate.Decision
	fmt.Fprintf(&b, "### %s Coverage\n\n%s\n\n", verdictEmoji(d.Verdict), Neutral(first(d.Because)))
	if pct, ok := v.Gate.Now.Percent(); ok {
		base, change := "–", "–"
		if v.Gate.Baseline.Known {
			base, change = exactPercent(v.Gate.Baseline.Pct), fmt.Sprintf("%+.2f pp", pct-v.Gate.Baseline.Pct)
		}
		fmt.Fprintf(&b, "| coverage | baseline | change | allowed |\n| --- | --- | --- | --- |\n| %s | %s | %s | −%.2f pp |\n\n", exactPercent(pct), base, change, v.Allowed)
	}
	if v.Patch != "" {
		fmt.Fprintf(&b, "%s\n\n", Neutral(v.Patch))
	}
	for _, gap := range v.Gaps[:min(len(v.Gaps), maxGaps)] {
		fmt.Fprintf(&b, "- %s\n", NeutralCode(gap.String()))
	}
	for _, note := range append(rest(d.Because), v.Notes...) {
		fmt.Fprintf(&b, "\n<sub>%s</sub>\n", Neutral(note))
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

func rest(lines []string) []string {
	if len(lines) < 2 {
		return nil
	}
	return append([]string{}, lines[1:]...)
}

// exactPercent is cut, not rounded: 89.999 is not the 90.00 that a floor asks for.
func exactPercent(v float64) string { return fmt.Sprintf("%.2f %%", math.Floor(v*100+1e-6)/100) }

// bars is a sparkline of text, the newest value last.
func bars(values []float64) string {
	const marks = "▁▂▃▄▅▆▇█"
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	var b strings.Builder
	for _, v := range values {
		at := 7
		if high > low {
			at = int((v - low) / (high - low) * 7)
		}
		b.WriteString(string([]rune(marks)[at]))
	}
	return fmt.Sprintf("%s  %.2f to %.2f", b.String(), low, high)
}

// CoverageBadge writes a badge as SVG, with a sparkline of the last runs where
// there are at least two.
func CoverageBadge(w io.Writer, v CoverageView) error {
	pct, ok := v.Gate.Now.Percent()
	if !ok {
		return badge(w, "coverage", "no data", ci.VerdictNoData, nil)
	}
	return badge(w, "coverage", fmt.Sprintf("%.1f %%", math.Floor(pct*10+1e-6)/10), v.Gate.Decision.Verdict, append(append([]float64{}, v.Window...), pct))
}

// badge writes a badge as SVG. It needs no font to measure and refers to nothing.
func badge(w io.Writer, name, text string, verdict ci.Verdict, values []float64) error {
	colour := "#2f7d32"
	switch verdict {
	case ci.VerdictFail:
		colour = "#c4342d"
	case ci.VerdictWarn, ci.VerdictInherited:
		colour = "#b07d00"
	case ci.VerdictNoData:
		colour = "#9f9f9f"
	case ci.VerdictPass:
	}
	const margin = 12
	left, right := textWidth(name)+margin, max(60, textWidth(text)+margin)
	width, spark := left+right, ""
	if len(values) > 1 {
		spark = sparkPath(values, float64(width+4), 36, 12)
		width += 44
	}
	label := html.EscapeString(name + ": " + text)
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s"><title>%s</title>`+
		`<rect width="%d" height="20" fill="#444"/><rect x="%d" width="%d" height="20" fill="%s"/>`+
		`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"><text x="%d" y="14" textLength="%d">%s</text><text x="%d" y="14">%s</text></g>%s</svg>`+"\n",
		width, label, label, left, left, width-left, colour, left/2, left-margin, html.EscapeString(name), left+right/2, html.EscapeString(text), spark)
	return err
}

// textWidth is about how wide a text is in 11 pixels' Verdana; textLength makes
// it exact where it matters.
func textWidth(text string) int {
	width := 0.0
	for _, c := range text {
		if strings.ContainsRune("iltfjr,. ", c) {
			width += 4
		} else {
			width += 7
		}
	}
	return int(width)
}

// sparkPath draws values from left to right in a box that starts at x.
func sparkPath(values []float64, x, width, height float64) string {
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	var points []string
	for i, v := range values {
		y := height / 2
		if high > low {
			y = height - (v-low)/(high-low)*height
		}
		points = append(points, fmt.Sprintf("%.1f,%.1f", x+width*float64(i)/float64(len(values)-1), 4+y))
	}
	return `<polyline fill="none" stroke="#fff" stroke-width="1.5" points="` + strings.Join(points, " ") + `"/>`
}
