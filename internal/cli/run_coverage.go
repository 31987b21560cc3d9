package cli

import (
	"slices"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
)

// coverageGate decides on the coverage of a run: against the baseline file or
// ledger, or where there is none against the green runs of main that the
// history remembers. Where there is neither, and no floor, there is no gate.
func (c *runCommand) coverageGate(s *session, f *facts, view *render.View) (gate ci.Decision, ok bool, err error) {
	if f.run.Coverage == nil {
		return ci.Decision{}, false, nil
	}
	if err := c.check(); err != nil {
		return ci.Decision{}, false, err
	}
	stored, err := c.load(s, f.repo)
	if err != nil {
		return ci.Decision{}, false, err
	}
	base, notes := s.order(stored, f.repo, f.run)
	for _, note := range notes {
		f.warn("%s", note)
	}
	if stored.missing {
		base = policy.CoverageBaseline{Records: f.past.greenCoverage(), Stated: -1}
	}
	d := policy.Coverage(recordOf(f.run, f.run.Coverage, ""), base, c.settings())
	if d.HasBaseline {
		view.Baseline.Known, view.Baseline.Pct, view.Baseline.From, view.Baseline.Delta = true, d.Baseline, d.From, d.Allowed
	}
	return d.Decision, d.HasBaseline || c.Min > 0, nil
}

// greenCoverage is the coverage of main's green runs, oldest first.
func (p *past) greenCoverage() []policy.CoverageRecord {
	var out []policy.CoverageRecord
	for _, r := range slices.Backward(p.runs) {
		if r.Main && r.Green && !r.Dirty && r.Coverage != nil {
			out = append(out, policy.CoverageRecord{
				RunID: r.Run, Commit: r.Commit, Covered: r.Coverage.Covered + r.Coverage.CoveredBranches,
				Total: r.Coverage.Total + r.Coverage.TotalBranches, Series: r.Coverage.Series, Time: r.Started, Green: true,
			})
		}
	}
	return out
}
