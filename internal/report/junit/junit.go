// Package junit reads the XML that test runners write: JUnit in its dialects,
// TRX, NUnit and xUnit.net. It keeps what it could read of a broken file and
// refuses to expand what a document declares.
package junit

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/gotest"
	"keepgreen/internal/report/xmltok"
)

var junitFormat = format.Format{
	Name:  "junit",
	Doc:   "JUnit XML in the dialects of pytest, gotestsum, Surefire, Jest, Bazel, nextest and others",
	Score: func(head []byte) int { return scoreRoot(head, "testsuites", "testsuite") },
	Read:  Read,
}

// Bounds on what is kept of one case; what is kept of all of them together is
// bounded by textBudget.
const (
	maxXMLDetails = 64 << 10
	maxXMLOutput  = 16 << 10
	maxXMLMessage = 16 << 10
	maxXMLID      = 4 << 10
	textBudget    = 64 << 20
	scarceText    = 1 << 10 // the limits once the budget is spent
)

// Read reads JUnit XML as a stream. There is no one JUnit XML; what is read is
// the union of what the runners write (Surefire's schema, pytest's xunit1 and
// xunit2 families, Jenkins' reader). A test that is in the file several times
// was retried: its results are numbered in the file's order.
func Read(r io.Reader) (ci.Report, error) {
	j := junitReader{x: xmltok.NewReader(r)}
	err := j.read()
	return j.rep, err
}

type junitReader struct {
	x      *xmltok.Reader
	rep    ci.Report
	suites []junitSuite
	all    caseList

	inCase bool
	c      junitCase
	part   junitPart
	inPart bool
	text   *format.Clip // where text goes; nil: nowhere
	textIn string       // the element that opened it
	kept   int          // bytes of text kept so far

	out      format.Clip
	suiteOut format.Clip
	id       []byte
	scratch  []byte
	prefix   pytestPrefix
	files    interner
	unnamed  int
}

// junitSuite is one open <testsuite>.
type junitSuite struct {
	name, file string
	framework  string
	linter     string // who wrote its findings as tests; empty: they are tests
	cases      int    // directly in it
	lastBad    int    // index of its last case, where that is bad; otherwise -1
}

// junitCase is the open <testcase>.
type junitCase struct {
	line           int
	class, name    []byte
	file, status   string
	srcLine        int
	duration       time.Duration
	timed          bool
	skipped, xfail bool
	reason         string
	bad            []junitPart // failures and errors of the last execution
	earlier        []junitPart // of executions before it
	dropped        int         // parts beyond maxParts
}

const maxParts = 64

// junitPart is a <failure>, <error>, <skipped> or one of Surefire's elements
// for executions that were repeated.
type junitPart struct {
	kind               string
	message, typ, file string
	srcLine            int
	text               *format.Clip
	body               string
	duration           time.Duration
	timed, isError     bool
}

func (j *junitReader) read() error {
	for {
		token, err := j.x.Next()
		switch token {
		case xmltok.EOF:
			j.closeCase()
			j.finish()
			return err
		case xmltok.Start:
			j.start()
		case xmltok.End:
			j.end()
		case xmltok.Text:
			if j.text != nil {
				j.scratch = writeText(j.text, j.x, j.scratch)
			}
		}
	}
}

func (j *junitReader) finish() {
	j.rep.Failures = append(j.rep.Failures, j.all.beside...)
	j.rep.Tests = j.all.results()
	if j.unnamed > 0 {
		j.warn(0, fmt.Sprintf("%d test cases without a name that passed or were skipped are not listed", j.unnamed))
	}
	if j.x.Doctype() {
		j.warn(0, "the document type declaration was ignored; entities that it declares are not expanded")
	}
	if j.kept > textBudget {
		j.warn(0, fmt.Sprintf("more than %d MiB of failure text; what followed was cut to its ends", textBudget>>20))
	}
}

func (j *junitReader) warn(line int, text string) {
	j.rep.Warnings = append(j.rep.Warnings, ci.Warning{Line: line, Text: text})
}

// limit is how much of one text is kept: n, until the budget is spent.
func (j *junitReader) limit(n int) int {
	if j.kept > textBudget {
		return scarceText
	}
	return n
}

func (j *junitReader) start() {
	switch string(j.x.Name()) {
	case "testcase":
		j.closeCase()
		j.openCase()
	case "testsuite":
		j.closeCase()
		j.openSuite()
	case "property":
		j.property()
	case "failure", "error", "skipped", "flakyFailure", "flakyError", "rerunFailure", "rerunError":
		if !j.inPart && len(j.suites) > 0 {
			j.openPart()
		}
	case "system-out", "system-err":
		j.openOutput()
	}
}

func (j *junitReader) end() {
	name := string(j.x.Name())
	if j.text != nil && name == j.textIn {
		j.text = nil
		if j.inPart && name != j.part.kind {
			j.text, j.textIn = j.part.text, j.part.kind // output inside of a part has ended
			return
		}
	}
	switch {
	case j.inPart && name == j.part.kind:
		j.closePart()
	case name == "testcase":
		j.closeCase()
	case name == "testsuite":
		j.closeCase()
		j.closeSuite()
	}
}

func (j *junitReader) openSuite() {
	s := junitSuite{name: j.attr("name", maxXMLID), file: j.attr("file", maxXMLID), lastBad: -1}
	if n := len(j.suites); n > 0 {
		s.framework = j.suites[n-1].framework
		s.file = cmp.Or(s.file, j.suites[n-1].file)
		s.linter = j.suites[n-1].linter
	}
	s.linter = cmp.Or(s.linter, linterOf(j.attr("package", maxXMLID), s.name))
	if s.name == "pytest" {
		s.framework = "pytest"
	}
	j.suites = append(j.suites, s)
	j.suiteOut.Resize(0, 0)
}

// closeSuite gives the suite's output to its only case where that failed:
// Bazel reports one case for each target and puts the log into the suite.
func (j *junitReader) closeSuite() {
	last := len(j.suites) - 1
	if last < 0 {
		return
	}
	s := j.suites[last]
	j.suites = j.suites[:last]
	if s.cases == 1 && s.lastBad >= 0 && !j.suiteOut.Empty() {
		if t := j.all.row(s.lastBad).more; t != nil && t.Output == "" {
			t.Output = j.suiteOut.String()
			j.kept += len(t.Output)
		}
	}
	j.suiteOut.Resize(0, 0)
}

// property looks for what tells the runner: gotestsum and go-junit-report state
// the version of Go.
func (j *junitReader) property() {
	if n := len(j.suites); n > 0 && !j.inCase && j.attr("name", maxXMLID) == "go.version" {
		j.suites[n-1].framework = "go"
	}
}

func (j *junitReader) attr(name string, limit int) string {
	raw, _ := j.x.Raw(name)
	if len(raw) == 0 {
		return ""
	}
	return cutTo(string(xmltok.Decode(nil, raw, false)), limit)
}

// cutTo cuts s to at most n bytes without splitting a character.
func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:format.WholeRunes([]byte(s[:n]))]
}

func (j *junitReader) openCase() {
	j.inCase = true
	c := &j.c
	*c = junitCase{line: j.x.Line(), class: c.class[:0], name: c.name[:0], bad: c.bad[:0], earlier: c.earlier[:0]}
	for name, raw := range j.x.Attrs() {
		switch name {
		case "name":
			c.name = xmltok.Decode(c.name, raw[:min(len(raw), maxXMLID)], false)
		case "classname":
			c.class = xmltok.Decode(c.class, raw[:min(len(raw), maxXMLID)], false)
		case "time":
			c.duration, c.timed = attrSeconds(raw)
		case "file":
			c.file = j.files.keep(xmltok.Decode(j.id[:0], raw[:min(len(raw), maxXMLID)], false))
		case "line":
			c.srcLine = format.Number(raw)
		case "status":
			c.status = j.files.keep(raw)
		}
	}
	j.out.Resize(0, 0)
}

func (j *junitReader) openOutput() {
	limit := j.limit(maxXMLOutput)
	out := &j.out
	if !j.inCase {
		if len(j.suites) == 0 || j.suites[len(j.suites)-1].cases != 1 {
			return
		}
		out = &j.suiteOut
	}
	if out.Head == 0 {
		out.Resize(limit/2, limit/2)
	} else if !out.Empty() {
		out.Write([]byte{'\n'})
	}
	j.text, j.textIn = out, "system-out"
	if string(j.x.Name()) != j.textIn {
		j.textIn = "system-err"
	}
}

func (j *junitReader) openPart() {
	p := junitPart{kind: string(j.x.Name()), message: j.attr("message", maxXMLMessage), typ: j.attr("type", maxXMLID), file: j.attr("file", maxXMLID)}
	if raw, ok := j.x.Raw("line"); ok {
		p.srcLine = format.Number(raw)
	}
	if raw, ok := j.x.Raw("time"); ok {
		p.duration, p.timed = attrSeconds(raw)
	}
	p.isError = p.kind == "error" || strings.HasSuffix(p.kind, "Error")
	limit := j.limit(maxXMLDetails)
	p.text = format.NewClip(limit/2, limit/2)
	j.part, j.inPart = p, true
	j.text, j.textIn = p.text, p.kind
}

func (j *junitReader) closePart() {
	j.inPart, j.text = false, nil
	p := j.part
	p.body = p.text.String()
	p.text = nil
	j.kept += len(p.body) + len(p.message)
	switch {
	case !j.inCase:
		if p.kind != "skipped" {
			j.suiteFailure(p)
		}
	case p.kind == "skipped":
		j.c.skipped = true
		j.c.xfail = p.typ == "pytest.xfail"
		j.c.reason = strings.TrimSpace(cmp.Or(p.message, cutTo(p.body, maxXMLMessage)))
	case len(j.c.bad)+len(j.c.earlier) >= maxParts:
		j.c.dropped++
	case p.kind == "failure" || p.kind == "error":
		j.c.bad = append(j.c.bad, p)
	default:
		j.c.earlier = append(j.c.earlier, p)
	}
}

// suiteFailure keeps what failed around all tests of a suite.
func (j *junitReader) suiteFailure(p junitPart) {
	f := p.failure("")
	f.Kind = ci.KindError
	f.Tool = "junit"
	if f.Message == "" {
		f.Message = j.suites[len(j.suites)-1].name
	}
	f.Log.Line = j.x.Line()
	j.rep.Failures = append(j.rep.Failures, f)
}

// framework is the runner that wrote the open case, as far as that shows.
func (j *junitReader) framework() string {
	if n := len(j.suites); n > 0 && j.suites[n-1].framework != "" {
		return j.suites[n-1].framework
	}
	switch {
	case strings.HasSuffix(j.c.file, ".py") || looksPython(j.c.class, j.c.name):
		return "pytest"
	case j.c.file == "" && bytes.IndexByte(j.c.class, '/') > 0 && gotest.IsTestName(j.c.name):
		return "go"
	}
	return ""
}

// closeCase turns the open case into results: one for each execution.
func (j *junitReader) closeCase() {
	if !j.inCase {
		return
	}
	if j.inPart {
		j.closePart() // the file ended inside of it
	}
	j.inCase, j.text = false, nil
	if tool := cmp.Or(j.linter(), j.golangci()); tool != "" {
		j.findings(tool)
		return
	}
	if len(j.c.name) == 0 && len(j.c.class) == 0 && (len(j.c.bad) == 0 || j.suiteName() == "") {
		j.unnamedCase()
		return
	}
	t := j.result()
	if j.buildFailure(t) || j.internalError(t) {
		return
	}
	j.attempts(&t)
	at := j.all.add(t)
	if n := len(j.suites); n > 0 {
		s := &j.suites[n-1]
		s.cases++
		s.lastBad = -1
		if t.Outcome.Bad() {
			s.lastBad = at
		}
	}
}

// unnamedCase: a case that nobody can name is no test, but its failure counts.
func (j *junitReader) unnamedCase() {
	if len(j.c.bad) == 0 {
		j.unnamed++
		return
	}
	for _, p := range j.c.bad {
		f := p.failure("")
		f.Tool = "junit"
		f.Message = cmp.Or(f.Message, "a test without a name failed")
		f.Log.Line = j.c.line
		j.rep.Failures = append(j.rep.Failures, f)
	}
}

func (j *junitReader) result() ci.TestResult {
	c := &j.c
	t := ci.TestResult{Framework: j.framework(), Duration: c.duration, Timed: c.timed, File: format.SlashPath(c.file), Line: c.srcLine}
	t.ID = j.testID(t.Framework, &t.File)
	if n := len(j.suites); n > 0 && j.suites[n-1].framework == "pytest" && t.Line > 0 {
		t.Line++ // pytest counts the lines of its xunit1 attribute from 0
	}
	t.Outcome, t.Reason = c.outcome()
	if t.Outcome.Bad() {
		t.Failure = c.failure(t)
		if t.Outcome == ci.Errored && t.Framework == "pytest" {
			t.Failure.Kind = ci.KindError
		}
		if !j.out.Empty() {
			t.Output = j.out.String()
			j.kept += len(t.Output)
		}
	}
	return t
}

func (c *junitCase) outcome() (ci.Outcome, string) {
	status := strings.ToLower(c.status)
	switch {
	case status == "disabled":
		// Disabled says that the result does not count, whatever it was.
		reason := cmp.Or(c.reason, "disabled")
		if len(c.bad) > 0 {
			reason += ": " + c.bad[0].message + strings.TrimSpace(c.bad[0].body)
		}
		return ci.Skipped, cutTo(reason, maxXMLMessage)
	case len(c.bad) > 0:
		if c.worst().isError {
			return ci.Errored, ""
		}
		return ci.Failed, ""
	case c.rerunOnly():
		if c.earlier[0].isError {
			return ci.Errored, ""
		}
		return ci.Failed, ""
	case c.xfail:
		return ci.XFailed, c.reason
	case c.skipped:
		return ci.Skipped, c.reason
	}
	switch status {
	case "notrun", "skipped", "ignored", "pending": // gtest and others say so without an element
		return ci.Skipped, status
	case "failed", "failure", "fail":
		return ci.Failed, ""
	case "error", "errored":
		return ci.Errored, ""
	}
	return ci.Passed, ""
}

// rerunOnly reports a case with Surefire's rerun elements but no final failure,
// which only a cut file has.
func (c *junitCase) rerunOnly() bool {
	return len(c.earlier) > 0 && strings.HasPrefix(c.earlier[0].kind, "rerun")
}

// worst is the first error, or else the first failure.
func (c *junitCase) worst() junitPart {
	for _, p := range c.bad {
		if p.isError {
			return p
		}
	}
	return c.bad[0]
}

// failure is what the case says went wrong; several failures of one execution
// become one, with the details of all.
func (c *junitCase) failure(t ci.TestResult) *ci.Failure {
	var p junitPart
	switch {
	case len(c.bad) > 0:
		p = c.worst()
	case len(c.earlier) > 0:
		p = c.earlier[0]
	}
	f := p.failure(t.Framework)
	f.Test = t.ID
	f.Log.Line = c.line
	if f.Pos.IsZero() {
		f.Pos = ci.Position{File: t.File, Line: t.Line}
	}
	for i := range c.bad {
		if c.bad[i] != p {
			f.Details = cutTo(f.Details+"\n"+joinText(c.bad[i].message, c.bad[i].body), maxXMLDetails)
		}
	}
	if c.dropped > 0 {
		f.Details += fmt.Sprintf("\n[%d more failures of this test]", c.dropped)
	}
	return &f
}

// joinText puts a message before a text that does not repeat it.
func joinText(message, body string) string {
	if message == "" || strings.Contains(body, message) {
		return body
	}
	if strings.TrimSpace(body) == "" {
		return message
	}
	return message + "\n" + body
}

// attempts adds a result for each execution before the last one. Surefire:
// flaky elements are failures before the pass at last, rerun elements are the
// failures after the first one, which the <failure> shows.
func (j *junitReader) attempts(t *ci.TestResult) {
	c := &j.c
	if len(c.earlier) == 0 || len(c.bad) == 0 && c.rerunOnly() {
		return
	}
	first := *t
	for i := range c.earlier {
		p := &c.earlier[i]
		if strings.HasPrefix(p.kind, "rerun") {
			if i == 0 {
				j.all.add(first)
			}
			continue
		}
		j.all.add(p.attempt(first))
	}
	for i := range c.earlier {
		if p := &c.earlier[i]; strings.HasPrefix(p.kind, "rerun") {
			again := p.attempt(first)
			if i == len(c.earlier)-1 {
				*t = again
				return
			}
			j.all.add(again)
		}
	}
}

// attempt is the result of one repeated execution.
func (p *junitPart) attempt(of ci.TestResult) ci.TestResult {
	t := of
	t.Outcome, t.Reason, t.Output = ci.Failed, "", ""
	if p.isError {
		t.Outcome = ci.Errored
	}
	t.Duration, t.Timed = p.duration, p.timed
	f := p.failure(of.Framework)
	f.Test = of.ID
	if of.Failure != nil {
		f.Log = of.Failure.Log
	}
	t.Failure = &f
	return t
}

// Formats are the rows of this package.
func Formats() []format.Format {
	return []format.Format{junitFormat, trxFormat, nunitFormat, xunitNetFormat}
}
