//go:build e2e && heavy

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/report"
	"keepgreen/internal/triage"
)

// TestHeavyCalibration breaks small programs in hundreds of ways, runs the real
// pytest, ruff, mypy and go test on each, and labels what triage says: a cause
// is right if it leads to the fault. With KEEPGREEN_CALIBRATE it writes the rows
// that confidence is fitted to; without, it takes every tenth breakage and
// compares with the rows that are checked in.
func TestHeavyCalibration(t *testing.T) {
	seeds := filepath.Join("testdata", "seed")
	table := os.Getenv("KEEPGREEN_CALIBRATE")
	known, err := os.ReadFile(filepath.Join("..", "internal", "triage", "testdata", "calibration", "seeded.tsv"))
	assert.Assert(t, table != "" || err == nil, err)
	var out strings.Builder
	silent := 0
	all := breakages(t, seeds)
	for n, b := range all {
		if table == "" && n%10 != 0 {
			continue
		}
		rows := b.rows(t, seeds, b.beside(all, n))
		if len(rows) == 0 {
			silent++ // no test and no linter notices it
		}
		for _, row := range rows {
			out.WriteString(row + "\n")
			if table == "" && !bytes.Contains(known, []byte(row+"\n")) {
				t.Errorf("not among the rows that confidence was fitted to (make calibrate writes them again):\n%s", row)
			}
		}
	}
	t.Logf("%d breakages that nothing noticed", silent)
	for _, row := range exampleRows(t) {
		out.WriteString(row + "\n")
		assert.Check(t, table != "" || bytes.Contains(known, []byte(row+"\n")), row)
	}
	if table == "" {
		return
	}
	header := "source\tname\tcase\tright\t" + strings.Join(triage.FeatureNames(), "\t") + "\n"
	assert.NilError(t, os.WriteFile(table, []byte(header+out.String()), 0o644))
}

// beside is what is broken beside b: nothing, or one or two other files of the
// program. A run has one fault as seldom as it has one symptom. The others stand
// on the same side of the split.
func (b breakage) beside(all []breakage, n int) (others []breakage) {
	way := sha256.Sum256([]byte(b.key()))
	side := func(b breakage) byte { return sha256.Sum256([]byte("seeded/" + b.file))[0] % 2 }
	files := map[string]bool{b.file: true}
	language, _, _ := strings.Cut(b.file, "/")
	for i := 1; i < len(all) && len(others) < int(way[4]%3); i++ {
		other := all[(n+i*37)%len(all)]
		if !files[other.file] && strings.HasPrefix(other.file, language+"/") && side(other) == side(b) {
			files[other.file] = true
			others = append(others, other)
		}
	}
	return others
}

// rows runs the broken program and labels each cluster.
func (b breakage) rows(t *testing.T, seeds string, others []breakage) []string {
	t.Helper()
	language, file, _ := strings.Cut(b.file, "/")
	dir := t.TempDir()
	assert.NilError(t, os.CopyFS(dir, os.DirFS(filepath.Join(seeds, language))))
	unseed(t, dir)
	assert.NilError(t, os.WriteFile(filepath.Join(dir, file), []byte(b.text), 0o644))
	for _, other := range others {
		_, file, _ := strings.Cut(other.file, "/")
		assert.NilError(t, os.WriteFile(filepath.Join(dir, file), []byte(other.text), 0o644))
	}

	var reports []ci.Report
	way := sha256.Sum256([]byte(b.key())) // which of the sources CI has kept
	if language == "python" {
		reports = b.pythonReports(t, dir, way[1])
	} else {
		reports = b.goReports(t, dir, way[1])
	}
	options := triage.Options{}
	if way[2]%2 == 0 { // half of all runs know what was changed
		options.Change = b.change(file)
	}
	if way[3]%2 == 0 { // and half know that the tests passed before
		options.PassedOnMain = func(ci.TestID) (string, bool) { return "before", true }
	}
	clusters := clustersOf(reports, dir, options)
	var out []string
	for _, c := range clusters {
		led := b.led(c.Cause) || slices.ContainsFunc(others, func(b breakage) bool { return b.led(c.Cause) })
		out = append(out, labelled("seeded", b.file, fmt.Sprintf("%d %s", b.at, b.name), led, triage.Features(c, len(clusters))))
		show(led, c, b.key())
	}
	return out
}

// exampleFaults is what the README of examples/kv-hygiene says is wrong with it, by
// what leads there: a name, or a file. Its flaky test is left out, since its
// failure comes and goes.
var exampleFaults = []struct{ names, files []string }{
	{[]string{"CacheTracer"}, []string{"tools/isolation.py"}},
	{[]string{"F401", "F841"}, []string{"tools/cache_tracer.py"}},
	{[]string{"E711"}, []string{"tools/activation_logger.py"}},
	{nil, []string{"tools/eviction_checker.py", "tests/test_eviction.py"}},
}

// exampleRows labels what triage says of the bundled example.
func exampleRows(t *testing.T) (out []string) {
	t.Helper()
	p := kvHygiene(t)
	junit := filepath.Join(p.dir, "junit.xml")
	log := tool(t, p.dir, python(t), "-B", "-m", "pytest", "-p", "no:cacheprovider", "-k", "not that_end_at_any_time", "--junit-xml="+junit)
	xml, err := os.ReadFile(junit)
	assert.NilError(t, err)
	reports := []ci.Report{
		read(t, log), read(t, bytes.ReplaceAll(xml, []byte(p.dir+"/"), nil)),
		read(t, tool(t, p.dir, python(t), "-m", "ruff", "check", "--no-cache", "--output-format=concise", ".")),
		read(t, tool(t, p.dir, python(t), "-m", "mypy", "--cache-dir="+os.DevNull)), // as its configuration says
	}
	clusters := clustersOf(reports, p.dir, triage.Options{})
	for _, c := range clusters {
		right := false
		for _, fault := range exampleFaults {
			for _, name := range []string{c.Cause.Symbol, c.Cause.Rule} {
				right = right || slices.Contains(fault.names, name)
			}
			right = right || slices.Contains(fault.files, c.Cause.Pos.File)
		}
		out = append(out, labelled("example", c.Cause.Pos.File, string(c.Cause.Class)+" "+c.Cause.Rule, right, triage.Features(c, len(clusters))))
		show(right, c, "kv-hygiene")
	}
	return append(out, flakyRows(t, p)...)
}

// flakyRows labels what triage says of the example's flaky test, known as such: the
// race lies in the pool's scrub, whatever the assertion says.
func flakyRows(t *testing.T, p project) (out []string) {
	t.Helper()
	for range 40 {
		log := tool(t, p.dir, python(t), "-B", "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/test_sanitize_pool.py")
		options := triage.Options{Flaky: func(ci.TestID) bool { return true }}
		for _, c := range clustersOf([]ci.Report{read(t, log)}, p.dir, options) {
			right := c.Cause.Symbol == "scrub" || c.Cause.Pos.File == "tools/sanitizer.py"
			show(right, c, "the flaky test of kv-hygiene")
			return []string{labelled("example", "tests/test_sanitize_pool.py", string(c.Cause.Class), right, triage.Features(c, 1))}
		}
	}
	t.Log("the example's flaky test passed forty times")
	return nil
}

// clustersOf is what triage makes of what tools said in a directory.
func clustersOf(reports []ci.Report, dir string, options triage.Options) []ci.Cluster {
	report.Resolve(reports, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	})
	all := report.Union(reports)
	run := ci.Run{Tests: all.Tests, Diagnostics: all.Diagnostics}
	return triage.Clusters(append(all.Failures, run.Failures()...), options)
}

// show prints a label for whoever checks them, with KEEPGREEN_CALIBRATE_SHOW.
func show(right bool, c ci.Cluster, what string) {
	if os.Getenv("KEEPGREEN_CALIBRATE_SHOW") != "" {
		fmt.Printf("%-5v %.2f  %s: %s %s %s: %s\n", right, c.Confidence, what, c.Cause.Class, c.Cause.Symbol, c.Cause.Module, c.Cause.Sentence)
	}
}

// labelled is a row of the table.
func labelled(source, name, what string, right bool, x []float64) string {
	cells := []string{source, name, what, fmt.Sprint(right)}
	for _, v := range x {
		cells = append(cells, fmt.Sprintf("%.3g", v))
	}
	return strings.Join(cells, "\t")
}

// change is a diff that holds the fault and, as diffs do, something else.
func (b breakage) change(file string) *ci.Change {
	return &ci.Change{Files: []ci.FileChange{
		{Path: file, Status: "M", Added: []ci.LineRange{{First: b.at, Last: b.at + strings.Count(b.with, "\n")}}},
		{Path: "shop/__init__.py", Status: "M"},
		{Path: "shop/shop.go", Status: "M", Added: []ci.LineRange{{First: 1, Last: 3}}},
	}}
}

// unseed takes the ending off the names that keeps Go files out of our own module.
func unseed(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, ".seed"); ok && err == nil {
			err = os.Rename(path, name)
		}
		return err
	})
	assert.NilError(t, err)
}

func (b breakage) pythonReports(t *testing.T, dir string, way byte) []ci.Report {
	t.Helper()
	args := []string{"-B", "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:rerunfailures", "--color=no"}
	switch way % 5 {
	case 1:
		args = append(args, "--tb=short")
	case 2:
		args = append(args, "--tb=native")
	case 3:
		args = append(args, "--tb=no") // nothing but the summary, cut to the width of a terminal
	}
	junit := filepath.Join(dir, "junit.xml")
	log := tool(t, dir, python(t), append(args, "--junit-xml="+junit)...)
	xml, _ := os.ReadFile(junit)
	var reports []ci.Report
	if way%8 != 3 {
		reports = append(reports, read(t, prefixed(log, way%8 < 3)))
	}
	if len(xml) > 0 && way%8 >= 3 {
		reports = append(reports, read(t, bytes.ReplaceAll(xml, []byte(dir+"/"), nil)))
	}
	// A renamed import is also out of order, which is no symptom of a fault.
	lint := tool(t, dir, python(t), "-m", "ruff", "check", "--no-cache", "--ignore=I001", "--output-format=concise", ".")
	reports = append(reports, read(t, lint))
	if strings.Contains(b.name, "type") || way%8 == 5 {
		cache := filepath.Join(os.TempDir(), "keepgreen-calibrate-mypy")
		reports = append(reports, read(t, tool(t, dir, python(t), "-m", "mypy", "--cache-dir", cache, "--no-error-summary", ".")))
	}
	return reports
}

func (b breakage) goReports(t *testing.T, dir string, way byte) []ci.Report {
	t.Helper()
	args := []string{"test", "-timeout=5s"}
	if way%2 == 0 {
		args = append(args, "-json")
	}
	return []ci.Report{read(t, prefixed(tool(t, dir, "go", append(args, "./...")...), way%8 < 3))}
}

// prefixed is the log as GitHub hands it out, with a time before each line.
func prefixed(log []byte, yes bool) []byte {
	if !yes {
		return log
	}
	return regexp.MustCompile(`(?m)^`).ReplaceAll(bytes.TrimSuffix(log, []byte("\n")), []byte("2024-05-01T10:22:33.1234567Z "))
}

func read(t *testing.T, text []byte) ci.Report {
	t.Helper()
	rep, err := report.Read(bytes.NewReader(text))
	assert.NilError(t, err)
	return rep
}

// tool runs a tool and gives what it printed; that it says no is expected.
func tool(t *testing.T, dir, exe string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "CI=", "BUILD_NUMBER=", "COLUMNS=80")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(out, []byte(dir+"/"), nil)
}
