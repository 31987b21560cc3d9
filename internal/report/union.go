package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/vuln"
)

// Union joins what several sources say about one run. Each execution of a test
// is counted once, whichever sources mention it and in whichever spelling:
// structured sources decide outcome and duration, and the richest source decides
// each detail of a failure. A failure that any source shows stays one: where
// sources contradict each other about one execution, the bad news wins.
//
// The result is sorted and does not depend on the order of the sources; joining
// it with nothing, or with a source that is already in it, changes nothing.
func Union(reports []ci.Report) ci.Report {
	return union(reports, func(r ci.Report) int {
		for _, f := range formats {
			if f.Name == r.Format && f.Text {
				return 0
			}
		}
		return 1
	})
}

// union is Union with the rank of each source; the higher is believed.
func union(reports []ci.Report, rank func(ci.Report) int) ci.Report {
	u := unionizer{groups: map[unionKey][]unionEntry{}}
	out := ci.Report{Format: "union"}
	for _, r := range reports {
		of := rank(r)
		for _, t := range r.Tests {
			u.add(t, of)
		}
	}
	out.Tests = u.results()
	var failures []ci.Failure
	var diagnostics []ci.Diagnostic
	for _, r := range reports {
		failures = append(failures, r.Failures...)
		diagnostics = append(diagnostics, r.Diagnostics...)
		out.Warnings = append(out.Warnings, warnings(r)...)
		out.Vulns = append(out.Vulns, r.Vulns...)
		out.Coverage = richerCoverage(out.Coverage, r.Coverage)
	}
	out.Failures = u.failures(failures, out.Tests)
	out.Diagnostics = uniqueDiagnostics(diagnostics)
	out.Vulns = vuln.Reconcile(out.Vulns)
	slices.SortFunc(out.Warnings, compareWarnings)
	out.Warnings = slices.Compact(out.Warnings)
	return out
}

// unionKey is what sources agree on about a test: the path that JUnit lost does
// not take part.
type unionKey struct{ dotted, variant string }

type unionEntry struct {
	ci.TestResult
	rank int
}

type unionizer struct {
	groups map[unionKey][]unionEntry
	ids    map[unionKey]ci.TestID // of the bad ones, once results were made
}

func (u *unionizer) add(t ci.TestResult, rank int) {
	t.ID = canonicalID(t.ID)
	key := keyOf(t.ID, t.Variant)
	u.groups[key] = append(u.groups[key], unionEntry{t, rank})
}

func keyOf(id ci.TestID, variant string) unionKey {
	if !isPythonID(id) {
		return unionKey{string(id), variant}
	}
	return unionKey{id.Dotted(), variant}
}

// isPythonID: only pytest's IDs lose their path on the way through JUnit.
func isPythonID(id ci.TestID) bool {
	return strings.HasSuffix(id.File(), ".py") || strings.HasSuffix(string(id), ".py")
}

// canonicalID is the one spelling of an ID: slashes, no "./", and control
// characters in parameters as pytest's terminal shows them ("\x1b") instead of
// how its JUnit file does ("#x1B", _pytest.junitxml.bin_xml_escape).
func canonicalID(id ci.TestID) ci.TestID {
	s := string(id)
	if file, rest, ok := strings.Cut(s, "::"); ok && strings.IndexByte(file, '\\') >= 0 {
		s = format.SlashPath(file) + "::" + rest
	}
	for strings.HasPrefix(s, "./") {
		s = s[len("./"):]
	}
	if strings.Contains(s, "#x") {
		s = unescapeID(s)
	}
	return ci.TestID(s)
}

func unescapeID(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "#x")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		s = after
		if len(s) >= 2 {
			if v, err := strconv.ParseUint(s[:2], 16, 8); err == nil && (v < 0x20 || v == 0x7f) {
				fmt.Fprintf(&b, `\x%02x`, v)
				s = s[2:]
				continue
			}
		}
		b.WriteString("#x")
	}
}

// results makes the results of all groups, sorted.
func (u *unionizer) results() []ci.TestResult {
	var out []ci.TestResult
	u.ids = map[unionKey]ci.TestID{}
	for key, entries := range u.groups {
		for _, same := range byID(entries) {
			merged := mergeExecutions(same)
			for _, t := range merged {
				if t.Outcome.Bad() {
					u.ids[key] = t.ID
				}
			}
			out = append(out, merged...)
		}
	}
	slices.SortFunc(out, func(a, b ci.TestResult) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Attempt, b.Attempt))
	})
	return out
}

// byID splits entries that only look like one test once the path is lost. An
// ID whose path is known stands for itself; one that was guessed joins the
// first of those, or the first guess if nobody knows.
func byID(entries []unionEntry) [][]unionEntry {
	home := entries[0].ID
	mixed, anyKnown := false, false
	for _, e := range entries {
		mixed = mixed || e.ID != home
		anyKnown = anyKnown || e.known()
	}
	if !mixed {
		return [][]unionEntry{entries}
	}
	home = ""
	groups := map[ci.TestID][]unionEntry{}
	for _, e := range entries {
		if (e.known() || !anyKnown) && (home == "" || e.ID < home) {
			home = e.ID
		}
	}
	for _, e := range entries {
		if !e.known() {
			e.ID = home
		}
		groups[e.ID] = append(groups[e.ID], e)
	}
	out := make([][]unionEntry, 0, len(groups))
	for _, group := range groups {
		out = append(out, group)
	}
	return out
}

// known reports whether the ID's path was stated, not guessed: a JUnit reader
// leaves File empty where it had to guess, a log prints the path itself.
func (e unionEntry) known() bool {
	return e.rank == 0 || e.File != "" && e.File == e.ID.File() || e.File == string(e.ID)
}

// mergeExecutions joins the entries of one test. A source that does not count
// attempts (0) means the last of those that another counted, or, where the
// outcomes tell, the last that went the same way.
func mergeExecutions(entries []unionEntry) []ci.TestResult {
	if len(entries) == 1 {
		t := entries[0].TestResult
		if t.File == "" && entries[0].known() && isPythonID(t.ID) {
			t.File = cmp.Or(t.ID.File(), string(t.ID))
		}
		return []ci.TestResult{withID(t)}
	}
	numbered := map[int][]unionEntry{}
	var loose [2][]unionEntry // good, bad
	for _, e := range entries {
		switch {
		case e.Attempt > 0:
			numbered[e.Attempt] = append(numbered[e.Attempt], e)
		case e.Outcome.Bad():
			loose[1] = append(loose[1], e)
		default:
			loose[0] = append(loose[0], e)
		}
	}
	if len(numbered) == 0 {
		numbered[0] = entries
		loose = [2][]unionEntry{}
	}
	attempts := make([]int, 0, len(numbered))
	bad := map[int]bool{}
	for n, same := range numbered {
		attempts = append(attempts, n)
		bad[n] = slices.ContainsFunc(same, func(e unionEntry) bool { return e.Outcome.Bad() })
	}
	slices.Sort(attempts)
	for i, some := range loose {
		if len(some) > 0 {
			n := lastThatWent(attempts, bad, i == 1)
			numbered[n] = append(numbered[n], some...)
		}
	}
	out := make([]ci.TestResult, 0, len(attempts))
	for _, n := range attempts {
		t := mergeOne(numbered[n])
		t.Attempt = n
		out = append(out, t)
	}
	return out
}

func lastThatWent(attempts []int, bad map[int]bool, wanted bool) int {
	for _, n := range slices.Backward(attempts) {
		if bad[n] == wanted {
			return n
		}
	}
	return attempts[len(attempts)-1]
}

// withID gives the failure of a result the result's ID.
func withID(t ci.TestResult) ci.TestResult {
	if t.Failure != nil && t.Failure.Test != t.ID {
		f := *t.Failure
		f.Test = t.ID
		t.Failure = &f
	}
	return t
}

// mergeOne joins what the sources say about one execution, the most believed
// first.
func mergeOne(entries []unionEntry) ci.TestResult {
	slices.SortFunc(entries, compareEntries)
	t := entries[0].TestResult
	t.Outcome = mergedOutcome(entries)
	t.Failure = nil
	var said []ci.Failure
	for _, e := range entries {
		t.Framework = cmp.Or(t.Framework, e.Framework)
		if t.File == "" {
			t.File, t.Line = e.File, e.Line
		}
		if t.File == "" && e.known() && isPythonID(t.ID) {
			t.File = cmp.Or(t.ID.File(), string(t.ID)) // so that it stays known
		}
		if t.Line == 0 && t.File == e.File {
			t.Line = e.Line
		}
		t.Reason = cmp.Or(t.Reason, e.Reason)
		if !t.Timed && e.Timed {
			t.Duration, t.Timed = e.Duration, true
		}
		if len(e.Output) > len(t.Output) {
			t.Output = e.Output
		}
		if e.Failure != nil {
			said = append(said, *e.Failure)
		}
	}
	if t.Outcome.Bad() {
		t.Reason = ""
		if len(said) > 0 {
			f := mergeFailures(said)
			f.Test = t.ID
			t.Failure = &f
		}
	}
	return t
}

// mergedOutcome takes the most believed outcome, unless another source saw the
// execution go wrong. A pass is refined to an unexpected pass, which JUnit does
// not tell apart.
func mergedOutcome(entries []unionEntry) ci.Outcome {
	best := ci.Unknown
	for _, e := range entries {
		if best == ci.Unknown {
			best = e.Outcome
		}
		if !best.Bad() && e.Outcome.Bad() {
			return e.Outcome
		}
		if best == ci.Passed && e.Outcome == ci.XPassed {
			best = ci.XPassed
		}
	}
	for _, e := range entries {
		if !best.Bad() && e.Outcome.Bad() {
			return e.Outcome
		}
	}
	return best
}

// compareEntries is a total order: the more believed source first, bad before
// good, and then by content, so that the order of the sources plays no part.
func compareEntries(a, b unionEntry) int {
	bad := func(o ci.Outcome) int {
		if o.Bad() {
			return 0
		}
		return 1
	}
	if c := cmp.Or(-cmp.Compare(a.rank, b.rank), cmp.Compare(bad(a.Outcome), bad(b.Outcome)), cmp.Compare(a.Outcome, b.Outcome)); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(a.Duration, b.Duration), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Framework, b.Framework), cmp.Compare(a.Output, b.Output)); c != 0 {
		return c
	}
	if a.Timed != b.Timed {
		if a.Timed {
			return -1
		}
		return 1
	}
	switch {
	case a.Failure == nil && b.Failure == nil:
		return 0
	case a.Failure == nil:
		return 1
	case b.Failure == nil:
		return -1
	}
	return compareFailures(*a.Failure, *b.Failure)
}

// Unnamed is how many tests passed that the sources of a run only count: a log of
// dots names the tests that failed, and says in its last line how many did not.
// all are the results that the sources name together; a source that is there
// twice counts once.
func Unnamed(reports []ci.Report, all []ci.TestResult) int {
	claimed := 0
	seen := map[ci.Totals]bool{}
	for _, r := range reports {
		if r.Totals != nil && !seen[*r.Totals] {
			seen[*r.Totals] = true
			claimed += r.Totals.Passed
		}
	}
	last, _ := ci.Last(all)
	for _, t := range last {
		if t.Outcome == ci.Passed {
			claimed--
		}
	}
	return max(claimed, 0)
}
