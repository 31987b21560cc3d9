package cli

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
)

// reportPlaces are the directories in which a run looks for scanners' reports,
// and reportNames what those are called.
var (
	reportPlaces = []string{".", "reports", "scans", "security"}
	reportNames  = []string{"trivy", "grype", "osv", "pip-audit", "pip_audit", "npm-audit", "npm_audit"}
)

// scannerReports lists the reports of scanners that lie about in the repository.
// One that is under version control is somebody's sample, not of this run.
func (f *facts) scannerReports(ctx context.Context) []string {
	var found []string
	for _, place := range reportPlaces {
		entries, err := os.ReadDir(filepath.Join(f.root, place))
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := strings.ToLower(e.Name())
			if e.Type().IsRegular() && isReportName(name) && slices.ContainsFunc(reportNames, func(s string) bool { return strings.Contains(name, s) }) {
				found = append(found, path.Join(place, e.Name()))
			}
		}
	}
	if len(found) == 0 || f.repo == nil {
		return found
	}
	names := make([]string, len(found)) // as the repository has them
	for i, name := range found {
		names[i] = path.Join(f.repo.Sub, name)
	}
	committed, err := f.repo.Committed(ctx, names)
	if err != nil {
		f.warn("%v", err)
	}
	return slices.DeleteFunc(found, func(name string) bool { return slices.Contains(committed, path.Join(f.repo.Sub, name)) })
}

// vulnGate decides on the vulnerabilities that scanners reported; without a
// report there is no gate. Its settings are those of gate vulns.
func (c *runCommand) vulnGate(s *session, f *facts) (d ci.Decision, ok bool, err error) {
	paths := f.scannerReports(s.ctx)
	if len(paths) == 0 {
		return d, false, nil
	}
	gate := gateVulns{}
	parser, err := kong.New(&gate.vulnRule, kong.Name("gate vulns"), kong.Resolvers(&settings{session: s, loaded: true}))
	if err == nil {
		_, err = parser.Parse(nil)
	}
	if err != nil {
		return d, false, usagef("", "gate vulns: %w", err)
	}
	if err := gate.check(); err != nil {
		return d, false, err
	}
	for _, name := range paths {
		gate.Paths = append(gate.Paths, filepath.Join(f.root, filepath.FromSlash(name)))
	}
	m := &vulnFacts{run: f.run, repo: f.repo}
	if err := gate.facts(s, m); err != nil {
		return d, false, err
	}
	decision := policy.Vulns(m.scan, m.base, m.exceptions, gate.settings(s.Now()))
	for _, note := range append(decision.Notes, m.notes...) {
		f.warn("vulnerabilities: %s", note)
	}
	if decision.Verdict == ci.VerdictNoData && m.fork {
		decision.Verdict = ci.VerdictWarn
	}
	decision.Gate = "vulns" // the command's name, which fits the column
	return decision.Decision, true, nil
}
