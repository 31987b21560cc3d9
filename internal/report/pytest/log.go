package pytest

import (
	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// pythonReader follows a job's log for pytest and unittest, and for tox and nox
// around them, whose own failures count only where neither explains them.
type pythonReader struct {
	wrapper  wrapperReader
	pytest   *pytestReader
	unittest *unittestReader
}

func newPythonReader() *pythonReader {
	return &pythonReader{pytest: newPytestReader(), unittest: newUnittestReader()}
}

func (r *pythonReader) Line(l format.Line) {
	if r.wrapper.line(l, r.pytest.bad()+r.unittest.bad) {
		r.pytest.env(r.wrapper.env)
		r.unittest.env = r.wrapper.env
		r.wrapper.settle(r.pytest.bad() + r.unittest.bad)
		return
	}
	r.pytest.line(l)
	if s := r.pytest.s; s == nil || !s.inText() { // a traceback of pytest's may quote a run of unittest
		r.unittest.line(l)
	}
}

func (r *pythonReader) Finish() ci.Report {
	rep, other := r.pytest.finish(), r.unittest.finish()
	rep.Tests = append(rep.Tests, other.Tests...)
	rep.Failures = append(rep.Failures, other.Failures...)
	rep.Warnings = append(rep.Warnings, other.Warnings...)
	if t := other.Totals; t != nil {
		if rep.Totals == nil {
			rep.Totals = &ci.Totals{}
		}
		rep.Totals.Passed += t.Passed
		rep.Totals.Failed += t.Failed
		rep.Totals.Errors += t.Errors
		rep.Totals.Skipped += t.Skipped
		rep.Totals.XFailed += t.XFailed
		rep.Totals.XPassed += t.XPassed
		rep.Totals.Duration += t.Duration
	}
	r.wrapper.finish(&rep)
	return rep
}

// Formats are the rows of this package.
func Formats() []format.Format { return []format.Format{pytestFormat, unittestFormat} }

// NewReader follows pytest and unittest in a log, and tox and nox around them.
func NewReader() format.LineReader { return newPythonReader() }
