package pytest_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report/pytest"
	"keepgreen/internal/report/reporttest"
)

func TestPytestBoundsATracebackOfAnyLength(t *testing.T) {
	head, tail, _ := strings.Cut(failing(1), "    def test_0")
	rep, err := pytest.Read(io.MultiReader(
		strings.NewReader(head),
		io.LimitReader(reporttest.Repeating("a.py:7: in helper\n    call()\nE   one more line of the message\n"), 64<<20),
		strings.NewReader("\n    def test_0"+tail),
	))
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Tests) != 1 {
		t.Fatalf("%d results", len(rep.Tests))
	}
	f := rep.Tests[0].Failure
	if n := len(f.Details); n > 20<<10 || !strings.Contains(f.Details, "bytes left out") {
		t.Errorf("kept %d bytes of the traceback", n)
	}
	if n := len(f.Message); n > 20<<10 {
		t.Errorf("kept %d bytes of the message", n)
	}
	if n := len(f.Frames); n > 64 || f.Frames[n-1].String() != "test_a.py:2" {
		t.Errorf("kept %d frames, the last one %v", n, f.Frames[n-1])
	}
}

func TestPytestReadsOnBehindALineOfAnyLength(t *testing.T) {
	head, tail, _ := strings.Cut(failing(2), "    def test_0")
	rep, err := pytest.Read(io.MultiReader(
		strings.NewReader(head+"E   "), io.LimitReader(reporttest.Repeating("x"), 256<<20), strings.NewReader("\n    def test_0"+tail)))
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Tests) != 2 || len(rep.Warnings) != 0 {
		t.Errorf("%d results, warnings %v", len(rep.Tests), rep.Warnings)
	}
}

func TestPytestCountsOnWhenItKeepsNoMore(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a log of 300,000 failures")
	}
	rep := pytestOf(t, []byte(failing(300_000)))
	if rep.Totals == nil || rep.Totals.Failed != 300_000 {
		t.Fatalf("totals %+v", rep.Totals)
	}
	if len(rep.Tests) >= 300_000 || len(rep.Tests) < 100_000 {
		t.Errorf("%d results are listed", len(rep.Tests))
	}
	said := ""
	for _, w := range rep.Warnings {
		said += w.Text + "\n"
	}
	if !strings.Contains(said, "100000 of them failures, were counted and not listed") {
		t.Errorf("the warnings do not say what was left out: %s", said)
	}
}

// TestPytestReadsOnBehindTheBound: a rerun is a result of its own, so that a run
// may end one above the bound; the next run in the log is read all the same.
func TestPytestReadsOnBehindTheBound(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a log of 200,000 tests")
	}
	var log strings.Builder
	session := func(tests int, reruns bool) {
		log.WriteString("============================= test session starts ==============================\ncollected 9 items\n\n")
		log.WriteString("test_a.py::test_first FAILED [  1%]\n")
		for i := range tests {
			if reruns {
				fmt.Fprintf(&log, "test_a.py::test[%d] RERUN [  1%%]\n", i)
			}
			fmt.Fprintf(&log, "test_a.py::test[%d] FAILED [  1%%]\n", i)
		}
		ending := fmt.Sprintf(" %d failed in 1.00s ", tests+1) // as wide as the rule above
		log.WriteString(strings.Repeat("=", 30) + ending + strings.Repeat("=", 50-len(ending)) + "\n")
	}
	session(200_001, true)
	session(1, false)
	rep := pytestOf(t, []byte(log.String()))
	if n := len(rep.Tests); n < 400_000 || n > 400_100 {
		t.Errorf("%d results are listed", n)
	}
	if rep.Totals == nil || rep.Totals.Failed != 200_004 {
		t.Errorf("totals %+v", rep.Totals)
	}
}

// TestPytestReadsRealLogs reads every public log: none may panic, and each
// failure that is listed must say something.
func TestPytestReadsRealLogs(t *testing.T) {
	for _, collection := range []string{"logs-pytorch", "logs-cidiff"} {
		t.Run(collection, func(t *testing.T) {
			dir := corpus.Dir(t, collection)
			err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				b = unmarked(b)
				rep := pytestOf(t, b)
				for _, test := range rep.Tests {
					if test.Outcome.Bad() && (test.Failure == nil || test.Failure.Headline() == "") {
						t.Errorf("%s: %s says nothing", path, test.ID)
					}
				}
				if testing.Verbose() && len(rep.Tests)+len(rep.Failures) > 0 {
					t.Logf("%s\n%.3000s", path, readable(rep))
				}
				rep, err = pytest.ReadUnittest(bytes.NewReader(b))
				if testing.Verbose() && len(rep.Tests)+len(rep.Failures) > 0 {
					t.Logf("%s as unittest\n%.2000s", path, readable(rep))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// unmarked takes the marks of the collection's own ground truth off.
func unmarked(b []byte) []byte {
	for _, mark := range []string{"#=MATCH=# ", "‹", "›"} {
		b = bytes.ReplaceAll(b, []byte(mark), nil)
	}
	return b
}

// BenchmarkPytest100MB reads a stream of 100 MB made of one real run over and
// over, every failure of which is kept up to the reader's bounds. peak-MiB is
// the growth of the heap while reading, above what the report holds at the end.
func BenchmarkPytest100MB(b *testing.B) {
	run, err := os.ReadFile("testdata/verbose.log")
	if err != nil {
		b.Fatal(err)
	}
	const size = 100 << 20
	b.SetBytes(size)
	var rep ci.Report
	peak := uint64(0)
	for range b.N {
		if _, err = pytest.Read(io.LimitReader(reporttest.Repeating(string(run)), size)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		runtime.GC()
		watch := &heapWatch{Reader: io.LimitReader(reporttest.Repeating(string(run)), size)}
		if rep, err = pytest.Read(watch); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		var after runtime.MemStats
		runtime.ReadMemStats(&after)
		if watch.peak > after.HeapAlloc {
			peak = max(peak, watch.peak-after.HeapAlloc)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(len(rep.Tests)), "results")
}

// heapWatch looks at the live heap every few megabytes.
type heapWatch struct {
	io.Reader
	read, last int
	peak       uint64
}

func (h *heapWatch) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if h.read += n; h.read-h.last > 16<<20 {
		h.last = h.read
		runtime.GC() // the live heap, not what is about to be collected
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		h.peak = max(h.peak, stats.HeapAlloc)
	}
	return n, err
}
