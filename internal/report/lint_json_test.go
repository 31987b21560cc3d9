package report

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// TestLintDocuments reads documents of tools that are not run by capture.sh;
// each has the keys of the tool's own documentation and one finding.
func TestLintDocuments(t *testing.T) {
	for _, c := range []struct{ format, in, want string }{
		{
			"golangci-lint-json",
			`{"Issues":[{"FromLinter":"errcheck","Text":"Error return value is not checked","Severity":"","SourceLines":["f()"],"Pos":{"Filename":"a.go","Offset":1,"Line":3,"Column":2}},{"FromLinter":"typecheck","Text":"undefined: x","Pos":{"Filename":"a.go","Line":4}}],"Report":{}}`,
			"a.go:3:2 lint golangci-lint [errcheck] error: Error return value is not checked\na.go:4 build golangci-lint [typecheck] error: undefined: x\n",
		},
		{
			"shellcheck-json",
			`[{"file":"a.sh","line":3,"endLine":3,"column":4,"endColumn":6,"level":"info","code":2086,"message":"Double quote","fix":null}]`,
			"a.sh:3:4 lint shellcheck [SC2086] info: Double quote\n",
		},
		{
			"shellcheck-json1",
			`{"comments":[{"file":"a.sh","line":3,"column":4,"level":"error","code":1009,"message":"m","fix":null}]}`,
			"a.sh:3:4 lint shellcheck [SC1009] error: m\n",
		},
		{
			"shellcheck-json", // hadolint
			`[{"line":2,"code":"DL3006","message":"Always tag","column":1,"file":"Dockerfile","level":"warning"}]`,
			"Dockerfile:2:1 lint hadolint [DL3006] warning: Always tag\n",
		},
		{
			"cargo-json",
			`{"reason":"compiler-artifact","package_id":"p"}` + "\n" + `{"reason":"compiler-message","package_id":"p","message":{"message":"mismatched types","level":"error","code":{"code":"E0308"},"spans":[{"file_name":"src/main.rs","line_start":2,"column_start":5,"line_end":2,"column_end":8,"is_primary":true}]}}`,
			"src/main.rs:2:5 build cargo [E0308] error: mismatched types\n",
		},
		{
			"rubocop-json",
			`{"metadata":{"rubocop_version":"1.0"},"files":[{"path":"a.rb","offenses":[{"severity":"convention","message":"Layout/Tab: m","cop_name":"Layout/Tab","correctable":true,"location":{"line":1,"column":2}}]}],"summary":{}}`,
			"a.rb:1:2 lint rubocop [Layout/Tab] warning: m\n",
		},
		{
			"stylelint-json",
			`[{"source":"/x/a.css","deprecations":[],"warnings":[{"line":1,"column":2,"rule":"r","severity":"error","text":"m"}]}]`,
			"/x/a.css:1:2 lint stylelint [r] error: m\n",
		},
		{
			"flake8-json",
			`{"./a.py":[{"code":"W291","filename":"./a.py","line_number":1,"column_number":2,"text":"trailing","physical_line":"x "}],"./b.py":[]}`,
			"a.py:1:2 lint flake8 [W291] warning: trailing\n",
		},
		{
			"rdjsonl",
			`{"message":"m","location":{"path":"a.go","range":{"start":{"line":3,"column":4}}},"severity":"WARNING","source":{"name":"vet"},"code":{"value":"c"}}`,
			"a.go:3:4 lint vet [c] warning: m\n",
		},
		{
			"gitlab", // Code Climate's lines
			`[{"description":"d","check_name":"c","fingerprint":"f","severity":"minor","location":{"path":"a.rb","lines":{"begin":7}}}]`,
			"a.rb:7 lint code quality [c] warning: d\n",
		},
		{
			"eslint-meta-json",
			`{"results":[{"filePath":"a.js","messages":[{"ruleId":null,"fatal":true,"severity":2,"message":"Parsing error","line":1,"column":2}],"errorCount":1}],"metadata":{"rulesMeta":{}}}`,
			"a.js:1:2 lint eslint [] error: Parsing error\n",
		},
		{
			"checkstyle",
			`<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE x [<!ENTITY a "aaaa">]><checkstyle version="4.3"><file name="./a.js"><error line="1" column="2" severity="warning" message="a &amp; b" source="eslint.rules.semi"/></file><file name="A.java"><error line="3" severity="error" message="m" source="com.puppycrawl.tools.checkstyle.checks.TabCheck"/></file></checkstyle>`,
			"a.js:1:2 lint eslint [semi] warning: a & b\nA.java:3 lint checkstyle [TabCheck] error: m\n",
		},
	} {
		t.Run(c.format, func(t *testing.T) {
			rep, err := Read(strings.NewReader(c.in))
			assert.NilError(t, err)
			assert.Equal(t, rep.Format, c.format)
			assert.Equal(t, lintSummary(rep.Diagnostics), c.want)
		})
	}
}

func TestABrokenDocumentKeepsWhatWasRead(t *testing.T) {
	const head = `[{"cell":null,"code":"F401","end_location":{},"filename":"a.py","location":{"row":1,"column":2},"message":"m","noqa_row":1}`
	rep, err := Read(strings.NewReader(head + `,{"cell":nu`))
	assert.ErrorContains(t, err, "byte ")
	assert.Equal(t, lintSummary(rep.Diagnostics), "a.py:1:2 lint ruff [F401] error: m\n")

	rep, err = Read(strings.NewReader(head + `,{"cell":null,"location":"here"}]`))
	assert.NilError(t, err)
	assert.Equal(t, len(rep.Diagnostics), 1)
	assert.Equal(t, len(rep.Warnings), 1)

	_, err = Checkstyle(strings.NewReader("<checkstyle>\n<file name='a'>\n<error line=\"1\" "))
	assert.ErrorContains(t, err, "line 3")
}

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
			rep, err := LintText(strings.NewReader(c.log))
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
