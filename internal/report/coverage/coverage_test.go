package coverage_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report/coverage"
)

func read(t *testing.T, text string) *ci.Coverage {
	t.Helper()
	c, err := coverage.Read(strings.NewReader(text))
	assert.NilError(t, err)
	return c
}

func open(t *testing.T, dir, name string) *ci.Coverage {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	assert.NilError(t, err)
	defer f.Close()
	c, err := coverage.Read(f)
	assert.NilError(t, err, name)
	return c
}

// TestOneProgramIsOneCoverage reads one run as four tools wrote it. They state
// three different percentages; the lines, and the sums of branches, are equal.
func TestOneProgramIsOneCoverage(t *testing.T) {
	dir := corpus.Dir(t, "coverage")
	for _, group := range []struct {
		file    string
		reports []string
	}{
		{"m.py", []string{"coverage.json", "cobertura.xml", "lcov.info"}},
		{"t.c", []string{"gcovr.json", "gcovr.xml", "c.info"}},
	} {
		want := open(t, dir, group.reports[0])
		for _, name := range group.reports[1:] {
			got := coverage.Rebase(open(t, dir, name), "", []string{group.file})
			assert.DeepEqual(t, got.Files[group.file].Lines, want.Files[group.file].Lines)
			gc, gt, gb, gn := got.Counts()
			wc, wt, wb, wn := want.Counts()
			assert.Equal(t, [4]int{gc, gt, gb, gn}, [4]int{wc, wt, wb, wn}, name)
			assert.Equal(t, got.Branches, true, name)
		}
	}
	pct, ok := open(t, dir, "coverage.json").Percent()
	assert.Assert(t, ok)
	assert.Equal(t, fmt.Sprintf("%.2f", pct), "76.47") // what coverage.py says
	corpus.State(t, "coverage", 6, 6, nil)
}

const python3 = `{"meta": {"format": 3, "version": "7.6.1", "branch_coverage": false, "show_contexts": false},
"files": {"a.py": {"executed_lines": [1], "summary": {}, "missing_lines": [2, 3], "excluded_lines": [9],
"functions": {"f": {"executed_lines": [1], "missing_lines": [2]}}, "classes": {}}}, "totals": {"percent_covered": 400.0}}`

const jacoco = `<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd"><report name="demo"><sessioninfo id="x" start="1" dump="2"/>
<package name="org/demo"><class name="org/demo/A" sourcefilename="A.java"><method name="f" desc="()V" line="3"><counter type="LINE" missed="1" covered="1"/></method></class>
<sourcefile name="A.java"><line nr="3" mi="0" ci="4" mb="1" cb="1"/><line nr="4" mi="2" ci="0" mb="0" cb="0"/><line nr="5" mi="0" ci="0" mb="0" cb="0"/></sourcefile></package></report>`

const clover = `<?xml version="1.0" encoding="UTF-8"?><coverage generated="1" clover="3.2.0"><project timestamp="1" name="All files"><metrics statements="2"/>
<package name="p"><file name="a.js" path="/home/ci/project/src/a.js"><line num="1" count="9" type="method"/><line num="2" count="2" type="stmt"/><line num="3" count="1" type="cond" truecount="1" falsecount="0"/></file></package></project></coverage>`

const goProfile = `mode: set
example.com/demo/pkg/a.go:3.20,5.2 2 1
example.com/demo/pkg/a.go:5.9,7.3 1 0
mode: set
example.com/demo/pkg/a.go:3.20,5.2 2 0
example.com/demo/pkg/a.go:9.1,9.5 4 0
`

const resultset = `{"RSpec": {"coverage": {"/home/ci/project/lib/a.rb": {"lines": [1, null, 0, "ignored"],
"branches": {"[:if, 0, 3, 4, 3, 10]": {"[:then, 1, 3, 4, 3, 9]": 0, "[:else, 2, 3, 4, 3, 9]": 2}}}}, "timestamp": 1},
"Minitest": {"coverage": {"/home/ci/project/lib/a.rb": [null, null, 4]}, "timestamp": 1}}`

const llvm = `{"data": [{"files": [{"filename": "/home/ci/project/a.rs", "segments": [[1, 11, 5, true, true, false], [2, 8, 0, true, true, false], [4, 6, 5, true, false, false], [6, 2, 0, false, false, false]],
"branches": [[2, 8, 2, 9, 5, 0, 0, 0, 4]], "expansions": [], "summary": {}}], "totals": {"lines": {"percent": "NaN"}}}], "type": "llvm.coverage.json.export", "version": "2.0.1"}`

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		name, text, tool, file string
		lines                  map[int]int
		sums                   string // covered/total branches covered/total
	}{
		{
			name: "coverage.py, format 3: regions repeat lines and totals lie", text: python3, tool: "coverage.py", file: "a.py",
			lines: map[int]int{1: 1, 2: 0, 3: 0}, sums: "1/3 0/0",
		},
		{
			name: "JaCoCo: a line without instructions is none", text: jacoco, tool: "jacoco", file: "org/demo/A.java",
			lines: map[int]int{3: 4, 4: 0}, sums: "1/2 1/2",
		},
		{
			name: "Clover: methods are no statements", text: clover, tool: "clover", file: "/home/ci/project/src/a.js",
			lines: map[int]int{2: 2, 3: 1}, sums: "2/2 1/2",
		},
		{
			name: "Go: statements by block, a block of two binaries counts once", text: goProfile, tool: "go", file: "example.com/demo/pkg/a.go",
			lines: map[int]int{3: 1, 4: 1, 5: 1, 6: 0, 7: 0, 9: 0}, sums: "2/7 0/0",
		},
		{
			name: "SimpleCov: two commands are a union", text: resultset, tool: "simplecov", file: "/home/ci/project/lib/a.rb",
			lines: map[int]int{1: 1, 3: 4}, sums: "2/2 1/2",
		},
		{
			name: "llvm-cov: lines are wrapped by segments", text: llvm, tool: "llvm-cov", file: "/home/ci/project/a.rs",
			lines: map[int]int{1: 5, 2: 5, 3: 0, 4: 0, 5: 5, 6: 5}, sums: "4/6 1/2",
		},
		{
			name: "LCOV: counts beyond int32, negative, with exponents; lying totals; a file twice",
			text: "TN:a\nSF:./x.c\nDA:1,99999999999999999999\nDA:2,-3\nDA:3,1.5e+10\nLF:900\nLH:900\nBRDA:1,0,0,1\nBRDA:1,0,1,-\nend_of_record\nSF:x.c\nDA:2,1\nBRDA:1,e0,a, b,-\nBRDA:1,0,1,4\nend_of_record\n",
			tool: "lcov", file: "x.c", lines: map[int]int{1: 1 << 53, 2: 1, 3: 1 << 53}, sums: "3/3 2/2",
		},
		{
			name: "Cobertura: inner classes of a file are one file, its methods repeat lines",
			text: `<coverage line-rate="NaN" branch-rate="-1"><sources><source>src</source></sources><packages><package><classes>
<class name="A" filename="A.cs"><methods><method name="f"><lines><line number="1" hits="1"/></lines></method></methods><lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class>
<class name="A/B" filename="A.cs"><lines><line number="2" hits="3" branch="true" condition-coverage="50% (1/2)"/></lines></class></classes></package></packages></coverage>`,
			tool: "cobertura", file: "src/A.cs", lines: map[int]int{1: 1, 2: 3}, sums: "2/2 1/2",
		},
		{
			name: "gcovr: excluded lines are no lines, instances of a template are one line",
			text: `{"gcovr/format_version": "0.11", "files": [{"file": "t.cc", "lines": [{"line_number": 1, "count": 0, "branches": []}, {"line_number": 1, "count": 2, "branches": []}, {"line_number": 2, "count": 0, "gcovr/excluded": true, "branches": []}]}]}`,
			tool: "gcovr", file: "t.cc", lines: map[int]int{1: 2}, sums: "1/1 0/0",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := read(t, test.text)
			assert.Equal(t, c.Tool, test.tool)
			assert.Equal(t, len(c.Files), 1)
			f, ok := c.Files[test.file]
			assert.Assert(t, ok, "%v", c.Files)
			assert.DeepEqual(t, f.Lines, test.lines)
			covered, total, cb, tb := c.Counts()
			assert.Equal(t, fmt.Sprintf("%d/%d %d/%d", covered, total, cb, tb), test.sums)
			assert.Equal(t, c.Branches, tb > 0)
		})
	}
}

func TestBrokenFilesSayWhere(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a truncated Cobertura file", "<coverage line-rate='1'>\n<packages>\n<class filename='a'>", "line 3: unexpected EOF"},
		{"a truncated JSON report", "{\"meta\": {\"branch_coverage\": true, \"show_contexts\": false},\n\"files\": {\"a.py\": {\"executed_lines\": [1,", "line 2: unexpected EOF"},
		{"a NaN is no JSON", "{\"meta\": {\"branch_coverage\": true, \"show_contexts\": false},\n\"totals\": {\"percent_covered\": NaN}}", "line 2: invalid character 'N' looking for beginning of value"},
		{"a document after the document", python3 + "\n{}", "line 4: something follows the document"},
		{"a tracefile without its end", "SF:a.c\nDA:1,1\n", "line 2: the file ends inside the record of a source file: unexpected EOF"},
		{"a count that is none", "SF:a.c\nDA:1,many\n", "line 2: DA:1,many is not line,hits"},
		{"half a line of a profile", "mode: set\na.go:1.1,2.2 1", `line 2: "a.go:1.1,2.2 1" is not file:line.column,line.column statements count`},
		{"a line number that is none", "mode: set\na.go:1.1,99999999999.2 1 1\n", "line 2: line number 99999999999 is out of range"},
		{"a negative line number", `{"meta": {"branch_coverage": true, "show_contexts": false}, "files": {"a.py": {"executed_lines": [-4]}}}`, "line 1: a.py: line number -4 is out of range"},
		{"a line outside of a class", "<coverage>\n<packages/><line number='1' hits='1'/></coverage>", "line 2: a <line> outside of a <class>"},
		{"hits that are not a number", "<coverage><packages/>\n<class filename='a'>\n<line number='1' hits='NaN'/></class></coverage>", `line 3: hits="NaN" is not a number`},
		{"something else", "hello", "no coverage format that is known here"},
		{"nothing", "", "no coverage format that is known here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := coverage.Read(strings.NewReader(test.text))
			assert.Error(t, err, test.want)
		})
	}
}

func TestShardsAreAUnion(t *testing.T) {
	const head = `{"meta": {"branch_coverage": true, "show_contexts": false}, "files": {"a.py": {`
	left := read(t, head+`"executed_lines": [1, 2], "missing_lines": [3, 4], "executed_branches": [[1, 2]], "missing_branches": [[1, 3]]}}}`)
	right := read(t, head+`"executed_lines": [1, 3], "missing_lines": [2, 4], "executed_branches": [[1, 3]], "missing_branches": [[1, 2]]}}}`)
	both := coverage.Merge(left, right)
	covered, total, cb, tb := both.Counts()
	assert.Equal(t, [4]int{covered, total, cb, tb}, [4]int{3, 4, 2, 2})
	covered, total, _, _ = left.Counts() // unchanged
	assert.Equal(t, [2]int{covered, total}, [2]int{2, 4})

	one := read(t, "mode: count\nm/a.go:1.1,2.2 3 5\nm/a.go:4.1,5.2 2 0\n")
	two := read(t, "mode: count\nm/a.go:1.1,2.2 3 0\nm/a.go:4.1,5.2 2 1\n")
	covered, total, _, _ = coverage.Merge(one, two).Counts()
	assert.Equal(t, [2]int{covered, total}, [2]int{5, 5})
}

func TestRebase(t *testing.T) {
	tracked := []string{"src/m.py", "pkg/a.go", "x/util.py", "y/util.py", "lib/deep/only.py"}
	for from, to := range map[string]string{
		"/home/ci/project/src/m.py":         "src/m.py",
		"/elsewhere/checkout/src/m.py":      "src/m.py",
		"example.com/demo/pkg/a.go":         "pkg/a.go",
		"m.py":                              "src/m.py",
		"util.py":                           "util.py", // two would fit
		"deep/only.py":                      "lib/deep/only.py",
		"/home/ci/project/build/gen.py":     "build/gen.py",
		"/usr/lib/python3/site/requests.py": "/usr/lib/python3/site/requests.py",
	} {
		c := coverage.Rebase(read(t, "SF:"+from+"\nDA:1,1\nend_of_record\n"), "/home/ci/project", tracked)
		_, ok := c.Files[to]
		assert.Assert(t, ok, "%s became %v, not %s", from, c.Files, to)
	}
}

func TestSeriesKey(t *testing.T) {
	assert.Equal(t, coverage.SeriesKey(read(t, python3), ""), "coverage.py/line")
	assert.Equal(t, coverage.SeriesKey(read(t, goProfile), "api"), "go/line@api")
	assert.Equal(t, coverage.SeriesKey(read(t, jacoco), ""), "jacoco/branch")
	assert.Equal(t, coverage.SeriesKey(nil, ""), "")
}

// FuzzRead promises: no panic; counts that fit each other; a file merged with
// itself is itself; and merging does not depend on the order.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{python3, jacoco, clover, goProfile, resultset, llvm, "SF:a\nDA:1,1\nBRDA:1,0,0,-\nend_of_record\n"} {
		f.Add(seed, seed)
	}
	f.Add(`<coverage line-rate="1"><class filename="a"><line number="1" hits="1" condition-coverage="1% (1/3)"/></class></coverage>`, python3)
	f.Add(`{"gcovr/format_version": "0.5", "files": [{"file": "a", "lines": [{"line_number": 1, "count": 1e99, "branches": [{"count": -1}]}]}]}`, "")
	f.Fuzz(func(t *testing.T, left, right string) {
		a, errA := coverage.Read(strings.NewReader(left))
		b, errB := coverage.Read(strings.NewReader(right))
		for _, c := range []*ci.Coverage{a, b} {
			if c == nil {
				continue
			}
			for name, file := range c.Files {
				if file.Covered < 0 || file.Covered > file.Total || file.CoveredBranches < 0 || file.CoveredBranches > file.TotalBranches {
					t.Fatalf("%q: %d of %d, %d of %d", name, file.Covered, file.Total, file.CoveredBranches, file.TotalBranches)
				}
			}
		}
		if errA != nil || errB != nil {
			return
		}
		assert.DeepEqual(t, coverage.Merge(a, a), a)
		assert.DeepEqual(t, coverage.Merge(a, b), coverage.Merge(b, a))
	})
}

// cobertura writes a report of n lines, 200 bytes each, as fast as it is read.
type cobertura struct {
	n, total int
	rest     []byte
}

func (c *cobertura) Read(p []byte) (int, error) {
	for len(c.rest) < len(p) && c.n <= c.total {
		switch {
		case c.n == 0:
			c.rest = append(c.rest, "<?xml version=\"1.0\"?>\n<coverage line-rate=\"0.9\" branches-valid=\"1\"><sources><source>.</source></sources><packages><package name=\"p\"><classes>\n<class filename=\"f0.py\"><lines>\n"...)
		case c.n%1000 == 0 && c.n < c.total:
			c.rest = fmt.Appendf(c.rest, "</lines></class>\n<class name=\"c%d\" filename=\"pkg/dir/f%d.py\" line-rate=\"0.5\" branch-rate=\"0.5\" complexity=\"0\"><methods/><lines>\n", c.n, c.n)
		}
		if c.n == c.total {
			c.rest = append(c.rest, "</lines></class></classes></package></packages></coverage>\n"...)
		} else {
			c.rest = fmt.Appendf(c.rest, "\t\t\t\t\t\t<line number=\"%d\" hits=\"%d\" branch=\"true\" condition-coverage=\"50%% (1/2)\" missing-branches=\"%d\"><conditions><condition number=\"0\" type=\"jump\" coverage=\"50%%\"/></conditions></line>                  \n", c.n%1000+1, c.n%3, c.n)
		}
		c.n++
	}
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[:copy(c.rest, c.rest[n:])]
	return n, nil
}
