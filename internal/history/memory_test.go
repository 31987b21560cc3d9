package history_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
)

func TestGreenLogsAreKeptByJobAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path)
	day := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	for i := range 5 {
		g := history.Green{Repo: "r", Workflow: "ci", Job: "build", Run: fmt.Sprint(i), Learned: day.AddDate(0, 0, i), Templates: []byte(fmt.Sprint("run ", i))}
		assert.NilError(t, s.PutGreen(t.Context(), g))
		assert.NilError(t, s.PutGreen(t.Context(), g)) // twice is once
	}
	got, err := s.Greens(t.Context(), "r", "ci", "build")
	assert.NilError(t, err)
	assert.Equal(t, len(got), 3)
	assert.Equal(t, string(got[0].Templates), "run 4")
	assert.Equal(t, got[2].Run, "2")
	assert.Equal(t, got[0].Learned, day.AddDate(0, 0, 4))

	for _, other := range [][3]string{{"r", "ci", "test"}, {"r", "nightly", "build"}, {"q", "ci", "build"}} {
		got, err := s.Greens(t.Context(), other[0], other[1], other[2])
		assert.NilError(t, err)
		assert.Equal(t, len(got), 0)
	}

	// What is too large is left out, and takes nothing else with it.
	huge := history.Green{Repo: "r", Workflow: "ci", Job: "build", Run: "9", Learned: day.AddDate(1, 0, 0), Templates: bytes.Repeat([]byte("x"), history.MaxGreen+1)}
	assert.NilError(t, s.PutGreen(t.Context(), huge))
	got, err = s.Greens(t.Context(), "r", "ci", "build")
	assert.NilError(t, err)
	assert.Equal(t, got[0].Run, "4")

	// Another process that only reads finds the same.
	assert.NilError(t, s.Close())
	reader, err := history.Open(t.Context(), path, history.Options{ReadOnly: true})
	assert.NilError(t, err)
	defer reader.Close()
	got, err = reader.Greens(t.Context(), "r", "ci", "build")
	assert.NilError(t, err)
	assert.Equal(t, len(got), 3)
}

func TestVerdictsReplaceThoseBefore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	first := []history.Judged{{Test: "t.py::a", Verdict: ci.FlakeFlaky}, {Test: "t.py::b", Variant: "win", Verdict: ci.FlakeBroken}}
	assert.NilError(t, s.PutVerdicts(t.Context(), "r", first))
	assert.NilError(t, s.PutVerdicts(t.Context(), "q", first[1:]))
	got, err := s.Verdicts(t.Context(), "r")
	assert.NilError(t, err)
	assert.DeepEqual(t, got, first)
	assert.NilError(t, s.PutVerdicts(t.Context(), "r", nil))
	got, err = s.Verdicts(t.Context(), "r")
	assert.NilError(t, err)
	assert.Equal(t, len(got), 0)
	got, err = s.Verdicts(t.Context(), "q")
	assert.NilError(t, err)
	assert.Equal(t, len(got), 1)
}
