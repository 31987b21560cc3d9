package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
	"keepgreen/internal/history"
	"keepgreen/internal/render"
	"keepgreen/internal/triage"
)

const (
	window = 50   // earlier runs that a run is compared with
	depth  = 1000 // earlier runs that a test is judged by
)

// past is what is remembered. Without a history it is empty, and every question
// has the answer of an empty one.
type past struct {
	store    *history.Store // nil: none
	now      time.Time
	runs     []history.RunRow // newest first
	earlier  []flake.Earlier  // of the newest of these runs
	verdicts []flake.Verdict
	known    []history.KnownCluster

	quarantine []flake.Entry

	repo, workflow string          // whose green logs are asked for
	learned        []history.Green // of this run, to be kept with it
}

// pastMode says how the history is opened.
type pastMode int

const (
	pastReadWrite pastMode = iota
	pastReadOnly           // a history that is not there is no warning
	pastNone
)

// openPast opens the history. Being without one is a warning, not an error.
func openPast(s *session, f *facts, path string, mode pastMode) *past {
	p := &past{now: s.Now(), repo: f.run.Repo, workflow: f.run.Workflow}
	if !filepath.IsAbs(path) {
		path = filepath.Join(f.root, path)
	}
	if mode == pastNone {
		return p
	}
	if _, err := os.Stat(path); err != nil && mode == pastReadOnly {
		return p
	}
	ctx := context.WithoutCancel(s.ctx)
	store, err := history.Open(ctx, path, history.Options{ReadOnly: mode == pastReadOnly})
	if err == nil {
		p.store = store
		err = p.load(ctx, f.run.Repo)
	}
	if err != nil {
		p.close()
		f.warn("without history: %s", withHint(err))
		return &past{now: s.Now()}
	}
	return p
}

func withHint(err error) string {
	var h *history.Error
	if errors.As(err, &h) && h.Hint() != "" {
		return err.Error() + " (" + h.Hint() + ")"
	}
	return err.Error()
}

func (p *past) load(ctx context.Context, repo string) error {
	tests, err := p.store.Tests(ctx, repo)
	if err != nil {
		return err
	}
	names := make(map[history.Index]ci.TestID, len(tests))
	for _, t := range tests {
		names[t.Index] = t.ID
	}
	var blocks []history.Block
	for block, err := range p.store.Scan(ctx, history.Filter{Repo: repo, Limit: depth}) {
		if err != nil {
			return err
		}
		blocks = append(blocks, block)
		p.runs = append(p.runs, block.Run)
		if len(p.earlier) < window {
			p.earlier = append(p.earlier, earlierOf(block, names))
		}
	}
	said, err := p.store.Verdicts(ctx, repo)
	if err != nil {
		return err
	}
	p.verdicts = flake.Remembering(flakeHistory(tests, blocks), flake.Options{Previous: saidBefore(said)})
	p.known, err = history.KnownClusters(ctx, p.store, history.Filter{Repo: repo, Limit: window})
	return err
}

// coFailed is the share of the earlier runs with a failure of either test in
// which both failed; of fewer than two common failures nothing follows.
func (p *past) coFailed(a, b ci.TestID) float64 {
	both, either := 0, 0
	for _, e := range p.earlier {
		x, y := e.Outcomes[a].Bad(), e.Outcomes[b].Bad()
		if x && y {
			both++
		}
		if x || y {
			either++
		}
	}
	if both < 2 {
		return 0
	}
	return float64(both) / float64(either)
}

// flakeHistory is the stored blocks as the analysis of flaky tests takes them.
// Runs of one forge run's shards are one run. The one
// line of development that is read as a series is main's, or where nothing ran
// there, that of committed states: red and green while somebody edits is work,
// not flakiness.
func flakeHistory(tests []history.Test, blocks []history.Block) flake.History {
	row := make(map[history.Index]int, len(tests))
	names := make([]flake.Test, len(tests))
	for i, t := range tests {
		row[t.Index] = i
		names[i] = flake.Test{ID: t.ID, Variant: t.Variant}
	}
	column := map[string]int{}
	var runs []flake.Run
	anyMain := slices.ContainsFunc(blocks, func(b history.Block) bool { return b.Run.Main })
	for _, b := range blocks {
		id := runName(b.Run)
		if _, seen := column[id]; seen {
			continue
		}
		column[id] = len(runs)
		run := flake.Run{ID: id, Tree: b.Run.Tree, Main: (b.Run.Main || !anyMain) && !b.Run.Dirty, Started: b.Run.Started}
		if !b.Run.Dirty {
			run.Commit = b.Run.Commit
		}
		runs = append(runs, run)
	}
	h := flake.NewHistory(names, runs)
	for _, b := range blocks {
		at := column[runName(b.Run)]
		for i := range b.Len() {
			h.Add(row[b.Tests[i]], at, b.Outcomes[i])
		}
	}
	return h
}

func runName(r history.RunRow) string {
	if r.Attempt > 1 {
		return fmt.Sprintf("%s.%d", r.Run, r.Attempt)
	}
	return r.Run
}

// earlierOf is a block by test ID. Executions are sorted by attempt, so the last
// one stays; of two variants the worse one does.
func earlierOf(b history.Block, names map[history.Index]ci.TestID) flake.Earlier {
	e := flake.Earlier{Run: b.Run.Run, Commit: b.Run.Commit, Tree: b.Run.Tree, Outcomes: make(map[ci.TestID]ci.Outcome, b.Len())}
	for i := range b.Len() {
		last := i+1 == b.Len() || b.Tests[i+1] != b.Tests[i]
		id := names[b.Tests[i]]
		if last && !e.Outcomes[id].Bad() {
			e.Outcomes[id] = b.Outcomes[i]
		}
	}
	return e
}

func (p *past) close() {
	if p.store != nil {
		_ = p.store.Close()
	}
}

// append remembers a run: what it found, what was said of its tests before it,
// and how the logs of the jobs that went well looked.
func (p *past) append(ctx context.Context, run ci.Run, shard string, clusters []ci.Cluster) error {
	if p.store == nil {
		return nil
	}
	record, err := history.NewRecord(run, shard, clusters)
	if err == nil {
		_, err = p.store.Put(ctx, record)
	}
	if err == nil {
		err = p.store.PutVerdicts(ctx, run.Repo, judged(p.verdicts))
	}
	for _, g := range p.learned {
		if err != nil {
			break
		}
		g.Repo, g.Workflow, g.Run, g.Learned = run.Repo, run.Workflow, run.ID, run.Started
		err = p.store.PutGreen(ctx, g)
	}
	if err != nil {
		return fmt.Errorf("this run is not remembered: %s", withHint(err))
	}
	return nil
}

// triageOptions is what triage may ask the past.
func (p *past) triageOptions(f *facts) triage.Options {
	o := triage.Options{Change: f.change, Covers: f.ran}
	for _, k := range p.known {
		o.Known = append(o.Known, triage.Known{ID: k.ID, Fingerprints: k.Fingerprints})
	}
	if p.store == nil || len(p.runs) == 0 {
		return o
	}
	onMain := p.mainRuns()
	if len(onMain) > 0 {
		o.FailingOnMain = func(fingerprint string, test ci.TestID) (string, bool) {
			return p.failingOnMain(onMain, fingerprint, test)
		}
		o.PassedOnMain = func(test ci.TestID) (string, bool) { return passedOnMain(onMain, test) }
	}
	o.CoFailed = p.coFailed
	flaky := p.flaky()
	o.Flaky = func(test ci.TestID) bool { return flaky[test] }
	return o
}

// mainRuns are the earlier runs of the branch that is kept green.
func (p *past) mainRuns() []flake.Earlier {
	var out []flake.Earlier
	for i, e := range p.earlier {
		if r := p.runs[i]; r.Main && !r.Dirty {
			out = append(out, e)
		}
	}
	return out
}

// failingOnMain: the newest run on main that ran the test failed it, or has the cluster.
func (p *past) failingOnMain(onMain []flake.Earlier, fingerprint string, test ci.TestID) (string, bool) {
	for _, k := range p.known {
		if k.Main && (k.ID == fingerprint || slices.Contains(k.Fingerprints, fingerprint)) {
			return short(k.MainSince.Commit, k.MainSince.Run), true
		}
	}
	since := ""
	for _, e := range onMain {
		switch o := e.Outcomes[test]; {
		case o.Bad():
			since = short(e.Commit, e.Run)
		case o.Good():
			return since, since != ""
		}
	}
	return since, since != ""
}

func passedOnMain(onMain []flake.Earlier, test ci.TestID) (string, bool) {
	for _, e := range onMain {
		if o := e.Outcomes[test]; o.Good() {
			return short(e.Commit, e.Run), true
		}
	}
	return "", false
}

// flaky are the tests that the history calls flaky.
func (p *past) flaky() map[ci.TestID]bool {
	out := map[ci.TestID]bool{}
	for _, v := range p.verdicts {
		if v.Verdict == ci.FlakeFlaky {
			out[v.ID] = true
		}
	}
	return out
}

// compare says what is new, fixed, still failing, and flipped.
func (p *past) compare(f *facts) render.Comparison {
	c := flake.Compare(f.run, p.earlier)
	out := render.Comparison{Known: len(p.earlier) > 0, New: c.New, Fixed: c.Fixed, Recovered: c.Recovered}
	if out.Known {
		out.With = p.nameOf(p.runs[0])
	} else {
		out.New = nil
	}
	for _, s := range c.Still {
		out.Still = append(out.Still, render.Still{Test: s.ID, Since: short(s.Since.Commit, s.Since.Run), Runs: s.Runs})
	}
	for _, flip := range c.Flipped {
		out.Flipped = append(out.Flipped, render.Flip{Test: flip.ID, Before: flip.Before, Now: flip.Now, Tree: f.run.Tree})
	}
	return out
}

// nameOf is a run as a person says it.
func (p *past) nameOf(r history.RunRow) string {
	parts := []string{"the run " + ago(p.now.Sub(r.Started))}
	if r.Branch != "" {
		parts = append(parts, "on "+r.Branch)
	}
	if r.Commit != "" {
		at := "at " + short(r.Commit, r.Run)
		if r.Dirty {
			at += " with uncommitted changes"
		}
		parts = append(parts, at)
	}
	return strings.Join(parts, " ")
}

func short(commit, otherwise string) string {
	if commit == "" {
		return otherwise
	}
	return commit[:min(7, len(commit))]
}

func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes") + " ago"
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour", "hours") + " ago"
	}
	return plural(int(d.Hours()/24), "day", "days") + " ago"
}

// describe adds what the past knows to the view: flaky tests and the trend.
func (p *past) describe(view *render.View, f *facts) {
	for _, v := range p.verdicts {
		if v.Verdict == ci.FlakeFlaky {
			view.Flaky = append(view.Flaky, flakeRow(v))
		}
	}
	view.Muted = p.muted(f.run.Tests)
	for _, r := range slices.Backward(p.runs[:min(window, len(p.runs))]) {
		point := render.Point{
			ID: r.Run, Commit: r.Commit, Started: r.Started, Duration: r.Duration, Passed: r.Passed, Failed: r.Failed, Skipped: r.Skipped,
			Verdict: ci.VerdictFail, Coverage: -1,
		}
		if r.Green {
			point.Verdict = ci.VerdictPass
		}
		if pct, ok := r.Coverage.Percent(); ok {
			point.Coverage = pct
		}
		view.Trend = append(view.Trend, point)
	}
}

// flakeRow is a verdict as it is shown.
func flakeRow(v flake.Verdict) render.FlakeTest {
	row := render.FlakeTest{
		ID: v.ID, Verdict: v.Verdict, Runs: v.Runs, Failures: v.Failures, Flips: v.Flips,
		Rate: v.Rate, Low: v.Interval[0], High: v.Interval[1],
	}
	if len(v.Because) > 0 {
		row.Why = v.Because[0]
	}
	for _, t := range v.CoFails {
		row.CoFails = append(row.CoFails, t.ID)
	}
	return row
}
