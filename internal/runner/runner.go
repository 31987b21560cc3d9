// Package runner starts the tools of a repository and brings back what they
// printed, whatever happens to them: a tool that crashes, hangs, floods its
// output or leaves children behind still ends in a Result. It decides nothing
// and reads no report. It also finds out which tools a repository is set up for.
package runner

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"time"
)

// Command is one tool to start.
type Command struct {
	Args    []string // the program and its arguments
	Dir     string
	Env     []string      // "NAME=value"; nil: the process's own
	Timeout time.Duration // zero: no limit
	Grace   time.Duration // between asking to end and killing; zero: 5 s
	Log     io.Writer     // standard output and standard error, as they come
}

// Result is how it ended. Exactly one of the booleans, or none, is true.
type Result struct {
	ExitCode    int // -1: ended by a signal, or did not start
	Signal      string
	TimedOut    bool
	Interrupted bool // the context was cancelled
	NotStarted  bool // Err says why
	Err         error
	LogErr      error // the log could not be written to its end; the tool was not disturbed
	Started     time.Time
	Duration    time.Duration
	CPU         time.Duration // user and system time of the tool and its children
}

// drain copies to w until w fails, and then swallows the rest: a full disk must
// not block the tool.
type drain struct {
	w   io.Writer
	err error
}

func (d *drain) Write(p []byte) (int, error) {
	if d.err == nil && d.w != nil {
		_, d.err = d.w.Write(p)
	}
	return len(p), nil
}

// Run starts the tool and waits for it and what it started. Cancelling the
// context or passing the timeout ends the whole process group, politely first.
func Run(ctx context.Context, c Command, now func() time.Time) Result {
	result := Result{ExitCode: -1, Started: now()}
	limited := ctx
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	out := &drain{w: c.Log}
	cmd := exec.CommandContext(limited, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	cmd.Stdout, cmd.Stderr = out, out
	ownGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd.Process, false) }
	cmd.WaitDelay = grace(c.Grace) // then the process is killed and its pipes are closed
	err := cmd.Start()
	if err != nil {
		result.NotStarted, result.Err = true, err
		result.Duration = now().Sub(result.Started)
		return result
	}
	err = cmd.Wait()
	_ = endGroup(cmd.Process, true) // whatever it left behind
	result.Duration = now().Sub(result.Started)
	result.LogErr = out.err
	result.Err = err
	if state := cmd.ProcessState; state != nil {
		result.ExitCode = state.ExitCode()
		result.Signal = signalName(state)
		result.CPU = state.UserTime() + state.SystemTime()
	}
	switch {
	case ctx.Err() != nil:
		result.Interrupted = true
	case limited.Err() != nil:
		result.TimedOut = true
	case errors.Is(err, exec.ErrWaitDelay):
		result.Err = nil // the tool ended well; a child of it held the pipe
	}
	return result
}

func grace(d time.Duration) time.Duration {
	if d == 0 {
		return 5 * time.Second
	}
	return d
}
