//go:build e2e && heavy

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/github/githubtest"
	"keepgreen/internal/workflow"
)

// actVersion runs jobs on this machine, without containers.
const actVersion = "v0.2.89"

// act is the runner, built once at its pinned version.
func act(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../.keepgreen/tools/act-" + actVersion)
	assert.NilError(t, err)
	exe := filepath.Join(dir, "act")
	if _, err := os.Stat(exe); err == nil {
		return exe
	}
	cmd := exec.CommandContext(t.Context(), "go", "install", "github.com/nektos/act@"+actVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("act cannot be built here: %v\n%s", err, out)
	}
	return exe
}

// standIns are what takes the place of an action here. Those of checkout, setup
// and artifacts do their work; the scanners hand out recorded reports; the rest
// does nothing, and notRun says what that leaves unproven.
var standIns = map[string]string{
	"actions/setup-python":      `echo "$STANDIN_PYTHON" >> "$GITHUB_PATH"`,
	"actions/upload-artifact":   `python3 "$STANDIN_HOME/artifact.py" upload`,
	"actions/download-artifact": `python3 "$STANDIN_HOME/artifact.py" download`,
	"anchore/sbom-action/download-syft": `printf '#!/bin/sh\nfor a; do case $a in *-json=*) echo "{}" > "${a#*=}";; esac; done\n' > "$RUNNER_TEMP/syft"
chmod +x "$RUNNER_TEMP/syft"
echo "cmd=$RUNNER_TEMP/syft" >> "$GITHUB_OUTPUT"`,
	"anchore/scan-action":       `cp "$STANDIN_HOME/grype.json" "$IN_OUTPUT_FILE"`,
	"aquasecurity/trivy-action": `cp "$STANDIN_HOME/trivy.json" "$IN_OUTPUT"`,
}

// notRun are the actions whose work is not done here: they need an engine, a
// registry, a key server or a database of the world outside. What is checked of
// them is their inputs, their pins and the shape of their jobs.
var notRun = []string{
	"actions/attest", "actions/cache", "actions/cache/restore", "actions/cache/save", "actions/checkout", "actions/setup-go", "actions/setup-node", "anchore/sbom-action",
	"astral-sh/setup-uv", "docker/build-push-action", "docker/login-action", "docker/metadata-action", "docker/setup-buildx-action", "docker/setup-qemu-action",
	"github/codeql-action/analyze", "github/codeql-action/init", "github/codeql-action/upload-sarif", "sigstore/cosign-installer",
}

// forge is a repository whose workflow act runs.
type forge struct {
	t     *testing.T
	dir   string
	store string // artifacts
	home  string
	args  []string
	bare  string // the remote
}

// newForge copies the example, writes its pipeline, and commits.
func newForge(t *testing.T, edit func(dir string)) *forge {
	t.Helper()
	top := t.TempDir()
	f := &forge{t: t, dir: filepath.Join(top, "shop"), store: filepath.Join(top, "artifacts"), home: filepath.Join(top, "home"), bare: filepath.Join(top, "origin.git")}
	for _, dir := range []string{f.store, f.home} {
		assert.NilError(t, os.MkdirAll(dir, 0o755))
	}
	assert.NilError(t, os.CopyFS(f.dir, os.DirFS("../examples/kv-hygiene")))
	for _, junk := range []string{".venv", ".keepgreen", "keepgreen-report.html"} {
		assert.NilError(t, os.RemoveAll(filepath.Join(f.dir, junk)))
	}
	for name, from := range map[string]string{"artifact.py": "testdata/artifact.py", "grype.json": "../testdata/docs/scans/grype.json", "trivy.json": "../testdata/docs/scans/trivy.json"} {
		data, err := os.ReadFile(from)
		assert.NilError(t, err)
		assert.NilError(t, os.WriteFile(filepath.Join(f.home, name), data, 0o600))
	}
	// act says for itself where GitHub's API is; the program is told otherwise.
	wrapper := "#!/bin/sh\n[ -z \"$STANDIN_API\" ] || { export GITHUB_API_URL=\"$STANDIN_API\"; unset GITHUB_GRAPHQL_URL; }\nexec '" + keepgreenExe(t) + "' \"$@\"\n"
	assert.NilError(t, os.MkdirAll(filepath.Join(f.home, "bin"), 0o755))
	assert.NilError(t, os.WriteFile(filepath.Join(f.home, "bin", "keepgreen"), []byte(wrapper), 0o755))
	f.place()
	if edit != nil {
		edit(f.dir)
	}
	f.git("init", "-q", "-b", "main")
	f.git("config", "user.email", "ci@example.com")
	f.git("config", "user.name", "ci")
	f.git("add", ".")
	f.git("commit", "-qm", "one")
	f.must(exec.CommandContext(t.Context(), keepgreenExe(t), "init", "-C", f.dir))
	f.git("add", ".")
	f.git("commit", "-qm", "keepgreen init")
	f.must(exec.CommandContext(t.Context(), "git", "clone", "-q", "--bare", f.dir, f.bare))
	// act takes a checkout of the repository itself for the work tree that it
	// copied, where the remote's name says so; run leads git to the folder.
	f.git("remote", "add", "origin", "https://github.com/octo/shop")
	return f
}

func keepgreenExe(t *testing.T) string {
	exe, err := filepath.Abs("../keepgreen")
	assert.NilError(t, err)
	return exe
}

// place writes a stand-in for every action that a workflow may use.
func (f *forge) place() {
	for _, pin := range workflow.Pins() {
		at := filepath.Join(f.home, strings.ReplaceAll(pin.Action, "/", "-"))
		f.args = append(f.args, "--local-repository", pin.Action+"@"+pin.SHA+"="+at)
		for folder, face := range pin.Uses {
			name := strings.TrimSuffix(pin.Action+"/"+folder, "/")
			run, known := standIns[name]
			if !known {
				assert.Assert(f.t, slices.Contains(notRun, name), "%s has neither a stand-in nor a place in the list of what is not run", name)
				run = "true"
			}
			assert.NilError(f.t, os.MkdirAll(filepath.Join(at, folder), 0o755))
			assert.NilError(f.t, os.WriteFile(filepath.Join(at, folder, "action.yml"), []byte(composite(run, face)), 0o600))
		}
	}
}

func composite(run string, face workflow.Face) string {
	var b strings.Builder
	fmt.Fprint(&b, "name: stand-in\ninputs:\n")
	for _, name := range face.Inputs {
		fmt.Fprintf(&b, "  %s: {default: \"\"}\n", name)
	}
	fmt.Fprint(&b, "outputs:\n  cmd: {value: \"${{ steps.run.outputs.cmd }}\"}\nruns:\n  using: composite\n  steps:\n    - id: run\n      shell: bash\n      env:\n")
	for _, name := range face.Inputs {
		fmt.Fprintf(&b, "        IN_%s: ${{ inputs.%s }}\n", strings.ToUpper(strings.ReplaceAll(name, "-", "_")), name)
	}
	fmt.Fprint(&b, "      run: |\n")
	for line := range strings.SplitSeq(run, "\n") {
		fmt.Fprintf(&b, "        %s\n", line)
	}
	return b.String()
}

func (f *forge) git(args ...string) string {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), "git", args...)
	cmd.Dir = f.dir
	return f.must(cmd)
}

func (f *forge) must(cmd *exec.Cmd) string {
	f.t.Helper()
	out, err := cmd.CombinedOutput()
	assert.NilError(f.t, err, "%s: %s", cmd, out)
	return string(out)
}

// run lets act run the workflow for an event, and returns how each job ended.
func (f *forge) run(event string, payload map[string]any, env ...string) (jobs map[string]string, log string) {
	f.t.Helper()
	assert.NilError(f.t, os.RemoveAll(f.store))
	assert.NilError(f.t, os.MkdirAll(f.store, 0o755))
	data, err := json.Marshal(payload)
	assert.NilError(f.t, err)
	file := filepath.Join(f.home, "event.json")
	assert.NilError(f.t, os.WriteFile(file, data, 0o600))
	args := append([]string{event, "-e", file, "--no-cache-server", "--action-offline-mode", "--pull=false", "--json", "-s", "GITHUB_TOKEN=dummy"}, f.args...)
	for _, label := range []string{"ubuntu-24.04", "ubuntu-latest"} {
		args = append(args, "-P", label+"=-self-hosted")
	}
	for _, pair := range env {
		args = append(args, "--env", pair)
	}
	cmd := exec.CommandContext(f.t.Context(), act(f.t), args...)
	cmd.Dir = f.dir
	cmd.Env = append(os.Environ(), "HOME="+f.home, "XDG_CACHE_HOME="+filepath.Join(f.home, "cache"), "STANDIN_HOME="+f.home, "STANDIN_ARTIFACTS="+f.store,
		"STANDIN_PYTHON="+filepath.Dir(python(f.t)), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+f.bare+".insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/octo/shop",
		"PATH="+filepath.Join(f.home, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, _ := cmd.CombinedOutput() // a red job is part of many of these
	jobs = map[string]string{}
	for line := range strings.Lines(string(out)) {
		var row struct{ Msg, JobID, JobResult string }
		if json.Unmarshal([]byte(line), &row) == nil {
			log += row.JobID + ": " + strings.TrimRight(row.Msg, "\n") + "\n"
			if row.JobResult != "" && (jobs[row.JobID] == "" || row.JobResult != "success") {
				jobs[row.JobID] = row.JobResult
			}
		} else {
			log += line
		}
	}
	return jobs, log
}

// artifact is a file that a job handed on.
func (f *forge) artifact(path string) string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.store, filepath.FromSlash(path)))
	assert.NilError(f.t, err)
	return string(data)
}

func pushTo(branch string) map[string]any {
	return map[string]any{"ref": "refs/heads/" + branch, "repository": map[string]any{"full_name": "octo/shop", "default_branch": "main"}}
}

func pullOf(head string) map[string]any {
	return map[string]any{
		"number": 7,
		"pull_request": map[string]any{
			"number": 7, "head": map[string]any{"ref": "topic", "repo": map[string]any{"full_name": head, "fork": head != "octo/shop"}},
			"base": map[string]any{"ref": "main", "repo": map[string]any{"full_name": "octo/shop"}},
		},
		"repository": map[string]any{"full_name": "octo/shop", "default_branch": "main"},
	}
}

// mend makes the example green: what is wrong with it on purpose is taken out.
func mend(t *testing.T) func(dir string) {
	return func(dir string) {
		edit(t, filepath.Join(dir, "tools/isolation.py"), func(s string) string {
			return strings.Replace(s, "\nfrom tools", "\nfrom tools.cache_tracer import CacheTracer\nfrom tools", 1)
		})
		edit(t, filepath.Join(dir, "tests/test_eviction.py"), without("test_one_region_in_nine_left_dirty"))
		edit(t, filepath.Join(dir, "tests/test_sanitize_pool.py"), without("test_requests_that_end_at_any_time_are_accounted_for"))
		edit(t, filepath.Join(dir, "pyproject.toml"), func(s string) string { s, _, _ = strings.Cut(s, "[tool.mypy]"); return s })
		edit(t, filepath.Join(dir, "requirements-dev.txt"), func(s string) string { return strings.Replace(s, "mypy==2.4.1\n", "", 1) })
		for _, args := range [][]string{{"ruff", "check", "-q", "--fix", "--unsafe-fixes", "."}, {"black", "-q", "."}} {
			cmd := exec.CommandContext(t.Context(), python(t), append([]string{"-m"}, args...)...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			assert.NilError(t, err, "%s", out)
		}
	}
}

func edit(t *testing.T, path string, change func(string) string) {
	t.Helper()
	data, err := os.ReadFile(path)
	assert.NilError(t, err)
	assert.Assert(t, change(string(data)) != string(data), path)
	assert.NilError(t, os.WriteFile(path, []byte(change(string(data))), 0o600))
}

// without takes a test function out of a Python file.
func without(name string) func(string) string {
	function := regexp.MustCompile(`(?ms)^(?:@[^\n]*\n)*def ` + name + `\(.*?(?:\n\n\n|\z)`)
	return func(s string) string { return function.ReplaceAllString(s, "") }
}

// all says that these jobs ended so.
func all(t *testing.T, jobs map[string]string, want, log string, names ...string) {
	t.Helper()
	for _, name := range names {
		assert.Equal(t, jobs[name], want, "%s\n%s", name, log)
	}
}

// unseen says that no step of these jobs was run.
func unseen(t *testing.T, jobs map[string]string, log string, names ...string) {
	t.Helper()
	for _, name := range names {
		assert.Assert(t, jobs[name] == "" || jobs[name] == "skipped", "%s: %s", name, jobs[name])
		assert.Assert(t, !strings.Contains(log, name+": ⭐ Run Main"), name)
	}
}

func (f *forge) ref(name string) string {
	cmd := exec.CommandContext(f.t.Context(), "git", "-C", f.bare, "rev-parse", "--verify", "--quiet", name)
	out, _ := cmd.Output()
	return strings.TrimSpace(string(out))
}

func (f *forge) stored(path string) string {
	return f.must(exec.CommandContext(f.t.Context(), "git", "-C", f.bare, "show", "keepgreen-history:"+path))
}

// TestHeavyWorkflowGreen: the first run has no baseline beyond the one that init
// wrote, and begins the history; the second is compared with it.
func TestHeavyWorkflowGreen(t *testing.T) {
	f := newForge(t, mend(t))
	assert.NilError(t, os.RemoveAll(filepath.Join(f.dir, "ci_metrics")))
	f.git("commit", "-qam", "no baseline")
	jobs, log := f.run("push", pushTo("main"), "GITHUB_RUN_ID=100")
	all(t, jobs, "success", log, "generate-matrix", "lint", "test", "coverage-aggregate", "trivy-repo-scan", "cache-forensics", "ai_triage", "ci_metrics", "record_history", "required")
	assert.Assert(t, !strings.Contains(log, "regression exceeds delta threshold"))
	assert.Assert(t, strings.Contains(f.artifact("ci-metrics/ci_metrics/run_metrics.json"), `"coverage": "success"`), f.artifact("ci-metrics/ci_metrics/run_metrics.json"))
	assert.Assert(t, strings.Contains(f.artifact("ai-analysis/triage_report.json"), `"clusters": []`), f.artifact("ai-analysis/triage_report.json"))
	assert.Assert(t, strings.Contains(f.stored("ci_metrics/quality_metrics.json"), `"run_id": "100"`))

	jobs, log = f.run("push", pushTo("main"), "GITHUB_RUN_ID=101")
	all(t, jobs, "success", log, "coverage-aggregate", "record_history", "required")
	assert.Assert(t, strings.Contains(log, "1 run more"), log)
	assert.Assert(t, strings.Contains(f.stored("ci_metrics/quality_metrics.json"), `"run_id": "101"`))

	// A pull request that changes only words: the plan selects nothing, and that is green.
	history := f.ref("keepgreen-history")
	f.git("checkout", "-qb", "topic")
	assert.NilError(t, os.WriteFile(filepath.Join(f.dir, "README.md"), []byte("# Test\n"), 0o600))
	f.git("commit", "-qam", "words")
	for _, head := range []string{"octo/shop", "mallory/shop"} {
		jobs, log = f.run("pull_request", pullOf(head), "GITHUB_RUN_ID=102", "GITHUB_BASE_REF=main", "GITHUB_HEAD_REF=topic")
		all(t, jobs, "success", log, "generate-matrix", "lint", "test", "coverage-aggregate", "ai_triage", "ci_metrics", "required")
		unseen(t, jobs, log, "record_history", "sbom-attestation")
		if head == "mallory/shop" {
			unseen(t, jobs, log, "upload-sarif")
		}
		assert.Equal(t, f.ref("keepgreen-history"), history, "a pull request wrote the history")
	}
}

// TestHeavyWorkflowRed: every job after a red one still does its work, and the
// baseline stays.
func TestHeavyWorkflowRed(t *testing.T) {
	f := newForge(t, nil)
	jobs, log := f.run("push", pushTo("main"), "GITHUB_RUN_ID=200")
	all(t, jobs, "failure", log, "lint", "test", "coverage-aggregate", "required")
	all(t, jobs, "success", log, "generate-matrix", "ai_triage", "ci_metrics", "record_history", "trivy-repo-scan")
	report := f.artifact("ai-analysis/triage_report.json")
	assert.Assert(t, strings.Contains(report, `"name_error"`) && strings.Contains(report, "CacheTracer"), report)
	metrics := f.artifact("ci-metrics/ci_metrics/run_metrics.json")
	assert.Assert(t, strings.Contains(metrics, `"lint": "failure"`) && strings.Contains(metrics, `"ai_triage": "success"`), metrics)
	assert.Assert(t, strings.Contains(f.artifact("reports-test-ubuntu-latest-3.11-1/coverage.json"), `"percent_covered"`))
	assert.Assert(t, !strings.Contains(f.stored("ci_metrics/quality_metrics.json"), `"coverage": 89`), "a red run moved the baseline of coverage")
	assert.Assert(t, strings.Contains(log, "::error title=lint::lint: failure"), log)

	// The same on a pull request: one comment on the fake GitHub; a fork's token may not write one, and the job goes on.
	fake := githubtest.New(t)
	fake.Token("dummy", githubtest.Workflow("contents:read", "pull-requests:write"))
	shop := fake.Repo("octo/shop")
	shop.Commit("topic", "change", map[string]string{"a.py": "a = 1"})
	pull := shop.Pull("topic", "A change")
	f.git("checkout", "-qb", "topic")
	edit(t, filepath.Join(f.dir, "tools/cli.py"), func(s string) string { return s + "\n# a change\n" })
	f.git("commit", "-qam", "a change")
	for i, head := range []string{"octo/shop", "mallory/shop"} {
		if head != "octo/shop" {
			fake.Token("dummy", githubtest.Fork())
		}
		payload := pullOf(head)
		payload["number"] = pull.Number
		payload["pull_request"].(map[string]any)["number"] = pull.Number
		payload["pull_request"].(map[string]any)["head"].(map[string]any)["sha"] = pull.HeadSHA
		jobs, log = f.run("pull_request", payload, fmt.Sprintf("GITHUB_RUN_ID=%d", 201+i), "STANDIN_API="+fake.URL, "GITHUB_BASE_REF=main", "GITHUB_HEAD_REF=topic")
		all(t, jobs, "success", log, "pr_feedback", "ai_triage", "ci_metrics")
		comments := shop.Comments(pull.Number)
		assert.Equal(t, len(comments), 1, "%s", log)
		assert.Assert(t, strings.Contains(comments[0].Body, "## 🤖 CI Feedback") && strings.Contains(comments[0].Body, "CacheTracer"), comments[0].Body)
	}
}
