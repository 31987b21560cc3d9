package trend

import (
	"cmp"
	"math"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

// Run is one attempt as key figures need it. A figure that is unknown is NaN.
type Run struct {
	ID, URL, Commit string
	Attempt         int
	Class           ci.RefClass
	Status          ci.JobStatus
	Created         time.Time // of the first attempt
	Started         time.Time
	Build, Queue    float64 // seconds
	Spent           float64 // seconds of machine time
	Coverage        float64 // percent
	Flaky           float64 // 0: no test failed and passed in it
	Saved           float64 // seconds that selection left out
	Cost            float64 // dollars for a model
	Audited, Missed float64 // tests
}

// Vuln is the life of one finding on main.
type Vuln struct {
	ID, Package   string
	Severity      ci.VulnSeverity
	First, Closed time.Time // Closed is zero while it is open
	Accepted      bool      // excused rather than fixed
	Fixable       bool
}

// Fix is what became of one proposed fix.
type Fix struct {
	ID, URL                            string
	Confidence                         float64 // NaN: not said
	Proposed, Merged, Closed, Reverted time.Time
	Unchanged                          *bool // nil: not known
}

// Said is one kind of feedback, how often.
type Said struct {
	Kind, Value string // "reaction" "+1", "survey" "4", "reply" "satisfied"
	N           int
	At          time.Time
}

// FlakyTest is a test that failed and passed on the same code.
type FlakyTest struct {
	ID    ci.TestID
	Times int // runs in which it did
	Last  string
}

// Data is everything that key figures are made of, in time order.
type Data struct {
	Now   time.Time
	Days  int // the window that values are of
	Runs  []Run
	Vulns []Vuln
	Fixes []Fix
	Said  []Said

	Repo string           // address of the repository's page; empty: none
	Jobs [][]ci.JobTiming // of the newest runs, to see what is on their critical path

	Flaky                    []FlakyTest // the most frequent first
	TestsKnown               int         // distinct tests that ran in the window; 0: not known
	Executions, FlakyRetries int         // of tests in the window; Executions 0: not known
	AuditFailed, AuditMissed int         // of plans that were scored in the window: tests that failed, and of these, left out
}

// definition is a row of the table of key figures.
type definition struct {
	name, label string
	unit        ci.KPIUnit
	target      ci.Target
	lower       bool    // is better
	absolute    float64 // change in 30 days below which there is no trend; 0: a tenth of the median
	doc         string
	work        func(*Data, *KPI)
}

func below(level float64) ci.Target { return ci.Target{Level: level, Below: true, Set: true} }
func above(level float64) ci.Target { return ci.Target{Level: level, Set: true} }

var definitions = []definition{
	{"build_time_pr", "Build time of pull requests", ci.InSeconds, below(15 * 60), true, 0, "median time from the start of a run's first attempt to its last job's end; cancelled and timed-out attempts are left out and counted beside it", buildTime(ci.RefPull)},
	{"build_time_main", "Build time of main", ci.InSeconds, below(30 * 60), true, 0, "the same for runs of main", buildTime(ci.RefMain)},
	{"time_to_green", "Time to green", ci.InSeconds, ci.Target{}, true, 0, "median time from the start of a run's first attempt to the end of the attempt that succeeded, reruns and what lies between them included", timeToGreen},
	{"queue_time", "Waiting for machines", ci.InSeconds, ci.Target{}, true, 0, "median of the time that an attempt's critical path waits for machines", queueTime},
	{"flaky_rate", "Runs with a flake", ci.InPercent, below(5), true, 0, "share of finished runs in which something failed and passed on the same code: a test within the run, or an attempt that a later attempt of the same commit made good", flakyRate},
	{"vuln_mttr_high", "Time to fix, HIGH", ci.InDays, below(7), true, 0, "median time from the first scan of main that saw a finding to the first that did not, by Kaplan-Meier with the open ones; what was accepted counts as open until then", mttr(ci.VulnHigh, 7)},
	{"vuln_mttr_critical", "Time to fix, CRITICAL", ci.InDays, below(3), true, 0, "the same for CRITICAL findings", mttr(ci.VulnCritical, 3)},
	{"developer_satisfaction", "Developer satisfaction", ci.InStars, above(4), false, 0, "mean of what was said: the one-click survey as it is, reactions, outcomes of suggestions and replies as 1 to 5 stars; hidden below 20 voices, never per person", satisfaction},
	{"coverage", "Coverage of main", ci.InPercent, above(90), false, 1, "mean of the last 30 days' runs of main; pull requests run parts and are never compared with it", coverage},
	{"auto_fix_accuracy", "Auto-fixes merged unchanged", ci.InPercent, above(70), false, 0, "of the fixes that were merged, closed, or ignored for 14 days: the share whose merged change is the proposed one", autoFix},
	{"selection_saved", "Minutes saved by selection", ci.InMinutes, ci.Target{}, false, 0, "what the tests that were left out usually take, summed over the window; the miss rate is of failures in runs where everything ran although a plan was made", selectionSaved},
	{"flaky_cost", "Minutes lost to flakiness", ci.InMinutes, ci.Target{}, true, 0, "machine time of attempts that repeated a failed one on the same commit and succeeded, summed over the window", flakyCost},
	{"model_cost", "Cost of the model", ci.InDollars, ci.Target{}, true, 0, "what the model's answers cost, summed over the window", modelCost},
}

// Definitions lists the key figures without values, for the documentation.
func Definitions() []KPI {
	out := make([]KPI, len(definitions))
	for i, d := range definitions {
		out[i] = KPI{Name: d.name, Label: d.label, Unit: d.unit, Target: d.target, Lower: d.lower, Doc: d.doc}
	}
	return out
}

// KPIs works out all key figures, and judges their trends together.
func KPIs(d Data) []KPI {
	out := Definitions()
	all := make([]Series, len(out))
	for i := range out {
		definitions[i].work(&d, &out[i])
		all[i] = Series{Points: out[i].Series, Absolute: definitions[i].absolute}
	}
	for i, t := range Judge(all, Rule{}) {
		k := &out[i]
		k.Trend = t
		if f, ok := Ahead(k.Series, t); ok {
			k.Ahead = &f
		}
		k.Status = status(*k)
		if k.Hidden {
			k.Estimate, k.Series, k.Trend, k.Ahead, k.Details = Estimate{N: k.N}, nil, Trend{Direction: ci.NoTrend}, nil, nil
		}
	}
	return out
}

// status compares the whole interval with the target.
func status(k KPI) ci.KPIStatus {
	good := k.Target.Good
	switch {
	case !k.Known() || k.Hidden:
		return ci.KPIUnknown
	case !k.Target.Set:
		return ci.KPINone
	case good(k.Low) && good(k.High) && good(k.Value):
		return ci.KPIMet
	case !good(k.Low) && !good(k.High) && !good(k.Value):
		return ci.KPIMissed
	}
	return ci.KPIUnsure
}

func detail(k *KPI, label string, unit ci.KPIUnit, e Estimate) {
	k.Details = append(k.Details, ci.Detail{Label: label, Unit: unit, Estimate: e})
}

// since is where the window of values begins; series reach back further.
func (d *Data) since() time.Time { return d.Now.AddDate(0, 0, -d.Days) }

// day is a time as the X of a point.
func day(t time.Time) float64 { return math.Floor(float64(t.Unix()) / 86400) }

// daily makes a series of one figure a day.
func daily(from []Point, join func([]float64) float64) []Point {
	var out []Point
	var ys []float64
	for i, p := range from {
		ys = append(ys, p.Y)
		if i+1 == len(from) || from[i+1].X != p.X {
			out = append(out, point(p.X, join(ys)))
			ys = ys[:0]
		}
	}
	return out
}

func mean(values []float64) float64 { return Mean(values).Value }

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

// attempts are the runs, each with its attempts in order, in the order in which
// the first ones started.
func (d *Data) attempts() [][]Run {
	at := make(map[string]int, len(d.Runs))
	var out [][]Run
	for _, r := range d.Runs {
		i, seen := at[r.ID]
		if !seen {
			i = len(out)
			at[r.ID] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	for _, one := range out {
		slices.SortStableFunc(one, func(a, b Run) int { return cmp.Compare(a.Attempt, b.Attempt) })
	}
	return out
}

// finished reports whether an attempt ended by itself, well or badly.
func finished(s ci.JobStatus) bool {
	return s == ci.JobSuccess || s == ci.JobFailure || s == ci.JobError
}

func known(v float64) bool { return !math.IsNaN(v) }
