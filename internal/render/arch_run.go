package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// How much of an architecture a run tells: what the change did to it, and of
// the rest what a script may want without asking again.
const (
	maxRunChanges = 8
	maxRunList    = 20
)

// archRunDoc is the part "arch" of the document of a run: the keys are those of
// architecture_analysis.json, the lists are short.
type archRunDoc struct {
	Score     *number           `json:"health_score"`
	Modules   int               `json:"module_count"`
	Imports   int               `json:"import_count"`
	Circular  [][]string        `json:"circular_dependencies"`
	Hotspots  []archHotspotDoc  `json:"complexity_hotspots"`
	Coupling  []archCouplingDoc `json:"coupling"`
	Contracts []archContractDoc `json:"contracts"`
	Advice    []archAdviceDoc   `json:"recommendations"`
	History   archHistoryDoc    `json:"history"`
	Delta     *archDeltaDoc     `json:"delta"`
	Failed    []string          `json:"failed"`
}

func (v *ArchView) runDoc() *archRunDoc {
	if v == nil {
		return nil
	}
	doc := &archRunDoc{Score: scoreOf(v.Score), Modules: v.own(), History: v.historyDoc(), Delta: v.deltaDoc(), Failed: list(v.Failed)}
	doc.Imports, _ = v.counts()
	for _, t := range v.circular() {
		for _, c := range t.Cycles {
			doc.Circular = append(doc.Circular, v.names(c))
		}
	}
	doc.Circular = list(doc.Circular[:min(len(doc.Circular), maxRunList)])
	for _, h := range v.Hotspots[:min(len(v.Hotspots), maxRunList)] {
		doc.Hotspots = append(doc.Hotspots, v.hotspotDoc(h))
	}
	doc.Hotspots, doc.Coupling, doc.Contracts = list(doc.Hotspots), list(v.couplingDocs(maxRunList)), list(v.contractDocs())
	doc.Advice = adviceDocs(v.Advice[:min(len(v.Advice), maxRunList)])
	return doc
}

// archChanges are what a change does to the architecture, in words, the worse first.
type archChange struct {
	worse bool
	text  string
}

func (v *ArchView) changes() []archChange {
	var out []archChange
	if v == nil || v.Delta == nil {
		return nil
	}
	round := func(c []string) string { return strings.Join(append(slices.Clone(c), c[0]), " → ") }
	for _, c := range v.Delta.NewCycles {
		out = append(out, archChange{true, "new import cycle " + round(c)})
	}
	for _, a := range v.Delta.NewAdvice {
		if a.Rule != "import-cycle" {
			out = append(out, archChange{true, a.Text})
		}
	}
	for _, c := range v.Delta.GoneCycles {
		out = append(out, archChange{false, "no longer circular: " + round(c)})
	}
	return out
}

// archHeadline is the score, and what the change does to it.
func (v *ArchView) archHeadline() []string {
	parts := []string{"health " + scoreWords(v.Score)}
	d := v.Delta
	if d == nil {
		return parts
	}
	if d.Before.Known && d.After.Known {
		if step := fmt.Sprintf("%+.2f", d.After.Value-d.Before.Value); step != "+0.00" && step != "-0.00" {
			parts = append(parts, step+" by this change")
		} else {
			parts = append(parts, "unchanged")
		}
	}
	if n := len(d.NewCycles); n > 0 {
		parts = append(parts, plural(n, "new cycle"))
	}
	return parts
}

// architecture tells the health of the code, and what the change makes worse.
func (p *paper) architecture(v View) {
	if v.Arch == nil || !v.Arch.Score.Known {
		return
	}
	p.blank()
	p.inline("  arch      ", "            ", v.Arch.archHeadline())
	changes := v.Arch.changes()
	shown := p.limit(len(changes), foldNames)
	for _, c := range changes[:shown] {
		mark := p.ink.green("- ")
		if c.worse {
			mark = p.ink.red("+ ")
		}
		p.line("    " + mark + cut(Visible(c.text), p.width-6))
	}
	if n := len(changes) - shown; n > 0 {
		p.line(p.ink.dim(fmt.Sprintf("    and %d more", n)))
	}
}

// summaryArch is the architecture's part of the step summary: the change alone.
func summaryArch(v View) string {
	if v.Arch == nil || !v.Arch.Score.Known {
		return ""
	}
	title := "Architecture: " + Neutral(strings.Join(v.Arch.archHeadline(), " · "))
	changes := v.Arch.changes()
	if len(changes) == 0 {
		return title + "\n\n"
	}
	var b strings.Builder
	for _, c := range changes[:min(len(changes), maxRunChanges)] {
		mark := "better"
		if c.worse {
			mark = "worse"
		}
		fmt.Fprintf(&b, "- %s: %s\n", mark, Neutral(cut(Visible(c.text), 400)))
	}
	if n := len(changes) - maxRunChanges; n > 0 {
		fmt.Fprintf(&b, "- and %d more\n", n)
	}
	return fold(title, b.String())
}

// archPart is the architecture on the page of a run.
type archPart struct {
	Headline []string
	Changes  []archLine
	More     int
}

type archLine struct {
	Class, Word, Text string // Word says what Class colours
}

func archPartOf(v View) *archPart {
	if v.Arch == nil || !v.Arch.Score.Known {
		return nil
	}
	return v.Arch.changeRows()
}

// changeRows are the change, for a page; nil: it is compared with nothing and has no score.
func (v *ArchView) changeRows() *archPart {
	part := &archPart{Headline: v.archHeadline()}
	changes := v.changes()
	for _, c := range changes[:min(len(changes), maxRunChanges)] {
		line := archLine{"good", "better", c.text}
		if c.worse {
			line = archLine{"bad", "worse", c.text}
		}
		part.Changes = append(part.Changes, line)
	}
	part.More = max(len(changes)-maxRunChanges, 0)
	return part
}

// ArchAnnotations writes what the change makes worse as annotations where it
// stands. What was there before is nobody's reading of this change.
func ArchAnnotations(w io.Writer, v ArchView) error {
	if v.Delta == nil {
		return nil
	}
	for _, a := range v.Delta.NewAdvice[:min(len(v.Delta.NewAdvice), maxAnnotations)] {
		level := LevelWarning
		if !a.Critical {
			level = LevelNotice
		}
		if _, err := fmt.Fprintln(w, Annotation{level, a.Pos, "Architecture: " + a.Rule, a.Text}.command()); err != nil {
			return err
		}
	}
	return nil
}
