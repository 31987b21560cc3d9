package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/cli"
	"keepgreen/internal/github/githubtest"
)

// ask runs doctor --online against the fake.
func ask(t *testing.T, fake *githubtest.Server, token string) map[string]map[string]string {
	t.Helper()
	dir := t.TempDir()
	assert.NilError(t, exec.Command("git", "init", "-q", "-b", "main", dir).Run())
	var out, errs bytes.Buffer
	cli.Main(context.Background(), cli.Process{
		Args: []string{"doctor", "--online", "--format", "json", "--repo", "octo/shop"}, Stdout: &out, Stderr: &errs, Now: time.Now, Dir: dir,
		Env: cli.Environ(append(exec.Command("true").Environ(), "GITHUB_API_URL="+fake.URL, "GITHUB_TOKEN="+token, "GITHUB_ACTIONS=")),
	})
	var document struct {
		Checks []map[string]string `json:"checks"`
	}
	assert.NilError(t, json.Unmarshal(out.Bytes(), &document), "%s%s", out.String(), errs.String())
	checks := map[string]map[string]string{}
	for _, c := range document.Checks {
		checks[c["name"]] = c
	}
	return checks
}

// TestDoctorAsksTheForge: every answer comes from GitHub's own description of
// its API, and nothing is written there.
func TestDoctorAsksTheForge(t *testing.T) {
	fake := githubtest.New(t)
	repo := fake.Repo("octo/shop")
	repo.ActionsOn, repo.MayOpenPulls = true, false
	repo.Secrets = []string{"AI_API_KEY"}
	repo.RuleChecks = []string{"lint"}
	repo.Workflows = []githubtest.WorkflowFile{{Name: "keepgreen", Path: ".github/workflows/keepgreen.yml", State: "disabled_inactivity"}}
	fake.Token("admin", githubtest.Person("octo"))
	checks := ask(t, fake, "admin")
	assert.Equal(t, checks["model"]["status"], "ok", checks["model"]["detail"])
	assert.Equal(t, checks["fixes"]["status"], "fail", checks["fixes"]["detail"])
	assert.Equal(t, checks["required check"]["status"], "warn")
	assert.Equal(t, checks["permissions"]["status"], "ok", checks["permissions"]["detail"])

	// What GITHUB_TOKEN may not read is unknown, and no failure.
	fake.Token("workflow", githubtest.Workflow("contents:read", "actions:read"))
	checks = ask(t, fake, "workflow")
	assert.Equal(t, checks["permissions"]["status"], "unknown", checks["permissions"]["detail"])
	checks = ask(t, fake, "stolen")
	assert.Equal(t, checks["permissions"]["status"], "unknown", checks["permissions"]["detail"])
	assert.Equal(t, len(fake.Writes()), 0)
}
