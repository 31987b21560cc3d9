package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// PipelineRow is what is kept of one attempt of a pipeline: its clock and its
// figures. Who started it is not kept.
type PipelineRow struct {
	Repo     string       `json:"repo"`
	Run      string       `json:"run"`
	Attempt  int          `json:"attempt"`
	Workflow string       `json:"workflow,omitempty"`
	Class    ci.RefClass  `json:"ref_class"`
	Branch   string       `json:"branch,omitempty"`
	Commit   string       `json:"commit,omitempty"`
	URL      string       `json:"url,omitempty"`
	Status   ci.JobStatus `json:"status,omitempty"`
	Created  time.Time    `json:"created,omitzero"` // of the first attempt
	Started  time.Time    `json:"started"`

	// Figures that the key figures are made of; nil: unknown.
	Build    *float64 `json:"build_s,omitempty"`
	Queue    *float64 `json:"queue_s,omitempty"`
	Spent    *float64 `json:"machine_s,omitempty"`
	Coverage *float64 `json:"coverage_pct,omitempty"`
	Flaky    *float64 `json:"flaky,omitempty"` // 0: no
	Saved    *float64 `json:"selection_saved_s,omitempty"`
	Cost     *float64 `json:"model_cost_usd,omitempty"`
	Audited  *float64 `json:"selection_audited,omitempty"`
	Missed   *float64 `json:"selection_missed,omitempty"`
}

// PipelineOf is a run's metrics as the history keeps them.
func PipelineOf(m ci.RunMetrics) PipelineRow {
	row := PipelineRow{
		Repo: text(m.Run.Repo, maxName), Run: text(m.Run.ID, maxName), Attempt: max(m.Run.Attempt, 1), Workflow: text(m.Run.Workflow, maxName),
		Class: m.Run.Class(), Branch: text(m.Run.Branch, maxName), Commit: text(m.Run.Commit, maxName), URL: text(m.Run.URL, maxName),
		Status: m.Timing.Status, Created: instant(m.Run.Created), Started: instant(m.Run.Started),
	}
	if row.Status == "" {
		row.Status = m.Run.Status
	}
	if row.Started.IsZero() {
		row.Started = instant(m.Time)
	}
	for name, to := range map[string]**float64{
		"build_duration_s": &row.Build, "queue_time_s": &row.Queue, "machine_time_s": &row.Spent, "coverage_pct": &row.Coverage,
		"has_flaky_tests": &row.Flaky, "selection_saved_s": &row.Saved, "model_cost_usd": &row.Cost,
		"selection_audited": &row.Audited, "selection_missed": &row.Missed,
	} {
		if v, ok := m.Metric(name); ok {
			*to = &v
		}
	}
	return row
}

const pipelineColumns = `repo, run, attempt, workflow, class, branch, commit_sha, url, status, created, started, build, queue, spent, coverage, flaky, saved, cost, audited, missed`

// PutPipeline records an attempt with its jobs. What is recorded again replaces
// what was: an attempt is collected while it runs, and once more when it has
// ended. Figures that were known stay where the newer collection has none.
func (s *Store) PutPipeline(ctx context.Context, row PipelineRow, jobs []ci.JobTiming) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(s.path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := putPipeline(ctx, tx, row, jobs); err != nil {
		return explain(s.path, err)
	}
	return explain(s.path, tx.Commit())
}

// PutPipelines records many attempts in one transaction, without their jobs.
func (s *Store) PutPipelines(ctx context.Context, rows []PipelineRow) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(s.path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	for _, row := range rows {
		if err := putPipeline(ctx, tx, row, nil); err != nil {
			return explain(s.path, err)
		}
	}
	return explain(s.path, tx.Commit())
}

func putPipeline(ctx context.Context, tx *sql.Tx, row PipelineRow, jobs []ci.JobTiming) error {
	values := []any{
		row.Repo, row.Run, row.Attempt, row.Workflow, string(row.Class), row.Branch, row.Commit, row.URL, string(row.Status), micros(row.Created), micros(row.Started),
		nullable(row.Build), nullable(row.Queue), nullable(row.Spent), nullable(row.Coverage), nullable(row.Flaky), nullable(row.Saved), nullable(row.Cost),
		nullable(row.Audited), nullable(row.Missed),
	}
	if _, err := tx.ExecContext(ctx, pipelineInsert, values...); err != nil || len(jobs) == 0 {
		return err
	}
	kept, err := json.Marshal(jobs)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO pipeline_job VALUES (?, ?, ?, ?)", row.Repo, row.Run, row.Attempt, string(kept))
	return err
}

var pipelineInsert = func() string {
	names := strings.Split(pipelineColumns, ", ")
	update := make([]string, len(names))
	for i, name := range names {
		update[i] = fmt.Sprintf("%s = coalesce(nullif(excluded.%s, ''), %s)", name, name, name)
	}
	return "INSERT INTO pipeline (" + pipelineColumns + ") VALUES (" + marks(len(names)) + ") ON CONFLICT (repo, run, attempt) DO UPDATE SET " + strings.Join(update, ", ")
}()

func nullable(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

// Pipelines lists the attempts that started since then, oldest first; an empty
// repo means all.
func (s *Store) Pipelines(ctx context.Context, repo string, since time.Time) ([]PipelineRow, error) {
	return s.pipelines(ctx, "WHERE (?1 = '' OR repo = ?1) AND started >= ?2 ORDER BY started, repo, run, attempt", repo, since.UnixMicro())
}

// NewestPipelines lists so many attempts, newest first; an empty repo means all.
func (s *Store) NewestPipelines(ctx context.Context, repo string, n int) ([]PipelineRow, error) {
	return s.pipelines(ctx, "WHERE ?1 = '' OR repo = ?1 ORDER BY started DESC, repo, run, attempt LIMIT ?2", repo, n)
}

func (s *Store) pipelines(ctx context.Context, clause string, args ...any) ([]PipelineRow, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+pipelineColumns+" FROM pipeline "+clause, args...)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []PipelineRow
	same := interner{}
	for rows.Next() {
		var r PipelineRow
		var created, started sql.NullInt64
		if err := rows.Scan(&r.Repo, &r.Run, &r.Attempt, &r.Workflow, (*string)(&r.Class), &r.Branch, &r.Commit, &r.URL, (*string)(&r.Status), &created, &started,
			&r.Build, &r.Queue, &r.Spent, &r.Coverage, &r.Flaky, &r.Saved, &r.Cost, &r.Audited, &r.Missed); err != nil {
			return nil, explain(s.path, err)
		}
		r.Created, r.Started = fromMicros(created), fromMicros(started)
		r.Repo, r.Workflow, r.Branch = same.of(r.Repo), same.of(r.Workflow), same.of(r.Branch)
		r.Class, r.Status = ci.RefClass(same.of(string(r.Class))), ci.JobStatus(same.of(string(r.Status)))
		out = append(out, r)
	}
	return out, explain(s.path, rows.Err())
}

// interner keeps one of equal strings, which a hundred thousand rows are full of.
type interner map[string]string

func (i interner) of(s string) string {
	if one, ok := i[s]; ok {
		return one
	}
	i[s] = s
	return s
}

func fromMicros(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.UnixMicro(v.Int64).UTC()
}

// PipelineJobs are the jobs of one attempt; none where nothing is recorded.
func (s *Store) PipelineJobs(ctx context.Context, repo, run string, attempt int) ([]ci.JobTiming, error) {
	var data string
	err := s.db.QueryRowContext(ctx, "SELECT jobs FROM pipeline_job WHERE repo = ? AND run = ? AND attempt = ?", repo, run, attempt).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(s.path, err)
	}
	var jobs []ci.JobTiming
	if err := json.Unmarshal([]byte(data), &jobs); err != nil {
		return nil, &Error{Path: s.path, Kind: ErrCorrupt, Err: err}
	}
	return jobs, nil
}
