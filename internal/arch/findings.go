package arch

import (
	"cmp"
	"path"
	"slices"

	"keepgreen/internal/ci"
)

// merge puts what other tools found with the modules that it is about, each
// finding once however many of them tell it. Those about other files are counted.
func merge(g ci.Graph, found []ci.Diagnostic) (out []ci.ModuleFindings, elsewhere int) {
	of := map[string]int{}
	for i := len(g.Modules) - 1; i >= 0; i-- { // a package's own files before those of its external tests
		if m := &g.Modules[i]; !m.External {
			of[m.File] = i
		}
	}
	type id struct {
		tool, rule, file, message string
		line                      int
	}
	seen := map[id]bool{}
	at := map[int]int{}
	for _, d := range found {
		key := id{d.Tool, d.Rule, d.Pos.File, d.Message, d.Pos.Line}
		if seen[key] {
			continue
		}
		seen[key] = true
		module, ours := of[d.Pos.File]
		if !ours && path.Ext(d.Pos.File) == ".go" {
			module, ours = of[path.Dir(d.Pos.File)]
		}
		if !ours {
			elsewhere++
			continue
		}
		i, known := at[module]
		if !known {
			i = len(out)
			at[module] = i
			out = append(out, ci.ModuleFindings{Module: module})
		}
		f := &out[i]
		f.Findings = append(f.Findings, d)
		switch d.Severity {
		case ci.SeverityError:
			f.Errors++
		case ci.SeverityWarning:
			f.Warnings++
		default:
			f.Notes++
		}
	}
	for _, f := range out {
		slices.SortStableFunc(f.Findings, func(a, b ci.Diagnostic) int {
			return cmp.Or(cmp.Compare(gravity(b.Severity), gravity(a.Severity)), cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Rule, b.Rule))
		})
	}
	slices.SortFunc(out, func(a, b ci.ModuleFindings) int {
		return cmp.Or(cmp.Compare(b.Errors, a.Errors), cmp.Compare(b.Warnings, a.Warnings), cmp.Compare(b.Notes, a.Notes), cmp.Compare(a.Module, b.Module))
	})
	return out, elsewhere
}

func gravity(s ci.Severity) int {
	switch s {
	case ci.SeverityError:
		return 2
	case ci.SeverityWarning:
		return 1
	default:
		return 0
	}
}
