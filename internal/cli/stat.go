package cli

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"time"

	"keepgreen/internal/source"
)

// settled is how old a file's times must be before they say anything: a file
// that was written within the clock's step of being read may be written again
// with the same times.
const settled = 2 * time.Second

// statID is a digest of what the file system says of a file; false: that does
// not tell its content. The time of the last change of the inode is in it, which
// programs cannot set: of a file that was replaced by another one of the same
// size and date it still tells.
func statID(name string, info fs.FileInfo, now time.Time) (source.StatID, bool) {
	inode, changed, ok := inodeOf(info)
	if !ok || now.Sub(info.ModTime()) < settled || now.Sub(changed) < settled {
		return source.StatID{}, false
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d %d %d %d", name, info.Size(), info.ModTime().UnixNano(), changed.UnixNano(), inode))
	return source.StatID(sum[:len(source.StatID{})]), true
}
