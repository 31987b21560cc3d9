package lint

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestToolOutput(t *testing.T) {
	for _, c := range []struct{ name, tool, in, want string }{
		{"a style that two tools share belongs to the one that was started", "ruff", "a.py:1:1: E302 expected 2 blank lines\n", "a.py:1:1 lint ruff [E302] error: expected 2 blank lines\n"},
		{"any text behind a place is the tool's", "vulture", "a.py:3: unused function 'f' (60% confidence)\n", "a.py:3 lint vulture [] error: unused function 'f' (60% confidence)\n"},
		{"structured output speaks for itself", "flake8", `[{"file":"a.sh","line":3,"column":4,"level":"info","code":2086,"message":"m","fix":null}]`, "a.sh:3:4 lint shellcheck [SC2086] info: m\n"},
		{"an empty list is no finding", "ruff", "[]", ""},
		{"paths may have spaces", "mypy", "my app/a.py:3: error: Bad  [misc]\n", "my app/a.py:3 type mypy [misc] error: Bad\n"},
		{"nothing at all", "ruff", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, err := ToolOutput(c.tool, strings.NewReader(c.in))
			assert.NilError(t, err)
			assert.Equal(t, lintSummary(rep.Diagnostics), c.want)
		})
	}
}

func TestClaimsAreCompared(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{"mypy says more than was read", "a.py:1: error: m  [x]\nFound 3 errors in 1 file (checked 2 source files)\n", "mypy says 3 errors, 1 were read"},
		{"ruff's own count agrees", "a.py:1:2: F401 [*] `os` imported but unused\nFound 1 error.\n", ""},
		{"a second run is counted anew", "a.py:1: error: m  [x]\nFound 1 error in 1 file (checked 2 source files)\na.py:1: error: m  [x]\nFound 1 error in 1 file (checked 2 source files)\n", ""},
		{"eslint's warnings do not count as errors", "a.js\n  1:2  warning  m  r\n  1:3  error  n  r\n\n✖ 2 problems (1 error, 1 warning)\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, err := ReadText(strings.NewReader(c.log))
			assert.NilError(t, err)
			got := ""
			for _, w := range rep.Warnings {
				got += w.Text
			}
			assert.Equal(t, got, c.want)
		})
	}
}

func TestLintPath(t *testing.T) {
	for in, want := range map[string]string{
		"./a.py":                             "a.py",
		`src\a.cs`:                           "src/a.cs",
		`C:\a\kv\kv\src\a.cs`:                "src/a.cs",
		"/home/runner/work/kv/kv/a.py":       "a.py",
		"/home/runner/work/kv/kv":            "/home/runner/work/kv/kv",
		"/home/runner/work/kv/kv/../../../x": "/home/runner/x",
		"/github/workspace/a/b.py":           "a/b.py",
		"/builds/group/kv/a.py":              "a.py",
		"../../a.py":                         "a.py",
		"..":                                 "",
		"a/../../b":                          "b",
		"file:///srv/a.py":                   "/srv/a.py",
		"a\x00\x1b\u0085\n.py":               "a.py",
		"a\xff.py":                           "a\uFFFD.py",
		"":                                   "",
	} {
		assert.Equal(t, lintPath(in), want, "%q", in)
	}
}
