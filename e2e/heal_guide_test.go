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

// TestTheGuidesScenario: tests fail with a NameError for want of an import in the
// bundled example; the repair is proposed, holds with the real pytest, and is sure
// enough to be published. The example's other fault has no mechanical repair.
func TestTheGuidesScenario(t *testing.T) {
	p := kvHygiene(t)
	pytest := exec.Command(python(t), "-B", "-m", "pytest", "-p", "no:cacheprovider")
	pytest.Dir = p.dir
	log, _ := pytest.CombinedOutput() // a red exit status is the point
	assert.NilError(t, os.WriteFile(filepath.Join(p.dir, "pytest.log"), log, 0o644))
	_, stderr, status := p.keepgreen("triage", "pytest.log")
	assert.Equal(t, status, 0, stderr)
	stdout, stderr, status := p.keepgreen("fix", "propose", "--format", "json", "--python", python(t))
	assert.Equal(t, status, 0, stderr)
	var doc struct {
		Proposals []struct {
			ID, Kind, Description string
			Confidence            float64
		}
	}
	assert.NilError(t, json.Unmarshal([]byte(stdout), &doc))
	assert.Assert(t, len(doc.Proposals) > 0, stdout)
	best := doc.Proposals[0]
	assert.Equal(t, best.Kind, "missing-import")
	assert.Equal(t, best.Description, "Add missing CacheTracer import")
	assert.Check(t, best.Confidence > 0.9)
	stdout, stderr, status = p.keepgreen("fix", "verify", "--format", "json", "--python", python(t), "--patch", ".keepgreen/fixes/"+best.ID+".patch")
	assert.Equal(t, status, 0, "%s\n%s", stdout, stderr)
	var verdict struct {
		Verified, Reproduced, Publish bool
		Reruns                        int
		Confidence                    float64
	}
	assert.NilError(t, json.Unmarshal([]byte(stdout), &verdict))
	assert.Check(t, verdict.Verified && verdict.Reproduced && verdict.Publish && verdict.Reruns == 3 && verdict.Confidence > 0.9, stdout)
	assert.Equal(t, p.git("status", "--porcelain", "--", "tools", "tests"), "")
}
