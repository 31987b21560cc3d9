package render

import (
	"fmt"
	"strings"
)

// maxFacts bounds each list that a model is told of.
const maxFacts = 15

// ArchFacts is what a model is told of an architecture: what was computed, in
// lines, and no source.
func ArchFacts(v ArchView) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	edges, external := v.counts()
	say("health score: %s; modules: %d; imports between them: %d; dependencies: %d", scoreWords(v.Score), v.own(), edges, external)
	for _, p := range v.Score.Parts {
		say("score part %s: %s %.1f %%, costs %.2f points", p.Name, p.Doc, 100*p.Raw, p.Cost)
	}
	for _, c := range v.changes() {
		say("this change: %s", c.text)
	}
	for _, t := range v.circular()[:min(maxFacts, len(v.circular()))] {
		say("circular at load: %d modules; a shortest cycle: %s", len(t.Modules), v.round(t.Cycles[0]))
	}
	for _, r := range v.Contracts {
		if !r.Kept {
			say("broken contract: %s", r.Contract.Name)
		}
	}
	for _, a := range v.Advice[:min(maxFacts, len(v.Advice))] {
		say("to do (%s, %s): %s [%s]", a.Rule, a.Effort, a.Text, a.Pos)
	}
	for _, h := range v.Hotspots[:min(maxFacts, len(v.Hotspots))] {
		say("hotspot: %s complexity %d, worst function %s with %d, commits %d", h.File, h.Total, h.Function.Name, h.Function.Complexity, h.Churn.Commits)
	}
	for _, x := range v.central(maxFacts) {
		say("central module: %s fan-in %d fan-out %d; a change may break %d", v.label(x.Module), x.FanIn, x.FanOut, x.Reach)
	}
	return b.String()
}

// ArchNames are the words by which a text may call what is in the architecture:
// modules, their files and folders, and their functions.
func ArchNames(v ArchView) func(word string) bool {
	known := map[string]bool{}
	for i := range v.Graph.Modules {
		m := &v.Graph.Modules[i]
		for _, name := range []string{m.Name, m.File} {
			for at := len(name); at > 0; at = strings.LastIndexAny(name[:at], "./") {
				known[name[:at]] = true
			}
		}
		for k := range m.Defs {
			known[m.Defs[k].Name] = true
		}
		known[m.File[strings.LastIndexByte(m.File, '/')+1:]] = true
	}
	return func(word string) bool { return known[word] }
}

// archProse tells what a model wrote, and that it did.
func (p *paper) archProse(v ArchView) {
	if v.Model == "" {
		return
	}
	p.blank()
	for i, text := range append([]string{v.Prose.Summary}, v.Prose.Points...) {
		for j, line := range wrap(Visible(text), max(p.width-6, 40), 4) {
			mark := "    "
			if i > 0 && j == 0 {
				mark = "  - "
			}
			p.line(mark + line)
		}
	}
	p.line(p.ink.dim("    " + Visible(v.Model) + " wrote this; every name and figure in it was looked up"))
}

func (v ArchView) archWords(m *markdownPage) {
	if v.Model == "" {
		return
	}
	m.line("\n### In Words\n\n%s<sub>%s wrote this; every name and figure in it was looked up.</sub>", v.Prose.markdown(), Neutral(v.Model))
}

type archProseDoc struct {
	Summary string   `json:"summary"`
	Points  []string `json:"points"`
	Model   string   `json:"model"`
}

func (v ArchView) proseDoc() *archProseDoc {
	if v.Model == "" {
		return nil
	}
	return &archProseDoc{v.Prose.Summary, list(v.Prose.Points), v.Model}
}
