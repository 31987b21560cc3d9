//go:build unix

package runner

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup makes the tool the leader of a process group, so that it can be
// ended together with everything that it started.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup asks the group to end, or kills it.
func endGroup(p *os.Process, kill bool) error {
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	return syscall.Kill(-p.Pid, signal)
}

func signalName(state *os.ProcessState) string {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal().String()
	}
	return ""
}
