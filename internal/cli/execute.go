package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/runner"
)

// workers is how many tools run at once. Two: what is started first takes
// longest, and the short ones pass by it without disturbing its timing much.
const workers = 2

// execution is one plan carried out.
type execution struct {
	plan    runner.Plan
	job     ci.Job
	log     string // absolute path of the captured output; empty: none
	attempt int    // 1 is the first
}

// executor carries out plans.
type executor struct {
	dir      string // where the tools run
	out      string // where logs go
	env      Env
	timeout  time.Duration
	now      func() time.Time
	progress *progress
	under    []string // what every tool is started by, e.g. a shell that sets limits
}

// all carries out the plans, a few at a time, in the plans' order.
func (e executor) all(ctx context.Context, plans []runner.Plan) []execution {
	done := make([]execution, len(plans))
	slots := make(chan struct{}, workers)
	var wait sync.WaitGroup
	for i, plan := range plans {
		slots <- struct{}{}
		wait.Go(func() {
			done[i] = e.one(ctx, plan, 1)
			<-slots
		})
	}
	wait.Wait()
	return done
}

// one carries out one plan. A plan that is to be skipped, or comes after an
// interruption, is not started.
func (e executor) one(ctx context.Context, plan runner.Plan, attempt int) execution {
	x := execution{plan: plan, attempt: attempt}
	if plan.Skip != "" {
		x.job = plan.Job(runner.Result{}, e.timeout)
		e.progress.finished(x.job)
		return x
	}
	if ctx.Err() != nil {
		x.job = plan.Job(runner.Result{Interrupted: true, Started: e.now()}, e.timeout)
		return x
	}
	name := logName(plan.Tool, attempt)
	log, err := os.Create(filepath.Join(e.out, name))
	if err != nil {
		x.job = plan.Job(runner.Result{NotStarted: true, Err: err, Started: e.now()}, e.timeout)
		return x
	}
	defer log.Close()
	x.log = log.Name()
	e.progress.started(plan, attempt)
	result := runner.Run(ctx, runner.Command{
		Args: append(e.under[:len(e.under):len(e.under)], plan.Args...), Dir: e.dir, Env: append(e.env.Pairs(), plan.Env...), Timeout: e.timeout,
		Log: &watcher{file: log, seen: e.progress.saw},
	}, e.now)
	for _, then := range plan.Then {
		runner.Run(ctx, runner.Command{Args: append(e.under[:len(e.under):len(e.under)], then...), Dir: e.dir, Env: append(e.env.Pairs(), plan.Env...), Timeout: e.timeout, Log: log}, e.now)
	}
	x.job = plan.Job(result, e.timeout)
	x.job.Log = x.log
	if result.LogErr != nil {
		x.job.Detail = strings.TrimPrefix(x.job.Detail+"; its output was cut: "+result.LogErr.Error(), "; ")
	}
	e.progress.finished(x.job)
	return x
}

func logName(tool string, attempt int) string {
	name := strings.ReplaceAll(tool, " ", "-")
	if attempt > 1 {
		name += fmt.Sprintf(".%d", attempt)
	}
	return name + ".log"
}

// watcher passes output on to the log and shows its lines to the progress.
type watcher struct {
	file *os.File
	seen func(line []byte)
	rest []byte
}

// maxWatched bounds the line that is shown while a tool runs.
const maxWatched = 4 << 10

func (w *watcher) Write(p []byte) (int, error) {
	for chunk := range bytes.Lines(p) {
		if len(w.rest) < maxWatched {
			w.rest = append(w.rest, chunk...)
		}
		if chunk[len(chunk)-1] == '\n' {
			w.seen(w.rest)
			w.rest = w.rest[:0]
		}
	}
	return w.file.Write(p)
}

// retry runs the tests that failed again, up to so many times, as further
// attempts. It gives up where so much failed that running it again would only
// repeat a broken build.
func (e executor) retry(ctx context.Context, x execution, failed []ci.TestID, total, attempt int) (execution, bool) {
	if len(failed) == 0 || len(failed)*5 > total*4 && total > 5 {
		return execution{}, false
	}
	plan, ok := x.plan.Again(failed, attempt)
	if !ok {
		return execution{}, false
	}
	return e.one(ctx, plan, attempt), true
}

// keepRuns is how many runs' logs stay under .keepgreen/runs.
const keepRuns = 20

// homePath is where a repository keeps what Keepgreen remembers of it.
const homePath = ".keepgreen"

// home makes that folder, which git is told to leave alone.
func home(root string) error {
	dir := filepath.Join(root, homePath)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(ignore); err == nil {
		return nil
	}
	return os.WriteFile(ignore, []byte("*\n"), 0o644)
}

// workspace makes the directory for a run's logs and reports: under .keepgreen
// in the repository, or in a temporary place where that cannot be written.
func workspace(root, id string) (dir string, temporary bool, err error) {
	runs := filepath.Join(root, homePath, "runs")
	dir = filepath.Join(runs, id)
	if err := errors.Join(home(root), os.MkdirAll(dir, 0o755)); err == nil {
		prune(runs)
		return dir, false, nil
	}
	dir, err = os.MkdirTemp("", "keepgreen-run-")
	return dir, true, err
}

// prune removes the oldest runs' logs; names sort by time.
func prune(runs string) {
	entries, err := os.ReadDir(runs)
	if err != nil {
		return
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-keepRuns)] {
		_ = os.RemoveAll(filepath.Join(runs, name))
	}
}
