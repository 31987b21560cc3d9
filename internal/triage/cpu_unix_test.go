//go:build unix

package triage_test

import (
	"syscall"
	"time"
)

// cpu is the time that this process has computed so far: what a benchmark costs
// on a machine that does other things besides.
func cpu() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
