// Package artifact reads the JSON documents that the jobs of a pipeline hand on,
// and the answers of GitHub's API about runs and jobs, by their keys and never by
// their names. It knows shapes and refuses to guess: what a document does not
// say stays unknown, and a figure that cannot be is an error with its place.
package artifact

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// Kind is what a document is.
type Kind string

// The kinds of documents.
const (
	KindRun      Kind = "run"      // GitHub's answer about one attempt of a run
	KindJobs     Kind = "jobs"     // GitHub's answer about its jobs
	KindNeeds    Kind = "needs"    // the needs context of a job
	KindCoverage Kind = "coverage" // coverage_aggregate.json, or what "gate coverage" printed
	KindVulns    Kind = "vulns"    // what "gate vulns" printed
	KindTriage   Kind = "triage"   // triage_report.json
	KindPlan     Kind = "plan"     // what "plan" printed
	KindMetrics  Kind = "metrics"  // run_metrics.json
	KindQuality  Kind = "quality"  // quality_metrics.json
)

// ErrUnknown is returned for a text that is none of the documents.
var ErrUnknown = errors.New("none of the documents that a pipeline hands on")

// MaxSize is more than any of the documents has.
const MaxSize = 64 << 20

// Document is what one document says; what it does not say is nil or empty.
type Document struct {
	Kind          Kind
	Run           *ci.Pipeline
	Jobs          []ci.PipelineJob
	Needs         map[string]ci.JobStatus
	Coverage      *float64
	High          *int
	Critical      *int
	FixConfidence *float64
	Flaky         []string // tests
	FlakyKnown    bool     // Flaky is a list, which may be empty
	HasFlaky      *bool    // said without a list
	Selection     *Selection
	Model         *Usage
	Metrics       *ci.RunMetrics
	Found         ci.Findings // what a pull request is told of it
}

// Selection is what a plan left out.
type Selection struct {
	Mode           string
	Selected, Left int
	Saved          *float64 // seconds
	Audited        *float64 // tests that were left out and run all the same
	Missed         *float64 // of these, failed
}

// Usage is what asking a model cost.
type Usage struct{ Calls, InputTokens, OutputTokens, Dollars *float64 }

// fields are the members of an object.
type fields map[string]json.RawMessage

func (f fields) has(keys ...string) bool {
	for _, key := range keys {
		if _, ok := f[key]; !ok {
			return false
		}
	}
	return true
}

// Read reads a document of whichever kind it is. A JSON text of no kind is ErrUnknown.
func Read(data []byte) (Document, error) {
	data = []byte(strings.TrimPrefix(string(data), "\xef\xbb\xbf"))
	var f fields
	if err := json.Unmarshal(data, &f); err != nil || len(f) == 0 {
		return Document{}, ErrUnknown
	}
	for _, r := range readers {
		if !r.is(f) {
			continue
		}
		doc := Document{Kind: r.kind}
		if err := r.read(f, &doc); err != nil {
			return Document{}, fmt.Errorf("%s: %w", r.kind, err)
		}
		return doc, nil
	}
	return Document{}, ErrUnknown
}

// readers is the table of documents, the most telling first.
var readers = []struct {
	kind Kind
	is   func(fields) bool
	read func(fields, *Document) error
}{
	{KindRun, func(f fields) bool { return f.has("id", "run_started_at") }, readRun},
	{KindJobs, func(f fields) bool { return f.has("jobs", "total_count") }, readJobs},
	{KindMetrics, func(f fields) bool { return f.has("workflow_run_id", "metrics") }, readMetrics},
	{KindReport, func(f fields) bool { return f.has("clusters", "gate", "duration_s") }, readReport},
	{KindTriage, func(f fields) bool { return f.has("clusters", "fixes", "flaky_tests") }, readTriage},
	{KindPlan, func(f fields) bool { return f.has("mode", "tests", "total") }, readPlan},
	{KindVulns, func(f fields) bool { return f.has("pass", "counts") }, readVulns},
	{KindCoverage, func(f fields) bool {
		return f.has("coverage", "covered", "statements") || f.has("coverage_pct", "baseline_pct")
	}, readCoverage},
	{KindQuality, func(f fields) bool { return f.has("history") && (f.has("coverage") || f.has("vulnerabilities")) }, func(fields, *Document) error { return nil }},
	{KindArch, func(f fields) bool { return f.has("health_score", "circular_dependencies") }, readArch},
	{KindNeeds, isNeeds, readNeeds},
}

func isNeeds(f fields) bool {
	for _, raw := range f {
		var job struct {
			Result *string `json:"result"`
		}
		if json.Unmarshal(raw, &job) != nil || job.Result == nil || ci.Concluded(*job.Result) == "" {
			return false
		}
	}
	return true
}

// readNeeds reads the needs context: statuses, and the outputs that the contract
// names (https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#needs-context).
func readNeeds(f fields, doc *Document) error {
	doc.Needs = map[string]ci.JobStatus{}
	for name, raw := range f {
		var job struct {
			Result  string            `json:"result"`
			Outputs map[string]string `json:"outputs"`
		}
		if err := json.Unmarshal(raw, &job); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		doc.Needs[name] = ci.Concluded(job.Result)
		doc.Found.Statuses = doc.Needs
		doc.outputs(job.Outputs)
	}
	return nil
}

// outputs takes over the outputs of a job; those that are empty were not set.
func (doc *Document) outputs(out map[string]string) {
	for name, to := range map[string]**float64{"coverage_pct": &doc.Coverage, "fix_confidence": &doc.FixConfidence} {
		if v, ok := finite(out[name]); ok {
			*to = &v
		}
	}
	for name, to := range map[string]**int{"vuln_high": &doc.High, "vuln_critical": &doc.Critical} {
		if v, err := strconv.Atoi(out[name]); err == nil && v >= 0 {
			*to = &v
		}
	}
	if flaky, err := strconv.ParseBool(out["has_flaky_tests"]); err == nil {
		doc.HasFlaky = &flaky
	}
	if mode := out["test_selection_mode"]; mode == "full" || mode == "selective" {
		doc.Selection = &Selection{Mode: mode}
	}
}

func readCoverage(f fields, doc *Document) error {
	raw, ok := f["coverage_pct"]
	if !ok {
		raw = f["coverage"]
	}
	var err error
	if doc.Coverage, err = percentage(raw); err != nil {
		return err
	}
	return readCoverageFinding(f, doc)
}

func readVulns(f fields, doc *Document) error {
	var counts struct{ High, Critical *int }
	if err := json.Unmarshal(f["counts"], &counts); err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	doc.High, doc.Critical = counts.High, counts.Critical
	return readVulnFinding(f, doc)
}

func readTriage(f fields, doc *Document) error {
	var fixes []struct {
		Confidence *float64 `json:"confidence"`
	}
	if err := json.Unmarshal(f["fixes"], &fixes); err != nil {
		return fmt.Errorf("fixes: %w", err)
	}
	best := 0.0
	for _, fix := range fixes {
		if fix.Confidence != nil {
			best = max(best, min(*fix.Confidence, 1))
		}
	}
	doc.FixConfidence = &best // no fix is a confidence of 0, as the job's own output says
	var flaky []json.RawMessage
	if err := json.Unmarshal(f["flaky_tests"], &flaky); err != nil {
		return fmt.Errorf("flaky_tests: %w", err)
	}
	doc.FlakyKnown = true
	for _, raw := range flaky {
		doc.Flaky = append(doc.Flaky, testName(raw))
	}
	for _, key := range []string{"ai", "usage", "model"} {
		if doc.Model = usage(f[key]); doc.Model != nil {
			break
		}
	}
	return readFindings(f, doc)
}

// testName is a test as a string, or as an object with one of the usual keys.
func testName(raw json.RawMessage) string {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return name
	}
	var named struct{ ID, Test, Name string }
	_ = json.Unmarshal(raw, &named) // what has no name still counts
	for _, s := range []string{named.ID, named.Test, named.Name} {
		if s != "" {
			return s
		}
	}
	return string(raw)
}

// usage is what a model cost; nil where the object says nothing of it.
func usage(raw json.RawMessage) *Usage {
	var u struct {
		Calls   *float64 `json:"calls"`
		Input   *float64 `json:"input_tokens"`
		Output  *float64 `json:"output_tokens"`
		Dollars *float64 `json:"cost_usd"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &u) != nil || u.Input == nil && u.Output == nil && u.Dollars == nil {
		return nil
	}
	return &Usage{u.Calls, u.Input, u.Output, u.Dollars}
}

func readPlan(f fields, doc *Document) error {
	var mode string
	var tests []json.RawMessage
	if err := errors.Join(json.Unmarshal(f["mode"], &mode), json.Unmarshal(f["tests"], &tests)); err != nil {
		return err
	}
	total, err := count(f["total"])
	if err != nil {
		return fmt.Errorf("total: %w", err)
	}
	doc.Selection = &Selection{Mode: mode, Selected: len(tests)}
	if total != nil {
		doc.Selection.Left = max(0, *total-len(tests))
	}
	for key, to := range map[string]**float64{"skipped_s": &doc.Selection.Saved, "audited": &doc.Selection.Audited, "missed": &doc.Selection.Missed} {
		if *to, err = amount(f[key]); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// amount is a number from 0 on; nil where there is none.
func amount(raw json.RawMessage) (*float64, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var v float64
	if err := json.Unmarshal(raw, &v); err != nil || v < 0 || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%.40s is not a number from 0 on", raw)
	}
	return &v, nil
}

func percentage(raw json.RawMessage) (*float64, error) {
	v, err := amount(raw)
	if err != nil || v != nil && *v > 100 {
		return nil, fmt.Errorf("%.40s is not a percentage", raw)
	}
	return v, nil
}

func count(raw json.RawMessage) (*int, error) {
	v, err := amount(raw)
	if err != nil || v == nil {
		return nil, err
	}
	if *v != math.Trunc(*v) || *v > math.MaxInt32 {
		return nil, fmt.Errorf("%.40s is not a count", raw)
	}
	n := int(*v)
	return &n, nil
}
