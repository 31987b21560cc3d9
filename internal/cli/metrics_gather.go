package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/artifact"
	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/report"
	"keepgreen/internal/report/vuln"
)

// collected is what was found about one run. What is nil is unknown.
type collected struct {
	run        ci.Pipeline
	needs      map[string]ci.JobStatus
	coverage   *float64
	high       *int
	critical   *int
	confidence *float64
	flaky      map[string]bool // by test
	hasFlaky   *bool           // where no list says it
	selection  *artifact.Selection
	model      *artifact.Usage
	tests      []ci.TestResult
	notes      []string

	timed   bool // run is the forge's own answer
	scanned bool // a scanner's report was read
	reports []ci.Report
	found   ci.Findings // what a pull request is told
}

func (c *metricsCommand) gather(s *session) (*collected, error) {
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return nil, err
	}
	f := &collected{}
	local, repo, err := s.identify(s.ctx, s.root(), s.Now())
	if err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	f.run = ci.Pipeline{
		Repo: local.Repo, ID: local.ID, Attempt: local.Attempt, Workflow: local.Workflow, Event: local.Event, Branch: local.Branch, Commit: local.Commit,
		Main: local.Main, Ref: s.Env["GITHUB_REF"], Actor: s.Env["GITHUB_ACTOR"], URL: s.runURL(),
	}
	if err := f.addNeeds(s, c.Needs); err != nil {
		return nil, err
	}
	for _, dir := range c.inputs(s) {
		if err := f.read(s, dir); err != nil {
			return nil, err
		}
	}
	if !c.Offline && !f.timed {
		f.ask(s)
	}
	f.merge()
	f.settle(s, repo)
	return f, nil
}

// ask asks the forge about the run that this is a job of. What it will not say is
// a note: everything else still holds.
func (f *collected) ask(s *session) {
	id, err := strconv.ParseInt(s.Env["GITHUB_RUN_ID"], 10, 64)
	if err != nil || s.Env["GITHUB_ACTIONS"] != "true" || s.forgeToken() == "" {
		return
	}
	run, jobs, err := s.askForge(id, f.run.Attempt)
	if err != nil {
		f.notes = append(f.notes, "GitHub was asked about this run: "+err.Error())
		return
	}
	f.add(artifact.Document{Kind: artifact.KindRun, Run: &run, Jobs: jobs})
}

func (s *session) askForge(id int64, attempt int) (ci.Pipeline, []ci.PipelineJob, error) {
	client, err := s.forge("")
	if err != nil {
		return ci.Pipeline{}, nil, err
	}
	r, err := client.RunAttempt(s.ctx, id, attempt)
	if err != nil {
		return ci.Pipeline{}, nil, err
	}
	jobs, err := client.Jobs(s.ctx, id, attempt)
	if err != nil {
		return ci.Pipeline{}, nil, err
	}
	p := pipelineOf(client.Repo().String(), r, jobs, "")
	return p, p.Jobs, nil
}

// runURL is the run's page; empty outside of a forge.
func (s *session) runURL() string {
	if s.Env["GITHUB_SERVER_URL"] == "" || s.Env["GITHUB_REPOSITORY"] == "" || s.Env["GITHUB_RUN_ID"] == "" {
		return ""
	}
	return s.Env["GITHUB_SERVER_URL"] + "/" + s.Env["GITHUB_REPOSITORY"] + "/actions/runs/" + s.Env["GITHUB_RUN_ID"]
}

// addNeeds reads the needs context, given as text or as a file.
func (f *collected) addNeeds(s *session, given string) error {
	if given == "" {
		return nil
	}
	data := []byte(given)
	if !strings.HasPrefix(strings.TrimSpace(given), "{") {
		var err error
		if data, err = s.readBounded(given, artifact.MaxSize); err != nil {
			return usagef("", "--needs %s: %w", given, bare(err))
		}
	}
	if string(bytes.TrimSpace(data)) == "{}" {
		return nil // a job without needs
	}
	doc, err := artifact.Read(data)
	if err == nil && doc.Kind != artifact.KindNeeds {
		err = fmt.Errorf("it is a %s document", doc.Kind)
	}
	if err != nil {
		return usagef("as the workflow's expression toJSON(needs) writes it", "--needs: %w", err)
	}
	f.add(doc)
	return nil
}

// read reads everything below a directory. A file that cannot be understood is a
// note: the figures of the others still hold.
func (f *collected) read(s *session, dir string) error {
	for source, err := range s.open(dir) {
		if err != nil {
			return err
		}
		if err := f.readOne(source); err != nil {
			f.notes = append(f.notes, fmt.Sprintf("%s: %v", source.Name, bare(err)))
		}
	}
	return nil
}

func (f *collected) readOne(source report.Source) error {
	text, err := source.Open()
	if err != nil {
		return err
	}
	defer text.Close()
	in := bufio.NewReader(text)
	if head, _ := in.Peek(64); bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("{")) {
		data, err := io.ReadAll(io.LimitReader(in, artifact.MaxSize+1))
		if err != nil {
			return err
		}
		doc, err := artifact.Read(data)
		switch {
		case err == nil:
			f.add(doc)
			return nil
		case !errors.Is(err, artifact.ErrUnknown):
			return err
		}
		in = bufio.NewReader(io.MultiReader(bytes.NewReader(data), in))
	}
	rep, err := report.Read(in)
	rep.Source = source.Name
	f.reports = append(f.reports, rep)
	f.scanned = f.scanned || slices.ContainsFunc(vuln.Formats(), func(v vuln.Format) bool { return v.Name == rep.Format })
	return err
}

// add takes over what a document says. What an earlier one said of the same
// thing stays, but for jobs, of which the longer list is the newer answer.
func (f *collected) add(doc artifact.Document) {
	if doc.Run != nil && (!f.timed || doc.Run.Attempt > f.run.Attempt) {
		kept := f.run
		f.run, f.timed = *doc.Run, true
		f.run.Jobs, f.run.Ref, f.run.Main = kept.Jobs, kept.Ref, kept.Main || doc.Run.Main
		f.run.Repo, f.run.Actor = cmp.Or(f.run.Repo, kept.Repo), cmp.Or(f.run.Actor, kept.Actor)
	}
	if len(doc.Jobs) > len(f.run.Jobs) {
		f.run.Jobs = doc.Jobs
	}
	for name, status := range doc.Needs {
		if f.needs == nil {
			f.needs = map[string]ci.JobStatus{}
		}
		f.needs[name] = status
	}
	f.tell(doc.Found)
	f.coverage = cmp.Or(f.coverage, doc.Coverage)
	f.high, f.critical = cmp.Or(f.high, doc.High), cmp.Or(f.critical, doc.Critical)
	f.confidence = cmp.Or(f.confidence, doc.FixConfidence)
	f.model, f.hasFlaky = cmp.Or(f.model, doc.Model), cmp.Or(f.hasFlaky, doc.HasFlaky)
	if doc.Selection != nil && (f.selection == nil || f.selection.Selected == 0) {
		f.selection = doc.Selection
	}
	if doc.FlakyKnown && f.flaky == nil {
		f.flaky = map[string]bool{}
	}
	for _, test := range doc.Flaky {
		f.flaky[test] = true
	}
}

// merge joins the reports, where no document has said it already.
func (f *collected) merge() {
	report.Resolve(f.reports, nil)
	all := report.Union(f.reports)
	f.tests = all.Tests
	if f.coverage == nil {
		if pct, ok := mergedCoverage(f.reports).Percent(); ok {
			f.coverage = &pct
		}
	}
	if f.scanned && f.high == nil && f.critical == nil {
		counts := map[ci.VulnSeverity]int{}
		for _, v := range all.Vulns {
			counts[v.Severity]++
		}
		high, critical := counts[ci.VulnHigh], counts[ci.VulnCritical]
		f.high, f.critical = &high, &critical
	}
}

// settle fills in what only the whole says: whether the run is of main, and by
// which workflow where the job runs in it.
func (f *collected) settle(s *session, repo *git.Repo) {
	if n, err := strconv.Atoi(s.Env["GITHUB_RUN_ATTEMPT"]); err == nil && n > 0 && f.run.ID == s.Env["GITHUB_RUN_ID"] {
		f.run.Attempt = n
	}
	if f.run.Ref == "" && f.run.Event != "local" && f.run.Branch != "" && f.run.Class() != ci.RefPull {
		f.run.Ref = "refs/heads/" + f.run.Branch
	}
	if f.run.Main || f.run.Branch == "" || ci.ClassOfRef(f.run.Event, true) != ci.RefMain {
		return
	}
	main := ""
	if repo != nil {
		main = repo.MainBranch(s.ctx)
	}
	f.run.Main = f.run.Branch == main || main == "" && (f.run.Branch == "main" || f.run.Branch == "master")
}
