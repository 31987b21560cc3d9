package execmap_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/execmap"
)

// said is what coverage.py itself reads in a database: testdata/capture.sh.
type said struct {
	Meta  struct{ Version string }
	Files map[string]struct {
		Executed         []int               `json:"executed_lines"`
		ExecutedBranches [][2]int            `json:"executed_branches"`
		Contexts         map[string][]string `json:"contexts"`
	}
}

// TestCoverageAsItsOwnToolReadsIt compares, line by line and test by test, with
// the JSON report that coverage.py makes of the same database.
func TestCoverageAsItsOwnToolReadsIt(t *testing.T) {
	for _, kind := range []string{"lines", "arcs"} {
		t.Run(kind, func(t *testing.T) {
			var want said
			data, err := os.ReadFile("testdata/" + kind + ".json")
			assert.NilError(t, err)
			assert.NilError(t, json.Unmarshal(data, &want))
			m, err := execmap.Coverage(context.Background(), "testdata/"+kind+".coverage")
			assert.NilError(t, err)
			assert.Equal(t, m.Version, want.Meta.Version)
			assert.Equal(t, m.Branches, kind == "arcs")
			assert.DeepEqual(t, m.Contexts, []string{"", "test_shop.test_member", "test_shop.test_total"})
			assert.Equal(t, len(m.Files), len(want.Files))
			for name, w := range want.Files {
				f, ok := m.File(name)
				assert.Assert(t, ok, name)
				all := f.Lines()
				for _, n := range w.Executed {
					assert.Assert(t, all.Has(n), "%s:%d", name, n)
					slices.Sort(w.Contexts[strconv.Itoa(n)])
					assert.DeepEqual(t, contextsOf(m, f, n), w.Contexts[strconv.Itoa(n)])
				}
				for _, b := range w.ExecutedBranches {
					assert.Assert(t, slices.Contains(f.Arcs, execmap.Arc{From: b[0], To: b[1]}), "%s: %v", name, b)
				}
			}
			shop, _ := m.File("shop.py")
			assert.Assert(t, !shop.Lines().Has(18)) // the body of what no test calls
		})
	}
}

func contextsOf(m *execmap.Map, f execmap.File, line int) []string {
	var out []string
	for _, r := range f.Runs {
		if r.Lines.Has(line) {
			out = append(out, m.Contexts[r.Context])
		}
	}
	return out
}

func TestLines(t *testing.T) {
	l := execmap.Lines{0b0000_0010, 0, 0b1000_0000}
	assert.DeepEqual(t, slices.Collect(l.All()), []int{1, 23})
	assert.Equal(t, l.Len(), 2)
	for n, want := range map[int]bool{-1: false, 0: false, 1: true, 22: false, 23: true, 24: false, 1 << 40: false} {
		assert.Equal(t, l.Has(n), want, n)
	}
	assert.Assert(t, l.Meets(2, 23) && !l.Meets(2, 22) && !l.Meets(24, 1<<40) && l.Meets(-5, 1))
	assert.DeepEqual(t, slices.Collect(l.Union(execmap.Lines{1}).All()), []int{0, 1, 23})
	assert.DeepEqual(t, slices.Collect(execmap.Lines{1}.Union(l).All()), []int{0, 1, 23})
	for range l.All() { // a reader may stop
		break
	}
}

// database makes a file of statements.
func database(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".coverage")
	db, err := sql.Open("sqlite", path)
	assert.NilError(t, err)
	for _, s := range statements {
		_, err := db.Exec(s)
		assert.NilError(t, err, s)
	}
	assert.NilError(t, db.Close())
	return path
}

var schema = []string{
	"CREATE TABLE coverage_schema (version integer)",
	"CREATE TABLE meta (key text, value text, unique (key))",
	"CREATE TABLE file (id integer primary key, path text, unique (path))",
	"CREATE TABLE context (id integer primary key, context text, unique (context))",
	"CREATE TABLE line_bits (file_id integer, context_id integer, numbits blob)",
	"CREATE TABLE arc (file_id integer, context_id integer, fromno integer, tono integer)",
	`INSERT INTO file VALUES (1, 'C:\src\a.py')`,
	"INSERT INTO context VALUES (1, '')",
}

func TestHostileDatabases(t *testing.T) {
	without := func(i int, more ...string) []string {
		return append(slices.Delete(slices.Clone(schema), i, i+1), more...)
	}
	with := func(more ...string) []string { return append(slices.Clone(schema), more...) }
	cases := map[string]struct {
		statements []string
		want       string
	}{
		"another program's":           {[]string{"CREATE TABLE t (a)"}, "not a database of coverage.py 5 or later: it has no table \"coverage_schema\""},
		"a view for a table":          {without(4, "CREATE VIEW line_bits AS SELECT 1 AS file_id, 1 AS context_id, zeroblob(900000000) AS numbits"), `"line_bits" is no plain table`},
		"a column that is computed":   {without(4, "CREATE TABLE line_bits (file_id, context_id, numbits AS (zeroblob(900000000)))"), `"line_bits" has computed columns`},
		"a line that no file has":     {with("INSERT INTO arc VALUES (1, 1, 1, 999999999999)"), "line number 999999999999 is out of range"},
		"more lines than a file has":  {with("INSERT INTO line_bits VALUES (1, 1, zeroblob(2000000))"), "a source file with more than"},
		"a file without a name":       {with("INSERT INTO line_bits VALUES (7, 1, x'02')"), "file 7 ran in context 1, and one of them has no name: the database is damaged"},
		"text where a number belongs": {with("INSERT INTO arc VALUES (1, 1, 'one', 2)"), "converting"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := execmap.Coverage(context.Background(), database(t, c.statements...))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "half a header": "SQLite", "coverage.py 4": "!coverage.py: This is a private format, don't read it directly!{}", "a report": "{}",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ".coverage")
			assert.NilError(t, os.WriteFile(path, []byte(text), 0o600))
			_, err := execmap.Coverage(context.Background(), path)
			assert.ErrorIs(t, err, execmap.ErrForeign)
		})
	}
	_, err := execmap.Coverage(context.Background(), filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestPathsAndLeadingContexts(t *testing.T) {
	path := database(t, append(slices.Clone(schema),
		"INSERT INTO line_bits VALUES (1, 1, x'02')", "INSERT INTO line_bits VALUES (1, 1, x'0001')", // never written twice, but it could be
		"INSERT INTO arc VALUES (1, 1, -1, 3)", "INSERT INTO arc VALUES (1, 1, 3, -1)")...)
	m, err := execmap.Coverage(context.Background(), path)
	assert.NilError(t, err)
	f, ok := m.File("C:/src/a.py")
	assert.Assert(t, ok)
	assert.DeepEqual(t, slices.Collect(f.Lines().All()), []int{1, 3, 8})
	assert.DeepEqual(t, f.Arcs, []execmap.Arc{{From: -1, To: 3}, {From: 3, To: -1}})
	_, ok = m.File("b.py")
	assert.Assert(t, !ok)
}

// FuzzCoverage promises of any bytes after SQLite's header: an answer or an
// error, and of an answer that every run names a context and every line is one.
func FuzzCoverage(f *testing.F) {
	for _, kind := range []string{"lines", "arcs"} {
		data, err := os.ReadFile("testdata/" + kind + ".coverage")
		assert.NilError(f, err)
		f.Add(data)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "fuzzed")
		assert.NilError(t, os.WriteFile(path, data, 0o600))
		m, err := execmap.Coverage(context.Background(), path)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			for _, run := range file.Runs {
				if run.Context < 0 || run.Context >= len(m.Contexts) {
					t.Fatalf("%s ran in context %d of %d", file.Path, run.Context, len(m.Contexts))
				}
				for n := range run.Lines.All() {
					if !run.Lines.Has(n) {
						t.Fatalf("line %d is and is not in the set", n)
					}
				}
			}
		}
	})
}
