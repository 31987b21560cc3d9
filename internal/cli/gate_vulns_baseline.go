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
	"time"

	"keepgreen/internal/baseline"
	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/history"
	"keepgreen/internal/policy"
)

// load reads what main had, from where the baseline lives.
func (c *vulnRule) load(s *session, m *vulnFacts) (policy.VulnBaseline, error) {
	if c.Store == "ref" {
		return c.loadLedger(s, m)
	}
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

func (c *vulnRule) stored() git.Stored {
	return git.Stored{Remote: c.Remote, Ref: c.Ref, Path: "ledger.jsonl", Message: "baseline: record a scan of main"}
}

// loadLedger reads the green scans that are ancestors of what is tested, and
// what main had at the newest of them.
func (c *vulnRule) loadLedger(s *session, m *vulnFacts) (policy.VulnBaseline, error) {
	if m.repo == nil {
		return policy.VulnBaseline{}, usagef("", "--store ref: not a git repository")
	}
	records, err := s.ledger(m.repo, c.stored())
	if err != nil {
		return policy.VulnBaseline{}, err
	}
	var scans []policy.VulnRecord
	upTo := map[string]int{} // run → how many records there are with its own
	for i, r := range records {
		if r.Vulns == nil || r.High == nil || r.Critical == nil || r.Verdict != string(ci.VerdictPass) || r.RunID == recordID(m.run) {
			continue
		}
		scans = append(scans, policy.VulnRecord{RunID: r.RunID, Commit: r.Commit, High: *r.High, Critical: *r.Critical})
		upTo[r.RunID] = i + 1
	}
	line, note := s.line(m.repo, m.run)
	if note != "" {
		m.notes = append(m.notes, note)
	}
	scans, note = policy.Ancestral(scans, line)
	if note != "" {
		m.notes = append(m.notes, note)
	}
	if len(scans) == 0 {
		return policy.VulnBaseline{Default: true, Listed: true}, nil
	}
	b := policy.VulnBaseline{Records: scans}
	listed(&b, baseline.VulnsAfter(records[:upTo[scans[len(scans)-1].RunID]]))
	return b, nil
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
	listed(&b, q.VulnState())
	return b
}

// listed puts the list of what main had into the baseline; nil: it is not known.
func listed(b *policy.VulnBaseline, state *baseline.Vulns) {
	if state == nil {
		return
	}
	b.Listed, b.Severe, b.Scanners, b.Time = true, state.Severe, state.Scanners, state.Time
	for _, f := range state.Findings {
		v := ci.Vulnerability{ID: f.ID, Aliases: f.Aliases, Package: cmp.Or(f.Name, f.Package), Version: f.Version, Severity: severityOf(f.Severity), Scanners: f.Scanners}
		if strings.HasPrefix(f.Package, "pkg:") {
			v.PURL = f.Package
		}
		b.Known = append(b.Known, v)
	}
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
	case !d.Pass() && c.Store != "ref":
		m.notes = append(m.notes, "the baseline stays as it is: only a green run moves it")
		return nil
	}
	switch c.Store {
	case "ref":
		return c.chain(s, m, d)
	case "commit":
		return c.commit(s, m, d)
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

// chain appends to the ledger, also a scan that was refused.
func (c *vulnRule) chain(s *session, m *vulnFacts, d policy.VulnDecision) error {
	return s.chain(m.repo, c.stored(), func(before []baseline.Record) baseline.Record {
		return baseline.Record{
			RunID: recordID(m.run), Attempt: m.run.Attempt, Commit: m.run.Commit, Tree: m.run.Tree, Branch: m.run.Branch, Event: m.run.Event,
			Series: baseline.VulnSeries, High: &d.High, Critical: &d.Critical, Vulns: stateOf(m).ChangeSince(before),
			Verdict: string(d.Verdict), Time: m.run.Started.UTC().Format(time.RFC3339),
		}
	})
}

// commit commits the file to main itself, or to the ledger where main refuses.
func (c *vulnRule) commit(s *session, m *vulnFacts, d policy.VulnDecision) error {
	refused, err := s.commitFile(m.repo, c.Remote, m.run.Branch, c.Baseline, "ci: update the vulnerability baseline [skip ci]", func(old []byte) ([]byte, error) {
		data, err := recorded(old, m, d)
		if err != nil {
			return nil, usagef("the file was left as it is", "%s: %w", c.Baseline, err)
		}
		return data, nil
	})
	if refused {
		m.notes = append(m.notes, fmt.Sprintf("%s refuses the commit; the record went to %s instead: use --store ref", m.run.Branch, c.Ref))
		return c.chain(s, m, d)
	}
	return err
}

// stateOf is the list of what was found.
func stateOf(m *vulnFacts) baseline.Vulns {
	state := baseline.Vulns{Scanners: m.scan.Scanners, Time: m.run.Started}
	for _, v := range m.scan.Found {
		state.Findings = append(state.Findings, baseline.Finding{
			ID: v.ID, Aliases: v.Aliases, Package: v.PackageKey(), Name: v.Package, Version: v.Version, Severity: v.Severity.String(), Scanners: v.Scanners,
		})
	}
	return state
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
	q.SetVulnState(stateOf(m))
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
