package cli

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/github"
	"keepgreen/internal/render"
	"keepgreen/internal/report"
	"keepgreen/internal/trend"
	"keepgreen/internal/triage"
)

// pullPlace is which run this is about and which pull request it belongs to.
// All of it comes from the forge or from who calls us, nothing from artifacts:
// those of a fork are a stranger's.
type pullPlace struct {
	client   *github.Client // nil: nobody is asked
	repo     string         // "owner/name"
	workflow string
	run      int64 // 0: nobody's
	attempt  int
	runURL   string
	head     string // the pull request's commit
	pull     int    // 0: none is known
	fork     bool
	jobs     map[string]ci.JobStatus // how the other run's jobs ended, as GitHub says; nil: not asked
	muted    string                  // why there is to be no comment; empty: there may be one
	notes    []string
	dir      string // where artifacts were put; removed in the end
}

func (p *pullPlace) cleanUp() {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir) // it is in the system's own place for such
	}
}

// place finds out where we are.
func (c *feedbackCommand) place(s *session) (*pullPlace, error) {
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return nil, err
	}
	e, err := s.event()
	if err != nil {
		return nil, err
	}
	p := &pullPlace{repo: c.Repo, workflow: s.Env["GITHUB_WORKFLOW"], pull: c.PR, runURL: s.runURL()}
	if p.repo == "" {
		p.repo = s.Env["GITHUB_REPOSITORY"]
	}
	p.run, _ = strconv.ParseInt(s.Env["GITHUB_RUN_ID"], 10, 64) // none outside of the forge
	p.attempt, _ = strconv.Atoi(s.Env["GITHUB_RUN_ATTEMPT"])
	if e.Pull != nil {
		p.head = e.Pull.Head.SHA
		p.fork = e.Pull.Head.Repo == nil || !strings.EqualFold(e.Pull.Head.Repo.Name, p.repo)
		if p.pull == 0 {
			p.pull = e.Pull.Number
		}
	}
	other := c.RunID
	if other == 0 && e.WorkflowRun != nil {
		other = e.WorkflowRun.ID
	}
	if p.head == "" && e.WorkflowRun == nil && c.RunID == 0 {
		p.headFromGit(s)
	}
	if other == 0 && !c.Post && !c.Check && !c.Received {
		return p, nil
	}
	if p.client, err = s.forge(p.repo); err != nil {
		return nil, err
	}
	if other != 0 {
		return p, p.ofRun(s, other)
	}
	if p.pull == 0 && s.Env["GITHUB_EVENT_NAME"] == "push" {
		p.ofPush(s)
	}
	if p.pull != 0 {
		return p, p.ofPull(s)
	}
	return p, nil
}

// ofPush looks for the pull request of a branch that was pushed to. Not finding
// one is no error: most pushes have none.
func (p *pullPlace) ofPush(s *session) {
	pulls, err := p.client.PullsOfCommit(s.ctx, s.Env["GITHUB_SHA"], p.client.Repo().Owner, s.Env["GITHUB_REF_NAME"])
	if err != nil {
		p.notes = append(p.notes, "The pull request of this push could not be looked for: "+err.Error())
		return
	}
	for _, one := range pulls {
		if one.State == "open" {
			p.pull, p.head = one.Number, one.HeadSHA
		}
	}
}

// headFromGit is the commit of the work tree, where nobody else names one.
func (p *pullPlace) headFromGit(s *session) {
	run, _, err := s.identify(s.ctx, s.root(), s.Now())
	if err == nil && !run.Dirty {
		p.head = run.Commit
	}
}

// ofRun asks GitHub about a run of another workflow: this is how the feedback
// of a fork's pull request is written with a token that may. GitHub names no
// pull request for a fork's run, so it is looked for by its head.
func (p *pullPlace) ofRun(s *session, id int64) error {
	run, err := p.client.Run(s.ctx, id)
	if err != nil {
		return forgeError(err)
	}
	p.run, p.attempt, p.workflow, p.runURL, p.head = run.ID, run.Attempt, run.Name, run.URL, run.HeadSHA
	p.fork = run.HeadRepo != p.client.Repo().String()
	p.jobs, err = p.jobStatuses(s, run)
	if err != nil {
		return forgeError(err)
	}
	if p.pull == 0 && !p.fork && len(run.Pulls) == 1 {
		p.pull = run.Pulls[0]
	}
	if p.pull == 0 {
		owner, _, _ := strings.Cut(run.HeadRepo, "/")
		pulls, err := p.client.PullsOfCommit(s.ctx, run.HeadSHA, owner, run.HeadBranch)
		if err != nil {
			return forgeError(err)
		}
		for _, one := range pulls {
			if one.State == "open" {
				p.pull = one.Number
			}
		}
	}
	if p.fork {
		p.notes = append(p.notes, "From a fork: what its run wrote is shown as text only.")
	}
	if p.pull == 0 {
		return nil
	}
	return p.ofPull(s)
}

// jobStatuses is how the jobs of a run ended, those of a matrix as one. What its
// artifacts say of that is not asked: they may call a red run green.
func (p *pullPlace) jobStatuses(s *session, run github.WorkflowRun) (map[string]ci.JobStatus, error) {
	jobs, err := p.client.Jobs(s.ctx, run.ID, run.Attempt)
	if err != nil {
		return nil, err
	}
	var timed []ci.JobTiming
	for _, j := range jobs {
		timed = append(timed, ci.JobTiming{Name: j.Name, Status: ci.Concluded(j.Conclusion)})
	}
	out := trend.Statuses(timed)
	if status := ci.Concluded(run.Conclusion); len(jobs) == 0 && status != "" {
		out[cmp.Or(run.Name, "run")] = status
	}
	return out, nil
}

// muteLabel on a pull request keeps us silent there.
const muteLabel = "keepgreen-mute"

// ofPull looks whether the pull request wants to hear of this run.
func (p *pullPlace) ofPull(s *session) error {
	pull, err := p.client.PullRequest(s.ctx, p.pull)
	switch {
	case errors.Is(err, github.ErrForbidden) || errors.Is(err, github.ErrUnauthorized):
		return nil // the comment will say so
	case err != nil:
		return forgeError(err)
	}
	if p.head == "" || p.run == 0 {
		p.head = pull.HeadSHA
	}
	for _, label := range pull.Labels {
		if strings.EqualFold(label, muteLabel) {
			p.muted = "the pull request has the label " + muteLabel
		}
	}
	return nil
}

// gather reads everything that the run's jobs wrote.
func (c *feedbackCommand) gather(s *session, about *pullPlace) (ci.Findings, []string, error) {
	inputs := (&metricsCommand{Input: c.Input}).inputs(s)
	if len(c.Input) == 0 && about.client != nil && (c.RunID != 0 || about.workflow != s.Env["GITHUB_WORKFLOW"]) {
		dir, err := about.download(s)
		if err != nil {
			return ci.Findings{}, nil, err
		}
		inputs = []string{dir}
	}
	read := &collected{}
	if err := read.addNeeds(s, c.Needs); err != nil {
		return ci.Findings{}, nil, err
	}
	for _, dir := range inputs {
		if err := read.read(s, dir); err != nil {
			return ci.Findings{}, nil, err
		}
	}
	if about.fork || about.dir != "" { // paths of a temporary directory tell nobody anything
		for i := range read.notes {
			read.notes[i] = strings.ReplaceAll(read.notes[i], filepath.ToSlash(about.dir)+"/", "")
		}
	}
	found := read.findings()
	if about.jobs != nil {
		found.Statuses = about.jobs
	}
	return found, read.notes, nil
}

// download unpacks the run's artifacts below a directory of their own.
func (p *pullPlace) download(s *session) (string, error) {
	artifacts, err := p.client.Artifacts(s.ctx, p.run)
	if err != nil {
		return "", forgeError(err)
	}
	if p.dir, err = os.MkdirTemp("", "keepgreen-artifacts-"); err != nil {
		return "", noAnswerf("", "%w", err)
	}
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return "", noAnswerf("", "%w", err)
	}
	defer root.Close() //nolint:errcheck // the files in it were closed
	for i, a := range artifacts[:min(len(artifacts), 100)] {
		if a.Expired {
			p.notes = append(p.notes, "The artifact "+a.Name+" has expired.")
			continue
		}
		below := strconv.Itoa(i)
		err := p.client.Download(s.ctx, a, github.ArchiveLimits{}, func(name string, content io.Reader) error {
			return putBelow(root, filepath.Join(below, filepath.FromSlash(name)), content)
		})
		if err != nil {
			p.notes = append(p.notes, "Not all of the artifacts could be read: "+err.Error())
		}
	}
	return p.dir, nil
}

// putBelow writes a new file below a root, from which no name can lead away.
func putBelow(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// findings is what was collected, as a pull request is told it. What documents
// say comes before what reports say; reports without a triage are triaged here.
func (f *collected) findings() ci.Findings {
	found := f.found
	report.Resolve(f.reports, nil)
	all := report.Union(f.reports)
	if found.Tests == nil && len(all.Tests) > 0 {
		found.Tests = countTests(all.Tests)
		_, recovered := ci.Last(all.Tests)
		for id := range recovered {
			found.Recovered = append(found.Recovered, id)
		}
	}
	if !found.Triaged {
		run := ci.Run{Tests: all.Tests, Diagnostics: all.Diagnostics}
		failures := append(all.Failures, run.Failures()...)
		found.Clusters = triage.Clusters(failures, triage.Options{})
	}
	if n := countDiagnostics(all.Diagnostics); n > 0 {
		found.Lint = &n
	}
	if found.Coverage == nil {
		if pct, ok := mergedCoverage(f.reports).Percent(); ok {
			found.Coverage = &ci.CoverageFinding{Pct: &pct}
		}
	}
	if found.Statuses == nil {
		found.Statuses = f.needs
	}
	return found
}

func countTests(results []ci.TestResult) *ci.TestCounts {
	t := render.Count(results)
	return &ci.TestCounts{Total: t.Total, Passed: t.Passed + t.XFailed + t.XPassed, Failed: t.Bad(), Skipped: t.Skipped}
}

func countDiagnostics(diagnostics []ci.Diagnostic) int {
	n := 0
	for _, d := range diagnostics {
		if d.Severity != ci.SeverityInfo {
			n++
		}
	}
	return n
}

// tell adds what one document says of a run. Of the same part the first one
// counts; clusters of several jobs stand beside each other.
func (f *collected) tell(doc ci.Findings) {
	have := &f.found
	for _, c := range doc.Clusters {
		if !slices.ContainsFunc(have.Clusters, func(one ci.Cluster) bool { return one.ID == c.ID && c.ID != "" }) {
			have.Clusters = append(have.Clusters, c)
		}
	}
	have.Triaged = have.Triaged || doc.Triaged
	have.Tests, have.Arch = cmp.Or(have.Tests, doc.Tests), cmp.Or(have.Arch, doc.Arch)
	if have.Coverage == nil || have.Coverage.Verdict == "" && doc.Coverage != nil {
		have.Coverage = cmp.Or(doc.Coverage, have.Coverage)
	}
	if have.Vulns == nil || have.Vulns.Verdict == "" && doc.Vulns != nil {
		have.Vulns = cmp.Or(doc.Vulns, have.Vulns)
	}
	have.Decisions = append(have.Decisions, doc.Decisions...)
	have.Fixed, have.Recovered, have.Flaky = append(have.Fixed, doc.Fixed...), append(have.Recovered, doc.Recovered...), append(have.Flaky, doc.Flaky...)
	have.Fixes = append(have.Fixes, doc.Fixes...)
	have.Note = cmp.Or(have.Note, doc.Note)
}
