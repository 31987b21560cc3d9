package render

import (
	"fmt"
	"io"
	"strings"

	"keepgreen/internal/ci"
)

// How much the report holds: GitHub shows a Mermaid graph of a few dozen edges
// and no more, and nobody reads the fiftieth priority.
const (
	maxDrawn      = 12 // modules of a drawn cycle
	maxPriorities = 12
)

// ArchMarkdown writes architecture_report.md: score, critical issues,
// priorities, and the numbers they rest on.
func ArchMarkdown(w io.Writer, v ArchView) error {
	m := markdownPage{}
	m.line("## Architecture Health Score: %s", scoreWords(v.Score))
	edges, external := v.counts()
	m.line("")
	m.line("%s, %s between them, %s.", plural(v.own(), "module"), plural(edges, "import"), plural(external, "external module"))
	v.archWords(&m)
	v.archChange(&m)
	v.archIssues(&m)
	v.archPromises(&m)
	v.archPriorities(&m)
	v.archDrawing(&m)
	v.archTables(&m)
	_, err := io.WriteString(w, m.String())
	return err
}

// markdownPage is lines of Markdown; values of strangers are made neutral by
// who writes them.
type markdownPage struct{ strings.Builder }

func (m *markdownPage) line(format string, args ...any) {
	fmt.Fprintf(m, format+"\n", args...)
}

func (v ArchView) archChange(m *markdownPage) {
	d := v.Delta
	if d == nil {
		return
	}
	m.line("\n### This Change\n")
	if d.Before.Known && d.After.Known {
		m.line("- Score %.2f → %.2f", d.Before.Value, d.After.Value)
	}
	m.line("- Imports between modules: %d new, %d gone", d.NewEdges, d.GoneEdges)
	for _, c := range d.NewCycles {
		m.line("- New circular dependency: %s", codes(c))
	}
	for _, c := range d.GoneCycles {
		m.line("- Gone: circular dependency %s", codes(c))
	}
	for _, a := range d.NewAdvice {
		if a.Rule != "import-cycle" {
			m.line("- New: %s", Neutral(a.Text))
		}
	}
	for _, because := range v.Failed {
		m.line("- **%s**", Neutral(because))
	}
}

func codes(names []string) string {
	parts := make([]string, 0, len(names)+1)
	for _, name := range names {
		parts = append(parts, NeutralCode(name))
	}
	if len(parts) == 2 {
		return strings.Join(parts, " ↔ ")
	}
	return strings.Join(append(parts, parts[0]), " → ")
}

func (v ArchView) labels(modules []int) []string {
	out := make([]string, len(modules))
	for i, m := range modules {
		out[i] = v.label(m)
	}
	return out
}

func (v ArchView) archIssues(m *markdownPage) {
	m.line("\n### Critical Issues\n")
	n := 0
	for _, t := range v.circular() {
		if n++; n > maxPriorities {
			break
		}
		if len(t.Modules) > 2 {
			m.line("- Circular dependency: %s are tied together; the shortest cycle is %s", plural(len(t.Modules), "module"), codes(v.labels(t.Cycles[0])))
			continue
		}
		m.line("- Circular dependency: %s", codes(v.labels(t.Modules)))
	}
	for _, x := range v.Metrics {
		if x.Hub && n < 2*maxPriorities {
			n++
			m.line("- High coupling: %s depend on %s, which depends on %d itself", plural(x.FanIn, "module"), NeutralCode(v.label(x.Module)), x.FanOut)
		}
	}
	for _, r := range v.Contracts {
		if !r.Kept && n < 3*maxPriorities {
			n++
			m.line("- Broken contract: %s", NeutralCode(r.Contract.Name))
		}
	}
	if n == 0 {
		m.line("None.")
	}
}

func (v ArchView) archPriorities(m *markdownPage) {
	m.line("\n### Refactoring Priorities\n")
	if len(v.Advice) == 0 {
		m.line("Nothing stands out.")
	}
	for i, a := range v.Advice[:min(len(v.Advice), maxPriorities)] {
		where := ""
		if !a.Pos.IsZero() {
			where = " " + NeutralCode(a.Pos.String())
		}
		m.line("%d. %s%s (%s)", i+1, Neutral(a.Text), where, a.Effort)
	}
	if n := len(v.Advice) - maxPriorities; n > 0 {
		m.line("\nAnd %d more in architecture_analysis.json.", n)
	}
}

// archDrawing draws the shortest cycle of each of the first tangles, the import
// to cut dashed. Names of nodes are our own, labels are quoted and neutral.
func (v ArchView) archDrawing(m *markdownPage) {
	for i, t := range v.circular() {
		if i == 3 {
			return
		}
		cycle := t.Cycles[0]
		if len(cycle) > maxDrawn {
			continue
		}
		if i == 0 {
			m.line("\n### Cycles")
		}
		m.line("\n```mermaid\nflowchart LR")
		for j, node := range cycle {
			m.line("  n%d[\"%s\"]", j, mermaid(v.label(node)))
		}
		for j, node := range cycle {
			next := (j + 1) % len(cycle)
			m.line("  n%d %s n%d", j, v.arrow(t, node, cycle[next]), next)
		}
		m.line("```")
	}
}

func (v ArchView) arrow(t ci.Tangle, from, to int) string {
	for _, c := range t.Cuts {
		if c.From == from && c.To == to {
			return "-. cut .->"
		}
	}
	return "-->"
}

// mermaid keeps of a label what cannot end it.
func mermaid(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"`<>&#;\\[]{}", r) {
			return '_'
		}
		return r
	}, Visible(s))
}

func (v ArchView) archTables(m *markdownPage) {
	if len(v.Hotspots) > 0 {
		m.line("\n### Complexity Hotspots\n")
		m.line("| file | function | cyclomatic | cognitive | lines | commits | authors |\n| --- | --- | --: | --: | --: | --: | --: |")
		for _, h := range v.Hotspots[:min(len(v.Hotspots), 10)] {
			commits, authors := "", ""
			if v.History.Known {
				commits, authors = fmt.Sprint(h.Churn.Commits), fmt.Sprint(h.Churn.Authors)
			}
			m.line("| %s | %s | %d | %d | %d | %s | %s |", NeutralCode(h.File), NeutralCode(h.Function.Name), h.Function.Complexity, h.Function.Cognitive, h.Function.Lines(), commits, authors)
		}
	}
	v.archFindings(m)
	if central := v.central(10); len(central) > 0 {
		m.line("\n### Coupling\n")
		m.line("| module | fan-in | fan-out | instability | a change may break |\n| --- | --: | --: | --: | --: |")
		for _, x := range central {
			m.line("| %s | %d | %d | %.2f | %s |", NeutralCode(v.label(x.Module)), x.FanIn, x.FanOut, x.Instability, plural(x.Reach, "module"))
		}
	}
	m.line("\n<details><summary>How the score is made</summary>\n")
	m.line("10 minus each part's weight × (value ÷ limit)^curve, at most the weight.\n")
	m.line("| part | value | limit | curve | weight | cost |\n| --- | --: | --: | --: | --: | --: |")
	for _, p := range v.Score.Parts {
		m.line("| %s: %s | %.3f | %g | %g | %g | %.2f |", p.Name, p.Doc, p.Raw, p.Limit, p.Curve, p.Weight, p.Cost)
	}
	m.line("\n</details>")
}
