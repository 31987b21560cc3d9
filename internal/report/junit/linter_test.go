package junit_test

import (
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// TestLintersThatWriteJUnit reads what ruff 0.17, mypy 2.4 and ESLint 9 write with
// --output-format junit, --junit-xml and -f junit: findings are no tests.
func TestLintersThatWriteJUnit(t *testing.T) {
	for _, c := range []struct{ name, xml, want string }{
		{
			"ruff",
			`<testsuites name="ruff" tests="2" failures="2"><testsuite name="/home/ci/a.py" tests="2" failures="2" package="org.ruff">
<testcase name="org.ruff.F401" classname="/home/ci/a" line="1" column="8"><properties><property name="severity" value="error"/></properties><failure message="` + "`os`" + ` imported but unused">line 1, col 8, ` + "`os`" + ` imported but unused</failure></testcase>
<testcase name="org.ruff.F821" classname="/home/ci/a" line="3" column="5"><failure message="Undefined name">line 3, col 5, Undefined name ` + "`x`" + `</failure></testcase>
</testsuite></testsuites>`,
			"ruff F401 /home/ci/a.py:1:8 `os` imported but unused\nruff F821 /home/ci/a.py:3:5 Undefined name `x`\n",
		},
		{"ruff without findings", `<testsuites name="ruff" tests="1"><testsuite name="ruff" tests="1" package="org.ruff"><testcase name="No errors found" classname="ruff" time="0.0"/></testsuite></testsuites>`, ""},
		{
			"mypy",
			`<testsuite errors="0" failures="1" name="mypy" skips="0" tests="1" time="0.922"><testcase classname="mypy" file="mypy" line="1" name="mypy-py3_11-linux" time="0.922"><failure message="mypy produced messages">shop/stock.py:22: error: "Stock" has no attribute "locck"  [attr-defined]
shop/stock.py:28: error: "Stock" has no attribute "locck"  [attr-defined]</failure></testcase></testsuite>`,
			"mypy attr-defined shop/stock.py:22 \"Stock\" has no attribute \"locck\"\nmypy attr-defined shop/stock.py:28 \"Stock\" has no attribute \"locck\"\n",
		},
		{
			"golangci-lint",
			`<testsuites><testsuite name="a.go" tests="2" errors="0" failures="2"><testcase name="errcheck" classname="a.go:10:11"><failure message="a.go:10:11: Error return value is not checked" type=""><![CDATA[: Error return value is not checked
Category: errcheck
File: a.go
Line: 10
Details: 	os.Remove(name)]]></failure></testcase><testcase name="typecheck" classname="a.go:1"><failure message="a.go:1: : # example.com/gl" type=""><![CDATA[: : # example.com/gl
./a.go:11:6: declared and not used: unused
Category: typecheck]]></failure></testcase></testsuite></testsuites>`,
			"golangci-lint errcheck a.go:10:11 Error return value is not checked\ngolangci-lint typecheck a.go:11:6 declared and not used: unused\n",
		},
		{
			"eslint",
			`<testsuites><testsuite package="org.eslint" time="0" tests="1" errors="1" name="/home/ci/a.js"><testcase time="0" name="org.eslint.no-unused-vars" classname="/home/ci/a"><failure message="&apos;x&apos; is assigned a value but never used."><![CDATA[line 1, col 5, Error - 'x' is assigned a value but never used. (no-unused-vars)]]></failure></testcase></testsuite></testsuites>`,
			"eslint no-unused-vars /home/ci/a.js:1:5 'x' is assigned a value but never used.\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep := readJUnit(t, c.xml)
			assert.Equal(t, len(rep.Tests), 0)
			assert.Equal(t, len(rep.Failures), 0)
			var got strings.Builder
			for _, d := range rep.Diagnostics {
				fmt.Fprintf(&got, "%s %s %s %s\n", d.Tool, d.Rule, d.Pos, d.Message)
			}
			assert.Equal(t, got.String(), c.want)
		})
	}
	// A suite of tests that has the name of a linter's package is one of tests.
	rep := readJUnit(t, `<testsuite name="tests.test_mypy" package="shop"><testcase classname="tests.test_mypy" name="test_a"><failure message="x"/></testcase></testsuite>`)
	assert.Equal(t, len(rep.Tests), 1)
}
