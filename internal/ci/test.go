package ci

import (
	"strings"
	"time"
)

// TestID names a test the way its own runner does, so that it can be pasted
// back into the runner:
//
//	pytest     tests/test_kv.py::TestPool::test_reuse[fp16]
//	go test    example.com/mod/pkg.TestName/sub_case
//	others     path or class, then "::" between the levels
//
// All sources of one run are brought to this one spelling, so that a test that
// a log, a JUnit file and a JSON stream mention is still one test.
type TestID string

// File is the part before the first "::", which for pytest is the path of the
// test file; empty where the ID names no file.
func (id TestID) File() string {
	file, _, found := strings.Cut(string(id), "::")
	if !found {
		return ""
	}
	return file
}

// Base is the ID without its parameters: what is one function in the source.
// A bracket counts as parameters only in the last part of a "::" path.
func (id TestID) Base() TestID {
	s := string(id)
	if !strings.HasSuffix(s, "]") {
		return id
	}
	start := 0
	if file, _, found := strings.Cut(s, "::"); found {
		start = len(file)
	}
	i := strings.IndexByte(s[start:], '[')
	if i < 0 {
		return id
	}
	return TestID(s[:start+i])
}

// Name is the last level of the ID, with its parameters.
func (id TestID) Name() string {
	base := string(id.Base())
	params := string(id)[len(base):]
	if i := strings.LastIndex(base, "::"); i >= 0 {
		return base[i+2:] + params
	}
	return base + params
}

// Dotted is the ID as JUnit's classname and name spell it, with dots for every
// separator and without the file's suffix: the key on which sources that have
// lost the path meet those that kept it.
func (id TestID) Dotted() string {
	base := string(id.Base())
	params := string(id)[len(base):]
	file, rest, found := strings.Cut(base, "::")
	if !found {
		return base + params
	}
	file = strings.TrimSuffix(file, ".py")
	file = strings.NewReplacer("/", ".", "\\", ".").Replace(file)
	return file + "." + strings.ReplaceAll(rest, "::", ".") + params
}

// Outcome is how one execution of a test ended.
type Outcome uint8

// The outcomes. The zero value is Unknown: the source was cut off before it said.
const (
	Unknown Outcome = iota
	Passed
	Failed  // the test itself said no
	Errored // something around it broke: fixture, collection, crash
	Skipped
	XFailed // failed, as it was expected to
	XPassed // passed, although it was expected to fail
)

var outcomeNames = [...]string{"unknown", "passed", "failed", "error", "skipped", "xfailed", "xpassed"}

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[Unknown]
}

// Bad reports whether the outcome keeps main from being green.
func (o Outcome) Bad() bool { return o == Failed || o == Errored }

// Good reports whether the outcome is a pass as far as a gate is concerned.
func (o Outcome) Good() bool { return o == Passed || o == XFailed || o == XPassed }

// TestResult is one execution of one test. A test that was retried has one
// result for each attempt; a pytest test whose call passed and whose teardown
// broke has one result, Errored.
type TestResult struct {
	ID        TestID
	Framework string // "pytest", "unittest", "go", "jest" …
	Outcome   Outcome
	Attempt   int           // 1 is the first; 0: the source does not count them
	Duration  time.Duration // meaningful only if Timed
	Timed     bool          // the source stated a duration; an unknown duration is never 0
	File      string        // path of the test's source, relative to the repository; empty: unknown
	Line      int           // 1-based; 0: unknown
	Variant   string        // shard, matrix cell or environment that tells equal IDs apart
	Reason    string        // why it was skipped or expected to fail
	Failure   *Failure      // nil unless the outcome is Bad
	Output    string        // captured output, bounded by the reader
}

// Last keeps, for every test and variant, the result of its last attempt, and
// reports which tests failed in an earlier one and passed in the last: those
// are flaky by observation. Order of first appearance is kept.
func Last(results []TestResult) (last []TestResult, recovered map[TestID]bool) {
	type key struct {
		id      TestID
		variant string
	}
	at := make(map[key]int, len(results))
	failed := map[key]bool{}
	recovered = map[TestID]bool{}
	for _, r := range results {
		k := key{r.ID, r.Variant}
		if r.Outcome.Bad() {
			failed[k] = true
		}
		i, seen := at[k]
		if !seen {
			at[k] = len(last)
			last = append(last, r)
			continue
		}
		if r.Attempt >= last[i].Attempt {
			last[i] = r
		}
	}
	for k := range failed {
		if last[at[k]].Outcome.Good() {
			recovered[k.id] = true
		}
	}
	return last, recovered
}
