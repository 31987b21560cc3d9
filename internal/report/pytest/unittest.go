package pytest

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

var unittestFormat = format.Format{
	Name:  "unittest",
	Doc:   "what Python's unittest, and runners built on it such as Django's, print",
	Score: scoreUnittest,
	Read:  ReadUnittest,
	Text:  true,
}

func scoreUnittest(head []byte) int {
	ran := bytes.Contains(head, []byte("Ran ")) && bytes.Contains(head, []byte(" in "))
	rule := bytes.Contains(head, []byte(doubleRule+"\n")) || bytes.Contains(head, []byte(doubleRule+"\r\n"))
	switch {
	case rule && (bytes.Contains(head, []byte("\nERROR: ")) || bytes.Contains(head, []byte("\nFAIL: ")) ||
		bytes.Contains(head, []byte("Z ERROR: ")) || bytes.Contains(head, []byte("Z FAIL: "))):
		return 65
	case ran && bytes.Contains(head, []byte(singleRule)):
		return 60
	case bytes.Contains(head, []byte(") ... ok")):
		return 40
	}
	return 0
}

// ReadUnittest reads the output of Python's unittest, and of tox around it.
func ReadUnittest(r io.Reader) (ci.Report, error) {
	u := newUnittestReader()
	var w wrapperReader
	var broke error
	for line, err := range format.Lines(format.DecodeText(r)) {
		if err != nil {
			broke = err
			break
		}
		if w.line(line, u.bad) {
			u.env = w.env
			continue
		}
		u.line(line)
	}
	rep := u.finish()
	w.finish(&rep)
	return rep, broke
}

// unittest draws its rules with a fixed width (unittest/runner.py, TextTestResult).
var (
	doubleRule = strings.Repeat("=", 70)
	singleRule = strings.Repeat("-", 70)
)

// unittestReader is fed line by line. One run is: dots or verbose lines; for
// every failure a rule, "FAIL: name (id)", a rule and a traceback; then "Ran n
// tests" and a verdict.
type unittestReader struct {
	rep   ci.Report
	env   string
	job   string
	bad   int
	state unittestState

	tests map[ci.TestID]int // index in rep.Tests, of the current run
	from  int               // where the current run begins in rep.Tests
	start int

	fixtures map[ci.TestID]bool // classes and modules whose setup or teardown broke

	open    *ci.TestResult // the failure being read
	trace   *trace
	pending ci.TestID // a verbose line without its verdict
	shown   int       // line of the pending one
	details int
	dropped int

	ran int
}

type unittestState uint8

const (
	utProgress  unittestState = iota
	utRule                    // after "=====": a heading may follow
	utHeading                 // after "FAIL: …": docstring until "-----"
	utTraceback               // until the next rule
	utRan                     // after "Ran n tests": the verdict follows
)

func newUnittestReader() *unittestReader {
	return &unittestReader{tests: map[ci.TestID]int{}, fixtures: map[ci.TestID]bool{}, trace: newTrace()}
}

func (u *unittestReader) line(l format.Line) {
	b := trimmed(l.Text)
	u.job = l.Job
	if len(b) == 70 && string(b) == doubleRule {
		if u.state != utHeading {
			u.state = utRule
		}
		return
	}
	switch u.state {
	case utRule:
		if u.heading(l.N, b) {
			return
		}
		u.state = utProgress
		if u.open != nil { // a traceback that contains such a rule goes on
			u.state = utTraceback
			u.trace.line([]byte(doubleRule))
			u.trace.line(b)
		}
		return
	case utHeading:
		if len(b) == 70 && string(b) == singleRule {
			u.state = utTraceback
		}
		return
	case utTraceback:
		if !bytes.HasPrefix(b, []byte("Ran ")) || !u.ranLine(b) {
			if len(b) == 70 && string(b) == singleRule {
				return
			}
			u.trace.line(b)
		}
		return
	case utRan:
		if len(b) > 0 {
			u.verdict(l.N, b)
		}
		return
	}
	u.progress(l.N, b)
}

// heading reads "FAIL: test_x (mod.Class.test_x) [row] (n=0)".
func (u *unittestReader) heading(n int, b []byte) bool {
	word, rest, found := bytes.Cut(b, []byte(": "))
	if !found {
		return false
	}
	outcome := ci.Failed
	switch string(word) {
	case "ERROR":
		outcome = ci.Errored
	case "FAIL":
	case "UNEXPECTED SUCCESS":
		u.close()
		u.add(n, unittestID(rest), ci.Failed).Failure = &ci.Failure{
			Kind: ci.KindTest, Tool: "unittest", Phase: "call", Message: "unexpected success: the test is marked as an expected failure and passes",
			Log: ci.Position{Line: n}, Job: u.job, Test: unittestID(rest).id,
		}
		u.state = utTraceback // what follows is a rule, another heading or "Ran"
		return true
	default:
		return false
	}
	u.close()
	name := unittestID(rest)
	if name.phase == "setup" || name.phase == "teardown" {
		u.fixtures[name.id] = true
	}
	u.open = &ci.TestResult{ID: name.id, Framework: "unittest", Outcome: outcome, Variant: u.env, Failure: &ci.Failure{
		Kind: ci.KindTest, Test: name.id, Tool: "unittest", Phase: name.phase, Log: ci.Position{Line: n}, Job: u.job,
	}}
	u.state = utHeading
	return true
}

// unittestName is a test as unittest names it.
type unittestName struct {
	id    ci.TestID
	phase string
}

// unittestID makes the dotted path, which "python -m unittest" takes, of the
// spellings of different versions: "test_x (mod.Class.test_x)" since 3.11,
// "test_x (mod.Class)" before, a fixture's, and that of a module that could not
// be imported.
func unittestID(b []byte) unittestName {
	s := text(b, maxID)
	method, rest, found := strings.Cut(s, " (")
	if !found {
		return unittestName{ci.TestID(s), "call"}
	}
	path, sub, _ := strings.Cut(rest, ")")
	sub = strings.TrimRight(sub, " ")
	switch method {
	case "setUpClass", "setUpModule":
		return unittestName{ci.TestID(path), "setup"}
	case "tearDownClass", "tearDownModule":
		return unittestName{ci.TestID(path), "teardown"}
	}
	if rest, ok := strings.CutPrefix(path, "unittest.loader._FailedTest"); ok {
		return unittestName{ci.TestID(orElse(strings.TrimPrefix(rest, "."), method)), "collect"}
	}
	if strings.HasPrefix(path, "unittest.loader.ModuleImportFailure") {
		return unittestName{ci.TestID(method), "collect"}
	}
	if !strings.HasSuffix(path, "."+method) {
		path += "." + method
	}
	return unittestName{ci.TestID(path + sub), "call"}
}

// add records a result, once a run.
func (u *unittestReader) add(n int, name unittestName, outcome ci.Outcome) *ci.TestResult {
	if i, seen := u.tests[name.id]; seen {
		t := &u.rep.Tests[i]
		if outcome.Bad() && !t.Outcome.Bad() {
			t.Outcome = outcome
		}
		return t
	}
	if len(u.rep.Tests) >= maxTests {
		u.dropped++
		return &ci.TestResult{ID: name.id, Outcome: outcome}
	}
	if u.start == 0 {
		u.start = n
	}
	u.tests[name.id] = len(u.rep.Tests)
	u.rep.Tests = append(u.rep.Tests, ci.TestResult{ID: name.id, Framework: "unittest", Outcome: outcome, Variant: u.env})
	return &u.rep.Tests[len(u.rep.Tests)-1]
}

// close stores the failure that is open.
func (u *unittestReader) close() {
	open := u.open
	if open == nil {
		return
	}
	u.open = nil
	f := u.trace.failure()
	u.trace.reset()
	head := open.Failure
	f.Kind, f.Test, f.Tool, f.Phase, f.Log, f.Job = head.Kind, head.Test, head.Tool, head.Phase, head.Log, head.Job
	if f.Phase == "call" && len(f.Frames) > 0 {
		switch name := f.Frames[0].Func; name {
		case "setUp", "asyncSetUp", "tearDown", "asyncTearDown":
			f.Phase = strings.ToLower(strings.TrimPrefix(name, "async"))
		}
	}
	if f.Phase != "call" {
		f.Kind = ci.KindError
	}
	if strings.TrimSpace(f.Message) == "" {
		f.Message = orElse(f.Exception, "the log does not say why")
	}
	if u.details += len(f.Details) + len(f.Message); u.details > maxDetails {
		f.Details, f.Chain = "", nil
		f.Message = format.Shorten(f.Headline(), 300)
	}
	s := session{root: moduleRoot(f)}
	f = s.inRepo(f)
	u.bad++
	t := u.add(head.Log.Line, unittestName{open.ID, f.Phase}, open.Outcome)
	if t.Failure != nil { // two failures of one test: the call and the teardown
		u.rep.Failures = append(u.rep.Failures, f)
		return
	}
	t.Outcome, t.Failure = open.Outcome, &f
}

// moduleRoot finds where the repository stands: a frame's path ends in the
// path of the test's module.
func moduleRoot(f ci.Failure) string {
	parts := strings.Split(string(f.Test.Base()), ".")
	for n := min(len(parts), 20); n > 0; n-- {
		module := "/" + strings.Join(parts[:n], "/") + ".py"
		for _, frame := range f.Frames {
			if root, ok := strings.CutSuffix(frame.File, module); ok {
				return root
			}
		}
	}
	return ""
}

// progress reads verbose lines: "test_x (mod.Class.test_x) ... ok".
func (u *unittestReader) progress(n int, b []byte) {
	if len(b) == 0 {
		return
	}
	if b[0] == 'R' && bytes.HasPrefix(b, []byte("Ran ")) && u.ranLine(b) {
		return
	}
	if u.pending != "" {
		if rest, ok := bytes.CutPrefix(b, []byte("Fatal Python error: ")); ok {
			u.fatal(n, text(rest, 300))
			return
		}
	}
	i := bytes.LastIndex(b, []byte(" ... "))
	word := []byte(nil)
	if i >= 0 {
		word = b[i+len(" ... "):]
	} else if rest, ok := bytes.CutSuffix(b, []byte(" ...")); ok {
		i = len(rest)
	}
	if i < 0 {
		if u.pending != "" && u.outcome(n, b) {
			return
		}
		if id, ok := verboseName(b); ok { // a docstring and the verdict follow
			u.pending, u.shown = id, n
		}
		return
	}
	if id, ok := verboseName(bytes.TrimSpace(b[:i])); ok {
		u.pending, u.shown = id, n
	}
	if u.pending == "" || len(word) == 0 {
		return
	}
	if !u.outcome(n, word) {
		if rest, ok := bytes.CutPrefix(word, []byte("Fatal Python error: ")); ok {
			u.fatal(n, text(rest, 300))
		}
	}
}

func verboseName(b []byte) (ci.TestID, bool) {
	i := bytes.Index(b, []byte(" ("))
	j := bytes.LastIndexByte(b, ')')
	if i <= 0 || j < i+3 || bytes.IndexByte(b[:i], ' ') >= 0 {
		return "", false
	}
	end := bytes.IndexByte(b[i:], ')') + i
	if path := b[i+2 : end]; !identifier(path) || bytes.IndexByte(path, '.') < 0 {
		return "", false
	}
	return unittestID(b).id, true
}

// outcome reads the word behind " ... ".
func (u *unittestReader) outcome(n int, b []byte) bool {
	var outcome ci.Outcome
	reason := ""
	switch word := string(b); word {
	case "ok":
		outcome = ci.Passed
	case "FAIL", "unexpected success":
		outcome = ci.Failed
	case "ERROR":
		outcome = ci.Errored
	case "expected failure":
		outcome = ci.XFailed
	default:
		if !strings.HasPrefix(word, "skipped") {
			return false
		}
		outcome = ci.Skipped
		reason = text(bytes.TrimSpace(b[len("skipped"):]), 1000)
		if unquoted, err := strconv.Unquote(`"` + strings.Trim(reason, `'"`) + `"`); err == nil {
			reason = unquoted
		}
	}
	t := u.add(n, unittestName{id: u.pending}, outcome)
	t.Reason = reason
	u.pending = ""
	return true
}

// fatal is the end of the process while a test ran.
func (u *unittestReader) fatal(n int, title string) {
	t := u.add(n, unittestName{id: u.pending}, ci.Errored)
	t.Failure = &ci.Failure{
		Kind: ci.KindError, Test: t.ID, Tool: "unittest", Phase: "call", Exception: "FatalError",
		Message: "Fatal Python error: " + title, Log: ci.Position{Line: n}, Job: u.job,
	}
	u.bad++
	u.pending = ""
}
