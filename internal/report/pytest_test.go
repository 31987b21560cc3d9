package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/report"
)

// TestPytestReadsWhatPytestPrints compares the reports of real logs, which
// testdata/pytest/capture.sh regenerates, with goldens.
func TestPytestReadsWhatPytestPrints(t *testing.T) {
	logs, err := filepath.Glob("testdata/pytest/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatal("no logs", err)
	}
	for _, path := range logs {
		name := strings.TrimSuffix(filepath.Base(path), ".log")
		if strings.HasPrefix(name, "unittest") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rep, err := report.Pytest(f)
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, readable(rep), "pytest/"+name+".golden")
		})
	}
}
