package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// ArchRule is one thing about the architecture that a gate may fail on.
type ArchRule struct {
	archRow
	limit float64
}

// archRow is a rule as the table has it.
type archRow struct {
	name     string
	compares bool // it needs to know what the work is compared with
	takes    bool // it has a number
	broken   func(a ci.Architecture, d *ci.ArchitectureDelta, limit float64) string
}

// archRows are the rules there are, and what each says when it is broken.
var archRows = []archRow{
	{name: "new-cycles", compares: true, broken: func(_ ci.Architecture, d *ci.ArchitectureDelta, _ float64) string {
		if len(d.NewCycles) == 0 {
			return ""
		}
		return "this change adds " + count(len(d.NewCycles), "import cycle")
	}},
	{name: "score-drop", compares: true, takes: true, broken: func(_ ci.Architecture, d *ci.ArchitectureDelta, limit float64) string {
		drop := d.Before.Value - d.After.Value
		if !d.Before.Known || !d.After.Known || drop <= limit+1e-9 {
			return ""
		}
		return fmt.Sprintf("the health score falls by %.2f, more than %g", drop, limit)
	}},
	{name: "min-score", takes: true, broken: func(a ci.Architecture, _ *ci.ArchitectureDelta, limit float64) string {
		if !a.Score.Known || a.Score.Value >= limit-1e-9 {
			return ""
		}
		return fmt.Sprintf("the health score is %.2f, below %g", a.Score.Value, limit)
	}},
	{name: "broken-contracts", broken: brokenContracts},
}

func brokenContracts(a ci.Architecture, _ *ci.ArchitectureDelta, _ float64) string {
	var names []string
	for _, r := range a.Contracts {
		if !r.Kept {
			names = append(names, r.Contract.Name)
		}
	}
	if len(a.Contracts) == 0 {
		return "there is no contract: keepgreen.yaml has no arch.contracts, and import-linter is not configured"
	}
	return strings.Join(names, ", ")
}

// ArchRules reads rules as people write them, such as "score-drop=0.3".
func ArchRules(texts []string) ([]ArchRule, error) {
	var out []ArchRule
	for _, text := range texts {
		name, value, given := strings.Cut(text, "=")
		i := slices.IndexFunc(archRows, func(r archRow) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s: there are new-cycles, score-drop=X, min-score=X and broken-contracts", text)
		}
		rule := ArchRule{archRow: archRows[i]}
		limit, err := strconv.ParseFloat(value, 64)
		switch {
		case rule.takes && (err != nil || !(limit >= 0 && limit <= 10)):
			return nil, fmt.Errorf("%s: %s takes a number from 0 to 10, such as %s=0.3", text, name, name)
		case !rule.takes && given:
			return nil, fmt.Errorf("%s: %s takes no number", text, name)
		}
		rule.limit = limit
		out = append(out, rule)
	}
	return out, nil
}

// Compares reports whether the rule needs a base.
func (r ArchRule) Compares() bool { return r.compares }

// Name is the rule's name, without its number.
func (r ArchRule) Name() string { return r.name }

// Architecture judges an architecture by rules. Without a base what a change
// does is not known, and rules about it fail nothing.
func Architecture(rules []ArchRule, a ci.Architecture, d *ci.ArchitectureDelta) ci.Decision {
	decision := ci.Decision{Gate: "arch", Verdict: ci.VerdictPass}
	var kept []string
	for _, r := range rules {
		if r.compares && d == nil {
			kept = append(kept, r.name+": there is nothing to compare with")
			continue
		}
		if because := r.broken(a, d, r.limit); because != "" {
			decision.Verdict = ci.VerdictFail
			decision.Because = append(decision.Because, r.name+": "+because)
			continue
		}
		kept = append(kept, r.name+": no")
	}
	if decision.Verdict == ci.VerdictPass {
		decision.Because = kept
	}
	return decision
}
