package cli

import (
	"errors"
	"fmt"
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
	switch {
	case d.Verdict == ci.VerdictNoData:
		m.notes = append(m.notes, "the baseline stays as it is: nothing was measured")
		return nil
	case !m.run.Main || m.run.Event != "push" && m.run.Event != "local":
		m.notes = append(m.notes, fmt.Sprintf("the baseline stays as it is: only a push to main moves it, and this is a %s on %s", m.run.Event, m.run.Branch))
		return nil
	case !green(d.Verdict) && c.Store != "ref":
		m.notes = append(m.notes, "the baseline stays as it is: only a green run moves it")
		return nil
	}
	id := recordID(m.run)
	switch c.Store {
	case "ref":
		return c.chain(s, m, d, id)
	case "commit":
		return c.commit(s, m, d, id)
	}
	return c.file(s, m, d, id)
}

// recordID is by what a run is known in the baseline: on a laptop the same commit
// twice is the same run.
func recordID(run ci.Run) string {
	if run.Event == "local" && run.Commit != "" {
		return run.Commit
	}
	return run.ID
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
	r := d.Recorded
	pct, _ := r.Percent()
	changed, err := q.Add(baseline.Entry{
		RunID: id, Time: m.run.Started, Coverage: &pct, Covered: r.Covered, Total: r.Total, Series: r.Series, Commit: r.Commit, Accepted: m.accepted,
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
	if m.accepted != "" || c.Policy == "strict" {
		// Ten entries do not go back far enough for an anchor.
		best, series := q.Best()
		if m.accepted != "" || series != r.Series {
			best = 0
		}
		q.SetBest(max(best, next.Baseline), r.Series)
	}
	return q.Bytes(), nil
}

// chain appends to the ledger; also a run that was refused, so that the next
// change can be told that main was down before it.
func (c *gateCoverage) chain(s *session, m *measured, d policy.CoverageDecision, id string) error {
	r := d.Recorded
	record := baseline.Record{
		RunID: id, Attempt: m.run.Attempt, Commit: r.Commit, Branch: m.run.Branch, Event: m.run.Event, Series: r.Series,
		Covered: r.Covered, Total: r.Total, Verdict: string(d.Verdict), Time: m.run.Started.UTC().Format(time.RFC3339), Accepted: m.accepted,
	}
	if r.Commit == m.run.Commit {
		record.Tree = m.run.Tree
	}
	if m.accepted != "" {
		record.Event, record.Verdict = "accept", string(ci.VerdictPass)
	}
	return s.chain(m.repo, c.stored(), func([]baseline.Record) baseline.Record { return record })
}

// chain appends a record to the ledger; make is asked anew in every attempt, with
// the records that are there then.
func (s *session) chain(repo *git.Repo, at git.Stored, make func(before []baseline.Record) baseline.Record) error {
	if _, err := s.ledger(repo, at); err != nil {
		return err // nothing is added to what somebody cut
	}
	_, err := repo.Store(s.ctx, at, func(old []byte) ([]byte, error) {
		before, err := baseline.ParseLedger(old)
		if err != nil {
			return nil, err
		}
		data, added, err := baseline.Append(old, make(before))
		if err != nil || !added {
			return nil, err
		}
		return data, nil
	})
	if err != nil {
		return noAnswerf("the baseline was not updated", "%s: %w", at.Ref, err)
	}
	return nil
}

// commit commits the file to main itself. Where main refuses it, the ledger's
// branch takes the record, and that is said.
func (c *gateCoverage) commit(s *session, m *measured, d policy.CoverageDecision, id string) error {
	message := "ci: update the coverage baseline [skip ci]"
	if m.accepted != "" {
		message = "ci: accept the level of coverage [skip ci]"
	}
	refused, err := s.commitFile(m.repo, c.Remote, m.run.Branch, c.Baseline, message, func(old []byte) ([]byte, error) { return c.edited(old, m, d, id) })
	if refused {
		m.notes = append(m.notes, fmt.Sprintf("%s refuses the commit; the record went to %s instead: use --store ref", m.run.Branch, c.Ref))
		return c.chain(s, m, d, id)
	}
	return err
}

// commitFile commits one file to a branch; refused: the branch is protected.
func (s *session) commitFile(repo *git.Repo, remote, branch, path, message string, edit func([]byte) ([]byte, error)) (refused bool, err error) {
	if repo == nil || !filepath.IsLocal(path) {
		return false, usagef("", "--store commit: needs a git repository and a baseline inside of it")
	}
	target := git.Stored{Remote: remote, Ref: "refs/heads/" + branch, Path: filepath.ToSlash(filepath.Clean(path)), Message: message}
	_, err = repo.Store(s.ctx, target, edit)
	var told failure
	switch {
	case errors.Is(err, git.ErrRefused):
		return true, nil
	case err != nil && !errors.As(err, &told):
		return false, noAnswerf("the baseline was not updated", "%s: %w", target.Ref, err)
	}
	return false, err
}
