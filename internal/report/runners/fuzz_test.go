package runners

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"keepgreen/internal/report/format"
	"keepgreen/internal/report/reporttest"
)

func FuzzJest(f *testing.F) {
	reporttest.Seeds(f, "jest")
	reporttest.FuzzLines(f, func() format.LineReader { return newJestReader() })
}

func FuzzMaven(f *testing.F) {
	reporttest.Seeds(f, "maven")
	f.Add([]byte("PoolTest > takes() FAILED\n    org.opentest4j.AssertionFailedError at PoolTest.java:20\n\n8 tests completed, 5 failed\n"))
	reporttest.FuzzLines(f, func() format.LineReader { return newMavenReader() })
}

func FuzzCargo(f *testing.F) {
	reporttest.Seeds(f, "cargo")
	f.Add([]byte("    Starting 2 tests\n        FAIL [   0.004s] kv_pool tests::a\n--- STDOUT:              kv_pool tests::a ---\nthread 'x' panicked at 'why', src/lib.rs:1:2\n"))
	reporttest.FuzzLines(f, func() format.LineReader { return newCargoReader() })
}

func FuzzJestJSON(f *testing.F) {
	for _, name := range []string{"jest.json", "vitest.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", "jest", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rep, err := ReadJestJSON(bytes.NewReader(data))
		reporttest.Sane(t, rep, len(data))
		if err == nil && len(data) == 0 {
			t.Error("nothing is not a result")
		}
	})
}
