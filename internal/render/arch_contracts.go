package render

import (
	"fmt"

	"keepgreen/internal/ci"
)

// maxBreaches bounds the broken pairs that are told of one contract.
const maxBreaches = 5

// breaches are the chains that break a contract.
func (v ArchView) breaches(c ci.Contract) []ci.Violation {
	var out []ci.Violation
	for _, b := range v.Violations {
		if b.Rule == c.Name && b.Kind == string(c.Kind) {
			out = append(out, b)
		}
	}
	return out
}

// archContracts tells the verdict of each contract, and what breaks it.
func (p *paper) archContracts(v ArchView) {
	if len(v.Contracts) == 0 {
		return
	}
	p.blank()
	p.line(p.ink.bold("Contracts"))
	for _, r := range v.Contracts {
		switch {
		case r.Problem != "":
			p.line(p.ink.red("  ✗ ") + Visible(r.Contract.Name+": cannot be checked: "+r.Problem) + p.ink.dim("  "+Visible(r.Contract.Pos.String())))
		case r.Kept:
			p.line(p.ink.green("  ✓ ") + Visible(r.Contract.Name))
		default:
			p.line(p.ink.red("  ✗ ") + Visible(r.Contract.Name) + p.ink.dim("  "+plural(r.Broken, "pair")+" of names break it"))
		}
		breaches := v.breaches(r.Contract)
		for _, b := range breaches[:min(maxBreaches, len(breaches))] {
			p.line("      " + Visible(b.Text) + p.ink.dim("  "+Visible(v.place(b))))
		}
		if n := r.Broken - maxBreaches; n > 0 {
			p.line(p.ink.dim(fmt.Sprintf("      and %d more", n)))
		}
		for _, warning := range r.Warnings {
			p.line(p.ink.yellow("      ! ") + Visible(warning))
		}
	}
}

// place is where the first import of a chain stands.
func (v ArchView) place(b ci.Violation) string {
	file := b.Edge.File
	if file == "" {
		file = v.Graph.Modules[b.Edge.From].File
	}
	return ci.Position{File: file, Line: b.Edge.Line}.String()
}

// archPromises lists the contracts with their verdicts.
func (v ArchView) archPromises(m *markdownPage) {
	if len(v.Contracts) == 0 {
		return
	}
	m.line("\n### Contracts\n")
	for _, r := range v.Contracts {
		switch {
		case r.Problem != "":
			m.line("- ❌ %s cannot be checked: %s", NeutralCode(r.Contract.Name), Neutral(r.Problem))
		case r.Kept:
			m.line("- ✅ %s", NeutralCode(r.Contract.Name))
		default:
			m.line("- ❌ %s", NeutralCode(r.Contract.Name))
		}
		breaches := v.breaches(r.Contract)
		for _, b := range breaches[:min(maxBreaches, len(breaches))] {
			m.line("  - %s %s", Neutral(b.Text), NeutralCode(v.place(b)))
		}
		if n := r.Broken - maxBreaches; n > 0 {
			m.line("  - and %d more", n)
		}
	}
}
