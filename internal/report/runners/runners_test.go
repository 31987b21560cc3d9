package runners_test

import (
	"testing"

	"keepgreen/internal/report"
	"keepgreen/internal/report/reporttest"
)

// TestRunnerCaptures reads what test runners printed about the projects beside
// them; testdata/<tool>/capture.sh makes them anew.
func TestRunnerCaptures(t *testing.T) {
	for _, tool := range []string{"jest", "maven", "cargo"} {
		reporttest.Captures(t, tool, report.Read)
	}
}
