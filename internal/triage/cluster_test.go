package triage_test

import (
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/triage"
)

// frame is a short way to write a stack frame.
func frame(file string, line int, function string) ci.Frame {
	return ci.Frame{Position: ci.Position{File: file, Line: line}, Func: function}
}

// example is what one pytest run, one ruff and one mypy said about a small
// project with a forgotten import, a wrong expectation and a few old sins.
func example() []ci.Failure {
	name := func(test string, line int) ci.Failure {
		return ci.Failure{
			Kind: ci.KindTest, Tool: "pytest", Phase: "call", Test: ci.TestID("tests/test_kv_isolation.py::" + test),
			Exception: "NameError", Message: "name 'CacheTracer' is not defined",
			Frames: []ci.Frame{frame("tests/test_kv_isolation.py", line, test)},
		}
	}
	return []ci.Failure{
		name("test_isolated", 12), name("test_reuse", 21), name("test_eviction", 34), name("test_trace", 47),
		{
			Kind: ci.KindTest, Tool: "pytest", Phase: "call", Test: "tests/test_coverage.py::test_ratio", Exception: "AssertionError",
			Message: "assert 0.7 == 0.75\n +  where 0.7 = coverage()", Frames: []ci.Frame{frame("tests/test_coverage.py", 9, "test_ratio")},
		},
		{Kind: ci.KindLint, Tool: "ruff", Rule: "F821", Message: "Undefined name `CacheTracer`", Pos: ci.Position{File: "tests/test_kv_isolation.py", Line: 12, Col: 10}},
		{Kind: ci.KindLint, Tool: "ruff", Rule: "F401", Message: "`os` imported but unused", Pos: ci.Position{File: "src/kv/pool.py", Line: 1, Col: 8}},
		{Kind: ci.KindLint, Tool: "ruff", Rule: "F401", Message: "`sys` imported but unused", Pos: ci.Position{File: "src/kv/trace.py", Line: 2, Col: 8}},
		{Kind: ci.KindType, Tool: "mypy", Rule: "return-value", Message: `Incompatible return value type (got "int", expected "str")`, Pos: ci.Position{File: "src/kv/pool.py", Line: 30}},
	}
}

func TestClustersOfTheExample(t *testing.T) {
	clusters := triage.Clusters(example(), triage.Options{})
	var got []string
	for _, c := range clusters {
		got = append(got, fmt.Sprintf("%s %s %d %s", c.Kind, c.Cause.Class, len(c.Members), c.Cause.Sentence))
	}
	want := []string{
		"test name_error 5 `CacheTracer` is used but never imported in tests/test_kv_isolation.py",
		"test assertion 1 tests expect 0.75, `coverage()` returns 0.7",
		"type type_check 1 mypy expects `str` at src/kv/pool.py:30, gets `int`",
		"lint lint 2 ruff F401: imports that nobody uses",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	summary := "4 causes behind 9 failures: `CacheTracer` is used but never imported in tests/test_kv_isolation.py (5); tests expect 0.75, `coverage()` returns 0.7; mypy expects `str` at src/kv/pool.py:30, gets `int`; and 1 more"
	if s := triage.Summary(clusters); s != summary {
		t.Errorf("Summary:\n got %s\nwant %s", s, summary)
	}
}

func TestClustersDoNotDependOnTheOrder(t *testing.T) {
	failures := example()
	want := triage.Clusters(slices.Clone(failures), triage.Options{})
	r := rand.New(rand.NewSource(1))
	for range 50 {
		r.Shuffle(len(failures), func(i, j int) { failures[i], failures[j] = failures[j], failures[i] })
		if got := triage.Clusters(slices.Clone(failures), triage.Options{}); !reflect.DeepEqual(got, want) {
			t.Fatalf("order changes the result:\n got %+v\nwant %+v", got, want)
		}
	}
}

// A module that lost an import breaks those who import the name from it and
// those who use the name inside: one cause, whichever comes first.
func TestAMissingNameIsOneCauseInsideAndOutside(t *testing.T) {
	inside := ci.Failure{
		Kind: ci.KindTest, Test: "tests/test_b.py::test_use", Tool: "pytest", Phase: "call", Exception: "NameError",
		Message: "name 'Tracer' is not defined", Pos: ci.Position{File: "tools/isolation.py", Line: 10},
		Frames: []ci.Frame{{Position: ci.Position{File: "tools/isolation.py", Line: 10}, Func: "open"}},
	}
	outside := ci.Failure{
		Kind: ci.KindError, Test: "tests/test_a.py", Tool: "pytest", Phase: "collect", Exception: "ImportError",
		Message: "cannot import name 'Tracer' from 'tools.isolation' (/home/ci/project/tools/isolation.py)", Pos: ci.Position{File: "tests/test_a.py", Line: 3},
		Frames: []ci.Frame{{Position: ci.Position{File: "tests/test_a.py", Line: 3}}},
	}
	other := outside
	other.Test, other.Message = "tests/test_c.py", "cannot import name 'Tracer' from 'tools.other' (/home/ci/project/tools/other.py)"
	for _, failures := range [][]ci.Failure{{inside, outside, other}, {other, outside, inside}} {
		clusters := triage.Clusters(failures, triage.Options{})
		if len(clusters) != 2 {
			t.Fatalf("%d clusters, want 2: %v", len(clusters), clusters)
		}
		if n := len(clusters[0].Members) + len(clusters[1].Members); n != 3 {
			t.Errorf("%d members, want 3", n)
		}
	}
}
