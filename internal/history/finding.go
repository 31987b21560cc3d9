package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// VulnScan is what scanners found on main.
type VulnScan struct {
	Repo, Run string
	Time      time.Time
	Scanners  []string           // names of those that ran: what none of them looks for is not fixed
	Open      []ci.Vulnerability // reconciled
	Accepted  []ci.Vulnerability // found, and excused by an exception
}

// FindingRow is the life of one vulnerability of one package on main.
type FindingRow struct {
	ID, Package string
	Severity    string
	Fixable     bool // a version is known that does not have it
	Scanners    []string
	FirstRun    string
	FirstSeen   time.Time
	LastSeen    time.Time
	ClosedRun   string
	Closed      time.Time // zero: open
	ClosedAs    string    // "fixed" or "accepted"; empty: open
	Reopened    int       // how often it came back
}

// PutScan records what main has now: what is seen for the first time begins,
// what was open and is not seen any more by a scanner that saw it is fixed, what
// comes back is open again under its first day. It is one transaction; a run that
// is recorded already changes nothing, and neither does one that is older than
// the newest, since what was known then says nothing of now.
func (s *Store) PutScan(ctx context.Context, scan VulnScan) (added bool, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, explain(s.path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	var late bool
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM vuln_scan WHERE repo = ?1 AND (run = ?2 OR scanned > ?3))", scan.Repo, scan.Run, scan.Time.UnixMicro()).Scan(&late)
	if err != nil || late {
		return false, explain(s.path, err)
	}
	if err := putScan(ctx, tx, scan); err != nil {
		return false, explain(s.path, err)
	}
	return true, explain(s.path, tx.Commit())
}

func putScan(ctx context.Context, tx *sql.Tx, scan VulnScan) error {
	at := scan.Time.UnixMicro()
	if _, err := tx.ExecContext(ctx, "INSERT INTO vuln_scan (repo, run, scanned) VALUES (?, ?, ?)", scan.Repo, scan.Run, at); err != nil {
		return err
	}
	for _, v := range scan.Open {
		if err := sight(ctx, tx, scan, v, false); err != nil {
			return err
		}
	}
	for _, v := range scan.Accepted {
		if err := sight(ctx, tx, scan, v, true); err != nil {
			return err
		}
		id, err := findingID(ctx, tx, scan.Repo, v)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE finding SET closed = ?, closed_run = ?, closed_as = 'accepted' WHERE repo = ? AND package = ? AND id = ? AND closed IS NULL", at, scan.Run, scan.Repo, v.PackageKey(), id); err != nil {
			return err
		}
	}
	return closeUnseen(ctx, tx, scan)
}

// findingID is the id under which a vulnerability is recorded: an id that was a
// GHSA yesterday may be a CVE today. Empty: it is not recorded.
func findingID(ctx context.Context, tx *sql.Tx, repo string, v ci.Vulnerability) (string, error) {
	for _, alias := range v.IDs() {
		var id string
		err := tx.QueryRowContext(ctx, "SELECT id FROM finding_alias WHERE repo = ? AND package = ? AND alias = ?", repo, v.PackageKey(), alias).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return id, err
		}
	}
	return "", nil
}

// sight records that a vulnerability is there. One that is accepted still keeps
// the day on which it was.
func sight(ctx context.Context, tx *sql.Tx, scan VulnScan, v ci.Vulnerability, accepted bool) error {
	id, err := findingID(ctx, tx, scan.Repo, v)
	if err != nil {
		return err
	}
	id = cmp.Or(id, v.ID)
	// An accepted finding that counts again was never fixed: it is not reopened.
	_, err = tx.ExecContext(ctx, `INSERT INTO finding (repo, package, id, severity, fixable, scanners, first_run, first_seen, last_seen, reopened)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 0)
		ON CONFLICT (repo, package, id) DO UPDATE SET severity = ?4, fixable = ?5, scanners = ?6, last_seen = ?8,
			reopened = reopened + (closed_as IS 'fixed'),
			closed = CASE WHEN ?9 AND closed_as = 'accepted' THEN closed END,
			closed_run = CASE WHEN ?9 AND closed_as = 'accepted' THEN closed_run END,
			closed_as = CASE WHEN ?9 AND closed_as = 'accepted' THEN closed_as END`,
		scan.Repo, v.PackageKey(), id, v.Severity.String(), len(v.Fixed) > 0, strings.Join(v.Scanners, "\n"), scan.Run, scan.Time.UnixMicro(), accepted)
	if err != nil {
		return err
	}
	for _, alias := range v.IDs() {
		if _, err := tx.ExecContext(ctx, "INSERT INTO finding_alias (repo, package, alias, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", scan.Repo, v.PackageKey(), alias, id); err != nil {
			return err
		}
	}
	return nil
}

// closeUnseen closes what was open and was not seen by this scan.
func closeUnseen(ctx context.Context, tx *sql.Tx, scan VulnScan) error {
	at := scan.Time.UnixMicro()
	rows, err := tx.QueryContext(ctx, "SELECT package, id, scanners FROM finding WHERE repo = ? AND closed IS NULL AND last_seen < ?", scan.Repo, at)
	if err != nil {
		return err
	}
	defer rows.Close()
	type gone struct{ pkg, id string }
	var fixed []gone
	for rows.Next() {
		var g gone
		var scanners string
		if err := rows.Scan(&g.pkg, &g.id, &scanners); err != nil {
			return err
		}
		if scanners == "" || slices.ContainsFunc(strings.Split(scanners, "\n"), func(s string) bool { return slices.Contains(scan.Scanners, s) }) {
			fixed = append(fixed, g)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, g := range fixed {
		if _, err := tx.ExecContext(ctx, "UPDATE finding SET closed = ?, closed_run = ?, closed_as = 'fixed' WHERE repo = ? AND package = ? AND id = ?", at, scan.Run, scan.Repo, g.pkg, g.id); err != nil {
			return err
		}
	}
	return nil
}

// Findings lists every vulnerability that main had, the first seen first.
func (s *Store) Findings(ctx context.Context, repo string) ([]FindingRow, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, package, severity, fixable, scanners, first_run, first_seen, last_seen, coalesce(closed_run, ''), closed, coalesce(closed_as, ''), reopened
		FROM finding WHERE repo = ? ORDER BY first_seen, package, id`, repo)
	if err != nil {
		return nil, explain(s.path, err)
	}
	defer rows.Close()
	var out []FindingRow
	for rows.Next() {
		var f FindingRow
		var scanners string
		var first, last int64
		var closed sql.NullInt64
		if err := rows.Scan(&f.ID, &f.Package, &f.Severity, &f.Fixable, &scanners, &f.FirstRun, &first, &last, &f.ClosedRun, &closed, &f.ClosedAs, &f.Reopened); err != nil {
			return nil, explain(s.path, err)
		}
		f.FirstSeen, f.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		if closed.Valid {
			f.Closed = time.UnixMicro(closed.Int64).UTC()
		}
		if scanners != "" {
			f.Scanners = strings.Split(scanners, "\n")
		}
		out = append(out, f)
	}
	return out, explain(s.path, rows.Err())
}
