package history

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

func opened(t *testing.T, name string) *Store {
	t.Helper()
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), name), Options{})
	assert.NilError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func appendRun(t *testing.T, s *Store, id string, tests ...string) {
	t.Helper()
	run := ci.Run{ID: id, Repo: "octo/shop", Branch: "main", Main: true, Started: time.Unix(1_790_000_000, 0)}
	for _, name := range tests {
		run.Tests = append(run.Tests, ci.TestResult{ID: ci.TestID(name), Outcome: ci.Passed})
	}
	_, err := s.Append(context.Background(), run, nil)
	assert.NilError(t, err)
}

// TestMergeIsAUnion: two writers began with nothing; afterwards both have both,
// whoever merges, and the numbers of tests are each one's own.
func TestMergeIsAUnion(t *testing.T) {
	ctx := context.Background()
	a, b := opened(t, "a.db"), opened(t, "b.db")
	appendRun(t, a, "1", "t::x", "t::y")
	appendRun(t, b, "2", "t::z", "t::y")
	appendRun(t, b, "1", "t::x", "t::y")
	added, err := a.Merge(ctx, b.Path())
	assert.NilError(t, err)
	assert.Equal(t, added, 1)
	again, err := a.Merge(ctx, b.Path())
	assert.NilError(t, err)
	assert.Equal(t, again, 0)
	executions, err := Executions(ctx, a, Filter{Repo: "octo/shop"}, "t::y", 10)
	assert.NilError(t, err)
	assert.Equal(t, len(executions), 2)

	copied := filepath.Join(t.TempDir(), "copy.db")
	assert.NilError(t, a.Snapshot(ctx, copied))
	fresh := opened(t, "c.db")
	added, err = fresh.Merge(ctx, copied)
	assert.NilError(t, err)
	assert.Equal(t, added, 2)
}

// TestMergeOfFindings: the newer scan knows what is open, the older one since when.
func TestMergeOfFindings(t *testing.T) {
	ctx := context.Background()
	early, late := time.Unix(1_790_000_000, 0).UTC(), time.Unix(1_790_100_000, 0).UTC()
	vuln := ci.Vulnerability{ID: "CVE-1", Package: "a", Severity: ci.VulnHigh}
	other := ci.Vulnerability{ID: "CVE-2", Package: "b", Severity: ci.VulnHigh}
	for _, tt := range []struct {
		name string
		swap bool
	}{{name: "the newer into the older"}, {name: "the older into the newer", swap: true}} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := opened(t, "a.db"), opened(t, "b.db")
			for _, scan := range []struct {
				s    *Store
				scan VulnScan
			}{
				{a, VulnScan{Repo: "r", Run: "1", Time: early, Scanners: []string{"trivy"}, Open: []ci.Vulnerability{vuln, other}}},
				{b, VulnScan{Repo: "r", Run: "2", Time: late.Add(-time.Hour), Scanners: []string{"trivy"}, Open: []ci.Vulnerability{vuln, other}}},
				{b, VulnScan{Repo: "r", Run: "3", Time: late, Scanners: []string{"trivy"}, Open: []ci.Vulnerability{vuln}}},
			} {
				_, err := scan.s.PutScan(ctx, scan.scan)
				assert.NilError(t, err)
			}
			if tt.swap {
				a, b = b, a
			}
			_, err := a.Merge(ctx, b.Path())
			assert.NilError(t, err)
			rows, err := a.Findings(ctx, "r")
			assert.NilError(t, err)
			assert.Equal(t, len(rows), 2)
			for _, row := range rows {
				assert.Equal(t, row.FirstSeen.Unix(), early.Unix(), row.ID)
				assert.Equal(t, row.Closed.IsZero(), row.ID == "CVE-1", row.ID)
			}
		})
	}
}

// TestEveryTableIsMerged: a new table has to say how.
func TestEveryTableIsMerged(t *testing.T) {
	s := opened(t, "a.db")
	rows, err := s.db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	assert.NilError(t, err)
	defer rows.Close()
	known := map[string]bool{}
	for _, m := range mergers {
		known[m.table] = true
	}
	for rows.Next() {
		var name string
		assert.NilError(t, rows.Scan(&name))
		assert.Assert(t, known[name], "the table %s is not in the list of merge.go: say how its rows of another history come into this one", name)
	}
	assert.NilError(t, rows.Err())
}
