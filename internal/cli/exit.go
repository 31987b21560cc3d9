package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exit statuses, everywhere the same.
const (
	statusYes         = 0   // the answer is yes, or was given
	statusNo          = 1   // a gate failed
	statusMalformed   = 2   // the question was malformed: usage, unreadable input, bad configuration
	statusNoAnswer    = 3   // the tool could not do its work
	statusInterrupted = 130 // Ctrl-C
)

// errNo is returned by a command whose answer is no. It prints nothing: the
// answer itself has been printed.
var errNo = errors.New("no")

// failure is an error with the status it ends the process with and, where there
// is one, the thing to do next.
type failure struct {
	status int
	hint   string
	err    error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// usage marks an error as a malformed question.
func usage(err error) error { return failure{status: statusMalformed, err: err} }

// usagef is usage with a message and a hint; the hint may be empty.
func usagef(hint, format string, args ...any) error {
	return failure{status: statusMalformed, hint: hint, err: fmt.Errorf(format, args...)}
}

// noAnswerf says that the tool could not do its work.
func noAnswerf(hint, format string, args ...any) error {
	return failure{status: statusNoAnswer, hint: hint, err: fmt.Errorf(format, args...)}
}

// statusOf maps an error to the exit status.
func statusOf(ctx context.Context, err error) int {
	var f failure
	switch {
	case ctx.Err() != nil:
		return statusInterrupted
	case err == nil:
		return statusYes
	case errors.Is(err, errNo):
		return statusNo
	case errors.As(err, &f):
		return f.status
	}
	return statusNoAnswer
}

// complain prints the error for a person: what, where, why, and a hint.
func complain(w io.Writer, err error) {
	if err == nil || errors.Is(err, errNo) {
		return
	}
	fmt.Fprintf(w, "keepgreen: %s\n", strings.TrimSpace(err.Error()))
	var f failure
	if errors.As(err, &f) && f.hint != "" {
		fmt.Fprintf(w, "hint: %s\n", f.hint)
	}
}
