package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/report"
	"keepgreen/internal/report/reporttest"
)

func TestUnionTables(t *testing.T) {
	failed := func(id, file, exception, message, details string) ci.TestResult {
		return ci.TestResult{
			ID: ci.TestID(id), Framework: "pytest", File: file, Outcome: ci.Failed,
			Failure: &ci.Failure{Kind: ci.KindTest, Test: ci.TestID(id), Phase: "call", Exception: exception, Message: message, Details: details},
		}
	}
	passed := func(id, file string) ci.TestResult {
		return ci.TestResult{ID: ci.TestID(id), Framework: "pytest", File: file, Outcome: ci.Passed, Duration: time.Second, Timed: true}
	}
	attempt := func(r ci.TestResult, n int) ci.TestResult { r.Attempt = n; return r }
	junit := func(results ...ci.TestResult) ci.Report { return ci.Report{Format: "junit", Tests: results} }
	log := func(results ...ci.TestResult) ci.Report { return ci.Report{Format: "log", Tests: results} }
	diagnostic := func(tool, file string, line, col int, message string) ci.Report {
		return ci.Report{Format: "x", Diagnostics: []ci.Diagnostic{{Tool: tool, Rule: "F401", Kind: ci.KindLint, Severity: ci.SeverityError, Message: message, Pos: ci.Position{File: file, Line: line, Col: col}}}}
	}
	for _, tc := range []struct {
		name string
		in   []ci.Report
		want string
	}{
		{
			"a guessed path gives way to the one that the log prints",
			[]ci.Report{junit(failed("tests/test_x/case.py::test_a", "", "", "m", "")), log(failed("tests/test_x.py::case::test_a", "", "KeyError", "'k'", "long details"))},
			"tests/test_x.py::case::test_a failed test call KeyError: m @\n",
		},
		{
			"equal names in two files that are both known stay two tests",
			[]ci.Report{junit(failed("a/b.py::c::t", "a/b.py", "", "one", ""), passed("a.py::b::c::t", "a.py"))},
			"a.py::b::c::t passed\na/b.py::c::t failed test call : one @\n",
		},
		{
			"a pass of the structured source does not hide a failure of the log",
			[]ci.Report{junit(passed("t.py::a", "t.py")), log(failed("t.py::a", "", "E", "m", ""))},
			"t.py::a failed test call E: m @\n",
		},
		{
			"a log's failure belongs to the attempt that failed",
			[]ci.Report{junit(attempt(failed("t.py::a", "t.py", "", "m", ""), 1), attempt(passed("t.py::a", "t.py"), 2)), log(failed("t.py::a", "", "KeyError", "m", "d"))},
			"t.py::a failed #1 test call KeyError: m @\nt.py::a passed #2\n",
		},
		{
			"parameters with control characters have one spelling",
			[]ci.Report{junit(passed("t.py::a[#x1B[31m]", "t.py")), log(passed(`t.py::a[\x1b[31m]`, ""))},
			`t.py::a[\x1b[31m] passed` + "\n",
		},
		{
			"an unexpected pass refines a pass",
			[]ci.Report{junit(passed("t.py::a", "t.py")), log(ci.TestResult{ID: "t.py::a", Outcome: ci.XPassed})},
			"t.py::a xpassed\n",
		},
		{
			"variants are not one test",
			[]ci.Report{junit(passed("t.py::a", "t.py")), junit(ci.TestResult{ID: "t.py::a", Variant: "3.12", Outcome: ci.Passed, File: "t.py"})},
			"t.py::a passed\nt.py::a passed\n",
		},
		{
			"a second failure of a test stays beside it, a retold one does not",
			[]ci.Report{
				{Format: "junit", Tests: []ci.TestResult{failed("t.py::a", "t.py", "E", "m", "")}, Failures: []ci.Failure{{Kind: ci.KindError, Test: "t.py::a", Phase: "teardown", Message: "cut..."}}},
				{Format: "log", Failures: []ci.Failure{{Kind: ci.KindError, Test: "t.py::a", Phase: "teardown", Message: "cut short"}, {Kind: ci.KindTest, Test: "t.py::a", Phase: "call", Message: "m"}}},
			},
			"t.py::a failed test call E: m @\nbeside t.py::a error teardown : cut short @\n",
		},
		{
			"one finding with and without a column, absolute and relative",
			[]ci.Report{diagnostic("ruff", "/home/ci/project/src/a.py", 3, 8, "`os` imported but unused"), diagnostic("ruff check", "src/a.py", 3, 0, "`os`  imported but unused"), diagnostic("ruff", "./src/a.py", 3, 8, "`os` imported but unused")},
			"ruff F401 src/a.py:3:8\n",
		},
		{
			"findings in files of one name are several",
			[]ci.Report{diagnostic("ruff", "a/x.py", 3, 8, "m"), diagnostic("ruff", "b/x.py", 3, 8, "m"), diagnostic("ruff", "b/x.py", 3, 9, "m"), diagnostic("mypy", "b/x.py", 3, 9, "m")},
			"ruff F401 a/x.py:3:8\nruff F401 b/x.py:3:8\nmypy F401 b/x.py:3:9\nruff F401 b/x.py:3:9\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := report.Union(tc.in)
			got := reporttest.Brief(u)
			for _, d := range u.Diagnostics {
				got += d.Tool + " " + d.Rule + " " + d.Pos.String() + "\n"
			}
			if got != tc.want {
				t.Errorf("got:\n%swant:\n%s", got, tc.want)
			}
			checkUnion(t, tc.in)
		})
	}
}

// checkUnion holds a union to its promises.
func checkUnion(t *testing.T, in []ci.Report) {
	t.Helper()
	u := report.Union(in)
	if diff := cmp.Diff(u, report.Union([]ci.Report{u})); diff != "" {
		t.Errorf("joined again it changes: %s", diff)
	}
	if diff := cmp.Diff(u, report.Union(slices.Concat(in, in))); diff != "" {
		t.Errorf("every source twice changes it: %s", diff)
	}
	back := slices.Clone(in)
	slices.Reverse(back)
	if diff := cmp.Diff(u, report.Union(back)); diff != "" {
		t.Errorf("the order of the sources matters: %s", diff)
	}
	type execution struct {
		id      ci.TestID
		variant string
		attempt int
	}
	seen := map[execution]bool{}
	bad := map[string]bool{}
	for _, r := range u.Tests {
		e := execution{r.ID, r.Variant, r.Attempt}
		if seen[e] {
			t.Errorf("%v is counted twice", e)
		}
		seen[e] = true
		if r.Outcome.Bad() {
			bad[r.ID.Dotted()+" "+r.Variant] = true
			bad[string(r.ID)] = true
		}
	}
	for _, f := range u.Failures {
		bad[string(f.Test)+" "+f.Message] = true
	}
	for _, rep := range in {
		for _, r := range rep.Tests {
			if r.Outcome.Bad() && !bad[unhex(r.ID.Dotted())+" "+r.Variant] {
				t.Errorf("the failure of %s is lost", r.ID)
			}
		}
		for _, f := range rep.Failures {
			if f.Test == "" && !bad[" "+f.Message] {
				t.Errorf("the failure %q is lost", f.Message)
			}
		}
	}
}

func unhex(s string) string { return strings.ReplaceAll(s, "#x1B", `\x1b`) }

// madeReports turns bytes into reports about few tests, so that they overlap.
func madeReports(data []byte) []ci.Report {
	ids := []struct{ id, file string }{
		{"a/b.py::c::t", "a/b.py"},
		{"a/b.py::c::t", ""},
		{"a.py::b::c::t", "a.py"},
		{"a/b/c.py::t", ""},
		{"t.py::p[#x1B]", "t.py"},
		{`t.py::p[\x1b]`, ""},
		{"example.com/m.TestA/x", ""},
		{"S::t", ""},
		{"t.py", ""},
		{"t.py", "t.py"},
	}
	words := []string{"", "m", "message...", "message that is longer", "other"}
	formats := []string{"junit", "log", "", "trx"}
	var out []ci.Report
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	for len(data) > 0 && len(out) < 5 {
		rep := ci.Report{Format: formats[next()%len(formats)], Source: words[next()%len(words)]}
		for n := next() % 6; n > 0; n-- {
			id := ids[next()%len(ids)]
			r := ci.TestResult{ID: ci.TestID(id.id), File: id.file, Outcome: ci.Outcome(next() % 7), Attempt: next() % 3, Variant: []string{"", "v"}[next()%2], Line: next() % 2}
			if next()%2 == 0 {
				r.Timed, r.Duration = true, time.Duration(next())
			}
			if r.Outcome.Bad() {
				r.Failure = &ci.Failure{Kind: ci.KindTest, Test: r.ID, Phase: []string{"", "call", "setup"}[next()%3], Message: words[next()%len(words)], Details: words[next()%len(words)], Cut: next()%2 == 0, Log: ci.Position{Line: next() % 3}}
			} else {
				r.Reason = words[next()%len(words)]
			}
			rep.Tests = append(rep.Tests, r)
		}
		for n := next() % 3; n > 0; n-- {
			f := ci.Failure{Kind: ci.KindInfra, Message: words[next()%len(words)], Job: []string{"", "j", "k"}[next()%3], Log: ci.Position{Line: next() % 3}}
			if next()%2 == 0 {
				f.Test, f.Phase = ci.TestID(ids[next()%len(ids)].id), []string{"", "call", "teardown"}[next()%3]
			}
			rep.Failures = append(rep.Failures, f)
		}
		for n := next() % 4; n > 0; n-- {
			rep.Diagnostics = append(rep.Diagnostics, ci.Diagnostic{
				Tool: []string{"ruff", "ruff check", "mypy"}[next()%3], Message: words[next()%len(words)],
				Severity: []ci.Severity{ci.SeverityError, ci.SeverityWarning}[next()%2],
				Pos:      ci.Position{File: []string{"a.py", "./a.py", "/x/a.py", "b/a.py"}[next()%4], Line: 1 + next()%2, Col: next() % 3},
			})
		}
		out = append(out, rep)
	}
	return out
}

// FuzzUnion: joining is idempotent, the order of the sources does not matter, no
// failure is lost and none is counted twice.
func FuzzUnion(f *testing.F) {
	for i := range 40 {
		f.Add([]byte(strings.Repeat(fmt.Sprintf("%d-%c%d", i*7919, 'a'+i, i*i), 12)))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkUnion(t, madeReports(data)) })
}

func readText(t *testing.T, text string) ci.Report {
	t.Helper()
	rep, err := report.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestUnnamedCountsWhatIsOnlyCounted(t *testing.T) {
	passed := func(id string) ci.TestResult { return ci.TestResult{ID: ci.TestID(id), Outcome: ci.Passed} }
	dots := ci.Report{Format: "pytest", Totals: &ci.Totals{Passed: 2, Failed: 3, Duration: 210 * time.Millisecond}}
	for _, c := range []struct {
		name    string
		reports []ci.Report
		named   []ci.TestResult
		want    int
	}{
		{"a log of dots", []ci.Report{dots}, nil, 2},
		{"the same log twice", []ci.Report{dots, dots}, nil, 2},
		{"with the JUnit file of the same run", []ci.Report{dots, {Format: "junit"}}, []ci.TestResult{passed("a"), passed("b")}, 0},
		{"with one of two named", []ci.Report{dots}, []ci.TestResult{passed("a")}, 1},
		{"more named than counted", []ci.Report{dots}, []ci.TestResult{passed("a"), passed("b"), passed("c")}, 0},
		{"nobody counts", []ci.Report{{Format: "junit"}}, []ci.TestResult{passed("a")}, 0},
	} {
		if got := report.Unnamed(c.reports, c.named); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
