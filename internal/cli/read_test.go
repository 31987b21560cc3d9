package cli

import (
	"testing"

	"gotest.tools/v3/assert"
)

// TestBelowIsThatFolderAlone: a folder whose name only begins alike is another.
func TestBelowIsThatFolderAlone(t *testing.T) {
	names := []string{"pkg/a.go", "pkg/sub/b.go", "pkgother/c.go", "d.go"}
	assert.DeepEqual(t, below(names, "pkg"), []string{"a.go", "sub/b.go"})
	assert.DeepEqual(t, below(names, ""), names)
}
