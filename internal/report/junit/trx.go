package junit

import (
	"cmp"
	"io"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/xmltok"
)

var trxFormat = format.Format{
	Name:  "trx",
	Doc:   "Visual Studio test results (TRX), as `dotnet test --logger trx` writes them",
	Score: func(head []byte) int { return scoreRoot(head, "TestRun") },
	Read:  ReadTRX,
}

// ReadTRX reads a Visual Studio test result file. Results name their test by an id;
// the class stands in the definitions, which may come before or after.
func ReadTRX(r io.Reader) (ci.Report, error) {
	t := &trxReader{dotnetReader: dotnetReader{x: xmltok.NewReader(r), tool: "dotnet"}, classes: map[string]string{}}
	return t.read(t)
}

type trxReader struct {
	dotnetReader
	open    []trxCase // nested for data-driven tests
	done    []trxCase
	classes map[string]string // by test id
	defined string            // the id of the open definition
	runInfo bool
}

type trxCase struct {
	dotnetCase
	test, name string
	inner      bool // it holds other results, which are the ones that count
}

func (t *trxReader) start(name string) {
	switch name {
	case "UnitTestResult", "GenericTestResult", "ManualTestResult", "WebTestResult", "TestResultAggregation":
		if n := len(t.open); n > 0 {
			t.open[n-1].inner = true
		}
		c := trxCase{test: t.attr("testId"), name: t.attr("testName")}
		c.line = t.x.Line()
		c.outcome = trxOutcome(t.attr("outcome"))
		if c.duration, c.timed = clock(t.attr("duration")); !c.timed {
			c.duration, c.timed = between(t.attr("startTime"), t.attr("endTime"))
		}
		t.open = append(t.open, c)
	case "UnitTest", "GenericTest", "ManualTest":
		t.defined = t.attr("id")
	case "TestMethod":
		class, _, _ := strings.Cut(t.attr("className"), ",") // what follows is the assembly
		t.classes[t.defined] = class
	case "RunInfo":
		t.runInfo = len(t.open) == 0 && strings.EqualFold(t.attr("outcome"), "Error")
	case "Message", "Text":
		t.collect(maxXMLMessage)
	case "StackTrace":
		t.collect(maxXMLDetails)
	case "StdOut", "StdErr", "DebugTrace":
		t.collect(maxXMLOutput)
	}
}

func (t *trxReader) end(name, text string) {
	if name == "RunInfo" {
		t.runInfo = false
	}
	if t.runInfo && name == "Text" && strings.TrimSpace(text) != "" {
		// The host process crashed, or a test assembly could not be loaded.
		t.rep.Failures = append(t.rep.Failures, ci.Failure{Kind: ci.KindError, Tool: t.tool, Message: strings.TrimSpace(text), Log: ci.Position{Line: t.x.Line()}})
	}
	n := len(t.open)
	if n == 0 {
		return
	}
	c := &t.open[n-1]
	switch name {
	case "Message":
		c.message = text
	case "StackTrace":
		c.stack = text
	case "StdOut", "StdErr", "DebugTrace":
		c.output = cutTo(c.output+text, maxXMLOutput)
	case "UnitTestResult", "GenericTestResult", "ManualTestResult", "WebTestResult", "TestResultAggregation":
		if !c.inner {
			t.done = append(t.done, *c)
		}
		t.open = t.open[:n-1]
	}
}

func (t *trxReader) finish() {
	for _, c := range t.done {
		c.id = classAndMethod(t.classes[c.test], cmp.Or(c.name, c.test))
		t.add(c.dotnetCase)
	}
}

// trxOutcome maps TestOutcome of the TeamTest 2010 schema.
func trxOutcome(s string) ci.Outcome {
	switch s {
	case "Passed", "Completed", "PassedButRunAborted", "Warning":
		return ci.Passed
	case "Failed":
		return ci.Failed
	case "Error", "Timeout", "Aborted", "Disconnected", "": // without the attribute the schema says Error
		return ci.Errored
	case "InProgress":
		return ci.Unknown
	}
	return ci.Skipped // NotExecuted, NotRunnable, Inconclusive, Pending
}

// between is how long it was from start to end; tests that did not run have no
// duration, but have both.
func between(start, end string) (time.Duration, bool) {
	from, err := time.Parse(time.RFC3339Nano, start)
	to, err2 := time.Parse(time.RFC3339Nano, end)
	if err != nil || err2 != nil || to.Before(from) {
		return 0, false
	}
	return to.Sub(from), true
}

// clock reads "00:01:02.5000000", with days before it where it took that long.
func clock(s string) (time.Duration, bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, false
	}
	total := time.Duration(0)
	if days, hours, ok := strings.Cut(parts[0], "."); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, false
		}
		total, parts[0] = time.Duration(n)*24*time.Hour, hours
	}
	hours, err := strconv.ParseUint(parts[0], 10, 16)
	minutes, err2 := strconv.ParseUint(parts[1], 10, 16)
	rest, ok := attrSeconds([]byte(parts[2]))
	if err != nil || err2 != nil || !ok || rest > time.Hour {
		return 0, false
	}
	return total + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + rest, true
}
