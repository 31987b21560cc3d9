package lint_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report"
	"keepgreen/internal/report/lint"
)

// TestLintCaptures reads what real tools printed on testdata/project
// (capture.sh there regenerates the files), recognised by their content.
func TestLintCaptures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "capture.sh" || name == "requirements.txt" || name == "ruff-junit.xml" || filepath.Ext(name) == ".golden" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rep, err := report.Read(bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, renderLint(rep), name+".golden")
		})
	}
}

// renderLint writes a report so that a person can compare it with the input.
func renderLint(rep ci.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "format: %s\n", rep.Format)
	for _, w := range rep.Warnings {
		fmt.Fprintf(&b, "warning: %d: %s\n", w.Line, w.Text)
	}
	for _, d := range rep.Diagnostics {
		fmt.Fprintf(&b, "\n%s %s %s [%s] %s", d.Pos, d.Severity, d.Tool, d.Rule, d.Kind)
		if d.Pos.EndLine > 0 {
			fmt.Fprintf(&b, " to %d:%d", d.Pos.EndLine, d.Pos.EndCol)
		}
		if d.Fixable {
			b.WriteString(" fixable")
		}
		if d.Log.Line > 0 {
			fmt.Fprintf(&b, " log:%d", d.Log.Line)
		}
		fmt.Fprintf(&b, "\n  %s\n", strings.ReplaceAll(d.Message, "\n", "\n  "))
		if d.URL != "" {
			fmt.Fprintf(&b, "  %s\n", d.URL)
		}
	}
	return b.String()
}

// lintExceptions are the files of the collection whose truth we do not follow, and why.
var lintExceptions = map[string]string{
	"msbuild/content": "the truth leaves out a finding whose path has spaces, which Vim's %f cannot hold; we read it",
}

// TestErrorformatCollection reads the outputs of the collection, recognised by
// their content only, and by name where the format alone says nothing, and
// compares place and message with the truth beside them.
func TestErrorformatCollection(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t, "lint-errorformat"), "fmts", "testdata")
	files, err := filepath.Glob(filepath.Join(dir, "*.in"))
	if err != nil || len(files) == 0 {
		t.Fatal("the collection is empty", err)
	}
	right := map[string]int{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".in")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := lintTruths(t, strings.TrimSuffix(file, ".in")+".ok")
		readers := map[string]func() (ci.Report, error){
			"content":     func() (ci.Report, error) { return report.Read(bytes.NewReader(content)) },
			"errorformat": func() (ci.Report, error) { return lint.Errorformat(name)[0].Read(bytes.NewReader(content)) },
		}
		for how, read := range readers {
			t.Run(name+"/"+how, func(t *testing.T) {
				rep, err := read()
				if err != nil {
					t.Fatal(err)
				}
				problem := compareLint(rep.Diagnostics, want)
				if reason, known := lintExceptions[name+"/"+how]; known {
					if problem == "" {
						t.Errorf("reads right, but is listed as an exception: %s", reason)
					}
					return
				}
				if problem != "" {
					t.Errorf("as %s: %s", rep.Format, problem)
					return
				}
				right[how]++
			})
		}
	}
	corpus.State(t, "lint-errorformat, recognised by content", right["content"], len(files), lintExceptions)
	corpus.State(t, "lint-errorformat, by errorformat's patterns", right["errorformat"], len(files), nil)
}

type lintTruth struct{ place, text string }

// lintTruths reads "file|line col n type| message"; lines without a file are no findings.
func lintTruths(t *testing.T, file string) []lintTruth {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []lintTruth
	for line := range strings.Lines(string(content)) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), "|", 3)
		if len(parts) < 3 || parts[0] == "" {
			continue
		}
		place := strings.TrimPrefix(strings.ReplaceAll(parts[0], `\`, "/"), "./")
		fields := strings.Fields(parts[1])
		if len(fields) > 0 && fields[0] != "error" && fields[0] != "warning" {
			place += ":" + fields[0]
		}
		if len(fields) > 2 && fields[1] == "col" {
			place += ":" + fields[2]
		}
		out = append(out, lintTruth{place, parts[2]})
	}
	return out
}

// compareLint says what is wrong first; empty: nothing.
func compareLint(got []ci.Diagnostic, want []lintTruth) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%d findings, want %d; missing %v", len(got), len(want), want[i])
		case i >= len(want):
			return fmt.Sprintf("%d findings, want %d; extra %v %q", len(got), len(want), got[i].Pos, got[i].Message)
		case got[i].Pos.String() != want[i].place:
			return fmt.Sprintf("finding %d is at %v, want %s", i, got[i].Pos, want[i].place)
		}
		first, _, _ := strings.Cut(got[i].Message, "\n")
		if !strings.Contains(strings.Join(strings.Fields(want[i].text), " "), strings.Join(strings.Fields(first), " ")) {
			return fmt.Sprintf("finding %d says %q, want %q", i, got[i].Message, want[i].text)
		}
	}
	return ""
}
