package doctor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/doctor"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// healthy is a repository in which everything works.
func healthy() doctor.Facts {
	return doctor.Facts{
		Now: now, Env: map[string]string{"AI_API_KEY": "k"},
		Git:      doctor.Git{Repository: true, Branch: "main", Newest: now.Add(-time.Hour)},
		Baseline: doctor.Baseline{Path: "b.json", State: doctor.Present, Runs: 10, Stated: 91},
		History:  doctor.History{Path: "h.db", State: doctor.Present, Runs: 20, Main: 9},
		Triage:   doctor.Triage{Path: "t.json", State: doctor.Present, Clusters: 1, Fixes: 1, Confidence: 0.95},
		Plan:     doctor.Plan{Mode: "selective", Reason: "2 of 80 tests", Map: true},
		Workflow: doctor.Workflow{State: doctor.Present, Published: true, Fixes: true},
		Online:   &doctor.Online{Repo: "octo/shop", Enabled: true, MayOpen: true, Secrets: []string{"AI_API_KEY"}, Variables: map[string]string{}, Checks: []string{"required"}},
	}
}

func TestAHealthyRepositoryHasNothingToDo(t *testing.T) {
	checks := doctor.Examine(healthy())
	assert.Equal(t, len(checks), len(doctor.Rules()))
	for _, c := range checks {
		assert.Equal(t, c.Status, doctor.OK, "%s: %s", c.Name, c.Detail)
		assert.Equal(t, c.Hint, "", c.Name)
	}
	assert.Assert(t, doctor.Healthy(checks))
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*doctor.Facts)
		rule   string
		status doctor.Status
		says   string // in the detail
		hint   string
	}{
		{"no repository", func(f *doctor.Facts) { f.Git = doctor.Git{} }, "repository", doctor.Fail, "not a git repository", "git init"},
		{"a shallow clone", func(f *doctor.Facts) { f.Git.Shallow = true }, "repository", doctor.Fail, "shallow", "fetch-depth: 0"},
		{"no main branch", func(f *doctor.Facts) { f.Git.Branch = "" }, "repository", doctor.Warn, "no branch main", "set-head"},
		{"a commit of tomorrow", func(f *doctor.Facts) { f.Git.Newest = now.Add(24 * time.Hour) }, "clock", doctor.Fail, "the newest commit is dated 2026-03-03", "clock"},
		{"the forge's clock", func(f *doctor.Facts) { f.Online.Ahead = -time.Hour }, "clock", doctor.Fail, "differ by 1h0m0s", "clock"},
		{"a bad configuration", func(f *doctor.Facts) { f.Config = errors.New("line 3: no such key") }, "configuration", doctor.Fail, "line 3", "config check"},
		{"no workflow", func(f *doctor.Facts) { f.Workflow = doctor.Workflow{State: doctor.Missing} }, "workflow", doctor.Fail, "no .github/workflows", "keepgreen init"},
		{"a workflow of another time", func(f *doctor.Facts) { f.Workflow.Stale = true }, "workflow", doctor.Warn, "another workflow", "keepgreen init"},
		{"a workflow that sleeps", func(f *doctor.Facts) { f.Online.Disabled = "disabled_inactivity" }, "workflow", doctor.Fail, "disabled inactivity", "gh workflow enable"},
		{"Actions are off", func(f *doctor.Facts) { f.Online.Enabled = false }, "workflow", doctor.Fail, "switched off", "Settings"},
		{"nobody says where releases are", func(f *doctor.Facts) { f.Workflow.Published = false }, "workflow", doctor.Warn, "KEEPGREEN_RELEASES", "gh variable set"},
		{"a tag instead of a commit", func(f *doctor.Facts) { f.Workflow.Loose = []string{"a/b@v1"} }, "pins", doctor.Fail, "a/b@v1", "name the commit"},
		{"an old pin", func(f *doctor.Facts) {
			f.Workflow.Old = []doctor.Pin{{Action: "a/b", Version: "v1", Age: 400 * 24 * time.Hour}}
		}, "pins", doctor.Warn, "a/b v1 (400 days)", "--update-pins"},
		{"a newer version", func(f *doctor.Facts) {
			f.Workflow.Old = []doctor.Pin{{Action: "a/b", Version: "v1", Newer: "v2"}}
		}, "pins", doctor.Warn, "there is v2", "--update-pins"},
		{"no baseline", func(f *doctor.Facts) { f.Baseline.State = doctor.Missing }, "baseline", doctor.Warn, "regression exceeds delta threshold", "keepgreen init"},
		{"a broken baseline", func(f *doctor.Facts) { f.Baseline.State, f.Baseline.Err = doctor.Broken, errors.New("line 2") }, "baseline", doctor.Fail, "line 2", "mend"},
		{"a baseline without runs", func(f *doctor.Facts) { f.Baseline.Runs = 0 }, "baseline", doctor.Warn, "the 91 % that it states", "coverage.delta"},
		{"a young baseline", func(f *doctor.Facts) { f.Baseline.Runs = 1 }, "baseline", doctor.Warn, "holds 1 run of main", "wait"},
		{"no history", func(f *doctor.Facts) { f.History = doctor.History{State: doctor.Missing} }, "history", doctor.Warn, "no earlier run", "history pull"},
		{"a broken history", func(f *doctor.Facts) { f.History.State, f.History.Err = doctor.Broken, errors.New("no database") }, "history", doctor.Fail, "no database", "history pull"},
		{"a history without main", func(f *doctor.Facts) { f.History.Main = 0 }, "history", doctor.Warn, "none of them of main", "main run"},
		{"selection is off", func(f *doctor.Facts) { f.Env["TEST_SELECTION_ENABLED"] = "false"; f.Plan.Mode = "full" }, "selection", doctor.Off, "TEST_SELECTION_ENABLED", "unset"},
		{"a critical file", func(f *doctor.Facts) { f.Plan.Mode, f.Plan.Reason = "full", "pyproject.toml is critical" }, "selection", doctor.Warn, "pyproject.toml is critical", "keepgreen plan"},
		{"no map", func(f *doctor.Facts) { f.Plan.Map = false }, "selection", doctor.OK, "by imports alone", "record it"},
		{"no plan", func(f *doctor.Facts) { f.Plan.Err = errors.New("x") }, "selection", doctor.Unknown, "no plan", "keepgreen plan"},
		{"no key", func(f *doctor.Facts) { f.Env["AI_API_KEY"] = ""; f.Online.Secrets = nil }, "model", doctor.Off, "no AI_API_KEY", "gh secret set"},
		{"a key in the forge alone", func(f *doctor.Facts) { f.Env["AI_API_KEY"] = "" }, "model", doctor.OK, "the secret AI_API_KEY is set", ""},
		{"a fork has no key", func(f *doctor.Facts) { f.Env["AI_API_KEY"] = ""; f.Fork = true }, "model", doctor.Off, "fork", ""},
		{"a refused key", func(f *doctor.Facts) { f.Triage.Note = "⚠️ AI API call failed: 401 invalid x-api-key" }, "model", doctor.Fail, "refuses the key", "new key"},
		{"a rate limit", func(f *doctor.Facts) { f.Triage.Note = "⚠️ AI API call failed: 429 Too Many Requests" }, "model", doctor.Warn, "rate limit", "later"},
		{"a model that is gone", func(f *doctor.Facts) { f.Triage.Note = "⚠️ AI API call failed: 404 not_found_error" }, "model", doctor.Fail, "claude-3-5-sonnet-20241022", "AI_MODEL"},
		{"no way there", func(f *doctor.Facts) { f.Triage.Note = "⚠️ AI API call failed: dial tcp: no such host" }, "model", doctor.Warn, "cannot be reached", "BASE_URL"},
		{"a reply that is none", func(f *doctor.Facts) { f.Triage.Note = "⚠️ AI API call failed: the reply does not fit its schema" }, "model", doctor.Warn, "no answer", "built-in"},
		{"fixes are off", func(f *doctor.Facts) { f.Online.Variables["KEEPGREEN_AUTOFIX"] = "off" }, "fixes", doctor.Off, "KEEPGREEN_AUTOFIX", "delete"},
		{"no job that fixes", func(f *doctor.Facts) { f.Workflow.Fixes = false }, "fixes", doctor.Off, "no job auto_fix", "keepgreen init"},
		{"workflows may open nothing", func(f *doctor.Facts) { f.Online.MayOpen = false }, "fixes", doctor.Fail, "may not open pull requests", "Allow GitHub Actions"},
		{"not confident enough", func(f *doctor.Facts) { f.Triage.Confidence = 0.9 }, "fixes", doctor.Warn, "0.90, and only more than 0.90", "by hand"},
		{"another threshold", func(f *doctor.Facts) { f.Triage.Confidence = 0.9; f.Env["AI_CONFIDENCE_THRESHOLD"] = "0.8" }, "fixes", doctor.OK, "starts auto_fix", ""},
		{"no fix is known", func(f *doctor.Facts) { f.Triage.Fixes = 0 }, "fixes", doctor.Warn, "no fix is known", "triage"},
		{"nothing is broken", func(f *doctor.Facts) { f.Triage.Clusters = 0 }, "fixes", doctor.OK, "nothing is broken", ""},
		{"no report", func(f *doctor.Facts) { f.Triage = doctor.Triage{State: doctor.Missing} }, "fixes", doctor.Unknown, "no triage report", "--triage"},
		{"a broken report", func(f *doctor.Facts) { f.Triage.State, f.Triage.Err = doctor.Broken, errors.New("EOF") }, "fixes", doctor.Unknown, "EOF", "anew"},
		{"a fork may only read", func(f *doctor.Facts) { f.Fork = true }, "permissions", doctor.Warn, "may only read", "nothing"},
		{"the forge is silent", func(f *doctor.Facts) { f.Online = &doctor.Online{Err: errors.New("401")} }, "permissions", doctor.Unknown, "401", "GITHUB_TOKEN"},
		{"a token that may not ask", func(f *doctor.Facts) { f.Online.Settings = errors.New("403") }, "permissions", doctor.Unknown, "403", "administrator"},
		{"nothing is required", func(f *doctor.Facts) { f.Online.Checks = nil }, "required check", doctor.Warn, "requires no check", "require the status check"},
		{"something else is required", func(f *doctor.Facts) { f.Online.Checks = []string{"lint"} }, "required check", doctor.Warn, "alone sees that a job was skipped", "require"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			tt.change(&f)
			for _, c := range doctor.Examine(f) {
				if c.Name != tt.rule {
					continue
				}
				assert.Equal(t, c.Status, tt.status, c.Detail)
				assert.Assert(t, strings.Contains(c.Detail, tt.says), c.Detail)
				assert.Assert(t, strings.Contains(c.Hint, tt.hint), c.Hint)
				return
			}
			t.Errorf("no answer of %s", tt.rule)
		})
	}
}

// TestEveryTroubleHasSomethingToDo: a status that is not fine comes with the one
// thing to do, unless nothing can be done.
func TestNothingIsKnown(t *testing.T) {
	for _, c := range doctor.Examine(doctor.Facts{Now: now, Workflow: doctor.Workflow{State: doctor.Missing}}) {
		assert.Assert(t, c.Status == doctor.OK || c.Hint != "", "%s: %s", c.Name, c.Detail)
	}
}
