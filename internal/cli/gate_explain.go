package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
)

type gateExplain struct {
	coverageRule
	Paths []string `arg:"" optional:"" help:"Coverage reports of the run to explain. Without them: the newest run on record." placeholder:"PATHS"`
	Scope string   `help:"What of the repository the reports measure." placeholder:"NAME"`
}

// whatIfs are the deltas that are tried beside the one that is set.
var whatIfs = []float64{0, 0.1, 0.25, 0.5, 1, 2, 5, 10}

type explainedRun struct {
	Run      string     `json:"run_id"`
	Commit   string     `json:"commit,omitempty"`
	Pct      *float64   `json:"coverage_pct"`
	Baseline *float64   `json:"baseline_pct"`
	Verdict  ci.Verdict `json:"verdict"`
	Because  []string   `json:"because"`
}

type otherDelta struct {
	Delta    float64    `json:"delta"`
	Verdict  ci.Verdict `json:"verdict"`
	Failures int        `json:"history_failures"`
}

// Run replays the history and tries other deltas. It says nothing but why: its
// exit status is 0 whatever the verdicts.
func (c *gateExplain) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	run, repo, err := s.identify(s.ctx, s.root(), s.Now())
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	stored, err := c.load(s, repo)
	if err != nil {
		return err
	}
	base, notes := s.order(stored, repo, run)
	var now policy.CoverageRecord
	switch {
	case len(c.Paths) > 0:
		cov, more, err := s.coverageOf(c.Paths, nil)
		if err != nil {
			return err
		}
		notes = append(notes, more...)
		now = recordOf(run, cov, c.Scope)
	case len(base.Records) > 0:
		now = base.Records[len(base.Records)-1]
		base.Records = base.Records[:len(base.Records)-1]
	default:
		return usagef("name the coverage reports of a run, or record one with gate coverage --update-baseline", "%s: there is no run on record to explain", c.Baseline)
	}
	runs := []explainedRun{}
	for _, r := range policy.Replay(base, c.settings()) {
		runs = append(runs, explain(r.Record, r.Decision))
	}
	this := explain(now, policy.Coverage(now, base, c.settings()))
	var others []otherDelta
	for _, o := range policy.WhatIfs(now, base, c.settings(), whatIfs) {
		others = append(others, otherDelta{o.Delta, o.Verdict, o.Failures})
	}
	if s.Format == "json" {
		return writeJSON(s.Stdout, map[string]any{"this": this, "history": runs, "deltas": others, "delta": c.Delta, "policy": c.Policy, "notes": append([]string{}, notes...)})
	}
	return tellExplained(s.Stdout, this, runs, others, notes)
}

func explain(r policy.CoverageRecord, d policy.CoverageDecision) explainedRun {
	out := explainedRun{Run: r.RunID, Commit: r.Commit, Verdict: d.Verdict, Because: d.Because}
	if d.Measured {
		out.Pct = &d.Now
	}
	if d.HasBaseline {
		out.Baseline = &d.Baseline
	}
	return out
}

func tellExplained(w io.Writer, this explainedRun, runs []explainedRun, others []otherDelta, notes []string) error {
	fmt.Fprintf(w, "%s: %s\n", this.Verdict, this.Because[0])
	for _, note := range append(append([]string{}, this.Because[1:]...), notes...) {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "\nrun\tcommit\tcoverage\tbaseline\tverdict\n")
	for _, r := range append(runs, this) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", render.Visible(r.Run), short(r.Commit, "–"), figure(r.Pct), figure(r.Baseline), r.Verdict)
	}
	fmt.Fprintf(table, "\ndelta\tthis run\tof %s on record would have failed\n", plural(len(runs), "run", "runs"))
	for _, o := range others {
		fmt.Fprintf(table, "%.2f pp\t%s\t%d\n", o.Delta, o.Verdict, o.Failures)
	}
	return table.Flush()
}

func figure(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", *v)
}
