package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/baseline"
	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
	"keepgreen/internal/report/coverage"
)

// coverageRule are the thresholds and the place of the baseline.
type coverageRule struct {
	Baseline string  `default:"ci_metrics/quality_metrics.json" key:"coverage.baseline" help:"The baseline file, relative to the repository." placeholder:"FILE"`
	Delta    float64 `default:"5.0" setting:"DELTA_COVERAGE" key:"coverage.delta" help:"Percentage points that coverage may drop below its baseline (also: DELTA_COVERAGE)." placeholder:"PP"`
	Min      float64 `key:"coverage.min" help:"Absolute floor in percent. Off without it." placeholder:"PCT"`
	Policy   string  `enum:"contract,strict" default:"contract" key:"coverage.policy" help:"The rule: ${enum}." placeholder:"contract|strict"`
	Store    string  `enum:"file,commit,ref" default:"file" key:"coverage.store" help:"Where the baseline lives: ${enum}." placeholder:"file|commit|ref"`
	Remote   string  `default:"origin" help:"The remote of --store commit and ref; empty: this repository." placeholder:"NAME"`
	Ref      string  `default:"refs/heads/ci-baseline" help:"The branch of --store ref." placeholder:"REF"`
}

type gateCoverage struct {
	coverageRule
	Paths  []string `arg:"" help:"Coverage reports and .coverage databases, or directories of them; shards are merged line by line. What a file is, is recognised from its content." placeholder:"PATHS"`
	Base   string   `help:"The branch or commit that the change is compared with. Without it: the main branch." placeholder:"REF"`
	Before string   `name:"base-report" help:"Coverage of the base: what the change removes then moves the baseline (--policy strict)." placeholder:"PATH"`
	Again  string   `help:"Coverage of a second run of the same commit: what fails by one alone does not fail." placeholder:"PATH"`
	Scope  string   `help:"What of the repository the reports measure; another scope is another series." placeholder:"NAME"`
	Out    string   `help:"Write {coverage, covered, statements} there, e.g. reports/coverage_aggregate.json." placeholder:"FILE"`
	Badge  string   `help:"Write an SVG badge with a sparkline there." placeholder:"FILE"`
	Update bool     `name:"update-baseline" help:"Record this run, if it is a green push to main."`
}

// measured is what the gate gathered.
type measured struct {
	cov, again *ci.Coverage
	change     *ci.Change
	run        ci.Run
	repo       *git.Repo
	base       policy.CoverageBaseline
	stored     storedBaseline
	notes      []string
	accepted   string // who accepts the level, and why; empty: it is judged
}

// Run reads the reports and the baseline, decides, and tells.
func (c *gateCoverage) Run(s *session) error {
	m, err := c.gather(s)
	if err != nil {
		return err
	}
	decision := c.decide(m)
	if err := c.update(s, m, decision); err != nil {
		return err
	}
	return c.act(s, c.view(m, decision))
}

func (c *gateCoverage) decide(m *measured) policy.CoverageDecision {
	now := recordOf(m.run, m.cov, c.Scope)
	if m.again == nil {
		return policy.Coverage(now, m.base, c.settings())
	}
	return policy.CoverageTwice(now, recordOf(m.run, m.again, c.Scope), m.base, c.settings())
}

func (c *coverageRule) settings() policy.CoverageSettings {
	return policy.CoverageSettings{Delta: c.Delta, Min: c.Min, Strict: c.Policy == "strict"}
}

// check refuses figures that are no thresholds; kong takes NaN for a number.
func (c *coverageRule) check() error {
	for name, v := range map[string]float64{"--delta": c.Delta, "--min": c.Min} {
		if math.IsNaN(v) || v < 0 || v > 100 {
			return usagef("", "%s: %v is not a number from 0 to 100", name, v)
		}
	}
	return nil
}

func (c *gateCoverage) gather(s *session) (*measured, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return nil, err
	}
	m := &measured{}
	var err error
	if m.run, m.repo, err = s.identify(s.ctx, s.root(), s.Now()); err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	var tracked []string
	if m.repo != nil {
		if tracked, err = m.repo.Tracked(s.ctx); err != nil {
			return nil, noAnswerf("", "%w", err)
		}
		if m.change, err = s.change(s.ctx, m.repo, c.Base, &m.run); err != nil {
			return nil, usagef("", "--base: %w", err)
		}
	}
	var notes []string
	if m.cov, notes, err = s.coverageOf(c.Paths, tracked); err != nil {
		return nil, err
	}
	if c.Again != "" {
		if m.again, _, err = s.coverageOf([]string{c.Again}, tracked); err != nil {
			return nil, err
		}
	}
	if m.stored, err = c.load(s, m.repo); err != nil {
		return nil, err
	}
	m.base, m.notes = s.order(m.stored, m.repo, m.run)
	m.notes = append(m.notes, notes...)
	m.base.Removed, err = c.removed(s, m, tracked)
	return m, err
}

// removed is what the change takes away from the coverage of its base.
func (c *gateCoverage) removed(s *session, m *measured, tracked []string) (*policy.RemovedCode, error) {
	if c.Before == "" {
		return nil, nil
	}
	if m.change == nil {
		return nil, usagef("name the base with --base", "--base-report: it is not known what the change is compared with")
	}
	deleted, err := m.repo.Deleted(s.ctx, m.change.Base)
	if err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	for path := range deleted {
		tracked = append(tracked, path) // files that are gone are in the report of the base
	}
	before, _, err := s.coverageOf([]string{c.Before}, tracked)
	if err != nil {
		return nil, err
	}
	return policy.Removed(before, deleted), nil
}

// recordOf is the measurement as the baseline keeps it.
func recordOf(run ci.Run, c *ci.Coverage, scope string) policy.CoverageRecord {
	covered, total, cb, tb := c.Counts()
	return policy.CoverageRecord{
		RunID: run.ID, Commit: run.Commit, Covered: covered + cb, Total: total + tb,
		Series: coverage.SeriesKey(c, scope), Time: run.Started, Green: true,
	}
}

// storedBaseline is what the file or the ledger holds.
type storedBaseline struct {
	records []policy.CoverageRecord
	stated  float64
	best    float64 // 0: not said
	series  string  // of best
	missing bool
}

const defaultCoverage = 90.0

// load reads the baseline from where it lives.
func (c *coverageRule) load(s *session, repo *git.Repo) (storedBaseline, error) {
	if c.Store == "ref" {
		return c.loadLedger(s, repo)
	}
	data, err := os.ReadFile(s.baselinePath(c.Baseline))
	if errors.Is(err, fs.ErrNotExist) {
		return storedBaseline{stated: defaultCoverage, missing: true}, nil
	}
	if err != nil {
		return storedBaseline{}, usagef("", "%s: %w", c.Baseline, bare(err))
	}
	q, err := baseline.Parse(data)
	if err != nil {
		return storedBaseline{}, usagef("the file was left as it is: restore it from git, or delete it to begin anew", "%s: %w", c.Baseline, err)
	}
	return qualityRecords(q), nil
}

func qualityRecords(q *baseline.Quality) storedBaseline {
	out := storedBaseline{stated: defaultCoverage, missing: true}
	if stated := q.Coverage(); stated != nil {
		out.stated, out.missing = *stated, false
	}
	for _, e := range q.History() {
		if e.Coverage == nil {
			continue // an entry of another gate
		}
		out.records = append(out.records, policy.CoverageRecord{
			RunID: e.RunID, Commit: e.Commit, Covered: e.Covered, Total: e.Total, Pct: *e.Coverage, Series: e.Series, Time: e.Time, Green: true,
			Accepted: e.Accepted != "",
		})
	}
	out.best, out.series = q.Best()
	return out
}

func (c *coverageRule) stored() git.Stored {
	return git.Stored{Remote: c.Remote, Ref: c.Ref, Path: "ledger.jsonl", Message: "baseline: record a run of main"}
}

func (c *coverageRule) loadLedger(s *session, repo *git.Repo) (storedBaseline, error) {
	if repo == nil {
		return storedBaseline{}, usagef("", "--store ref: not a git repository")
	}
	records, err := s.ledger(repo, c.stored())
	if err != nil {
		return storedBaseline{}, err
	}
	out := storedBaseline{stated: defaultCoverage, missing: true}
	for _, r := range records {
		if r.Total == 0 {
			continue // a record of the other gate
		}
		out.records = append(out.records, policy.CoverageRecord{
			RunID: r.RunID, Commit: r.Commit, Covered: r.Covered, Total: r.Total, Series: r.Series, Time: r.When(),
			Green: green(ci.Verdict(r.Verdict)), Accepted: r.Accepted != "",
		})
	}
	return out, nil
}

// ledger reads and verifies the ledger.
func (s *session) ledger(repo *git.Repo, at git.Stored) ([]baseline.Record, error) {
	data, commits, err := repo.LoadCounted(s.ctx, at)
	if errors.Is(err, git.ErrRewound) {
		return nil, noAnswerf("if that was meant, forget it: git update-ref -d refs/keepgreen/seen/"+strings.TrimPrefix(at.Ref, "refs/"), "%s: %w", at.Ref, err)
	}
	if err != nil {
		return nil, noAnswerf("", "%s: %w", at.Ref, err)
	}
	records, err := baseline.ParseLedger(data)
	if err != nil {
		return nil, noAnswerf("somebody changed the ledger: compare with the branch's own history", "%s: %s: %w", at.Ref, at.Path, err)
	}
	if commits > len(records) {
		return nil, noAnswerf("somebody cut the ledger: compare with the branch's own history", "%s: %s: the branch has %s of it and it holds %s: records are missing at its end",
			at.Ref, at.Path, plural(commits, "commit", "commits"), plural(len(records), "record", "records"))
	}
	return records, nil
}

// green reports whether a run of main may move the baseline. A main that was
// down already is not green, whoever's fault it is: else it would slide.
func green(v ci.Verdict) bool { return v == ci.VerdictPass || v == ci.VerdictWarn }

// maxLine is how far back ancestry is looked at.
const maxLine = 5000

// order brings the records into the order of history and says what is odd.
func (s *session) order(stored storedBaseline, repo *git.Repo, run ci.Run) (policy.CoverageBaseline, []string) {
	base := policy.CoverageBaseline{Records: stored.records, Stated: stored.stated, Default: stored.missing, Best: stored.best, BestSeries: stored.series}
	var notes []string
	for _, r := range stored.records {
		if r.Time.After(s.Now().Add(5 * 60 * 1e9)) {
			notes = append(notes, fmt.Sprintf("run %s is dated %s, which is still to come: a clock is wrong; the order does not rest on it", r.RunID, r.Time.Format("2006-01-02 15:04")))
			break
		}
	}
	if repo == nil {
		return base, notes
	}
	line, note := s.line(repo, run)
	if note != "" {
		notes = append(notes, note)
	}
	if line == nil {
		return base, notes
	}
	records, note := policy.Ancestral(stored.records, line)
	base.Records = slices.DeleteFunc(slices.Clone(records), func(r policy.CoverageRecord) bool {
		return r.RunID == recordID(run) && !r.Accepted // a run is not its own baseline
	})
	if note != "" {
		notes = append(notes, note)
	}
	return base, notes
}

// line is the history that what is tested stands on, newest first; nil where it
// is not known, and then the note may say why.
func (s *session) line(repo *git.Repo, run ci.Run) (line []string, note string) {
	if repo.Shallow(s.ctx) {
		return nil, "this clone is shallow: the records of main are taken as they arrived; fetch-depth: 0 gives their ancestry"
	}
	// A pull request is tested as a merge whose first parent is main; a push to
	// main stands on its own first parent.
	from := cmp.Or(run.Base, "HEAD")
	if run.Main || run.Event == "pull_request" || run.Event == "merge_group" {
		from = "HEAD"
	}
	line, err := repo.FirstParents(s.ctx, from, maxLine)
	if err != nil || len(line) == 0 {
		return nil, ""
	}
	return line, ""
}

func (c *gateCoverage) view(m *measured, d policy.CoverageDecision) render.CoverageView {
	v := render.CoverageView{
		Gate: render.CoverageGate{
			Decision: d.Decision, Now: m.cov,
			Baseline: render.Baseline{Known: d.HasBaseline, Pct: d.Baseline, From: d.From, Delta: d.Allowed},
		},
		Again:  d.Again,
		Series: coverage.SeriesKey(m.cov, c.Scope), Policy: c.Policy, Allowed: d.Allowed, Notes: m.notes,
	}
	for _, r := range d.Window {
		pct, _ := r.Percent()
		v.Window = append(v.Window, pct)
	}
	if m.change != nil && len(m.change.Files) > 0 {
		patch := policy.Patch(m.cov, *m.change)
		v.Patch = patch.String()
		for _, gap := range patch.Missing {
			v.Gaps = append(v.Gaps, render.PatchGap{File: gap.File, First: gap.Lines.First, Last: gap.Lines.Last})
		}
	}
	return v
}

func (c *gateCoverage) act(s *session, v render.CoverageView) error {
	if c.Out != "" {
		if err := replaceFile(s.baselinePath(c.Out), func(w io.Writer) error { return aggregate(w, v) }); err != nil {
			return noAnswerf("", "%s: %w", c.Out, bare(err))
		}
	}
	if c.Badge != "" {
		if err := replaceFile(s.baselinePath(c.Badge), func(w io.Writer) error { return render.CoverageBadge(w, v) }); err != nil {
			return noAnswerf("", "%s: %w", c.Badge, bare(err))
		}
	}
	if err := s.tellCoverage(v); err != nil {
		return err
	}
	write := render.CoverageGateText
	if s.Format == "json" {
		write = render.CoverageGateDocument
	}
	if err := write(s.Stdout, v); err != nil {
		return noAnswerf("", "%w", err)
	}
	switch v.Gate.Decision.Verdict {
	case ci.VerdictFail:
		return errNo
	case ci.VerdictNoData:
		return noAnswerf("were the tests run with coverage, and is this where the reports are?", "%s", v.Gate.Decision.Because[0])
	default:
		return nil
	}
}

// aggregate writes coverage_aggregate.json.
func aggregate(w io.Writer, v render.CoverageView) error {
	covered, statements, _, _ := v.Gate.Now.Counts()
	doc := map[string]any{"coverage": nil, "covered": covered, "statements": statements}
	if pct, ok := v.Gate.Now.Percent(); ok {
		doc["coverage"] = math.Round(pct*100) / 100
	}
	return writeJSON(w, doc)
}

// tellCoverage writes the outputs and the summary of the step.
func (s *session) tellCoverage(v render.CoverageView) error {
	var outputs []render.Output
	if pct, ok := v.Gate.Now.Percent(); ok {
		outputs = append(outputs, render.Output{Name: "coverage_pct", Value: fmt.Sprintf("%.2f", pct)})
	}
	if v.Gate.Baseline.Known {
		outputs = append(outputs, render.Output{Name: "baseline_pct", Value: fmt.Sprintf("%.2f", v.Gate.Baseline.Pct)})
	}
	if path := s.Env["GITHUB_OUTPUT"]; path != "" && len(outputs) > 0 {
		outputs = append(outputs, render.Output{Name: "coverage_again", Value: fmt.Sprint(v.Again)})
		if err := appendFile(path, func(w io.Writer) error { return render.Outputs(w, outputs) }); err != nil {
			return noAnswerf("", "GITHUB_OUTPUT: %w", err)
		}
	}
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.CoverageGateSummary(w, v) }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	return nil
}

// baselinePath is relative to the repository, not to the working directory.
func (s *session) baselinePath(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(s.root(), strings.TrimPrefix(path, "./"))
}
