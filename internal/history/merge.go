package history

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// mergers say of each table how its rows of another history come into this one.
// Runs with their results, failures and clusters go by record, through Put,
// which numbers tests anew; everything else is keyed by what it is about. A
// table that is not here fails a test.
var mergers = []struct{ table, sql string }{
	{table: "test"},
	{table: "run"},
	{table: "block"},
	{table: "failure"},
	{table: "cluster"},
	// Whoever scanned last knows best what is open; a first day stays the first.
	{"finding", `
INSERT INTO finding SELECT * FROM other.finding AS o WHERE true
ON CONFLICT (repo, package, id) DO UPDATE SET
	severity = excluded.severity, fixable = excluded.fixable, scanners = excluded.scanners, last_seen = excluded.last_seen,
	closed_run = excluded.closed_run, closed = excluded.closed, closed_as = excluded.closed_as, reopened = max(reopened, excluded.reopened)
WHERE coalesce((SELECT max(scanned) FROM other.vuln_scan AS v WHERE v.repo = excluded.repo), 0)
	> coalesce((SELECT max(scanned) FROM main.vuln_scan AS v WHERE v.repo = excluded.repo), 0)`},
	{"finding", `
UPDATE finding SET (first_run, first_seen) = (SELECT o.first_run, o.first_seen FROM other.finding AS o
	WHERE o.repo = finding.repo AND o.package = finding.package AND o.id = finding.id)
WHERE first_seen > (SELECT o.first_seen FROM other.finding AS o
	WHERE o.repo = finding.repo AND o.package = finding.package AND o.id = finding.id)`},
	{"finding_alias", "INSERT OR IGNORE INTO finding_alias SELECT * FROM other.finding_alias"},
	{"vuln_scan", "INSERT OR IGNORE INTO vuln_scan SELECT * FROM other.vuln_scan"}, // after finding, which compares them
	{"pipeline", "INSERT OR IGNORE INTO pipeline SELECT * FROM other.pipeline"},
	{"pipeline_job", "INSERT OR IGNORE INTO pipeline_job SELECT * FROM other.pipeline_job"},
	// An end that is known is not forgotten for one that is open, nor a newer count for an older one.
	{"fix", `INSERT OR REPLACE INTO fix SELECT * FROM other.fix AS o WHERE coalesce(o.merged, o.closed, o.reverted) IS NOT NULL
		OR NOT EXISTS (SELECT 1 FROM main.fix AS m WHERE m.repo = o.repo AND m.id = o.id)`},
	{"feedback", `INSERT OR REPLACE INTO feedback SELECT * FROM other.feedback AS o
		WHERE o.at > coalesce((SELECT m.at FROM main.feedback AS m WHERE m.repo = o.repo AND m.id = o.id), -1)`},
	{"unsent", "INSERT OR IGNORE INTO unsent SELECT * FROM other.unsent"}, // what is sent twice is one point
	{"execmap", "INSERT OR IGNORE INTO execmap SELECT * FROM other.execmap"},
	{"plan_audit", "INSERT OR IGNORE INTO plan_audit SELECT * FROM other.plan_audit"},
	{"green_log", "INSERT OR IGNORE INTO green_log SELECT * FROM other.green_log"}, // the next that is learned prunes them
	{"verdict", "INSERT OR REPLACE INTO verdict SELECT * FROM other.verdict"},      // whoever is merged is the newer: a run into the branch, the branch into a run
}

// Merge takes over what the history at path has and this one lacks, record by
// record; what both have stays as it is here. Merging twice is merging once. The
// other file is only read, but for being brought to this version's schema.
func (s *Store) Merge(ctx context.Context, path string) (added int, err error) {
	other, err := Open(ctx, path, Options{})
	if err != nil {
		return 0, err
	}
	defer other.Close()
	for record, err := range other.Records(ctx, Filter{}) {
		if err != nil {
			return added, err
		}
		new, err := s.Put(ctx, record)
		if err != nil {
			return added, err
		}
		if new {
			added++
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return added, explain(s.path, s.mergeTables(ctx, path))
}

// mergeTables holds one connection: an attached file belongs to it alone.
func (s *Store) mergeTables(ctx context.Context, path string) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "ATTACH DATABASE ? AS other", path); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "DETACH DATABASE other") }()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	for _, m := range mergers {
		if m.sql == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, m.sql); err != nil {
			return fmt.Errorf("%s: %w", m.table, err)
		}
	}
	return tx.Commit()
}

// Snapshot writes the whole history as one file without a log beside it, small
// and the same for readers, while others may go on writing.
func (s *Store) Snapshot(ctx context.Context, path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	_, err := s.db.ExecContext(ctx, "VACUUM INTO ?", path)
	return explain(s.path, err)
}
