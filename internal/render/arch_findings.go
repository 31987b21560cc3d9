package render

import (
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// maxFound bounds the modules of which other tools' findings are told.
const maxFound = 10

// tools are the names of those who found something, sorted.
func tools(found []ci.Diagnostic) string {
	var names []string
	for _, d := range found {
		names = append(names, d.Tool)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func findingsWords(f ci.ModuleFindings) string {
	var parts []string
	for _, n := range []struct {
		count int
		word  string
	}{{f.Errors, "error"}, {f.Warnings, "warning"}, {f.Notes, "note"}} {
		if n.count > 0 {
			parts = append(parts, plural(n.count, n.word))
		}
	}
	return strings.Join(parts, ", ") + " of " + tools(f.Findings)
}

// archFindings tells what other tools found, beside how much depends on each module.
func (p *paper) archFindings(v ArchView) {
	if len(v.Findings) == 0 && v.Elsewhere == 0 {
		return
	}
	p.blank()
	p.line(p.ink.bold("Findings of other tools"))
	for _, f := range v.Findings[:min(5, len(v.Findings))] {
		detail := fmt.Sprintf("  %s; a change may break %s", findingsWords(f), plural(v.Metrics[f.Module].Reach, "module"))
		p.line("  " + Visible(v.label(f.Module)) + p.ink.dim(Visible(detail)))
		first := f.Findings[0]
		p.line(p.ink.dim("      " + Visible(cut(fmt.Sprintf("%s %s: %s", first.Pos, first.Rule, first.Message), p.width-6))))
	}
	if n := len(v.Findings) - 5; n > 0 {
		p.line(p.ink.dim("  and in " + plural(n, "more module")))
	}
	if v.Elsewhere > 0 {
		p.line(p.ink.dim("  " + plural(v.Elsewhere, "finding") + " about files that are no module here"))
	}
}

func (v ArchView) archFindings(m *markdownPage) {
	if len(v.Findings) == 0 {
		return
	}
	m.line("\n### Findings of Other Tools\n")
	m.line("| module | found | the worst | a change may break |\n| --- | --- | --- | --: |")
	for _, f := range v.Findings[:min(maxFound, len(v.Findings))] {
		first := f.Findings[0]
		m.line("| %s | %s | %s %s %s | %s |", NeutralCode(v.label(f.Module)), Neutral(findingsWords(f)), NeutralCode(first.Pos.String()), NeutralCode(first.Rule),
			Neutral(cut(Visible(first.Message), 200)), plural(v.Metrics[f.Module].Reach, "module"))
	}
	if n := len(v.Findings) - maxFound; n > 0 {
		m.line("\nAnd in %s.", plural(n, "more module"))
	}
}
