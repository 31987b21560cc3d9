package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// The documents' own types are private: a key that is renamed changes this
// package only. A number that is not known is null, never 0; a list without
// entries is [], never null.

// number is a float that is null where it is not finite.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// rounded keeps n decimals: 87.30000000000001 tells nobody anything.
func rounded(f float64, n int) number {
	scale := math.Pow10(n)
	return number(math.Round(f*scale) / scale)
}

func seconds(d time.Duration) number { return rounded(d.Seconds(), 3) }

// confidence is a probability as the documents carry it. It is rounded down:
// 0.89996 must not pass a threshold of 0.9 because of its printing.
func confidence(p float64) number {
	if math.IsNaN(p) {
		return number(p)
	}
	return number(math.Floor(min(max(p, 0), 1)*1e4+1e-9) / 1e4)
}

// list makes an empty list of a nil one.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

func encode(w io.Writer, doc any) error {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(doc); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

type testsDoc struct {
	Total   int `json:"total"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"` // with errors
	Skipped int `json:"skipped"`
	Errors  int `json:"errors"` // of failed, how many broke around the test
	XFailed int `json:"xfailed"`
	XPassed int `json:"xpassed"`
	Unknown int `json:"unknown"`
}

func testsOf(v View) testsDoc {
	t := v.tally()
	return testsDoc{
		Total: t.Total, Passed: t.Passed, Failed: t.Bad(), Skipped: t.Skipped,
		Errors: t.Errors, XFailed: t.XFailed, XPassed: t.XPassed, Unknown: t.Unknown,
	}
}

type positionDoc struct {
	File string `json:"file"`
	Line *int   `json:"line"`
	Col  *int   `json:"col,omitempty"`
}

func positionOf(p ci.Position) *positionDoc {
	if p.IsZero() {
		return nil
	}
	return &positionDoc{File: p.File, Line: known(p.Line), Col: known(p.Col)}
}

// known is nil for a number that counts from 1 and is 0.
func known(n int) *int {
	if n <= 0 {
		return nil
	}
	return &n
}

type evidenceDoc struct {
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
	Weight number `json:"weight"`
}

type clusterDoc struct {
	ID         string        `json:"id"`
	Type       ci.Class      `json:"type"`
	Kind       ci.Kind       `json:"kind"`
	Count      int           `json:"count"`
	RootCause  string        `json:"root_cause"`
	Files      []string      `json:"files"`
	Confidence number        `json:"confidence"`
	Evidence   []evidenceDoc `json:"evidence"`
	Members    []string      `json:"members"`
	Whose      ci.Whose      `json:"whose"`
	Since      string        `json:"since,omitempty"`
	Next       string        `json:"next,omitempty"`
	Position   *positionDoc  `json:"position"`
	Example    string        `json:"example,omitempty"`
	Splits     string        `json:"splits,omitempty"`
	Cause      causeDoc      `json:"cause"`
	AI         *opinionDoc   `json:"ai,omitempty"` // beside the answer above, never in its place
}

// causeDoc is the cause in fields, for fixers.
type causeDoc struct {
	Symbol string `json:"symbol,omitempty"`
	Module string `json:"module,omitempty"`
	Type   string `json:"type,omitempty"`
	Rule   string `json:"rule,omitempty"`
	Host   string `json:"host,omitempty"`
}

type opinionDoc struct {
	Model      string `json:"model"`
	Cause      string `json:"cause"`
	Fix        string `json:"fix,omitempty"`
	Confidence number `json:"confidence"`
}

func opinionOf(o *ci.Opinion) *opinionDoc {
	if o == nil {
		return nil
	}
	return &opinionDoc{o.Model, o.Cause, o.Fix, confidence(o.Confidence)}
}

func clustersOf(clusters []ci.Cluster) []clusterDoc {
	out := make([]clusterDoc, 0, len(clusters))
	for _, c := range clusters {
		doc := clusterDoc{
			ID: c.ID, Type: class(c), Kind: c.Kind, Count: count(c), RootCause: sentence(c), Files: list(c.Files),
			Confidence: confidence(c.Confidence), Evidence: []evidenceDoc{}, Members: []string{},
			Whose: c.Whose, Since: c.Since, Next: c.Cause.Next, Position: positionOf(place(c)), Example: logLine(c), Splits: c.Splits, AI: opinionOf(c.Opinion),
			Cause: causeDoc{c.Cause.Symbol, c.Cause.Module, c.Cause.Type, c.Cause.Rule, c.Cause.Host},
		}
		if doc.Whose == "" {
			doc.Whose = ci.WhoseUnknown
		}
		for _, e := range c.Evidence {
			doc.Evidence = append(doc.Evidence, evidenceDoc{e.What, e.Detail, rounded(e.Weight, 3)})
		}
		for _, m := range c.Members {
			doc.Members = append(doc.Members, m.Name())
		}
		out = append(out, doc)
	}
	return out
}

func class(c ci.Cluster) ci.Class {
	if c.Cause.Class == "" {
		return ci.ClassUnknown
	}
	return c.Cause.Class
}

type failureDoc struct {
	ID        string     `json:"id"`
	Kind      ci.Kind    `json:"kind"`
	Message   string     `json:"message"`
	File      *string    `json:"file"`
	Line      *int       `json:"line"`
	Cluster   string     `json:"cluster"`
	Tool      string     `json:"tool,omitempty"`
	Rule      string     `json:"rule,omitempty"`
	Exception string     `json:"exception,omitempty"`
	Phase     string     `json:"phase,omitempty"`
	Test      string     `json:"test,omitempty"`
	Frames    []frameDoc `json:"frames,omitempty"`
	LogFile   string     `json:"log_file,omitempty"`
	LogLine   *int       `json:"log_line,omitempty"`
}

// frameDoc is one level of a stack trace; the innermost stands last.
type frameDoc struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Func string `json:"func,omitempty"`
}

// maxFrames bounds the frames of one failure that a document has.
const maxFrames = 8

func framesOf(frames []ci.Frame) []frameDoc {
	var out []frameDoc
	for _, f := range frames[max(0, len(frames)-maxFrames):] {
		if f.File != "" && f.Line > 0 {
			out = append(out, frameDoc{f.File, f.Line, f.Func})
		}
	}
	return out
}

// failuresOf lists the members of all clusters, in the clusters' order.
func failuresOf(clusters []ci.Cluster) []failureDoc {
	out := []failureDoc{}
	for _, c := range clusters {
		for _, m := range c.Members {
			doc := failureDoc{
				ID: m.Name(), Kind: kindOf(m), Message: m.Message, Line: known(m.Pos.Line), Cluster: c.ID,
				Tool: m.Tool, Rule: m.Rule, Exception: m.Exception, Phase: m.Phase, Test: string(m.Test), Frames: framesOf(m.Frames), LogFile: m.Log.File, LogLine: known(m.Log.Line),
			}
			if doc.Message == "" {
				doc.Message = m.Headline()
			}
			if m.Pos.File != "" {
				doc.File = &m.Pos.File
			}
			out = append(out, doc)
		}
	}
	return out
}

// kindOf is the failure's kind, or the kind that its other fields imply.
func kindOf(f ci.Failure) ci.Kind {
	switch {
	case f.Kind != "":
		return f.Kind
	case f.Test != "":
		return ci.KindTest
	}
	return ci.KindError
}

type decisionDoc struct {
	Gate    string     `json:"gate"`
	Verdict ci.Verdict `json:"verdict"`
	Pass    bool       `json:"pass"`
	Because []string   `json:"because"`
}

type gateDoc struct {
	Pass      bool          `json:"pass"`
	Verdict   ci.Verdict    `json:"verdict"`
	Decisions []decisionDoc `json:"decisions"`
}

// passes reports whether a verdict is a yes. "Inherited" lets the change
// through, for it broke nothing; a warning and a missing answer are no yes.
func passes(v ci.Verdict) bool { return v == ci.VerdictPass || v == ci.VerdictInherited }

func decisionOf(d ci.Decision) decisionDoc {
	if d.Verdict == "" {
		d.Verdict = ci.VerdictNoData
	}
	return decisionDoc{d.Gate, d.Verdict, passes(d.Verdict), list(d.Because)}
}

// gateOf sums the decisions up. The run's gate passes with warnings: they are
// what does not stop it.
func gateOf(v View) gateDoc {
	doc := gateDoc{Verdict: v.verdict(), Decisions: []decisionDoc{}}
	doc.Pass = passes(doc.Verdict) || doc.Verdict == ci.VerdictWarn
	for _, d := range v.Decisions {
		doc.Decisions = append(doc.Decisions, decisionOf(d))
	}
	return doc
}

// summaryLine is the run in one line, for triage_summary and its like.
func summaryLine(v View) string {
	if len(v.Clusters) == 0 && v.tally().Bad() == 0 {
		return strings.Join(v.headline(), ", ")
	}
	line := strings.Join(v.headline(), ", ")
	if len(v.Clusters) > 0 {
		line += ". First: " + Visible(sentence(v.Clusters[0]))
	}
	return line
}

// Summary is the run in one line of plain text.
func Summary(v View) string { return cut(summaryLine(v.sorted()), 400) }

// FixConfidence is the highest confidence among the proposed fixes, 0 where
// there is none.
func FixConfidence(fixes []Fix) float64 {
	best := 0.0
	for _, f := range fixes {
		if f.Confidence > best {
			best = f.Confidence
		}
	}
	return float64(confidence(best))
}

type fixDoc struct {
	Confidence  number `json:"confidence"`
	Description string `json:"description"`
	CodeChange  string `json:"code_change"`
	Cluster     string `json:"cluster,omitempty"`
}

func fixesOf(fixes []Fix) []fixDoc {
	out := []fixDoc{}
	for _, f := range fixes {
		out = append(out, fixDoc{confidence(f.Confidence), f.Description, f.CodeChange, f.Cluster})
	}
	return out
}

type triageDoc struct {
	Clusters   []clusterDoc `json:"clusters"`
	FlakyTests []string     `json:"flaky_tests"`
	Fixes      []fixDoc     `json:"fixes"`
	Summary    string       `json:"summary"`
	Failures   []failureDoc `json:"failures"`
	Tests      testsDoc     `json:"tests"`
	Warnings   []warningDoc `json:"warnings"`
	Note       string       `json:"note,omitempty"` // how the answer came about, e.g. that no model was asked
	AI         *usageDoc    `json:"ai,omitempty"`   // what asking a model took
}

type usageDoc struct {
	Calls   int    `json:"calls"`
	Input   int    `json:"input_tokens"`
	Output  int    `json:"output_tokens"`
	Dollars number `json:"cost_usd"`
}

func usageOf(u *ci.ModelUsage) *usageDoc {
	if u == nil {
		return nil
	}
	return &usageDoc{u.Calls, u.InputTokens, u.OutputTokens, rounded(u.Dollars, 6)}
}

type warningDoc struct {
	Source string `json:"source,omitempty"`
	Line   *int   `json:"line,omitempty"`
	Text   string `json:"text"`
}

func warningsOf(in []ci.Warning) []warningDoc {
	out := []warningDoc{}
	for _, w := range in {
		out = append(out, warningDoc{w.Source, known(w.Line), w.Text})
	}
	return out
}

// TriageReport writes triage_report.json.
func TriageReport(w io.Writer, v View) error {
	v = v.sorted()
	return encode(w, triageDoc{
		Clusters: clustersOf(v.Clusters), FlakyTests: flakyNames(v), Fixes: fixesOf(v.Fixes), Summary: Summary(v),
		Failures: failuresOf(v.Clusters), Tests: testsOf(v), Warnings: warningsOf(v.Run.Warnings), Note: v.Note, AI: usageOf(v.Usage),
	})
}

// flakyNames lists the tests that are flaky by history, by a retry in this run
// or by ending differently on the same tree.
func flakyNames(v View) []string {
	names := []string{}
	for _, t := range v.Flaky {
		names = append(names, string(t.ID))
	}
	for _, id := range v.Compare.Recovered {
		names = append(names, string(id))
	}
	for _, f := range v.Compare.Flipped {
		names = append(names, string(f.Test))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// HasFlaky reports whether anything in the view is flaky.
func HasFlaky(v View) bool { return len(flakyNames(v)) > 0 }

type errorDoc struct {
	Type    ci.Class `json:"type"`
	Test    *string  `json:"test"`
	File    *string  `json:"file"`
	Message string   `json:"message"`
	Details string   `json:"details"`
	Line    *int     `json:"line"`
	Kind    ci.Kind  `json:"kind"`
	Cluster string   `json:"cluster"`
}

type coverWarningDoc struct {
	Type     string `json:"type"`
	File     string `json:"file"`
	Coverage number `json:"coverage"`
	Missing  string `json:"missing_lines,omitempty"`
}

type errorReportDoc struct {
	Errors       []errorDoc        `json:"errors"`
	Warnings     []coverWarningDoc `json:"warnings"`
	ErrorCount   int               `json:"error_count"`
	WarningCount int               `json:"warning_count"`
}

// lowCoverage is the percentage below which a file is worth a warning in
// error_report.json: the guide's classic floor.
const lowCoverage = 90.0

// ErrorReport writes error_report.json.
func ErrorReport(w io.Writer, v View) error {
	v = v.sorted()
	doc := errorReportDoc{Errors: []errorDoc{}, Warnings: []coverWarningDoc{}}
	for _, c := range v.Clusters {
		for _, m := range c.Members {
			one := errorDoc{
				Type: class(c), Message: m.Message, Details: details(m), Line: known(m.Pos.Line), Kind: kindOf(m), Cluster: c.ID,
			}
			if one.Message == "" {
				one.Message = m.Headline()
			}
			if m.Test != "" {
				name := string(m.Test)
				one.Test = &name
			}
			if m.Pos.File != "" {
				one.File = &m.Pos.File
			}
			doc.Errors = append(doc.Errors, one)
		}
	}
	for _, f := range v.coverFiles() {
		if f.Pct < lowCoverage {
			missing := strings.ReplaceAll(ranges(f.Missing, 0), "–", "-")
			doc.Warnings = append(doc.Warnings, coverWarningDoc{"low_coverage", f.File, rounded(f.Pct, 2), missing})
		}
	}
	doc.ErrorCount, doc.WarningCount = len(doc.Errors), len(doc.Warnings)
	return encode(w, doc)
}
