// Package reporttest holds what the tests of the families share: goldens of what
// was captured, reports as text, and the promises that every reader of lines keeps.
package reporttest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
)

// Captures recognises and reads each file of a folder of testdata that a tool
// has printed; its golden file says what the report holds.
func Captures(t *testing.T, tool string, read func(io.Reader) (ci.Report, error)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", tool, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool {
		return strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".golden")
	})
	if len(files) == 0 {
		t.Errorf("no captures of %s", tool)
	}
	for _, file := range files {
		t.Run(tool+"/"+filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rep, err := read(f)
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, Describe(rep), filepath.Join(tool, filepath.Base(file)+".golden"))
		})
	}
}

// Describe writes a report as a person would read it aloud.
func Describe(rep ci.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "format %s\n", rep.Format)
	if t := rep.Totals; t != nil {
		fmt.Fprintf(&b, "it counts %d passed, %d failed, %d errors, %d skipped\n", t.Passed, t.Failed, t.Errors, t.Skipped)
	}
	for _, r := range rep.Tests {
		fmt.Fprintf(&b, "\n%s %s", r.Outcome, r.ID)
		if r.Attempt > 1 {
			fmt.Fprintf(&b, " (attempt %d)", r.Attempt)
		}
		if r.Reason != "" {
			fmt.Fprintf(&b, ": %s", r.Reason)
		}
		b.WriteByte('\n')
		if r.Failure != nil {
			describeFailure(&b, *r.Failure)
		}
	}
	for _, f := range rep.Failures {
		fmt.Fprintf(&b, "\n%s failure of %s\n", f.Kind, f.Name())
		describeFailure(&b, f)
	}
	for _, d := range rep.Diagnostics {
		fmt.Fprintf(&b, "\n%s: %s %s %s (log line %d)\n", d.Pos, d.Tool, d.Rule, d.Kind, d.Log.Line)
		b.WriteString(quote(d.Message))
	}
	for _, w := range rep.Warnings {
		fmt.Fprintf(&b, "\nwarning at line %d: %s\n", w.Line, w.Text)
	}
	return b.String()
}

func describeFailure(b *strings.Builder, f ci.Failure) {
	fmt.Fprintf(b, "    %s [%s] at %s (log line %d)\n", f.Exception, f.Tool, f.Pos, f.Log.Line)
	b.WriteString(quote(f.Message))
	for _, link := range f.Chain {
		fmt.Fprintf(b, "    caused by %s: %s\n", link.Exception, link.Message)
	}
	for _, frame := range f.Frames {
		fmt.Fprintf(b, "        %s %s\n", frame.Position, frame.Func)
	}
}

func quote(text string) string {
	if text == "" {
		return ""
	}
	return "    | " + strings.ReplaceAll(text, "\n", "\n    | ") + "\n"
}
