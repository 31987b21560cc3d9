package policy

import (
	"fmt"
	"math"
	"slices"

	"keepgreen/internal/ci"
)

// The strict policy asks three things more than the guide's rule: is this more
// than noise, is it this change's doing, and has main been eroding? Its figures
// were chosen by simulation, on other seeds than those that simulation_test.go
// reports.
const (
	// noiseWindow is how many green runs the noise is measured on.
	noiseWindow = 50
	// doubt is how many standard deviations before the delta a second measurement
	// is asked for.
	doubt = 0.5
	// ahead is how many standard deviations before its limit the anchor holds.
	ahead = 1.5
	// agree is how far apart two measurements of one commit are by noise alone, in
	// standard deviations; beyond it one of them went wrong, and a suite goes wrong
	// by running less.
	agree = 4
	// excused is the tolerance below what main has been since it fell.
	excused = 2.8
	// abrupt is how many standard deviations beyond the delta a step of main is
	// sudden: larger than what the gate lets through.
	abrupt = 0.4
	// early is how many runs since main fell say how far.
	early = 3
)

// strictCase is one change before the strict policy, in percent.
type strictCase struct {
	judged  float64 // the measurement, or what two of them say
	second  bool    // there are two
	delta   float64
	noise   float64
	allowed float64
	best    float64 // the best baseline since a level was accepted
	fall    fall
}

func (d CoverageDecision) strict(now CoverageRecord, again *CoverageRecord, usable []CoverageRecord, base CoverageBaseline, s CoverageSettings) CoverageDecision {
	if len(usable) == 0 {
		d.HasBaseline = false // a default is nobody's measurement
		return d
	}
	if len(usable) < warm {
		last, _ := usable[len(usable)-1].Percent()
		d.baseline(last, fmt.Sprintf("the last green run on main; %s on record, %d are wanted", count(len(usable), "run"), warm))
		return d.plain(s.Delta)
	}
	shift := base.Removed.shift()
	d.Baseline += shift
	c := strictCase{judged: d.Now, delta: s.Delta, noise: noise(usable), best: base.best(usable, now.Series) + shift}
	if now.Total > 0 {
		c.delta = max(c.delta, 100/float64(now.Total)) // one line of a tiny scope is no regression
	}
	c.allowed = max(c.delta, min(s.Noise*c.noise, s.NoiseCap))
	if again != nil {
		if pct, ok := again.Percent(); ok {
			c.second, c.allowed = true, c.delta
			d.Recorded = joined(now, *again, c.noise)
			c.judged, _ = d.Recorded.Percent()
			d.Now = max(d.Now, pct)
		}
	}
	c.fall = fallen(base.Records, now.Series, d.Baseline-shift, c.delta, c.noise).moved(shift)
	d.Allowed = c.allowed
	return d.judge(c, s).explained(c, shift)
}

// joined is what two measurements of one commit say: their mean, or the better
// one where they differ by more than noise.
func joined(a, b CoverageRecord, noise float64) CoverageRecord {
	x, _ := a.Percent()
	y, _ := b.Percent()
	if x < y {
		a, b = b, a
	}
	if math.Abs(x-y) > agree*noise || a.Total <= 0 || a.Total != b.Total {
		return a
	}
	a.Covered -= (a.Covered - b.Covered) / 2
	return a
}

// judge gives the verdict with its first sentence.
func (d CoverageDecision) judge(c strictCase, s CoverageSettings) CoverageDecision {
	regressed := c.judged < d.Baseline-c.allowed-exact
	// What must not erode is the true level: the noisier a suite, the earlier the
	// anchor holds, or luck would carry small losses past it.
	hold := c.best - max(s.Anchor-min(ahead*c.noise, s.Anchor/2), c.delta)
	eroded := c.judged < hold-exact
	doubtful := !c.second && c.noise > 0
	switch {
	case doubtful && !regressed && c.judged >= hold-c.noise && (eroded || d.Now < d.Baseline-c.delta+doubt*c.noise-exact):
		d.Again = true
		return d.say(ci.VerdictWarn, fmt.Sprintf("coverage %s is %s below the baseline of %s: within main's noise of the limit, so that a second measurement decides",
			percent(d.Now), points(-d.Delta()), percent(d.Baseline)))
	case !regressed && !eroded:
		return d.say(ci.VerdictPass, d.within())
	case doubtful && c.fall.excuses(c, s) && c.judged < c.fall.level-exact:
		d.Again = true
		return d.say(ci.VerdictWarn, fmt.Sprintf("coverage %s is %s below the baseline of %s, and main is down itself at %s (%s): a second measurement decides whether this adds to it",
			percent(d.Now), points(-d.Delta()), percent(d.Baseline), percent(c.fall.level), c.fall.first.name()))
	case c.fall.excuses(c, s):
		return d.say(ci.VerdictInherited, fmt.Sprintf("coverage %s is %s below the baseline of %s, but main was already down at %s (%s): not this change's fault",
			percent(d.Now), points(-d.Delta()), percent(d.Baseline), percent(c.fall.level), c.fall.first.name()))
	case regressed:
		return d.say(ci.VerdictFail, d.regression())
	}
	return d.say(ci.VerdictFail, fmt.Sprintf("coverage %s is more than %s below the best baseline of %s: small losses have added up", percent(d.Now), points(c.best-hold), percent(c.best)))
}

// explained adds what a careful reader should know.
func (d CoverageDecision) explained(c strictCase, shift float64) CoverageDecision {
	if shift != 0 {
		d.Because = append(d.Because, fmt.Sprintf("the code that the change removes moves the baseline by %+.2f pp", shift))
	}
	if c.second {
		d.Because = append(d.Because, "measured twice: the mean of two measurements counts, or the better one where they differ by more than noise")
	}
	if d.Verdict == ci.VerdictFail && c.fall.is && !c.fall.sudden {
		d.Because = append(d.Because, fmt.Sprintf("main has been going down itself, little by little (%s): raise it again, or accept its level with gate accept", c.fall.first.name()))
	}
	return d
}

// fall is main being down: it was refused itself, and has not come back.
type fall struct {
	is     bool
	sudden bool // in one step, so that somebody else's change is known to have done it
	first  CoverageRecord
	level  float64 // median of the first runs since
}

func (f fall) moved(shift float64) fall { f.level += shift; return f }

// excuses reports whether a change is no worse than main has been since it fell.
// The first runs since then are the measure, not the newest one: else main could
// slide on by less than the delta each time.
func (f fall) excuses(c strictCase, s CoverageSettings) bool {
	tolerance := max(c.delta/2, min(excused*c.noise, s.NoiseCap))
	return f.is && f.sudden && c.judged >= f.level-tolerance-exact
}

// fallen looks for the runs at the end of the records that are down: refused, or
// more than the delta below the baseline. A lucky run between them ends nothing.
func fallen(records []CoverageRecord, series string, baseline, delta, noise float64) fall {
	var own []CoverageRecord
	for _, r := range records {
		if _, ok := r.Percent(); ok && (r.Series == "" || series == "" || r.Series == series) {
			own = append(own, r)
		}
	}
	start := len(own)
	for start > 0 {
		r := own[start-1]
		if pct, _ := r.Percent(); r.Accepted || r.Green && pct >= baseline-delta {
			break
		}
		start--
	}
	for start < len(own) && own[start].Green {
		start++ // it begins with a run that was refused
	}
	if start == len(own) {
		return fall{}
	}
	f := fall{is: true, first: own[start], level: median(percents(own[start:min(start+early, len(own))]))}
	if baseline-f.level <= delta {
		return fall{}
	}
	var before []float64
	for _, r := range slices.Backward(own[:start]) {
		if pct, _ := r.Percent(); r.Green && len(before) < 3 {
			before = append(before, pct)
		}
	}
	f.sudden = len(before) == 0 || median(before)-f.level > delta+abrupt*noise
	return f
}

// best is the best baseline that main had since a level was accepted.
func (b CoverageBaseline) best(usable []CoverageRecord, series string) float64 {
	best := highWater(usable)
	if b.BestSeries == "" || series == "" || b.BestSeries == series {
		best = max(best, b.Best)
	}
	return best
}

// highWater is the best rolling median since a level was last accepted.
func highWater(records []CoverageRecord) float64 {
	best := math.Inf(-1)
	start := 0
	for i, r := range records {
		if r.Accepted {
			start, best = i, math.Inf(-1)
		}
		if i-start+1 >= warm || r.Accepted || i == len(records)-1 && math.IsInf(best, -1) {
			best = max(best, median(percents(records[max(start, i+1-window):i+1])))
		}
	}
	return best
}

// noise is the standard deviation of repeated runs, from how much neighbours
// differ: by that, a level that moves in steps or drifts is not taken for noise
// (von Neumann 1941; the median and .6745 make it robust). It is 0 where most
// neighbours are equal, as those of a deterministic suite are.
func noise(records []CoverageRecord) float64 {
	v := percents(records[max(0, len(records)-noiseWindow):])
	var steps []float64
	for lag := 1; lag <= 2; lag++ {
		for i := lag; i < len(v); i++ {
			steps = append(steps, math.Abs(v[i]-v[i-lag]))
		}
	}
	if len(steps) == 0 {
		return 0
	}
	return median(steps) / (math.Sqrt2 * 0.6745)
}
