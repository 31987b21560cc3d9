//go:build !unix

package runner

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: there are no process groups here, only the tool itself
// is ended.
func ownGroup(*exec.Cmd) {}

func endGroup(p *os.Process, _ bool) error { return p.Kill() }

func signalName(*os.ProcessState) string { return "" }
