// Package impact says which tests a change can reach, and how they are best
// spread over machines. It is safe before it is sparing: what it does not know
// selects, and a file that nothing is known of selects everything. It runs
// nothing and opens nothing; the import graph, the recorded map of who ran what,
// the change and the history are handed to it.
package impact

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

// Mode is how much is run.
type Mode string

// The modes, in the words of the guide.
const (
	Selective Mode = "selective"
	Full      Mode = "full"
)

// Kind is what a test was selected, or a file was cleared, by. When a skipped
// test fails, the kind that cleared it is trusted no more (Input.Wide).
type Kind string

// The kinds.
const (
	KindFull    Kind = "full"    // everything runs
	KindChanged Kind = "changed" // the test's own file
	KindImport  Kind = "import"  // the import graph
	KindRuns    Kind = "runs"    // the map: a changed definition ran in it
	KindNames   Kind = "names"   // the map: something that mentions a changed name ran in it
	KindReads   Kind = "reads"   // the map: it opened the file
	KindRule    Kind = "rule"    // a path rule of the configuration
	KindDocs    Kind = "docs"    // the built-in rule for documentation
	KindNew     Kind = "new"     // it was never seen before
	KindFailed  Kind = "failed"  // it failed last time
	KindAlways  Kind = "always"  // what it does cannot be recorded
)

// Test is a test as a plan knows it: a function without its parameters, or a
// whole file where its tests have no names that are known.
type Test struct {
	ID   ci.TestID
	File string // the Python file, or the folder of the Go package
}

// Step is one step on the way from a test to a change.
type Step struct {
	From, To string // files, or definitions as "file::name"
	Line     int    // in From; 0: not a line
	How      string // "imports", "runs", "reads" …
}

// Choice is a test that is selected, and why.
type Choice struct {
	Test
	Kind    Kind
	Because string
	Path    []Step
}

// Plan is the answer.
type Plan struct {
	Mode    Mode
	Reason  string // one sentence
	Changed []string
	Tests   []Choice // what is to run, sorted by ID
	Skipped []Choice // what is not, and why that is safe
	Notes   []string // what a careful reader should know
	Causes  []Cause  // what each changed file led to, in the order of Changed
}

// Cause is what one changed file led to.
type Cause struct {
	File  string
	Kind  Kind
	Text  string
	Tests int
}

// Total is how many tests there are.
func (p Plan) Total() int { return len(p.Tests) + len(p.Skipped) }

// Settings are the guide's switches and the repository's own rules.
type Settings struct {
	Enabled   bool
	Threshold int      // more changed files than this: everything
	Critical  []string // patterns beside the built-in ones
	Rules     []Rule
}

// Input is everything that a plan rests on.
type Input struct {
	Settings
	Change  []ci.FileChange
	Unknown string // why the change is not known; everything runs then
	Graph   ci.Graph
	Before  *ci.Graph       // of the base; nil: no file is gone
	Opaque  map[string]bool // files that load modules by names that are not literals
	Config  Pytest
	Links   []Link // what is known of imports beside the graph
	// Mentions says which files mention a file by its name; nil: not asked.
	Mentions map[string][]string
	Known    map[ci.TestID]bool   // tests that ran before, without parameters; nil: no history
	Failed   map[ci.TestID]string // tests that failed last time, and where
	Wide     map[Kind]bool        // kinds that are trusted no more
	Go       []GoPackage          // as the go command lists them; nil: not asked
	Map      *Dynamic             // who ran what; nil: nobody recorded it
}

// Link is an import that no import statement makes.
type Link struct {
	From, To string // files
	How      string
}

// Rule is a line of the configuration: files that match Pattern are covered by Tests.
type Rule struct {
	Pattern string
	Tests   []string // patterns of files or test IDs; "none" and "all" alone
}

// Select makes the plan. The order is the guide's: what means everything comes
// first; then each changed file is asked for whom it reaches.
func Select(in Input) Plan {
	p := Plan{Mode: Selective, Changed: changedPaths(in.Change)}
	u := newUniverse(in)
	if reason := in.full(); reason != "" {
		return u.everything(p, reason)
	}
	s := newSelection(in, u)
	for _, f := range s.in.Change {
		cause := s.file(f)
		p.Causes = append(p.Causes, cause)
		if cause.Kind == KindFull {
			return u.everything(p, cause.Text)
		}
	}
	s.always()
	return s.finish(p)
}

// changedPaths lists both names of what was renamed.
func changedPaths(change []ci.FileChange) []string {
	out := []string{}
	for _, f := range change {
		out = append(out, f.Path)
		if f.OldPath != "" && f.Status == "R" {
			out = append(out, f.OldPath)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// everything selects every test for one reason.
func (u *universe) everything(p Plan, reason string) Plan {
	p.Mode, p.Reason = Full, reason
	p.Tests, p.Skipped = make([]Choice, 0, len(u.tests)), nil
	for _, t := range u.tests {
		p.Tests = append(p.Tests, Choice{Test: t, Kind: KindFull, Because: "everything runs: " + reason})
	}
	return p
}

// finish sorts out who runs and who does not.
func (s *selection) finish(p Plan) Plan {
	for i, t := range s.u.tests {
		c := s.chosen[i]
		c.Test = t
		if c.Kind != "" {
			p.Tests = append(p.Tests, c)
			continue
		}
		c.Because = s.cleared()
		p.Skipped = append(p.Skipped, c)
	}
	p.Notes = s.notes
	p.Reason = fmt.Sprintf("%d of %d tests can be reached by the change", len(p.Tests), p.Total())
	return p
}

// cleared is why a test that nothing selected need not run.
func (s *selection) cleared() string {
	if len(s.in.Change) == 0 {
		return "nothing changed"
	}
	if s.in.Map != nil {
		return "nothing that changed ran in it, was read by it or is loaded for it"
	}
	return "nothing that changed is imported by it, directly or through others"
}

// Expected is how long tests are expected to take.
type Expected struct {
	Of      map[ci.TestID]time.Duration // by ID without parameters
	Unknown time.Duration               // of a test that never ran: the median
}

// For is the expected duration of a test.
func (e Expected) For(id ci.TestID) time.Duration {
	if d, ok := e.Of[id]; ok {
		return d
	}
	return e.Unknown
}

// Expect estimates durations from samples. A test with few samples is pulled
// towards the median of all, which is what one without any is expected to take.
func Expect(samples map[ci.TestID][]time.Duration) Expected {
	const prior = 1 // as strong as one sample
	e := Expected{Of: make(map[ci.TestID]time.Duration, len(samples))}
	var medians []time.Duration
	for _, s := range samples {
		medians = append(medians, median(s))
	}
	e.Unknown = median(medians)
	if e.Unknown == 0 {
		e.Unknown = 10 * time.Millisecond // nothing is known: all are equal, none is free
	}
	for id, s := range samples {
		n := time.Duration(len(s))
		e.Of[id] = (n*median(s) + prior*e.Unknown) / (n + prior)
		if n >= 3 {
			e.Of[id] = median(s)
		}
	}
	return e
}

func median(s []time.Duration) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func byID(a, b Test) int { return cmp.Compare(a.ID, b.ID) }
