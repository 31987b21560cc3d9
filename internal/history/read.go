package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

const runColumns = `id, repo, run, attempt, shard, workflow, event, branch, commit_sha, tree_sha, base_sha,
	dirty, main, green, started, duration, results, passed, failed, skipped, recovered, diagnostics, failures,
	series, covered, total, covered_branches, total_branches, sha256`

// where is the filter as SQL over the table run.
func (f Filter) where() (clause string, args []any) {
	var terms []string
	equal := func(column, value string) {
		if value != "" {
			terms, args = append(terms, column+" = ?"), append(args, value)
		}
	}
	equal("repo", f.Repo)
	equal("run", f.Run)
	equal("workflow", f.Workflow)
	equal("branch", f.Branch)
	equal("commit_sha", f.Commit)
	equal("tree_sha", f.Tree)
	if f.Main {
		terms = append(terms, "main = 1")
	}
	if f.Clean {
		terms = append(terms, "dirty = 0")
	}
	if f.Green {
		terms = append(terms, `green = 1 AND NOT EXISTS (SELECT 1 FROM run AS other WHERE other.green = 0
			AND other.repo = run.repo AND other.run = run.run AND other.attempt = run.attempt)`)
	}
	if !f.Since.IsZero() {
		terms, args = append(terms, "started >= ?"), append(args, f.Since.UnixMicro())
	}
	if !f.Before.IsZero() {
		terms, args = append(terms, "started < ?"), append(args, f.Before.UnixMicro())
	}
	if len(terms) > 0 {
		clause = " WHERE " + strings.Join(terms, " AND ")
	}
	clause += " ORDER BY started DESC, repo, run, attempt, shard"
	if f.Limit > 0 {
		clause += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return clause, args
}

// Runs lists the selected runs, newest first. Runs that do not say when they
// started come last.
func (s *Store) Runs(ctx context.Context, f Filter) ([]RunRow, error) {
	_, rows, err := s.runs(ctx, f)
	return rows, err
}

// runs are the selected rows and their ids in this file.
func (s *Store) runs(ctx context.Context, f Filter) (ids []int64, out []RunRow, err error) {
	clause, args := f.where()
	rows, err := s.db.QueryContext(ctx, "SELECT "+runColumns+" FROM run"+clause, args...)
	if err != nil {
		return nil, nil, explain(s.path, err)
	}
	defer rows.Close()
	for rows.Next() {
		id, row, err := scanRun(rows)
		if err != nil {
			return nil, nil, explain(s.path, err)
		}
		ids, out = append(ids, id), append(out, row)
	}
	return ids, out, explain(s.path, rows.Err())
}

func scanRun(rows *sql.Rows) (id int64, r RunRow, err error) {
	var started, covered, total, coveredBranches, totalBranches sql.NullInt64
	var series sql.NullString
	err = rows.Scan(&id, &r.Repo, &r.Run, &r.Attempt, &r.Shard, &r.Workflow, &r.Event, &r.Branch, &r.Commit, &r.Tree, &r.Base,
		&r.Dirty, &r.Main, &r.Green, &started, &r.Duration, &r.Results, &r.Passed, &r.Failed, &r.Skipped, &r.Recovered,
		&r.Diagnostics, &r.Failures, &series, &covered, &total, &coveredBranches, &totalBranches, &r.SHA256)
	if started.Valid {
		r.Started = time.UnixMicro(started.Int64).UTC()
	}
	if series.Valid {
		r.Coverage = &Coverage{
			Series: series.String, Covered: int(covered.Int64), Total: int(total.Int64),
			CoveredBranches: int(coveredBranches.Int64), TotalBranches: int(totalBranches.Int64),
		}
	}
	return id, r, err
}

// Scan yields the selected runs with their results, newest first. It holds no
// lock between two blocks, so the caller may write meanwhile and take its time;
// what is recorded after the start is not yielded.
func (s *Store) Scan(ctx context.Context, f Filter) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		ids, runs, err := s.runs(ctx, f)
		if err != nil {
			yield(Block{}, err)
			return
		}
		read, err := s.db.PrepareContext(ctx, "SELECT data FROM block WHERE run_id = ?")
		if err != nil {
			yield(Block{}, explain(s.path, err))
			return
		}
		defer read.Close()
		for i, id := range ids {
			results, err := s.block(ctx, read, id)
			if errors.Is(err, sql.ErrNoRows) {
				continue // pruned meanwhile
			}
			if !yield(Block{Run: runs[i], Results: results}, explain(s.path, err)) || err != nil {
				return
			}
		}
	}
}

func (s *Store) block(ctx context.Context, read *sql.Stmt, id int64) (Results, error) {
	var data []byte
	if err := read.QueryRowContext(ctx, id).Scan(&data); err != nil {
		return Results{}, err
	}
	results, err := DecodeBlock(data)
	if err != nil {
		return Results{}, &Error{Path: s.path, Kind: ErrCorrupt, Err: err}
	}
	return results, nil
}

// Tests is the dictionary of a repository, by index; an empty repo means all.
func (s *Store) Tests(ctx context.Context, repo string) ([]Test, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, name, variant FROM test WHERE ?1 = '' OR repo = ?1 ORDER BY id", repo)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []Test
	for rows.Next() {
		var t Test
		if err := rows.Scan(&t.Index, (*string)(&t.ID), &t.Variant); err != nil {
			return nil, explain(s.path, err)
		}
		out = append(out, t)
	}
	return out, explain(s.path, rows.Err())
}

// Failures lists what went wrong in one record, sorted by test and place.
func (s *Store) Failures(ctx context.Context, k Key) ([]Failure, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT f.test, f.variant, f.attempt, f.kind, f.cluster, f.tool, f.rule, f.message, f.file, f.line
		FROM failure f JOIN run r ON r.id = f.run_id
		WHERE r.repo = ? AND r.run = ? AND r.attempt = ? AND r.shard = ? ORDER BY f.seq`, k.Repo, k.Run, k.Attempt, k.Shard)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []Failure
	for rows.Next() {
		var f Failure
		if err := rows.Scan((*string)(&f.Test), &f.Variant, &f.Attempt, (*string)(&f.Kind), &f.Cluster, &f.Tool, &f.Rule, &f.Message, &f.File, &f.Line); err != nil {
			return nil, explain(s.path, err)
		}
		out = append(out, f)
	}
	return out, explain(s.path, rows.Err())
}

// Sightings lists the clusters of the selected runs, newest run first, by ID
// within a run. Filter.Limit counts runs.
func (s *Store) Sightings(ctx context.Context, f Filter) ([]Sighting, error) {
	ids, runs, err := s.runs(ctx, f)
	if err != nil {
		return nil, err
	}
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	clause, args := f.where()
	rows, err := s.db.QueryContext(ctx, `SELECT run_id, id, kind, class, sentence, message, members, confidence, prints
		FROM cluster WHERE run_id IN (SELECT id FROM run`+clause+`) ORDER BY id`, args...)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []Sighting
	for rows.Next() {
		var run int64
		var c Cluster
		var prints string
		if err := rows.Scan(&run, &c.ID, (*string)(&c.Kind), (*string)(&c.Class), &c.Sentence, &c.Message, &c.Count, &c.Confidence, &prints); err != nil {
			return nil, explain(s.path, err)
		}
		if c.Fingerprints, err = textList(prints); err != nil {
			return nil, explain(s.path, err)
		}
		if i, known := at[run]; known { // not one that was recorded between the two queries
			out = append(out, Sighting{Run: runs[i], Cluster: c})
		}
	}
	slices.SortStableFunc(out, func(a, b Sighting) int { return compareRuns(a.Run, b.Run) })
	return out, explain(s.path, rows.Err())
}

// Records yields the selected runs whole, newest first, each verified against
// its checksum: what Export writes and another store's Put takes.
func (s *Store) Records(ctx context.Context, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		names := map[string]map[Index]Test{}
		for block, err := range s.Scan(ctx, f) {
			var record Record
			if err == nil {
				record, err = s.record(ctx, block, names)
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) record(ctx context.Context, b Block, names map[string]map[Index]Test) (Record, error) {
	repo := b.Run.Repo
	if names[repo] == nil {
		tests, err := s.Tests(ctx, repo)
		if err != nil {
			return Record{}, err
		}
		names[repo] = make(map[Index]Test, len(tests))
		for _, t := range tests {
			names[repo][t.Index] = t
		}
	}
	r, err := b.record(names[repo])
	if err != nil {
		return Record{}, explain(s.path, err)
	}
	if r.Failures, err = s.Failures(ctx, b.Run.Key); err != nil {
		return Record{}, err
	}
	if r.Clusters, err = s.clusters(ctx, b.Run.Key); err != nil {
		return Record{}, err
	}
	if sum, err := r.Sum(); err != nil || sum != b.Run.SHA256 {
		return Record{}, &Error{Path: s.path, Kind: ErrCorrupt, Err: errors.Join(err, fmt.Errorf("run %s does not match its checksum", b.Run.Run))}
	}
	return r, nil
}

func (s *Store) clusters(ctx context.Context, k Key) ([]Cluster, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT c.id, c.kind, c.class, c.sentence, c.message, c.members, c.confidence, c.prints
		FROM cluster c JOIN run r ON r.id = c.run_id
		WHERE r.repo = ? AND r.run = ? AND r.attempt = ? AND r.shard = ? ORDER BY c.id`, k.Repo, k.Run, k.Attempt, k.Shard)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []Cluster
	for rows.Next() {
		var c Cluster
		var prints string
		if err := rows.Scan(&c.ID, (*string)(&c.Kind), (*string)(&c.Class), &c.Sentence, &c.Message, &c.Count, &c.Confidence, &prints); err != nil {
			return nil, explain(s.path, err)
		}
		if c.Fingerprints, err = textList(prints); err != nil {
			return nil, explain(s.path, err)
		}
		out = append(out, c)
	}
	return out, explain(s.path, rows.Err())
}
