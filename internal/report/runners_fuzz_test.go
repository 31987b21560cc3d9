package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"keepgreen/internal/ci"
)

// seeds adds the captures of a tool to a fuzz target.
func seeds(f *testing.F, tool string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", tool, "*.*"))
	if err != nil || len(files) == 0 {
		f.Fatal("no captures", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") || strings.HasSuffix(file, ".sh") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// bad names everything in a report that keeps a run from being green.
func bad(rep ci.Report) map[string]bool {
	out := map[string]bool{}
	for _, r := range rep.Tests {
		if r.Outcome.Bad() {
			out[fmt.Sprintf("%s#%d", r.ID, r.Attempt)] = true
		}
	}
	for _, f := range rep.Failures {
		out["failure "+string(f.Test)] = true
	}
	for _, d := range rep.Diagnostics {
		out["diagnostic "+d.Pos.String()] = true
	}
	return out
}

// sane are the promises that hold for the report of any input.
func sane(t *testing.T, rep ci.Report, size int) {
	t.Helper()
	kept := 0
	for _, r := range rep.Tests {
		if r.Outcome.Bad() != (r.Failure != nil) {
			t.Errorf("%s is %s and its failure is %v", r.ID, r.Outcome, r.Failure)
		}
		if r.Duration < 0 {
			t.Errorf("%s took %s", r.ID, r.Duration)
		}
		if f := r.Failure; f != nil {
			if f.Test != r.ID {
				t.Errorf("the failure of %s names %s", r.ID, f.Test)
			}
			if len(f.Message) > maxMessage+8 || len(f.Details) > maxDetails+8 || len(f.Frames) > maxFrames {
				t.Errorf("%s: the failure is not bounded", r.ID)
			}
			kept += len(f.Message) + len(f.Details)
		}
	}
	if limit := 16*size + 1<<20; kept > limit {
		t.Errorf("%d bytes kept of %d", kept, size)
	}
}

func FuzzGoTestJSON(f *testing.F) {
	seeds(f, "gotest")
	f.Fuzz(func(t *testing.T, data []byte) {
		rep := readAll(t, newGoReader(), data)
		sane(t, rep, len(data))
		want := bad(rep)

		// Lines of other programs between the events change nothing.
		if !utf8.Valid(data) || !onlyEvents(data) {
			return
		}
		var noisy bytes.Buffer
		for line := range bytes.Lines(data) {
			noisy.WriteString("npm warn something else entirely\n|||not an event|||\n{\"level\":\"info\"}\n\n")
			noisy.Write(line)
		}
		got := bad(readAll(t, newGoReader(), noisy.Bytes()))
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
		line = bytes.TrimSuffix(line, newline)
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
		if !utf8.ValidString(name) || !goTestName([]byte(name)) || strings.ContainsAny(name, " \t\r\n\x1b\x00\u0085\u2028") || strings.ContainsAny(message, "\r\n\x1b") {
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
		rep := readAll(t, newGoReader(), []byte(text.String()))
		for i := range int(count%7) + 1 {
			id := fmt.Sprintf("example.com/kv/pool.%s%d#1", name, i)
			if !bad(rep)[id] {
				t.Errorf("%s is lost in\n%s", id, text.String())
			}
		}
	})
}

func FuzzGoTestText(f *testing.F) {
	seeds(f, "gotest")
	f.Add([]byte("WARNING: DATA RACE\nRead at 0x1 by goroutine 1:\n  a.b()\n      /x/a.go:1 +0x1\n==================\n--- FAIL: TestA (0.0s)\nFAIL\ta\t0.1s\n"))
	fuzzLines(f, func() lineReader { return newGoReader() })
}

func FuzzJest(f *testing.F) {
	seeds(f, "jest")
	fuzzLines(f, func() lineReader { return newJestReader() })
}

func FuzzMaven(f *testing.F) {
	seeds(f, "maven")
	f.Add([]byte("PoolTest > takes() FAILED\n    org.opentest4j.AssertionFailedError at PoolTest.java:20\n\n8 tests completed, 5 failed\n"))
	fuzzLines(f, func() lineReader { return newMavenReader() })
}

func FuzzCargo(f *testing.F) {
	seeds(f, "cargo")
	f.Add([]byte("    Starting 2 tests\n        FAIL [   0.004s] kv_pool tests::a\n--- STDOUT:              kv_pool tests::a ---\nthread 'x' panicked at 'why', src/lib.rs:1:2\n"))
	fuzzLines(f, func() lineReader { return newCargoReader() })
}

// fuzzLines holds a reader to what every one of them promises: a sane report,
// and one that the line ends, timestamps and colours of a CI log do not change.
func fuzzLines(f *testing.F, make func() lineReader) {
	f.Fuzz(func(t *testing.T, data []byte) {
		rep := readAll(t, make(), data)
		sane(t, rep, len(data))
		if bytes.ContainsAny(data, "\r\x1b\t\x00") || !utf8.Valid(data) || bytes.Contains(data, bom) {
			return
		}
		var log bytes.Buffer
		for line := range bytes.Lines(data) {
			if len(line) > 2000 || len(trimTimestamp(line)) != len(line) {
				return
			}
			log.WriteString("2024-05-01T12:34:56.1234567Z \x1b[32m")
			log.Write(bytes.TrimSuffix(line, newline))
			log.WriteString("\x1b[0m\r\n")
		}
		want, got := bad(rep), bad(readAll(t, make(), log.Bytes()))
		for name := range want {
			if !got[name] {
				t.Errorf("%q is lost in a CI log", name)
			}
		}
	})
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
		rep, err := JestJSON(bytes.NewReader(data))
		sane(t, rep, len(data))
		if err == nil && len(data) == 0 {
			t.Error("nothing is not a result")
		}
	})
}
