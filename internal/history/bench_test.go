package history_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/history/historytest"
)

// benchRun is a run of n tests, 1 in 200 failing, with durations that no
// compressor likes: log-normal, and never twice the same.
func benchRun(run, n int) ci.Run {
	random := rand.New(rand.NewPCG(uint64(run), 1))
	out := historytest.Run(run)
	for i := range n {
		r := historytest.Result(fmt.Sprintf("tests/unit/test_module_%d.py::TestThing::test_case_%d", i/40, i), ci.Passed)
		if random.IntN(200) == 0 {
			r = historytest.Result(string(r.ID), ci.Failed)
		}
		r.Duration = time.Duration(2e6 * (1 + random.ExpFloat64()*random.ExpFloat64()))
		out.Tests = append(out.Tests, r)
	}
	return out
}

// BenchmarkAppend measures one run of 4,000 tests into a file that grows:
// results a second, and bytes of the file a result.
func BenchmarkAppend(b *testing.B) {
	path := filepath.Join(b.TempDir(), "history.db")
	s, err := history.Open(b.Context(), path, history.Options{})
	assert.NilError(b, err)
	runs := 0
	for b.Loop() {
		b.StopTimer()
		run := benchRun(runs, 4000)
		runs++
		b.StartTimer()
		_, err := s.Append(b.Context(), run, nil)
		assert.NilError(b, err)
	}
	assert.NilError(b, s.Close())
	info, err := os.Stat(path)
	assert.NilError(b, err)
	b.ReportMetric(float64(runs*4000)/b.Elapsed().Seconds(), "results/s")
	b.ReportMetric(float64(info.Size())/float64(runs*4000), "B/result")
}

// BenchmarkScan measures reading 500 runs of 4,000 tests, and opening the file.
func BenchmarkScan(b *testing.B) {
	path := filepath.Join(b.TempDir(), "history.db")
	s, err := history.Open(b.Context(), path, history.Options{})
	assert.NilError(b, err)
	for i := range 500 {
		_, err := s.Append(b.Context(), benchRun(i, 4000), nil)
		assert.NilError(b, err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := history.Open(b.Context(), path, history.Options{})
			assert.NilError(b, err)
			s.Close()
		}
	})
	b.Run("blocks", func(b *testing.B) {
		n := 0
		for b.Loop() {
			for block, err := range s.Scan(b.Context(), history.Filter{}) {
				assert.NilError(b, err)
				n += block.Len()
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "results/s")
	})
	b.Run("newest50", func(b *testing.B) {
		for b.Loop() {
			for _, err := range s.Scan(b.Context(), history.Filter{Limit: 50}) {
				assert.NilError(b, err)
			}
		}
	})
	b.Run("one-test", func(b *testing.B) {
		for b.Loop() {
			_, err := history.Executions(b.Context(), s, history.Filter{}, "tests/unit/test_module_1.py::TestThing::test_case_41", 0)
			assert.NilError(b, err)
		}
	})
	assert.NilError(b, s.Close())
}
