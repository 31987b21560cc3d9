package policy

import (
	"fmt"
	"math"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

// CoverageRecord is the coverage of one run on main, as the baseline keeps it.
type CoverageRecord struct {
	RunID, Commit  string
	Covered, Total int     // statements, and branches where they were measured
	Pct            float64 // used only if Total is 0: older files hold nothing else
	Series         string  // what the number is comparable with; empty: not known, comparable with any
	Time           time.Time
	Green          bool
	Accepted       bool // a person accepted the level of this record: the anchor starts anew
}

// Percent is the record's coverage in 0..100; ok is false when it holds none.
func (r CoverageRecord) Percent() (pct float64, ok bool) {
	switch {
	case r.Total < 0 || r.Covered < 0 || r.Covered > r.Total:
		return 0, false
	case r.Total > 0:
		return 100 * float64(r.Covered) / float64(r.Total), true
	}
	return r.Pct, r.Pct >= 0 && r.Pct <= 100 // NaN is neither
}

// MainCommit is the commit of main that was measured; empty: not said.
func (r CoverageRecord) MainCommit() string { return r.Commit }

// CoverageBaseline is what a coverage is compared with.
type CoverageBaseline struct {
	Records []CoverageRecord // of main, oldest first by ancestry: see Ancestral
	Stated  float64          // what the file says where it holds no records, or the default; negative: nothing
	Default bool             // Stated is the default, not anybody's measurement
	Removed *RemovedCode     // what the change removed, where that is known
	Best    float64          // the best baseline that main is known to have had, where the records do not go back to it; 0: not known
	// BestSeries is what Best is comparable with; empty: anything.
	BestSeries string
}

// RemovedCode is the part of the base's coverage that the change deleted.
// Deleting well-tested code must not count as losing tests.
type RemovedCode struct{ BaseCovered, BaseTotal, Covered, Total int }

// shift is how many points the base itself moves when the code goes.
func (r *RemovedCode) shift() float64 {
	if r == nil || r.BaseTotal <= 0 || r.Total <= 0 || r.BaseTotal <= r.Total {
		return 0
	}
	before := 100 * float64(r.BaseCovered) / float64(r.BaseTotal)
	return 100*float64(r.BaseCovered-r.Covered)/float64(r.BaseTotal-r.Total) - before
}

// CoverageSettings are the thresholds, in percentage points. The zero value
// allows no drop.
type CoverageSettings struct {
	Delta  float64 // how far coverage may drop below its baseline
	Min    float64 // absolute floor in percent; 0: none
	Strict bool    // noise term, attribution to the tested base, and anchor

	// Of strict; zero means the default in brackets.
	Noise    float64 // the tolerance is at least so many robust standard deviations [3]
	NoiseCap float64 // but noise never excuses more points than this [1.0]
	Anchor   float64 // coverage may not erode further than this below its best median [1.0]
}

// window is how many green runs of main make the baseline.
const window = 10

// warm is how many records the strict policy wants before it trusts them.
const warm = 3

// exact keeps binary fractions from turning "exactly at the limit" into beyond it.
const exact = 1e-9

func (s CoverageSettings) defaults() CoverageSettings {
	set := func(v *float64, def float64) {
		if *v == 0 {
			*v = def
		}
	}
	set(&s.Noise, 3)
	set(&s.NoiseCap, 1)
	set(&s.Anchor, 1)
	return s
}

// CoverageDecision is the answer of the coverage gate with the numbers that it
// rests on.
type CoverageDecision struct {
	ci.Decision
	Now         float64 // percent
	Measured    bool
	Baseline    float64 // percent
	HasBaseline bool
	Allowed     float64          // how many points below the baseline pass
	Window      []CoverageRecord // the records that made the baseline, oldest first
	From        string           // what the baseline is, in words
	Recorded    CoverageRecord   // what the baseline should keep of this run
	Again       bool             // a second measurement of the same commit could change the answer
}

// Pass reports whether the build may go on.
func (d CoverageDecision) Pass() bool {
	return d.Verdict != ci.VerdictFail && d.Verdict != ci.VerdictNoData
}

// Delta is how many points coverage stands above its baseline.
func (d CoverageDecision) Delta() float64 { return d.Now - d.Baseline }

// Coverage decides whether coverage is good enough: not worse than the baseline
// by more than the delta, and not below the floor. The baseline is the median
// of the last green runs on main: one odd run does not move it, and neither does
// an ill-measured one. now.Series guards what may be compared.
func Coverage(now CoverageRecord, base CoverageBaseline, s CoverageSettings) CoverageDecision {
	return decideCoverage(now, nil, base, s)
}

func decideCoverage(now CoverageRecord, again *CoverageRecord, base CoverageBaseline, s CoverageSettings) CoverageDecision {
	s = s.defaults()
	d := CoverageDecision{Decision: ci.Decision{Gate: "coverage"}, Recorded: now}
	d.Now, d.Measured = now.Percent()
	if !d.Measured || now.Total <= 0 && now.Pct == 0 {
		d.Measured = false
		return d.say(ci.VerdictNoData, "there is no coverage data: nothing was measured, and no data is never a pass")
	}
	usable, other := comparable(base.Records, now.Series)
	d.Window = usable[max(0, len(usable)-window):]
	switch {
	case len(d.Window) > 0:
		d.baseline(median(percents(d.Window)), fmt.Sprintf("the median of %s on main", count(len(d.Window), "green run")))
	case other == "" && base.Stated >= 0:
		from := "what the baseline file states; it holds no green run yet"
		if base.Default {
			from = "the default: main has no green run on record yet"
		}
		d.baseline(base.Stated, from)
	}
	switch {
	case s.Strict:
		d = d.strict(now, again, usable, base, s)
	case d.HasBaseline:
		d = d.plain(s.Delta)
	}
	if d.Verdict == "" {
		d = d.uncompared(now, other)
	}
	if s.Min > 0 && d.Now < s.Min-exact {
		d = d.fail(fmt.Sprintf("coverage %s is below the floor of %s", percent(d.Now), percent(s.Min)))
	}
	d.Again = again == nil && (d.Again || d.Verdict == ci.VerdictFail)
	return d
}

func (d *CoverageDecision) baseline(pct float64, from string) {
	d.Baseline, d.HasBaseline, d.From = pct, true, from
}

// plain is the rule of the guide: worse by more than the delta fails.
func (d CoverageDecision) plain(delta float64) CoverageDecision {
	d.Allowed = delta
	if d.Now < d.Baseline-delta-exact {
		return d.say(ci.VerdictFail, d.regression())
	}
	return d.say(ci.VerdictPass, d.within())
}

// uncompared is the verdict where nothing can be compared with.
func (d CoverageDecision) uncompared(now CoverageRecord, other string) CoverageDecision {
	if other != "" {
		return d.say(ci.VerdictWarn, fmt.Sprintf("a new series begins: this is %s, main has only %s, and numbers of different tools are not compared", now.Series, other))
	}
	return d.say(ci.VerdictWarn, fmt.Sprintf("coverage is %s; there is no baseline yet to compare it with", percent(d.Now)))
}

func (d CoverageDecision) regression() string {
	return fmt.Sprintf("regression exceeds delta threshold: coverage %s is %s below the baseline of %s (%s), and %s are allowed",
		percent(d.Now), points(-d.Delta()), percent(d.Baseline), d.From, points(d.Allowed))
}

func (d CoverageDecision) within() string {
	if d.Delta() >= -exact {
		return fmt.Sprintf("coverage %s is %s above the baseline of %s (%s)", percent(d.Now), points(d.Delta()), percent(d.Baseline), d.From)
	}
	return fmt.Sprintf("coverage %s is %s below the baseline of %s (%s); up to %s are allowed",
		percent(d.Now), points(-d.Delta()), percent(d.Baseline), d.From, points(d.Allowed))
}

// say sets the verdict with its sentence; fail puts one more reason to fail
// before what was said.
func (d CoverageDecision) say(v ci.Verdict, because string) CoverageDecision {
	d.Verdict, d.Because = v, []string{because}
	return d
}

func (d CoverageDecision) fail(because string) CoverageDecision {
	if d.Verdict == ci.VerdictFail {
		d.Because = append(d.Because, because)
		return d
	}
	d.Verdict = ci.VerdictFail
	d.Because = append([]string{because}, d.Because...)
	return d
}

// CoverageTwice is the answer where the same commit was measured a second time:
// only what fails twice fails. A test suite that covers a little less on some
// days is caught far more rarely so.
func CoverageTwice(now, again CoverageRecord, base CoverageBaseline, s CoverageSettings) CoverageDecision {
	if s.Strict {
		return decideCoverage(now, &again, base, s)
	}
	first, second := Coverage(now, base, s), Coverage(again, base, s)
	if first.Verdict != ci.VerdictFail {
		return first
	}
	second.Again = false
	if second.Verdict == ci.VerdictFail {
		second.Because = append(slices.Clone(second.Because), "a second measurement of the same commit agrees")
		return second
	}
	second.Because = append(slices.Clone(second.Because), fmt.Sprintf("a first measurement was %s; the second one decides", percent(first.Now)))
	if second.Verdict == ci.VerdictPass {
		second.Verdict = ci.VerdictWarn
	}
	return second
}

// comparable keeps the green records of the series that hold a number. other
// names a series that was left out for not being it, if all were.
func comparable(records []CoverageRecord, series string) (out []CoverageRecord, other string) {
	for _, r := range records {
		if r.Accepted && (r.Series == "" || series == "" || r.Series == series) {
			out = nil // an accepted level begins anew
		}
		if _, ok := r.Percent(); !ok || !r.Green {
			continue
		}
		if r.Series != "" && series != "" && r.Series != series {
			other = r.Series
			continue
		}
		out = append(out, r)
	}
	if len(out) > 0 {
		other = ""
	}
	return out, other
}

func percents(records []CoverageRecord) []float64 {
	out := make([]float64, len(records))
	for i, r := range records {
		out[i], _ = r.Percent()
	}
	return out
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

func (r CoverageRecord) name() string {
	switch {
	case r.Commit != "":
		return "commit " + r.Commit[:min(12, len(r.Commit))]
	case r.RunID != "":
		return "run " + r.RunID
	}
	return "its last green run"
}

// percent is cut, not rounded, so that 89.999 does not read as the 90.00 that it
// is not; points are rounded.
func percent(v float64) string { return fmt.Sprintf("%.2f %%", math.Floor(v*100+1e-6)/100) }
func points(v float64) string  { return fmt.Sprintf("%.2f pp", math.Abs(v)) }
