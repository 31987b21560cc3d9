package flake

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"keepgreen/internal/ci"
)

// Where verdicts begin.
const (
	// chance below which a streak is not put down to a test's usual rate: failures
	// are a break, passes mean that it was mended. A test that was flaky last time
	// has to be steady for longer.
	chanceBroken      = 0.005
	chanceMended      = 0.01
	chanceMendedStill = 0.001
	chanceMendedOnce  = 0.002 // it failed again afterwards, so that there were more streaks to choose from

	streakLength = 3    // failures in a row that are broken rather than flaky (TestGrid, flipanalyzer.go)
	minMass      = 10   // tests of a run, before its share of failures means anything
	crowdTimes   = 3    // times the usual number of failures is a crowd …
	crowdShare   = 0.03 // … if that is more than this share of the tests
	maxNamed     = 20   // runs named in a verdict
)

// judge is what all verdicts of a history share, and the room they work in.
type judge struct {
	h       History
	opt     Options
	order   []int     // runs that count, in time
	mass    []bool    // by run: nearly everything failed
	crowd   []float64 // by run: the share that failed, if that is far more than usual; otherwise 0
	code    []int32   // by run: equal numbers are equal code; -1: unknown
	model   *marginal
	seen    map[[2]int][2]float64
	passed  []lastPass // by code
	round   int32      // of passed: the test that it was filled for
	sighted []sighting
	series  []sighting
	failed  []bool
}

type lastPass struct {
	round int32
	at    int // position in time of the newest run in which the test passed on this code
}

// sighting is a cell of the row being judged.
type sighting struct {
	at    int // position in judge.order
	cell  Cell
	line  bool
	crowd float64 // share of the tests that failed with it, if that is far more than usual
}

func newJudge(h History, opt Options) *judge {
	j := &judge{h: h, opt: opt, seen: map[[2]int][2]float64{}}
	j.countFailures()
	j.order = slices.DeleteFunc(chronological(h.Runs), func(r int) bool { return j.mass[r] })
	if opt.Window > 0 && len(j.order) > 0 {
		newest := h.Runs[j.order[len(j.order)-1]].Started
		j.order = slices.DeleteFunc(j.order, func(r int) bool { return h.Runs[r].Started.Before(newest.Add(-opt.Window)) })
	}
	codes := map[string]int32{"": -1}
	j.code = make([]int32, len(h.Runs))
	for r, run := range h.Runs {
		if _, known := codes[run.code()]; !known {
			codes[run.code()] = int32(len(codes) - 1)
		}
		j.code[r] = codes[run.code()]
	}
	j.passed = make([]lastPass, len(codes))
	j.model = newMarginal(len(h.Runs))
	return j
}

// countFailures finds the runs whose failures are explained by the run. Where
// nearly everything fails the run is dropped. Where far more fails than usual
// (an outage of something that many tests need), a failure proves nothing about
// its test: that it happens to a test is as likely as the share that failed.
func (j *judge) countFailures() {
	n := len(j.h.Runs)
	ran, bad := make([]int, n), make([]int, n)
	for _, row := range j.h.Cells {
		for r, c := range row[:min(n, len(row))] {
			if c != None {
				ran[r]++
			}
			bad[r] += int(c >> 1 & 1)
		}
	}
	j.mass, j.crowd = make([]bool, n), make([]float64, n)
	usual := slices.Sorted(slices.Values(bad))
	for r := range n {
		j.mass[r] = ran[r] >= minMass && float64(bad[r]) > j.opt.MassShare*float64(ran[r])
		if share := float64(bad[r]) / float64(max(ran[r], 1)); bad[r] > max(minMass, crowdTimes*usual[n/2]) && share > crowdShare {
			j.crowd[r] = share
		}
	}
}

func (j *judge) verdict(t int) Verdict {
	v := Verdict{Test: j.h.Tests[t], Verdict: ci.FlakeUnknown}
	j.read(&v, t)
	if v.Failures == 0 {
		return j.clean(v)
	}
	line := j.line()
	start, changed := j.model.lastSegment(j.failed)
	start, changed = j.skipMended(line, start, changed)
	segment := line[start:]
	j.measure(&v, segment)
	v.Probability = probability(j.model, segment, changed)

	streak := j.streak(line)
	if j.broken(&v, line, streak) {
		return v
	}
	if j.mended(&v, segment) {
		return v
	}
	if hits := j.contradictions(segment); len(hits) > 0 {
		v.Verdict, v.Probability = ci.FlakeFlaky, 1
		v.Contradicted = hits[:min(len(hits), maxNamed)]
		v.Because = append(v.Because, fmt.Sprintf("failed and passed on the same code in %s", count(len(hits), "run")))
		return j.because(v, changed)
	}
	was := j.opt.Previous[v.Test]
	known := len(segment) >= j.opt.MinRuns
	switch {
	case known && v.Probability >= j.opt.Activate:
		v.Verdict = ci.FlakeFlaky
		v.Because = append(v.Because, fmt.Sprintf("failures come and go: %s in %d runs, more often than code breaks and is mended", count(v.Flips, "time"), v.SegmentRuns))
	case was == ci.FlakeFlaky && v.Probability >= j.opt.Resolve:
		v.Verdict = ci.FlakeFlaky
		v.Because = append(v.Because, "was flaky, and has not been steady for long enough to say otherwise")
	case len(segment) == 0:
		v.Because = append(v.Because, fmt.Sprintf("failed in %s, none of them on main and none contradicted on the same code", count(v.Failures, "run")))
	case streak > 0:
		v.Because = append(v.Because, fmt.Sprintf("fails in the newest %s, too few to tell a flake from a break", count(streak, "run")))
	case !known || v.Probability >= j.opt.Resolve:
		v.Because = append(v.Because, fmt.Sprintf("%s in %s, too few to tell a flake from a break that was mended", count(v.SegmentFailures, "failure"), count(v.SegmentRuns, "run")))
	default:
		v.Verdict = ci.FlakeHealthy
		v.Because = append(v.Because, healthyBecause(v))
	}
	return j.because(v, changed)
}

func healthyBecause(v Verdict) string {
	if v.SegmentFailures == 0 {
		return fmt.Sprintf("has passed in all %d runs since it was mended", v.SegmentRuns)
	}
	return fmt.Sprintf("passes; %s in %d runs look like a break that was mended", count(v.SegmentFailures, "failure"), v.SegmentRuns)
}

func (j *judge) because(v Verdict, changed bool) Verdict {
	if changed {
		v.Because = append(v.Because, "its rate changed with run "+v.Since)
	}
	if v.SegmentRuns > 0 {
		v.Because = append(v.Because, fmt.Sprintf("fails in %d of %d runs: %.1f %% (95 %% interval %.1f to %.1f %%)",
			v.SegmentFailures, v.SegmentRuns, 100*v.Rate, 100*v.Interval[0], 100*v.Interval[1]))
	}
	return v
}

// clean is the verdict on a test that never failed, which nearly all are.
func (j *judge) clean(v Verdict) Verdict {
	v.SegmentRuns = v.Runs
	v.Interval = j.interval(0, v.Runs)
	if len(j.sighted) > 0 {
		v.Since = j.runID(j.sighted[0])
	}
	switch {
	case v.Runs == 0:
		v.Because = []string{"has not run"}
	case v.Runs < j.opt.MinRuns:
		v.Because = []string{fmt.Sprintf("passed in %s, too few for a verdict", count(v.Runs, "run"))}
	default:
		v.Verdict = ci.FlakeHealthy
		v.Because = []string{fmt.Sprintf("passed in all %d runs", v.Runs)}
	}
	return v
}

// read fills j.sighted with the cells of row t that say something.
func (j *judge) read(v *Verdict, t int) {
	j.sighted = j.sighted[:0]
	if t >= len(j.h.Cells) {
		return
	}
	row := j.h.Cells[t]
	for at, r := range j.order {
		if r >= len(row) || row[r]&Both == None {
			continue
		}
		cell := row[r] & Both
		if cell&Fail != 0 {
			v.Failures++
		}
		j.sighted = append(j.sighted, sighting{at, cell, j.h.Runs[r].Main, j.crowd[r]})
	}
	v.Runs = len(j.sighted)
}

// line is the part of j.sighted that is a series in time; j.failed says which of
// it failed, and j.passed is filled with where this test passed.
func (j *judge) line() []sighting {
	j.round++
	line := j.series[:0]
	j.failed = j.failed[:0]
	for _, s := range j.sighted {
		if c := j.codeOf(s); c >= 0 && s.cell&Pass != 0 {
			j.passed[c] = lastPass{j.round, s.at}
		}
		if s.line {
			line = append(line, s)
			j.failed = append(j.failed, s.cell&Fail != 0)
		}
	}
	j.series = line
	return line
}

// measure fills in the rate of the current segment, or of everything where
// nothing of the test belongs to the line.
func (j *judge) measure(v *Verdict, segment []sighting) {
	if len(segment) == 0 {
		segment = j.sighted
	}
	for i, s := range segment {
		if s.cell&Fail == 0 {
			continue
		}
		v.SegmentFailures++
		if s.cell == Both || i > 0 && segment[i-1].cell == Pass && hardStreak(segment[i:]) < streakLength {
			v.Flips++
		}
	}
	v.SegmentRuns = len(segment)
	v.Rate = float64(v.SegmentFailures) / float64(v.SegmentRuns)
	v.Interval = j.interval(v.SegmentFailures, v.SegmentRuns)
	v.Since = j.runID(segment[0])
}

// hardStreak is how many failures without a pass segment begins with.
func hardStreak(segment []sighting) int {
	n := slices.IndexFunc(segment, func(s sighting) bool { return s.cell != Fail })
	if n < 0 {
		return len(segment)
	}
	return n
}

// streak is how many failures without a pass the line ends with. A failure that
// the same code contradicted afterwards does not belong to it.
func (j *judge) streak(line []sighting) int {
	n := 0
	for _, s := range slices.Backward(line) {
		if s.cell != Fail || j.passedAfter(s) {
			break
		}
		n++
	}
	return n
}

// broken judges a test that only fails by now: for so long that its usual rate
// does not explain it.
func (j *judge) broken(v *Verdict, line []sighting, streak int) bool {
	if streak < streakLength || len(line) < j.opt.MinRuns {
		return false
	}
	first := line[len(line)-streak]
	if streak == len(line) {
		v.Verdict, v.Probability = ci.FlakeBroken, 0
		v.Because = []string{fmt.Sprintf("has failed in all %d runs", streak)}
		return true
	}
	before := line[:len(line)-streak]
	start, changed := j.model.lastSegment(j.failed[:len(before)])
	before = before[start:]
	hard, bad := 0, 0
	for _, s := range before {
		if s.cell == Fail {
			hard++
		}
		bad += int(s.cell >> 1)
	}
	usual := (float64(hard) + priorFail) / (float64(len(before)) + priorFail + priorPass)
	if float64(streak)*math.Log(usual) > math.Log(chanceBroken) {
		return false
	}
	v.Verdict = ci.FlakeRegressed
	v.Because = []string{fmt.Sprintf("passed until then, and has failed in all %d runs since %s", streak, j.runID(first))}
	if 2*bad > len(before) || len(j.contradictionsBefore(before, first.at)) > 0 || probability(j.model, before, changed) >= j.opt.Activate {
		v.Verdict = ci.FlakeBroken
		v.Because = []string{fmt.Sprintf("was flaky, and has failed in all %d runs since %s", streak, j.runID(first))}
	}
	v.Probability = 0
	v.Flips, v.SegmentFailures, v.SegmentRuns, v.Since = 0, streak, streak, j.runID(first)
	v.Rate, v.Interval = 1, j.interval(streak, streak)
	if c := j.codeOf(first); c >= 0 && j.passed[c].round == j.round {
		v.Because = append(v.Because, "the same code passed before: something around the code has changed")
	}
	return true
}

// skipMended moves the beginning of the current segment past failures that were
// mended within it: the change-point model asks for much, since it knows nothing
// of where to look, while a long streak of passes after failures names its place.
func (j *judge) skipMended(line []sighting, start int, changed bool) (int, bool) {
	failures, ended := 0, start // since start, and one past the last of them
	for i := start; i < len(line); i++ {
		if line[i].cell&Fail == 0 {
			continue
		}
		predicted := j.model.ln(failures, i-start) - j.model.ln(failures, ended-start)
		if failures > 1 && i-ended >= j.opt.MinRuns && predicted <= math.Log(chanceMendedOnce) {
			start, failures, changed = ended, 0, true
		}
		failures++
		ended = i + 1
	}
	return start, changed
}

// mended judges a test that only passes by now: for so long that the rate at
// which it failed before does not explain it. One failure has no rate.
func (j *judge) mended(v *Verdict, segment []sighting) bool {
	n := len(segment)
	if n == 0 || segment[n-1].cell&Fail != 0 {
		return false
	}
	passes, failures := 0, 0
	for i, s := range slices.Backward(segment) {
		if s.cell&Fail != 0 {
			failures++
			passes = cmp.Or(passes, n-1-i)
		}
	}
	limit := chanceMended
	if j.opt.Previous[v.Test] == ci.FlakeFlaky {
		limit = chanceMendedStill
	}
	// The probability of as many passes, given what went before them.
	predicted := j.model.ln(failures, n) - j.model.ln(failures, n-passes)
	if failures < 2 || passes < j.opt.MinRuns || predicted > math.Log(limit) {
		return false
	}
	segment = segment[n-passes:]
	if len(j.contradictions(segment)) > 0 { // outside the line it still is
		return false
	}
	v.Verdict, v.Probability = ci.FlakeHealthy, 0
	v.Flips, v.SegmentFailures, v.SegmentRuns, v.Since = 0, 0, passes, j.runID(segment[0])
	v.Rate, v.Interval = 0, j.interval(0, passes)
	v.Because = []string{fmt.Sprintf("has passed in all %d runs since %s; it failed before that", passes, v.Since)}
	return true
}

// contradictions lists the runs of the current segment, and of its time outside
// the line, whose failure the same code contradicted; newest first. The passing
// runs are not listed: they did nothing wrong.
func (j *judge) contradictions(segment []sighting) []string {
	return j.contradictionsBefore(segment, math.MaxInt)
}

func (j *judge) contradictionsBefore(segment []sighting, end int) []string {
	since := 0
	if len(segment) > 0 && segment[0].at != j.firstOfLine() {
		since = segment[0].at
	}
	var out []string
	for _, s := range slices.Backward(j.sighted) {
		if s.at < since || s.at >= end || s.cell&Fail == 0 || s.crowd > 0 {
			continue
		}
		c := j.codeOf(s)
		if s.cell == Both || c >= 0 && j.passed[c].round == j.round {
			out = append(out, j.runID(s))
		}
	}
	return out
}

func (j *judge) firstOfLine() int {
	i := slices.IndexFunc(j.sighted, func(s sighting) bool { return s.line })
	if i < 0 {
		return -1
	}
	return j.sighted[i].at
}

func (j *judge) passedAfter(s sighting) bool {
	c := j.codeOf(s)
	return c >= 0 && j.passed[c].round == j.round && j.passed[c].at > s.at
}

func (j *judge) codeOf(s sighting) int32 { return j.code[j.order[s.at]] }
func (j *judge) runID(s sighting) string { return j.h.Runs[j.order[s.at]].ID }

func (j *judge) interval(k, n int) [2]float64 {
	key := [2]int{k, n}
	out, known := j.seen[key]
	if !known {
		out = jeffreys(k, n)
		j.seen[key] = out
	}
	return out
}

// count is "1 run", "2 runs".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
