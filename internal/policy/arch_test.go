package policy_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
)

func TestArchitecture(t *testing.T) {
	score := func(v float64) ci.HealthScore { return ci.HealthScore{Known: true, Value: v} }
	for _, c := range []struct {
		name, rules string
		arch        ci.Architecture
		delta       *ci.ArchitectureDelta
		verdict     ci.Verdict
		because     string
	}{
		{"a new cycle", "new-cycles", ci.Architecture{}, &ci.ArchitectureDelta{NewCycles: [][]string{{"a", "b"}}}, ci.VerdictFail, "new-cycles: this change adds 1 import cycle"},
		{"an old cycle", "new-cycles", ci.Architecture{}, &ci.ArchitectureDelta{}, ci.VerdictPass, "new-cycles: no"},
		{"nothing to compare with is no reason to fail", "new-cycles score-drop=0", ci.Architecture{}, nil, ci.VerdictPass, "new-cycles: there is nothing to compare with; score-drop: there is nothing to compare with"},
		{"exactly the limit passes", "score-drop=0.3", ci.Architecture{}, &ci.ArchitectureDelta{Before: score(8.3), After: score(8)}, ci.VerdictPass, "score-drop: no"},
		{"more than the limit fails", "score-drop=0.3", ci.Architecture{}, &ci.ArchitectureDelta{Before: score(8.31), After: score(8)}, ci.VerdictFail, "score-drop: the health score falls by 0.31, more than 0.3"},
		{"every reason is told", "min-score=9 broken-contracts", ci.Architecture{Score: score(8)}, nil, ci.VerdictFail, "min-score: the health score is 8.00, below 9; broken-contracts: there is no contract: keepgreen.yaml has no arch.contracts, and import-linter is not configured"},
		{"contracts by name", "broken-contracts", ci.Architecture{Contracts: []ci.ContractResult{{Kept: true, Contract: ci.Contract{Name: "a"}}, {Contract: ci.Contract{Name: "b"}}}}, nil, ci.VerdictFail, "broken-contracts: b"},
		{"an unknown score is not below anything", "min-score=9", ci.Architecture{}, nil, ci.VerdictPass, "min-score: no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := policy.ArchRules(strings.Fields(c.rules))
			assert.NilError(t, err)
			d := policy.Architecture(rules, c.arch, c.delta)
			assert.Equal(t, d.Verdict, c.verdict)
			assert.Equal(t, strings.Join(d.Because, "; "), c.because)
		})
	}
}

func TestArchRulesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"cycles":         "cycles: there are new-cycles, score-drop=X, min-score=X and broken-contracts",
		"new-cycles=1":   "new-cycles=1: new-cycles takes no number",
		"score-drop":     "score-drop: score-drop takes a number from 0 to 10, such as score-drop=0.3",
		"score-drop=NaN": "score-drop=NaN: score-drop takes a number from 0 to 10, such as score-drop=0.3",
		"min-score=11":   "min-score=11: min-score takes a number from 0 to 10, such as min-score=0.3",
	} {
		_, err := policy.ArchRules([]string{text})
		assert.Error(t, err, want)
	}
}
