package junit

import (
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// pytestFailure reads what pytest writes into a <failure> or <error>: the phase
// and the exception from the message, the frames from the text.
func pytestFailure(f *ci.Failure, isError bool) {
	f.Phase = "call"
	if isError {
		f.Phase = "setup"
	}
	for _, phase := range []string{"setup", "teardown"} {
		// _NodeReporter.append_error: failed on setup with "ExceptionClass: message"
		if inner, ok := strings.CutPrefix(f.Message, "failed on "+phase+" with "); ok {
			f.Phase, f.Message = phase, strings.TrimSuffix(strings.TrimPrefix(inner, `"`), `"`)
		} else if f.Message == "test "+phase+" failure" { // before pytest 6.2
			f.Phase, f.Message = phase, ""
		}
	}
	if f.Message == "collection failure" {
		f.Phase, f.Message = "collect", ""
	}
	exception, message, frames := pytestText(f.Details)
	f.Frames = frames
	if strings.TrimSpace(f.Message) == "" {
		f.Exception, f.Message = exception, message
	}
	if f.Exception == "" {
		f.Exception, f.Message = classAndMessage(f.Message)
	}
	switch {
	case f.Exception != "":
	case strings.HasPrefix(f.Message, "assert "):
		f.Exception = "AssertionError" // pytest leaves the class away before its own explanation
	case strings.HasPrefix(f.Message, "self = ") && exception != "":
		f.Exception, f.Message = exception, message // the whole text stands in the attribute
	default:
		f.Exception = exception
	}
	if n := len(f.Frames); n > 0 && f.Pos.IsZero() {
		f.Pos = f.Frames[n-1].Position
	}
}

// pytestText finds the essentials of a traceback as pytest prints it: the
// exception and message of the last block of "E" lines, and the frames, which
// are lines of the form "path:line: in function" or "path:line: Exception".
func pytestText(text string) (exception, message string, frames []ci.Frame) {
	var explained []string
	open := false
	last := "" // the class of the last "path:line: Class"
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if rest, ok := strings.CutPrefix(line, "E   "); ok || line == "E" {
			if !open {
				explained = explained[:0]
			}
			open = true
			if len(explained) < 200 {
				explained = append(explained, strings.TrimPrefix(rest, "    "))
			}
			continue
		}
		open = false
		frame, tail, ok := pytestFrame(line)
		if !ok || len(frames) >= 200 {
			continue
		}
		if function, found := strings.CutPrefix(tail, "in "); found {
			frame.Func = function
		} else if tail != "" {
			last = tail
		}
		frames = append(frames, frame)
	}
	exception, message = classAndMessage(strings.TrimSpace(strings.Join(explained, "\n")))
	if exception == "" {
		exception = exceptionClass(last)
	}
	return exception, message, frames
}

// pytestFrame reads "path.py:12: rest".
func pytestFrame(line string) (frame ci.Frame, rest string, ok bool) {
	if line == "" || strings.IndexByte(" \t\n\r", line[0]) >= 0 || line[0] == '>' {
		return ci.Frame{}, "", false
	}
	at := strings.Index(line, ".py:")
	if at <= 0 {
		return ci.Frame{}, "", false
	}
	file := line[:at+len(".py")]
	number, rest, found := strings.Cut(line[at+len(".py:"):], ":")
	n, err := strconv.Atoi(number)
	if !found || err != nil || n <= 0 {
		return ci.Frame{}, "", false
	}
	return ci.Frame{Position: ci.Position{File: format.SlashPath(file), Line: n}}, strings.TrimSpace(rest), true
}
