package render

import (
	"encoding/json"
	"errors"
	"fmt"

	"keepgreen/internal/ci"
)

// Clusters reads back what a triage_report.json says of causes and failures: as
// much as it takes to mend them. Whoever could write the file is believed in
// nothing: whatever it says is tried before it counts.
func Clusters(data []byte) ([]ci.Cluster, error) {
	var doc struct {
		Clusters *[]clusterDoc `json:"clusters"`
		Failures []failureDoc  `json:"failures"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("not a triage report: %w", err)
	}
	if doc.Clusters == nil {
		return nil, errors.New("not a triage report: it has no clusters")
	}
	members := map[string][]ci.Failure{}
	for _, f := range doc.Failures {
		members[f.Cluster] = append(members[f.Cluster], f.failure())
	}
	out := make([]ci.Cluster, 0, len(*doc.Clusters))
	for _, c := range *doc.Clusters {
		cluster := ci.Cluster{
			ID: c.ID, Kind: c.Kind, Confidence: float64(c.Confidence), Whose: c.Whose, Members: members[c.ID], Files: c.Files,
			Cause: ci.Cause{
				Class: c.Type, Sentence: c.RootCause, Next: c.Next, Symbol: c.Cause.Symbol, Module: c.Cause.Module,
				Type: c.Cause.Type, Rule: c.Cause.Rule, Host: c.Cause.Host,
			},
		}
		if c.Position != nil {
			cluster.Cause.Pos = ci.Position{File: c.Position.File, Line: zero(c.Position.Line)}
		}
		out = append(out, cluster)
	}
	return out, nil
}

// zero is the opposite of known.
func zero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func (d failureDoc) failure() ci.Failure {
	f := ci.Failure{
		Kind: d.Kind, Test: ci.TestID(d.Test), Tool: d.Tool, Rule: d.Rule, Exception: d.Exception, Message: d.Message, Phase: d.Phase,
		Pos: ci.Position{Line: zero(d.Line)},
	}
	if d.File != nil {
		f.Pos.File = *d.File
	}
	for _, fr := range d.Frames {
		f.Frames = append(f.Frames, ci.Frame{Position: ci.Position{File: fr.File, Line: fr.Line}, Func: fr.Func})
	}
	return f
}
