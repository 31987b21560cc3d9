package triage_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/triage"
)

// logLines are lines as a CI log has them, with values that differ from line to line.
func logLines(n int) (lines [][]byte, bytes int64) {
	for i := range n {
		var s string
		switch i % 8 {
		case 0:
			s = fmt.Sprintf("2024-05-01 12:%02d:%02d,%03d INFO kv.pool: evicted block %d of sequence %x in %d.%dms", i/60%60, i%60, i%1000, i, i*2654435761, i%9, i%10)
		case 1:
			s = fmt.Sprintf("tests/test_kv.py::TestPool::test_reuse[fp16-%d] PASSED [ %d%%]", i%64, i%100)
		case 2:
			s = fmt.Sprintf("Downloading numpy-1.%d.%d-cp312-cp312-manylinux_2_17_x86_64.whl (%d.2 MB)", i%30, i%7, i%90)
		case 3:
			s = fmt.Sprintf("  File \"/home/ci/project/src/kv/pool.py\", line %d, in reuse", i%500)
		case 4:
			s = fmt.Sprintf("[%d/3359] Building CXX object third_party/kineto/CMakeFiles/base.dir/src/plugin/Session%d.cpp.o", i%3359, i%11)
		case 5:
			s = fmt.Sprintf("connect to 10.0.%d.%d:%d failed after 3 attempts, retrying in %ds", i%255, i%254, 1024+i%60000, i%30)
		case 6:
			s = fmt.Sprintf("--- PASS: TestServer/case_%d (0.%02ds)", i%300, i%100)
		default:
			s = fmt.Sprintf("commit %08x%08x%08x by jane.doe@example.com on Jun %d 10:22:33", i*97, i*89, i*83, i%28+1)
		}
		lines = append(lines, []byte(s))
		bytes += int64(len(s))
	}
	return lines, bytes
}

// lineRate states lines by the clock, and by the time that was computed since
// began, which other work on the machine does not change.
func lineRate(b *testing.B, lines int, began time.Duration) {
	b.Helper()
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
	if spent := (cpu() - began).Seconds(); spent > 0 {
		b.ReportMetric(float64(lines)/spent, "lines/cpu-s")
	}
}

// BenchmarkMask measures the masker alone, on one core.
func BenchmarkMask(b *testing.B) {
	lines, bytes := logLines(10000)
	b.SetBytes(bytes)
	var buf []byte
	began := cpu()
	for b.Loop() {
		for _, l := range lines {
			buf = triage.AppendMask(buf[:0], l)
		}
	}
	lineRate(b, len(lines)*b.N, began)
}

// BenchmarkTemplates measures masking and grouping together, on one core, and
// the memory that the templates hold at the end.
func BenchmarkTemplates(b *testing.B) {
	lines, bytes := logLines(200000)
	b.SetBytes(bytes)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var t triage.Templates
	began := cpu()
	for b.Loop() {
		t = triage.Templates{}
		for _, l := range lines {
			t.Add(l)
		}
		t.List()
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	lineRate(b, len(lines)*b.N, began)
	b.ReportMetric(float64(max(int64(after.HeapAlloc)-int64(before.HeapAlloc), 0))/1024, "KiB-held")
	b.ReportMetric(float64(t.Len()), "shapes")
	runtime.KeepAlive(lines)
}

// BenchmarkLoghub is BenchmarkTemplates on logpai's sixteen sets.
func BenchmarkLoghub(b *testing.B) {
	var lines [][]byte
	var bytes int64
	for _, set := range readLoghub(b) {
		for _, l := range set.lines {
			lines = append(lines, []byte(l))
			bytes += int64(len(l))
		}
	}
	b.SetBytes(10 * bytes)
	began := cpu()
	for b.Loop() {
		var t triage.Templates
		for range 10 { // logs repeat themselves
			for _, l := range lines {
				t.Add(l)
			}
		}
		t.List()
	}
	lineRate(b, 10*len(lines)*b.N, began)
}

// manyFailures are n failures of about causes causes.
func manyFailures(n, causes int) []ci.Failure {
	out := make([]ci.Failure, n)
	for i := range out {
		c := i % causes
		out[i] = ci.Failure{
			Kind: ci.KindTest, Tool: "pytest", Test: ci.TestID(fmt.Sprintf("tests/test_%d.py::test_%d[%d]", c%100, c, i)),
			Exception: []string{"ValueError", "KeyError", "AssertionError", "RuntimeError"}[c%4],
			Message:   fmt.Sprintf("block %d of pool %q is not free: %s holds it since 0x%x", i, word(c), word(c*7+1), i*4096),
			Frames:    []ci.Frame{frame(fmt.Sprintf("tests/test_%d.py", c%100), 10+c, fmt.Sprintf("test_%d", c)), frame("src/kv/pool.py", 10+c%400, "reuse")},
		}
	}
	return out
}

func word(n int) string {
	var b []byte
	for n++; n > 0; n /= 26 {
		b = append(b, byte('a'+n%26))
	}
	return "pool" + string(b)
}

// BenchmarkClusters measures 50,000 failures: of 200 causes, and all different.
func BenchmarkClusters(b *testing.B) {
	for _, causes := range []int{200, 50000} {
		b.Run(fmt.Sprintf("50000failures/%dcauses", causes), func(b *testing.B) {
			failures := manyFailures(50000, causes)
			for b.Loop() {
				triage.Clusters(failures, triage.Options{})
			}
		})
	}
}

// BenchmarkExtract measures the search for errors in a log of 200,000 lines, with
// the templates of a green one.
func BenchmarkExtract(b *testing.B) {
	lines, bytes := logLines(200000)
	var green triage.Templates
	for _, l := range lines[:100000] {
		green.Add(l)
	}
	b.SetBytes(bytes)
	began := cpu()
	for b.Loop() {
		triage.Extract(func(yield func(triage.Line) bool) {
			for i, l := range lines {
				if !yield(triage.Line{N: i + 1, Text: l}) {
					return
				}
			}
		}, &green, triage.ExtractOptions{})
	}
	lineRate(b, len(lines)*b.N, began)
}
