// Package historytest holds what every store of histories must do, as one suite
// of tests, and a store in memory for the tests of what is built on one. It
// knows no database: a new kind of store is right when it passes Conformance.
package historytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
)

// Store is what a history can do, wherever it is kept.
type Store interface {
	Put(ctx context.Context, r history.Record) (added bool, err error)
	Runs(ctx context.Context, f history.Filter) ([]history.RunRow, error)
	Scan(ctx context.Context, f history.Filter) iter.Seq2[history.Block, error]
	Records(ctx context.Context, f history.Filter) iter.Seq2[history.Record, error]
	Tests(ctx context.Context, repo string) ([]history.Test, error)
	Failures(ctx context.Context, k history.Key) ([]history.Failure, error)
	Sightings(ctx context.Context, f history.Filter) ([]history.Sighting, error)
	PutScan(ctx context.Context, scan history.VulnScan) (added bool, err error)
	Findings(ctx context.Context, repo string) ([]history.FindingRow, error)
	Close() error
}

// Conformance holds a store to the promises. open gives an empty one each time;
// the suite closes it.
func Conformance(t *testing.T, open func(t *testing.T) Store) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s Store)
	}{
		{"an empty store answers with nothing", testEmpty},
		{"what was put comes back whole", testRoundTrip},
		{"a run is recorded once", testIdempotent},
		{"other content under the same key is refused", testConflict},
		{"a record that does not match its checksum is refused", testChecksum},
		{"runs come newest first and by filter", testFilter},
		{"a sharded run is green only if all its shards are", testShards},
		{"repositories keep their tests apart", testRepositories},
		{"one test's executions are found in every variant", testExecutions},
		{"clusters know since when main has them", testClusters},
		{"vulnerabilities live, end, and come back", testFindings},
		{"text of strangers survives", testHostile},
		{"an export replays into another store and back", testReplay},
		{"a scan can be left early, and written beside", testScanAndWrite},
		{"many writers lose nothing", testConcurrent},
		{"a cancelled context ends the work", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { s.Close() })
			c.run(t, s)
		})
	}
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// Run is a small run for tests: its number decides its ID and when it started.
func Run(n int, results ...ci.TestResult) ci.Run {
	return ci.Run{
		ID: fmt.Sprintf("run-%03d", n), Attempt: 1, Repo: "kv/tools", Workflow: "ci", Event: "push", Branch: "main", Main: true,
		Commit: fmt.Sprintf("%040x", n), Tree: fmt.Sprintf("%040x", 1000+n),
		Started: epoch.Add(time.Duration(n) * time.Hour), Duration: 90 * time.Second, Tests: results,
	}
}

// Result is one execution for tests.
func Result(id string, outcome ci.Outcome) ci.TestResult {
	r := ci.TestResult{ID: ci.TestID(id), Outcome: outcome, Attempt: 1, Duration: 1500 * time.Microsecond, Timed: true}
	if outcome.Bad() {
		r.Failure = &ci.Failure{Kind: ci.KindTest, Test: r.ID, Tool: "pytest", Message: "assert 1 == 2", Pos: ci.Position{File: "tests/test_kv.py", Line: 7}}
	}
	return r
}

func put(t *testing.T, s Store, run ci.Run, shard string, clusters ...ci.Cluster) history.Record {
	t.Helper()
	r, err := history.NewRecord(run, shard, clusters)
	assert.NilError(t, err)
	added, err := s.Put(t.Context(), r)
	assert.NilError(t, err)
	assert.Assert(t, added)
	return r
}

func cluster(id string, members ...ci.Failure) ci.Cluster {
	return ci.Cluster{
		ID: id, Kind: ci.KindTest, Confidence: 0.75, Members: members,
		Cause:        ci.Cause{Class: ci.ClassAssertion, Sentence: "the pool hands out a block twice"},
		Fingerprints: []string{"k1-" + id, "k1-near\n" + id},
	}
}

func runIDs(rows []history.RunRow) string {
	var out []string
	for _, r := range rows {
		out = append(out, strings.TrimPrefix(r.Run, "run-")+r.Shard)
	}
	return strings.Join(out, " ")
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		assert.NilError(t, err)
		out = append(out, v)
	}
	return out
}

func testEmpty(t *testing.T, s Store) {
	ctx := t.Context()
	runs, err := s.Runs(ctx, history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(runs), 0)
	_, ok, err := history.LastGreen(ctx, s, history.Filter{})
	assert.NilError(t, err)
	assert.Assert(t, !ok)
	known, err := history.KnownClusters(ctx, s, history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(known), 0)
	executions, err := history.Executions(ctx, s, history.Filter{}, "tests/test_kv.py::test_a", 10)
	assert.NilError(t, err)
	assert.Equal(t, len(executions), 0)
	failures, err := s.Failures(ctx, history.Key{Run: "none"})
	assert.NilError(t, err)
	assert.Equal(t, len(failures), 0)
	assert.Equal(t, len(collect(t, s.Scan(ctx, history.Filter{}))), 0)
}

// fullRun has something in every column.
func fullRun() (ci.Run, []ci.Cluster) {
	run := Run(7,
		Result("tests/test_b.py::test_z", ci.Passed),
		Result("tests/test_a.py::test_flaky", ci.Failed),
		Result("tests/test_a.py::test_setup", ci.Errored),
		Result("tests/test_a.py::test_skip", ci.Skipped),
		Result("tests/test_a.py::test_xfail", ci.XFailed),
		Result("tests/test_a.py::test_xpass", ci.XPassed),
		Result("tests/test_a.py::test_cut", ci.Unknown),
	)
	again := Result("tests/test_a.py::test_flaky", ci.Passed)
	again.Attempt, again.Timed = 2, false
	other := Result("tests/test_b.py::test_z", ci.Passed)
	other.Variant, other.Duration = "py3.12", 3*time.Hour
	run.Tests = append(run.Tests, again, other)
	run.Base, run.Dirty = strings.Repeat("b", 40), true
	run.Diagnostics = []ci.Diagnostic{
		{Tool: "ruff", Kind: ci.KindLint, Rule: "F401", Severity: ci.SeverityError, Message: "unused import", Pos: ci.Position{File: "kv/pool.py", Line: 3}},
		{Tool: "ruff", Kind: ci.KindLint, Rule: "D100", Severity: ci.SeverityInfo, Message: "no docstring"},
	}
	run.Coverage = &ci.Coverage{Tool: "coverage.py", Branches: true, Files: map[string]*ci.FileCoverage{
		"kv/pool.py": {Covered: 90, Total: 100, CoveredBranches: 7, TotalBranches: 10},
	}}
	crash := ci.Failure{Kind: ci.KindError, Tool: "pytest", Message: "INTERNALERROR"}
	return run, []ci.Cluster{cluster("k1-b", *run.Tests[1].Failure), cluster("k1-a", crash)}
}

func testRoundTrip(t *testing.T, s Store) {
	ctx := t.Context()
	run, clusters := fullRun()
	want := put(t, s, run, "", clusters...)

	rows, err := s.Runs(ctx, history.Filter{})
	assert.NilError(t, err)
	assert.DeepEqual(t, rows, []history.RunRow{want.Run})
	row := rows[0]
	assert.DeepEqual(t, row.Coverage, &history.Coverage{Series: "coverage.py/branch", Covered: 90, Total: 100, CoveredBranches: 7, TotalBranches: 10})
	assert.Equal(t, row.Results, 9)
	assert.Equal(t, row.Passed, 5)
	assert.Equal(t, row.Failed, 1)
	assert.Equal(t, row.Skipped, 1)
	assert.Equal(t, row.Recovered, 1)
	assert.Assert(t, row.Started.Equal(run.Started))
	assert.Assert(t, row.Dirty && row.Main && !row.Green)

	records := collect(t, s.Records(ctx, history.Filter{}))
	assert.DeepEqual(t, records, []history.Record{want})

	failures, err := s.Failures(ctx, row.Key)
	assert.NilError(t, err)
	assert.DeepEqual(t, failures, want.Failures)
	var got []string
	for _, f := range failures {
		got = append(got, fmt.Sprintf("%s/%s/%d/%s", f.Test.Name(), f.Rule, f.Attempt, f.Cluster))
	}
	assert.DeepEqual(t, got, []string{"//0/k1-a", "/F401/0/", "test_flaky//1/k1-b", "test_setup//1/"})

	executions, err := history.Executions(ctx, s, history.Filter{Repo: run.Repo}, "tests/test_a.py::test_flaky", 5)
	assert.NilError(t, err)
	assert.Equal(t, len(executions), 2)
	assert.Equal(t, executions[0].Outcome, ci.Failed)
	assert.Equal(t, executions[0].Duration, 1500*time.Microsecond)
	assert.Equal(t, executions[1].Outcome, ci.Passed)
	assert.Equal(t, executions[1].Attempt, 2)
	assert.Assert(t, !executions[1].Timed)
}

func testIdempotent(t *testing.T, s Store) {
	run, clusters := fullRun()
	r := put(t, s, run, "", clusters...)
	for range 3 {
		added, err := s.Put(t.Context(), r)
		assert.NilError(t, err)
		assert.Assert(t, !added)
	}
	rows, err := s.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 1)
	tests, err := s.Tests(t.Context(), run.Repo)
	assert.NilError(t, err)
	assert.Equal(t, len(tests), len(r.Tests))
}

func testConflict(t *testing.T, s Store) {
	put(t, s, Run(1, Result("a", ci.Passed)), "")
	other, err := history.NewRecord(Run(1, Result("a", ci.Failed)), "", nil)
	assert.NilError(t, err)
	added, err := s.Put(t.Context(), other)
	assert.ErrorIs(t, err, history.ErrConflict)
	assert.Assert(t, !added)
	var explained *history.Error
	assert.Assert(t, errors.As(err, &explained) && explained.Hint() != "")
	rows, err := s.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 1)
	assert.Equal(t, rows[0].Passed, 1)

	again := Run(1, Result("a", ci.Failed))
	again.Attempt = 2
	put(t, s, again, "")
	put(t, s, Run(1, Result("a", ci.Failed)), "2/2")
}

func testChecksum(t *testing.T, s Store) {
	r, err := history.NewRecord(Run(1, Result("a", ci.Passed)), "", nil)
	assert.NilError(t, err)
	r.Results.Outcomes = []ci.Outcome{ci.Failed}
	_, err = s.Put(t.Context(), r)
	assert.ErrorIs(t, err, history.ErrCorrupt)
	rows, err := s.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 0)
}

func testFilter(t *testing.T, s Store) {
	for _, n := range []int{3, 1, 6, 2, 5, 4} { // not in the order of time
		run := Run(n, Result("a", ci.Passed))
		switch n {
		case 2:
			run.Branch, run.Main = "topic", false
		case 3:
			run.Tests[0] = Result("a", ci.Failed)
		case 4:
			run.Dirty = true
		case 5:
			run.Tree = Run(1).Tree
		case 6:
			run.Tests = nil // nothing ran
		}
		put(t, s, run, "")
	}
	lost := Run(9, Result("a", ci.Passed))
	lost.Started, lost.Repo = time.Time{}, "kv/other"
	put(t, s, lost, "")

	for _, c := range []struct {
		name string
		f    history.Filter
		want string
	}{
		{"all, those without a time last", history.Filter{}, "006 005 004 003 002 001 009"},
		{"a repository", history.Filter{Repo: "kv/other"}, "009"},
		{"one run", history.Filter{Run: "run-004"}, "004"},
		{"a branch", history.Filter{Branch: "topic"}, "002"},
		{"main", history.Filter{Repo: "kv/tools", Main: true}, "006 005 004 003 001"},
		{"green", history.Filter{Repo: "kv/tools", Green: true}, "005 004 002 001"},
		{"clean", history.Filter{Repo: "kv/tools", Clean: true}, "006 005 003 002 001"},
		{"a tree", history.Filter{Tree: Run(1).Tree}, "005 001"},
		{"a commit", history.Filter{Commit: Run(3).Commit}, "003"},
		{"the newest two", history.Filter{Limit: 2}, "006 005"},
		{"from a time on", history.Filter{Since: Run(5).Started}, "006 005"},
		{"before a time", history.Filter{Before: Run(3).Started}, "002 001"},
		{"nothing", history.Filter{Workflow: "nightly"}, ""},
	} {
		rows, err := s.Runs(t.Context(), c.f)
		assert.NilError(t, err)
		assert.Check(t, is.Equal(runIDs(rows), c.want), c.name)
	}
	green, ok, err := history.LastGreen(t.Context(), s, history.Filter{Repo: "kv/tools"})
	assert.NilError(t, err)
	assert.Assert(t, ok)
	assert.Equal(t, green.Run, "run-005")
}

func testShards(t *testing.T, s Store) {
	put(t, s, Run(1, Result("a", ci.Passed)), "1/2")
	put(t, s, Run(1, Result("b", ci.Passed)), "2/2")
	put(t, s, Run(2, Result("a", ci.Passed)), "1/2")
	put(t, s, Run(2, Result("b", ci.Failed)), "2/2")
	rows, err := s.Runs(t.Context(), history.Filter{Green: true})
	assert.NilError(t, err)
	assert.Equal(t, runIDs(rows), "0011/2 0012/2")
}

func testRepositories(t *testing.T, s Store) {
	put(t, s, Run(1, Result("a", ci.Passed)), "")
	other := Run(1, Result("a", ci.Failed))
	other.Repo = "kv/other"
	put(t, s, other, "")
	tools, err := s.Tests(t.Context(), "kv/tools")
	assert.NilError(t, err)
	others, err := s.Tests(t.Context(), "kv/other")
	assert.NilError(t, err)
	all, err := s.Tests(t.Context(), "")
	assert.NilError(t, err)
	assert.Equal(t, len(tools), 1)
	assert.Equal(t, len(others), 1)
	assert.Equal(t, len(all), 2)
	assert.Assert(t, tools[0].Index != others[0].Index)
	executions, err := history.Executions(t.Context(), s, history.Filter{Repo: "kv/other"}, "a", 0)
	assert.NilError(t, err)
	assert.Equal(t, len(executions), 1)
	assert.Equal(t, executions[0].Outcome, ci.Failed)
}

func testExecutions(t *testing.T, s Store) {
	for n := 1; n <= 6; n++ {
		arm := Result("a", ci.Passed)
		arm.Variant = "arm64"
		results := []ci.TestResult{arm, Result("b", ci.Passed)}
		if n%2 == 0 {
			results = append(results, Result("a", ci.Failed))
		}
		put(t, s, Run(n, results...), "")
	}
	executions, err := history.Executions(t.Context(), s, history.Filter{}, "a", 2)
	assert.NilError(t, err)
	var got []string
	for _, e := range executions {
		got = append(got, fmt.Sprintf("%s %s %q", e.Run.Run, e.Outcome, e.Variant))
	}
	assert.DeepEqual(t, got, []string{`run-006 failed ""`, `run-006 passed "arm64"`, `run-005 passed "arm64"`})
}

func testClusters(t *testing.T, s Store) {
	fails := Result("a", ci.Failed)
	put(t, s, Run(1, fails), "", cluster("old", *fails.Failure), cluster("gone", *fails.Failure))
	put(t, s, Run(2, Result("a", ci.Passed)), "")
	put(t, s, Run(3, fails), "", cluster("old", *fails.Failure))
	topic := Run(4, Result("a", ci.Passed))
	topic.Main, topic.Branch = false, "topic"
	put(t, s, topic, "", cluster("mine", *fails.Failure))
	put(t, s, Run(5, fails), "", cluster("old", *fails.Failure))

	known, err := history.KnownClusters(t.Context(), s, history.Filter{Repo: "kv/tools"})
	assert.NilError(t, err)
	var got []string
	for _, k := range known {
		got = append(got, fmt.Sprintf("%s: %d runs, %s to %s, main %v %s", k.ID, k.Runs, k.First.Run, k.Last.Run, k.Main, k.MainSince.Run))
	}
	assert.DeepEqual(t, got, []string{
		"gone: 1 runs, run-001 to run-001, main false ",
		"mine: 1 runs, run-004 to run-004, main false ",
		"old: 3 runs, run-001 to run-005, main true run-003",
	})
	assert.Equal(t, known[2].Sentence, "the pool hands out a block twice")
	assert.Equal(t, known[2].Confidence, 0.75)
	assert.DeepEqual(t, known[2].Fingerprints, []string{"k1-old", "k1-near\nold"})
	newest, err := s.Sightings(t.Context(), history.Filter{Limit: 2})
	assert.NilError(t, err)
	assert.Equal(t, len(newest), 2)
	assert.Equal(t, newest[0].Cluster.ID, "old")
	assert.Equal(t, newest[1].Cluster.ID, "mine")
}

// hostile are names and messages that have broken stores.
var hostile = []string{
	"", "nul\x00byte", "bad utf-8 \xff\xfe", "'; DROP TABLE run; --", "\x1b[31mred\x1b[0m", "<script>", "日本語 🚦",
	"line\nfeed\r\n", strings.Repeat("long ", 5000), strings.Repeat("long ", 5001), "\u2028", `{"json": "\u0000"}`,
}

func testHostile(t *testing.T, s Store) {
	run := Run(1)
	for _, text := range hostile {
		r := Result(text, ci.Failed)
		r.Variant, r.Failure.Message = text, text
		run.Tests = append(run.Tests, r)
	}
	run.Workflow, run.Branch = hostile[2], hostile[3]
	want := put(t, s, run, hostile[6], cluster(hostile[3], *run.Tests[4].Failure))
	assert.Equal(t, len(want.Tests), len(hostile)) // two long names stay two
	assert.DeepEqual(t, collect(t, s.Records(t.Context(), history.Filter{})), []history.Record{want})
	for _, f := range want.Failures {
		assert.Assert(t, len(f.Message) <= 4<<10)
	}
	rows, err := s.Runs(t.Context(), history.Filter{Branch: hostile[3]})
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 1)

	var exported bytes.Buffer
	assert.NilError(t, history.Export(&exported, s.Records(t.Context(), history.Filter{})))
	added, _, err := history.Import(t.Context(), NewMemory(), &exported)
	assert.NilError(t, err)
	assert.Equal(t, added, 1)
}

func testReplay(t *testing.T, s Store) {
	ctx := t.Context()
	laptop := NewMemory()
	for n := 1; n <= 4; n++ {
		put(t, s, Run(n, Result("a", ci.Passed), Result("b", ci.Failed)), "")
	}
	for n := 4; n <= 6; n++ { // one run is in both
		put(t, laptop, Run(n, Result("a", ci.Passed), Result("b", ci.Failed)), "")
	}
	var out bytes.Buffer
	assert.NilError(t, history.Export(&out, laptop.Records(ctx, history.Filter{})))
	added, skipped, err := history.Import(ctx, s, bytes.NewReader(out.Bytes()))
	assert.NilError(t, err)
	assert.Equal(t, added, 2)
	assert.Equal(t, skipped, 1)
	added, skipped, err = history.Import(ctx, s, bytes.NewReader(out.Bytes()))
	assert.NilError(t, err)
	assert.Equal(t, added, 0)
	assert.Equal(t, skipped, 3)

	out.Reset()
	assert.NilError(t, history.Export(&out, s.Records(ctx, history.Filter{})))
	_, _, err = history.Import(ctx, laptop, &out)
	assert.NilError(t, err)
	assert.DeepEqual(t, collect(t, s.Records(ctx, history.Filter{})), collect(t, laptop.Records(ctx, history.Filter{})))

	_, _, err = history.Import(ctx, s, io.LimitReader(bytes.NewReader(exported(t, laptop)), 100))
	assert.Assert(t, err != nil)
}

func exported(t *testing.T, s Store) []byte {
	t.Helper()
	var out bytes.Buffer
	assert.NilError(t, history.Export(&out, s.Records(t.Context(), history.Filter{})))
	return out.Bytes()
}

func testScanAndWrite(t *testing.T, s Store) {
	for n := 1; n <= 5; n++ {
		put(t, s, Run(n, Result("a", ci.Passed)), "")
	}
	n := 10
	for b, err := range s.Scan(t.Context(), history.Filter{}) {
		assert.NilError(t, err)
		put(t, s, Run(n, Result("new", ci.Passed)), "")
		_, err := s.Failures(t.Context(), b.Run.Key)
		assert.NilError(t, err)
		if n++; n == 13 {
			break
		}
	}
	rows, err := s.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, runIDs(rows), "012 011 010 005 004 003 002 001")
}

func testConcurrent(t *testing.T, s Store) {
	const writers, each = 6, 8
	var wait sync.WaitGroup
	failed := make(chan error, 2*writers*each)
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				name := fmt.Sprintf("t%d", i) // all writers meet the same new tests
				r, err := history.NewRecord(Run(w*each+i, Result(name, ci.Passed), Result("own"+fmt.Sprint(w), ci.Failed)), "", nil)
				if err == nil {
					_, err = s.Put(t.Context(), r)
				}
				failed <- err
				_, err = s.Runs(t.Context(), history.Filter{Limit: 3})
				failed <- err
			}
		})
	}
	wait.Wait()
	close(failed)
	for err := range failed {
		assert.NilError(t, err)
	}
	records := collect(t, s.Records(t.Context(), history.Filter{}))
	assert.Equal(t, len(records), writers*each)
	tests, err := s.Tests(t.Context(), "")
	assert.NilError(t, err)
	assert.Equal(t, len(tests), each+writers)
	assert.Assert(t, slices.IsSortedFunc(tests, func(a, b history.Test) int { return int(a.Index) - int(b.Index) }))
}

func testCancelled(t *testing.T, s Store) {
	put(t, s, Run(1, Result("a", ci.Passed)), "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := history.NewRecord(Run(2, Result("a", ci.Passed)), "", nil)
	assert.NilError(t, err)
	_, err = s.Put(ctx, r)
	assert.ErrorIs(t, err, context.Canceled)
	for _, err := range s.Scan(ctx, history.Filter{}) {
		assert.ErrorIs(t, err, context.Canceled)
	}
	rows, err := s.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 1)
}
