package coverage_test

import (
	"bytes"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"keepgreen/internal/report/coverage"
)

// BenchmarkCobertura reads a Cobertura file of 200 MB with a million lines,
// each with branches, and reports the heap that is held right after it.
func BenchmarkCobertura(b *testing.B) {
	data, err := io.ReadAll(&cobertura{total: 1_000_000})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for range b.N {
		c, err := coverage.Read(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		if _, total, _, _ := c.Counts(); total < 1_000_000-1 {
			b.Fatalf("%d lines", total)
		}
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
	}
}

// BenchmarkGo reads a coverage profile of half a million blocks.
func BenchmarkGo(b *testing.B) {
	var text strings.Builder
	text.WriteString("mode: atomic\n")
	for i := range 500_000 {
		text.WriteString("example.com/demo/pkg/file" + string(rune('a'+i/20_000)) + ".go:")
		n := i%20_000 + 1
		for _, part := range []string{strconv.Itoa(n), ".2,", strconv.Itoa(n + 2), ".10 3 ", strconv.Itoa(i % 7), "\n"} {
			text.WriteString(part)
		}
	}
	b.SetBytes(int64(text.Len()))
	b.ResetTimer()
	for range b.N {
		if _, err := coverage.Go(strings.NewReader(text.String())); err != nil {
			b.Fatal(err)
		}
	}
}
