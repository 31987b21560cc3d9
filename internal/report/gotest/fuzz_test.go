package gotest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"keepgreen/internal/report/format"
	"keepgreen/internal/report/reporttest"
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
		reporttest.ReadAll(b, newGoReader(), data)
	}
}

func FuzzGoTestJSON(f *testing.F) {
	reporttest.Seeds(f, "gotest")
	f.Fuzz(func(t *testing.T, data []byte) {
		rep := reporttest.ReadAll(t, newGoReader(), data)
		reporttest.Sane(t, rep, len(data))
		want := reporttest.Bad(rep)

		// Lines of other programs between the events change nothing.
		if !utf8.Valid(data) || !onlyEvents(data) {
			return
		}
		var noisy bytes.Buffer
		for line := range bytes.Lines(data) {
			noisy.WriteString("npm warn something else entirely\n|||not an event|||\n{\"level\":\"info\"}\n\n")
			noisy.Write(line)
		}
		got := reporttest.Bad(reporttest.ReadAll(t, newGoReader(), noisy.Bytes()))
		for name := range want {
			if !got[name] {
				t.Errorf("%q is lost between lines of others", name)
			}
		}
	})
}

// onlyEvents reports whether every line is an event, and so none is text that
// a line of another program could fall into.
func onlyEvents(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) == 0 || len(line) > 1000 || !looksLikeEvent(line) || !(&goScanner{}).scan(line) || bytes.Contains(line, []byte("build-output")) {
			return false
		}
	}
	return true
}

// FuzzGoTestTextKeepsFailures prints failing tests as the go command does, with
// any message: each is found again.
func FuzzGoTestTextKeepsFailures(f *testing.F) {
	f.Add("TestA", "x_test.go:3: want 1", uint8(2), true)
	f.Add("TestB/sub", "panic: boom", uint8(1), false)
	f.Add("FuzzC", "--- FAIL: TestOther", uint8(5), true)
	f.Fuzz(func(t *testing.T, name, message string, count uint8, verbose bool) {
		if !utf8.ValidString(name) || !IsTestName([]byte(name)) || strings.ContainsAny(name, " \t\r\n\x1b\x00\u0085\u2028") || strings.ContainsAny(message, "\r\n\x1b") {
			return
		}
		if strings.Contains(message, "FAIL") || strings.Contains(message, "---") || strings.Contains(message, "===") || len(message) > 200 || len(name) > 200 {
			return // output that forges the go command's own lines
		}
		var text strings.Builder
		for i := range int(count%7) + 1 {
			if verbose {
				fmt.Fprintf(&text, "=== RUN   %s%d\n", name, i)
			}
			fmt.Fprintf(&text, "--- FAIL: %s%d (0.01s)\n    %s\n", name, i, message)
		}
		text.WriteString("FAIL\nFAIL\texample.com/kv/pool\t0.1s\n")
		rep := reporttest.ReadAll(t, newGoReader(), []byte(text.String()))
		for i := range int(count%7) + 1 {
			id := fmt.Sprintf("example.com/kv/pool.%s%d#1", name, i)
			if !reporttest.Bad(rep)[id] {
				t.Errorf("%s is lost in\n%s", id, text.String())
			}
		}
	})
}

func FuzzGoTestText(f *testing.F) {
	reporttest.Seeds(f, "gotest")
	f.Add([]byte("WARNING: DATA RACE\nRead at 0x1 by goroutine 1:\n  a.b()\n      /x/a.go:1 +0x1\n==================\n--- FAIL: TestA (0.0s)\nFAIL\ta\t0.1s\n"))
	reporttest.FuzzLines(f, func() format.LineReader { return newGoReader() })
}
