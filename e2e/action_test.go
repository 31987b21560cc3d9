//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"gotest.tools/v3/assert"
)

// TestActionRunsOneCommand runs the shell steps of action.yml as a runner does:
// each with its own environment, the path handed on through GITHUB_PATH.
func TestActionRunsOneCommand(t *testing.T) {
	source, err := os.ReadFile("../action.yml")
	assert.NilError(t, err)
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct {
			Steps []struct {
				Name, Shell, Run string
				Env              map[string]string
			}
		}
	}
	assert.NilError(t, yaml.Unmarshal(source, &action))
	root, err := filepath.Abs("..")
	assert.NilError(t, err)
	temp := t.TempDir()
	handed := filepath.Join(temp, "path")
	assert.NilError(t, os.WriteFile(handed, nil, 0o600))
	expand := strings.NewReplacer("${{ github.action_path }}", root, "${{ inputs.command }}", "triage red.log --format json")
	work := t.TempDir()
	assert.NilError(t, os.WriteFile(filepath.Join(work, "red.log"), []byte("=== FAILURES ===\n___ test_a ___\nE   NameError: name 'x' is not defined\n\ntest_a.py:2: NameError\n"), 0o600))
	var out []byte
	for _, step := range action.Runs.Steps {
		assert.Equal(t, step.Shell, "bash", step.Name)
		path, err := os.ReadFile(handed)
		assert.NilError(t, err)
		cmd := exec.CommandContext(t.Context(), "bash", "-c", step.Run)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_PATH="+handed,
			"PATH="+strings.ReplaceAll(string(path), "\n", ":")+os.Getenv("PATH"))
		for name, value := range step.Env {
			value = expand.Replace(value)
			assert.Assert(t, !strings.Contains(value, "${{"), "%s: %s is not known here", step.Name, value)
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.Stderr = t.Output()
		out, err = cmd.Output()
		assert.NilError(t, err, step.Name)
	}
	assert.Assert(t, strings.Contains(string(out), `"name_error"`), "%s", out)
}
