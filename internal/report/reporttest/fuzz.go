package reporttest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// Seeds adds the captures of a tool to a fuzz target.
func Seeds(f *testing.F, tool string) {
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

// Bad names everything in a report that keeps a run from being green.
func Bad(rep ci.Report) map[string]bool {
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

// Sane are the promises that hold for the report of any input.
func Sane(t *testing.T, rep ci.Report, size int) {
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
			if len(f.Message) > format.MaxMessage+8 || len(f.Details) > format.MaxFailureText+8 || len(f.Frames) > format.MaxFrames {
				t.Errorf("%s: the failure is not bounded", r.ID)
			}
			kept += len(f.Message) + len(f.Details)
		}
	}
	if limit := 16*size + 1<<20; kept > limit {
		t.Errorf("%d bytes kept of %d", kept, size)
	}
}

// FuzzLines holds a reader to what every one of them promises: a sane report,
// and one that the line ends, timestamps and colours of a CI log do not change.
func FuzzLines(f *testing.F, make func() format.LineReader) {
	f.Fuzz(func(t *testing.T, data []byte) {
		rep := ReadAll(t, make(), data)
		Sane(t, rep, len(data))
		if bytes.ContainsAny(data, "\r\x1b\t\x00") || !utf8.Valid(data) || bytes.Contains(data, format.Bom) {
			return
		}
		var log bytes.Buffer
		for line := range bytes.Lines(data) {
			if len(line) > 2000 || len(format.TrimTimestamp(line)) != len(line) {
				return
			}
			log.WriteString("2024-05-01T12:34:56.1234567Z \x1b[32m")
			log.Write(bytes.TrimSuffix(line, []byte("\n")))
			log.WriteString("\x1b[0m\r\n")
		}
		want, got := Bad(rep), Bad(ReadAll(t, make(), log.Bytes()))
		for name := range want {
			if !got[name] {
				t.Errorf("%q is lost in a CI log", name)
			}
		}
	})
}

func ReadAll(tb testing.TB, m format.LineReader, data []byte) ci.Report {
	tb.Helper()
	rep, err := format.ReadLines(bytes.NewReader(data), "", m)
	if err != nil {
		tb.Fatal(err)
	}
	return rep
}
