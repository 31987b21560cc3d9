package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// goStream is a stream of go test -json as a large module prints it: mostly
// passing tests with a little output, and a failure in every hundred.
func goStream(size int) []byte {
	var b bytes.Buffer
	for p := 0; b.Len() < size; p++ {
		pkg := fmt.Sprintf("github.com/acme/widgets/internal/service%d", p)
		head := `{"Time":"2026-01-02T03:04:05.123456789Z","Action":`
		for i := range 200 {
			at := fmt.Sprintf(`"Package":%q,"Test":"TestWidget%d/case_%d"`, pkg, i/10, i)
			fmt.Fprintf(&b, "%s\"run\",%s}\n", head, at)
			fmt.Fprintf(&b, "%s\"output\",%s,\"Output\":\"=== RUN   TestWidget%d/case_%d\\n\"}\n", head, at, i/10, i)
			for range 4 {
				fmt.Fprintf(&b, "%s\"output\",%s,\"Output\":\"    widget_test.go:%d: level=info msg=\\\"handled \\u003crequest\\u003e\\\" path=/v1/widgets\\n\"}\n", head, at, i)
			}
			verdict, action := "PASS", "pass"
			if i%100 == 99 {
				verdict, action = "FAIL", "fail"
			}
			fmt.Fprintf(&b, "%s\"output\",%s,\"Output\":\"    --- %s: TestWidget%d/case_%d (0.01s)\\n\"}\n", head, at, verdict, i/10, i)
			fmt.Fprintf(&b, "%s%q,%s,\"Elapsed\":0.01}\n", head, action, at)
		}
		fmt.Fprintf(&b, "%s\"fail\",\"Package\":%q,\"Elapsed\":1.5}\n", head, pkg)
	}
	return b.Bytes()
}

// BenchmarkGoTestJSON measures the whole way from bytes to a report.
func BenchmarkGoTestJSON(b *testing.B) {
	data := goStream(16 << 20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, newGoReader(), data)
	}
}

// BenchmarkOwnText measures each reader on text of its own tool.
func BenchmarkOwnText(b *testing.B) {
	for name, capture := range map[string]string{
		"gotest": "gotest/verbose.txt", "jest": "jest/jest-verbose.txt", "maven": "maven/maven.txt", "cargo": "cargo/cargo.txt",
	} {
		b.Run(name, func(b *testing.B) {
			one, err := os.ReadFile(filepath.Join("testdata", capture))
			if err != nil {
				b.Fatal(err)
			}
			data := bytes.Repeat(one, 1+(1<<20)/len(one))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				readAll(b, runnerReaders[name](), data)
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
	readers := map[string]func() lineReader{"lines": func() lineReader { return noReader{} }}
	for name, make := range runnerReaders {
		readers[name] = make
	}
	for name, make := range readers {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(log.Len()))
			b.ReportAllocs()
			for b.Loop() {
				readAll(b, make(), log.Bytes())
			}
		})
	}
}
