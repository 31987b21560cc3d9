package arch_test

import (
	"fmt"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/arch"
	"keepgreen/internal/ci"
)

func TestFindingsOfOthersAreMerged(t *testing.T) {
	g := ci.Graph{Modules: []ci.Module{{Name: "m/p", File: "p"}, {Name: "m/p_test", File: "p", Test: true}, {Name: "q", File: "q.py"}}}
	at := func(tool, file string, line int, s ci.Severity) ci.Diagnostic {
		return ci.Diagnostic{Tool: tool, Rule: "r", Severity: s, Message: "bad", Pos: ci.Position{File: file, Line: line}}
	}
	a := arch.Analyse(arch.Input{Graph: g, Findings: []ci.Diagnostic{
		at("codeql", "q.py", 3, ci.SeverityWarning), at("codeql", "q.py", 3, ci.SeverityWarning), at("bandit", "q.py", 1, ci.SeverityError),
		at("gosec", "p/x.go", 7, ci.SeverityInfo), at("eslint", "x.js", 1, ci.SeverityError),
	}})
	var got []string
	for _, f := range a.Findings {
		got = append(got, fmt.Sprintf("%s %d/%d/%d %s", g.Modules[f.Module].Name, f.Errors, f.Warnings, f.Notes, f.Findings[0].Tool))
	}
	assert.DeepEqual(t, got, []string{"q 1/1/0 bandit", "m/p 0/0/1 gosec"})
	assert.Equal(t, a.Elsewhere, 1)
}
