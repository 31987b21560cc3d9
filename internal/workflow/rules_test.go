package workflow_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"gotest.tools/v3/assert"

	"keepgreen/internal/workflow"
)

// read is a workflow as GitHub reads it.
type read struct {
	On          map[string]any
	Permissions map[string]string
	Env         map[string]string
	Jobs        map[string]struct {
		Name        string
		If          string
		Needs       []string
		Timeout     int `yaml:"timeout-minutes"`
		Permissions map[string]string
		Outputs     map[string]string
		Steps       []struct {
			Name, ID, If, Uses, Run string
			With, Env               map[string]string
		}
	}
}

var (
	pinned    = regexp.MustCompile(`(?m)^ *uses: (?:\./[^ ]*|[^ @]+@[0-9a-f]{40} # v[0-9][^ ]*)( # zizmor: ignore\[self-repository\])?$`)
	everyUses = regexp.MustCompile(`(?m)^ *uses: `)
	pasted    = regexp.MustCompile(`\$\{\{`)
)

// writes are the scopes that a job may hold that runs what a pull request says.
var writes = []string{"contents", "packages", "id-token", "attestations", "pull-requests", "actions", "checks", "statuses", "security-events", "issues"}

// TestRules holds every generated workflow to what "hardened by construction" means.
func TestRules(t *testing.T) {
	for kind, tree := range kinds(t) {
		for _, f := range workflow.Files(workflow.Detect(tree), optionsOf(kind)) {
			if !strings.HasPrefix(f.Path, ".github/workflows/") {
				continue
			}
			t.Run(kind+"/"+f.Path, func(t *testing.T) {
				var wf read
				assert.NilError(t, yaml.UnmarshalWithOptions([]byte(f.Text), &wf, yaml.AllowDuplicateMapKey()))
				assert.Equal(t, len(wf.Permissions), 0, "nothing for everybody")
				assert.Assert(t, wf.On["pull_request_target"] == nil)
				assert.Equal(t, len(everyUses.FindAllString(f.Text, -1)), len(pinned.FindAllString(f.Text, -1)), "every action by commit, with its version")
				for id, job := range wf.Jobs {
					rulesOf(t, id, job.If, job.Permissions)
					assert.Assert(t, job.Timeout > 0, id)
					for _, step := range job.Steps {
						assert.Assert(t, !pasted.MatchString(step.Run), "%s: %s: an expression in a script", id, step.Name)
						if strings.HasPrefix(step.Uses, "actions/checkout@") {
							assert.Equal(t, step.With["persist-credentials"], "false", id)
						}
						checkInputs(t, id, step.Uses, step.With)
						secret := strings.Contains(strings.Join(slices.Collect(maps.Values(step.Env)), " "), "secrets.")
						assert.Assert(t, !secret || !runsCode(id), "%s: %s: a secret beside code that a change brings", id, step.Name)
					}
				}
			})
		}
	}
}

// rulesOf: a job that may write runs on main alone, or runs no code of the repository.
func rulesOf(t *testing.T, id, when string, permissions map[string]string) {
	t.Helper()
	for _, scope := range writes {
		if permissions[scope] != "write" {
			continue
		}
		onMain := strings.Contains(when, "github.event_name == 'push'") && strings.Contains(when, "&& github.ref == 'refs/heads/main'") && !strings.Contains(when, "pull_request")
		uploads := scope == "security-events" && id == "upload-sarif"
		// It composes text from what earlier jobs left, and a fork's token cannot write.
		tells := scope == "pull-requests" && id == "pr_feedback"
		// Same repository only; it applies a verified patch through the forge's API.
		publishes := (scope == "contents" || scope == "pull-requests") && id == "auto_fix" && strings.Contains(when, "full_name == github.repository")
		assert.Assert(t, onMain || uploads || tells || publishes, "%s may write %s when %q", id, scope, when)
	}
}

// runsCode: jobs that run what is in the repository. cache-forensics needs the
// key of the log that it makes; a fork's run is not given it.
func runsCode(id string) bool {
	return slices.Contains([]string{"lint", "test", "auto_fix_verify", "docker-scan-pr", "docker-images"}, id)
}

// checkInputs: linters know the inputs of actions by tag only.
func checkInputs(t *testing.T, id, uses string, with map[string]string) {
	t.Helper()
	name, _, found := strings.Cut(uses, "@")
	if !found || strings.HasSuffix(name, "/keepgreen") {
		return
	}
	face, ok := workflow.FaceOf(name)
	assert.Assert(t, ok, "%s: %s is not in the table", id, name)
	for input := range with {
		assert.Assert(t, slices.Contains(face.Inputs, input), "%s: %s has no input %s", id, name, input)
	}
	for _, input := range face.Required {
		assert.Assert(t, with[input] != "", "%s: %s wants the input %s", id, name, input)
	}
}

// outputs that the contract fixes, by job.
var outputs = map[string][]string{
	"generate-matrix":    {"matrix", "changed_files", "test_selection_mode"},
	"coverage-aggregate": {"coverage_pct", "baseline_pct"},
	"ai_triage":          {"fix_confidence", "has_flaky_tests", "triage_summary"},
}

// TestContract: the guide's own repository gets the guide's jobs.
func TestContract(t *testing.T) {
	tree := kinds(t)["guide"]
	var wf read
	assert.NilError(t, yaml.Unmarshal([]byte(workflow.Files(workflow.Detect(tree), optionsOf("guide"))[0].Text), &wf))
	for _, id := range []string{"generate-matrix", "lint", "test", "coverage-aggregate", "ai_triage", "ci_metrics", "pr_feedback", "pr_feedback", "architecture_scan", "trivy-repo-scan", "docker-images", "docker-scan-pr", "cache-forensics"} {
		job, ok := wf.Jobs[id]
		assert.Assert(t, ok, "no job %s", id)
		for _, name := range outputs[id] {
			assert.Assert(t, job.Outputs[name] != "", "%s has no output %s", id, name)
		}
	}
	for _, event := range []string{"push", "pull_request", "merge_group", "schedule"} {
		_, ok := wf.On[event]
		assert.Assert(t, ok, event)
	}
	assert.Equal(t, wf.Env["VULN_GATING"], "${{ vars.VULN_GATING }}")
	assert.Assert(t, strings.Contains(wf.Jobs["ai_triage"].If, "!cancelled()"), "triage runs also after red jobs")
}

// TestCommandsExist: a workflow calls no command that this program lacks; the
// program itself is asked by the tests at the root.
func TestEveryKindOfCommandIsListed(t *testing.T) {
	call := regexp.MustCompile(`(?m)(?:^|\s)keepgreen ((?:gate |forensics |flake |fix |history )?[a-z-]+)`)
	for kind, tree := range kinds(t) {
		for _, f := range workflow.Files(workflow.Detect(tree), optionsOf(kind)) {
			var wf read
			if !strings.HasPrefix(f.Path, ".github/workflows/") {
				continue
			}
			assert.NilError(t, yaml.Unmarshal([]byte(f.Text), &wf))
			for id, job := range wf.Jobs {
				for _, step := range job.Steps {
					for _, m := range call.FindAllStringSubmatch(step.Run, -1) {
						assert.Assert(t, slices.Contains(workflow.Commands, m[1]), "%s: %s calls keepgreen %s", kind, id, m[1])
					}
				}
			}
		}
	}
}
