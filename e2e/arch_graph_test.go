//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"
)

// TestSARIFOfRuff merges what the real ruff writes.
func TestSARIFOfRuff(t *testing.T) {
	p := newProject(t, map[string]string{"app/__init__.py": "", "app/bad.py": "import os\nimport sys\n", "app/good.py": "x = 1\n"})
	cmd := exec.Command(filepath.Join(filepath.Dir(python(t)), "ruff"), "check", "--output-format", "sarif", "--exit-zero", "--no-cache", ".")
	cmd.Dir = p.dir
	out, err := cmd.Output()
	assert.NilError(t, err)
	file := filepath.Join(t.TempDir(), "ruff.sarif")
	assert.NilError(t, os.WriteFile(file, out, 0o644))
	stdout, stderr, status := p.keepgreen("arch", "--format", "json", "--sarif", file)
	assert.Equal(t, status, 0, stderr)
	var doc struct {
		Findings []struct {
			File string
			List []struct{ Tool, Rule string }
		}
	}
	assert.NilError(t, json.Unmarshal([]byte(stdout), &doc))
	assert.Equal(t, len(doc.Findings), 1)
	assert.Equal(t, doc.Findings[0].File, "app/bad.py")
	assert.Equal(t, len(doc.Findings[0].List), 2)
	assert.Equal(t, doc.Findings[0].List[0].Rule, "F401")
}
