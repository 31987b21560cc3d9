package ci

import (
	"strconv"
	"strings"
)

// Kind says what sort of thing failed; triage, gates and the comment sort by it.
type Kind string

// The kinds of failure.
const (
	KindTest  Kind = "test"  // an assertion or exception in a test's own call
	KindError Kind = "error" // around a test: fixture, collection, worker crash, internal error
	KindLint  Kind = "lint"
	KindType  Kind = "type"
	KindBuild Kind = "build" // did not compile, install or resolve
	KindInfra Kind = "infra" // the machine, the network, the service around the run
)

// Severity orders diagnostics.
type Severity string

// The severities, worst first.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Position is a place in a file of the repository, or of a log.
type Position struct {
	File            string // slash-separated, relative to the repository where it is in it
	Line, Col       int    // 1-based; 0: unknown
	EndLine, EndCol int
}

// IsZero reports whether the position names nothing.
func (p Position) IsZero() bool { return p.File == "" && p.Line == 0 }

// String is file:line:col, with what is unknown left out.
func (p Position) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteString(":" + strconv.Itoa(p.Line))
		if p.Col > 0 {
			b.WriteString(":" + strconv.Itoa(p.Col))
		}
	}
	return b.String()
}

// Frame is one level of a stack trace, innermost last.
type Frame struct {
	Position
	Func string
	Code string // the source line, where the trace shows it
}

// Failure is one thing that went wrong, as its source told it. It is what
// triage clusters; everything in it is text of strangers.
type Failure struct {
	Kind      Kind
	Test      TestID // empty: no test
	Tool      string // who says so: "pytest", "ruff", "go build" …
	Rule      string // lint rule or compiler code: "F401", "TS2304"
	Phase     string // pytest: "setup", "call", "teardown", "collect"; otherwise empty
	Exception string // class name without its module path's noise: "ImportError", "AssertionError", "panic"
	Message   string // what the exception or the tool says; may be several lines
	Details   string // the traceback or context, bounded by the reader
	Pos       Position
	Frames    []Frame
	Chain     []Link   // the exceptions that led to this one, root cause first; empty: none
	Log       Position // where in the source it was found, so that a person can look
	Job       string
	Cut       bool // the message was shortened by its source, e.g. to the terminal's width

	// Of a line that was found in text without structure: how telling that kind of
	// line is, 0..1, its place among those that were found, 1 being the most telling,
	// and whether a green run of the same job never printed it. Zero: a tool
	// reported the failure.
	Signal float64
	Rank   int
	Novel  bool
}

// Link is one exception of a chain that ends in a failure.
type Link struct {
	Exception string
	Message   string
	Frames    []Frame
}

// Headline is the first non-empty line of the message, or the exception's name.
func (f Failure) Headline() string {
	for line := range strings.Lines(f.Message) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	if f.Exception != "" {
		return f.Exception
	}
	return string(f.Kind) + " failure"
}

// Name is what a person calls the failing thing: the test, or tool, rule and place.
func (f Failure) Name() string {
	if f.Test != "" {
		return string(f.Test)
	}
	name := strings.TrimSpace(f.Tool + " " + f.Rule)
	if !f.Pos.IsZero() {
		name = strings.TrimSpace(name + " " + f.Pos.String())
	}
	if name == "" {
		return f.Headline()
	}
	return name
}

// Diagnostic is a finding of a linter, formatter, type checker or compiler.
type Diagnostic struct {
	Tool     string
	Kind     Kind // KindLint, KindType or KindBuild
	Rule     string
	Severity Severity
	Message  string
	Pos      Position
	URL      string // the rule's documentation
	Fixable  bool   // the tool says that it can mend this itself
	Log      Position
}

// Failure is the diagnostic as something for triage to cluster.
func (d Diagnostic) Failure() Failure {
	return Failure{Kind: d.Kind, Tool: d.Tool, Rule: d.Rule, Message: d.Message, Pos: d.Pos, Log: d.Log}
}

// Failures lists everything in the run that keeps it from being green: the last
// attempt of every bad test, and every diagnostic that is not merely
// informational. Failures of the run as a whole are added by the caller.
func (r Run) Failures() []Failure {
	last, _ := Last(r.Tests)
	var out []Failure
	for _, t := range last {
		if !t.Outcome.Bad() {
			continue
		}
		f := Failure{Kind: KindTest, Message: "no message"}
		if t.Failure != nil {
			f = *t.Failure
		}
		f.Test = t.ID
		if f.Pos.IsZero() {
			f.Pos = Position{File: t.File, Line: t.Line}
		}
		out = append(out, f)
	}
	for _, d := range r.Diagnostics {
		if d.Severity != SeverityInfo {
			out = append(out, d.Failure())
		}
	}
	return out
}
