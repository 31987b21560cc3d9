package historytest

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
)

// day is noon of a day of January.
func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

func weak(id string, scanner string, aliases ...string) ci.Vulnerability {
	return ci.Vulnerability{ID: id, Aliases: aliases, PURL: "pkg:npm/a@1", Severity: ci.VulnHigh, Fixed: []string{"2"}, Scanners: []string{scanner}}
}

// lives are the findings as short texts: id, first day, end, how often it came back.
func lives(t *testing.T, s Store) map[string]string {
	t.Helper()
	rows, err := s.Findings(t.Context(), "o/r")
	assert.NilError(t, err)
	out := map[string]string{}
	for _, f := range rows {
		life := "from " + f.FirstSeen.Format("02")
		if f.ClosedAs != "" {
			life += " " + f.ClosedAs + " " + f.Closed.Format("02") + " by " + f.ClosedRun
		}
		if f.Reopened > 0 {
			life += " reopened"
		}
		out[f.ID] = life
	}
	return out
}

// testFindings: the time to mend is taken from these rows, so that what begins,
// ends and comes back must be the same in every store.
func testFindings(t *testing.T, s Store) {
	put := func(n int, run string, scanners []string, accepted []ci.Vulnerability, found ...ci.Vulnerability) bool {
		t.Helper()
		added, err := s.PutScan(t.Context(), history.VulnScan{Repo: "o/r", Run: run, Time: day(n), Scanners: scanners, Open: found, Accepted: accepted})
		assert.NilError(t, err)
		return added
	}
	grype := []string{"grype"}
	assert.Assert(t, put(1, "r1", grype, nil, weak("GHSA-1", "grype"), weak("CVE-2", "grype"), weak("CVE-3", "npm")))
	assert.Assert(t, put(3, "r3", grype, nil, weak("CVE-1", "grype", "GHSA-1")))
	assert.DeepEqual(t, lives(t, s), map[string]string{
		"GHSA-1": "from 01", // the same under its CVE
		"CVE-2":  "from 01 fixed 03 by r3",
		"CVE-3":  "from 01", // no scanner looked for it
	})

	assert.Assert(t, !put(4, "r3", grype, nil), "a run is recorded once")
	assert.Assert(t, !put(2, "r2", grype, nil), "an older scan says nothing of now")
	assert.Equal(t, lives(t, s)["GHSA-1"], "from 01")

	assert.Assert(t, put(5, "r5", []string{"grype", "npm"}, []ci.Vulnerability{weak("CVE-1", "grype", "GHSA-1")}, weak("CVE-2", "grype")))
	assert.DeepEqual(t, lives(t, s), map[string]string{
		"GHSA-1": "from 01 accepted 05 by r5",
		"CVE-2":  "from 01 reopened",
		"CVE-3":  "from 01 fixed 05 by r5",
	})
	assert.Assert(t, put(6, "r6", grype, []ci.Vulnerability{weak("CVE-1", "grype", "GHSA-1")}, weak("CVE-2", "grype")))
	assert.Equal(t, lives(t, s)["GHSA-1"], "from 01 accepted 05 by r5")
	// The exception has ended: it counts again, and was never fixed.
	assert.Assert(t, put(7, "r7", grype, nil, weak("CVE-1", "grype", "GHSA-1"), weak("CVE-2", "grype")))
	assert.Equal(t, lives(t, s)["GHSA-1"], "from 01")

	rows, err := s.Findings(t.Context(), "o/r")
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 3)
	assert.DeepEqual(t, rows[0], history.FindingRow{
		ID: "CVE-2", Package: "pkg:npm/a", Severity: "high", Fixable: true, Scanners: []string{"grype"},
		FirstRun: "r1", FirstSeen: day(1), LastSeen: day(7), Reopened: 1,
	})
	assert.DeepEqual(t, rows[1], history.FindingRow{
		ID: "CVE-3", Package: "pkg:npm/a", Severity: "high", Fixable: true, Scanners: []string{"npm"},
		FirstRun: "r1", FirstSeen: day(1), LastSeen: day(1), ClosedRun: "r5", Closed: day(5), ClosedAs: "fixed",
	})

	other, err := s.Findings(t.Context(), "o/other")
	assert.NilError(t, err)
	assert.Equal(t, len(other), 0)
}
