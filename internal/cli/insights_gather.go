package cli

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/trend"
)

const (
	lookBack    = 4 * 56 // days that trends are judged by
	maxFlakyRun = 300    // runs whose tests are looked at for flakes, the newest
	maxPathRun  = 50     // runs whose jobs are looked at, the newest
)

// gather reads everything that key figures are made of.
func (c *insightsCommand) gather(s *session) (trend.Data, []string, error) {
	if c.Days < 1 || c.Days > 3650 {
		return trend.Data{}, nil, usagef("", "--days: %d is not a number from 1 to 3650", c.Days)
	}
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return trend.Data{}, nil, err
	}
	now := s.Now()
	if c.Until != "" {
		day, err := time.Parse(time.DateOnly, c.Until)
		if err != nil {
			return trend.Data{}, nil, usagef("", "--until: %q is no day such as 2026-03-01", c.Until)
		}
		now = day.AddDate(0, 0, 1)
	}
	store, err := history.Open(s.ctx, s.baselinePath(c.History), history.Options{ReadOnly: true})
	if err != nil {
		return trend.Data{}, nil, usagef("keepgreen metrics remembers each run, and keepgreen history import brings in the past", "%s", withHint(err))
	}
	defer func() { _ = store.Close() }() // it was only read
	l := loader{s: s, store: store, repo: c.Repo, data: trend.Data{Now: now, Days: c.Days}}
	l.since = l.data.Now.AddDate(0, 0, -max(c.Days, lookBack))
	for _, step := range []func() error{l.runs, l.flaky, l.jobs, l.vulns, l.people} {
		if err := step(); err != nil {
			return trend.Data{}, nil, noAnswerf("", "%s", withHint(err))
		}
	}
	l.data.Repo = repoPage(l.data.Runs)
	return l.data, l.notes, nil
}

// loader fills the data from a history.
type loader struct {
	s     *session
	store *history.Store
	repo  string
	since time.Time
	data  trend.Data
	rows  []history.RunRow
	repos map[string]bool
	notes []string
}

// runs joins what the forge's clock says of an attempt with what was recorded of
// its tests; either may be there without the other.
func (l *loader) runs() error {
	pipelines, err := l.store.Pipelines(l.s.ctx, l.repo, l.since)
	if err != nil {
		return err
	}
	if l.rows, err = l.store.Runs(l.s.ctx, history.Filter{Repo: l.repo, Since: l.since, Before: l.data.Now}); err != nil {
		return err
	}
	pipelines = slices.DeleteFunc(pipelines, func(p history.PipelineRow) bool { return !p.Started.Before(l.data.Now) })
	type key struct {
		repo, run string
		attempt   int
	}
	at := make(map[key]int, len(pipelines))
	l.repos = map[string]bool{}
	l.data.Runs = make([]trend.Run, 0, max(len(pipelines), len(l.rows)))
	for _, p := range pipelines {
		at[key{p.Repo, p.Run, p.Attempt}] = len(l.data.Runs)
		l.repos[p.Repo] = true
		l.data.Runs = append(l.data.Runs, trend.Run{
			ID: l.id(p.Repo, p.Run), URL: p.URL, Commit: p.Commit, Attempt: p.Attempt, Class: p.Class, Status: p.Status, Created: p.Created, Started: p.Started,
			Build: number(p.Build), Queue: number(p.Queue), Spent: number(p.Spent), Coverage: number(p.Coverage), Flaky: number(p.Flaky),
			Saved: number(p.Saved), Cost: number(p.Cost), Audited: number(p.Audited), Missed: number(p.Missed),
		})
	}
	for _, r := range slices.Backward(l.rows) { // newest first
		k := key{r.Repo, r.Run, max(r.Attempt, 1)}
		l.repos[r.Repo] = true
		i, there := at[k]
		if !there {
			i = len(l.data.Runs)
			at[k] = i
			l.data.Runs = append(l.data.Runs, recordedOnly(l.id(r.Repo, r.Run), r))
		}
		merged(&l.data.Runs[i], r, there)
		if !r.Started.Before(l.data.Now.AddDate(0, 0, -l.data.Days)) {
			l.data.Executions += r.Results
			l.data.FlakyRetries += r.Recovered
		}
	}
	slices.SortStableFunc(l.data.Runs, func(a, b trend.Run) int { return a.Started.Compare(b.Started) })
	return nil
}

// id is unique over all repositories that are looked at.
func (l *loader) id(repo, run string) string {
	if l.repo != "" {
		return run
	}
	return repo + " " + run
}

func number(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// recordedOnly is a run of which only the tests were recorded.
func recordedOnly(id string, r history.RunRow) trend.Run {
	nan := math.NaN()
	one := trend.Run{
		ID: id, Commit: r.Commit, Attempt: max(r.Attempt, 1), Class: ci.ClassOfRef(r.Event, r.Main), Status: ci.JobFailure, Created: r.Started, Started: r.Started,
		Build: nan, Queue: nan, Spent: nan, Coverage: nan, Flaky: nan, Saved: nan, Cost: nan, Audited: nan, Missed: nan,
	}
	if r.Green {
		one.Status = ci.JobSuccess
	}
	if r.Duration > 0 {
		one.Build = r.Duration.Seconds()
	}
	return one
}

// merged adds what a record says of tests and coverage. Of the shards of a run
// each has its own record: one that is not green is enough, and the slowest
// counts, unless the forge's clock has said better.
func merged(one *trend.Run, r history.RunRow, timed bool) {
	if r.Results > 0 && !(one.Flaky > 0) {
		one.Flaky = float64(min(r.Recovered, 1))
	}
	if pct, ok := r.Coverage.Percent(); ok && math.IsNaN(one.Coverage) {
		one.Coverage = pct
	}
	if timed {
		return
	}
	if !r.Green {
		one.Status = ci.JobFailure
	}
	if r.Duration > 0 && !(one.Build > r.Duration.Seconds()) {
		one.Build = r.Duration.Seconds()
	}
}

// flaky names the tests that failed and passed on the same code: within one
// record, or in attempts of one run on the same commit.
func (l *loader) flaky() error {
	tests, err := l.store.Tests(l.s.ctx, l.repo)
	if err != nil {
		return err
	}
	names := make(map[history.Index]ci.TestID, len(tests))
	distinct := make(map[ci.TestID]bool, len(tests))
	for _, t := range tests {
		names[t.Index] = t.ID
		distinct[t.ID] = true
	}
	l.data.TestsKnown = len(distinct)
	urls := map[string]string{}
	for _, r := range l.data.Runs {
		urls[r.ID] = r.URL
	}
	found := map[ci.TestID]*trend.FlakyTest{}
	for _, one := range l.suspects() {
		ids, err := l.flakesOf(one, names)
		if err != nil {
			return err
		}
		for id := range ids {
			t := found[id]
			if t == nil {
				t = &trend.FlakyTest{ID: id, Last: urls[l.id(one.repo, one.run)]} // the newest comes first
				found[id] = t
			}
			t.Times++
		}
	}
	for _, t := range found {
		l.data.Flaky = append(l.data.Flaky, *t)
	}
	slices.SortFunc(l.data.Flaky, func(a, b trend.FlakyTest) int { return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.ID, b.ID)) })
	return nil
}

// suspect is a run in which something may have failed and passed.
type suspect struct {
	repo, run             string
	first, last           time.Time // when its records started, by which they are found quickly
	again, recovered, bad bool
}

// suspects are those of the window, the newest first.
func (l *loader) suspects() []*suspect {
	of := map[string]*suspect{}
	var order []*suspect
	since := l.data.Now.AddDate(0, 0, -l.data.Days)
	for _, r := range l.rows { // newest first
		if r.Started.Before(since) || r.Results == 0 {
			continue
		}
		id := r.Repo + " " + r.Run
		one := of[id]
		if one == nil {
			one = &suspect{repo: r.Repo, run: r.Run, last: r.Started}
			of[id] = one
			order = append(order, one)
		}
		one.first = r.Started
		one.recovered, one.bad = one.recovered || r.Recovered > 0, one.bad || r.Failed > 0
		one.again = one.again || r.Attempt > 1
	}
	order = slices.DeleteFunc(order, func(one *suspect) bool { return !one.recovered && (!one.bad || !one.again) })
	if len(order) > maxFlakyRun {
		l.notes = append(l.notes, fmt.Sprintf("flaky tests are counted in the newest %d of %d runs that may have some", maxFlakyRun, len(order)))
		order = order[:maxFlakyRun]
	}
	return order
}

// flakesOf are the tests of a run that failed and passed on one commit.
func (l *loader) flakesOf(one *suspect, names map[history.Index]ci.TestID) (map[ci.TestID]bool, error) {
	type cell struct {
		commit string
		test   history.Index
	}
	good, bad := map[cell]bool{}, map[cell]bool{}
	for block, err := range l.store.Scan(l.s.ctx, history.Filter{Repo: one.repo, Run: one.run, Since: one.first, Before: one.last.Add(time.Microsecond)}) {
		if err != nil {
			return nil, err
		}
		for i := range block.Len() {
			c := cell{block.Run.Commit, block.Tests[i]}
			switch o := block.Outcomes[i]; {
			case o.Bad():
				bad[c] = true
			case o.Good():
				good[c] = true
			}
		}
	}
	out := map[ci.TestID]bool{}
	for c := range bad {
		if good[c] {
			out[names[c.test]] = true
		}
	}
	return out, nil
}

// jobs reads the jobs of the newest runs.
func (l *loader) jobs() error {
	pipelines, err := l.store.NewestPipelines(l.s.ctx, l.repo, maxPathRun)
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		jobs, err := l.store.PipelineJobs(l.s.ctx, p.Repo, p.Run, p.Attempt)
		if err != nil {
			return err
		}
		if len(jobs) > 0 {
			l.data.Jobs = append(l.data.Jobs, jobs)
		}
	}
	return nil
}

func (l *loader) vulns() error {
	if l.repo != "" {
		l.repos = map[string]bool{l.repo: true}
	}
	for _, repo := range slices.Sorted(maps.Keys(l.repos)) {
		if err := l.audits(repo); err != nil {
			return err
		}
		found, err := l.store.Findings(l.s.ctx, repo)
		if err != nil {
			return err
		}
		for _, f := range found {
			severity, counts := severe[f.Severity]
			if !counts {
				continue
			}
			if f.FirstSeen.After(l.data.Now) {
				continue
			}
			if f.Closed.After(l.data.Now) {
				f.Closed, f.ClosedAs = time.Time{}, ""
			}
			l.data.Vulns = append(l.data.Vulns, trend.Vuln{
				ID: f.ID, Package: f.Package, Severity: severity, First: f.FirstSeen, Closed: f.Closed, Accepted: f.ClosedAs == "accepted", Fixable: f.Fixable,
			})
		}
	}
	return nil
}

// audits sums what the plans of the window would have missed.
func (l *loader) audits(repo string) error {
	audits, err := l.store.Audits(l.s.ctx, repo)
	if err != nil {
		return err
	}
	for _, a := range audits {
		if !a.At.Before(l.data.Now.AddDate(0, 0, -l.data.Days)) && a.At.Before(l.data.Now) {
			l.data.AuditFailed += a.Failed
			l.data.AuditMissed += len(a.Missed)
		}
	}
	return nil
}

// people reads what became of suggestions and what was said.
func (l *loader) people() error {
	fixes, err := l.store.Fixes(l.s.ctx, l.repo, l.since)
	if err != nil {
		return err
	}
	for _, f := range fixes {
		if f.Proposed.After(l.data.Now) {
			continue
		}
		l.data.Fixes = append(l.data.Fixes, trend.Fix{
			ID: f.ID, URL: f.URL, Confidence: number(f.Confidence), Proposed: f.Proposed, Merged: f.Merged, Closed: f.Closed, Reverted: f.Reverted, Unchanged: f.Unchanged,
		})
	}
	said, err := l.store.Feedback(l.s.ctx, l.repo, l.since)
	if err != nil {
		return err
	}
	for _, f := range said {
		if f.At.After(l.data.Now) {
			continue
		}
		l.data.Said = append(l.data.Said, trend.Said{Kind: f.Kind, Value: f.Value, N: f.N, At: f.At})
	}
	return nil
}
