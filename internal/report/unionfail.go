package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// compareFailures is a total order by content.
func compareFailures(a, b ci.Failure) int {
	if c := cmp.Or(cmp.Compare(a.Test, b.Test), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Tool, b.Tool), cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Exception, b.Exception), cmp.Compare(a.Message, b.Message),
		comparePositions(a.Pos, b.Pos), cmp.Compare(a.Job, b.Job), cmp.Compare(a.Details, b.Details)); c != 0 {
		return c
	}
	return cmp.Or(comparePositions(a.Log, b.Log), cmp.Compare(len(b.Frames), len(a.Frames)),
		slices.CompareFunc(a.Frames, b.Frames, compareFrames), cmp.Compare(len(b.Chain), len(a.Chain)), compareBool(a.Cut, b.Cut))
}

func compareFrames(a, b ci.Frame) int {
	return cmp.Or(comparePositions(a.Position, b.Position), cmp.Compare(a.Func, b.Func), cmp.Compare(a.Code, b.Code))
}

func comparePositions(a, b ci.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.EndLine, b.EndLine), cmp.Compare(a.EndCol, b.EndCol))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareWarnings(a, b ci.Warning) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
}

// mergeFailures joins several tellings of one failure, the most believed first:
// of each field the first that says anything, of long texts the one that says
// most, and a message that its source did not cut before one that it did.
func mergeFailures(said []ci.Failure) ci.Failure {
	f := said[0]
	for _, o := range said[1:] {
		f.Kind, f.Tool, f.Rule = cmp.Or(f.Kind, o.Kind), cmp.Or(f.Tool, o.Tool), cmp.Or(f.Rule, o.Rule)
		f.Phase, f.Exception, f.Job = cmp.Or(f.Phase, o.Phase), cmp.Or(f.Exception, o.Exception), cmp.Or(f.Job, o.Job)
		if betterMessage(o, f) {
			f.Message, f.Cut = o.Message, o.Cut
		}
		if len(o.Details) > len(f.Details) {
			f.Details = o.Details
		}
		if len(o.Frames) > len(f.Frames) {
			f.Frames = o.Frames
		}
		if len(o.Chain) > len(f.Chain) {
			f.Chain = o.Chain
		}
		if f.Pos.File == "" || f.Pos.Line == 0 && f.Pos.File == o.Pos.File {
			f.Pos = o.Pos
		}
		if f.Log.IsZero() {
			f.Log = o.Log
		}
	}
	return f
}

func betterMessage(o, f ci.Failure) bool {
	switch {
	case strings.TrimSpace(o.Message) == "":
		return false
	case strings.TrimSpace(f.Message) == "":
		return true
	case o.Cut != f.Cut:
		return f.Cut
	}
	return len(o.Message) > len(f.Message) && strings.Contains(o.Message, strings.TrimSuffix(f.Message, "..."))
}

// failureKey is what two tellings of one failure have in common.
type failureKey struct {
	kind               ci.Kind
	test               ci.TestID
	tool, rule, phase  string
	exception, message string
	file               string
	line               int
}

// failures joins the failures that stand beside the results. One that tells
// again what a bad result says is that result's; a second one of the same test,
// such as a teardown that broke as well, stays.
func (u *unionizer) failures(all []ci.Failure, results []ci.TestResult) []ci.Failure {
	told := map[ci.TestID][]string{} // the phases of bad results
	for _, t := range results {
		if t.Outcome.Bad() && t.Failure != nil {
			told[t.ID] = append(told[t.ID], t.Failure.Phase)
		}
	}
	groups := map[failureKey][]ci.Failure{}
	for _, f := range all {
		if f.Test != "" {
			f.Test = canonicalID(f.Test)
			if id, ok := u.ids[keyOf(f.Test, "")]; ok {
				f.Test = id
			}
			if slices.Contains(told[f.Test], f.Phase) {
				continue
			}
		}
		f.Pos.File = strings.TrimPrefix(format.SlashPath(f.Pos.File), "./")
		key := failureKey{f.Kind, f.Test, toolFamily(f.Tool), f.Rule, f.Phase, f.Exception, strings.Join(strings.Fields(f.Message), " "), f.Pos.File, f.Pos.Line}
		if f.Test != "" && f.Phase != "" { // a test breaks once in each phase, however sources put it
			key = failureKey{test: f.Test, phase: f.Phase}
		}
		groups[key] = append(groups[key], f)
	}
	var out []ci.Failure
	for _, group := range groups {
		out = append(out, oneForEachJob(group)...)
	}
	slices.SortFunc(out, compareFailures)
	return out
}

// oneForEachJob joins equal failures, except that two jobs may each have one.
// A source that does not name the job adds nothing to one that does.
func oneForEachJob(group []ci.Failure) []ci.Failure {
	slices.SortFunc(group, func(a, b ci.Failure) int {
		return cmp.Or(compareBool(a.Job == "", b.Job == ""), compareFailures(a, b))
	})
	var out []ci.Failure
	for _, f := range group {
		i := slices.IndexFunc(out, func(o ci.Failure) bool { return f.Job == "" || o.Job == f.Job })
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i] = mergeFailures([]ci.Failure{out[i], f})
	}
	return out
}

// warnings of a source, and what it claims beyond what was found in it.
func warnings(r ci.Report) []ci.Warning {
	out := make([]ci.Warning, 0, len(r.Warnings)+1)
	for _, w := range r.Warnings {
		w.Source = cmp.Or(w.Source, r.Source)
		out = append(out, w)
	}
	if r.Totals == nil {
		return out
	}
	last, _ := ci.Last(r.Tests)
	found := 0
	for _, t := range last {
		if t.Outcome.Bad() {
			found++
		}
	}
	if claims := r.Totals.Failed + r.Totals.Errors; claims > found+len(r.Failures) {
		out = append(out, ci.Warning{Source: r.Source, Text: fmt.Sprintf("it counts %d failures and errors, of which %d were found in it", claims, found+len(r.Failures))})
	}
	return out
}

// toolFamilies are names under which one tool's findings appear.
var toolFamilies = map[string]string{
	"pycodestyle": "flake8", "pyflakes": "flake8", "mccabe": "flake8", "pep8": "flake8",
	"dmypy": "mypy", "basedpyright": "pyright", "ruff-format": "ruff", "ruff format": "ruff", "ruff check": "ruff",
	"govet": "go vet", "vet": "go vet", "typescript": "tsc",
}

func toolFamily(tool string) string {
	tool = strings.ToLower(strings.TrimSpace(tool))
	if family, ok := toolFamilies[tool]; ok {
		return family
	}
	return tool
}

// diagnosticKey is what two tellings of one finding have in common: a log may
// lack the column, and a JSON report has absolute paths.
type diagnosticKey struct {
	family, rule, base, message string
	line                        int
}

// uniqueDiagnostics joins what several sources tell of one finding.
func uniqueDiagnostics(all []ci.Diagnostic) []ci.Diagnostic {
	groups := map[diagnosticKey][]ci.Diagnostic{}
	for _, d := range all {
		d.Pos.File = strings.TrimPrefix(format.SlashPath(d.Pos.File), "./")
		key := diagnosticKey{toolFamily(d.Tool), d.Rule, path.Base(d.Pos.File), strings.Join(strings.Fields(d.Message), " "), d.Pos.Line}
		groups[key] = append(groups[key], d)
	}
	var out []ci.Diagnostic
	for _, group := range groups {
		slices.SortFunc(group, compareDiagnostics)
		var kept []ci.Diagnostic
		for _, d := range group {
			i := slices.IndexFunc(kept, func(k ci.Diagnostic) bool { return samePlace(k.Pos, d.Pos) })
			if i < 0 {
				kept = append(kept, d)
				continue
			}
			kept[i] = mergeDiagnostics(kept[i], d)
		}
		out = append(out, kept...)
	}
	slices.SortFunc(out, func(a, b ci.Diagnostic) int {
		return cmp.Or(comparePositions(a.Pos, b.Pos), cmp.Compare(a.Tool, b.Tool), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return out
}

// compareDiagnostics puts the shorter path and the known column first, so that
// the vaguer ones join them.
func compareDiagnostics(a, b ci.Diagnostic) int {
	if c := cmp.Or(compareBool(a.Pos.Col == 0, b.Pos.Col == 0), cmp.Compare(len(a.Pos.File), len(b.Pos.File)), comparePositions(a.Pos, b.Pos)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Tool, b.Tool), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.URL, b.URL), compareBool(a.Fixable, b.Fixable), comparePositions(a.Log, b.Log))
}

func samePlace(a, b ci.Position) bool {
	return (a.Col == b.Col || a.Col == 0 || b.Col == 0) && format.SamePath(a.File, b.File)
}

func mergeDiagnostics(a, b ci.Diagnostic) ci.Diagnostic {
	if len(b.Pos.File) < len(a.Pos.File) {
		a.Pos.File = b.Pos.File
	}
	if a.Pos.EndLine == 0 {
		a.Pos.EndLine, a.Pos.EndCol = b.Pos.EndLine, b.Pos.EndCol
	}
	if a.Pos.Col == 0 {
		a.Pos.Col = b.Pos.Col
	}
	a.Kind, a.Severity, a.URL = cmp.Or(a.Kind, b.Kind), worse(a.Severity, b.Severity), cmp.Or(a.URL, b.URL)
	a.Fixable = a.Fixable || b.Fixable
	if a.Log.IsZero() {
		a.Log = b.Log
	}
	return a
}

func worse(a, b ci.Severity) ci.Severity {
	for _, s := range []ci.Severity{ci.SeverityError, ci.SeverityWarning, ci.SeverityInfo} {
		if a == s || b == s {
			return s
		}
	}
	return cmp.Or(a, b)
}

// richerCoverage prefers the measurement that knows more: two tools' coverage
// of one run cannot be added.
func richerCoverage(a, b *ci.Coverage) *ci.Coverage {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	size := func(c *ci.Coverage) (branches, total, covered int) {
		covered, total, _, branches = c.Counts()
		return
	}
	ab, at, ac := size(a)
	bb, bt, bc := size(b)
	if cmp.Or(compareBool(a.Branches, b.Branches), cmp.Compare(ab, bb), cmp.Compare(at, bt), cmp.Compare(ac, bc), cmp.Compare(b.Tool, a.Tool)) < 0 {
		return b
	}
	return a
}
