package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/config"
	"keepgreen/internal/git"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
	"keepgreen/internal/runner"
	"keepgreen/internal/triage"
)

type runCommand struct {
	coverageRule
	archRule
	aiFlags
	runSelection
	Path      string        `arg:"" optional:"" name:"dir" help:"The repository (also: --dir)."`
	Report    string        `help:"Write a self-contained HTML report." placeholder:"FILE.html"`
	Base      string        `help:"The branch or commit that the work is compared with: what is new, which lines are uncovered. Without it: the main branch." placeholder:"REF"`
	Tools     []string      `key:"run.tools" help:"Run these tools and no others." placeholder:"TOOL"`
	Timeout   time.Duration `key:"run.timeout" default:"30m" help:"End a tool that takes longer." placeholder:"DURATION"`
	Python    string        `key:"run.python" help:"The Python interpreter to run tools with." placeholder:"EXE"`
	Retries   int           `key:"run.retries" default:"0" help:"Run failed tests again, up to so many times, each try recorded as an attempt." placeholder:"N"`
	History   string        `default:".keepgreen/history.db" help:"The history file, relative to the repository." placeholder:"FILE"`
	NoHistory bool          `help:"Neither read nor write the history."`
	Full      bool          `help:"Fold nothing in the summary."`
}

// Run runs the tools, understands what they said, decides, and tells.
func (c *runCommand) Run(s *session) error {
	if c.Path != "" {
		s.Globals.Dir = c.Path
	}
	facts, err := c.gather(s)
	if err != nil {
		return err
	}
	defer facts.past.close()
	found := c.analyse(facts)
	adviser, err := s.advisor(c.aiFlags)
	if err != nil {
		return err
	}
	adviser.opinions(s.ctx, facts.root, found)
	if c.ShowPrompt && len(found) > 0 {
		return nil
	}
	view, err := c.decide(s, facts, found)
	if err != nil {
		return err
	}
	view.Fixes = s.repairs(facts.root, facts.repo, found)
	view.Note = adviser.said()
	return c.act(s, facts, view)
}

// facts is what was gathered about one run.
type facts struct {
	root   string
	run    ci.Run
	failed []ci.Failure                        // of the run, tests and diagnostics and whatever else went wrong
	change *ci.Change                          // nil: unknown
	repo   *git.Repo                           // nil: not under git
	past   *past                               // never nil
	arch   chan archAnswer                     // nil: not looked at
	plan   *runPlan                            // nil: not made
	logs   string                              // directory of the run's logs
	ran    func(ci.TestID, ci.FileChange) bool // whether a test runs what a change touches; nil: not measured
}

func (c *runCommand) gather(s *session) (*facts, error) {
	f := &facts{root: s.root()}
	if err := isDirectory(f.root, s.Globals.Dir); err != nil {
		return nil, err
	}
	if s.conf == nil {
		s.conf = &config.Config{}
	}
	started := s.Now()
	run, repo, err := s.identify(s.ctx, f.root, started)
	if err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	f.run, f.repo = run, repo
	if repo != nil {
		f.change, err = s.change(s.ctx, repo, c.Base, &f.run)
		if err != nil {
			return nil, usagef("", "--base: %w", err)
		}
	}
	logs, temporary, err := workspace(f.root, run.ID)
	if err != nil {
		return nil, noAnswerf("make room, or set TMPDIR to a place that can be written", "no place for logs: %w", err)
	}
	f.logs = logs
	if temporary {
		f.warn("%s cannot be written: logs are in %s, and nothing is remembered", filepath.Join(s.Globals.Dir, ".keepgreen"), logs)
	}
	mode := pastReadWrite
	if c.NoHistory || temporary {
		mode = pastNone
	}
	f.past = openPast(s, f, c.History, mode)
	if _, f.past.quarantine, err = readQuarantine(f.root); err != nil {
		return nil, err
	}
	if f.arch, err = c.scan(s, f); err != nil {
		return nil, err
	}
	if f.plan, err = c.choose(s, f); err != nil {
		return nil, err
	}
	if err := c.execute(s, f); err != nil {
		return nil, err
	}
	f.conclude(s)
	f.run.Duration = s.Now().Sub(started)
	return f, nil
}

// isDirectory says what is wrong with the question's directory, if anything is.
func isDirectory(path, asked string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("", "%s: there is no such directory", asked)
	case err != nil:
		return usagef("", "%s: %w", asked, bare(err))
	case !info.IsDir():
		return usagef("name the repository's directory", "%s: not a directory", asked)
	}
	return nil
}

// execute runs the tools and reads what they left.
func (c *runCommand) execute(s *session, f *facts) error {
	chain, err := runner.Detect(s.ctx, f.root, runner.Options{
		Tools: c.Tools, Python: c.Python, PytestArgs: s.conf.List("run.pytest_args"), Out: f.logs, Env: s.Env,
	})
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	if len(chain.Plans) == 0 {
		return noAnswerf("keepgreen run knows Python (pytest, unittest, ruff, flake8, black, mypy) and Go (go test, go vet)",
			"%s: nothing to run here: no tests, and no linter that is configured", s.Globals.Dir)
	}
	if err := c.prepare(f, s.Env, &chain); err != nil {
		return noAnswerf("", "%w", err)
	}
	progress := newProgress(s)
	defer progress.close()
	e := executor{dir: f.root, out: f.logs, env: s.Env, timeout: c.Timeout, now: s.Now, progress: progress}
	done := e.all(s.ctx, chain.Plans)
	f.read(context.WithoutCancel(s.ctx), done)
	c.retry(s.ctx, e, f, done)
	f.ran, _ = f.covers(context.WithoutCancel(s.ctx), "", filepath.Join(f.logs, "coverage.data"))
	f.past.learnTools(done)
	f.failed = append(f.failed, f.run.Failures()...)
	return nil
}

// retry runs what failed again, as further attempts of the same run.
func (c *runCommand) retry(ctx context.Context, e executor, f *facts, done []execution) {
	for attempt := 2; attempt <= c.Retries+1 && ctx.Err() == nil; attempt++ {
		for _, x := range done {
			failed, total := failing(f.run.Tests, x.plan.Tool)
			again, ok := e.retry(ctx, x, failed, total, attempt)
			if !ok {
				continue
			}
			f.readAttempt(context.WithoutCancel(ctx), again)
		}
	}
}

func (f *facts) warn(format string, args ...any) {
	f.run.Warnings = append(f.run.Warnings, ci.Warning{Text: fmt.Sprintf(format, args...)})
}

func (c *runCommand) analyse(f *facts) []ci.Cluster {
	return triage.Clusters(f.failed, f.past.triageOptions(f))
}

// decide composes what is to be told: the gates, their sum, and what changed.
func (c *runCommand) decide(s *session, f *facts, clusters []ci.Cluster) (render.View, error) {
	version, _ := buildVersion()
	view := render.View{Version: version, Run: f.run, Clusters: clusters, Compare: f.past.compare(f)}
	excused := f.past.excused(f.run.Tests)
	for _, gate := range []ci.Decision{policy.Tests(f.run, excused), policy.Types(f.run), policy.Lint(f.run)} {
		if concerns(gate.Gate, f.run.Jobs) {
			view.Decisions = append(view.Decisions, f.planGate(gate))
		}
	}
	if f.plan != nil && f.plan.plan.Mode != "" {
		view.Plan = render.PlanDocumentOf(f.plan.view, false)
	}
	f.past.describe(&view, f)
	gate, ok, err := c.coverageGate(s, f, &view)
	if err != nil {
		return view, err
	}
	if ok {
		view.Decisions = append(view.Decisions, gate)
	}
	if gate, ok, err = c.vulnGate(s, f); err != nil {
		return view, err
	}
	if ok {
		view.Decisions = append(view.Decisions, gate)
	}
	c.archGate(s, f, &view)
	view.Run.Warnings = f.run.Warnings
	view.Verdict = policy.Overall(view.Decisions)
	return view, nil
}

// concerns reports whether the repository is set up for a gate at all.
func concerns(gate string, jobs []ci.Job) bool {
	name := gate
	if gate == "tests" {
		name = "test"
	}
	for _, j := range jobs {
		if j.Name == name {
			return true
		}
	}
	return false
}

// act tells, writes what was asked for, and remembers. An interrupted run is
// told as far as it came and is not remembered.
func (c *runCommand) act(s *session, f *facts, view render.View) error {
	interrupted := s.ctx.Err() != nil
	if !interrupted {
		if err := f.past.append(context.WithoutCancel(s.ctx), f.run, "", view.Clusters); err != nil {
			view.Run.Warnings = append(view.Run.Warnings, ci.Warning{Text: err.Error()})
		}
	}
	var failed error
	if c.Report != "" {
		path := s.resolve(c.Report)
		if err := replaceFile(path, func(w writer) error { return render.HTML(w, view) }); err != nil {
			failed = noAnswerf("", "%s: the report was not written: %w", c.Report, bare(err))
		} else {
			view.Links.Report = c.Report
		}
	}
	if err := c.tell(s, view); err != nil {
		return err
	}
	if err := s.tellForge(view); err != nil && failed == nil {
		failed = err
	}
	switch {
	case failed != nil:
		return failed
	case view.Verdict == ci.VerdictFail:
		return errNo
	case view.Verdict == ci.VerdictNoData:
		return noAnswerf("", "%s", firstNoData(view.Decisions))
	}
	return nil
}

// firstNoData is why there is no answer.
func firstNoData(decisions []ci.Decision) string {
	for _, d := range decisions {
		if d.Verdict == ci.VerdictNoData && len(d.Because) > 0 {
			return "no answer about " + d.Gate + ": " + d.Because[0]
		}
	}
	return "no answer: nothing was run"
}

func (c *runCommand) tell(s *session, view render.View) error {
	if s.Format == "json" {
		return render.RunDocument(s.Stdout, view)
	}
	return render.Text(s.Stdout, view, render.TextOptions{Width: s.Width, Colour: s.Colour, Full: c.Full})
}
