//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// TestNewcomer runs the five commands of the README's first block "sh newcomer"
// as somebody would who has a repository and never edits YAML, and says how long
// each took.
func TestNewcomer(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	assert.NilError(t, err)
	block := regexp.MustCompile("(?s)```sh newcomer\n(.*?)```").FindSubmatch(readme)
	assert.Assert(t, block != nil, "the README has no block \"sh newcomer\"")
	commands := strings.Split(strings.TrimSpace(string(block[1])), "\n")
	assert.Equal(t, len(commands), 5)

	p := kvHygiene(t)
	root, err := filepath.Abs("..")
	assert.NilError(t, err)
	bin := t.TempDir()
	total := time.Duration(0)
	for i, line := range commands {
		command, _, _ := strings.Cut(line, "#")
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		if cmd.Dir = p.dir; i == 0 {
			cmd.Dir = root // the checkout
		}
		cmd.Env = append(os.Environ(), "GOBIN="+bin, "PATH="+bin+string(filepath.ListSeparator)+filepath.Dir(python(t))+string(filepath.ListSeparator)+os.Getenv("PATH"), "AI_API_KEY=", "GITHUB_ACTIONS=")
		start := time.Now()
		out, err := cmd.CombinedOutput()
		took := time.Since(start)
		total += took
		t.Logf("%6.1f s  %s", took.Seconds(), strings.TrimSpace(command))
		if status := cmd.ProcessState.ExitCode(); status > 1 {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		assert.Assert(t, len(out) > 0 || i == 0)
		if i == len(commands)-1 {
			assert.Assert(t, strings.Contains(string(out), "## 🤖 CI Feedback"), "%s", out)
			assert.Assert(t, strings.Contains(string(out), "CacheTracer"), "%s", out)
		}
	}
	t.Logf("%6.1f s  in all", total.Seconds())
}
