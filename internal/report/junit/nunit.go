package junit

import (
	"cmp"
	"io"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/xmltok"
)

var nunitFormat = format.Format{
	Name:  "nunit",
	Doc:   "NUnit results, versions 2 and 3",
	Score: func(head []byte) int { return scoreRoot(head, "test-run", "test-results", "test-suite") },
	Read:  ReadNUnit,
}

// ReadNUnit reads the result files of NUnit 2 (test-results) and 3 (test-run).
func ReadNUnit(r io.Reader) (ci.Report, error) {
	n := &nunitReader{dotnetReader: dotnetReader{x: xmltok.NewReader(r), tool: "nunit"}}
	return n.read(n)
}

type nunitReader struct {
	dotnetReader
	c      dotnetCase
	inCase bool
	failed bool // a <failure> element was seen
	reason bool // inside of <reason>
	asked  nunitWords
	suites []nunitSuite
}

// nunitWords are the attributes that tell the outcome.
type nunitWords struct{ result, label, executed, success string }

// nunitSuite is an open suite, with the failure of its own set-up if it has one.
type nunitSuite struct {
	name, site     string
	message, stack string
}

func (n *nunitReader) start(name string) {
	switch name {
	case "test-case":
		n.openCase()
	case "test-suite":
		n.suites = append(n.suites, nunitSuite{name: cmp.Or(n.attr("fullname"), n.attr("name")), site: n.attr("site")})
	case "failure":
		n.failed = true
	case "reason":
		n.reason = true
	case "message":
		n.collect(maxXMLMessage)
	case "stack-trace":
		n.collect(maxXMLDetails)
	case "output":
		n.collect(maxXMLOutput)
	}
}

func (n *nunitReader) openCase() {
	n.inCase, n.failed = true, false
	n.asked = nunitWords{n.attr("result"), n.attr("label"), n.attr("executed"), n.attr("success")}
	n.c = dotnetCase{line: n.x.Line()}
	n.c.duration, n.c.timed = n.attrSeconds("duration")
	if !n.c.timed {
		n.c.duration, n.c.timed = n.attrSeconds("time")
	}
	class := n.attr("classname")
	full := cmp.Or(n.attr("fullname"), n.attr("name"))
	if class == "" {
		n.c.id = ci.TestID(splitMethod(full))
		return
	}
	n.c.id = classAndMethod(class, n.attr("name"))
}

func (n *nunitReader) end(name, text string) {
	switch name {
	case "test-case":
		n.c.outcome = n.outcome()
		n.add(n.c)
		n.inCase = false
	case "test-suite":
		n.closeSuite()
	case "reason":
		n.reason = false
	case "message", "stack-trace", "output":
		n.place(name, text)
	}
}

// place puts a text where it belongs: to the case, or to the suite around it.
func (n *nunitReader) place(name, text string) {
	if !n.inCase {
		if k := len(n.suites); k > 0 && !n.reason {
			switch name {
			case "message":
				n.suites[k-1].message = text
			case "stack-trace":
				n.suites[k-1].stack = text
			}
		}
		return
	}
	switch {
	case name == "message" && n.reason:
		n.c.reason = text
	case name == "message":
		n.c.message = text
	case name == "stack-trace":
		n.c.stack = text
	default:
		n.c.output = cutTo(n.c.output+text, maxXMLOutput)
	}
}

// closeSuite reports a set-up or tear-down that broke. The suite's failure
// is otherwise only that of its cases.
func (n *nunitReader) closeSuite() {
	k := len(n.suites)
	if k == 0 {
		return
	}
	s := n.suites[k-1]
	n.suites = n.suites[:k-1]
	if s.message == "" || s.site != "SetUp" && s.site != "TearDown" {
		return
	}
	f := dotnetCase{outcome: ci.Errored, message: s.message, stack: s.stack, line: n.x.Line()}.failure(n.tool)
	f.Phase = strings.ToLower(s.site)
	f.Message = s.name + ": " + f.Message
	n.rep.Failures = append(n.rep.Failures, f)
}

// finish keeps the case in which a cut file ended.
func (n *nunitReader) finish() {
	if n.inCase {
		n.c.outcome = n.outcome()
		n.add(n.c)
	}
}

// outcome reads both generations' words: NUnit 3 has a result and a label,
// NUnit 2 a result since 2.5 and before that executed and success.
func (n *nunitReader) outcome() ci.Outcome {
	if n.asked.result == "NotRunnable" && strings.EqualFold(n.asked.executed, "false") {
		return ci.Skipped // NUnit 2 counts it as not run, not as a failure
	}
	switch n.asked.result {
	case "Passed", "Success", "Warning":
		return ci.Passed
	case "Failed", "Failure":
		if n.asked.label == "Invalid" || n.asked.label == "Cancelled" {
			return ci.Errored
		}
		return ci.Failed // with the label Error: an exception that the test did not expect
	case "Error", "NotRunnable", "Cancelled", "Invalid":
		return ci.Errored
	case "Skipped", "Ignored", "Inconclusive", "Explicit":
		return ci.Skipped
	}
	switch {
	case n.failed || strings.EqualFold(n.asked.success, "false"):
		return ci.Failed
	case strings.EqualFold(n.asked.executed, "false"):
		return ci.Skipped
	}
	return ci.Passed
}

// seconds reads a duration attribute in which a comma is the decimal point of
// the machine's locale.
func (d *dotnetReader) attrSeconds(name string) (time.Duration, bool) {
	return attrSeconds([]byte(strings.Replace(d.attr(name), ",", ".", 1)))
}
