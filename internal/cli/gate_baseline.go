package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"keepgreen/internal/baseline"
	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/policy"
)

// update records the run, where it was asked for and the run may move the
// baseline: a green push to main. Otherwise it says why not.
func (c *gateCoverage) update(s *session, m *measured, d policy.CoverageDecision) error {
	if !c.Update {
		return nil
	}
	green := d.Verdict == ci.VerdictPass || d.Verdict == ci.VerdictWarn || d.Verdict == ci.VerdictInherited
	switch {
	case d.Verdict == ci.VerdictNoData:
		m.notes = append(m.notes, "the baseline stays as it is: nothing was measured")
		return nil
	case !m.run.Main || m.run.Event != "push" && m.run.Event != "local":
		m.notes = append(m.notes, fmt.Sprintf("the baseline stays as it is: only a push to main moves it, and this is a %s on %s", m.run.Event, m.run.Branch))
		return nil
	case !green && c.Store != "ref":
		m.notes = append(m.notes, "the baseline stays as it is: only a green run moves it")
		return nil
	}
	id := m.run.ID
	if m.run.Event == "local" && m.run.Commit != "" {
		id = m.run.Commit // on a laptop the same commit twice is the same run
	}
	switch c.Store {
	case "ref":
		return c.chain(s, m, d, id)
	case "commit":
		return c.commit(s, m, d, id)
	}
	path := s.baselinePath(c.Baseline)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return noAnswerf("", "%s: %w", c.Baseline, bare(err))
	}
	data, err := c.edited(old, m, d, id)
	if err != nil || data == nil {
		return err
	}
	if err := replaceFile(path, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
		return noAnswerf("the baseline was not updated", "%s: %w", c.Baseline, bare(err))
	}
	return nil
}

// edited is the file with the run in it; nil if it is in it already.
func (c *gateCoverage) edited(old []byte, m *measured, d policy.CoverageDecision, id string) ([]byte, error) {
	q := &baseline.Quality{}
	if old != nil {
		var err error
		if q, err = baseline.Parse(old); err != nil {
			return nil, usagef("the file was left as it is", "%s: %w", c.Baseline, err)
		}
	}
	r := recordOf(m.run, m.cov, c.Scope)
	pct := d.Now
	changed, err := q.Add(baseline.Entry{
		RunID: id, Time: m.run.Started, Coverage: &pct, Covered: r.Covered, Total: r.Total, Series: r.Series, Commit: m.run.Commit,
	})
	if err != nil {
		return nil, noAnswerf("", "%s: %w", c.Baseline, err)
	}
	if !changed {
		return nil, nil
	}
	// What the next run will be compared with, by the gate's own rule.
	next := policy.Coverage(r, policy.CoverageBaseline{Records: qualityRecords(q).records, Stated: -1}, policy.CoverageSettings{Delta: 100})
	q.SetCoverage(next.Baseline, pct)
	return q.Bytes(), nil
}

// chain appends to the ledger; also a run that was refused, so that the next
// change can be told that main was down before it.
func (c *gateCoverage) chain(s *session, m *measured, d policy.CoverageDecision, id string) error {
	r := recordOf(m.run, m.cov, c.Scope)
	record := baseline.Record{
		RunID: id, Attempt: m.run.Attempt, Commit: m.run.Commit, Tree: m.run.Tree, Branch: m.run.Branch, Event: m.run.Event,
		Series: r.Series, Covered: r.Covered, Total: r.Total, Verdict: string(d.Verdict), Time: m.run.Started.UTC().Format(time.RFC3339),
	}
	_, err := m.repo.Store(s.ctx, c.stored(), func(old []byte) ([]byte, error) {
		data, added, err := baseline.Append(old, record)
		if err != nil || !added {
			return nil, err
		}
		return data, nil
	})
	if err != nil {
		return noAnswerf("the baseline was not updated", "%s: %w", c.Ref, err)
	}
	return nil
}

// commit commits the file to main itself. Where main refuses it, the ledger's
// branch takes the record, and that is said.
func (c *gateCoverage) commit(s *session, m *measured, d policy.CoverageDecision, id string) error {
	if m.repo == nil || !filepath.IsLocal(c.Baseline) {
		return usagef("", "--store commit: needs a git repository and a baseline inside of it")
	}
	target := git.Stored{
		Remote: c.Remote, Ref: "refs/heads/" + m.run.Branch, Path: filepath.ToSlash(filepath.Clean(c.Baseline)),
		Message: "ci: update the coverage baseline [skip ci]",
	}
	_, err := m.repo.Store(s.ctx, target, func(old []byte) ([]byte, error) { return c.edited(old, m, d, id) })
	if errors.Is(err, git.ErrRefused) {
		m.notes = append(m.notes, fmt.Sprintf("%s refuses the commit; the record went to %s instead: use --store ref", m.run.Branch, c.Ref))
		return c.chain(s, m, d, id)
	}
	var told failure
	if err != nil && !errors.As(err, &told) {
		return noAnswerf("the baseline was not updated", "%s: %w", target.Ref, err)
	}
	return err
}
