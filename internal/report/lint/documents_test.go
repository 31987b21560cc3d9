package lint_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/report"
	"keepgreen/internal/report/lint"
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
			rep, err := report.Read(strings.NewReader(c.in))
			assert.NilError(t, err)
			assert.Equal(t, rep.Format, c.format)
			assert.Equal(t, lint.Summary(rep.Diagnostics), c.want)
		})
	}
}

func TestABrokenDocumentKeepsWhatWasRead(t *testing.T) {
	const head = `[{"cell":null,"code":"F401","end_location":{},"filename":"a.py","location":{"row":1,"column":2},"message":"m","noqa_row":1}`
	rep, err := report.Read(strings.NewReader(head + `,{"cell":nu`))
	assert.ErrorContains(t, err, "byte ")
	assert.Equal(t, lint.Summary(rep.Diagnostics), "a.py:1:2 lint ruff [F401] error: m\n")

	rep, err = report.Read(strings.NewReader(head + `,{"cell":null,"location":"here"}]`))
	assert.NilError(t, err)
	assert.Equal(t, len(rep.Diagnostics), 1)
	assert.Equal(t, len(rep.Warnings), 1)

	_, err = lint.ReadCheckstyle(strings.NewReader("<checkstyle>\n<file name='a'>\n<error line=\"1\" "))
	assert.ErrorContains(t, err, "line 3")
}
