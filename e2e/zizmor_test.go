//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"
)

// TestZizmorFindsNothing audits the action and every golden workflow with the
// pedantic profile. The exceptions stand beside what they excuse, with their
// reason: workflow/yaml.go (self-repository) and action.yml (github-env).
func TestZizmorFindsNothing(t *testing.T) {
	files, err := filepath.Glob("../internal/workflow/testdata/golden/*.yml")
	assert.NilError(t, err)
	assert.Assert(t, len(files) >= 8)
	zizmor := filepath.Join(filepath.Dir(python(t)), "zizmor")
	cmd := exec.CommandContext(t.Context(), zizmor, append([]string{"--offline", "--persona", "pedantic", "--no-progress", "../action.yml"}, files...)...)
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, "%s", out)
}
