package arch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// maxAdvice bounds what is recommended of each kind: a list that nobody ends
// helps nobody.
const maxAdvice = 25

// advise turns findings into things to do, the most urgent first.
func advise(a ci.Architecture) []ci.Advice {
	var out []ci.Advice
	for _, rule := range []func(ci.Architecture) []ci.Advice{adviseContracts, adviseCycles, adviseHubs, adviseGods, adviseHotspots, adviseStability, adviseCoupling} {
		list := rule(a)
		out = append(out, list[:min(len(list), maxAdvice)]...)
	}
	slices.SortStableFunc(out, func(x, y ci.Advice) int {
		return cmp.Compare(btoi(y.Critical), btoi(x.Critical))
	})
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func position(g ci.Graph, e ci.ImportEdge) ci.Position {
	return ci.Position{File: cmp.Or(e.File, g.Modules[e.From].File), Line: e.Line}
}

func adviseContracts(a ci.Architecture) []ci.Advice {
	var out []ci.Advice
	for _, r := range a.Contracts {
		if r.Problem != "" {
			out = append(out, ci.Advice{
				Rule: "contract", Text: r.Contract.Name + ": cannot be checked: " + r.Problem, Effort: "minutes", Module: -1, Critical: true,
				Pos: r.Contract.Pos, Key: r.Contract.Name + "|" + r.Problem,
			})
		}
	}
	for _, v := range a.Violations {
		if v.Kind == "stability" {
			continue
		}
		out = append(out, ci.Advice{
			Rule: "contract", Text: v.Rule + ": " + v.Text, Effort: "hours", Module: v.Chain[0], Critical: true,
			Pos: position(a.Graph, v.Edge), Key: v.Rule + "|" + chainKey(a.Graph, v.Chain),
		})
	}
	return out
}

func chainKey(g ci.Graph, chain []int) string {
	return g.Modules[chain[0]].Name + ">" + g.Modules[chain[len(chain)-1]].Name
}

// adviseCycles says which import to remove, and of the names that ride on it
// where they could go.
func adviseCycles(a ci.Architecture) []ci.Advice {
	var out []ci.Advice
	for _, t := range a.Tangles {
		if !t.Kind.AtLoad() {
			continue
		}
		for _, c := range t.Cuts {
			from, to := a.Graph.Modules[c.From], a.Graph.Modules[c.To]
			text := fmt.Sprintf("%s imports %s", from.Name, to.Name)
			if names := namesOf(c); len(names) > 0 {
				text += " (" + shortList(names, 4) + ")"
			}
			switch {
			case len(t.Modules) == 2:
				text += ": with the way back that is a cycle. Move what both need into a module of its own, or import it where it is used."
			default:
				text += fmt.Sprintf(": one of %d imports to remove until these %d modules are no longer circular.", len(t.Cuts), len(t.Modules))
			}
			out = append(out, ci.Advice{
				Rule: "import-cycle", Text: text, Effort: effortOf(c), Module: c.From, Critical: true,
				Pos: position(a.Graph, c.Lines[0]), Key: from.Name + ">" + to.Name,
			})
		}
	}
	return out
}

func namesOf(c ci.Cut) []string {
	var names []string
	for _, e := range c.Lines {
		names = append(names, e.Names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func shortList(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

func effortOf(c ci.Cut) string {
	switch {
	case c.Weight <= 2:
		return "minutes"
	case c.Weight <= 10:
		return "hours"
	}
	return "days"
}

func adviseHubs(a ci.Architecture) []ci.Advice {
	return adviseModules(a, func(m ci.ModuleMetrics) bool { return m.Hub }, func(m ci.ModuleMetrics) int { return m.FanIn * m.FanOut },
		func(module ci.Module, m ci.ModuleMetrics) ci.Advice {
			return ci.Advice{Rule: "hub-module", Effort: "days", Critical: m.FanIn >= 3*hubFanIn, Text: fmt.Sprintf(
				"%d modules depend on %s, and it depends on %d: a change to any of those may reach all of these. Split what they need from what needs them.", m.FanIn, module.Name, m.FanOut)}
		})
}

func adviseGods(a ci.Architecture) []ci.Advice {
	return adviseModules(a, func(m ci.ModuleMetrics) bool { return m.God }, func(m ci.ModuleMetrics) int { return a.Graph.Modules[m.Module].Code },
		func(module ci.Module, m ci.ModuleMetrics) ci.Advice {
			return ci.Advice{Rule: "god-module", Effort: "days", Text: fmt.Sprintf(
				"%s has %d lines of code, far more than the others. Split it into smaller, focused modules.", module.Name, module.Code)}
		})
}

// adviseModules makes advice of every module that has something, the largest first.
func adviseModules(a ci.Architecture, has func(ci.ModuleMetrics) bool, size func(ci.ModuleMetrics) int, say func(ci.Module, ci.ModuleMetrics) ci.Advice) []ci.Advice {
	var hit []ci.ModuleMetrics
	for _, m := range a.Metrics {
		if has(m) {
			hit = append(hit, m)
		}
	}
	slices.SortStableFunc(hit, func(x, y ci.ModuleMetrics) int { return cmp.Compare(size(y), size(x)) })
	var out []ci.Advice
	for _, m := range hit {
		advice := say(a.Graph.Modules[m.Module], m)
		advice.Module, advice.Key = m.Module, a.Graph.Modules[m.Module].Name
		advice.Pos = ci.Position{File: a.Graph.Modules[m.Module].File, Line: 1}
		out = append(out, advice)
	}
	return out
}

func adviseHotspots(a ci.Architecture) []ci.Advice {
	var out []ci.Advice
	for _, h := range a.Hotspots {
		f := h.Function
		if f.Complexity <= complexFunction && f.Cognitive <= hardFunction || a.History.Known && h.Churn.Commits == 0 {
			continue
		}
		text := fmt.Sprintf("%s in %s: cyclomatic complexity %d, cognitive %d, %d lines", f.Name, h.File, f.Complexity, f.Cognitive, f.Lines())
		if a.History.Known {
			text += fmt.Sprintf("; the file changed in %d commits by %d people", h.Churn.Commits, h.Churn.Authors)
		}
		out = append(out, ci.Advice{
			Rule: "hotspot", Text: text + ". Split it along its branches.", Effort: "hours", Module: h.Module,
			Pos: ci.Position{File: h.File, Line: f.Line}, Key: h.File + "|" + f.Name,
		})
		if len(out) == 10 {
			break
		}
	}
	return out
}

func adviseStability(a ci.Architecture) []ci.Advice {
	var out []ci.Advice
	for _, v := range a.Violations {
		if v.Kind == "stability" && !a.Metrics[v.Chain[0]].Tangled {
			out = append(out, ci.Advice{
				Rule: "stable-dependencies", Text: v.Text + ": what many depend on should not depend on what changes more easily. Turn the import round with an interface.",
				Effort: "hours", Module: v.Chain[0], Pos: position(a.Graph, v.Edge), Key: chainKey(a.Graph, v.Chain),
			})
		}
	}
	return out
}

func adviseCoupling(a ci.Architecture) []ci.Advice {
	var out []ci.Advice
	for _, c := range a.Coupled {
		if c.Import {
			continue
		}
		out = append(out, ci.Advice{
			Rule: "change-coupling", Effort: "hours", Pos: ci.Position{File: c.A, Line: 1}, Key: c.A + "|" + c.B, Module: -1,
			Text: fmt.Sprintf("%s and %s change together (%d of %d commits with either) although neither imports the other: what do they share?", c.A, c.B, c.Together, c.OfA+c.OfB-c.Together),
		})
	}
	return out
}
