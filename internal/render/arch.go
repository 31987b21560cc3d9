package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// ArchView is everything that is told about an architecture.
type ArchView struct {
	ci.Architecture
	Delta   *ci.ArchitectureDelta // nil: compared with nothing
	Repo    string
	Version string
	Now     time.Time
	Failed  []string // the rules of --fail-on that are broken, in words
	Prose   Prose    // a model's text, whose names and figures are held against the facts
	Model   string   // who wrote it; empty: nobody
	AI      string   // what is to be said about models
}

// label is what a person calls a module: its file, or its name where it has none.
func (v ArchView) label(module int) string {
	m := v.Graph.Modules[module]
	if m.External || m.File == "" || strings.HasPrefix(m.Name, m.File) {
		return m.Name
	}
	return cmp.Or(m.File, m.Name)
}

func (v ArchView) name(module int) string { return v.Graph.Modules[module].Name }

// own is how many modules are the repository's.
func (v ArchView) own() int { return len(v.Metrics) }

// circular are the tangles that hurt at load.
func (v ArchView) circular() []ci.Tangle {
	return slices.DeleteFunc(slices.Clone(v.Tangles), func(t ci.Tangle) bool { return !t.Kind.AtLoad() })
}

// deferred are the others.
func (v ArchView) deferred() []ci.Tangle {
	return slices.DeleteFunc(slices.Clone(v.Tangles), func(t ci.Tangle) bool { return t.Kind.AtLoad() })
}

// round is a cycle in words.
func (v ArchView) round(cycle []int) string {
	names := make([]string, len(cycle))
	for i, m := range cycle {
		names[i] = v.label(m)
	}
	if len(names) == 2 {
		return names[0] + " ↔ " + names[1]
	}
	return strings.Join(append(names, names[0]), " → ")
}

// central are the modules that most depend on, tests left out.
func (v ArchView) central(n int) []ci.ModuleMetrics {
	var out []ci.ModuleMetrics
	for _, m := range v.Metrics {
		if !v.Graph.Modules[m.Module].Test && m.FanIn > 0 {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b ci.ModuleMetrics) int {
		return cmp.Or(cmp.Compare(b.FanIn, a.FanIn), cmp.Compare(b.FanOut, a.FanOut))
	})
	return out[:min(n, len(out))]
}

func scoreWords(s ci.HealthScore) string {
	if !s.Known {
		return "unknown"
	}
	return fmt.Sprintf("%.1f/10", s.Value)
}

// lines is a cut's statements as places.
func (v ArchView) places(c ci.Cut) string {
	var out []string
	for _, e := range c.Lines {
		out = append(out, ci.Position{File: cmp.Or(e.File, v.Graph.Modules[e.From].File), Line: e.Line}.String())
	}
	if len(out) > 3 {
		out = append(out[:3], fmt.Sprintf("and %d more", len(out)-3))
	}
	return strings.Join(out, ", ")
}

func kindWords(k ci.ImportKind) string {
	switch k {
	case ci.ImportRuntime:
		return "at load"
	case ci.ImportConditional:
		return "at load, through an import under if or try"
	case ci.ImportLazy:
		return "only when functions are called"
	case ci.ImportTyping:
	}
	return "only for the type checker"
}

// ArchText writes what a person at a terminal wants to know first.
func ArchText(w io.Writer, v ArchView, o TextOptions) error {
	p := newPaper(o)
	edges, external := v.counts()
	p.line(p.ink.bold("Architecture health "+p.grade(v.Score)) + p.ink.dim(fmt.Sprintf("  %s, %s, %s", plural(v.own(), "module"), plural(edges, "import"), plural(external, "external module"))))
	for _, part := range v.Score.Parts {
		if part.Cost >= 0.05 {
			p.line(fmt.Sprintf("  %5.1f  %s", -part.Cost, p.ink.dim(fmt.Sprintf("%s: %s %s", part.Name, part.Doc, percent(100*part.Raw)))))
		}
	}
	p.archProse(v)
	p.archDelta(v)
	p.archContracts(v)
	p.archCycles(v)
	p.archHotspots(v)
	p.archFindings(v)
	p.archAdvice(v)
	for _, warning := range v.Graph.Warnings[:min(len(v.Graph.Warnings), 5)] {
		p.line(p.ink.yellow("! ") + Visible(warningWords(warning)))
	}
	if n := len(v.Graph.Warnings) - 5; n > 0 {
		p.line(p.ink.dim("  and " + plural(n, "more warning")))
	}
	for _, because := range v.Failed {
		p.line(p.ink.red("✗ ") + Visible(because))
	}
	if v.AI != "" {
		p.line(p.ink.dim(Visible(v.AI)))
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

// counts are the pairs of modules of which one imports the other, and the
// dependencies. Imports are sorted, so those of a pair stand together.
func (v ArchView) counts() (edges, external int) {
	last := [2]int{-1, -1}
	for i := range v.Graph.Imports {
		e := &v.Graph.Imports[i]
		if pair := [2]int{e.From, e.To}; pair != last && !v.Graph.Modules[e.To].External {
			edges++
			last = pair
		}
	}
	for i := range v.Graph.Modules {
		if m := &v.Graph.Modules[i]; m.External && !m.Standard {
			external++
		}
	}
	return edges, external
}

func (p *paper) grade(s ci.HealthScore) string {
	words := scoreWords(s)
	switch {
	case !s.Known:
		return p.ink.dim(words)
	case s.Value >= 7.5:
		return p.ink.green(words)
	case s.Value >= 5:
		return p.ink.yellow(words)
	}
	return p.ink.red(words)
}

func (p *paper) archDelta(v ArchView) {
	d := v.Delta
	if d == nil {
		return
	}
	p.blank()
	change := "unchanged"
	if d.Before.Known && d.After.Known && d.Before.Value != d.After.Value {
		change = fmt.Sprintf("%+.2f", d.After.Value-d.Before.Value)
	}
	p.line(p.ink.bold("This change") + "  score " + change + fmt.Sprintf(", imports +%d -%d", d.NewEdges, d.GoneEdges))
	for _, c := range d.NewCycles {
		p.line(p.ink.red("  + ") + "cycle " + Visible(strings.Join(append(slices.Clone(c), c[0]), " → ")))
	}
	for _, c := range d.GoneCycles {
		p.line(p.ink.green("  - ") + "cycle " + Visible(strings.Join(append(slices.Clone(c), c[0]), " → ")))
	}
	for _, a := range d.NewAdvice {
		if a.Rule != "import-cycle" {
			p.line(p.ink.yellow("  + ") + Visible(a.Text))
		}
	}
}

func (p *paper) archCycles(v ArchView) {
	tangles := v.circular()
	if len(tangles) == 0 {
		p.blank()
		p.line(p.ink.green("✓ ") + "nothing is circular at load")
	}
	for i, t := range tangles {
		if i == 5 {
			p.line(p.ink.dim(fmt.Sprintf("  and %d more", len(tangles)-i)))
			break
		}
		p.blank()
		p.line(p.ink.red("✗ ") + fmt.Sprintf("%s are circular %s", plural(len(t.Modules), "module"), kindWords(t.Kind)))
		for _, c := range t.Cycles[:min(3, len(t.Cycles))] {
			p.line("    " + Visible(v.round(c)))
		}
		p.line("  " + cutsWords(t))
		for _, c := range t.Cuts[:min(5, len(t.Cuts))] {
			p.line("    " + Visible(fmt.Sprintf("%s no longer imports %s", v.label(c.From), v.label(c.To))) + p.ink.dim(Visible(namesWords(c)+"  "+v.places(c))))
		}
		if n := len(t.Cuts) - 5; n > 0 {
			p.line(p.ink.dim(fmt.Sprintf("    and %d more", n)))
		}
	}
	if n := len(v.deferred()); n > 0 {
		p.line(p.ink.dim(plural(n, "cycle") + " through lazy or type-checking imports: harmless at load"))
	}
}

func namesWords(c ci.Cut) string {
	var names []string
	for _, e := range c.Lines {
		names = append(names, e.Names...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return ""
	}
	if len(names) > 4 {
		names = append(names[:4], "…")
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// cutsWords says how many imports keep a tangle together, and how sure it is
// that fewer would not do.
func cutsWords(t ci.Tangle) string {
	words := "to break it: " + plural(len(t.Cuts), "import")
	if t.AtLeast == t.Weight {
		return words + ", the least there is"
	}
	return words + fmt.Sprintf(" that carry %d names (no set carries fewer than %d)", t.Weight, t.AtLeast)
}

func (p *paper) archHotspots(v ArchView) {
	if len(v.Hotspots) == 0 {
		return
	}
	p.blank()
	head := "Hotspots"
	if v.History.Known {
		head += p.ink.dim(fmt.Sprintf("  complexity × commits since %s (%s)", v.History.Since, plural(v.History.Commits, "commit")))
	}
	p.line(p.ink.bold(head))
	for _, h := range v.Hotspots[:min(5, len(v.Hotspots))] {
		words := fmt.Sprintf("  %3.0f  %s", 100*h.Rank, Visible(h.File))
		detail := fmt.Sprintf("  complexity %d; %s:%d has %d", h.Total, h.Function.Name, h.Function.Line, h.Function.Complexity)
		if v.History.Known {
			detail += fmt.Sprintf("; %s, %s", plural(h.Churn.Commits, "commit"), plural(h.Churn.Authors, "author"))
		}
		p.line(words + p.ink.dim(Visible(detail)))
	}
}

func (p *paper) archAdvice(v ArchView) {
	if len(v.Advice) == 0 {
		return
	}
	p.blank()
	p.line(p.ink.bold("To do first"))
	for i, a := range v.Advice[:min(5, len(v.Advice))] {
		for j, line := range wrap(Visible(a.Text), max(p.width-8, 40), 4) {
			mark := fmt.Sprintf("  %d. ", i+1)
			if j > 0 {
				mark = "     "
			}
			p.line(mark + line)
		}
	}
}
