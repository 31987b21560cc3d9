package github

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v92/github"
)

// What an error of GitHub means, for errors.Is.
var (
	ErrUnauthorized = errors.New("the token is not accepted")
	ErrForbidden    = errors.New("the token may not do this") // also what fork pull requests get for every write
	ErrNotFound     = errors.New("not found")                 // or the token may not see it
	ErrConflict     = errors.New("it is there already, or not as expected")
	ErrInvalid      = errors.New("not accepted")
	ErrUnavailable  = errors.New("GitHub cannot answer")
)

// Error is an answer of GitHub that is not the wanted one.
type Error struct {
	What    string // what was tried: "comment on #7"
	Status  int
	Message string
	kind    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: GitHub says %d: %s", e.What, e.Status, strings.TrimSpace(e.Message))
}

// Unwrap gives the kind of error.
func (e *Error) Unwrap() error { return e.kind }

// did says what was being done when an error came; no error stays none.
func did(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	var answer *gh.ErrorResponse
	if !errors.As(err, &answer) || answer.Response == nil {
		return fmt.Errorf("%s: %w", what, bareURL(err))
	}
	message := answer.Message
	for _, one := range answer.Errors {
		if detail := strings.TrimSpace(one.Field + " " + one.Code + " " + one.Message); detail != "" {
			message += "; " + detail
		}
	}
	status := answer.Response.StatusCode
	return &Error{What: what, Status: status, Message: message, kind: kindOf(status, message)}
}

func kindOf(status int, message string) error {
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusNotFound || status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusConflict:
		return ErrConflict
	case status == http.StatusUnprocessableEntity && strings.Contains(message, "already exists"),
		status == http.StatusUnprocessableEntity && strings.Contains(message, "not a fast forward"):
		return ErrConflict
	case status >= http.StatusInternalServerError:
		return ErrUnavailable
	}
	return ErrInvalid
}
