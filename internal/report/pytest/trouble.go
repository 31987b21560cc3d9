package pytest

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
)

// problem is a failure of pytest itself, which belongs to no test.
type problem struct {
	kind  problemKind
	line  int
	title string
	ours  bool // within the thread, or the lines, that matter
}

type problemKind uint8

const (
	problemInternal  problemKind = iota // INTERNALERROR> …
	problemConftest                     // ImportError while loading conftest
	problemUsage                        // pytest: error: …, ERROR: not found: …
	problemFatal                        // Fatal Python error, from faulthandler
	problemTimeout                      // pytest-timeout ending the process
	problemInterrupt                    // KeyboardInterrupt
)

// trouble notices what ends a run without, or before, a test's verdict.
func (p *pytestReader) trouble(n int, b []byte) bool {
	if len(b) == 0 {
		return false
	}
	switch b[0] {
	case 'I':
		if bytes.HasPrefix(b, []byte("INTERNALERROR> ")) {
			p.implied(n)
			p.problem(n, problemInternal, nil)
			return p.inProblem(b)
		}
		if bytes.HasPrefix(b, []byte("ImportError while loading conftest ")) {
			p.implied(n)
			p.problem(n, problemConftest, b)
			return true
		}
	case 'E', 'p', 'U':
		return p.usage(n, b)
	case 'F':
		if rest, ok := bytes.CutPrefix(b, []byte("Fatal Python error: ")); ok && p.s != nil {
			p.problem(n, problemFatal, rest)
			return true
		}
		if bytes.HasPrefix(b, []byte("FAIL Required test coverage of ")) {
			p.uncovered(n, b)
			return true
		}
	case '+':
		title := bytes.Trim(b, "+ ")
		if p.s != nil && p.s.section == sectProgress && string(title) == "Timeout" && len(b) > 30 {
			p.problem(n, problemTimeout, title)
			return true
		}
	}
	return false
}

// within finds the end of a process behind the dots, or the ID, of the line on
// which it happened.
func (p *pytestReader) within(n int, b []byte) bool {
	for _, mark := range []string{" Timeout ++++++", "Fatal Python error: "} {
		i := bytes.Index(b, []byte(mark))
		if i <= 0 {
			continue
		}
		if mark[0] == ' ' {
			i = bytes.IndexByte(b, '+')
		}
		return p.trouble(n, b[i:])
	}
	return false
}

// usage reads the complaints that pytest makes instead of running.
func (p *pytestReader) usage(n int, b []byte) bool {
	var said []byte
	switch {
	case bytes.HasPrefix(b, []byte("pytest: error: ")), bytes.HasPrefix(b, []byte("py.test: error: ")):
		_, said, _ = bytes.Cut(b, []byte("error: "))
	case bytes.HasPrefix(b, []byte("ERROR: file or directory not found: ")),
		bytes.HasPrefix(b, []byte("ERROR: not found: ")),
		bytes.HasPrefix(b, []byte("ERROR: found no collectors for ")):
		said = b[len("ERROR: "):]
	case bytes.HasPrefix(b, []byte("ERROR: Coverage failure: ")):
		p.uncovered(n, b[len("ERROR: "):])
		return true
	default:
		return false
	}
	s := p.implied(n)
	p.addProblem(ci.Failure{
		Exception: "UsageError", Message: text(said, messageEnd), Details: text(b, messageEnd), Log: ci.Position{Line: n},
	})
	s.stopped = "usage error"
	return true
}

// uncovered is pytest-cov's verdict, which fails a run whose tests all pass.
func (p *pytestReader) uncovered(n int, b []byte) {
	s := p.s
	if s == nil {
		return
	}
	for i := range s.problems { // some versions say it twice
		if s.problems[i].Tool == "pytest-cov" {
			return
		}
	}
	p.addProblem(ci.Failure{Tool: "pytest-cov", Message: text(b, 1000), Log: ci.Position{Line: n}})
}

func (p *pytestReader) addProblem(f ci.Failure) {
	f.Kind, f.Job = ci.KindError, p.job
	if f.Tool == "" {
		f.Tool = "pytest"
	}
	if len(p.s.problems) < 1000 {
		p.s.problems = append(p.s.problems, f)
	}
}

// problem begins one.
func (p *pytestReader) problem(n int, kind problemKind, title []byte) {
	p.endProblem()
	p.closeBlock()
	p.trace.reset()
	p.s.problem = &problem{kind: kind, line: n, title: text(title, 2000), ours: kind != problemFatal && kind != problemTimeout}
}

// inProblem takes the lines of a problem; false: it ended before this line.
func (p *pytestReader) inProblem(b []byte) bool {
	q := p.s.problem
	more := false
	switch q.kind {
	case problemInternal:
		var rest []byte
		if rest, more = bytes.CutPrefix(b, []byte("INTERNALERROR>")); more {
			p.trace.line(bytes.TrimPrefix(rest, []byte(" ")))
		}
	case problemConftest:
		if isLocation(b) || len(b) > 0 && (b[0] == ' ' || b[0] == 'E') {
			more = true
			p.trace.line(b)
		}
	case problemFatal:
		more = p.fatalLine(b)
	case problemTimeout:
		if len(b) > 0 && b[0] == '+' { // the rule that closes the stacks
			p.endProblem()
			return true
		}
		more = true
		p.timeoutLine(b)
	case problemInterrupt:
		if isLocation(b) {
			more = true
			p.trace.line(b)
		}
	}
	if !more {
		p.endProblem()
	}
	return more
}

func isLocation(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	_, _, _, ok := location(b)
	return ok
}

// fatalLine reads faulthandler's stacks: only the thread that crashed matters,
// and only until its last frame.
func (p *pytestReader) fatalLine(b []byte) bool {
	q := p.s.problem
	switch {
	case bytes.HasPrefix(b, []byte("Current thread ")):
		q.ours = true
		return true
	case bytes.HasPrefix(b, []byte("Thread ")), bytes.HasPrefix(b, []byte("Stack (most recent call first)")):
		q.ours = false
		return true
	case len(b) == 0:
		return !q.ours
	case bytes.HasPrefix(b, []byte("  File \"")):
		if q.ours {
			p.trace.line(b)
		}
		return true
	case bytes.HasPrefix(b, []byte("  <")), bytes.HasPrefix(b, []byte("  ...")), bytes.HasPrefix(b, []byte("Python runtime state")):
		return true
	}
	return false
}

// timeoutLine reads the stacks that pytest-timeout prints before it ends the
// process; the main thread's comes last.
func (p *pytestReader) timeoutLine(b []byte) {
	q := p.s.problem
	if len(b) > 0 && b[0] == '~' {
		q.ours = bytes.Contains(b, []byte("Stack of MainThread"))
		return
	}
	if q.ours {
		p.trace.line(b)
	}
}

// endProblem makes a failure of what was read.
func (p *pytestReader) endProblem() {
	s := p.s
	if s == nil || s.problem == nil {
		return
	}
	q := s.problem
	s.problem = nil
	f := p.trace.failure()
	p.trace.reset()
	f.Log.Line = q.line
	switch q.kind {
	case problemInternal:
		f.Message = orElse(f.Message, "internal error of pytest")
		s.stopped = "internal error"
	case problemConftest:
		f.Phase, s.stopped = "collect", "a conftest could not be imported"
		f.Details = q.title + "\n" + f.Details
	case problemInterrupt:
		f.Exception, f.Message = "KeyboardInterrupt", "the run was interrupted"
	case problemTimeout:
		f.Exception, f.Message = "Timeout", "pytest-timeout ended the process: a test took too long"
		f.Chain = nil
	case problemFatal:
		f.Exception, f.Message = "FatalError", "Fatal Python error: "+q.title
		reverse(f.Frames) // faulthandler prints the innermost first
		f.Chain = nil
	}
	if q.kind != problemFatal && q.kind != problemTimeout {
		p.addProblem(f)
		return
	}
	f.Phase = "call"
	p.crashed(f)
}

// crashed gives a crash to the test that ran, where the log names it.
func (p *pytestReader) crashed(f ci.Failure) {
	s := p.s
	if s.pending == "" {
		p.addProblem(f)
		return
	}
	f.Kind, f.Tool, f.Job = ci.KindError, "pytest", p.job
	t := s.test(f.Log.Line, s.pending, "")
	t.errored = true
	t.tell()
	t.around = append(t.around, f)
	s.pending = ""
}

// explainCrashes gives faulthandler's stack to the test of which xdist says
// that it crashed the worker, where file and function agree.
func (s *session) explainCrashes() {
	kept := s.problems[:0]
	for _, f := range s.problems {
		if f.Exception != "FatalError" || !s.explainCrash(s.inRepo(f)) {
			kept = append(kept, f)
		}
	}
	s.problems = kept
}

func (s *session) explainCrash(f ci.Failure) bool {
	for _, t := range s.order {
		if t.call == nil || t.call.Exception != "WorkerCrash" || t.call.Pos.Line > 0 {
			continue
		}
		name := t.id.Base().Name()
		for _, frame := range f.Frames {
			if frame.Func != name || !sameFile(frame.File, t.id.File()) {
				continue
			}
			t.call.Message = f.Message + "\n" + t.call.Message
			t.call.Details = f.Details + "\n" + t.call.Details
			t.call.Frames, t.call.Pos = f.Frames, f.Pos
			return true
		}
	}
	return false
}

func reverse(frames []ci.Frame) {
	for i, j := 0, len(frames)-1; i < j; i, j = i+1, j-1 {
		frames[i], frames[j] = frames[j], frames[i]
	}
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}
