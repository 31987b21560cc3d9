package report_test

import (
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
