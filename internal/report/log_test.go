package report_test

import (
	"fmt"
	"strings"
	"testing"

	"keepgreen/internal/report"
)

func TestTheLogOfAJobIsRecognised(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"raw":              {"\ufeff2024-05-01T12:34:56.1234567Z ##[group]Run actions/checkout@v4\n", "log"},
		"of gh":            {"test\tSet up job\t\ufeff2024-05-01T12:34:56.1234567Z Current runner version\n", "log"},
		"any text":         {"hello\nworld\n", "log"},
		"in UTF-16":        {"\xff\xfeh\x00i\x00\n\x00", "log"},
		"binary":           {"\x7fELF\x00\x00\x01", "unknown"},
		"markup":           {"<html>\n", "unknown"},
		"nothing":          {"", "unknown"},
		"commands":         {"::error file=a.py::m\n", "actions"},
		"a JUnit document": {"<!-- x --><testsuites/>", "junit"},
	} {
		rep, _ := report.Read(strings.NewReader(tc.in))
		if rep.Format != tc.want {
			t.Errorf("%s: read as %q, want %q", name, rep.Format, tc.want)
		}
	}
}

// TestAnAnnotationIsToldOnce: the reader of workflow commands takes annotations,
// and the reader of linters says whose they are.
func TestAnAnnotationIsToldOnce(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{
			"the title names the tool",
			"::warning title=Pylint C0114,file=a.py,line=1,col=2::Missing%0Adocstring 100%25\n",
			"a.py:1:2 lint pylint [] warning: Missing\ndocstring 100%",
		},
		{
			"the message has the shape of the linter that runs",
			"##[group]Run ruff check\n::error file=a.py,line=3,col=1::a.py:3:1: F401 `os` imported but unused\n",
			"a.py:3:1 lint ruff [F401] error: `os` imported but unused",
		},
		{
			"the step's command names it",
			"##[group]Run codespell docs\n::error file=a.md,line=3::teh ==> the\n",
			"a.md:3 lint codespell [] error: teh ==> the",
		},
		{
			"a type checker's finding is one of types",
			"::error title=mypy (arg-type),file=a.py,line=3::bad argument\n",
			"a.py:3 type mypy [arg-type] error: bad argument",
		},
		{
			"nobody's stays the forge's",
			"::error file=tests/test_a.py,line=3::test_a%0AAssertionError\n",
			"tests/test_a.py:3 lint actions [] error: test_a\nAssertionError",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, err := report.Log(strings.NewReader(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range rep.Diagnostics {
				got = append(got, fmt.Sprintf("%s %s %s [%s] %s: %s", d.Pos, d.Kind, d.Tool, d.Rule, d.Severity, d.Message))
			}
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
