package render

import (
	"cmp"
	"io"
	"math"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

type runInfoDoc struct {
	ID       string  `json:"id"`
	Attempt  int     `json:"attempt,omitempty"`
	Repo     string  `json:"repo"`
	Branch   string  `json:"branch,omitempty"`
	Commit   string  `json:"commit,omitempty"`
	Tree     string  `json:"tree,omitempty"`
	Base     string  `json:"base,omitempty"`
	Dirty    bool    `json:"dirty"`
	Started  *string `json:"started"`
	Workflow string  `json:"workflow,omitempty"`
	Event    string  `json:"event,omitempty"`
}

type jobDoc struct {
	Name      string       `json:"name"`
	Tool      string       `json:"tool,omitempty"`
	Version   string       `json:"version,omitempty"`
	Command   []string     `json:"command,omitempty"`
	Status    ci.JobStatus `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	ExitCode  int          `json:"exit_code"`
	DurationS number       `json:"duration_s"`
	Log       string       `json:"log,omitempty"`
}

type fileCoverDoc struct {
	File    string `json:"file"`
	Pct     number `json:"pct"`
	Covered int    `json:"covered"`
	Total   int    `json:"statements"`
	Missing string `json:"missing_lines,omitempty"`
}

type coverageDoc struct {
	Pct        number         `json:"pct"`
	Covered    int            `json:"covered"`
	Statements int            `json:"statements"`
	Baseline   *number        `json:"baseline_pct"`
	Delta      *number        `json:"delta_pp"`
	Files      []fileCoverDoc `json:"files"`
}

type stillDoc struct {
	ID    string `json:"id"`
	Since string `json:"since,omitempty"`
	Runs  *int   `json:"runs"`
}

type flipDoc struct {
	ID     string `json:"id"`
	Before string `json:"before"`
	Now    string `json:"now"`
	Tree   string `json:"tree,omitempty"`
}

type comparisonDoc struct {
	With      string      `json:"with,omitempty"`
	New       []ci.TestID `json:"new_failures"`
	Fixed     []ci.TestID `json:"fixed"`
	Still     []stillDoc  `json:"still_failing"`
	Flipped   []flipDoc   `json:"flipped"`
	Recovered []ci.TestID `json:"recovered"`
}

type slowDoc struct {
	ID        ci.TestID `json:"id"`
	DurationS number    `json:"duration_s"`
}

type runDoc struct {
	Tests       testsDoc       `json:"tests"`
	Clusters    []clusterDoc   `json:"clusters"`
	Gate        gateDoc        `json:"gate"`
	Plan        any            `json:"plan,omitempty"`
	Arch        *archRunDoc    `json:"arch,omitempty"`
	DurationS   number         `json:"duration_s"`
	Summary     string         `json:"summary"`
	Next        string         `json:"next,omitempty"`
	Run         runInfoDoc     `json:"run"`
	Jobs        []jobDoc       `json:"jobs"`
	Failures    []failureDoc   `json:"failures"`
	Coverage    *coverageDoc   `json:"coverage"`
	Comparison  *comparisonDoc `json:"comparison"`
	Flaky       []flakeDoc     `json:"flaky_tests"`
	Quarantined []ci.TestID    `json:"quarantined"`
	Slowest     []slowDoc      `json:"slowest"`
	Warnings    []warningDoc   `json:"warnings"`
	Report      string         `json:"report,omitempty"`
	Version     string         `json:"version,omitempty"`
}

// RunDocument writes the document of "keepgreen run --format json".
func RunDocument(w io.Writer, v View) error {
	v = v.sorted()
	doc := runDoc{
		Tests: testsOf(v), Clusters: clustersOf(v.Clusters), Gate: gateOf(v), Plan: v.Plan, Arch: v.Arch.runDoc(),
		DurationS: seconds(v.Run.Duration), Summary: Summary(v), Next: v.next(), Run: runInfoOf(v.Run), Jobs: jobsOf(v.Run.Jobs),
		Failures: failuresOf(v.Clusters), Coverage: coverageOf(v), Comparison: comparisonOf(v.Compare),
		Flaky: flakesOf(v.Flaky), Quarantined: []ci.TestID{}, Slowest: []slowDoc{}, Warnings: warningsOf(v.Run.Warnings),
		Report: v.Links.Report, Version: v.Version,
	}
	for _, q := range v.Muted {
		doc.Quarantined = append(doc.Quarantined, q.Test)
	}
	for _, t := range ci.SlowestTests(v.Run.Tests, 10) {
		doc.Slowest = append(doc.Slowest, slowDoc{t.ID, seconds(t.Duration)})
	}
	return encode(w, doc)
}

func runInfoOf(r ci.Run) runInfoDoc {
	doc := runInfoDoc{
		ID: r.ID, Attempt: r.Attempt, Repo: r.Repo, Branch: r.Branch, Commit: r.Commit, Tree: r.Tree, Base: r.Base,
		Dirty: r.Dirty, Workflow: r.Workflow, Event: r.Event,
	}
	if !r.Started.IsZero() {
		at := r.Started.UTC().Format(time.RFC3339)
		doc.Started = &at
	}
	return doc
}

func jobsOf(jobs []ci.Job) []jobDoc {
	out := []jobDoc{}
	for _, j := range jobs {
		out = append(out, jobDoc{j.Name, j.Tool, j.Version, j.Command, j.Status, j.Detail, j.ExitCode, seconds(j.Duration), j.Log})
	}
	return out
}

func coverageOf(v View) *coverageDoc {
	pct, ok := v.Run.Coverage.Percent()
	if !ok {
		return nil
	}
	doc := &coverageDoc{Pct: rounded(pct, 2), Files: []fileCoverDoc{}}
	doc.Covered, doc.Statements, _, _ = v.Run.Coverage.Counts()
	if v.Baseline.Known {
		base, delta := rounded(v.Baseline.Pct, 2), rounded(pct-v.Baseline.Pct, 2)
		doc.Baseline, doc.Delta = &base, &delta
	}
	files := v.coverFiles()
	slices.SortFunc(files, func(a, b fileCover) int { return cmp.Compare(a.File, b.File) })
	for _, f := range files {
		doc.Files = append(doc.Files, fileCoverDoc{f.File, rounded(f.Pct, 2), f.Covered, f.Total, ranges(f.Missing, 0)})
	}
	return doc
}

func comparisonOf(c Comparison) *comparisonDoc {
	if !c.Known {
		return nil
	}
	doc := &comparisonDoc{
		With: c.With, New: list(c.New), Fixed: list(c.Fixed), Recovered: list(c.Recovered),
		Still: []stillDoc{}, Flipped: []flipDoc{},
	}
	for _, s := range c.Still {
		doc.Still = append(doc.Still, stillDoc{string(s.Test), s.Since, known(s.Runs)})
	}
	for _, f := range c.Flipped {
		doc.Flipped = append(doc.Flipped, flipDoc{string(f.Test), f.Before.String(), f.Now.String(), f.Tree})
	}
	return doc
}

type flakeDoc struct {
	ID       ci.TestID       `json:"id"`
	Verdict  ci.FlakeVerdict `json:"verdict"`
	Runs     int             `json:"runs"`
	Failures int             `json:"failures"`
	Flips    int             `json:"flips"`
	Rate     number          `json:"rate"`
	Interval *[2]number      `json:"interval"`
	Why      string          `json:"why,omitempty"`
	CoFails  []ci.TestID     `json:"co_fails"` // flaky tests that fail in the same runs
}

func flakesOf(tests []FlakeTest) []flakeDoc {
	out := []flakeDoc{}
	for _, t := range tests {
		doc := flakeDoc{ID: t.ID, Verdict: t.Verdict, Runs: t.Runs, Failures: t.Failures, Flips: t.Flips, Rate: rounded(t.Rate, 6), Why: t.Why, CoFails: list(t.CoFails)}
		if doc.Verdict == "" {
			doc.Verdict = ci.FlakeUnknown
		}
		if t.Runs <= 0 { // no run, no rate
			doc.Rate = number(math.NaN())
		} else if !math.IsNaN(t.Low) && !math.IsNaN(t.High) {
			doc.Interval = &[2]number{rounded(t.Low, 6), rounded(t.High, 6)}
		}
		out = append(out, doc)
	}
	return out
}

// FlakeDocument writes the document of "keepgreen flake --format json".
func FlakeDocument(w io.Writer, tests []FlakeTest) error {
	return encode(w, struct {
		Tests []flakeDoc `json:"tests"`
	}{flakesOf(sortFlakes(tests))})
}

// CoverageGate is the answer of the coverage gate.
type CoverageGate struct {
	Decision ci.Decision
	Now      *ci.Coverage
	Baseline Baseline
}

type coverageGateDoc struct {
	Pass       bool       `json:"pass"`
	Coverage   *number    `json:"coverage_pct"`
	Baseline   *number    `json:"baseline_pct"`
	Delta      *number    `json:"delta_pp"`
	Because    []string   `json:"because"`
	Verdict    ci.Verdict `json:"verdict"`
	Covered    int        `json:"covered"`
	Statements int        `json:"statements"`
}

// CoverageDocument writes the keys of "keepgreen gate coverage --format json"
// that scripts may rely on.
func CoverageDocument(w io.Writer, g CoverageGate) error { return encode(w, coverageGateOf(g)) }

func coverageGateOf(g CoverageGate) coverageGateDoc {
	decision := decisionOf(g.Decision)
	doc := coverageGateDoc{Pass: decision.Pass, Because: decision.Because, Verdict: decision.Verdict}
	switch g.Decision.Verdict { // as the exit status says: a warning, and what is not this change's fault, pass
	case ci.VerdictWarn, ci.VerdictInherited:
		doc.Pass = true
	default:
	}
	doc.Covered, doc.Statements, _, _ = g.Now.Counts()
	pct, measured := g.Now.Percent()
	if measured {
		n := rounded(pct, 4)
		doc.Coverage = &n
	}
	if g.Baseline.Known {
		n := rounded(g.Baseline.Pct, 4)
		doc.Baseline = &n
	}
	if measured && g.Baseline.Known {
		n := rounded(pct-g.Baseline.Pct, 4)
		doc.Delta = &n
	}
	return doc
}

// VulnGate is the answer of the vulnerability gate.
type VulnGate struct {
	Decision   ci.Decision
	Now        []ci.Vulnerability
	Baseline   VulnCounts
	New, Fixed []ci.Vulnerability
}

// VulnCounts are vulnerabilities by severity; nil means that nothing is known.
type VulnCounts map[ci.VulnSeverity]int

// CountVulns counts vulnerabilities by severity.
func CountVulns(vulns []ci.Vulnerability) VulnCounts {
	counts := VulnCounts{}
	for _, v := range vulns {
		counts[v.Severity]++
	}
	return counts
}

type vulnCountsDoc struct {
	Critical   int `json:"critical"`
	High       int `json:"high"`
	Medium     int `json:"medium"`
	Low        int `json:"low"`
	Unknown    int `json:"unknown"`
	Negligible int `json:"negligible"`
}

func (c VulnCounts) doc() *vulnCountsDoc {
	if c == nil {
		return nil
	}
	return &vulnCountsDoc{
		c[ci.VulnCritical], c[ci.VulnHigh], c[ci.VulnMedium], c[ci.VulnLow], c[ci.VulnUnknown], c[ci.VulnNegligible],
	}
}

type vulnDoc struct {
	ID        string   `json:"id"`
	Package   string   `json:"package"`
	Version   string   `json:"version"`
	Severity  string   `json:"severity"`
	Fixed     []string `json:"fixed_in"`
	Aliases   []string `json:"aliases"`
	PURL      string   `json:"purl,omitempty"`
	Target    string   `json:"target,omitempty"`
	Title     string   `json:"title,omitempty"`
	Scanners  []string `json:"scanners"`
	Exploited bool     `json:"exploited"`
	EPSS      float64  `json:"epss,omitempty"`

	Ratings map[string]string `json:"ratings,omitempty"` // severity by scanner
}

// vulnsOf lists vulnerabilities, the worst first.
func vulnsOf(vulns []ci.Vulnerability) []vulnDoc {
	vulns = sortedBy(vulns, func(a, b ci.Vulnerability) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Target, b.Target))
	})
	out := []vulnDoc{}
	for _, v := range vulns {
		doc := vulnDoc{
			ID: v.ID, Package: v.Package, Version: v.Version, Severity: v.Severity.String(), Fixed: list(v.Fixed), Aliases: list(v.Aliases), PURL: v.PURL,
			Target: v.Target, Title: v.Title, Scanners: list(v.Scanners), Exploited: v.Exploited, EPSS: v.EPSS,
		}
		for _, r := range v.Ratings {
			if doc.Ratings == nil {
				doc.Ratings = map[string]string{}
			}
			doc.Ratings[r.Scanner] = r.Severity.String()
		}
		out = append(out, doc)
	}
	return out
}

// VulnDocument writes the document of "keepgreen gate vulns --format json".
func VulnDocument(w io.Writer, g VulnGate) error {
	decision := decisionOf(g.Decision)
	return encode(w, struct {
		Pass     bool           `json:"pass"`
		Counts   *vulnCountsDoc `json:"counts"`
		Baseline *vulnCountsDoc `json:"baseline"`
		New      []vulnDoc      `json:"new"`
		Fixed    []vulnDoc      `json:"fixed"`
		Because  []string       `json:"because"`
		Verdict  ci.Verdict     `json:"verdict"`
	}{decision.Pass, CountVulns(g.Now).doc(), g.Baseline.doc(), vulnsOf(g.New), vulnsOf(g.Fixed), decision.Because, decision.Verdict})
}
