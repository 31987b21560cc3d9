package historytest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"keepgreen/internal/history"
)

// Memory is a store without a file, for tests of what is built on one. It
// behaves as the others do: Conformance holds it to that.
type Memory struct {
	mu       sync.RWMutex
	records  []history.Record
	tests    []memoryTest // element i has the index i+1
	indexes  map[memoryTest]history.Index
	closed   bool
	findings map[string]*memoryFindings // by repository
}

type memoryTest struct {
	repo string
	test history.Test // its Index is 0
}

// NewMemory is an empty store.
func NewMemory() *Memory {
	return &Memory{indexes: map[memoryTest]history.Index{}, findings: map[string]*memoryFindings{}}
}

// Put records a run.
func (m *Memory) Put(ctx context.Context, r history.Record) (added bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if sum, err := r.Sum(); err != nil || sum != r.Run.SHA256 {
		return false, &history.Error{Path: "memory", Kind: history.ErrCorrupt, Err: err}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, fmt.Errorf("memory: closed")
	}
	for _, old := range m.records {
		if old.Run.Key != r.Run.Key {
			continue
		}
		if old.Run.SHA256 != r.Run.SHA256 {
			return false, &history.Error{Path: "memory", Kind: history.ErrConflict}
		}
		return false, nil
	}
	for _, t := range r.Tests {
		m.intern(r.Run.Repo, t)
	}
	m.records = append(m.records, r)
	slices.SortFunc(m.records, func(a, b history.Record) int { return newestFirst(a.Run, b.Run) })
	return true, nil
}

func (m *Memory) intern(repo string, t history.Test) {
	t.Index = 0
	key := memoryTest{repo, t}
	if m.indexes[key] == 0 {
		m.tests = append(m.tests, key)
		m.indexes[key] = history.Index(len(m.tests))
	}
}

func newestFirst(a, b history.RunRow) int {
	return cmp.Or(
		b.Started.Compare(a.Started), cmp.Compare(a.Repo, b.Repo), cmp.Compare(a.Run, b.Run),
		cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(a.Shard, b.Shard),
	)
}

// Records yields the selected runs whole.
func (m *Memory) Records(ctx context.Context, f history.Filter) iter.Seq2[history.Record, error] {
	return func(yield func(history.Record, error) bool) {
		for _, r := range m.selected(f) {
			if err := ctx.Err(); err != nil {
				yield(history.Record{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *Memory) selected(f history.Filter) []history.Record {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []history.Record
	for _, r := range m.records {
		if f.Limit > 0 && len(out) == f.Limit {
			break
		}
		if matches(f, r.Run) && (!f.Green || m.allGreen(r.Run)) {
			out = append(out, r)
		}
	}
	return out
}

func matches(f history.Filter, r history.RunRow) bool {
	for _, pair := range [][2]string{
		{f.Repo, r.Repo}, {f.Run, r.Run}, {f.Workflow, r.Workflow}, {f.Branch, r.Branch}, {f.Commit, r.Commit}, {f.Tree, r.Tree},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	switch {
	case f.Main && !r.Main, f.Clean && r.Dirty:
		return false
	case !f.Since.IsZero() && r.Started.Before(f.Since):
		return false
	case !f.Before.IsZero() && (r.Started.IsZero() || !r.Started.Before(f.Before)):
		return false
	}
	return true
}

func (m *Memory) allGreen(r history.RunRow) bool {
	for _, other := range m.records {
		o := other.Run
		if o.Repo == r.Repo && o.Run == r.Run && o.Attempt == r.Attempt && !o.Green {
			return false
		}
	}
	return true
}

// Runs lists the selected runs.
func (m *Memory) Runs(ctx context.Context, f history.Filter) ([]history.RunRow, error) {
	var out []history.RunRow
	for r, err := range m.Records(ctx, f) {
		if err != nil {
			return nil, err
		}
		out = append(out, r.Run)
	}
	return out, nil
}

// Scan yields the selected runs with their results.
func (m *Memory) Scan(ctx context.Context, f history.Filter) iter.Seq2[history.Block, error] {
	return func(yield func(history.Block, error) bool) {
		for r, err := range m.Records(ctx, f) {
			if !yield(history.Block{Run: r.Run, Results: m.numbered(r)}, err) {
				return
			}
		}
	}
}

// numbered is the record's results with this store's numbers, sorted by them.
func (m *Memory) numbered(r history.Record) history.Results {
	m.mu.RLock()
	defer m.mu.RUnlock()
	number := func(i int) history.Index {
		t := r.Tests[r.Results.Tests[i]]
		t.Index = 0
		return m.indexes[memoryTest{r.Run.Repo, t}]
	}
	order := make([]int, r.Results.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(number(a), number(b)) })
	var out history.Results
	for _, i := range order {
		out.Tests = append(out.Tests, number(i))
		out.Outcomes = append(out.Outcomes, r.Results.Outcomes[i])
		out.Attempts = append(out.Attempts, r.Results.Attempts[i])
		out.Durations = append(out.Durations, r.Results.Durations[i])
	}
	return out
}

// Tests is the dictionary of a repository.
func (m *Memory) Tests(_ context.Context, repo string) ([]history.Test, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []history.Test
	for i, t := range m.tests {
		if repo == "" || t.repo == repo {
			out = append(out, history.Test{Index: history.Index(i + 1), ID: t.test.ID, Variant: t.test.Variant})
		}
	}
	return out, nil
}

// Failures lists what went wrong in one record.
func (m *Memory) Failures(_ context.Context, k history.Key) ([]history.Failure, error) {
	for _, r := range m.selected(history.Filter{}) {
		if r.Run.Key == k {
			return slices.Clone(r.Failures), nil
		}
	}
	return nil, nil
}

// Sightings lists the clusters of the selected runs.
func (m *Memory) Sightings(ctx context.Context, f history.Filter) ([]history.Sighting, error) {
	var out []history.Sighting
	for r, err := range m.Records(ctx, f) {
		if err != nil {
			return nil, err
		}
		for _, c := range r.Clusters {
			out = append(out, history.Sighting{Run: r.Run, Cluster: c})
		}
	}
	return out, nil
}

// Close makes the store refuse further writing.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
