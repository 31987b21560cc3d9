package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"keepgreen/internal/baseline"
	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/policy"
)

// load reads what main had.
func (c *gateVulns) load(s *session) (policy.VulnBaseline, error) {
	data, err := os.ReadFile(s.baselinePath(c.Baseline))
	if errors.Is(err, fs.ErrNotExist) {
		return policy.VulnBaseline{Default: true, Listed: true}, nil
	}
	if err != nil {
		return policy.VulnBaseline{}, usagef("", "%s: %w", c.Baseline, bare(err))
	}
	q, err := baseline.Parse(data)
	if err != nil {
		return policy.VulnBaseline{}, usagef("the file was left as it is: restore it from git, or delete it to begin anew", "%s: %w", c.Baseline, err)
	}
	return vulnBaseline(q), nil
}

func vulnBaseline(q *baseline.Quality) policy.VulnBaseline {
	b := policy.VulnBaseline{}
	high, critical := q.Vulnerabilities()
	b.Default = high == nil && critical == nil
	if high != nil {
		b.High = *high
	}
	if critical != nil {
		b.Critical = *critical
	}
	for _, e := range q.History() {
		if e.High != nil && e.Critical != nil {
			b.Records = append(b.Records, policy.VulnRecord{RunID: e.RunID, High: *e.High, Critical: *e.Critical})
		}
	}
	state := q.VulnState()
	if state == nil {
		return b
	}
	b.Listed, b.Severe, b.Scanners, b.Time = true, state.Severe, state.Scanners, state.Time
	for _, f := range state.Findings {
		v := ci.Vulnerability{ID: f.ID, Aliases: f.Aliases, Package: cmp.Or(f.Name, f.Package), Version: f.Version, Severity: severityOf(f.Severity), Scanners: f.Scanners}
		if strings.HasPrefix(f.Package, "pkg:") {
			v.PURL = f.Package
		}
		b.Known = append(b.Known, v)
	}
	return b
}

func severityOf(word string) ci.VulnSeverity {
	for s := ci.VulnNegligible; s <= ci.VulnCritical; s++ {
		if s.String() == word {
			return s
		}
	}
	return ci.VulnUnknown
}

// update records the run, where it was asked for and the run may move the
// baseline: a green run of main. Otherwise it says why not.
func (c *gateVulns) update(s *session, m *vulnFacts, d policy.VulnDecision) error {
	switch {
	case !c.Update:
		return nil
	case d.Verdict == ci.VerdictNoData:
		m.notes = append(m.notes, "the baseline stays as it is: a scanner gave no answer")
		return nil
	case !onMain(m.run):
		m.notes = append(m.notes, fmt.Sprintf("the baseline stays as it is: only main moves it, and this is a %s on %s", m.run.Event, cmp.Or(m.run.Branch, "no branch")))
		return nil
	case !d.Pass():
		m.notes = append(m.notes, "the baseline stays as it is: only a green run moves it")
		return nil
	}
	path := s.baselinePath(c.Baseline)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return noAnswerf("", "%s: %w", c.Baseline, bare(err))
	}
	data, err := recorded(old, m, d)
	if err != nil {
		return usagef("the file was left as it is", "%s: %w", c.Baseline, err)
	}
	if data == nil {
		return nil
	}
	if err := replaceFile(path, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
		return noAnswerf("the baseline was not updated", "%s: %w", c.Baseline, bare(err))
	}
	return nil
}

// recorded is the baseline file with the run in it; nil if it is in it already.
func recorded(old []byte, m *vulnFacts, d policy.VulnDecision) ([]byte, error) {
	q := &baseline.Quality{}
	if old != nil {
		var err error
		if q, err = baseline.Parse(old); err != nil {
			return nil, err
		}
	}
	id := recordID(m.run)
	changed, err := q.Add(baseline.Entry{RunID: id, Time: m.run.Started, Commit: m.run.Commit, High: &d.High, Critical: &d.Critical})
	if err != nil || !changed {
		return nil, err
	}
	// What the next run will be compared with, by the gate's own rule.
	next := policy.Vulns(policy.VulnScan{}, vulnBaseline(q), nil, policy.VulnSettings{})
	q.SetVulnerabilities(next.BaseHigh, next.BaseCritical)
	state := baseline.Vulns{Scanners: m.scan.Scanners, Time: m.run.Started}
	for _, v := range m.scan.Found {
		state.Findings = append(state.Findings, baseline.Finding{
			ID: v.ID, Aliases: v.Aliases, Package: v.PackageKey(), Name: v.Package, Version: v.Version, Severity: v.Severity.String(), Scanners: v.Scanners,
		})
	}
	q.SetVulnState(state)
	return q.Bytes(), nil
}

// remember records what main has, whatever the verdict: the time to mend runs
// for what was refused too. Being without a history is a note, not an error.
func (c *gateVulns) remember(s *session, m *vulnFacts, d policy.VulnDecision) {
	if c.NoHistory || d.Verdict == ci.VerdictNoData || len(m.scan.NoData) > 0 || !onMain(m.run) {
		return
	}
	ctx := context.WithoutCancel(s.ctx)
	store, err := history.Open(ctx, s.baselinePath(c.History), history.Options{})
	if err == nil {
		defer store.Close()
		scan := history.VulnScan{Repo: m.run.Repo, Run: m.run.ID, Time: m.run.Started, Open: d.Counted}
		for _, name := range m.scan.Scanners {
			name, _, _ := strings.Cut(name, " ")
			scan.Scanners = append(scan.Scanners, name)
		}
		for _, e := range d.Excused {
			scan.Accepted = append(scan.Accepted, e.Vulnerability)
		}
		_, err = store.PutScan(ctx, scan)
	}
	if err != nil {
		m.notes = append(m.notes, "without history: "+withHint(err))
	}
}

// onMain reports whether a run speaks for main as it is.
func onMain(run ci.Run) bool {
	return run.Main && (run.Event == "push" || run.Event == "local" || run.Event == "schedule")
}
