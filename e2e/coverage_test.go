//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/source"
)

// statementsOf has coverage.py list the statements of the files of its input.
const statementsOf = `
import json, sys
from coverage.config import DEFAULT_EXCLUDE
from coverage.misc import join_regex
from coverage.parser import PythonParser
for path in sys.stdin.read().split("\n"):
    try:
        parser = PythonParser(filename=path, exclude=join_regex(DEFAULT_EXCLUDE))
        parser.parse_source()
    except Exception:
        continue
    print(json.dumps({"path": path, "statements": sorted(parser.statements)}))
`

// TestStatementsAreThoseOfCoveragePy compares the statements of every fortieth file
// of the standard library and the installed packages with coverage.py's. What
// may differ is CPython's own doing: it drops more unreachable code in one
// version than in another.
func TestStatementsAreThoseOfCoveragePy(t *testing.T) {
	var files []string
	where, err := exec.Command(python(t), "-c", "import sysconfig; print(sysconfig.get_path('stdlib')); print(sysconfig.get_path('purelib'))").Output()
	assert.NilError(t, err)
	for _, root := range strings.Fields(string(where)) {
		assert.NilError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".py") {
				files = append(files, path)
			}
			return err
		}))
	}
	slices.Sort(files)
	var some []string
	for i := 0; i < len(files); i += 40 {
		some = append(some, files[i])
	}
	cmd := exec.Command(python(t), "-W", "ignore", "-c", statementsOf)
	cmd.Stdin = strings.NewReader(strings.Join(some, "\n"))
	out, err := cmd.Output()
	assert.NilError(t, err)
	compared, other, statements := 0, 0, 0
	for line := range strings.Lines(string(out)) {
		var want struct {
			Path       string
			Statements []int
		}
		assert.NilError(t, json.Unmarshal([]byte(line), &want))
		src, err := os.ReadFile(want.Path)
		assert.NilError(t, err)
		got := source.PythonStatements(src, nil).Lines
		compared, statements = compared+1, statements+len(want.Statements)
		if len(got)+len(want.Statements) > 0 && !slices.Equal(got, want.Statements) {
			other++
			t.Logf("%s: %d statements, coverage.py has %d", want.Path, len(got), len(want.Statements))
		}
	}
	t.Logf("%d of %d files with %d statements are equal", compared-other, compared, statements)
	assert.Assert(t, compared > 30 && other*50 <= compared, "%d of %d files differ", other, compared)
}

// TestDatabaseSaysWhatTheReportSays: what the gate reads in a .coverage file is
// what coverage.py reports of it, with the exclusions of the project's own
// configuration.
func TestDatabaseSaysWhatTheReportSays(t *testing.T) {
	p := kvHygiene(t)
	for _, args := range [][]string{
		{"run", "--source=.", "-m", "pytest", "-q", "-p", "no:pytest_cov", "-o", "addopts=--continue-on-collection-errors"},
		{"json", "-q", "-o", "report.json"},
	} {
		cmd := exec.Command(python(t), append([]string{"-m", "coverage"}, args...)...)
		cmd.Dir = p.dir
		out, err := cmd.CombinedOutput()
		if args[0] == "json" { // the example's tests fail
			assert.NilError(t, err, string(out))
		}
	}
	type figures struct {
		Covered, Statements int
		Series              string
	}
	read := func(path string) (f figures) {
		stdout, stderr, _ := p.keepgreen("gate", "coverage", path, "--format", "json")
		assert.NilError(t, json.Unmarshal([]byte(stdout), &f), stderr)
		return f
	}
	database, report := read(".coverage"), read("report.json")
	assert.Equal(t, database.Series, ".coverage/line")
	assert.Equal(t, report.Series, "coverage.py/line")
	report.Series = database.Series
	assert.DeepEqual(t, database, report)
	assert.Assert(t, report.Statements > 50 && report.Covered > 50, "%+v", report)
}

// TestGcovrSaysWhatItsSummarySays: a C program, measured by gcc and reported by
// gcovr in two formats.
func TestGcovrSaysWhatItsSummarySays(t *testing.T) {
	source, err := os.ReadFile("../internal/report/coverage/testdata/project/pool.c")
	assert.NilError(t, err)
	p := newProject(t, map[string]string{"pool.c": string(source)})
	gcovr := filepath.Join(filepath.Dir(python(t)), "gcovr")
	for _, args := range [][]string{
		{"gcc", "--coverage", "-O0", "pool.c", "-o", "pool"},
		{"./pool"},
		{gcovr, "--json", "gcovr.json", "--cobertura", "gcovr.xml", "--json-summary", "summary.json", "."},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = p.dir
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err, string(out))
	}
	var summary struct {
		Lines   int `json:"line_total"`
		Covered int `json:"line_covered"`
	}
	data, err := os.ReadFile(filepath.Join(p.dir, "summary.json"))
	assert.NilError(t, err)
	assert.NilError(t, json.Unmarshal(data, &summary))
	for _, report := range []string{"gcovr.json", "gcovr.xml"} {
		stdout, stderr, _ := p.keepgreen("gate", "coverage", report, "--format", "json")
		var got struct{ Covered, Statements int }
		assert.NilError(t, json.Unmarshal([]byte(stdout), &got), stderr)
		assert.Equal(t, got.Covered, summary.Covered, report)
		assert.Equal(t, got.Statements, summary.Lines, report)
	}
}
