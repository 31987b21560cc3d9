package junit

import (
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/pytest"
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
	said := pytest.Traceback(f.Details)
	exception, message := said.Exception, said.Message
	f.Frames, f.Chain = said.Frames, said.Chain
	slashed(f.Frames)
	for _, link := range f.Chain {
		slashed(link.Frames)
	}
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

// slashed gives the files of frames one spelling on every system.
func slashed(frames []ci.Frame) {
	for i := range frames {
		frames[i].File = format.SlashPath(frames[i].File)
	}
}
