package pytest

import (
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// outcome is the one that decides: a test that failed and whose teardown broke
// too has failed.
func (t *pytestTest) outcome() ci.Outcome {
	switch {
	case t.failed:
		if t.call != nil && t.call.Kind == ci.KindError {
			return ci.Errored // a crashed worker
		}
		return ci.Failed
	case t.errored:
		return ci.Errored
	case t.xpassed:
		return ci.XPassed
	case t.xfailed:
		return ci.XFailed
	case t.skipped:
		return ci.Skipped
	case t.passed:
		return ci.Passed
	}
	return ci.Unknown
}

// emit turns the run's tests into results.
func (p *pytestReader) emit() {
	s := p.s
	for i := range s.problems {
		p.rep.Failures = append(p.rep.Failures, s.inRepo(s.problems[i]))
	}
	p.badSoFar += len(s.problems)
	if p.attempt == nil && (len(p.rep.Tests) > 0 || s.doubled) {
		p.attempt = attempts(p.rep.Tests)
	}
	room := max(0, 2*maxTests-len(p.rep.Tests)) // reruns may have gone beyond the bound
	p.rep.Tests = slices.Grow(p.rep.Tests, min(len(s.order), room))
	for _, t := range s.order {
		p.emitTest(t)
	}
}

// attempts counts the executions of each test so far. A log of one run, which
// names each test once, does without.
func attempts(results []ci.TestResult) map[variantID]int {
	count := make(map[variantID]int, len(results))
	for i := range results {
		count[variantID{results[i].ID, results[i].Variant}]++
	}
	return count
}

func (p *pytestReader) emitTest(t *pytestTest) {
	s := p.s
	outcome := t.outcome()
	if outcome == ci.Unknown && t.timed && t.called && s.allElsePassed() {
		outcome = ci.Passed
	}
	if outcome.Bad() {
		p.badSoFar++
	}
	if n := len(p.rep.Tests); n >= maxTests && (!outcome.Bad() || n >= 2*maxTests) {
		p.drop(outcome.Bad())
		return
	}
	key := variantID{t.id, p.variant}
	attempt := p.attempt[key]
	reruns := max(t.reruns, t.listedReruns)
	for range min(reruns, 100) {
		attempt++
		p.rep.Tests = append(p.rep.Tests, ci.TestResult{
			ID: t.id, Framework: "pytest", Outcome: ci.Failed, Attempt: attempt, Variant: p.variant, File: fileOf(t.id),
			Failure: &ci.Failure{
				Kind: ci.KindTest, Test: t.id, Tool: "pytest", Phase: "call", Job: p.job,
				Message: "failed and was run again; the log keeps no traceback of it", Log: ci.Position{Line: t.seen},
			},
		})
	}
	result := ci.TestResult{
		ID: t.id, Framework: "pytest", Outcome: outcome, Variant: p.variant, File: fileOf(t.id), Line: t.line,
		Duration: t.took, Timed: t.timed, Output: t.output,
	}
	if !outcome.Bad() {
		result.Reason = t.reason
	} else {
		result.Failure = p.failureOf(t)
	}
	attempt++
	if p.attempt != nil {
		p.attempt[key] = attempt
	}
	if attempt > 1 {
		result.Attempt = attempt
	}
	p.rep.Tests = append(p.rep.Tests, result)
}

// drop counts a result that is not listed.
func (p *pytestReader) drop(bad bool) {
	p.dropped.tests++
	if bad {
		p.dropped.bad++
	}
}

// fileOf is the file of an ID; of an error of collection the ID itself.
func fileOf(id ci.TestID) string {
	if file := id.File(); file != "" {
		return file
	}
	if s := string(id); strings.HasSuffix(s, ".py") || strings.Contains(s, "/") {
		file, _, _ := strings.Cut(s, ":")
		return file
	}
	return ""
}

// allElsePassed reports whether a test that nothing but the durations names has
// passed: the run counts nothing that is neither named nor passed.
func (s *session) allElsePassed() bool {
	return s.totals != nil && s.totals.Skipped+s.totals.XFailed+s.totals.XPassed == 0 && s.mismatch() == ""
}

// failureOf is the failure of a result: the call's if there is one. What broke
// around it as well is listed beside, so that nothing is lost.
func (p *pytestReader) failureOf(t *pytestTest) *ci.Failure {
	var f ci.Failure
	rest := t.around
	switch {
	case t.call != nil:
		f = *t.call
	case t.failed || len(t.around) == 0:
		f = ci.Failure{Kind: ci.KindTest, Tool: "pytest", Phase: "call", Job: p.job, Log: ci.Position{Line: t.seen}}
		if !t.failed {
			f.Kind, f.Phase = ci.KindError, ""
			if t.id.File() == "" {
				f.Phase = "collect"
			}
		}
	default:
		f, rest = t.around[0], t.around[1:]
	}
	for _, other := range rest {
		other.Test = t.id
		p.rep.Failures = append(p.rep.Failures, p.s.inRepo(other))
	}
	f.Test = t.id
	p.addSummary(&f, t)
	f = p.s.inRepo(f)
	return &f
}

// addSummary fills in from the short summary what the traceback did not say.
func (p *pytestReader) addSummary(f *ci.Failure, t *pytestTest) {
	defer func() {
		if strings.TrimSpace(f.Message) == "" {
			f.Message = orElse(f.Exception, "the log does not say why")
		}
	}()
	if t.summary == "" {
		return
	}
	said, _, _ := strings.Cut(t.summary, "\n")
	exception, message := SplitException(t.summary)
	if f.Exception == "" && (exception != "Failed" || f.Message == "" || f.Message == message) {
		f.Exception = exception
	}
	if strings.TrimSpace(f.Message) == "" && (f.Details == "" || f.Exception == exception) {
		f.Message = orElse(message, exception)
		f.Cut = strings.HasSuffix(said, "...")
	}
}

// mismatch says how the counts found differ from those that pytest states;
// empty: they agree, or pytest states none.
func (s *session) mismatch() string {
	if s.stats == nil {
		return ""
	}
	failed, errored := 0, 0
	for _, t := range s.order {
		if t.failed {
			failed++
		}
		if t.errored {
			errored++
		}
	}
	nameless := 0
	for i := range s.blocks {
		if s.blocks[i].section == sectFailures && s.blocks[i].name == "" && s.blocks[i].failure.Test == "" {
			nameless++
		}
	}
	if claimed := s.stats["failed"] + s.stats["subtests failed"]; claimed != failed && claimed != failed+nameless {
		return sprintCounts("failed", claimed, failed)
	}
	if s.stats["error"] != errored {
		return sprintCounts("errors", s.stats["error"], errored)
	}
	return ""
}

func (p *pytestReader) checkCounts() {
	s := p.s
	if text := s.mismatch(); text != "" {
		p.warn(s.start, "%s", text)
	}
	named := 0
	for _, t := range s.order {
		named += max(t.reruns, t.listedReruns)
	}
	if n := s.stats["rerun"] - named; n > 0 {
		p.warn(s.start, "%d attempts failed and were run again without being named; -rR or -v names them", n)
	}
}

// addTotals sums what the runs of this log state about themselves.
func (p *pytestReader) addTotals() {
	t := p.s.totals
	if t == nil {
		return
	}
	if p.rep.Totals == nil {
		p.rep.Totals = &ci.Totals{}
	}
	sum := p.rep.Totals
	sum.Passed += t.Passed
	sum.Failed += t.Failed
	sum.Errors += t.Errors
	sum.Skipped += t.Skipped
	sum.XFailed += t.XFailed
	sum.XPassed += t.XPassed
	sum.Duration += t.Duration
}

// findRoot learns where the repository stands from an absolute path that ends
// in a path of a test, where the header did not say.
func (s *session) findRoot() {
	if s.root != "" {
		return
	}
	files := map[string]bool{}
	for _, t := range s.order {
		if file := fileOf(t.id); file != "" {
			files[file] = true
		}
	}
	for i := range s.blocks {
		for _, frame := range s.blocks[i].failure.Frames {
			for at := 1; strings.HasPrefix(frame.File, "/"); at++ {
				j := strings.IndexByte(frame.File[at:], '/')
				if j < 0 {
					break
				}
				at += j
				if files[frame.File[at+1:]] {
					s.root = frame.File[:at]
					return
				}
			}
		}
	}
}

// inRepo spells the frames' paths relative to the repository and points the
// failure at the last frame within it.
func (s *session) inRepo(f ci.Failure) ci.Failure {
	relative := func(frames []ci.Frame) {
		for i := range frames {
			file := slashed(frames[i].File)
			if s.root != "" {
				if rest, ok := strings.CutPrefix(file, strings.TrimSuffix(slashed(s.root), "/")+"/"); ok {
					file = rest
				}
			}
			frames[i].File = file
		}
	}
	for i := range f.Chain {
		relative(f.Chain[i].Frames)
	}
	relative(f.Frames)
	if f.Pos.IsZero() {
		f.Pos = lastInside(f.Frames)
	}
	for i := len(f.Chain) - 1; i >= 0 && f.Pos.IsZero(); i-- {
		f.Pos = lastInside(f.Chain[i].Frames)
	}
	return f
}

func lastInside(frames []ci.Frame) ci.Position {
	for i := len(frames) - 1; i >= 0; i-- {
		if !outside(frames[i].File) {
			return frames[i].Position
		}
	}
	return ci.Position{}
}

// outside tells frames of the interpreter and of what is installed.
func outside(file string) bool {
	if file == "" || file[0] == '<' {
		return true
	}
	for _, part := range []string{"site-packages/", "dist-packages/", "lib/python3", "lib/python2", "hostedtoolcache/", ".tox/", "Lib/"} {
		if strings.Contains(file, part) {
			return true
		}
	}
	return strings.HasPrefix(file, "/usr/")
}
