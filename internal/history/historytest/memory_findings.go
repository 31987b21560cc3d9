package historytest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
)

// memoryFindings is what main of one repository had.
type memoryFindings struct {
	scans   []history.VulnScan
	rows    []*history.FindingRow
	aliases map[[2]string]*history.FindingRow // package and id
}

// PutScan records what main has now.
func (m *Memory) PutScan(ctx context.Context, scan history.VulnScan) (added bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.findings[scan.Repo]
	if f == nil {
		f = &memoryFindings{aliases: map[[2]string]*history.FindingRow{}}
		m.findings[scan.Repo] = f
	}
	if slices.ContainsFunc(f.scans, func(old history.VulnScan) bool { return old.Run == scan.Run || old.Time.After(scan.Time) }) {
		return false, nil
	}
	f.scans = append(f.scans, scan)
	for _, v := range scan.Open {
		row := f.sight(scan, v)
		if row.ClosedAs == "fixed" {
			row.Reopened++
		}
		row.ClosedRun, row.Closed, row.ClosedAs = "", time.Time{}, ""
	}
	for _, v := range scan.Accepted {
		row := f.sight(scan, v)
		if row.ClosedAs == "fixed" {
			row.Reopened++
		}
		if row.ClosedAs != "accepted" {
			row.ClosedRun, row.Closed, row.ClosedAs = scan.Run, scan.Time, "accepted"
		}
	}
	for _, row := range f.rows {
		seen := row.LastSeen.Equal(scan.Time)
		looked := len(row.Scanners) == 0 || slices.ContainsFunc(row.Scanners, func(s string) bool { return slices.Contains(scan.Scanners, s) })
		if row.ClosedAs == "" && !seen && looked {
			row.ClosedRun, row.Closed, row.ClosedAs = scan.Run, scan.Time, "fixed"
		}
	}
	return true, nil
}

// sight finds the row of a vulnerability under any of its names, or makes it.
func (f *memoryFindings) sight(scan history.VulnScan, v ci.Vulnerability) *history.FindingRow {
	var row *history.FindingRow
	for _, id := range v.IDs() {
		if row = f.aliases[[2]string{v.PackageKey(), id}]; row != nil {
			break
		}
	}
	if row == nil {
		row = &history.FindingRow{ID: v.ID, Package: v.PackageKey(), FirstRun: scan.Run, FirstSeen: scan.Time.UTC()}
		f.rows = append(f.rows, row)
	}
	for _, id := range v.IDs() {
		if key := [2]string{v.PackageKey(), id}; f.aliases[key] == nil {
			f.aliases[key] = row
		}
	}
	row.Severity, row.Fixable, row.Scanners, row.LastSeen = v.Severity.String(), len(v.Fixed) > 0, v.Scanners, scan.Time.UTC()
	return row
}

// Findings lists every vulnerability that main had, the first seen first.
func (m *Memory) Findings(_ context.Context, repo string) ([]history.FindingRow, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []history.FindingRow
	if f := m.findings[repo]; f != nil {
		for _, row := range f.rows {
			out = append(out, *row)
		}
	}
	slices.SortFunc(out, func(a, b history.FindingRow) int {
		return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}
