package pytest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/report/pytest"
)

func TestUnittestReadsWhatUnittestPrints(t *testing.T) {
	logs, err := filepath.Glob("testdata/unittest*.log")
	if err != nil || len(logs) == 0 {
		t.Fatal("no logs", err)
	}
	for _, path := range logs {
		name := strings.TrimSuffix(filepath.Base(path), ".log")
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rep, err := pytest.ReadUnittest(f)
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, readable(rep), name+".golden")
		})
	}
}
