package history

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"keepgreen/internal/ci"
)

// maxUnsent is how many runs are kept for a sink; the oldest make room.
const maxUnsent = 100

// KeepUnsent keeps figures that a sink did not take. Keeping them again replaces
// them.
func (s *Store) KeepUnsent(ctx context.Context, sink string, m ci.RunMetrics) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	err = s.replace(ctx, 1, "INSERT OR REPLACE INTO unsent VALUES (?, ?, ?, ?, ?)", func(int) []any {
		return []any{sink, m.Run.Repo, unsentRun(m), m.Time.UnixMicro(), string(data)}
	})
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `DELETE FROM unsent WHERE sink = ?1 AND at < (SELECT at FROM unsent WHERE sink = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)`, sink, maxUnsent-1)
	return explain(s.path, err)
}

func unsentRun(m ci.RunMetrics) string { return fmt.Sprintf("%s.%d", m.Run.ID, m.Run.Attempt) }

// Unsent lists what is kept for a sink, oldest first.
func (s *Store) Unsent(ctx context.Context, sink string) ([]ci.RunMetrics, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT data FROM unsent WHERE sink = ? ORDER BY at, repo, run", sink)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []ci.RunMetrics
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return nil, explain(s.path, err)
		}
		var m ci.RunMetrics
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, &Error{Path: s.path, Kind: ErrCorrupt, Err: err}
		}
		m.Time = m.Time.In(time.UTC)
		out = append(out, m)
	}
	return out, explain(s.path, rows.Err())
}

// DropUnsent forgets figures that were sent, or never will be.
func (s *Store) DropUnsent(ctx context.Context, sink string, m ci.RunMetrics) error {
	return s.replace(ctx, 1, "DELETE FROM unsent WHERE sink = ? AND repo = ? AND run = ?", func(int) []any {
		return []any{sink, m.Run.Repo, unsentRun(m)}
	})
}
