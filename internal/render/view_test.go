package render_test

import (
	"fmt"
	"math"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

// start is when the believable run began.
var start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// believable is one run with everything in it: a missing module that breaks
// several tests, a wrong assertion, a flaky test, a failure that main has too,
// lint and type errors, a network failure, coverage below its baseline.
func believable() render.View {
	v := render.View{
		Version: "1.4.0",
		Run: ci.Run{
			ID: "42", Attempt: 1, Repo: "acme/kvtools", Workflow: "CI", Event: "pull_request", Branch: "evict-by-age",
			Commit: "3f2a91c0de5b7a6914c2b0d3e4f5a6b7c8d9e0f1", Tree: "81c0d2e7aa14b36950c1d2e3f4a5b6c7d8e9f001",
			Base: "b7e1f20c4d5a6978e1d2c3b4a5968778695a4b3c", Started: start, Duration: 41*time.Second + 730*time.Millisecond,
			Jobs: []ci.Job{
				{Name: "lint", Tool: "ruff", Version: "0.14.2", Status: ci.JobFailure, ExitCode: 1, Started: start, Duration: 410 * time.Millisecond},
				{Name: "format", Tool: "black", Version: "25.9.0", Status: ci.JobSuccess, Started: start, Duration: 1280 * time.Millisecond},
				{Name: "types", Tool: "mypy", Version: "1.18.2", Status: ci.JobFailure, ExitCode: 1, Started: start.Add(1300 * time.Millisecond), Duration: 6120 * time.Millisecond},
				{Name: "test", Tool: "pytest", Version: "8.4.2", Status: ci.JobFailure, ExitCode: 1, Started: start.Add(1300 * time.Millisecond), Duration: 40 * time.Second},
				{Name: "vulns", Tool: "pip-audit", Status: ci.JobSkipped, Detail: "pip-audit is not installed", Started: start.Add(7500 * time.Millisecond)},
			},
			Diagnostics: []ci.Diagnostic{
				{Tool: "ruff", Kind: ci.KindLint, Rule: "F401", Severity: ci.SeverityError, Message: "`json` imported but unused", Pos: ci.Position{File: "kvtools/tracer.py", Line: 3, Col: 8}, URL: "https://docs.astral.sh/ruff/rules/unused-import", Fixable: true},
				{Tool: "ruff", Kind: ci.KindLint, Rule: "F401", Severity: ci.SeverityError, Message: "`typing.Optional` imported but unused", Pos: ci.Position{File: "kvtools/evict.py", Line: 5, Col: 20}, URL: "https://docs.astral.sh/ruff/rules/unused-import", Fixable: true},
				{Tool: "mypy", Kind: ci.KindType, Rule: "arg-type", Severity: ci.SeverityError, Message: `Argument 1 to "evict" has incompatible type "str"; expected "int"`, Pos: ci.Position{File: "kvtools/cli.py", Line: 88, Col: 22}},
			},
			Coverage: &ci.Coverage{Tool: "coverage.py", Files: map[string]*ci.FileCoverage{
				"kvtools/__init__.py": cover(4), "kvtools/pool.py": cover(148, 61, 62, 63, 90),
				"kvtools/evict.py": cover(122, 18, 19, 20, 21, 22, 23, 24, 31, 40, 41, 42, 43, 44, 77, 78, 79, 101, 102, 103, 104, 105, 106),
				"kvtools/cli.py":   cover(96, 70, 71, 72, 80, 81, 82, 83, 84, 85, 86, 87, 88), "kvtools/tracer.py": cover(210, 12, 130, 131),
				"kvtools/report/html.py": cover(64),
			}},
			Warnings: []ci.Warning{{Source: "reports/junit.xml", Line: 212, Text: "the suite says 215 tests, 214 were found"}},
		},
		Verdict: ci.VerdictFail,
		Compare: render.Comparison{
			Known: true, With: "main at b7e1f20",
			New:       []ci.TestID{"tests/test_config.py::test_defaults", "tests/test_config.py::test_override", "tests/test_report.py::test_yaml_round_trip", "tests/test_evict.py::TestAge::test_oldest_first[fp16]"},
			Fixed:     []ci.TestID{"tests/test_tracer.py::test_empty_trace"},
			Still:     []render.Still{{Test: "tests/test_cli.py::test_exit_status", Since: "b7e1f20c4d5a6978e1d2c3b4a5968778695a4b3c", Runs: 6}},
			Recovered: []ci.TestID{"tests/test_pool.py::test_concurrent_release"},
		},
		Baseline: render.Baseline{Known: true, Pct: 95.2, From: "median of the last 10 green runs on main", Delta: 5, Files: map[string]float64{
			"kvtools/evict.py": 96.7, "kvtools/pool.py": 97.3, "kvtools/cli.py": 87.5, "kvtools/tracer.py": 97.6,
		}},
		Decisions: []ci.Decision{
			{Gate: "tests", Verdict: ci.VerdictFail, Because: []string{"4 of 214 tests fail that pass on main"}},
			{Gate: "lint", Verdict: ci.VerdictFail, Because: []string{"ruff: 2 errors, both fixable with ruff check --fix"}},
			{Gate: "types", Verdict: ci.VerdictFail, Because: []string{"mypy: 1 error"}},
			{Gate: "coverage", Verdict: ci.VerdictPass, Because: []string{"93.3 % is within 5.0 points of the baseline 95.2 %"}},
			{Gate: "vulns", Verdict: ci.VerdictNoData, Because: []string{"no scanner ran"}},
		},
		Flaky: []render.FlakeTest{
			{ID: "tests/test_pool.py::test_concurrent_release", Verdict: ci.FlakeFlaky, Runs: 120, Failures: 9, Flips: 14, Rate: 0.075, Low: 0.04, High: 0.137, Why: "passed and failed on tree 81c0d2e"},
		},
		Muted: []render.Quarantine{{Test: "tests/test_net.py::test_mirror", Reason: "mirror is being moved", Until: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Failed: true}},
		Fixes: []render.Fix{
			{Cluster: "k1-3f9a01", Confidence: 0.93, Description: "Add PyYAML to the dependencies", CodeChange: "--- a/requirements.txt\n+++ b/requirements.txt\n@@ -1,2 +1,3 @@\n numpy==2.3.4\n+PyYAML==6.0.3\n rich==14.2.0\n"},
			{Cluster: "k1-77be20", Confidence: 0.98, Description: "Remove 2 unused imports", CodeChange: "ruff check --fix kvtools/tracer.py kvtools/evict.py"},
		},
		Links: render.Links{Repo: "https://github.com/acme/kvtools", Run: "https://github.com/acme/kvtools/actions/runs/42"},
		Note:  "⚠️ AI_API_KEY not set: causes and fixes come from the built-in engine",
	}
	v.Run.Tests = believableTests()
	v.Clusters = believableClusters()
	v.Trend = trend()
	return v
}

func cover(lines int, missing ...int) *ci.FileCoverage {
	f := &ci.FileCoverage{Lines: map[int]int{}, Total: lines, Covered: lines - len(missing)}
	for n := 1; len(f.Lines) < lines; n++ {
		f.Lines[n] = 3
	}
	for _, n := range missing {
		f.Lines[n] = 0
	}
	return f
}

func trend() []render.Point {
	var points []render.Point
	for i := range 12 {
		p := render.Point{
			ID: fmt.Sprint(30 + i), Commit: fmt.Sprintf("%07x%033d", 0xb7e1f20-i*4099, i), Started: start.Add(time.Duration(i-12) * 5 * time.Hour),
			Duration: time.Duration(38+(i*7)%9) * time.Second, Verdict: ci.VerdictPass, Passed: 205 + i/2, Skipped: 3, Coverage: 94.4 + float64((i*5)%7)/5,
		}
		if i == 4 || i == 9 {
			p.Verdict, p.Failed = ci.VerdictFail, 2+i%3
		}
		if i == 6 {
			p.Coverage = math.NaN()
		}
		points = append(points, p)
	}
	return points
}

func believableClusters() []ci.Cluster {
	yaml := func(test string, line int) ci.Failure {
		return ci.Failure{
			Kind: ci.KindError, Test: ci.TestID(test), Tool: "pytest", Phase: "collect", Exception: "ModuleNotFoundError", Message: "No module named 'yaml'",
			Pos: ci.Position{File: "kvtools/config.py", Line: 4}, Log: ci.Position{File: "logs/test.log", Line: line},
			Details: "tests/test_config.py:2: in <module>\n    from kvtools.config import load\nkvtools/config.py:4: in <module>\n    import yaml\nE   ModuleNotFoundError: No module named 'yaml'",
			Frames: []ci.Frame{
				{Position: ci.Position{File: "tests/test_config.py", Line: 2}, Func: "<module>", Code: "from kvtools.config import load"},
				{Position: ci.Position{File: "kvtools/config.py", Line: 4}, Func: "<module>", Code: "import yaml"},
			},
		}
	}
	return []ci.Cluster{
		{
			ID: "k1-3f9a01", Kind: ci.KindError, Confidence: 0.973, Whose: ci.WhoseNew,
			Cause: ci.Cause{
				Class: ci.ClassImport, Module: "yaml", Sentence: "kvtools/config.py imports yaml, which is not installed",
				Next: "add PyYAML to requirements.txt", Pos: ci.Position{File: "kvtools/config.py", Line: 4},
			},
			Evidence: []ci.Evidence{{What: "structured source", Detail: "reports/junit.xml", Weight: 1.1}, {What: "same top frame", Detail: "kvtools/config.py:4 in 3 of 3", Weight: 2.3}},
			Members:  []ci.Failure{yaml("tests/test_config.py::test_defaults", 31), yaml("tests/test_config.py::test_override", 44), yaml("tests/test_report.py::test_yaml_round_trip", 57)},
			Files:    []string{"kvtools/config.py", "tests/test_config.py"}, Joined: []ci.Join{{Step: "cause", Reason: `missing import "yaml"`, Count: 3}},
			Splits: "another missing module in one of them",
		},
		{
			ID: "k1-c0ffee", Kind: ci.KindTest, Confidence: 0.81, Whose: ci.WhoseNew,
			Cause: ci.Cause{
				Class: ci.ClassAssertion, Expected: "[3, 1, 2]", Actual: "[1, 2, 3]", Sentence: "evict(by='age') returns the newest blocks first; the test expects the oldest",
				Next: "look at the sort in kvtools/evict.py:41, which this change added", Pos: ci.Position{File: "kvtools/evict.py", Line: 41},
			},
			Members: []ci.Failure{{
				Kind: ci.KindTest, Test: "tests/test_evict.py::TestAge::test_oldest_first[fp16]", Tool: "pytest", Exception: "AssertionError", Message: "assert [1, 2, 3] == [3, 1, 2]\n  At index 0 diff: 1 != 3",
				Details: "    def test_oldest_first(self, pool):\n>       assert pool.evict(by=\"age\") == [3, 1, 2]\nE       assert [1, 2, 3] == [3, 1, 2]\nE         At index 0 diff: 1 != 3", Pos: ci.Position{File: "tests/test_evict.py", Line: 57},
			}},
			Files: []string{"kvtools/evict.py", "tests/test_evict.py"},
		},
		{
			ID: "k1-77be20", Kind: ci.KindLint, Confidence: 0.99, Whose: ci.WhoseNew,
			Cause: ci.Cause{Class: ci.ClassLint, Rule: "F401", Sentence: "2 imports are unused (ruff F401)", Next: "ruff check --fix kvtools", Pos: ci.Position{File: "kvtools/evict.py", Line: 5}},
			Members: []ci.Failure{
				{Kind: ci.KindLint, Tool: "ruff", Rule: "F401", Message: "`typing.Optional` imported but unused", Pos: ci.Position{File: "kvtools/evict.py", Line: 5, Col: 20}},
				{Kind: ci.KindLint, Tool: "ruff", Rule: "F401", Message: "`json` imported but unused", Pos: ci.Position{File: "kvtools/tracer.py", Line: 3, Col: 8}},
			},
			Files: []string{"kvtools/evict.py", "kvtools/tracer.py"},
		},
		{
			ID: "k1-90aa11", Kind: ci.KindType, Confidence: 0.95, Whose: ci.WhoseNew,
			Cause:   ci.Cause{Class: ci.ClassTyping, Rule: "arg-type", Sentence: `cli.py passes a str to evict(), which takes an int`, Next: "convert args.count with int() first", Pos: ci.Position{File: "kvtools/cli.py", Line: 88}},
			Members: []ci.Failure{{Kind: ci.KindType, Tool: "mypy", Rule: "arg-type", Message: `Argument 1 to "evict" has incompatible type "str"; expected "int"`, Pos: ci.Position{File: "kvtools/cli.py", Line: 88, Col: 22}}},
			Files:   []string{"kvtools/cli.py"},
		},
		{
			ID: "k1-5ab002", Kind: ci.KindTest, Confidence: 0.88, Whose: ci.WhoseMain, Since: "b7e1f20c4d5a6978e1d2c3b4a5968778695a4b3c",
			Cause:   ci.Cause{Class: ci.ClassAssertion, Sentence: "kvtools --check exits with 1 where the test expects 2", Expected: "2", Actual: "1", Pos: ci.Position{File: "tests/test_cli.py", Line: 23}},
			Members: []ci.Failure{{Kind: ci.KindTest, Test: "tests/test_cli.py::test_exit_status", Tool: "pytest", Exception: "AssertionError", Message: "assert 1 == 2", Pos: ci.Position{File: "tests/test_cli.py", Line: 23}}},
			Files:   []string{"tests/test_cli.py"},
		},
		{
			ID: "k1-e4e4e4", Kind: ci.KindTest, Confidence: 0.74, Whose: ci.WhoseInfra,
			Cause:   ci.Cause{Class: ci.ClassNetwork, Host: "mirror.example.org", Sentence: "mirror.example.org refused the connection", Next: "run it again; nothing in the code is at fault"},
			Members: []ci.Failure{{Kind: ci.KindTest, Test: "tests/test_net.py::test_mirror", Tool: "pytest", Exception: "ConnectionRefusedError", Message: "[Errno 111] Connection refused", Pos: ci.Position{File: "tests/test_net.py", Line: 12}}},
			Files:   []string{"tests/test_net.py"},
		},
	}
}

func believableTests() []ci.TestResult {
	var tests []ci.TestResult
	modules := []string{"config", "evict", "pool", "tracer", "cli", "report", "net"}
	for i := range 206 {
		file := "tests/test_" + modules[i%len(modules)] + ".py"
		t := ci.TestResult{
			ID: ci.TestID(fmt.Sprintf("%s::test_case_%03d", file, i)), Framework: "pytest", Outcome: ci.Passed, Timed: true, File: file, Line: 10 + i,
			Duration: time.Duration(math.Pow(1.06, float64((i*37)%140))*1.4) * time.Millisecond,
		}
		if i%67 == 5 {
			t.Outcome, t.Reason, t.Duration = ci.Skipped, "needs a GPU", 0
		}
		tests = append(tests, t)
	}
	tests = append(
		tests,
		ci.TestResult{ID: "tests/test_pool.py::test_concurrent_release", Outcome: ci.Failed, Attempt: 1, Timed: true, Duration: 8200 * time.Millisecond, File: "tests/test_pool.py", Line: 140},
		ci.TestResult{ID: "tests/test_pool.py::test_concurrent_release", Outcome: ci.Passed, Attempt: 2, Timed: true, Duration: 7930 * time.Millisecond, File: "tests/test_pool.py", Line: 140},
		ci.TestResult{ID: "tests/test_tracer.py::test_empty_trace", Outcome: ci.Passed, Timed: true, Duration: 3 * time.Millisecond, File: "tests/test_tracer.py", Line: 8},
	)
	for _, c := range believableClusters() {
		for _, m := range c.Members {
			if m.Test == "" {
				continue
			}
			outcome := ci.Failed
			if m.Kind == ci.KindError {
				outcome = ci.Errored
			}
			tests = append(tests, ci.TestResult{ID: m.Test, Framework: "pytest", Outcome: outcome, File: m.Pos.File, Line: m.Pos.Line, Failure: &m, Timed: true, Duration: 21 * time.Millisecond})
		}
	}
	return tests
}

// green is a run with nothing wrong in it.
func green() render.View {
	v := render.View{
		Version: "1.4.0", Verdict: ci.VerdictPass,
		Run: ci.Run{
			ID: "7", Repo: "acme/kvtools", Branch: "main", Commit: "b7e1f20c4d5a6978e1d2c3b4a5968778695a4b3c", Main: true, Started: start, Duration: 3 * time.Second,
			Jobs: []ci.Job{{Name: "test", Tool: "go", Version: "1.26.0", Status: ci.JobSuccess, Started: start, Duration: 2900 * time.Millisecond}},
			Tests: []ci.TestResult{
				{ID: "example.com/kv.TestPut", Outcome: ci.Passed, Timed: true, Duration: 300 * time.Millisecond},
				{ID: "example.com/kv.TestGet", Outcome: ci.Passed, Timed: true, Duration: 40 * time.Millisecond},
			},
			Coverage: &ci.Coverage{Tool: "go", Files: map[string]*ci.FileCoverage{"kv.go": cover(40)}},
		},
		Decisions: []ci.Decision{{Gate: "tests", Verdict: ci.VerdictPass, Because: []string{"2 tests passed"}}, {Gate: "coverage", Verdict: ci.VerdictPass, Because: []string{"100 %"}}},
	}
	return v
}

// nothing is a run in which no tool could be started.
func nothing() render.View {
	return render.View{
		Verdict: ci.VerdictNoData,
		Run: ci.Run{Repo: "empty", Jobs: []ci.Job{
			{Name: "test", Tool: "pytest", Status: ci.JobSkipped, Detail: "no tests were found"},
			{Name: "types", Tool: "mypy", Status: ci.JobError, Detail: "mypy: command not found", ExitCode: 127},
		}},
		Decisions: []ci.Decision{{Gate: "tests", Verdict: ci.VerdictNoData, Because: []string{"no test ran"}}},
		Next:      "write a first test, e.g. tests/test_smoke.py",
	}
}

// flood is 500 failures of one cause.
func flood() render.View {
	v := render.View{Verdict: ci.VerdictFail, Run: ci.Run{Repo: "acme/flood", Duration: 95 * time.Second}}
	c := ci.Cluster{ID: "k1-00f100", Kind: ci.KindTest, Confidence: 0.99, Whose: ci.WhoseUnknown, Cause: ci.Cause{Class: ci.ClassNetwork, Host: "db", Sentence: "no test can reach the database at db:5432", Next: "start the database service before the tests"}}
	for i := range 500 {
		f := ci.Failure{Kind: ci.KindTest, Test: ci.TestID(fmt.Sprintf("tests/test_db_%02d.py::test_query_%03d", i%20, i)), Exception: "OperationalError", Message: "connection to server at \"db\", port 5432 failed", Pos: ci.Position{File: "app/db.py", Line: 19}}
		c.Members = append(c.Members, f)
		v.Run.Tests = append(v.Run.Tests, ci.TestResult{ID: f.Test, Outcome: ci.Failed, Failure: &f, Timed: true, Duration: time.Duration(i) * time.Millisecond})
	}
	c.Files = []string{"app/db.py"}
	v.Clusters = []ci.Cluster{c}
	return v
}

// Hostile text: what a test's name or message can hold to attack a terminal, a
// page, a comment or a workflow command.
var hostileTexts = []string{
	"\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "@everyone fixes #1 closes acme/kvtools#2",
	"user\u202etxt.exe\u202c \u200bzero\u200d\ufeff", "::error file=x::owned\r\n::set-output name=a::b", "| a | b |\n|---|---|", "```\n</details>\n```", "[click](javascript:alert(1)) ![i](https://evil.example/p.png)",
	"漢字とカナと絵文字👩‍👩‍👧‍👦を含む長いテスト名", "\xff\xfe\x00\x01", strings.Repeat("long ", 900), "EOF\nfix_confidence=1\nEOF", "<!-- keepgreen:sticky --> &lt; &#60;script&#62;", "</script><style>*{display:none}</style>",
}

// hostile is a run whose every word was written by an attacker.
func hostile() render.View {
	return hostileWith(hostileTexts)
}

func hostileWith(texts []string) render.View {
	v := render.View{Verdict: ci.VerdictFail, Version: texts[0], Note: texts[0], Next: texts[len(texts)-1]}
	for i, s := range texts {
		f := ci.Failure{
			Kind: ci.KindTest, Test: ci.TestID("tests/t.py::" + s), Tool: s, Rule: s, Exception: s, Message: s, Details: s, Job: s,
			Pos: ci.Position{File: s, Line: i}, Log: ci.Position{File: s, Line: 1}, Frames: []ci.Frame{{Position: ci.Position{File: s, Line: 2}, Func: s, Code: s}},
		}
		v.Run.Tests = append(v.Run.Tests, ci.TestResult{ID: f.Test, Outcome: ci.Failed, Failure: &f, File: s, Output: s, Reason: s, Variant: s, Timed: true, Duration: time.Duration(i+1) * time.Second})
		v.Run.Diagnostics = append(v.Run.Diagnostics, ci.Diagnostic{Tool: s, Kind: ci.KindLint, Rule: s, Severity: ci.SeverityError, Message: s, Pos: ci.Position{File: s, Line: 1}, URL: "javascript:" + s})
		v.Run.Jobs = append(v.Run.Jobs, ci.Job{Name: s, Tool: s, Version: s, Status: ci.JobError, Detail: s, Command: []string{s}, Duration: time.Second})
		v.Run.Warnings = append(v.Run.Warnings, ci.Warning{Source: s, Line: i, Text: s})
		v.Clusters = append(v.Clusters, ci.Cluster{
			ID: "k1-" + s, Kind: ci.KindTest, Confidence: math.NaN(), Members: []ci.Failure{f}, Files: []string{s}, Since: s, Splits: s, Whose: ci.WhoseMain,
			Cause: ci.Cause{Class: ci.ClassException, Sentence: s, Next: s, Pos: ci.Position{File: s, Line: 3}}, Evidence: []ci.Evidence{{What: s, Detail: s, Weight: math.Inf(1)}},
			Joined: []ci.Join{{Step: s, Reason: s, Count: 1}}, Opinion: &ci.Opinion{Model: s, Cause: s, Fix: s, Confidence: math.NaN()},
		})
		v.Decisions = append(v.Decisions, ci.Decision{Gate: s, Verdict: ci.VerdictFail, Because: []string{s, s}})
		v.Flaky = append(v.Flaky, render.FlakeTest{ID: f.Test, Verdict: ci.FlakeFlaky, Rate: math.NaN(), Why: s})
		v.Muted = append(v.Muted, render.Quarantine{Test: f.Test, Reason: s})
		v.Fixes = append(v.Fixes, render.Fix{Cluster: "k1-" + s, Confidence: math.NaN(), Description: s, CodeChange: s})
		v.Compare.New = append(v.Compare.New, f.Test)
		v.Compare.Still = append(v.Compare.Still, render.Still{Test: f.Test, Since: s})
		v.Compare.Flipped = append(v.Compare.Flipped, render.Flip{Test: f.Test, Tree: s})
		v.Trend = append(v.Trend, render.Point{ID: s, Commit: s, Coverage: math.NaN(), Verdict: ci.Verdict(s)})
	}
	v.Compare.Known, v.Compare.With = true, texts[0]
	v.Run.Repo, v.Run.Branch, v.Run.Commit = texts[0], texts[1%len(texts)], texts[2%len(texts)]
	v.Run.Coverage = &ci.Coverage{Files: map[string]*ci.FileCoverage{texts[0]: cover(9, 3, 4), texts[1%len(texts)]: cover(5, 2)}}
	v.Links = render.Links{Repo: "javascript:alert(1)//", Run: "data:text/html,x", Report: texts[0]}
	return v
}

// views are the saved views that each output has a golden for.
func views() map[string]render.View {
	return map[string]render.View{
		"believable": believable(), "green": green(), "nothing": nothing(), "zero": {}, "flood": flood(), "hostile": hostile(),
	}
}
