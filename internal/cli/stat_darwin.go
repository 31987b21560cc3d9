package cli

import (
	"io/fs"
	"syscall"
	"time"
)

// inodeOf is a file's inode and when that last changed.
func inodeOf(info fs.FileInfo) (uint64, time.Time, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, time.Time{}, false
	}
	return s.Ino, time.Unix(s.Ctimespec.Sec, s.Ctimespec.Nsec), true
}
