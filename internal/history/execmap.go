package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// MapRow is a map of who ran what, as it was recorded at a commit, without the
// map itself.
type MapRow struct {
	Repo     string
	Commit   string
	Python   string // of the environment that recorded it
	Tool     string
	Tests    int
	Recorded time.Time
}

// keepMaps is how many maps a repository keeps; maxMap bounds one of them.
const (
	keepMaps = 40
	maxMap   = 1 << 30
)

// PutMap keeps a map; the one of the same commit and environment is replaced.
// Of the others the newest are kept.
func (s *Store) PutMap(ctx context.Context, row MapRow, data []byte) error {
	if len(data) > maxMap {
		return &Error{Path: s.path, Kind: ErrTooLarge}
	}
	packed := encoder().EncodeAll(data, nil)
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(s.path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	if _, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO execmap (repo, commit_sha, python, tool, tests, recorded, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
		row.Repo, row.Commit, row.Python, row.Tool, row.Tests, row.Recorded.UnixMicro(), packed); err != nil {
		return explain(s.path, err)
	}
	if _, err = tx.ExecContext(ctx, "DELETE FROM execmap WHERE repo = ?1 AND rowid NOT IN (SELECT rowid FROM execmap WHERE repo = ?1 ORDER BY recorded DESC LIMIT ?2)", row.Repo, keepMaps); err != nil {
		return explain(s.path, err)
	}
	return explain(s.path, tx.Commit())
}

// Maps lists the maps of a repository, newest first.
func (s *Store) Maps(ctx context.Context, repo string) ([]MapRow, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT commit_sha, python, tool, tests, recorded FROM execmap WHERE repo = ? ORDER BY recorded DESC, commit_sha, python", repo)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []MapRow
	for rows.Next() {
		row := MapRow{Repo: repo}
		var recorded int64
		if err := rows.Scan(&row.Commit, &row.Python, &row.Tool, &row.Tests, &recorded); err != nil {
			return nil, explain(s.path, err)
		}
		row.Recorded = time.UnixMicro(recorded).UTC()
		out = append(out, row)
	}
	return out, explain(s.path, rows.Err())
}

// Map is the map that a row describes.
func (s *Store) Map(ctx context.Context, row MapRow) ([]byte, error) {
	var packed []byte
	if err := s.db.QueryRowContext(ctx, "SELECT data FROM execmap WHERE repo = ? AND commit_sha = ? AND python = ?", row.Repo, row.Commit, row.Python).Scan(&packed); err != nil {
		return nil, explain(s.path, err)
	}
	return s.unpack(packed, row.Commit)
}

// PutMapCoverage keeps what a run covered beside the maps of its commit.
func (s *Store) PutMapCoverage(ctx context.Context, repo, commit string, data []byte) error {
	if len(data) > maxMap {
		return &Error{Path: s.path, Kind: ErrTooLarge}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.db.ExecContext(ctx, "UPDATE execmap SET coverage = ? WHERE repo = ? AND commit_sha = ?", encoder().EncodeAll(data, nil), repo, commit)
	return explain(s.path, err)
}

// MapCoverage is what PutMapCoverage kept; nil: nothing.
func (s *Store) MapCoverage(ctx context.Context, repo, commit string) ([]byte, error) {
	var packed []byte
	err := s.db.QueryRowContext(ctx, "SELECT coverage FROM execmap WHERE repo = ? AND commit_sha = ? AND coverage IS NOT NULL", repo, commit).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(s.path, err)
	}
	return s.unpack(packed, commit)
}

// unpack undoes the compression of a map or of what lies beside it.
func (s *Store) unpack(packed []byte, commit string) ([]byte, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxMap))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	data, err := dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, &Error{Path: s.path, Kind: ErrCorrupt, Err: fmt.Errorf("the map of %.12s: %w", commit, err)}
	}
	return data, nil
}

// Audit is a plan that was scored: everything ran, and what the plan would have
// left out is known.
type Audit struct {
	Repo     string        `json:"-"`
	Run      string        `json:"run"`
	Commit   string        `json:"commit"`
	At       time.Time     `json:"at"`
	Mode     string        `json:"mode"` // how the plan was used: "shadow", "advise", "sample", "main"
	Selected int           `json:"selected"`
	Skipped  int           `json:"skipped"` // tests that the plan left out, and that ran all the same
	Failed   int           `json:"failed"`  // tests that failed, flaky ones left out
	Missed   []AuditMissed `json:"missed"`  // failed, and the plan had left them out
}

// AuditMissed is a failure that a plan would not have seen.
type AuditMissed struct {
	Test string `json:"test"`
	Kind string `json:"kind"` // of the reasoning that cleared the test
	File string `json:"file"` // the changed file that it was cleared of
}

// PutAudit records a scored plan; a run that is recorded already is replaced.
func (s *Store) PutAudit(ctx context.Context, a Audit) error {
	missed, err := json.Marshal(append([]AuditMissed{}, a.Missed...))
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO plan_audit (repo, run, commit_sha, at, mode, selected, skipped, failed, missed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		a.Repo, a.Run, a.Commit, a.At.UnixMicro(), a.Mode, a.Selected, a.Skipped, a.Failed, string(missed))
	return explain(s.path, err)
}

// Audits lists the scored plans of a repository, newest first.
func (s *Store) Audits(ctx context.Context, repo string) ([]Audit, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT run, commit_sha, at, mode, selected, skipped, failed, missed FROM plan_audit WHERE repo = ? ORDER BY at DESC, run", repo)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []Audit
	for rows.Next() {
		a := Audit{Repo: repo}
		var at int64
		var missed string
		if err := rows.Scan(&a.Run, &a.Commit, &at, &a.Mode, &a.Selected, &a.Skipped, &a.Failed, &missed); err != nil {
			return nil, explain(s.path, err)
		}
		a.At = time.UnixMicro(at).UTC()
		if err := json.Unmarshal([]byte(missed), &a.Missed); err != nil {
			return nil, &Error{Path: s.path, Kind: ErrCorrupt, Err: err}
		}
		out = append(out, a)
	}
	return out, explain(s.path, rows.Err())
}
