package history

import (
	"context"
	"database/sql"
	"fmt"
)

// applicationID stands in the file's header (SQLite's application_id), so that
// somebody else's database is told from ours before it is touched: "kgHi".
const applicationID = 0x6b674869

// migrations is the schema: step i brings a file from version i to i+1. Steps
// that were released are never edited; a change is a new step. The version
// stands in the file's header (SQLite's user_version).
var migrations = []string{
	`
CREATE TABLE test (
	id      INTEGER PRIMARY KEY,
	repo    TEXT NOT NULL,
	name    TEXT NOT NULL,
	variant TEXT NOT NULL,
	UNIQUE (repo, name, variant)
);
CREATE TABLE run (
	id          INTEGER PRIMARY KEY,
	repo        TEXT NOT NULL,
	run         TEXT NOT NULL,
	attempt     INTEGER NOT NULL,
	shard       TEXT NOT NULL,
	workflow    TEXT NOT NULL,
	event       TEXT NOT NULL,
	branch      TEXT NOT NULL,
	commit_sha  TEXT NOT NULL,
	tree_sha    TEXT NOT NULL,
	base_sha    TEXT NOT NULL,
	dirty       INTEGER NOT NULL,
	main        INTEGER NOT NULL,
	green       INTEGER NOT NULL,
	started     INTEGER, -- microseconds since 1970; null: not known
	duration    INTEGER NOT NULL, -- nanoseconds
	results     INTEGER NOT NULL,
	passed      INTEGER NOT NULL,
	failed      INTEGER NOT NULL,
	skipped     INTEGER NOT NULL,
	recovered   INTEGER NOT NULL,
	diagnostics INTEGER NOT NULL,
	failures    INTEGER NOT NULL,
	series      TEXT, -- null: coverage was not measured
	covered     INTEGER,
	total       INTEGER,
	covered_branches INTEGER,
	total_branches   INTEGER,
	sha256      TEXT NOT NULL,
	UNIQUE (repo, run, attempt, shard)
);
CREATE INDEX run_started ON run (repo, started);
CREATE TABLE block (
	run_id INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
	data   BLOB NOT NULL
);
CREATE TABLE failure (
	run_id  INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	seq     INTEGER NOT NULL,
	test    TEXT NOT NULL,
	variant TEXT NOT NULL,
	attempt INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	cluster TEXT NOT NULL,
	tool    TEXT NOT NULL,
	rule    TEXT NOT NULL,
	message TEXT NOT NULL,
	file    TEXT NOT NULL,
	line    INTEGER NOT NULL,
	PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
CREATE TABLE cluster (
	run_id     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	kind       TEXT NOT NULL,
	class      TEXT NOT NULL,
	sentence   TEXT NOT NULL,
	message    TEXT NOT NULL,
	members    INTEGER NOT NULL,
	confidence REAL NOT NULL,
	PRIMARY KEY (run_id, id)
) WITHOUT ROWID;
`,
	// The life of vulnerabilities on main: from the first scan that saw one to
	// the first that did not.
	`
CREATE TABLE vuln_scan (
	repo    TEXT NOT NULL,
	run     TEXT NOT NULL,
	scanned INTEGER NOT NULL, -- microseconds since 1970
	PRIMARY KEY (repo, run)
) WITHOUT ROWID;
CREATE TABLE finding (
	repo       TEXT NOT NULL,
	package    TEXT NOT NULL, -- PURL without version, or the name
	id         TEXT NOT NULL,
	severity   TEXT NOT NULL, -- as it was last rated
	fixable    INTEGER NOT NULL,
	scanners   TEXT NOT NULL, -- who saw it last, one a line
	first_run  TEXT NOT NULL,
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL,
	closed_run TEXT,          -- null: open
	closed     INTEGER,
	closed_as  TEXT,          -- "fixed" or "accepted"
	reopened   INTEGER NOT NULL,
	PRIMARY KEY (repo, package, id)
) WITHOUT ROWID;
CREATE TABLE finding_alias (
	repo    TEXT NOT NULL,
	package TEXT NOT NULL,
	alias   TEXT NOT NULL, -- every id, the finding's own too
	id      TEXT NOT NULL,
	PRIMARY KEY (repo, package, alias)
) WITHOUT ROWID;
`,
	// The fingerprints of the failures that a cluster joins, a JSON list: clusters of
	// several are known again by any of them.
	"ALTER TABLE cluster ADD COLUMN prints TEXT NOT NULL DEFAULT ''",
	// What the forge's clock says of an attempt, and the figures that key figures
	// are made of. Jobs are JSON: they are read for few attempts, and whole.
	`
CREATE TABLE pipeline (
	repo       TEXT NOT NULL,
	run        TEXT NOT NULL,
	attempt    INTEGER NOT NULL,
	workflow   TEXT NOT NULL,
	class      TEXT NOT NULL, -- "pull_request", "main", "local", "other"
	branch     TEXT NOT NULL,
	commit_sha TEXT NOT NULL,
	url        TEXT NOT NULL,
	status     TEXT NOT NULL, -- empty: it had not ended
	created    INTEGER,       -- microseconds since 1970, of the first attempt
	started    INTEGER NOT NULL,
	build      REAL,          -- seconds; null: unknown
	queue      REAL,
	spent      REAL,
	coverage   REAL,
	flaky      REAL,
	saved      REAL,
	cost       REAL,
	PRIMARY KEY (repo, run, attempt)
) WITHOUT ROWID;
CREATE TABLE pipeline_job (
	repo    TEXT NOT NULL,
	run     TEXT NOT NULL,
	attempt INTEGER NOT NULL,
	jobs    TEXT NOT NULL,
	PRIMARY KEY (repo, run, attempt)
) WITHOUT ROWID;
`,
	// What later runs start from: how green logs looked, and what was said of tests.
	`
CREATE TABLE green_log (
	repo     TEXT NOT NULL,
	workflow TEXT NOT NULL,
	job      TEXT NOT NULL,
	run      TEXT NOT NULL,
	learned  INTEGER NOT NULL, -- microseconds since 1970
	data     BLOB NOT NULL,    -- zstd
	PRIMARY KEY (repo, workflow, job, run)
);
CREATE TABLE verdict (
	repo    TEXT NOT NULL,
	test    TEXT NOT NULL,
	variant TEXT NOT NULL,
	verdict TEXT NOT NULL,
	PRIMARY KEY (repo, test, variant)
) WITHOUT ROWID;
`,
	// Who ran what at a commit, as internal/impact encodes it, in zstd; and plans
	// that were scored against what everything ran said.
	`
CREATE TABLE execmap (
	repo       TEXT NOT NULL,
	commit_sha TEXT NOT NULL,
	python     TEXT NOT NULL,
	tool       TEXT NOT NULL,
	tests      INTEGER NOT NULL,
	recorded   INTEGER NOT NULL, -- microseconds since 1970
	data       BLOB NOT NULL,
	PRIMARY KEY (repo, commit_sha, python)
);
CREATE TABLE plan_audit (
	repo       TEXT NOT NULL,
	run        TEXT NOT NULL,
	commit_sha TEXT NOT NULL,
	at         INTEGER NOT NULL, -- microseconds since 1970
	mode       TEXT NOT NULL,
	selected   INTEGER NOT NULL,
	skipped    INTEGER NOT NULL,
	failed     INTEGER NOT NULL,
	missed     TEXT NOT NULL,    -- a JSON list
	PRIMARY KEY (repo, run)
) WITHOUT ROWID;
`,
	// What came of suggestions, and what was thought of them: never by whom.
	`
ALTER TABLE pipeline ADD COLUMN audited REAL; -- tests that the selection had left out and that were run all the same
ALTER TABLE pipeline ADD COLUMN missed REAL;  -- of these, failed
CREATE TABLE fix (
	repo       TEXT NOT NULL,
	id         TEXT NOT NULL, -- number of the pull request, or the proposal's own
	url        TEXT NOT NULL,
	confidence REAL,          -- null: not said
	proposed   INTEGER NOT NULL, -- microseconds since 1970
	merged     INTEGER,       -- null: it is not
	closed     INTEGER,
	unchanged  INTEGER,       -- null: not known
	reverted   INTEGER,       -- null: it is not
	PRIMARY KEY (repo, id)
) WITHOUT ROWID;
CREATE TABLE feedback (
	repo  TEXT NOT NULL,
	id    TEXT NOT NULL, -- of the comment, with what was counted on it
	kind  TEXT NOT NULL, -- "reaction", "survey", "reply"
	value TEXT NOT NULL, -- "+1", "5", "satisfied" …
	n     INTEGER NOT NULL,
	at    INTEGER NOT NULL,
	PRIMARY KEY (repo, id)
) WITHOUT ROWID;
`,
	// What everything covered at the commit of a map, in zstd; null: not known.
	"ALTER TABLE execmap ADD COLUMN coverage BLOB",
	// Figures that a sink did not take, for the next run to send.
	`
CREATE TABLE unsent (
	sink TEXT NOT NULL,
	repo TEXT NOT NULL,
	run  TEXT NOT NULL, -- with its attempt
	at   INTEGER NOT NULL, -- microseconds since 1970
	data TEXT NOT NULL, -- JSON
	PRIMARY KEY (sink, repo, run)
) WITHOUT ROWID;
`,
}

// migrate brings the file to the newest version, all steps or none.
func migrate(ctx context.Context, db *sql.DB, path string) error {
	version, err := fileVersion(ctx, db, path)
	if err != nil || version == len(migrations) {
		return err
	}
	// WAL lets another process read while this one writes. It is a property of
	// the file, so it is set once, and not before the file is known to be ours.
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return explain(path, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return explain(path, err)
	}
	defer tx.Rollback() // after Commit it does nothing
	// Another process may have migrated since: look again, now under the lock.
	version, err = fileVersion(ctx, tx, path)
	if err != nil {
		return err
	}
	for ; version < len(migrations); version++ {
		if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
			return explain(path, fmt.Errorf("schema version %d: %w", version+1, err))
		}
	}
	header := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version)
	if _, err := tx.ExecContext(ctx, header); err != nil {
		return explain(path, err)
	}
	return explain(path, tx.Commit())
}

// querier is a database or a transaction on it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// fileVersion is the version of our schema in the file; 0 for an empty file.
func fileVersion(ctx context.Context, q querier, path string) (int, error) {
	var app, version, tables int
	err := q.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &tables)
	switch {
	case err != nil:
		return 0, explain(path, err)
	case app == 0 && version == 0 && tables == 0:
		return 0, nil
	case app != applicationID:
		return 0, &Error{Path: path, Kind: ErrForeign, Err: fmt.Errorf("a database of another program")}
	case version > len(migrations):
		return 0, &Error{Path: path, Kind: ErrNewer, Err: fmt.Errorf("its schema is version %d, this keepgreen knows %d", version, len(migrations))}
	}
	return version, nil
}
