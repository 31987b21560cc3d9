package cli

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"keepgreen/internal/baseline"
	"keepgreen/internal/config"
	"keepgreen/internal/doctor"
	"keepgreen/internal/git"
	"keepgreen/internal/history"
	"keepgreen/internal/render"
	"keepgreen/internal/workflow"
)

type doctorCommand struct {
	Triage  string `default:"ai_analysis/triage_report.json" help:"The triage report of the run that is asked about, relative to the repository." placeholder:"FILE"`
	Online  bool   `help:"Ask GitHub, too: permissions, secrets, variables, required checks, disabled workflows."`
	Repo    string `setting:"GITHUB_REPOSITORY" help:"With --online: whose repository it is. Without it: the remote's." placeholder:"OWNER/NAME"`
	History string `default:".keepgreen/history.db" help:"The history file, relative to the repository." placeholder:"FILE"`
}

// Run finds out what there is, and says what is wrong with it.
func (c *doctorCommand) Run(s *session) error {
	facts, err := c.gather(s)
	if err != nil {
		return err
	}
	checks := doctor.Examine(facts)
	if err := c.tell(s, checks); err != nil {
		return err
	}
	if !doctor.Healthy(checks) {
		return errNo
	}
	return nil
}

// asked are the settings that the answers depend on.
var asked = []string{
	"AI_API_KEY", "AI_MODEL", "AI_CONFIDENCE_THRESHOLD", "TEST_SELECTION_ENABLED", "KEEPGREEN_AUTOFIX",
}

func (c *doctorCommand) gather(s *session) (doctor.Facts, error) {
	f := doctor.Facts{Now: s.Now(), Env: map[string]string{}, Forge: s.Env["GITHUB_ACTIONS"] == "true", Fork: s.fromFork()}
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return f, err
	}
	for _, name := range asked {
		f.Env[name] = s.Env[name]
	}
	// A bad configuration is an answer here, and no malformed question.
	if s.conf, f.Config = loadConfig(s.root(), s.Config, s.Config != "keepgreen.yaml"); f.Config != nil {
		s.conf = &config.Config{}
	}
	repo, err := git.Open(s.ctx, s.root(), s.Env.Pairs())
	if err == nil {
		f.Git = doctor.Git{Repository: true, Shallow: repo.Shallow(s.ctx), Branch: repo.MainBranch(s.ctx)}
		f.Git.Newest, _ = repo.CommitTime(s.ctx, "HEAD") // none in a repository without commits
	}
	f.Baseline = c.baseline(s)
	f.History = c.history(s)
	f.Triage = c.triage(s)
	f.Plan = c.plan(s, f)
	f.Workflow = c.workflow(s, f)
	if c.Online {
		f.Online = c.online(s, repo)
	}
	return f, nil
}

// state reads a file of the repository.
func (s *session) state(name string) ([]byte, doctor.State, error) {
	data, err := os.ReadFile(s.baselinePath(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, doctor.Missing, nil
	case err != nil:
		return nil, doctor.Broken, bare(err)
	}
	return data, doctor.Present, nil
}

func (c *doctorCommand) baseline(s *session) doctor.Baseline {
	b := doctor.Baseline{Path: "ci_metrics/quality_metrics.json", Stated: -1}
	if value, ok := s.conf.Lookup("coverage.baseline"); ok {
		b.Path = value.Text
	}
	data, state, err := s.state(b.Path)
	if b.State, b.Err = state, err; state != doctor.Present {
		return b
	}
	q, err := baseline.Parse(data)
	if err != nil {
		b.State, b.Err = doctor.Broken, err
		return b
	}
	if stated := q.Coverage(); stated != nil {
		b.Stated = *stated
	}
	for _, e := range q.History() {
		b.Runs++
		if e.Time.After(b.Updated) {
			b.Updated = e.Time
		}
	}
	return b
}

func (c *doctorCommand) history(s *session) doctor.History {
	h := doctor.History{Path: c.History, State: doctor.Missing}
	path := s.baselinePath(c.History)
	if _, err := os.Stat(path); err != nil {
		return h
	}
	h.State = doctor.Present
	store, err := history.Open(s.ctx, path, history.Options{ReadOnly: true})
	if err == nil {
		defer store.Close()
		var runs []history.RunRow
		if runs, err = store.Runs(s.ctx, history.Filter{}); err == nil {
			h.Runs = len(runs)
			for _, r := range runs {
				if r.Main {
					h.Main++
				}
				if r.Started.After(h.Newest) {
					h.Newest = r.Started
				}
			}
		}
	}
	if err != nil {
		h.State, h.Err = doctor.Broken, errors.New(withHint(err))
	}
	return h
}

func (c *doctorCommand) triage(s *session) doctor.Triage {
	t := doctor.Triage{Path: c.Triage}
	data, state, err := s.state(c.Triage)
	if t.State, t.Err = state, err; state != doctor.Present {
		return t
	}
	var report struct {
		Clusters []json.RawMessage
		Fixes    []struct{ Confidence float64 }
		Flaky    []json.RawMessage `json:"flaky_tests"`
		Note     string
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.State, t.Err = doctor.Broken, err
		return t
	}
	t.Clusters, t.Fixes, t.Flaky, t.Note = len(report.Clusters), len(report.Fixes), len(report.Flaky), report.Note
	for _, fix := range report.Fixes {
		t.Confidence = max(t.Confidence, min(fix.Confidence, 1))
	}
	return t
}

// plan asks the selection what it would do now, as "plan" does.
func (c *doctorCommand) plan(s *session, f doctor.Facts) doctor.Plan {
	if !f.Git.Repository {
		return doctor.Plan{}
	}
	q := planQuestion{History: c.History, Split: "file", Matrix: "ci_cd/test_matrix.json", selectionFlags: selectionFlags{Selection: true, Threshold: 20}}
	if on, err := strconv.ParseBool(s.Env["TEST_SELECTION_ENABLED"]); err == nil {
		q.Selection = on
	}
	if n, err := strconv.Atoi(s.Env["TEST_SELECTION_THRESHOLD"]); err == nil {
		q.Threshold = n
	}
	facts, err := q.gather(s)
	if err != nil {
		return doctor.Plan{Err: err}
	}
	plan := facts.plan()
	return doctor.Plan{Mode: string(plan.Mode), Reason: plan.Reason, Map: facts.in.Map != nil}
}

func (c *doctorCommand) workflow(s *session, f doctor.Facts) doctor.Workflow {
	data, state, _ := s.state(".github/workflows/" + workflow.Main)
	w := doctor.Workflow{State: state}
	if state != doctor.Present {
		return w
	}
	text := string(data)
	w.Published = !strings.HasPrefix(workflow.ActionOf(text), "./")
	w.Fixes = strings.Contains(text, "\n  auto_fix:")
	for _, use := range workflow.Uses(text) {
		switch pin, known := workflow.PinOf(use.Action); {
		case use.SHA == "":
			w.Loose = append(w.Loose, use.Action+"@"+use.Version)
		case known && pin.SHA == use.SHA:
			w.Old = append(w.Old, doctor.Pin{Action: use.Action, Version: use.Version, Age: pin.Age(f.Now)})
		case known && workflow.Older(use.Version, pin.Version):
			w.Old = append(w.Old, doctor.Pin{Action: use.Action, Version: use.Version, Newer: pin.Version})
		}
	}
	if repo, facts, err := s.lookAround(); err == nil {
		if o, err := (&initCommand{}).options(s, repo, facts); err == nil {
			o.Pins = workflow.Adopt(workflow.Pins(), workflow.Uses(text))
			w.Stale = workflow.Merge(text, workflow.Files(facts, o)[0].Text).Text != text
		}
	}
	return w
}

// ofRemote is OWNER/NAME in the address of a remote: https, ssh, or scp's way.
var ofRemote = regexp.MustCompile(`[:/]([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?$`)

// online asks the forge. What it does not answer is a finding, too.
func (c *doctorCommand) online(s *session, repo *git.Repo) *doctor.Online {
	o := &doctor.Online{}
	if o.Repo = c.Repo; o.Repo == "" && repo != nil {
		if m := ofRemote.FindStringSubmatch(repo.RemoteURL(s.ctx, "origin")); m != nil {
			o.Repo = m[1]
		}
	}
	client, err := s.forge(o.Repo)
	if err != nil {
		o.Err = err
		return o
	}
	settings, err := client.Settings(s.ctx)
	if err != nil {
		o.Err = err
		return o
	}
	allowed, err := client.ActionsPermissions(s.ctx)
	o.Enabled, o.MayOpen, o.Settings = allowed.Enabled, allowed.MayOpenPullReqs, err
	o.Secrets, o.SecretErr = client.SecretNames(s.ctx)
	if o.Variables, err = client.Variables(s.ctx); err != nil {
		o.Variables = nil // a token that may not read them says nothing of them
	}
	if protection, err := client.Protection(s.ctx, settings.DefaultBranch); err == nil {
		o.Checks = protection.Checks
	}
	if files, err := client.Workflows(s.ctx); err == nil {
		for _, w := range files {
			if filepath.Base(w.Path) == workflow.Main && w.State != "active" {
				o.Disabled = w.State
			}
		}
	}
	return o
}

func (c *doctorCommand) tell(s *session, checks []doctor.Check) error {
	rows := make([]render.DoctorRow, len(checks))
	for i, check := range checks {
		rows[i] = render.DoctorRow{Name: check.Name, Status: string(check.Status), Detail: check.Detail, Hint: check.Hint}
	}
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.DoctorSummary(w, rows) }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	if s.Format == "json" {
		return writeJSON(s.Stdout, map[string]any{"checks": rows})
	}
	return render.DoctorText(s.Stdout, rows, render.TextOptions{Width: s.Width, Colour: s.Colour})
}
