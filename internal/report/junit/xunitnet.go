package junit

import (
	"io"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/xmltok"
)

var xunitNetFormat = format.Format{
	Name:  "xunit.net",
	Doc:   "xUnit.net and Fixie results, versions 1 and 2",
	Score: func(head []byte) int { return scoreRoot(head, "assemblies", "assembly") },
	Read:  ReadXUnitNet,
}

// ReadXUnitNet reads the result files of xUnit.net, in which Fixie writes, too.
func ReadXUnitNet(r io.Reader) (ci.Report, error) {
	x := &xunitReader{dotnetReader: dotnetReader{x: xmltok.NewReader(r), tool: "xunit.net"}}
	return x.read(x)
}

type xunitReader struct {
	dotnetReader
	c             dotnetCase
	inCase, inErr bool
	errName       string
}

func (x *xunitReader) start(name string) {
	switch name {
	case "test":
		x.openCase()
	case "error": // of the assembly: a class fixture or the runner itself
		x.inErr = true
		x.errName = strings.TrimSpace(x.attr("type") + " " + x.attr("name"))
		x.c = dotnetCase{line: x.x.Line(), outcome: ci.Errored}
	case "failure":
		x.c.exception = x.attr("exception-type")
	case "message", "reason":
		x.collect(maxXMLMessage)
	case "stack-trace":
		x.collect(maxXMLDetails)
	case "output":
		x.collect(maxXMLOutput)
	}
}

func (x *xunitReader) openCase() {
	x.inCase = true
	x.c = dotnetCase{line: x.x.Line()}
	x.c.duration, x.c.timed = x.attrSeconds("time")
	switch x.attr("result") {
	case "Pass":
		x.c.outcome = ci.Passed
	case "Fail":
		x.c.outcome = ci.Failed
	case "Skip", "NotRun":
		x.c.outcome = ci.Skipped
	}
	x.c.id = x.testID()
}

// testID prefers the method to the display name, which may be a sentence, but
// keeps the arguments that tell the cases of a theory apart.
func (x *xunitReader) testID() ci.TestID {
	class, method, shown := x.attr("type"), x.attr("method"), x.attr("name")
	if class == "" || method == "" {
		return classAndMethod(class, shown)
	}
	if rest, ok := strings.CutPrefix(shown, class+"."); ok && strings.HasPrefix(rest, method) {
		return ci.TestID(class + "::" + rest)
	}
	return ci.TestID(class + "::" + method)
}

func (x *xunitReader) end(name, text string) {
	switch name {
	case "test":
		x.inCase = false
		x.add(x.c)
	case "error":
		x.inErr = false
		f := x.c.failure(x.tool)
		f.Message = strings.TrimPrefix(x.errName+": "+f.Message, ": ")
		x.rep.Failures = append(x.rep.Failures, f)
	case "message": // version 1 has one inside of <reason>, too
		if x.c.outcome == ci.Skipped {
			x.c.reason = text
			return
		}
		x.c.message = text
	case "reason":
		if strings.TrimSpace(text) != "" {
			x.c.reason = text
		}
	case "stack-trace":
		x.c.stack = text
	case "output":
		x.c.output = text
	}
}

// finish keeps the case or error in which a cut file ended.
func (x *xunitReader) finish() {
	switch {
	case x.inCase:
		x.add(x.c)
	case x.inErr:
		x.end("error", "")
	}
}
