package cli

import (
	"encoding/json"
	"os"
	"slices"
	"strings"

	"keepgreen/internal/agent"
	"keepgreen/internal/ci"
	"keepgreen/internal/heal"
	"keepgreen/internal/render"
	"keepgreen/internal/triage"
)

// maxRounds is how often a model is told why its repair of a cluster did not hold.
const maxRounds = 3

// suggested asks a model about a cluster that no fixer is sure of. What it answers
// becomes proposals like any other: held against the rules here, tried by others.
func (c *fixPropose) suggested(s *session, adviser *advisor, cluster ci.Cluster, known *heal.Repo, tried []agent.Tried) []heal.Proposal {
	if len(tried) >= maxRounds {
		return nil
	}
	var shown []agent.Shown
	for _, p := range heal.Localise(cluster, known) {
		shown = append(shown, agent.Shown{Path: p.Path, From: p.First, Text: p.Text})
	}
	if len(shown) == 0 {
		return nil
	}
	candidates, model, ok := ask(s.ctx, adviser, agent.AskFix(cluster, agent.Context{Mask: triage.Mask}, shown, tried))
	if !ok {
		return nil
	}
	var out []heal.Proposal
	for _, x := range candidates {
		var edits []heal.Edit
		for _, e := range x.Edits {
			edits = append(edits, heal.Edit{Path: e.Path, Old: e.Old, New: e.New})
		}
		because := []string{model + " proposes it"}
		if x.Explanation != "" {
			because[0] += ": " + x.Explanation
		}
		out = append(out, heal.Suggested(cluster.ID, "Mend: "+strings.ReplaceAll(cluster.Cause.Sentence, "`", ""), edits, x.Confidence, because))
	}
	return out
}

// feedback reads the verdicts of earlier rounds, by cluster.
func (c *fixPropose) feedback(s *session) (map[string][]agent.Tried, error) {
	out := map[string][]agent.Tried{}
	for _, file := range c.Feedback {
		data, err := os.ReadFile(s.inRepo(file))
		if err != nil {
			return nil, usagef("", "--feedback %s: %w", file, bare(err))
		}
		var v render.Verdict
		if err := json.Unmarshal(data, &v); err != nil || v.Cluster == "" {
			return nil, usagef("keepgreen fix verify writes verdicts", "--feedback %s: not a verdict", file)
		}
		if v.Verified {
			continue
		}
		patch, err := os.ReadFile(strings.TrimSuffix(s.inRepo(file), ".verdict.json"))
		if err != nil {
			patch = []byte(v.Description)
		}
		out[v.Cluster] = append(out[v.Cluster], agent.Tried{Patch: string(patch[:min(len(patch), maxPatch)]), Because: v.Because})
	}
	return out, nil
}

// unsettled: no proposal is sure, so that a model may be asked.
func unsettled(found []heal.Proposal) bool {
	return !slices.ContainsFunc(found, func(p heal.Proposal) bool { return p.Sure })
}
