package history_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/history"
)

func TestMapsAreKeptByCommitAndTheNewestStay(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	for i := range 50 {
		row := history.MapRow{Repo: "o/r", Commit: fmt.Sprintf("c%02d", i), Python: "3.12", Tool: "keepgreen", Tests: i, Recorded: day(1).AddDate(0, 0, i)}
		assert.NilError(t, s.PutMap(t.Context(), row, []byte(fmt.Sprint("map ", i))))
	}
	row := history.MapRow{Repo: "o/r", Commit: "c49", Python: "3.12", Recorded: day(1).AddDate(0, 0, 60)}
	assert.NilError(t, s.PutMap(t.Context(), row, []byte("again")))
	assert.NilError(t, s.PutMap(t.Context(), history.MapRow{Repo: "other", Commit: "c0", Recorded: day(1)}, nil))
	rows, err := s.Maps(t.Context(), "o/r")
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 40)
	assert.Equal(t, rows[0].Commit, "c49")
	assert.Equal(t, rows[39].Commit, "c10")
	data, err := s.Map(t.Context(), rows[0])
	assert.NilError(t, err)
	assert.Equal(t, string(data), "again")
	_, err = s.Map(t.Context(), history.MapRow{Repo: "o/r", Commit: "none"})
	assert.Assert(t, err != nil)
	rows, err = s.Maps(t.Context(), "other")
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 1)
}

func TestAuditsAreKeptByRun(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"))
	a := history.Audit{Repo: "o/r", Run: "1", Commit: "c", At: day(2), Mode: "shadow", Selected: 3, Skipped: 7, Failed: 1, Missed: []history.AuditMissed{{Test: "t", Kind: "runs", File: "f.py"}}}
	assert.NilError(t, s.PutAudit(t.Context(), a))
	a.Failed = 2
	assert.NilError(t, s.PutAudit(t.Context(), a))
	assert.NilError(t, s.PutAudit(t.Context(), history.Audit{Repo: "o/r", Run: "2", At: day(3)}))
	all, err := s.Audits(t.Context(), "o/r")
	assert.NilError(t, err)
	assert.Equal(t, len(all), 2)
	assert.DeepEqual(t, all[1], a)
}
