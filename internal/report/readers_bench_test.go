package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"keepgreen/internal/report/format"
	"keepgreen/internal/report/reporttest"
)

// BenchmarkOwnText measures each reader on text of its own tool.
func BenchmarkOwnText(b *testing.B) {
	for name, capture := range map[string]string{
		"gotest": "gotest/testdata/gotest/verbose.txt", "jest": "runners/testdata/jest/jest-verbose.txt", "maven": "runners/testdata/maven/maven.txt", "cargo": "runners/testdata/cargo/cargo.txt",
	} {
		b.Run(name, func(b *testing.B) {
			one, err := os.ReadFile(filepath.FromSlash(capture))
			if err != nil {
				b.Fatal(err)
			}
			data := bytes.Repeat(one, 1+(1<<20)/len(one))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				reporttest.ReadAll(b, runnerReaders[name](), data)
			}
		})
	}
}

// BenchmarkForeignText measures what each reader costs on a log that is not its
// own; "lines" is the cost of cleaning the lines alone.
func BenchmarkForeignText(b *testing.B) {
	var log bytes.Buffer
	for i := 0; log.Len() < 8<<20; i++ {
		fmt.Fprintf(&log, "2024-05-01T12:34:56.1234567Z tests/test_pool.py::TestPool::test_reuse[%d] PASSED [ 12%%]\n", i)
		fmt.Fprintf(&log, "2024-05-01T12:34:56.1234567Z     def test_reuse(self, size):  # the body of a traceback\n")
	}
	readers := map[string]func() format.LineReader{"lines": func() format.LineReader { return noReader{} }}
	for name, make := range runnerReaders {
		readers[name] = make
	}
	for name, make := range readers {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(log.Len()))
			b.ReportAllocs()
			for b.Loop() {
				reporttest.ReadAll(b, make(), log.Bytes())
			}
		})
	}
}
