package history

import (
	"context"
	"database/sql"
	"time"
)

// FixRow is what became of one proposed fix.
type FixRow struct {
	Repo       string    `json:"repo"`
	ID         string    `json:"id"`
	URL        string    `json:"url,omitempty"`
	Confidence *float64  `json:"confidence,omitempty"` // nil: not said
	Proposed   time.Time `json:"proposed"`
	Merged     time.Time `json:"merged,omitzero"`
	Closed     time.Time `json:"closed,omitzero"`
	Unchanged  *bool     `json:"unchanged,omitempty"` // what was merged is what was proposed; nil: not known
	Reverted   time.Time `json:"reverted,omitzero"`
}

// FeedbackRow is something that was said, and how often. It has no author.
type FeedbackRow struct {
	Repo  string    `json:"repo"`
	ID    string    `json:"id"`
	Kind  string    `json:"said"` // "reaction", "survey" or "reply"
	Value string    `json:"value"`
	N     int       `json:"n"`
	At    time.Time `json:"at"`
}

// PutFixes records what became of fixes; what is known already is brought up to date.
func (s *Store) PutFixes(ctx context.Context, rows []FixRow) error {
	return s.replace(ctx, len(rows), "INSERT OR REPLACE INTO fix VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", func(i int) []any {
		r := rows[i]
		return []any{r.Repo, r.ID, r.URL, nullable(r.Confidence), r.Proposed.UnixMicro(), micros(r.Merged), micros(r.Closed), flag(r.Unchanged), micros(r.Reverted)}
	})
}

// PutFeedback records what was said; a count that has changed is brought up to date.
func (s *Store) PutFeedback(ctx context.Context, rows []FeedbackRow) error {
	return s.replace(ctx, len(rows), "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?, ?)", func(i int) []any {
		r := rows[i]
		return []any{r.Repo, r.ID, r.Kind, text(r.Value, maxName), r.N, r.At.UnixMicro()}
	})
}

// replace runs one statement for each row, in one transaction.
func (s *Store) replace(ctx context.Context, n int, query string, row func(int) []any) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(s.path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	for i := range n {
		if _, err := tx.ExecContext(ctx, query, row(i)...); err != nil {
			return explain(s.path, err)
		}
	}
	return explain(s.path, tx.Commit())
}

func flag(b *bool) any {
	if b == nil {
		return nil
	}
	return *b
}

// Fixes lists the fixes that were proposed since then, oldest first.
func (s *Store) Fixes(ctx context.Context, repo string, since time.Time) ([]FixRow, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT repo, id, url, confidence, proposed, merged, closed, unchanged, reverted
		FROM fix WHERE (?1 = '' OR repo = ?1) AND proposed >= ?2 ORDER BY proposed, repo, id`, repo, since.UnixMicro())
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []FixRow
	for rows.Next() {
		var r FixRow
		var proposed int64
		var merged, closed, reverted sql.NullInt64
		if err := rows.Scan(&r.Repo, &r.ID, &r.URL, &r.Confidence, &proposed, &merged, &closed, &r.Unchanged, &reverted); err != nil {
			return nil, explain(s.path, err)
		}
		r.Proposed = time.UnixMicro(proposed).UTC()
		r.Merged, r.Closed, r.Reverted = fromMicros(merged), fromMicros(closed), fromMicros(reverted)
		out = append(out, r)
	}
	return out, explain(s.path, rows.Err())
}

// Feedback lists what was said since then, oldest first.
func (s *Store) Feedback(ctx context.Context, repo string, since time.Time) ([]FeedbackRow, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT repo, id, kind, value, n, at FROM feedback WHERE (?1 = '' OR repo = ?1) AND at >= ?2 ORDER BY at, repo, id", repo, since.UnixMicro())
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []FeedbackRow
	for rows.Next() {
		var r FeedbackRow
		var at int64
		if err := rows.Scan(&r.Repo, &r.ID, &r.Kind, &r.Value, &r.N, &at); err != nil {
			return nil, explain(s.path, err)
		}
		r.At = time.UnixMicro(at).UTC()
		out = append(out, r)
	}
	return out, explain(s.path, rows.Err())
}
