package artifact

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"keepgreen/internal/ci"
)

// Bounds of what is taken from one document: a comment shows far less, and the
// document may be a stranger's.
const (
	maxClusters = 2000
	maxMembers  = 20000
)

// KindReport is what "run --format json" printed, KindArch architecture_analysis.json.
const (
	KindReport Kind = "report"
	KindArch   Kind = "arch"
)

type positionDoc struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

func (p *positionDoc) position() ci.Position {
	if p == nil {
		return ci.Position{}
	}
	return ci.Position{File: p.File, Line: max(p.Line, 0), Col: max(p.Col, 0)}
}

type clusterDoc struct {
	ID         string       `json:"id"`
	Type       ci.Class     `json:"type"`
	Kind       ci.Kind      `json:"kind"`
	RootCause  string       `json:"root_cause"`
	Files      []string     `json:"files"`
	Confidence float64      `json:"confidence"`
	Members    []string     `json:"members"`
	Count      int          `json:"count"`
	Whose      ci.Whose     `json:"whose"`
	Since      string       `json:"since"`
	Next       string       `json:"next"`
	Position   *positionDoc `json:"position"`
	Example    string       `json:"example"`
	Evidence   []struct {
		What   string `json:"what"`
		Detail string `json:"detail"`
	} `json:"evidence"`
}

type failureDoc struct {
	ID        string  `json:"id"`
	Kind      ci.Kind `json:"kind"`
	Message   string  `json:"message"`
	File      string  `json:"file"`
	Line      int     `json:"line"`
	Cluster   string  `json:"cluster"`
	Tool      string  `json:"tool"`
	Rule      string  `json:"rule"`
	Exception string  `json:"exception"`
}

// readFindings reads the keys that triage_report.json and the document of a run
// have in common.
func readFindings(f fields, doc *Document) error {
	var clusters []clusterDoc
	var failures []failureDoc
	var fixes []struct {
		Confidence           float64
		Description, Cluster string
		CodeChange           string `json:"code_change"`
	}
	var tests *ci.TestCounts
	err := errors.Join(
		member(f, "clusters", &clusters), member(f, "failures", &failures), member(f, "fixes", &fixes), member(f, "tests", &tests), member(f, "note", &doc.Found.Note),
	)
	if err != nil {
		return err
	}
	doc.Found.Triaged, doc.Found.Tests = true, tests
	if tests != nil && tests.Total == 0 {
		doc.Found.Tests = nil // only logs were read, which need not name the tests
	}
	doc.Found.Clusters = clustersOf(clusters, failures)
	for _, fix := range fixes {
		doc.Found.Fixes = append(doc.Found.Fixes, ci.FixFinding{Cluster: fix.Cluster, Description: fix.Description, CodeChange: fix.CodeChange, Confidence: fix.Confidence})
	}
	for _, name := range doc.Flaky {
		doc.Found.Flaky = append(doc.Found.Flaky, ci.TestID(name))
	}
	return nil
}

// clustersOf gives the clusters their members back. Where the failures are not
// listed, as in a document of the guide's own shape, the names have to do.
func clustersOf(clusters []clusterDoc, failures []failureDoc) []ci.Cluster {
	members := map[string][]ci.Failure{}
	for _, f := range failures[:min(len(failures), maxMembers)] {
		one := ci.Failure{Kind: f.Kind, Tool: f.Tool, Rule: f.Rule, Exception: f.Exception, Message: f.Message, Pos: ci.Position{File: f.File, Line: max(f.Line, 0)}}
		if f.Kind == ci.KindTest || f.Kind == ci.KindError {
			one.Test = ci.TestID(f.ID)
		}
		members[f.Cluster] = append(members[f.Cluster], one)
	}
	var out []ci.Cluster
	for _, c := range clusters[:min(len(clusters), maxClusters)] {
		one := ci.Cluster{
			ID: c.ID, Kind: c.Kind, Confidence: c.Confidence, Whose: whose(c.Whose), Since: c.Since, Files: c.Files, Members: members[c.ID],
			Cause: ci.Cause{Class: c.Type, Sentence: c.RootCause, Next: c.Next, Pos: c.Position.position()},
		}
		for i := range min(max(c.Count, len(c.Members)), maxMembers) {
			if len(members[c.ID]) > 0 {
				break
			}
			member := ci.Failure{Kind: c.Kind, Message: cmp.Or(c.Example, c.RootCause)}
			if i < len(c.Members) {
				member.Test = ci.TestID(c.Members[i])
			}
			one.Members = append(one.Members, member)
		}
		for _, e := range c.Evidence {
			one.Evidence = append(one.Evidence, ci.Evidence{What: e.What, Detail: e.Detail})
		}
		out = append(out, one)
	}
	return out
}

func whose(w ci.Whose) ci.Whose {
	switch w {
	case ci.WhoseNew, ci.WhoseMain, ci.WhoseFlaky, ci.WhoseInfra:
		return w
	case ci.WhoseUnknown:
	}
	return ci.WhoseUnknown
}

// member reads one member of an object, if it is there.
func member(f fields, key string, into any) error {
	raw, has := f[key]
	if !has {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// readReport reads the document of "keepgreen run".
func readReport(f fields, doc *Document) error {
	var comparison *struct {
		Fixed     []ci.TestID `json:"fixed"`
		Recovered []ci.TestID `json:"recovered"`
	}
	var flaky []json.RawMessage
	var gate struct {
		Decisions []struct {
			Gate    string     `json:"gate"`
			Verdict ci.Verdict `json:"verdict"`
			Because []string   `json:"because"`
		} `json:"decisions"`
	}
	var coverage *struct {
		Pct  *float64 `json:"pct"`
		Base *float64 `json:"baseline_pct"`
	}
	err := errors.Join(member(f, "comparison", &comparison), member(f, "flaky_tests", &flaky), member(f, "gate", &gate), member(f, "coverage", &coverage))
	if err != nil {
		return err
	}
	doc.FlakyKnown = f.has("flaky_tests")
	for _, raw := range flaky {
		doc.Flaky = append(doc.Flaky, testName(raw))
	}
	if err := readFindings(f, doc); err != nil {
		return err
	}
	if comparison != nil {
		doc.Found.Fixed, doc.Found.Recovered = comparison.Fixed, comparison.Recovered
	}
	if coverage != nil {
		doc.Coverage = coverage.Pct
		doc.Found.Coverage = &ci.CoverageFinding{Pct: coverage.Pct, Base: coverage.Base}
	}
	for _, d := range gate.Decisions {
		if d.Gate == "coverage" && doc.Found.Coverage != nil {
			doc.Found.Coverage.Verdict, doc.Found.Coverage.Because = d.Verdict, d.Because
			continue
		}
		doc.Found.Decisions = append(doc.Found.Decisions, ci.Decision{Gate: d.Gate, Verdict: d.Verdict, Because: d.Because})
	}
	if raw, has := f["arch"]; has {
		var below fields
		if err := json.Unmarshal(raw, &below); err != nil {
			return fmt.Errorf("arch: %w", err)
		}
		return readArch(below, doc)
	}
	return nil
}

// readCoverageFinding adds the gate's reasons to its figures.
func readCoverageFinding(f fields, doc *Document) error {
	found := &ci.CoverageFinding{Pct: doc.Coverage}
	var gaps []struct {
		File        string
		First, Last int
	}
	err := errors.Join(member(f, "baseline_pct", &found.Base), member(f, "verdict", &found.Verdict), member(f, "because", &found.Because),
		member(f, "patch", &found.Patch), member(f, "uncovered_new_lines", &gaps))
	if err != nil {
		return err
	}
	for _, g := range gaps {
		if g.First > 0 {
			found.Gaps = append(found.Gaps, ci.Position{File: g.File, Line: g.First, EndLine: max(g.Last, g.First)})
		}
	}
	doc.Found.Coverage = found
	return nil
}

type vulnDoc struct {
	ID        string   `json:"id"`
	Package   string   `json:"package"`
	Version   string   `json:"version"`
	Severity  string   `json:"severity"`
	Fixed     []string `json:"fixed_in"`
	Target    string   `json:"target"`
	Title     string   `json:"title"`
	Exploited bool     `json:"exploited"`
}

var severities = map[string]ci.VulnSeverity{
	"critical": ci.VulnCritical, "high": ci.VulnHigh, "medium": ci.VulnMedium, "low": ci.VulnLow, "negligible": ci.VulnNegligible, "unknown": ci.VulnUnknown,
}

func vulnsOf(docs []vulnDoc) []ci.Vulnerability {
	var out []ci.Vulnerability
	for _, d := range docs[:min(len(docs), maxMembers)] {
		out = append(out, ci.Vulnerability{
			ID: d.ID, Package: d.Package, Version: d.Version, Severity: severities[d.Severity], Fixed: d.Fixed, Target: d.Target, Title: d.Title, Exploited: d.Exploited,
		})
	}
	return out
}

func countsOf(counts map[string]*int) map[ci.VulnSeverity]int {
	if counts == nil {
		return nil
	}
	out := map[ci.VulnSeverity]int{}
	for name, n := range counts {
		if severity, known := severities[name]; known && n != nil {
			out[severity] = max(*n, 0)
		}
	}
	return out
}

// readVulnFinding adds which vulnerabilities are new to the counts.
func readVulnFinding(f fields, doc *Document) error {
	found := &ci.VulnFinding{}
	var counts, base map[string]*int
	var added, fixed []vulnDoc
	err := errors.Join(member(f, "counts", &counts), member(f, "baseline", &base), member(f, "new", &added), member(f, "fixed", &fixed),
		member(f, "verdict", &found.Verdict), member(f, "because", &found.Because))
	if err != nil {
		return err
	}
	found.Counts, found.Base, found.New, found.Fixed = countsOf(counts), countsOf(base), vulnsOf(added), vulnsOf(fixed)
	doc.Found.Vulns = found
	return nil
}

func readArch(f fields, doc *Document) error {
	found := &ci.ArchFinding{}
	var delta *struct {
		Before     *float64   `json:"health_score_before"`
		NewCycles  [][]string `json:"new_cycles"`
		GoneCycles [][]string `json:"gone_cycles"`
	}
	err := errors.Join(member(f, "health_score", &found.Score), member(f, "failed", &found.Failed), member(f, "delta", &delta))
	if err != nil {
		return err
	}
	if delta != nil {
		found.Before, found.NewCycles, found.GoneCycles = delta.Before, delta.NewCycles, delta.GoneCycles
	}
	doc.Found.Arch = found
	return nil
}
