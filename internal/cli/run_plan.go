package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/impact"
	"keepgreen/internal/render"
	"keepgreen/internal/runner"
)

// selectionFlags are the switches of test selection that "run" and "plan" share.
type selectionFlags struct {
	Selection bool `default:"true" setting:"TEST_SELECTION_ENABLED" key:"plan.enabled" negatable:"" help:"Select tests; without it everything runs (also: TEST_SELECTION_ENABLED)."`
	Threshold int  `default:"20" setting:"TEST_SELECTION_THRESHOLD" key:"plan.threshold" help:"More changed files than this: everything runs (also: TEST_SELECTION_THRESHOLD)." placeholder:"N"`
}

// runSelection says how "run" uses the plan.
type runSelection struct {
	selectionFlags
	Mode   string  `name:"select" enum:"enforce,advise,shadow" default:"enforce" key:"plan.mode" help:"What is done with the plan of a change: ${enum}. Main runs everything." placeholder:"enforce|advise|shadow"`
	Engine string  `enum:"keepgreen,testmon" default:"keepgreen" key:"plan.engine" help:"Who selects: ${enum}." placeholder:"keepgreen|testmon"`
	Sample float64 `default:"0.05" key:"plan.sample" help:"The share of pull-request runs that run everything all the same, to score the plan." placeholder:"SHARE"`
	Record string  `enum:"auto,always,never" default:"auto" key:"plan.record" help:"Record which test runs what: ${enum}; auto is where it is cheap, from Python 3.12 on." placeholder:"auto|always|never"`
}

// How a plan was used, as the audit calls it.
const (
	howMain    = "main"
	howSample  = "sample"
	howTestmon = "testmon" // somebody else selected
)

// runPlan is the plan of a run and what is done with it.
type runPlan struct {
	plan   impact.Plan
	view   render.PlanView
	how    string // "enforce", "advise", "shadow", "main", "sample"
	record string // the folder of recordings; empty: none
	plugin string // where the plugins are; empty: nowhere

	stored *ci.Coverage            // what everything covered at the map's commit; nil: not known
	deltas map[string]impact.Delta // Python files that changed since
}

// enforced reports whether tests are left out.
func (p *runPlan) enforced() bool {
	return p != nil && p.how == "enforce" && p.plan.Mode == impact.Selective && len(p.plan.Skipped) > 0
}

// partial reports whether not everything runs, whoever says so.
func (p *runPlan) partial() bool {
	return p.enforced() || p != nil && p.how == howTestmon && p.plan.Mode == impact.Selective
}

// choose makes the plan of a run. Not being able to is no reason not to run.
func (c *runCommand) choose(s *session, f *facts) (*runPlan, error) {
	if c.Sample < 0 || c.Sample > 1 {
		return nil, usagef("", "--sample=%g: a share from 0 to 1 is wanted", c.Sample)
	}
	if f.repo == nil || c.NoHistory && f.run.Main {
		return nil, nil
	}
	question := planQuestion{Base: c.Base, History: c.History, selectionFlags: c.selectionFlags, Split: "file", Matrix: "ci_cd/test_matrix.json", known: f.change, python: c.Python}
	gathered, err := question.gather(s)
	if err != nil {
		return nil, err
	}
	p := &runPlan{plan: gathered.plan(), how: c.Mode, stored: unpackCoverage(gathered.covered)}
	if gathered.in.Map != nil {
		p.deltas = gathered.in.Map.Deltas
	} else {
		p.stored = nil
	}
	switch {
	case f.run.Main:
		p.how = howMain
	case f.run.Event == "pull_request" && sampled(f.run.ID, c.Sample):
		p.how = howSample
	case len(gathered.in.Change) == 0 && gathered.in.Unknown == "":
		p.plan = gathered.everything("nothing differs from the base: who runs it wants to know how all of it is")
	}
	if p.view, err = question.view(gathered, p.plan); err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	p.view.How = p.how
	return p, nil
}

// everything is the plan that leaves nothing out.
func (f *planFacts) everything(reason string) impact.Plan {
	in := f.in
	in.Unknown = reason
	return impact.Select(in)
}

// sampled decides by the run's name, so that a run that is repeated decides again
// as it did.
func sampled(run string, share float64) bool {
	h := fnv.New64a()
	_, _ = io.WriteString(h, "sample "+run)
	return float64(h.Sum64()>>11)/(1<<53) < share
}

// prepare tells pytest what to leave out and what to record.
func (c *runCommand) prepare(f *facts, env Env, chain *runner.Toolchain) error {
	if f.plan == nil {
		f.plan = &runPlan{how: howMain}
	}
	if c.Engine == howTestmon {
		runner.Testmon(chain.Plans, f.plan.how == "enforce" && f.plan.plan.Mode == impact.Selective)
		f.plan.how, f.plan.view.How = howTestmon, howTestmon
		return nil
	}
	selection := runner.Selection{Root: f.root, Env: env}
	if c.Record == "always" || c.Record == "auto" && fromPython312(chain.PythonVersion) && f.past.store != nil {
		f.plan.record = filepath.Join(f.logs, "recording")
		selection.Record = f.plan.record
	}
	first := f.plan.how == "advise" && f.plan.plan.Mode == impact.Selective
	if f.plan.enforced() || first {
		selection.Skip = filepath.Join(f.logs, "skip.json")
		if err := replaceFile(selection.Skip, func(w writer) error { return writeSkip(w, f.root, f.plan.plan, first) }); err != nil {
			return err
		}
	}
	if selection.Skip == "" && selection.Record == "" {
		return nil
	}
	// Not in the repository: coverage.py measures what lies there.
	var err error
	if selection.Dir, err = os.MkdirTemp("", "keepgreen-plugin-"); err != nil {
		return err
	}
	f.plan.plugin = selection.Dir
	return runner.Select(chain.Plans, selection)
}

func fromPython312(version string) bool {
	parts := strings.Split(version, ".")
	if len(parts) < 2 {
		return false
	}
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	return major == 3 && minor >= 12 || major > 3
}

// writeSkip writes what the plan cleared, for the plugin that leaves it out.
func writeSkip(w io.Writer, root string, plan impact.Plan, last bool) error {
	doc := struct {
		Root  string      `json:"root"`
		Last  bool        `json:"last"`
		Tests []ci.TestID `json:"tests"`
		Files []string    `json:"files"`
	}{Root: root, Last: last, Tests: []ci.TestID{}, Files: []string{}}
	runs := map[string]bool{}
	for _, t := range plan.Tests {
		runs[t.File] = true
	}
	seen := map[string]bool{}
	for _, t := range plan.Skipped {
		doc.Tests = append(doc.Tests, t.ID)
		if !runs[t.File] && !seen[t.File] {
			seen[t.File] = true
			doc.Files = append(doc.Files, t.File)
		}
	}
	return json.NewEncoder(w).Encode(doc)
}

// conclude keeps what was recorded, and scores the plan if everything ran.
func (f *facts) conclude(s *session) {
	p := f.plan
	if p != nil && p.plugin != "" {
		defer os.RemoveAll(p.plugin)
	}
	if p == nil || s.ctx.Err() != nil || f.past.store == nil {
		return
	}
	if p.record != "" {
		f.keepRecording(s, p.record)
	}
	if p.enforced() || p.how == howTestmon || p.plan.Mode != impact.Selective || len(p.plan.Skipped) == 0 || len(p.plan.Changed) == 0 {
		return
	}
	audit := f.score(p)
	if audit.Skipped == 0 {
		return // pytest did not run
	}
	audit.At = f.run.Started
	if err := f.past.store.PutAudit(context.WithoutCancel(s.ctx), audit); err != nil {
		f.warn("the plan is not scored: %s", withHint(err))
	}
	if tests := missedTests(audit); len(tests) > 0 {
		f.warn("the plan would have left out %s that failed, such as %s: keepgreen plan audit; what cleared it is trusted no more", plural(len(tests), "test", "tests"), tests[0])
	}
}

func (f *facts) keepRecording(s *session, dir string) {
	defer os.RemoveAll(dir)
	recording := impact.NewRecording()
	n, err := addRecordings(recording, dir)
	if err != nil || n == 0 || f.repo == nil || f.run.Commit == "" {
		return // pytest did not get as far as that
	}
	if _, err := s.keepMap(f.past.store, f.repo, recording); err != nil {
		f.warn("who ran what is not kept: %v", err)
		return
	}
	f.keepCoverage(context.WithoutCancel(s.ctx), f.run.Commit)
}

// score compares the plan with what everything ran said. Tests that are known to
// be flaky, or passed when run again, say nothing of a plan.
func (f *facts) score(p *runPlan) history.Audit {
	audit := history.Audit{Repo: f.run.Repo, Run: f.run.ID, Commit: f.run.Commit, Mode: p.how, Selected: len(p.plan.Tests)}
	left := make(map[ci.TestID]bool, len(p.plan.Skipped))
	files := map[string][]ci.TestID{}
	for _, t := range p.plan.Skipped {
		left[t.ID] = true
		files[t.File] = append(files[t.File], t.ID)
	}
	last, recovered := ci.Last(f.run.Tests)
	flaky := f.past.flaky()
	seen := map[ci.TestID]bool{}
	for _, t := range last {
		id := functionOf(t.ID)
		if left[id] && !seen[id] {
			audit.Skipped++
		}
		if !t.Outcome.Bad() || recovered[t.ID] || flaky[t.ID] || seen[id] {
			seen[id] = true
			continue
		}
		seen[id] = true
		audit.Failed++
		missed := files[string(id)] // a file that could not be collected
		if left[id] {
			missed = append(missed, id)
		}
		for _, m := range missed {
			for _, cause := range p.plan.Causes {
				audit.Missed = append(audit.Missed, history.AuditMissed{Test: string(m), Kind: string(cause.Kind), File: cause.File})
			}
		}
	}
	return audit
}

// missedTests are the tests of an audit's misses, each once.
func missedTests(a history.Audit) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range a.Missed {
		if !seen[m.Test] {
			seen[m.Test] = true
			out = append(out, m.Test)
		}
	}
	return out
}

// planGate adds to the gate of the tests what the plan left out. Nothing left to
// run is well.
func (f *facts) planGate(d ci.Decision) ci.Decision {
	p := f.plan
	if p != nil && p.how == howTestmon && d.Gate == "tests" && d.Verdict == ci.VerdictNoData && !jobBroke(f.run.Jobs) {
		return ci.Decision{Gate: "tests", Verdict: ci.VerdictPass, Because: []string{"testmon left no test to run"}}
	}
	if !p.enforced() || d.Gate != "tests" {
		return d
	}
	left := fmt.Sprintf("%s left out: the change cannot reach them", plural(len(p.plan.Skipped), "test is", "tests are"))
	if d.Verdict == ci.VerdictNoData && len(p.plan.Tests) == 0 && !jobBroke(f.run.Jobs) {
		return ci.Decision{Gate: "tests", Verdict: ci.VerdictPass, Because: []string{left}}
	}
	d.Because = append(d.Because, left)
	return d
}

// jobBroke reports whether a runner of tests ended otherwise than well.
func jobBroke(jobs []ci.Job) bool {
	for _, j := range jobs {
		if j.Name == "test" && j.Status != ci.JobSuccess {
			return true
		}
	}
	return false
}
