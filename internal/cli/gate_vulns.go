package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
	"keepgreen/internal/report/vuln"
)

// vulnRule are the thresholds and the place of the baseline.
type vulnRule struct {
	Baseline      string `default:"ci_metrics/quality_metrics.json" key:"vulns.baseline" help:"The baseline file, relative to the repository." placeholder:"FILE"`
	DeltaHigh     int    `default:"3" setting:"DELTA_VULN_HIGH" key:"vulns.delta_high" help:"How many more HIGH than the baseline pass (also: DELTA_VULN_HIGH)." placeholder:"N"`
	DeltaCritical int    `default:"1" setting:"DELTA_VULN_CRITICAL" key:"vulns.delta_critical" help:"How many more CRITICAL than the baseline pass (also: DELTA_VULN_CRITICAL)." placeholder:"N"`
	MaxHigh       int    `default:"9999" setting:"MAX_HIGH" key:"vulns.max_high" help:"Absolute limit of HIGH (also: MAX_HIGH)." placeholder:"N"`
	MaxCritical   int    `default:"9999" setting:"MAX_CRITICAL" key:"vulns.max_critical" help:"Absolute limit of CRITICAL (also: MAX_CRITICAL)." placeholder:"N"`
	Gating        bool   `setting:"VULN_GATING" key:"vulns.gating" negatable:"" help:"Too many fail the build; without it they warn (also: VULN_GATING)."`
	Policy        string `enum:"contract,strict" default:"contract" key:"vulns.policy" help:"What is judged: how many there are, or what the change introduces: ${enum}." placeholder:"contract|strict"`
	NewHigh       int    `default:"0" key:"vulns.new_high" help:"How many HIGH a change may introduce (--policy strict)." placeholder:"N"`
	NewCritical   int    `default:"0" key:"vulns.new_critical" help:"How many CRITICAL a change may introduce (--policy strict)." placeholder:"N"`
	Store         string `enum:"file,commit,ref" default:"file" key:"vulns.store" help:"Where the baseline lives: ${enum}." placeholder:"file|commit|ref"`
	Remote        string `default:"origin" help:"The remote of --store commit and ref; empty: this repository." placeholder:"NAME"`
	Ref           string `default:"refs/heads/ci-baseline" help:"The branch of --store ref." placeholder:"REF"`
	Ignore        string `default:"keepgreen-ignore.yaml" key:"vulns.ignore" help:"Exceptions, each with a reason and an end; relative to the repository." placeholder:"FILE"`
}

type gateVulns struct {
	vulnRule
	Paths     []string `arg:"" help:"Reports of Trivy, Grype, OSV-Scanner, pip-audit or npm audit, or their SARIF; files or directories. What a file is, is recognised from its content." placeholder:"PATHS"`
	VEX       []string `name:"vex" help:"OpenVEX documents: what is not affected or fixed does not count." placeholder:"FILE" sep:"none"`
	Before    []string `name:"base-report" help:"Reports of the base, scanned with today's database: tells what the change introduced from what was disclosed since." placeholder:"PATH" sep:"none"`
	Badge     string   `help:"Write an SVG badge with a sparkline there." placeholder:"FILE"`
	SARIF     string   `name:"sarif" help:"Write what was found as one SARIF file there, each vulnerability once." placeholder:"FILE"`
	History   string   `default:".keepgreen/history.db" help:"Where a run of main records when vulnerabilities were first seen and fixed; relative to the repository." placeholder:"FILE"`
	NoHistory bool     `help:"Do not write the history."`
	Update    bool     `name:"update-baseline" help:"Record this run, if it is a green push to main."`
}

// scanned is what the gate gathered.
type vulnFacts struct {
	scan       policy.VulnScan
	others     int
	notes      []string
	exceptions []ci.VulnException
	base       policy.VulnBaseline
	run        ci.Run
	repo       *git.Repo
	fork       bool
}

// Run reads the reports and the baseline, decides, and tells.
func (c *gateVulns) Run(s *session) error {
	m, err := c.gather(s)
	if err != nil {
		return err
	}
	d := policy.Vulns(m.scan, m.base, m.exceptions, c.settings(s.Now()))
	if err := c.update(s, m, d); err != nil {
		return err
	}
	c.remember(s, m, d)
	return c.act(s, m, d)
}

func (c *vulnRule) settings(now time.Time) policy.VulnSettings {
	return policy.VulnSettings{
		DeltaHigh: c.DeltaHigh, DeltaCritical: c.DeltaCritical, MaxHigh: c.MaxHigh, MaxCritical: c.MaxCritical, Gating: c.Gating,
		Strict: c.Policy == "strict", NewHigh: c.NewHigh, NewCritical: c.NewCritical, Now: now,
	}
}

// check refuses figures that are no counts.
func (c *vulnRule) check() error {
	for name, n := range map[string]int{
		"--delta-high": c.DeltaHigh, "--delta-critical": c.DeltaCritical, "--max-high": c.MaxHigh, "--max-critical": c.MaxCritical,
		"--new-high": c.NewHigh, "--new-critical": c.NewCritical,
	} {
		if n < 0 {
			return usagef("", "%s: %d is not a count", name, n)
		}
	}
	return nil
}

func (c *gateVulns) gather(s *session) (*vulnFacts, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return nil, err
	}
	m := &vulnFacts{}
	var err error
	if m.run, m.repo, err = s.identify(s.ctx, s.root(), s.Now()); err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	return m, c.facts(s, m)
}

// facts reads the reports, the exceptions and the baseline.
func (c *gateVulns) facts(s *session, m *vulnFacts) (err error) {
	m.fork = s.fromFork()
	if m.exceptions, err = c.readExceptions(s); err != nil {
		return err
	}
	reports, err := s.scans(c.Paths)
	if err != nil {
		return err
	}
	m.read(reports, s.root())
	if m.base, err = c.load(s, m); err != nil {
		return err
	}
	if len(c.Before) == 0 {
		return nil
	}
	before, err := s.scans(c.Before)
	if err != nil {
		return err
	}
	m.base.Rescanned = len(before) > 0
	for _, r := range before {
		if r.NoData != "" {
			m.base.Rescanned = false
			m.notes = append(m.notes, "--base-report: "+r.NoData)
		}
	}
	m.base.Before = reconciled(before)
	return nil
}

// read takes over what the reports say.
func (m *vulnFacts) read(reports []vuln.Report, root string) {
	for _, r := range reports {
		m.notes = append(m.notes, r.Warnings...)
		m.others += len(r.Others)
		if r.NoData != "" {
			m.scan.NoData = append(m.scan.NoData, r.NoData)
			continue
		}
		if r.Database != "" {
			m.notes = append(m.notes, fmt.Sprintf("the database of %s was built on %s", r.Scanner, r.Database))
		}
		if name := strings.TrimSpace(r.Scanner + " " + r.Version); !slices.Contains(m.scan.Scanners, name) {
			m.scan.Scanners = append(m.scan.Scanners, name)
		}
	}
	slices.Sort(m.scan.Scanners)
	m.scan.Found = reconciled(reports)
	for i, v := range m.scan.Found {
		if rel, err := filepath.Rel(root, v.Target); err == nil && filepath.IsAbs(v.Target) && filepath.IsLocal(rel) {
			m.scan.Found[i].Target = filepath.ToSlash(rel)
		}
	}
	if m.others > 0 {
		m.notes = append(m.notes, plural(m.others, "secret or misconfiguration is", "secrets and misconfigurations are")+" no vulnerability and not counted")
	}
}

func reconciled(reports []vuln.Report) []ci.Vulnerability {
	var found [][]ci.Vulnerability
	for _, r := range reports {
		found = append(found, r.Vulns)
	}
	return vuln.Reconcile(found...)
}

// scans reads the reports at the paths. A path that is not there, and a file
// that says nothing, is a report without data and not a malformed question: the
// scanner did not do its work, and that is the answer.
func (s *session) scans(paths []string) ([]vuln.Report, error) {
	var out []vuln.Report
	for _, path := range paths {
		info, err := os.Stat(s.resolve(path))
		if path != "-" && errors.Is(err, fs.ErrNotExist) {
			out = append(out, vuln.Report{NoData: path + ": there is no report: did the scanner run?"})
			continue
		}
		named := path == "-" || err == nil && !info.IsDir()
		found := len(out)
		for source, err := range s.open(path) {
			if err != nil {
				return nil, err
			}
			text, err := source.Open()
			if err != nil {
				return nil, usagef("", "%s: %w", source.Name, bare(err))
			}
			rep, err := vuln.Read(text)
			text.Close()
			switch {
			case errors.Is(err, vuln.ErrUnknown) && !named, rep.Format == "" && err == nil && !named && !isReportName(source.Name):
				continue // in a directory, everything else is passed over
			case errors.Is(err, vuln.ErrUnknown):
				rep.NoData = err.Error()
			case err != nil:
				return nil, noAnswerf("", "%s: %w", source.Name, bare(err))
			}
			if rep.NoData != "" {
				rep.NoData = source.Name + ": " + rep.NoData
			}
			for i := range rep.Warnings {
				rep.Warnings[i] = source.Name + ": " + rep.Warnings[i]
			}
			out = append(out, rep)
		}
		if len(out) == found {
			out = append(out, vuln.Report{NoData: path + ": there is no scanner's report in it"})
		}
	}
	return vuln.Native(out), nil
}

// isReportName tells the empty files of a directory that a scanner should have
// filled from those that are empty for other reasons.
func isReportName(name string) bool {
	return slices.Contains([]string{".json", ".sarif"}, strings.ToLower(filepath.Ext(name)))
}

// readExceptions reads the VEX documents and the ignore file; the latter need
// not be there unless it was named otherwise.
func (c *gateVulns) readExceptions(s *session) ([]ci.VulnException, error) {
	var out []ci.VulnException
	add := func(path, asked string, read func(io.Reader) ([]ci.VulnException, error)) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		list, err := read(file)
		if err != nil {
			return errors.New(strings.TrimPrefix(prefixLines(asked+": ", err.Error()), asked+": "))
		}
		for i := range list {
			list[i].Source = asked + ": " + list[i].Source
		}
		out = append(out, list...)
		return nil
	}
	for _, path := range c.VEX {
		if err := add(s.resolve(path), path, vuln.VEX); err != nil {
			return nil, usagef("", "%s: %w", path, bare(err))
		}
	}
	err := add(s.baselinePath(c.Ignore), c.Ignore, vuln.Ignore)
	if errors.Is(err, fs.ErrNotExist) && c.Ignore == "keepgreen-ignore.yaml" {
		err = nil
	}
	if err != nil {
		return nil, usagef("", "%s: %w", c.Ignore, bare(err))
	}
	return out, nil
}

// fromFork reports whether this run tests a pull request of somebody's fork,
// whose runs have no secrets and may have no scanner.
func (s *session) fromFork() bool {
	if !strings.HasPrefix(s.Env["GITHUB_EVENT_NAME"], "pull_request") {
		return false
	}
	data, err := s.readBounded(s.Env["GITHUB_EVENT_PATH"], 32<<20)
	if err != nil {
		return false
	}
	type repo struct {
		FullName string `json:"full_name"`
		Fork     bool
	}
	var event struct {
		PullRequest struct {
			Head, Base struct{ Repo *repo }
		} `json:"pull_request"`
	}
	if json.Unmarshal(data, &event) != nil {
		return false
	}
	head, base := event.PullRequest.Head.Repo, event.PullRequest.Base.Repo
	return base != nil && (head == nil || head.FullName != base.FullName) // head is gone where the fork was deleted
}

func (c *gateVulns) view(m *vulnFacts, d policy.VulnDecision) render.VulnsView {
	v := render.VulnsView{
		Gate: render.VulnGate{
			Decision: d.Decision, Now: d.Counted, Fixed: d.Fixed,
			Baseline: render.VulnCounts{ci.VulnHigh: d.BaseHigh, ci.VulnCritical: d.BaseCritical},
		},
		Scanners: m.scan.Scanners, Others: m.others, NoData: m.scan.NoData, Notes: append(slices.Clone(d.Notes), m.notes...),
	}
	for _, r := range m.base.Records[max(0, len(m.base.Records)-10):] {
		v.Window = append(v.Window, float64(r.High+r.Critical))
	}
	for _, n := range d.New {
		v.NewVulns = append(v.NewVulns, render.NewVuln{Vulnerability: n.Vulnerability, Why: string(n.Why)})
	}
	for _, e := range d.Excused {
		v.Excused = append(v.Excused, render.ExcusedVuln{Vulnerability: e.Vulnerability, Status: e.By.Status, Reason: e.By.Reason, Source: e.By.Source})
	}
	return v
}

func (c *gateVulns) act(s *session, m *vulnFacts, d policy.VulnDecision) error {
	if d.Verdict == ci.VerdictNoData && m.fork {
		m.notes = append(m.notes, "this is a pull request of a fork: the missing answer warns here, and fails on main")
	}
	v := c.view(m, d)
	if c.SARIF != "" {
		version, _ := buildVersion()
		if err := replaceFile(s.baselinePath(c.SARIF), func(w io.Writer) error { return render.VulnsSARIF(w, v, version) }); err != nil {
			return noAnswerf("", "%s: %w", c.SARIF, bare(err))
		}
	}
	if c.Badge != "" {
		if err := replaceFile(s.baselinePath(c.Badge), func(w io.Writer) error { return render.VulnsBadge(w, v) }); err != nil {
			return noAnswerf("", "%s: %w", c.Badge, bare(err))
		}
	}
	if err := s.tellVulns(v, d); err != nil {
		return err
	}
	write := render.VulnsText
	if s.Format == "json" {
		write = render.VulnsDocument
	}
	if err := write(s.Stdout, v); err != nil {
		return noAnswerf("", "%w", err)
	}
	switch {
	case d.Verdict == ci.VerdictFail:
		return errNo
	case d.Verdict == ci.VerdictNoData && !m.fork:
		return noAnswerf("no data is never a pass: look at what the scanner printed", "%s", d.Because[0])
	}
	return nil
}

// tellVulns writes the outputs and the summary of the step.
func (s *session) tellVulns(v render.VulnsView, d policy.VulnDecision) error {
	if path := s.Env["GITHUB_OUTPUT"]; path != "" && d.Verdict != ci.VerdictNoData {
		outputs := []render.Output{
			{Name: "vuln_high", Value: fmt.Sprint(d.High)}, {Name: "vuln_critical", Value: fmt.Sprint(d.Critical)}, {Name: "vuln_pass", Value: fmt.Sprint(d.Pass())},
		}
		if err := appendFile(path, func(w io.Writer) error { return render.Outputs(w, outputs) }); err != nil {
			return noAnswerf("", "GITHUB_OUTPUT: %w", err)
		}
	}
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.VulnsSummary(w, v) }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	return nil
}
