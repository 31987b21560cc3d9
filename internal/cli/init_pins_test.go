package cli_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/cli"
	"keepgreen/internal/github/githubtest"
	"keepgreen/internal/workflow"
)

// TestUpdatePins: of the same major version, old enough, and asked of GitHub.
func TestUpdatePins(t *testing.T) {
	fake := githubtest.New(t)
	now := fake.Now()
	fake.Token("t", githubtest.Person("octo"))
	for _, pin := range workflow.Pins() {
		fake.Repo(pin.Action).Releases = []githubtest.Release{{Tag: pin.Version, Published: now.AddDate(0, -6, 0)}}
	}
	release := func(action, tag string, age time.Duration) string {
		repo := fake.Repo(action)
		repo.Releases = []githubtest.Release{{Tag: tag, Published: now.Add(-age)}}
		return repo.Commit(tag, tag, map[string]string{"a": tag})
	}
	day := 24 * time.Hour
	taken := release("actions/checkout", "v7.4.0", 30*day)
	young := release("actions/setup-python", "v7.9.0", 2*day)
	other := release("actions/upload-artifact", "v8.0.0", 30*day)

	dir := t.TempDir()
	assert.NilError(t, exec.Command("git", "init", "-q", "-b", "main", dir).Run())
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "test_a.py"), []byte("def test_a():\n    pass\n"), 0o600))
	do := func(args ...string) string {
		var out, errs bytes.Buffer
		status := cli.Main(context.Background(), cli.Process{
			Args: append([]string{"init", "--force"}, args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: func() time.Time { return now }, Dir: dir,
			Env: cli.Environ(append(os.Environ(), "GITHUB_API_URL="+fake.URL, "GITHUB_TOKEN=t", "GITHUB_REPOSITORY=")),
		})
		assert.Equal(t, status, 0, errs.String())
		return errs.String()
	}
	said := do("--update-pins")
	assert.Assert(t, strings.Contains(said, "actions/checkout v7.0.1 → v7.4.0"), said)
	assert.Assert(t, strings.Contains(said, "actions/setup-python v7.9.0 is 2 days old and stays aside until it is 7 days"), said)
	assert.Assert(t, strings.Contains(said, "actions/upload-artifact has v8.0.0"), said)
	text := func() string {
		data, err := os.ReadFile(filepath.Join(dir, ".github/workflows/keepgreen.yml"))
		assert.NilError(t, err)
		return string(data)
	}
	assert.Assert(t, strings.Contains(text(), "actions/checkout@"+taken+" # v7.4.0"))
	assert.Assert(t, !strings.Contains(text(), young) && !strings.Contains(text(), other))

	// It stays when init runs again, without asking anybody.
	before, asked := text(), len(fake.Requests())
	do()
	assert.Equal(t, text(), before)
	assert.Equal(t, len(fake.Requests()), asked)

	// With a shorter age the young one is taken, too.
	do("--update-pins", "--min-age", "24h")
	assert.Assert(t, strings.Contains(text(), young))
	assert.Equal(t, len(fake.Writes()), 0)
}
