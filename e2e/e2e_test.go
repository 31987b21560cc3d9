//go:build e2e

// Package e2e runs the built program against the real tools: pytest, coverage,
// ruff, black, mypy, flake8, git and Chromium. "make e2e" sets them up.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// python is the interpreter that has the tools.
func python(t *testing.T) string {
	t.Helper()
	exe := os.Getenv("KEEPGREEN_E2E_PYTHON")
	if exe == "" {
		t.Fatal("KEEPGREEN_E2E_PYTHON names no interpreter; make e2e sets it")
	}
	return exe
}

// project is a scratch copy of an example under git.
type project struct {
	t   *testing.T
	dir string
}

func newProject(t *testing.T, files map[string]string) project {
	t.Helper()
	p := project{t, t.TempDir()}
	p.write(files)
	p.git("init", "-q", "-b", "main")
	p.commit("one")
	return p
}

// kvHygiene is a scratch copy of the bundled example.
func kvHygiene(t *testing.T) project {
	t.Helper()
	p := project{t, t.TempDir()}
	out, err := exec.Command("git", "-C", "..", "ls-files", "examples/kv-hygiene").Output()
	assert.NilError(t, err)
	for name := range strings.FieldsSeq(string(out)) {
		data, err := os.ReadFile(filepath.Join("..", name))
		assert.NilError(t, err)
		p.write(map[string]string{strings.TrimPrefix(name, "examples/kv-hygiene/"): string(data)})
	}
	p.git("init", "-q", "-b", "main")
	p.commit("the example as it is")
	return p
}

func (p project) write(files map[string]string) {
	p.t.Helper()
	for name, content := range files {
		path := filepath.Join(p.dir, name)
		assert.NilError(p.t, os.MkdirAll(filepath.Dir(path), 0o755))
		assert.NilError(p.t, os.WriteFile(path, []byte(content), 0o644))
	}
}

func (p project) git(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	assert.NilError(p.t, err, string(out))
	return string(out)
}

func (p project) commit(message string) {
	p.t.Helper()
	p.git("add", "-A")
	p.git("commit", "-q", "-m", message)
}

// keepgreen runs the built program in the project.
func (p project) keepgreen(args ...string) (stdout, stderr string, status int) {
	p.t.Helper()
	binary, err := filepath.Abs("../keepgreen")
	assert.NilError(p.t, err)
	cmd := exec.Command(binary, args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GITHUB_ACTIONS=", "CI=", "AI_API_KEY=", "NO_COLOR=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// answer is what the tests look at of the JSON document of "run".
type answer struct {
	Tests    struct{ Total, Passed, Failed, Skipped int }
	Clusters []struct {
		ID, Type, Kind string
		Count          int
		RootCause      string `json:"root_cause"`
		Files, Members []string
	}
	Gate struct {
		Pass      bool
		Verdict   string
		Decisions []struct {
			Gate, Verdict string
			Because       []string
		}
	}
	Coverage *struct {
		Pct float64 `json:"pct"`
	}
	Failures []struct {
		ID, Kind, Message, File, Cluster string
		Line                             int
	}
	Comparison *struct {
		New     []string `json:"new_failures"`
		Fixed   []string
		Still   []struct{ ID string } `json:"still_failing"`
		Flipped []struct{ ID string }
	}
	Jobs []struct{ Tool, Status, Version string }
}

// gate is the verdict of one gate; empty: the repository has no such gate.
func (a answer) gate(name string) string {
	for _, d := range a.Gate.Decisions {
		if d.Gate == name {
			return d.Verdict
		}
	}
	return ""
}

func (p project) run(args ...string) (answer, int) {
	p.t.Helper()
	stdout, stderr, status := p.keepgreen(append([]string{"run", "--format", "json", "--python", python(p.t)}, args...)...)
	var a answer
	assert.NilError(p.t, json.Unmarshal([]byte(stdout), &a), "standard output is one JSON document:\n%s\n%s", stdout, stderr)
	return a, status
}
