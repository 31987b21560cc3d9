package execmap_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/execmap"
)

// testmon writes a database as pytest-testmon 2.2 does, as far as it is read.
func testmon(t *testing.T, more string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), ".testmondata")
	db, err := sql.Open("sqlite", name)
	assert.NilError(t, err)
	defer db.Close()
	_, err = db.Exec(`
CREATE TABLE metadata (dataid TEXT PRIMARY KEY, data TEXT);
CREATE TABLE environment (id INTEGER PRIMARY KEY ASC, environment_name TEXT, system_packages TEXT, python_version TEXT, UNIQUE (environment_name, system_packages, python_version));
CREATE TABLE test_execution (id INTEGER PRIMARY KEY ASC, environment_id INTEGER, test_name TEXT, duration FLOAT, failed BIT, forced BIT);
CREATE TABLE file_fp (id INTEGER PRIMARY KEY, filename TEXT, method_checksums BLOB, mtime FLOAT, fsha TEXT, UNIQUE (filename, fsha, method_checksums));
CREATE TABLE test_execution_file_fp (test_execution_id INTEGER, fingerprint_id INTEGER);
INSERT INTO environment VALUES (1, 'default', 'x', '3.12.1');
INSERT INTO test_execution VALUES (1, 1, 'tests/test_a.py::test_b', 0.1, 0, 0), (2, 1, 'tests/test_a.py::test_a[x]', 0.1, 0, 0);
INSERT INTO file_fp VALUES (5, 'lib/a.py', x'00', 0, 'f'), (6, 'lib/a.py', x'01', 0, 'f'), (7, 'tests/test_a.py', x'02', 0, 'f');
INSERT INTO test_execution_file_fp VALUES (1, 5), (1, 7), (2, 6);
` + more)
	assert.NilError(t, err)
	return name
}

func TestTestmon(t *testing.T) {
	got, err := execmap.Testmon(t.Context(), testmon(t, ""))
	assert.NilError(t, err)
	assert.DeepEqual(t, got, &execmap.Touched{
		Python: "3.12.1", Tests: []string{"tests/test_a.py::test_a[x]", "tests/test_a.py::test_b"}, Files: []string{"lib/a.py", "tests/test_a.py"},
		Pairs: map[[2]int]bool{{1, 0}: true, {1, 1}: true, {0, 0}: true},
	})
	_, err = execmap.Testmon(t.Context(), testmon(t, "INSERT INTO test_execution_file_fp VALUES (9, 5)"))
	assert.ErrorContains(t, err, "damaged")
	_, err = execmap.Testmon(t.Context(), testmon(t, "DROP TABLE file_fp; CREATE VIEW file_fp AS SELECT 1 AS id, 'x' AS filename"))
	assert.ErrorIs(t, err, execmap.ErrNotTestmon)
	text := filepath.Join(t.TempDir(), "text")
	assert.NilError(t, os.WriteFile(text, []byte("no database"), 0o600))
	_, err = execmap.Testmon(t.Context(), text)
	assert.ErrorIs(t, err, execmap.ErrNotTestmon)
}
