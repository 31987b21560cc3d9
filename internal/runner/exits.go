package runner

import (
	"fmt"
	"time"

	"keepgreen/internal/ci"
)

var (
	saysNo = map[int]exit{1: {status: ci.JobFailure}}

	// https://docs.pytest.org/en/stable/reference/exit-codes.html
	pytestExits = map[int]exit{
		1: {status: ci.JobFailure},
		2: {status: ci.JobFailure, detail: "stopped before the end (exit status 2)"},
		3: {status: ci.JobError, detail: "internal error (exit status 3)"},
		4: {status: ci.JobError, detail: "usage error (exit status 4)"},
		5: {status: ci.JobError, detail: "no tests were collected (exit status 5)"},
	}

	// mypy ends with 2 when an error keeps it from going on: a syntax error, or a
	// crash of its own.
	mypyExits = map[int]exit{1: {status: ci.JobFailure}, 2: {status: ci.JobFailure, detail: "stopped at an error it cannot go past (exit status 2)"}}

	goTestExits = map[int]exit{1: {status: ci.JobFailure}, 2: {status: ci.JobFailure}}
	goVetExits  = goTestExits
)

// Job is what became of the plan: the tool's own word, or how it broke.
func (p Plan) Job(r Result, timeout time.Duration) ci.Job {
	j := ci.Job{
		Name: p.JobName, Tool: p.Tool, Version: p.Version, Command: p.Args,
		ExitCode: r.ExitCode, Started: r.Started, Duration: r.Duration,
	}
	switch {
	case p.Skip != "":
		j.Status, j.Detail = ci.JobSkipped, p.Skip
		if p.Missing {
			j.Status = ci.JobError
		}
	case r.NotStarted:
		j.Status, j.Detail = ci.JobError, "did not start: "+r.Err.Error()
	case r.Interrupted:
		j.Status, j.Detail = ci.JobCancelled, "interrupted"
	case r.TimedOut:
		j.Status, j.Detail = ci.JobTimeout, fmt.Sprintf("ended after %s without an answer", timeout)
	case r.Signal != "":
		j.Status, j.Detail = ci.JobError, "ended by a signal: "+r.Signal
	case r.ExitCode == 0:
		j.Status = ci.JobSuccess
	default:
		e, known := p.exits[r.ExitCode]
		if !known {
			e = exit{ci.JobError, fmt.Sprintf("ended with exit status %d", r.ExitCode)}
		}
		j.Status, j.Detail = e.status, e.detail
	}
	return j
}
