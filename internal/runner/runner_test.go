//go:build unix

package runner_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/runner"
)

func sh(script string, log *bytes.Buffer) runner.Command {
	c := runner.Command{Args: []string{"/bin/sh", "-c", script}, Grace: 200 * time.Millisecond}
	if log != nil {
		c.Log = log
	}
	return c
}

func TestExitCodeAndBothStreamsAreKept(t *testing.T) {
	var log bytes.Buffer
	r := runner.Run(context.Background(), sh("echo out; echo err >&2; exit 7", &log), time.Now)
	assert.Equal(t, r.ExitCode, 7)
	assert.Equal(t, log.String(), "out\nerr\n")
	assert.Assert(t, !r.TimedOut && !r.Interrupted && !r.NotStarted)
}

func TestAToolThatIsNotThere(t *testing.T) {
	r := runner.Run(context.Background(), runner.Command{Args: []string{"/does/not/exist"}}, time.Now)
	assert.Assert(t, r.NotStarted)
	assert.Equal(t, r.ExitCode, -1)
	assert.ErrorIs(t, r.Err, os.ErrNotExist)
}

func TestASignalIsNamed(t *testing.T) {
	r := runner.Run(context.Background(), sh("kill -SEGV $$", nil), time.Now)
	assert.Equal(t, r.Signal, "segmentation fault")
	assert.Equal(t, r.ExitCode, -1)
}

// A tool that ignores the polite signal and has children is ended whole.
func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	c := sh("trap '' TERM; sleep 300 & echo $! > "+pidFile+"; wait; wait; sleep 300", nil)
	c.Timeout = 300 * time.Millisecond
	r := runner.Run(context.Background(), c, time.Now)
	assert.Assert(t, r.TimedOut)
	assertGone(t, pidFile)
}

func TestCancelIsAnInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	pidFile := filepath.Join(t.TempDir(), "pid")
	go func() {
		for {
			if _, err := os.Stat(pidFile); err == nil {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	r := runner.Run(ctx, sh("sleep 300 & echo $! > "+pidFile+".tmp; mv "+pidFile+".tmp "+pidFile+"; wait", nil), time.Now)
	assert.Assert(t, r.Interrupted)
	assertGone(t, pidFile)
}

// A background child that keeps the pipe open does not keep the run waiting,
// and does not outlive it.
func TestAChildLeftBehindIsEnded(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	r := runner.Run(context.Background(), sh("sleep 300 & echo $! > "+pidFile, nil), time.Now)
	assert.Equal(t, r.ExitCode, 0)
	assert.NilError(t, r.Err)
	assertGone(t, pidFile)
}

type fullDisk struct{ left int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestAFullDiskDoesNotDisturbTheTool(t *testing.T) {
	c := sh("i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 3", nil)
	c.Log = &fullDisk{left: 1000}
	r := runner.Run(context.Background(), c, time.Now)
	assert.Equal(t, r.ExitCode, 3)
	assert.ErrorContains(t, r.LogErr, "no space left")
}

// assertGone waits for the process in the file to end; a zombie counts as ended.
func assertGone(t *testing.T, pidFile string) {
	t.Helper()
	data, err := os.ReadFile(pidFile)
	assert.NilError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	assert.NilError(t, err)
	for range 400 {
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("process %d is still there", pid)
}
