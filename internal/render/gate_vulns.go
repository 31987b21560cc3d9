package render

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"keepgreen/internal/ci"
)

// NewVuln is a vulnerability that main did not have.
type NewVuln struct {
	ci.Vulnerability
	Why string // "introduced", "disclosed", "scanner_changed"
}

// ExcusedVuln is a vulnerability that does not count, and by what.
type ExcusedVuln struct {
	ci.Vulnerability
	Status, Reason, Source string
}

// VulnsView is the answer of the vulnerability gate with what it rests on.
type VulnsView struct {
	Gate     VulnGate // New is not used: NewVulns says more
	NewVulns []NewVuln
	Excused  []ExcusedVuln
	Scanners []string
	Others   int // secrets and misconfigurations that Trivy reported beside
	NoData   []string
	Notes    []string
	Window   []float64 // HIGH and CRITICAL of main's last green runs, oldest first
}

// VulnsDocument writes the document of "keepgreen gate vulns --format json".
func VulnsDocument(w io.Writer, v VulnsView) error {
	type newDoc struct {
		vulnDoc
		Why string `json:"why"`
	}
	type excusedDoc struct {
		vulnDoc
		Status string `json:"status"`
		Reason string `json:"reason"`
		Source string `json:"source"`
	}
	news, excused := []newDoc{}, []excusedDoc{}
	for _, n := range v.NewVulns {
		news = append(news, newDoc{vulnsOf([]ci.Vulnerability{n.Vulnerability})[0], n.Why})
	}
	for _, e := range v.Excused {
		excused = append(excused, excusedDoc{vulnsOf([]ci.Vulnerability{e.Vulnerability})[0], e.Status, e.Reason, e.Source})
	}
	decision := decisionOf(v.Gate.Decision)
	counts := CountVulns(v.Gate.Now).doc()
	if decision.Verdict == ci.VerdictNoData && len(v.Scanners) == 0 {
		counts = nil // nothing was counted: that is not 0
	}
	return encode(w, struct {
		Pass     bool           `json:"pass"`
		Counts   *vulnCountsDoc `json:"counts"`
		Baseline *vulnCountsDoc `json:"baseline"`
		New      []newDoc       `json:"new"`
		Fixed    []vulnDoc      `json:"fixed"`
		Because  []string       `json:"because"`
		Verdict  ci.Verdict     `json:"verdict"`
		All      []vulnDoc      `json:"vulnerabilities"`
		Excused  []excusedDoc   `json:"excused"`
		Scanners []string       `json:"scanners"`
		NoData   []string       `json:"no_data"`
		Others   int            `json:"secrets_and_misconfigurations"`
		Notes    []string       `json:"notes"`
	}{
		decision.Pass, counts, v.Gate.Baseline.doc(), news, vulnsOf(v.Gate.Fixed), decision.Because, decision.Verdict,
		vulnsOf(v.Gate.Now), excused, list(v.Scanners), list(v.NoData), v.Others, list(v.Notes),
	})
}

var severities = []ci.VulnSeverity{ci.VulnCritical, ci.VulnHigh, ci.VulnMedium, ci.VulnLow, ci.VulnNegligible, ci.VulnUnknown}

const maxVulnRows = 20

// VulnsText writes the sentence that explains the verdict, and tables.
func VulnsText(w io.Writer, v VulnsView) error {
	var b strings.Builder
	d := v.Gate.Decision
	fmt.Fprintf(&b, "%s %s\n\n", verdictEmoji(d.Verdict), Visible(cmp.Or(first(d.Because), string(d.Verdict))))
	counts := CountVulns(v.Gate.Now)
	if len(v.Scanners) > 0 {
		fmt.Fprintf(&b, "  %-11s %5s  %8s\n", "severity", "now", "baseline")
		for _, s := range severities {
			base := "–"
			if n, ok := v.Gate.Baseline[s]; ok {
				base = fmt.Sprint(n)
			}
			if counts[s] > 0 || s >= ci.VulnHigh {
				fmt.Fprintf(&b, "  %-11s %5d  %8s\n", s, counts[s], base)
			}
		}
		fmt.Fprintf(&b, "  by %s\n", Visible(strings.Join(v.Scanners, ", ")))
	}
	section := func(title string, n int, row func(i int) string) {
		if n == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s\n", title)
		for i := range min(n, maxVulnRows) {
			fmt.Fprintf(&b, "  %s\n", Visible(row(i)))
		}
		if n > maxVulnRows {
			fmt.Fprintf(&b, "  … and %d more\n", n-maxVulnRows)
		}
	}
	section("new since main", len(v.NewVulns), func(i int) string {
		return vulnRow(v.NewVulns[i].Vulnerability) + "  " + whyWords(v.NewVulns[i].Why)
	})
	section("fixed since main", len(v.Gate.Fixed), func(i int) string { return vulnRow(v.Gate.Fixed[i]) })
	section("not counted", len(v.Excused), func(i int) string {
		e := v.Excused[i]
		return vulnRow(e.Vulnerability) + "  " + strings.ReplaceAll(e.Status, "_", " ") + ": " + e.Reason
	})
	notes := append(rest(d.Because), v.Notes...)
	if len(notes) > 0 {
		b.WriteByte('\n')
	}
	for _, note := range notes {
		fmt.Fprintf(&b, "  note  %s\n", Visible(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func vulnRow(v ci.Vulnerability) string {
	row := fmt.Sprintf("%-8s  %s  %s", v.Severity, v.ID, v.Package)
	if v.Version != "" {
		row += " " + v.Version
	}
	if len(v.Fixed) > 0 {
		row += " → " + strings.Join(v.Fixed, ", ")
	}
	if v.Exploited {
		row += "  known to be exploited"
	}
	return row
}

func whyWords(why string) string {
	switch why {
	case "disclosed":
		return "(disclosed since: not this change's)"
	case "scanner_changed":
		return "(seen by a scanner that main was not scanned with)"
	}
	return "(introduced)"
}

// VulnsBadge writes a badge as SVG, with a sparkline of how many HIGH and CRITICAL
// there were in the last runs.
func VulnsBadge(w io.Writer, v VulnsView) error {
	d := v.Gate.Decision
	if d.Verdict == ci.VerdictNoData {
		return badge(w, "vulnerabilities", "no data", d.Verdict, nil)
	}
	critical, high := 0, 0
	for _, found := range v.Gate.Now {
		switch found.Severity {
		case ci.VulnCritical:
			critical++
		case ci.VulnHigh:
			high++
		default:
		}
	}
	return badge(w, "vulnerabilities", fmt.Sprintf("%d critical, %d high", critical, high), d.Verdict, append(append([]float64{}, v.Window...), float64(critical+high)))
}

// VulnsSummary writes the step summary.
func VulnsSummary(w io.Writer, v VulnsView) error {
	var b strings.Builder
	d := v.Gate.Decision
	fmt.Fprintf(&b, "### %s Vulnerabilities\n\n%s\n\n", verdictEmoji(d.Verdict), Neutral(first(d.Because)))
	counts := CountVulns(v.Gate.Now)
	if len(v.Scanners) > 0 {
		b.WriteString("| severity | now | baseline |\n| --- | ---: | ---: |\n")
		for _, s := range severities {
			base := "–"
			if n, ok := v.Gate.Baseline[s]; ok {
				base = fmt.Sprint(n)
			}
			fmt.Fprintf(&b, "| %s | %d | %s |\n", s, counts[s], base)
		}
	}
	if len(v.NewVulns) > 0 {
		b.WriteString("\n| new | severity | package | fixed in | |\n| --- | --- | --- | --- | --- |\n")
		for _, n := range v.NewVulns[:min(len(v.NewVulns), maxVulnRows)] {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", NeutralCode(n.ID), n.Severity, NeutralCode(strings.TrimSpace(n.Package+" "+n.Version)), Neutral(strings.Join(n.Fixed, ", ")), whyWords(n.Why))
		}
		if len(v.NewVulns) > maxVulnRows {
			fmt.Fprintf(&b, "\n… and %d more\n", len(v.NewVulns)-maxVulnRows)
		}
	}
	for _, note := range append(rest(d.Because), v.Notes...) {
		fmt.Fprintf(&b, "\n<sub>%s</sub>\n", Neutral(note))
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}
