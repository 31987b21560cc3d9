package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/corpus"
	"keepgreen/internal/report"
)

// TestScannersAreToldFromLinters: SARIF of a scanner is a list of
// vulnerabilities, SARIF of a linter is one of diagnostics.
func TestScannersAreToldFromLinters(t *testing.T) {
	for text, want := range map[string]string{
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Grype", "rules": []}}, "results": []}]}`:         "scanner-sarif",
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name":"osv-scanner", "rules": []}}, "results": []}]}`:    "scanner-sarif",
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff", "rules": []}}, "results": []}]}`:          "sarif",
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "golangci-lint", "rules": []}}, "results": []}]}`: "sarif",
		`{"auditReportVersion": 2, "vulnerabilities": {}}`:                                                            "npm-audit",
		`{"dependencies": [{"name": "a", "version": "1", "vulns": []}], "fixes": []}`:                                 "pip-audit",
		`{"results": [{"check_id": "rule", "path": "a.py"}], "errors": []}`:                                           "",
		`{"name": "app", "dependencies": {"a": "1"}}`:                                                                 "",
	} {
		got, _ := report.Recognise([]byte(text))
		if want == "" {
			assert.Assert(t, got.Name != "osv-scanner" && got.Name != "pip-audit", "%s: %s", text, got.Name)
			continue
		}
		assert.Equal(t, got.Name, want, text)
	}
}

func TestScannersOfTheCorpus(t *testing.T) {
	dir := corpus.Dir(t, "vuln")
	for file, format := range map[string]string{"grype.json": "grype", "osv.json": "osv-scanner", "grype.sarif": "scanner-sarif", "osv.sarif": "scanner-sarif"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		assert.NilError(t, err)
		rep, err := report.Read(strings.NewReader(string(data)))
		assert.NilError(t, err)
		assert.Equal(t, rep.Format, format)
		assert.Assert(t, len(rep.Vulns) > 0 && len(rep.Diagnostics) == 0)
	}
}
