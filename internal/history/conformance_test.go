package history_test

import (
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/history"
	"keepgreen/internal/history/historytest"
)

func TestSQLiteConforms(t *testing.T) {
	historytest.Conformance(t, func(t *testing.T) historytest.Store {
		return open(t, filepath.Join(t.TempDir(), ".keepgreen", "history.db"))
	})
}

func TestMemoryConforms(t *testing.T) {
	historytest.Conformance(t, func(*testing.T) historytest.Store { return historytest.NewMemory() })
}

func open(t *testing.T, path string) *history.Store {
	t.Helper()
	s, err := history.Open(t.Context(), path, history.Options{})
	assert.NilError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// day is noon of a day of January.
func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }
