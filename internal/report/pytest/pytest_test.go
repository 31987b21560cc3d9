package pytest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/report"
	"keepgreen/internal/report/pytest"
)

// TestPytestReadsWhatPytestPrints compares the reports of real logs, which
// testdata/capture.sh regenerates, with goldens.
func TestPytestReadsWhatPytestPrints(t *testing.T) {
	logs, err := filepath.Glob("testdata/*.log")
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
			rep, err := pytest.Read(f)
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, readable(rep), name+".golden")
		})
	}
}

func TestLogFindsPytestAndUnittestInOneLog(t *testing.T) {
	var both strings.Builder
	for _, name := range []string{"plain", "unittest"} {
		b, err := os.ReadFile("testdata/" + name + ".log")
		if err != nil {
			t.Fatal(err)
		}
		both.Write(b)
	}
	rep, err := report.Log(strings.NewReader(both.String()))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, r := range rep.Tests {
		if r.Outcome.Bad() {
			found[r.Framework]++
		}
	}
	if found["pytest"] != 50 || found["unittest"] != 8 {
		t.Errorf("found %v", found)
	}
}
