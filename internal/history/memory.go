package history

import (
	"context"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"keepgreen/internal/ci"
)

// Green is the log of a job that went well, as templates: what the next red run
// of the same job is compared with. Records do not hold it; it can be learned
// again from any green run.
type Green struct {
	Repo, Workflow, Job string
	Run                 string
	Learned             time.Time
	Templates           []byte // triage.Templates' text form; bounded by MaxGreen
}

// Bounds on what green logs weigh in the file.
const (
	MaxGreen  = 4 << 20 // bytes of one log's templates; a log with more has no shape worth keeping
	keepGreen = 3       // runs of a job; LogSage compares with as many (arXiv 2506.03691)
	keepJobs  = 300     // of all logs of a repository, the newest
)

// PutGreen keeps what a green run's log looked like, and forgets the oldest of
// that job. Templates over the bound are not kept.
func (s *Store) PutGreen(ctx context.Context, g Green) error {
	if len(g.Templates) > MaxGreen {
		return nil
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	defer func() { _ = packer.Close() }() // it wrote nothing
	g.Repo, g.Workflow, g.Job = text(g.Repo, maxName), text(g.Workflow, maxName), text(g.Job, maxName)
	return s.write(ctx, func(q querier) error {
		_, err := q.ExecContext(ctx, "INSERT OR REPLACE INTO green_log VALUES (?, ?, ?, ?, ?, ?)",
			g.Repo, g.Workflow, g.Job, text(g.Run, maxName), g.Learned.UnixMicro(), packer.EncodeAll(g.Templates, nil))
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, `DELETE FROM green_log WHERE repo = ? AND workflow = ? AND job = ? AND run NOT IN
			(SELECT run FROM green_log WHERE repo = ? AND workflow = ? AND job = ? ORDER BY learned DESC, run LIMIT ?)`,
			g.Repo, g.Workflow, g.Job, g.Repo, g.Workflow, g.Job, keepGreen)
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, `DELETE FROM green_log WHERE repo = ? AND rowid NOT IN
			(SELECT rowid FROM green_log WHERE repo = ? ORDER BY learned DESC LIMIT ?)`, g.Repo, g.Repo, keepJobs)
		return err
	})
}

// Greens are the logs that are kept of a job, newest first.
func (s *Store) Greens(ctx context.Context, repo, workflow, job string) ([]Green, error) {
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*MaxGreen))
	if err != nil {
		return nil, err
	}
	defer unpacker.Close()
	repo, workflow, job = text(repo, maxName), text(workflow, maxName), text(job, maxName)
	rows, err := s.db.QueryContext(ctx,
		"SELECT run, learned, data FROM green_log WHERE repo = ? AND workflow = ? AND job = ? ORDER BY learned DESC, run", repo, workflow, job)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []Green
	for rows.Next() {
		g := Green{Repo: repo, Workflow: workflow, Job: job}
		var learned int64
		var data []byte
		if err := rows.Scan(&g.Run, &learned, &data); err != nil {
			return nil, explain(s.path, err)
		}
		g.Learned = time.UnixMicro(learned).UTC()
		if g.Templates, err = unpacker.DecodeAll(data, nil); err != nil {
			return nil, &Error{Path: s.path, Kind: ErrCorrupt, Err: fmt.Errorf("the green log of %s in run %s: %w", job, g.Run, err)}
		}
		out = append(out, g)
	}
	return out, explain(s.path, rows.Err())
}

// Judged is what was said of a test last time: hysteresis needs it, since a
// verdict holds until there is reason to say otherwise.
type Judged struct {
	Test    ci.TestID
	Variant string
	Verdict ci.FlakeVerdict
}

// PutVerdicts replaces what was said of the repository's tests.
func (s *Store) PutVerdicts(ctx context.Context, repo string, said []Judged) error {
	repo = text(repo, maxName)
	rows := make([][]any, len(said))
	for i, j := range said {
		rows[i] = []any{repo, text(string(j.Test), maxName), text(j.Variant, maxName), string(j.Verdict)}
	}
	return s.write(ctx, func(q querier) error {
		if _, err := q.ExecContext(ctx, "DELETE FROM verdict WHERE repo = ?", repo); err != nil {
			return err
		}
		return insertRows(ctx, q, "verdict", rows)
	})
}

// Verdicts is what was said last.
func (s *Store) Verdicts(ctx context.Context, repo string) (said []Judged, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT test, variant, verdict FROM verdict WHERE repo = ? ORDER BY test, variant", text(repo, maxName))
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var j Judged
		if err := rows.Scan((*string)(&j.Test), &j.Variant, (*string)(&j.Verdict)); err != nil {
			return nil, explain(s.path, err)
		}
		said = append(said, j)
	}
	return said, explain(s.path, rows.Err())
}

// write does something in one transaction.
func (s *Store) write(ctx context.Context, do func(q querier) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(s.path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := do(tx); err != nil {
		return explain(s.path, err)
	}
	return explain(s.path, tx.Commit())
}
