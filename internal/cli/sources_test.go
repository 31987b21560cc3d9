package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// TestStatsTellFilesApart: a file that was replaced by another one of the same
// size and date is another file, and one that was just written is not told.
func TestStatsTellFilesApart(t *testing.T) {
	dir := t.TempDir()
	name, other := filepath.Join(dir, "a.py"), filepath.Join(dir, "b.py")
	day := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for path, text := range map[string]string{name: "x = 1\n", other: "x = 2\n"} {
		assert.NilError(t, os.WriteFile(path, []byte(text), 0o644))
		assert.NilError(t, os.Chtimes(path, day, day))
	}
	info, err := os.Lstat(name)
	assert.NilError(t, err)
	if _, _, known := inodeOf(info); !known {
		t.Skip("nothing is known of inodes here")
	}
	_, sure := statID("a.py", info, time.Now())
	assert.Assert(t, !sure, "it was written a moment ago")
	later := time.Now().Add(time.Minute)
	before, sure := statID("a.py", info, later)
	assert.Assert(t, sure)
	assert.NilError(t, os.Rename(other, name))
	info, err = os.Lstat(name)
	assert.NilError(t, err)
	after, sure := statID("a.py", info, later)
	assert.Assert(t, sure)
	assert.Assert(t, before != after)
}
