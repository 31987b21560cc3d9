//go:build e2e

package e2e

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"gotest.tools/v3/assert"
)

// runner is what a step of the action finds on a machine of the forge.
type runner struct {
	action string            // the action's folder
	inputs map[string]string // beside the defaults
	path   string            // of the machine
	temp   string
	dir    string
	handed string // GITHUB_PATH
}

func newRunner(t *testing.T, action string) *runner {
	t.Helper()
	temp := t.TempDir()
	r := &runner{action: action, inputs: map[string]string{}, path: os.Getenv("PATH"), temp: temp, dir: t.TempDir(), handed: filepath.Join(temp, "path")}
	assert.NilError(t, os.WriteFile(r.handed, nil, 0o600))
	return r
}

// run runs the steps of action.yml as a runner does: each with its own
// environment, the path handed on through GITHUB_PATH.
func (r *runner) run(t *testing.T) (string, error) {
	t.Helper()
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
	pairs := []string{
		"${{ github.action_path }}", r.action, "${{ github.action_ref }}", "", "${{ github.action_repository }}", "",
		"${{ github.server_url }}", "https://forge.invalid", "${{ github.token }}", "",
	}
	for name, input := range action.Inputs {
		value, given := r.inputs[name]
		if !given {
			value = input.Default
		}
		pairs = append(pairs, "${{ inputs."+name+" }}", value)
	}
	expand := strings.NewReplacer(pairs...)
	all := ""
	for _, step := range action.Runs.Steps {
		assert.Equal(t, step.Shell, "bash", step.Name)
		added, err := os.ReadFile(r.handed)
		assert.NilError(t, err)
		cmd := exec.CommandContext(t.Context(), "bash", "-c", step.Run)
		cmd.Dir = r.dir
		cmd.Env = append(os.Environ(), "RUNNER_TEMP="+r.temp, "GITHUB_PATH="+r.handed, "RUNNER_OS=Linux",
			"PATH="+strings.ReplaceAll(string(added), "\n", ":")+r.path)
		for name, value := range step.Env {
			value = expand.Replace(value)
			assert.Assert(t, !strings.Contains(value, "${{"), "%s: %s is not known here", step.Name, value)
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
		all += string(out)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func TestActionBuildsItsOwnSource(t *testing.T) {
	root, err := filepath.Abs("..")
	assert.NilError(t, err)
	r := newRunner(t, root)
	r.inputs["command"] = "triage red.log --format json"
	assert.NilError(t, os.WriteFile(filepath.Join(r.dir, "red.log"), []byte("=== FAILURES ===\n___ test_a ___\nE   NameError: name 'x' is not defined\n\ntest_a.py:2: NameError\n"), 0o600))
	out, err := r.run(t)
	assert.NilError(t, err)
	assert.Assert(t, strings.Contains(out, `"name_error"`), "%s", out)
}

// release is a directory with one archive, as GoReleaser names and packs it.
func release(t *testing.T) (dir, archive string) {
	t.Helper()
	dir = t.TempDir()
	archive = "keepgreen_linux_" + runtime.GOARCH + ".tar.gz"
	script := []byte("#!/bin/sh\necho \"released $*\"\n")
	file, err := os.Create(filepath.Join(dir, archive))
	assert.NilError(t, err)
	zipped := gzip.NewWriter(file)
	packed := tar.NewWriter(zipped)
	assert.NilError(t, packed.WriteHeader(&tar.Header{Name: "keepgreen", Mode: 0o755, Size: int64(len(script))}))
	_, err = packed.Write(script)
	assert.NilError(t, err)
	assert.NilError(t, packed.Close())
	assert.NilError(t, zipped.Close())
	assert.NilError(t, file.Close())
	data, err := os.ReadFile(filepath.Join(dir, archive))
	assert.NilError(t, err)
	sums := fmt.Sprintf("%x  another.zip\n%x  %s\n", sha256.Sum256(nil), sha256.Sum256(data), archive)
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "checksums.txt"), []byte(sums), 0o600))
	return dir, archive
}

func TestActionVerifiesARelease(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the release of this test is for Linux")
	}
	for _, tt := range []struct {
		name, says string
		change     func(t *testing.T, dir, archive string, r *runner)
	}{
		{name: "what the checksums say is installed and runs", says: "released version"},
		{name: "an archive that was changed is refused", says: "has the SHA-256", change: func(t *testing.T, dir, archive string, _ *runner) {
			file, err := os.OpenFile(filepath.Join(dir, archive), os.O_APPEND|os.O_WRONLY, 0)
			assert.NilError(t, err)
			_, err = file.WriteString("x")
			assert.NilError(t, err)
			assert.NilError(t, file.Close())
		}},
		{name: "an archive that the checksums do not name is refused", says: "one in checksums.txt", change: func(t *testing.T, dir, _ string, _ *runner) {
			assert.NilError(t, os.WriteFile(filepath.Join(dir, "checksums.txt"), nil, 0o600))
		}},
		{name: "a checksum that was given comes before", says: "should have 00", change: func(_ *testing.T, _, _ string, r *runner) { r.inputs["checksum"] = "00" }},
		{name: "no checksums, no installation", says: "checksums.txt cannot be had", change: func(t *testing.T, dir, _ string, _ *runner) {
			assert.NilError(t, os.Remove(filepath.Join(dir, "checksums.txt")))
		}},
		{name: "a release that is not there is said", says: "cannot be had", change: func(_ *testing.T, _, _ string, r *runner) { r.inputs["version"] = "v9.9.9" }},
		{name: "plain http is refused", says: "by https only", change: func(_ *testing.T, _, _ string, r *runner) { r.inputs["releases"] = "http://forge.invalid/" }},
		{name: "provenance that cannot be verified is refused", says: "provenance|was not built by", change: func(_ *testing.T, _, _ string, r *runner) { r.inputs["provenance"] = "octo/keepgreen" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, archive := release(t)
			r := newRunner(t, t.TempDir())
			r.inputs["releases"], r.inputs["command"] = dir, "version"
			if tt.change != nil {
				tt.change(t, dir, archive, r)
			}
			out, err := r.run(t)
			assert.Equal(t, err != nil, tt.change != nil, "%s", out)
			assert.Assert(t, says(out, tt.says), "%s", out)
		})
	}
}

func says(out, words string) bool {
	for word := range strings.SplitSeq(words, "|") {
		if strings.Contains(out, word) {
			return true
		}
	}
	return false
}

func TestActionSaysWhatIsMissing(t *testing.T) {
	r := newRunner(t, t.TempDir())
	r.path = "/usr/bin:/bin"
	out, err := r.run(t)
	assert.ErrorContains(t, err, "exit status 3")
	assert.Assert(t, strings.Contains(out, "KEEPGREEN_RELEASES"), "%s", out)
}
