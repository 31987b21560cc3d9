package cli_test

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/cli"
	"keepgreen/internal/github/githubtest"
)

// TestHistoryFromGitHub: runs with all attempts, jobs by the rules for times, the
// tests of artifacts, what became of fixes, what was said; again, nothing is new.
func TestHistoryFromGitHub(t *testing.T) {
	fake := githubtest.New(t)
	repo := fake.Repo("octo/shop")
	repo.Commit("main", "one", map[string]string{"a": "1"})
	start := fake.Now().Add(-48 * time.Hour)
	job := func(attempt int, conclusion string, at time.Time) githubtest.Job {
		return githubtest.Job{Attempt: attempt, Name: "test", Status: "completed", Conclusion: conclusion, Created: at, Started: at.Add(20 * time.Second), Completed: at.Add(320 * time.Second), Runner: 7}
	}
	run := repo.AddRun(githubtest.Run{
		Event: "push", Attempt: 2, Conclusion: "success", Created: start, Started: start.Add(time.Hour), Updated: start.Add(2 * time.Hour),
		Jobs: []githubtest.Job{job(1, "failure", start), job(2, "success", start.Add(time.Hour))},
	})
	repo.AddArtifact(run, "junit", map[string]string{"junit.xml": `<testsuites><testsuite name="s" tests="1"><testcase classname="tests.test_a" name="test_b" time="0.5"/></testsuite></testsuites>`})
	repo.Commit("autofix-20260301-000000", "autofix: x", map[string]string{"a": "2"})
	pull := repo.Pull("autofix-20260301-000000", "autofix: x")
	comment := repo.AddComment(pull.Number, "keepgreen[bot]", "## 🤖 CI Feedback\n\nall green")
	repo.React(comment, "dev", "+1")
	repo.AddComment(pull.Number, "dev", "Wrong again, this is not the cause.")
	repo.AddComment(pull.Number, "dev", "/ci rate 4")
	repo.Merge(pull.Number)
	fake.Token("reader", githubtest.Person("octo"))

	dir := t.TempDir()
	assert.NilError(t, exec.Command("git", "init", "-q", "-b", "main", dir).Run())
	ran := func(args ...string) string {
		var out, errs bytes.Buffer
		status := cli.Main(context.Background(), cli.Process{
			Args: args, Stdout: &out, Stderr: &errs, Now: time.Now, Dir: dir,
			Env: cli.Environ(append(exec.Command("true").Environ(), "GITHUB_API_URL="+fake.URL, "GITHUB_TOKEN=reader", "GITHUB_ACTIONS=", "GITHUB_REPOSITORY=octo/shop")),
		})
		assert.Equal(t, status, 0, "%s%s", out.String(), errs.String())
		return out.String()
	}
	assert.Equal(t, ran("history", "import", "--github"), "imported 2 runs, 1 set of results, 1 fix, 3 voices\n")
	assert.Equal(t, ran("history", "import", "--github"), "imported 0 runs, 0 sets of results, 1 fix, 3 voices\n")
	lines := ran("history", "export", "-")
	for _, want := range []string{
		`"attempt":1,"workflow":"CI","ref_class":"main"`, `"status":"failure"`, `"build_s":320,"queue_s":20`, `"attempt":2`, `"test":"tests/test_a.py::test_b"`,
		`"unchanged":true`, `"said":"reaction","value":"+1"`, `"said":"reply","value":"dissatisfied"`, `"said":"survey","value":"4"`,
	} {
		assert.Assert(t, strings.Contains(lines, want), "%s\n%s", want, lines)
	}
	assert.Assert(t, !strings.Contains(lines, "dev"), "nobody is named: %s", lines)
	assert.Equal(t, len(fake.Writes()), 0)
}

// TestMetricsAskGitHub: in a workflow with a token the clock is GitHub's; without
// the right to ask, that is a note.
func TestMetricsAskGitHub(t *testing.T) {
	fake := githubtest.New(t)
	repo := fake.Repo("octo/shop")
	repo.Commit("main", "one", map[string]string{"a": "1"})
	start := fake.Now().Add(-time.Hour)
	repo.AddRun(githubtest.Run{
		ID: 4711, Event: "push", Status: "in_progress", Created: start, Started: start,
		Jobs: []githubtest.Job{
			{Name: "test", Status: "completed", Conclusion: "success", Created: start, Started: start.Add(15 * time.Second), Completed: start.Add(615 * time.Second), Runner: 7},
			{Name: "ci_metrics", Status: "in_progress", Created: start.Add(616 * time.Second), Started: start.Add(620 * time.Second), Runner: 8},
		},
	})
	fake.Token("workflow", githubtest.Workflow("contents:read", "actions:read"))
	for token, want := range map[string]string{"workflow": `"build_duration_s": 615`, "stolen": `"build_duration_s": null`} {
		var out, errs bytes.Buffer
		status := cli.Main(context.Background(), cli.Process{
			Args: []string{"metrics", "--no-history", "--format", "json"}, Stdout: &out, Stderr: &errs, Now: time.Now, Dir: t.TempDir(),
			Env: cli.Environ([]string{
				"GITHUB_API_URL=" + fake.URL, "GITHUB_TOKEN=" + token, "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=octo/shop", "GITHUB_RUN_ID=4711", "GITHUB_RUN_ATTEMPT=1",
				"GITHUB_EVENT_NAME=push", "GITHUB_REF_NAME=main", "PATH=/usr/bin:/bin",
			}),
		})
		assert.Equal(t, status, 0, errs.String())
		assert.Assert(t, strings.Contains(out.String(), want), "%s: %s", token, out.String())
		assert.Equal(t, strings.Contains(errs.String(), "GitHub was asked"), token == "stolen", errs.String())
	}
}
