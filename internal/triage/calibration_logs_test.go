package triage_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report"
	"keepgreen/internal/triage"
)

// mostOfLog bounds the clusters of one log that are labelled, so that a log with
// forty does not count for forty.
const mostOfLog = 5

// TestCalibrationLogs labels what is read from the logs of two collections: a
// cause is right if it was read from a line that people named. -update writes the
// rows; where the collections are absent, the rows stay as they are.
func TestCalibrationLogs(t *testing.T) {
	var b strings.Builder
	b.WriteString("source\tname\tcase\tright\t" + strings.Join(triage.FeatureNames(), "\t") + "\n")
	paths, _ := filepath.Glob(filepath.Join(corpus.Dir(t, "logs-pytorch"), "aws", "lambda", "log-classifier", "fixtures", "classify", "*.txt"))
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		log, truth := unmarked(raw)
		label(&b, "logs-pytorch", filepath.Base(path), "", log, nil, map[int]bool{truth: true})
	}
	dirs, _ := filepath.Glob(filepath.Join(corpus.Dir(t, "logs-cidiff"), "data", "breakages", "*"))
	for _, dir := range dirs {
		fail, err := os.ReadFile(filepath.Join(dir, "fail.log"))
		if err != nil {
			continue
		}
		pass, err := os.ReadFile(filepath.Join(dir, "pass.log"))
		if err != nil {
			t.Fatal(err)
		}
		var green triage.Templates
		for line := range logOf(bareReturns(pass)) {
			green.Add(line.Text)
		}
		truth := truthLines(t, filepath.Join(dir, "groundtruth"))
		label(&b, "logs-cidiff", filepath.Base(dir), "without", bareReturns(fail), nil, truth)
		label(&b, "logs-cidiff", filepath.Base(dir), "with green log", bareReturns(fail), &green, truth)
	}
	compare(t, filepath.Join("testdata", "calibration", "logs.tsv"), b.String())
}

// label writes a row for each cluster of a log, read as the command reads it.
func label(b *strings.Builder, source, name, what string, log []byte, green *triage.Templates, truth map[int]bool) {
	clusters := clustersOfLog(log, green)
	n := len(clusters)
	// By ID, which has nothing to do with how sure the model is.
	slices.SortFunc(clusters, func(a, b ci.Cluster) int { return strings.Compare(a.ID, b.ID) })
	for _, c := range clusters[:min(n, mostOfLog)] {
		right := slices.ContainsFunc(c.Members, func(f ci.Failure) bool {
			for line := f.Log.Line; line > 0 && line <= max(f.Log.Line, f.Log.EndLine); line++ {
				if truth[line] && (source != "logs-pytorch" || line == f.Log.Line) {
					return true
				}
			}
			return false
		})
		cells := []string{source, name, what, fmt.Sprint(right)}
		for _, x := range triage.Features(c, n) {
			cells = append(cells, fmt.Sprintf("%.3g", x))
		}
		b.WriteString(strings.Join(cells, "\t") + "\n")
	}
}

// clustersOfLog reads a log as the command does.
func clustersOfLog(log []byte, green *triage.Templates) []ci.Cluster {
	rep, _ := report.Read(bytes.NewReader(log))
	if !triage.Explained(rep) {
		triage.Explain(&rep, triage.Extract(logOf(log), green, triage.ExtractOptions{Excerpts: mostOfLog}))
	}
	run := ci.Run{Tests: rep.Tests, Diagnostics: rep.Diagnostics}
	return triage.Clusters(append(rep.Failures, run.Failures()...), triage.Options{})
}
