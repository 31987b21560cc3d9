package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/render"
	"keepgreen/internal/trend"
)

type metricsCommand struct {
	Input     []string `help:"Where the artifacts of the run are: any of reports, logs, the documents of earlier jobs, GitHub's answers about the run and its jobs. Without it: artifacts, reports and ai_analysis, those that are there." placeholder:"DIR" sep:"none"`
	Needs     string   `setting:"NEEDS_JSON" help:"The needs context of the job (toJSON(needs)), or a file that holds it." placeholder:"JSON"`
	Out       string   `default:"ci_metrics" help:"Where run_metrics.json goes, relative to the repository." placeholder:"DIR"`
	History   string   `default:".keepgreen/history.db" help:"Where the run is remembered for the key figures; relative to the repository." placeholder:"DB"`
	NoHistory bool     `help:"Do not write the history."`
	Offline   bool     `help:"Do not ask GitHub about the run and its jobs, in a workflow that has a token."`
	Emit      bool     `help:"Send the figures to every sink that is set up. A sink that is down is a line, never a failure."`
	DryRun    bool     `help:"Print what would be sent, and send nothing."`
}

// Run gathers what is known of the run, works out its figures, and hands them on.
func (c *metricsCommand) Run(s *session) error {
	found, err := c.gather(s)
	if err != nil {
		return err
	}
	view := render.MetricsView{RunMetrics: c.collect(s, found), Notes: found.notes}
	if err := c.write(s, view.RunMetrics); err != nil {
		return err
	}
	store, note := c.remember(s, view.RunMetrics)
	if store != nil {
		defer store.Close()
	}
	if note != "" {
		view.Notes = append(view.Notes, note)
	}
	if c.Emit || c.DryRun {
		view.Sinks, err = c.emit(s, store, view.RunMetrics)
		if err != nil {
			return err
		}
	}
	return c.tell(s, view)
}

// collect is the analysis: from facts to figures.
func (c *metricsCommand) collect(s *session, found *collected) ci.RunMetrics {
	facts := found.facts()
	m := ci.RunMetrics{Time: s.Now(), Run: found.run, Timing: facts.Timing, Metrics: trend.Collect(facts), Statuses: trend.Statuses(facts.Timing.Jobs)}
	for name, status := range found.needs {
		m.Statuses[trend.StatusName(name)] = status // the forge's own word, where it says it
	}
	if facts.Selection != nil {
		m.Mode = facts.Selection.Mode
	}
	return m
}

func (c *metricsCommand) write(s *session, m ci.RunMetrics) error {
	path := filepath.Join(s.baselinePath(c.Out), "run_metrics.json")
	if err := replaceFile(path, func(w io.Writer) error { return render.RunMetrics(w, m) }); err != nil {
		return noAnswerf("", "%s: %w", filepath.Join(c.Out, "run_metrics.json"), bare(err))
	}
	return nil
}

// remember records the attempt, and gives the history on for what cannot be sent
// now. Being without one is a note, not an error.
func (c *metricsCommand) remember(s *session, m ci.RunMetrics) (store *history.Store, note string) {
	if c.NoHistory || c.DryRun {
		return nil, ""
	}
	path := s.baselinePath(c.History)
	if filepath.Dir(path) == filepath.Join(s.root(), homePath) {
		_ = home(s.root()) // where it cannot be made, opening says why
	}
	ctx := context.WithoutCancel(s.ctx)
	store, err := history.Open(ctx, path, history.Options{})
	if err == nil {
		err = store.PutPipeline(ctx, history.PipelineOf(m), m.Timing.Jobs)
	}
	if err != nil {
		return store, "this run is not remembered: " + withHint(err)
	}
	return store, ""
}

func (c *metricsCommand) tell(s *session, v render.MetricsView) error {
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.MetricsSummary(w, v) }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	write := func(w io.Writer) error {
		return render.MetricsText(w, v, render.TextOptions{Width: s.Width, Colour: s.Colour})
	}
	if s.Format == "json" {
		for _, line := range v.Sinks {
			fmt.Fprintln(s.Stderr, render.Visible(fmt.Sprintf("%s: %s %s", line.Name, line.State, line.Detail)))
		}
		for _, note := range v.Notes {
			fmt.Fprintln(s.Stderr, render.Visible(note))
		}
		write = func(w io.Writer) error { return render.RunMetrics(w, v.RunMetrics) }
	}
	if err := write(s.Stdout); err != nil {
		return noAnswerf("", "%w", err)
	}
	return nil
}

// inputs are the directories to look into.
func (c *metricsCommand) inputs(s *session) []string {
	if len(c.Input) > 0 {
		return c.Input
	}
	var there []string
	for _, dir := range []string{"artifacts", "reports", "ai_analysis"} {
		path := filepath.Join(s.root(), dir)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			there = append(there, path)
		}
	}
	return there
}

// facts are what was found, as the analysis takes it.
func (f *collected) facts() trend.Facts {
	facts := trend.Facts{Timing: f.timing(), Coverage: f.coverage, High: f.high, Critical: f.critical, FixConfidence: f.confidence, HasFlaky: f.hasFlaky}
	if f.selection != nil {
		facts.Selection = &trend.Selection{Mode: f.selection.Mode, Selected: f.selection.Selected, Left: f.selection.Left, Saved: f.selection.Saved, Audited: f.selection.Audited, Missed: f.selection.Missed}
	}
	if f.model != nil {
		facts.Model = &trend.Model{Calls: f.model.Calls, InputTokens: f.model.InputTokens, OutputTokens: f.model.OutputTokens, Dollars: f.model.Dollars}
	}
	flaky := maps.Clone(f.flaky)
	if len(f.tests) > 0 {
		last, recovered := ci.Last(f.tests)
		facts.Tests = &trend.Tally{TestCounts: *countTests(last), Recovered: len(recovered)}
		if flaky == nil {
			flaky = map[string]bool{}
		}
		for id := range recovered {
			flaky[string(id)] = true
		}
	}
	if flaky != nil {
		n := len(flaky)
		facts.Flaky = &n
	}
	return facts
}

// timing is the run's clock. Where nobody listed the jobs, what the needs context
// says of them is all there is: how they ended, and nothing of when.
func (f *collected) timing() ci.Timing {
	t := trend.Timing(f.run)
	if len(t.Jobs) == 0 {
		for _, name := range slices.Sorted(maps.Keys(f.needs)) {
			t.Jobs = append(t.Jobs, ci.JobTiming{Name: name, Status: f.needs[name]})
		}
		t.Status = cmp.Or(t.Status, worstOf(f.needs))
	}
	return t
}

// worstOf is how a run ended whose jobs ended so.
func worstOf(needs map[string]ci.JobStatus) ci.JobStatus {
	for _, status := range []ci.JobStatus{ci.JobFailure, ci.JobError, ci.JobTimeout, ci.JobCancelled, ci.JobSuccess, ci.JobSkipped} {
		for _, have := range needs {
			if have == status {
				return status
			}
		}
	}
	return ""
}
