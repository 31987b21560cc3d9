package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// Put records a run, as Append does. It is one transaction.
func (s *Store) Put(ctx context.Context, r Record) (added bool, err error) {
	if sum, err := r.Sum(); err != nil || sum != r.Run.SHA256 {
		return false, &Error{Path: s.path, Kind: ErrCorrupt, Err: errors.Join(err, errors.New("the record does not match its checksum"))}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, explain(s.path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	if known, err := s.recorded(ctx, tx, r.Run); known || err != nil {
		return false, err
	}
	if err := s.put(ctx, tx, r); err != nil {
		s.names = dictionary{} // it may hold ids that were rolled back
		return false, explain(s.path, err)
	}
	if err := tx.Commit(); err != nil {
		s.names = dictionary{}
		return false, explain(s.path, err)
	}
	return true, nil
}

func (s *Store) recorded(ctx context.Context, tx *sql.Tx, row RunRow) (bool, error) {
	var sum string
	err := tx.QueryRowContext(ctx, "SELECT sha256 FROM run WHERE repo = ? AND run = ? AND attempt = ? AND shard = ?",
		row.Repo, row.Run, row.Attempt, row.Shard).Scan(&sum)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, explain(s.path, err)
	case sum != row.SHA256:
		return false, &Error{Path: s.path, Kind: ErrConflict, Err: fmt.Errorf("%s, attempt %d, shard %q", row.Run, row.Attempt, row.Shard)}
	}
	return true, nil
}

func (s *Store) put(ctx context.Context, tx *sql.Tx, r Record) error {
	ids, err := s.intern(ctx, tx, r.Run.Repo, r.Tests)
	if err != nil {
		return err
	}
	data, err := EncodeBlock(r.Results.renumber(func(i Index) Index { return ids[i] }))
	if err != nil {
		return err
	}
	run, err := insertRun(ctx, tx, r.Run)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO block (run_id, data) VALUES (?, ?)", run, data); err != nil {
		return err
	}
	failures := make([][]any, len(r.Failures))
	for i, f := range r.Failures {
		failures[i] = []any{run, i, string(f.Test), f.Variant, f.Attempt, string(f.Kind), f.Cluster, f.Tool, f.Rule, f.Message, f.File, f.Line}
	}
	if err := insertRows(ctx, tx, "failure", failures); err != nil {
		return err
	}
	clusters := make([][]any, len(r.Clusters))
	for i, c := range r.Clusters {
		clusters[i] = []any{run, c.ID, string(c.Kind), string(c.Class), c.Sentence, c.Message, c.Count, c.Confidence, listText(c.Fingerprints)}
	}
	return insertRows(ctx, tx, "cluster", clusters)
}

func insertRun(ctx context.Context, tx *sql.Tx, r RunRow) (int64, error) {
	var series, covered, total, coveredBranches, totalBranches any
	if c := r.Coverage; c != nil {
		series, covered, total, coveredBranches, totalBranches = c.Series, c.Covered, c.Total, c.CoveredBranches, c.TotalBranches
	}
	values := []any{
		nil, r.Repo, r.Run, r.Attempt, r.Shard, r.Workflow, r.Event, r.Branch, r.Commit, r.Tree, r.Base,
		r.Dirty, r.Main, r.Green, micros(r.Started), int64(r.Duration), r.Results, r.Passed, r.Failed, r.Skipped, r.Recovered,
		r.Diagnostics, r.Failures, series, covered, total, coveredBranches, totalBranches, r.SHA256,
	}
	result, err := tx.ExecContext(ctx, "INSERT INTO run VALUES ("+marks(len(values))+")", values...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// insertRows writes rows in statements of many: a statement for each is half as
// fast again.
func insertRows(ctx context.Context, tx querier, table string, rows [][]any) error {
	for batch := range slices.Chunk(rows, 200) {
		one := "(" + marks(len(batch[0])) + ")"
		query := "INSERT INTO " + table + " VALUES " + strings.Repeat(one+", ", len(batch)-1) + one
		if _, err := tx.ExecContext(ctx, query, slices.Concat(batch...)...); err != nil {
			return err
		}
	}
	return nil
}

func marks(n int) string { return strings.Repeat("?, ", n-1) + "?" }

func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// dictionary is the part of the table test that belongs to one repository.
type dictionary struct {
	repo   string
	ids    map[Test]Index // the keys' Index is 0
	newest Index
}

// intern gives the tests their numbers in this store, new ones where needed.
func (s *Store) intern(ctx context.Context, tx *sql.Tx, repo string, tests []Test) ([]Index, error) {
	if s.names.ids == nil || s.names.repo != repo {
		s.names = dictionary{repo: repo, ids: map[Test]Index{}}
	}
	// What other processes have added since is numbered above the newest we know.
	if err := s.names.load(ctx, tx); err != nil {
		return nil, err
	}
	var fresh [][]any
	for _, t := range tests {
		if _, known := s.names.ids[Test{ID: t.ID, Variant: t.Variant}]; !known {
			fresh = append(fresh, []any{nil, repo, string(t.ID), t.Variant})
		}
	}
	if err := insertRows(ctx, tx, "test", fresh); err != nil {
		return nil, err
	}
	if err := s.names.load(ctx, tx); err != nil {
		return nil, err
	}
	out := make([]Index, len(tests))
	for i, t := range tests {
		out[i] = s.names.ids[Test{ID: t.ID, Variant: t.Variant}]
	}
	return out, nil
}

func (d *dictionary) load(ctx context.Context, q querier) error {
	rows, err := q.QueryContext(ctx, "SELECT id, name, variant FROM test WHERE id > ? AND repo = ? ORDER BY id", d.newest, d.repo)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t Test
		var id Index
		if err := rows.Scan(&id, (*string)(&t.ID), &t.Variant); err != nil {
			return err
		}
		d.ids[t], d.newest = id, id
	}
	return rows.Err()
}

// renumber gives each test another number and sorts by that; executions of one
// test keep their order.
func (r Results) renumber(number func(Index) Index) Results {
	tests := make([]Index, r.Len())
	for i, t := range r.Tests {
		tests[i] = number(t)
	}
	order := make([]int, r.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(tests[a], tests[b]) })
	out := Results{
		Tests: make([]Index, r.Len()), Outcomes: make([]ci.Outcome, r.Len()),
		Attempts: make([]uint8, r.Len()), Durations: make([]uint32, r.Len()),
	}
	for at, i := range order {
		out.Tests[at], out.Outcomes[at] = tests[i], r.Outcomes[i]
		out.Attempts[at], out.Durations[at] = r.Attempts[i], r.Durations[i]
	}
	return out
}
