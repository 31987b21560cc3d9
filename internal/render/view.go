// Package render turns one View, all that is to be said about a run, into
// bytes: the terminal's summary, the HTML report, GitHub's annotations and step
// summary, and the JSON documents. It decides nothing, measures nothing and
// opens nothing; every word of strangers (test names, messages, paths) is made
// harmless for the place it is printed in.
package render

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// View is everything that a summary of one run shows. The caller composes it;
// what can be counted from the run itself (totals, durations, coverage by file)
// is counted here, so that all outputs agree. The zero value is a run in which
// nothing happened.
type View struct {
	Version   string // of keepgreen, for the footer and the documents
	Run       ci.Run
	Clusters  []ci.Cluster  // as ranked: what to look at first stands first; the order is kept
	Decisions []ci.Decision // one a gate
	Verdict   ci.Verdict    // of the run as a whole; empty counts as no data
	Compare   Comparison
	Baseline  Baseline
	Flaky     []FlakeTest  // tests that are known to be flaky
	Muted     []Quarantine // tests whose failures do not count
	Fixes     []Fix
	Next      string // the one thing to do next; empty: that of the first cluster
	Trend     []Point
	Links     Links
	Plan      any       // the plan's document, where there is one
	Arch      *ArchView // nil: not looked at
	Note      string
	Usage     *ci.ModelUsage // of the model that was asked; nil: none was
}

// Comparison is how the run stands beside the runs before it.
type Comparison struct {
	Known     bool   // there is a history; false: the lists say nothing
	With      string // what it is compared with, e.g. "main at 3f2a91c, 2 h ago"
	New       []ci.TestID
	Fixed     []ci.TestID
	Still     []Still
	Flipped   []Flip
	Recovered []ci.TestID // failed, and passed when tried again in this run
}

// Still is a test that failed before and fails now.
type Still struct {
	Test  ci.TestID
	Since string // run or commit of the first failure of the row
	Runs  int    // failed runs in a row, this one included; 0: unknown
}

// Flip is a test that ended differently on the same tree.
type Flip struct {
	Test        ci.TestID
	Before, Now ci.Outcome
	Tree        string
}

// Baseline is what coverage is compared with.
type Baseline struct {
	Known bool
	Pct   float64            // 0..100
	From  string             // e.g. "median of the last 10 green runs on main"
	Delta float64            // percentage points that coverage may drop; 0: not said
	Files map[string]float64 // percent by file, where known
}

// FlakeTest is what the history says about one test.
type FlakeTest struct {
	ID                    ci.TestID
	Verdict               ci.FlakeVerdict
	Runs, Failures, Flips int
	Rate, Low, High       float64     // share of failures with its interval; NaN: unknown
	Why                   string      // e.g. "passed and failed on tree 81c0d2e"
	CoFails               []ci.TestID // flaky tests that fail in the same runs
}

// Quarantine is a test whose failure does not count, and until when.
type Quarantine struct {
	Test    ci.TestID
	Owner   string
	Reason  string
	Ticket  string
	Until   time.Time // zero: not said
	Expired bool      // the entry does not count any more
	Failed  bool      // it failed in this run
}

// Fix is a proposed repair of one cluster.
type Fix struct {
	Cluster     string
	Confidence  float64
	Description string
	CodeChange  string // a unified diff, or the command that does it
}

// Point is one earlier run in the trend; the newest stands last.
type Point struct {
	ID                      string
	Commit                  string
	Started                 time.Time
	Duration                time.Duration
	Verdict                 ci.Verdict
	Passed, Failed, Skipped int
	Coverage                float64 // percent; NaN or negative: not measured
}

// Links are the places a report may point to. Empty ones are left out.
type Links struct {
	Repo   string // "https://github.com/owner/name": permalinks are made from it
	Run    string // the forge's page of this run
	Report string // path of the HTML report
}

// Tally counts the tests of a run, each by its last attempt.
type Tally struct {
	Total, Passed, Failed, Errors, Skipped, XFailed, XPassed, Unknown int
}

// Bad is how many tests keep the run from being green.
func (t Tally) Bad() int { return t.Failed + t.Errors }

// tally counts the tests of the run, those that nobody named among them.
func (v View) tally() Tally {
	t := Count(v.Run.Tests)
	t.Total += v.Run.Unnamed
	t.Passed += v.Run.Unnamed
	return t
}

// Count tallies results by their last attempts.
func Count(results []ci.TestResult) Tally {
	last, _ := ci.Last(results)
	t := Tally{Total: len(last)}
	for _, r := range last {
		switch r.Outcome {
		case ci.Passed:
			t.Passed++
		case ci.Failed:
			t.Failed++
		case ci.Errored:
			t.Errors++
		case ci.Skipped:
			t.Skipped++
		case ci.XFailed:
			t.XFailed++
		case ci.XPassed:
			t.XPassed++
		default:
			t.Unknown++
		}
	}
	return t
}

// sorted is a copy of the view in which every list whose order carries no
// meaning is in order, so that equal views give equal bytes.
func (v View) sorted() View {
	v.Run.Tests, _ = ci.Last(v.Run.Tests)
	slices.SortStableFunc(v.Run.Tests, func(a, b ci.TestResult) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Variant, b.Variant))
	})
	v.Run.Diagnostics = sortedBy(v.Run.Diagnostics, func(a, b ci.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col), cmp.Compare(a.Tool, b.Tool), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Message, b.Message))
	})
	v.Run.Warnings = sortedBy(v.Run.Warnings, func(a, b ci.Warning) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	v.Compare.New = sortedBy(v.Compare.New, cmp.Compare)
	v.Compare.Fixed = sortedBy(v.Compare.Fixed, cmp.Compare)
	v.Compare.Recovered = sortedBy(v.Compare.Recovered, cmp.Compare)
	v.Compare.Still = sortedBy(v.Compare.Still, func(a, b Still) int { return cmp.Compare(a.Test, b.Test) })
	v.Compare.Flipped = sortedBy(v.Compare.Flipped, func(a, b Flip) int { return cmp.Compare(a.Test, b.Test) })
	v.Flaky = sortFlakes(v.Flaky)
	v.Muted = sortedBy(v.Muted, func(a, b Quarantine) int { return cmp.Compare(a.Test, b.Test) })
	v.Fixes = sortedBy(v.Fixes, func(a, b Fix) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Description, b.Description))
	})
	return v
}

func sortFlakes(tests []FlakeTest) []FlakeTest {
	return sortedBy(tests, func(a, b FlakeTest) int { return cmp.Compare(a.ID, b.ID) })
}

func sortedBy[T any](in []T, compare func(a, b T) int) []T {
	out := slices.Clone(in)
	slices.SortStableFunc(out, compare)
	return out
}

// verdict is the run's verdict, with "no data" for none.
func (v View) verdict() ci.Verdict {
	return cmp.Or(v.Verdict, ci.VerdictNoData)
}

// next is the one thing to do: what the caller says, else what the first
// cluster that is the change's own business says.
func (v View) next() string {
	if v.Next != "" {
		return v.Next
	}
	for _, c := range v.Clusters {
		if needsYou(c) && c.Cause.Next != "" {
			return c.Cause.Next
		}
	}
	return ""
}

// needsYou reports whether a cluster is the change's own business: not known to
// fail on main, not flaky, not the machine's.
func needsYou(c ci.Cluster) bool {
	switch c.Whose {
	case ci.WhoseMain, ci.WhoseFlaky, ci.WhoseInfra:
		return false
	case ci.WhoseNew, ci.WhoseUnknown:
	}
	return true
}

// count is how many failures a cluster stands for.
func count(c ci.Cluster) int { return len(c.Members) }

// place is where to look first: the cause's position, else the clearest
// member's, else the first file.
func place(c ci.Cluster) ci.Position {
	if !c.Cause.Pos.IsZero() {
		return c.Cause.Pos
	}
	if len(c.Members) > 0 && !c.Members[0].Pos.IsZero() {
		return c.Members[0].Pos
	}
	if len(c.Files) > 0 {
		return ci.Position{File: c.Files[0]}
	}
	return ci.Position{}
}

// sentence is the root cause in words, never empty.
func sentence(c ci.Cluster) string {
	if c.Cause.Sentence != "" {
		return c.Cause.Sentence
	}
	if len(c.Members) > 0 {
		return c.Members[0].Headline()
	}
	return "unknown cause"
}

// fileCover is the coverage of one file, ready to be drawn.
type fileCover struct {
	File           string
	Covered, Total int
	Pct            float64
	Delta          float64 // against the baseline; meaningful only if HasDelta
	HasDelta       bool
	Missing        []ci.LineRange
}

// coverFiles lists the files of the coverage, the most uncovered lines first.
func (v View) coverFiles() []fileCover {
	if v.Run.Coverage == nil {
		return nil
	}
	var out []fileCover
	for _, name := range slices.Sorted(maps.Keys(v.Run.Coverage.Files)) {
		f := v.Run.Coverage.Files[name]
		if f == nil || f.Total+f.TotalBranches <= 0 {
			continue
		}
		one := fileCover{File: name, Covered: f.Covered, Total: f.Total, Missing: f.Missing()}
		one.Pct = 100 * float64(f.Covered+f.CoveredBranches) / float64(f.Total+f.TotalBranches)
		if base, ok := v.Baseline.Files[name]; ok && v.Baseline.Known {
			one.Delta, one.HasDelta = one.Pct-base, true
		}
		out = append(out, one)
	}
	slices.SortStableFunc(out, func(a, b fileCover) int {
		return cmp.Compare(b.Total-b.Covered, a.Total-a.Covered)
	})
	return out
}

// details is the failure's traceback as its source showed it, else what its
// frames and the chain of its exceptions tell.
func details(f ci.Failure) string {
	if f.Details != "" {
		return f.Details
	}
	var b strings.Builder
	for _, l := range f.Chain {
		frames(&b, l.Frames)
		b.WriteString(strings.TrimSuffix(l.Exception+": "+l.Message, ": ") + "\n\n")
	}
	frames(&b, f.Frames)
	if b.Len() > 0 {
		b.WriteString(strings.TrimPrefix(strings.TrimSuffix(f.Exception+": "+f.Message, ": "), ": "))
	}
	return b.String()
}

func frames(b *strings.Builder, frames []ci.Frame) {
	for _, f := range frames {
		b.WriteString(f.String())
		if f.Func != "" {
			b.WriteString(" in " + f.Func)
		}
		b.WriteString("\n")
		if f.Code != "" {
			b.WriteString("    " + strings.TrimSpace(f.Code) + "\n")
		}
	}
}
