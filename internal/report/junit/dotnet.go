package junit

import (
	"cmp"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/xmltok"
)

// dotnetReader is what the readers of TRX, NUnit and xUnit.net share: they
// differ in the names of elements and attributes, hardly in what those mean.
type dotnetReader struct {
	x       *xmltok.Reader
	rep     ci.Report
	all     caseList
	tool    string
	kept    int
	scratch []byte
	text    format.Clip
	textIn  string // the element whose text is being read; empty: none
}

// dotnetCase is one test as it is being read.
type dotnetCase struct {
	id                             ci.TestID
	outcome                        ci.Outcome
	duration                       time.Duration
	timed                          bool
	line                           int
	message, stack, reason, output string
	exception                      string
}

// dotnetDialect is what a dialect does at the start and end of elements; text
// is that of the elements that it has asked for by collect.
type dotnetDialect interface {
	start(name string)
	end(name, text string)
	finish()
}

func (d *dotnetReader) read(dialect dotnetDialect) (ci.Report, error) {
	for {
		token, err := d.x.Next()
		switch token {
		case xmltok.EOF:
			dialect.finish()
			d.rep.Tests = d.all.results()
			if d.x.Doctype() {
				d.rep.Warnings = append(d.rep.Warnings, ci.Warning{Text: "the document type declaration was ignored; entities that it declares are not expanded"})
			}
			return d.rep, err
		case xmltok.Start:
			dialect.start(string(d.x.Name()))
		case xmltok.Text:
			if d.textIn != "" {
				d.scratch = writeText(&d.text, d.x, d.scratch)
			}
		case xmltok.End:
			name, text := string(d.x.Name()), ""
			if name == d.textIn {
				d.textIn = ""
				text = d.text.String()
				d.kept += len(text)
			}
			dialect.end(name, text)
		}
	}
}

// collect asks for the text of the element that has just started.
func (d *dotnetReader) collect(limit int) {
	if d.textIn != "" {
		return
	}
	if d.kept > textBudget {
		limit = scarceText
	}
	d.textIn = string(d.x.Name())
	d.text.Resize(limit/2, limit/2)
}

func (d *dotnetReader) attr(name string) string {
	raw, _ := d.x.Raw(name)
	return cutTo(string(xmltok.Decode(nil, raw, false)), maxXMLID)
}

// add turns a case into a result.
func (d *dotnetReader) add(c dotnetCase) {
	t := ci.TestResult{ID: c.id, Framework: d.tool, Outcome: c.outcome, Duration: c.duration, Timed: c.timed}
	switch {
	case c.outcome.Bad():
		f := c.failure(d.tool)
		t.Failure, t.Output = &f, c.output
		t.File, t.Line = f.Pos.File, f.Pos.Line
	case c.outcome == ci.Skipped:
		t.Reason = strings.TrimSpace(cmp.Or(c.reason, c.message))
	}
	d.all.add(t)
}

func (c dotnetCase) failure(tool string) ci.Failure {
	f := ci.Failure{Kind: ci.KindTest, Test: c.id, Tool: tool, Message: strings.TrimSpace(c.message), Details: strings.Trim(c.stack, "\n")}
	if c.outcome == ci.Errored {
		f.Kind = ci.KindError
	}
	f.Log.Line = c.line
	f.Exception = exceptionClass(c.exception)
	if f.Exception == "" {
		f.Exception, f.Message = dotnetException(f.Message)
	} else {
		f.Message = trimException(f.Message, f.Exception)
	}
	f.Frames = stackFrames(f.Details)
	if n := len(f.Frames); n > 0 {
		f.Pos = f.Frames[n-1].Position
	}
	return f
}

// dotnetException takes "System.Exception : text" apart, and what MSTest puts
// around it: "Test method X threw exception:\nSystem.Exception: text".
func dotnetException(message string) (exception, rest string) {
	if _, after, ok := strings.Cut(message, "threw exception:"); ok && strings.HasPrefix(message, "Test method") {
		message = strings.TrimSpace(after)
	}
	head, tail, ok := strings.Cut(message, " : ")
	if name := exceptionClass(head); ok && isErrorName(name) {
		return name, strings.TrimSpace(tail)
	}
	return classAndMessage(message)
}

// classAndMethod joins a class and a test's name, which may repeat the class.
func classAndMethod(class, name string) ci.TestID {
	if class == "" {
		return ci.TestID(splitMethod(name))
	}
	if rest, ok := strings.CutPrefix(name, class+"."); ok {
		name = rest
	}
	return ci.TestID(class + "::" + name)
}

// splitMethod puts "::" between class and method of "Ns.Class.Method(args)".
func splitMethod(full string) string {
	head := full
	if i := strings.IndexAny(head, "(<"); i >= 0 {
		head = head[:i]
	}
	i := strings.LastIndexByte(head, '.')
	if i <= 0 || strings.ContainsAny(head, ` /\`) { // a sentence or a path
		return full
	}
	return full[:i] + "::" + full[i+1:]
}

// writeText adds the current piece of text, decoded by way of scratch.
func writeText(to *format.Clip, x *xmltok.Reader, scratch []byte) []byte {
	if to.Head == 0 {
		return scratch
	}
	text, literal := x.Text()
	scratch = xmltok.Decode(scratch[:0], text, literal)
	to.Write(scratch)
	return scratch
}
