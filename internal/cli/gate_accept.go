package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"keepgreen/internal/policy"
)

type gateAccept struct {
	coverageRule
	Paths  []string `arg:"" optional:"" help:"Coverage reports of the level to accept. Without them: the newest run on record." placeholder:"PATHS"`
	Scope  string   `help:"What of the repository the reports measure." placeholder:"NAME"`
	Reason string   `required:"" help:"Why the level is right." placeholder:"TEXT"`
	By     string   `help:"Who accepts it. Without it: the actor of the workflow, or git's user.name." placeholder:"NAME"`
}

// Run records that a person accepted a level: the baseline, and the anchor of
// the strict policy, begin anew with it. Nothing that is on record is changed.
func (c *gateAccept) Run(s *session) error {
	if strings.TrimSpace(c.Reason) == "" {
		return usagef("whoever reads the baseline next year wants to know why", "--reason: it is empty")
	}
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return err
	}
	gate := gateCoverage{coverageRule: c.coverageRule, Scope: c.Scope}
	m := &measured{}
	var err error
	if m.run, m.repo, err = s.identify(s.ctx, s.root(), s.Now()); err != nil {
		return noAnswerf("", "%w", err)
	}
	if m.stored, err = c.load(s, m.repo); err != nil {
		return err
	}
	level, err := c.level(s, m)
	if err != nil {
		return err
	}
	by := cmp.Or(c.By, s.Env["GITHUB_ACTOR"])
	if by == "" && m.repo != nil {
		by = m.repo.User(s.ctx)
	}
	if by == "" {
		return usagef("name yourself with --by", "it is not known who accepts this")
	}
	who := by + ": " + strings.Join(strings.Fields(c.Reason), " ")
	if err := c.record(s, &gate, m, level, who); err != nil {
		return err
	}
	pct, _ := level.Percent()
	if s.Format == "json" {
		return writeJSON(s.Stdout, map[string]any{"coverage_pct": pct, "run_id": level.RunID, "commit": level.Commit, "accepted": who})
	}
	_, err = fmt.Fprintf(s.Stdout, "the level of %.2f %% is accepted by %s\n", pct, who)
	return err
}

// level is what is accepted: what the reports say, or the newest run on record.
func (c *gateAccept) level(s *session, m *measured) (policy.CoverageRecord, error) {
	if len(c.Paths) > 0 {
		var tracked []string
		var err error
		if m.repo != nil {
			if tracked, err = m.repo.Tracked(s.ctx); err != nil {
				return policy.CoverageRecord{}, noAnswerf("", "%w", err)
			}
		}
		if m.cov, _, err = s.coverageOf(c.Paths, tracked); err != nil {
			return policy.CoverageRecord{}, err
		}
		r := recordOf(m.run, m.cov, c.Scope)
		if r.Total == 0 {
			return r, usagef("", "nothing was measured in the reports")
		}
		r.RunID = recordID(m.run)
		return r, nil
	}
	if n := len(m.stored.records); n > 0 {
		return m.stored.records[n-1], nil
	}
	return policy.CoverageRecord{}, usagef("name the coverage reports of a run", "there is no run on record whose level could be accepted")
}

func (c *gateAccept) record(s *session, gate *gateCoverage, m *measured, level policy.CoverageRecord, who string) error {
	d := policy.CoverageDecision{Recorded: level}
	m.accepted = who
	switch c.Store {
	case "ref":
		return gate.chain(s, m, d, level.RunID)
	case "commit":
		return gate.commit(s, m, d, level.RunID)
	default:
		return gate.file(s, m, d, level.RunID)
	}
}

// file replaces the baseline file by one that has the run in it.
func (c *gateCoverage) file(s *session, m *measured, d policy.CoverageDecision, id string) error {
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
