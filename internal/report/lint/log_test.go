package lint

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// readLog feeds a log to the line reader as one of many readers of a larger log would.
func readLog(log string) []ci.Diagnostic {
	t := newLintText()
	for line, err := range format.Lines(strings.NewReader(log)) {
		if err == nil {
			t.Line(line)
		}
	}
	return t.Finish().Diagnostics
}

func lintSummary(found []ci.Diagnostic) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintf(&b, "%s %s %s [%s] %s: %s\n", d.Pos, d.Kind, d.Tool, d.Rule, d.Severity, strings.ReplaceAll(d.Message, "\n", "|"))
	}
	return b.String()
}

func TestLintInALog(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{
			"capitals and backticks are ruff's, small letters and apostrophes flake8's",
			"a.py:1:8: F401 `os` imported but unused\n", "a.py:1:8 lint ruff [F401] error: `os` imported but unused\n",
		},
		{
			"flake8's warnings are warnings",
			"a.py:1:8: W291 trailing whitespace\n", "a.py:1:8 lint flake8 [W291] warning: trailing whitespace\n",
		},
		{
			"pylint names its symbol at the end",
			"a.py:1:0: C0114: Missing module docstring (missing-module-docstring)\n", "a.py:1 lint pylint [C0114] warning: Missing module docstring\n",
		},
		{
			"mypy's error keeps its code and its notes",
			"a.py:3: error: Bad  [call-arg]\na.py:3: note: See there\n", "a.py:3 type mypy [call-arg] error: Bad|note: See there\n",
		},
		{
			"a workspace of a runner is taken off",
			"/home/runner/work/kv/kv/src/a.py:3: error: Bad  [misc]\n", "src/a.py:3 type mypy [misc] error: Bad\n",
		},
		{
			"a step that runs golangci-lint",
			"##[group]Run golangci-lint run\n##[endgroup]\na.go:1:2: unused variable x (unused)\n\tx := 1\n\t^\n",
			"a.go:1:2 lint golangci-lint [unused] error: unused variable x\n",
		},
		{
			"the runner's problem matcher has marked the line",
			"##[error]a.ts(3,13): error TS7006: Parameter 'y' implicitly has an 'any' type.\n",
			"a.ts:3:13 type tsc [TS7006] error: Parameter 'y' implicitly has an 'any' type.\n",
		},
		{
			"rustc's arrow follows the message",
			"error[E0308]: mismatched types\n --> src/main.rs:2:5\n  |\n2 |     \"x\"\n",
			"src/main.rs:2:5 build cargo [E0308] error: mismatched types\n",
		},
		{
			"shellcheck points with carets",
			"In deploy.sh line 3:\nrm $x\n   ^-- SC2086 (info): Double quote to prevent globbing.\n\n",
			"deploy.sh:3:4 lint shellcheck [SC2086] info: Double quote to prevent globbing.\n",
		},
		{
			"clang names the flag at the end",
			"src/a.cc:3:4: warning: unused variable 'x' [-Wunused-variable]\n", "src/a.cc:3:4 build gcc [-Wunused-variable] warning: unused variable 'x'\n",
		},
		{
			"Maven prints what javac says, and once more at its end",
			"[ERROR] /home/travis/build/o/r/src/A.java:[12,5] cannot find symbol\n[ERROR] /home/travis/build/o/r/src/A.java:[12,5] cannot find symbol\n",
			"src/A.java:12:5 build javac [] error: cannot find symbol\n",
		},
		{
			"a linter that the step names may speak in any shape",
			"##[group]Run codespell\na.md:3: teh ==> the\n", "a.md:3 lint codespell [] error: teh ==> the\n",
		},
		{"a path that climbs stays below the root", "../../etc/a.py:1:8: F401 'os' imported but unused\n", "etc/a.py:1:8 lint flake8 [F401] error: 'os' imported but unused\n"},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, lintSummary(readLog(c.log)), c.want) })
	}
}

func TestLogsWithoutLint(t *testing.T) {
	for _, c := range []struct{ name, log string }{
		{"a traceback", "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\nNameError: name 'x'\n"},
		{"pytest's place of a failure", "tests/test_a.py:12: AssertionError\ntests/test_a.py:3: in test_a\n"},
		{"pytest's warnings", "=== warnings summary ===\na.py:3: warning: this is deprecated\na.py:4: error: so is this\n-- Docs: https://docs.pytest.org\n"},
		{"a warning of Python's", "src/a.py:12: DeprecationWarning: use b\n  warnings.warn(\n"},
		{"times", "12:34:56: error: nothing\n2024-05-01 12:34:56: error: x\n"},
		{"addresses", "http://localhost:8080: error: refused\n127.0.0.1:80:1: E501 x\nlocalhost:5432: error: no\n"},
		{"a coverage table", "src/a.py      12      3    75%   4-6, 9\n"},
		{"grep's output", "a.py:12:import os\na.go:3:7:package\n"},
		{"a Go test's own log", "    a_test.go:12: got 3, want 4\na_test.go:12: got 3\n"},
		{"a Go stack", "goroutine 1 [running]:\nmain.main()\n\t/src/a.go:12 +0x1d\n"},
		{"an annotation of a test", "::error file=tests/test_a.py,line=3::test_a%0AAssertionError\n"},
		{"a diff of git's", "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n"},
		{"pip", "ERROR: Could not find a version that satisfies the requirement x\nerror: subprocess-exited-with-error\n"},
		{"docker layers", "#12 3.456: error: x\nStep 3/4 : RUN make\n"},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, lintSummary(readLog(c.log)), "") })
	}
}

func TestCommandTool(t *testing.T) {
	for command, want := range map[string]string{
		"ruff check .":                     "ruff",
		"python -m flake8 --count src":     "flake8",
		"uv run --frozen mypy .":           "mypy",
		"npx --yes eslint@9 .":             "eslint",
		"./node_modules/.bin/tsc --noEmit": "tsc",
		"cd src && PYTHONPATH=. pylint kv": "pylint",
		"go vet ./...":                     "go vet",
		"cargo clippy -- -D warnings":      "clippy",
		"echo black":                       "",
		"pytest --cov":                     "",
		"":                                 "",
		"golangci/golangci-lint-action@v6": "golangci-lint",
		"/usr/bin/g++ -O2 a.cc":            "gcc",
		"make test; staticcheck ./...":     "staticcheck",
	} {
		assert.Equal(t, commandTool(command), want, "%q", command)
	}
}

// FuzzLintText promises: no panic; colours and timestamps change nothing; a file
// has no control characters and never leaves the root.
func FuzzLintText(f *testing.F) {
	for _, seed := range []string{
		"a.py:1:8: F401 [*] `os` imported but unused\n", "a.py:3: error: Bad  [x]\na.py:3: note: y\n", "../../a.go:1:2: x (unused)\n",
		"error[E0308]: m\n --> a.rs:1:2\n", ">> Issue: [B1:x] m\n   Severity: Low   Confidence: High\n   Location: a.py:3:1\n",
		"In a.sh line 3:\nx\n^-- SC2086 (info): y\n", "a.js\n  1:2  error  m  rule\n", "::error file=a.py,line=1,title=ruff (E1)::m\n",
		"a.ts(1,2): error TS1: m\n  more\n", "would reformat ../a.py\n", "C:\\a\\b.cs(1,2): warning CS1: m [x.csproj]\n", "[a.proto:1:2] m\n",
		"/a.py:1:2 - error: m\n    more (rule)\n", "a.js: line 1, col 2, Error - m (r)\n", "✖ 1 problem (1 error, 0 warnings)\n", "# a/b\n./a.go:1:2: undefined: x\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, log string) {
		plain := newLintText()
		var stamped, coloured bytes.Buffer
		for line, err := range format.Lines(strings.NewReader(log)) {
			if err != nil || len(line.Text) > format.MaxLine/2 {
				return
			}
			if bytes.IndexByte(line.Text, '\t') >= 0 && bytes.IndexByte(line.Text, 'Z') >= 0 || bytes.HasPrefix(line.Text, format.Bom) {
				return // may be read as a job's prefix, once there is a timestamp before it
			}
			fmt.Fprintf(&stamped, "2024-05-01T12:34:56.1234567Z %s\n", line.Text)
			fmt.Fprintf(&coloured, "\x1b[1;31m%s\x1b[0m\n", line.Text)
			plain.Line(line)
		}
		want := plain.Finish()
		for _, variant := range []string{stamped.String(), coloured.String()} {
			again := newLintText()
			for line := range format.Lines(strings.NewReader(variant)) {
				again.Line(line)
			}
			assert.DeepEqual(t, again.Finish().Diagnostics, want.Diagnostics)
		}
		all, err := ReadText(strings.NewReader(log))
		assert.NilError(t, err)
		for _, d := range append(want.Diagnostics, all.Diagnostics...) {
			checkSafe(t, d)
		}
	})
}

func checkSafe(t *testing.T, d ci.Diagnostic) {
	t.Helper()
	if strings.ContainsFunc(d.Pos.File, func(r rune) bool { return isControl(r) || r == '\n' || r == '\t' }) {
		t.Fatalf("file with control characters: %q", d.Pos.File)
	}
	if d.Pos.File == ".." || strings.HasPrefix(d.Pos.File, "../") || strings.Contains(d.Pos.File, "/../") {
		t.Fatalf("file above the root: %q", d.Pos.File)
	}
	if strings.ContainsFunc(d.Message+d.Rule, isControl) {
		t.Fatalf("control characters in %q %q", d.Rule, d.Message)
	}
	if d.Kind == "" || d.Severity == "" {
		t.Fatalf("incomplete: %+v", d)
	}
}
