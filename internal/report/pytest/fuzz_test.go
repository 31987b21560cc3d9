package pytest_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/pytest"
)

func logs(tb testing.TB) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*.log")
	if err != nil || len(paths) == 0 {
		tb.Fatal("no logs", err)
	}
	found := map[string][]byte{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		found[strings.TrimSuffix(filepath.Base(path), ".log")] = b
	}
	return found
}

func pytestOf(tb testing.TB, b []byte) ci.Report {
	tb.Helper()
	rep, err := pytest.Read(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	return rep
}

// stamped is the log as GitHub would show it.
func stamped(b []byte) []byte {
	return eachLine(b, func(line string) string { return "2024-05-01T12:34:56.1234567Z " + line })
}

func coloured(b []byte) []byte {
	return eachLine(b, func(line string) string { return "\x1b[1m\x1b[31m" + line + "\x1b[0m" })
}

func eachLine(b []byte, change func(string) string) []byte {
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		body := strings.TrimSuffix(line, "\n")
		out.WriteString(change(body) + line[len(body):])
	}
	return []byte(out.String())
}

func bad(rep ci.Report) map[ci.TestID]bool {
	found := map[ci.TestID]bool{}
	for _, t := range rep.Tests {
		if t.Outcome.Bad() {
			found[t.ID] = true
		}
	}
	return found
}

var (
	summaryHeading = regexp.MustCompile(`(?m)^=+ short test summary info =+$`)
	failedLine     = regexp.MustCompile(`(?m)^FAILED ([\w/]+\.py::\w+(?:\[\w+\])?)(?: - .*)?$`)
)

// withoutSummary is the log as it would be with -r N.
func withoutSummary(b []byte) []byte {
	at := summaryHeading.FindIndex(b)
	if at == nil {
		return b
	}
	return b[:at[0]]
}

func TestPytestLosesNoFailureWithoutTheSummary(t *testing.T) {
	for name, b := range logs(t) {
		switch name {
		case "tb_no", "tb_line", "two_sessions", "tox": // have no headings, or more behind the summary
			continue
		}
		want, got := bad(pytestOf(t, b)), bad(pytestOf(t, withoutSummary(b)))
		if len(got) != len(want) {
			t.Errorf("%s: %d failures with the summary, %d without", name, len(want), len(got))
		}
		if strings.Contains(name, "quiet") {
			continue // nothing but the summary names the files
		}
		for id := range want {
			if !got[id] && strings.Contains(string(b), "/"+id.File()+":") && !strings.Contains(string(id), "test_xpass_strict") {
				t.Errorf("%s: %s is lost without the summary", name, id)
			}
		}
	}
}

func TestPytestReadsOneFailureInAnyStyle(t *testing.T) {
	all := logs(t)
	want := bad(pytestOf(t, all["plain"]))
	for _, name := range []string{"verbose", "no_summary", "skips_only", "quiet", "very_quiet", "tb_short", "tb_line", "tb_no", "tb_long", "ci", "colour", "all_outcomes"} {
		got := bad(pytestOf(t, all[name]))
		for id := range want {
			if !got[id] {
				t.Errorf("%s: %s is lost", name, id)
			}
		}
		for id := range got {
			if !want[id] {
				t.Errorf("%s: %s is invented", name, id)
			}
		}
	}
}

// FuzzPytest promises, of any log: the forge's timestamps and colours change
// nothing, and every FAILED line of the summary has a result.
func FuzzPytest(f *testing.F) {
	for name, b := range logs(f) {
		if len(b) < 12_000 || name == "ci" {
			f.Add(b)
		}
	}
	f.Add([]byte(rule("=", "FAILURES") + "\n" + rule("_", "test_a") + "\n\na.py:7: KeyError\n" + rule("=", "short test summary info") + "\nFAILED a.py::test_a - ValueError: x\n"))
	f.Add([]byte(rule("=", "FAILURES") + "\n" + rule("_", "test_a") + "\nE   File \"a.py\", line 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.ContainsAny(b, "\x00\x1b\r") || len(b) > 1 && b[0] >= 0xfe || bytes.Contains(b, []byte("\xef\xbb\xbf")) || bytes.Contains(b, []byte("Z ")) {
			return // the prefix would then change the line itself
		}
		rep := pytestOf(t, b)
		plain := readable(rep)
		if got := readable(pytestOf(t, stamped(b))); got != plain {
			t.Errorf("timestamps change the report from\n%s\nto\n%s", plain, got)
		}
		if got := readable(pytestOf(t, coloured(b))); got != plain {
			t.Errorf("colours change the report from\n%s\nto\n%s", plain, got)
		}
		for _, test := range rep.Tests {
			if test.Outcome.Bad() && (test.Failure == nil || test.Failure.Message == "") {
				t.Errorf("%s failed for no reason", test.ID)
			}
		}
		if at := summaryHeading.FindIndex(b); at != nil && !bytes.Contains(b[:at[0]], []byte("Captured ")) {
			ids := map[string]bool{}
			for _, line := range failedLine.FindAllSubmatch(sectionOf(b[at[1]:]), -1) {
				ids[string(line[1])] = true
			}
			if n := len(rep.Tests); n < len(ids) && len(ids) < 1000 {
				t.Errorf("%d results of %d FAILED lines", n, len(ids))
			}
		}
	})
}

// sectionOf is the text up to the next thing that could be a rule or another run.
func sectionOf(b []byte) []byte {
	end := regexp.MustCompile(`(?m)^(=|!|\d|no |INTERNALERROR|nox|[\w.-]+: )`).FindIndex(b)
	if end == nil {
		return b
	}
	return b[:end[0]]
}

func TestPytestReadsLogsOfTheForgeLikeThoseOfATerminal(t *testing.T) {
	for name, b := range logs(t) {
		plain := readable(pytestOf(t, b))
		if bytes.Contains(b, []byte("\x1b")) {
			continue
		}
		for how, other := range map[string][]byte{
			"stamped": stamped(b), "coloured": coloured(b), "both": stamped(coloured(b)),
			"with a byte order mark": append([]byte("\ufeff"), stamped(b)...),
			"with Windows line ends": bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")),
		} {
			if got := readable(pytestOf(t, other)); got != plain {
				t.Errorf("%s %s: got\n%s\nwant\n%s", name, how, got, plain)
			}
		}
	}
}

func FuzzUnittest(f *testing.F) {
	for name, b := range logs(f) {
		if strings.HasPrefix(name, "unittest") {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.ContainsAny(b, "\x00\x1b\r") || len(b) > 1 && b[0] >= 0xfe || bytes.Contains(b, []byte("\xef\xbb\xbf")) || bytes.Contains(b, []byte("Z ")) {
			return
		}
		read := func(b []byte) string {
			rep, err := pytest.ReadUnittest(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			for _, test := range rep.Tests {
				if test.Outcome.Bad() && test.Failure == nil {
					t.Errorf("%s failed without a failure", test.ID)
				}
			}
			return readable(rep)
		}
		plain := read(b)
		if got := read(stamped(coloured(b))); got != plain {
			t.Errorf("the forge's prefixes change the report from\n%s\nto\n%s", plain, got)
		}
	})
}

// failing writes the log of a run with n failures.
func failing(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", rule("=", "test session starts"), rule("=", "FAILURES"))
	for i := range n {
		fmt.Fprintf(&b, "%s\n\n    def test_%d():\n>       assert 0\nE       assert 0\n\ntest_a.py:2: AssertionError\n", rule("_", fmt.Sprintf("test_%d", i)), i)
	}
	fmt.Fprintf(&b, "%s\n", rule("=", fmt.Sprintf("%d failed in 1.00s", n)))
	return b.String()
}

// rule draws a line of pytest's as TerminalWriter.sep does, 80 wide.
func rule(c, title string) string {
	n := max((80-len(title)-2)/2, 1)
	line := strings.Repeat(c, n) + " " + title + " " + strings.Repeat(c, n)
	if len(line)+1 <= 80 {
		line += c
	}
	return line
}
