package trend

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

var now = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// ran is an attempt of which only what is said is known.
func ran(id string, attempt int, class ci.RefClass, status ci.JobStatus, daysAgo float64, set ...func(*Run)) Run {
	nan := math.NaN()
	r := Run{
		ID: id, Attempt: attempt, Class: class, Status: status, Commit: "c" + id, Started: now.Add(-time.Duration(daysAgo * 24 * float64(time.Hour))),
		Build: nan, Queue: nan, Spent: nan, Coverage: nan, Flaky: nan, Saved: nan, Cost: nan, Audited: nan, Missed: nan,
	}
	for _, f := range set {
		f(&r)
	}
	return r
}

func build(s float64) func(*Run) { return func(r *Run) { r.Build = s } }

func kpi(t *testing.T, d Data, name string) KPI {
	t.Helper()
	d.Now, d.Days = now, 30
	for _, k := range KPIs(d) {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no key figure %s", name)
	return KPI{}
}

func detailOf(k KPI, label string) (float64, bool) {
	for _, d := range k.Details {
		if d.Label == label {
			return d.Value, true
		}
	}
	return 0, false
}

func TestNothingIsUnknownAndNotZero(t *testing.T) {
	for _, k := range KPIs(Data{Now: now, Days: 30}) {
		assert.Assert(t, !k.Known() && k.Status == ci.KPIUnknown && k.Trend.Direction == ci.NoTrend, "%+v", k)
		assert.Assert(t, k.Doc != "" && k.Label != "")
	}
}

func TestBuildTimeIsOfFirstAttemptsThatEnded(t *testing.T) {
	d := Data{Runs: []Run{
		ran("old", 1, ci.RefPull, ci.JobSuccess, 40, build(9999)),
		ran("a", 1, ci.RefPull, ci.JobSuccess, 3, build(600)), ran("b", 1, ci.RefPull, ci.JobFailure, 3, build(700)),
		ran("c", 1, ci.RefPull, ci.JobCancelled, 2, build(5)), ran("d", 1, ci.RefPull, ci.JobTimeout, 2, build(21600)),
		ran("b", 2, ci.RefPull, ci.JobSuccess, 1, build(60)), ran("m", 1, ci.RefMain, ci.JobSuccess, 1, build(5000)),
		ran("l", 1, ci.RefLocal, ci.JobSuccess, 1, build(1)),
	}}
	k := kpi(t, d, "build_time_pr")
	assert.Equal(t, k.N, 2)
	assert.Equal(t, k.Value, 650.0)
	assert.Equal(t, k.Status, ci.KPIMet)
	cancelled, _ := detailOf(k, "cancelled")
	assert.Equal(t, cancelled, 25.0)
	assert.Equal(t, kpi(t, d, "build_time_main").Status, ci.KPIMissed)
	green := kpi(t, d, "time_to_green")
	assert.Equal(t, green.N, 3, "a, b after its rerun, and m")
}

func TestFlakyRateCountsRunsAndSaysWhatElse(t *testing.T) {
	flaky := func(r *Run) { r.Flaky = 1 }
	spent := func(r *Run) { r.Spent = 600 }
	again := ran("b", 2, ci.RefPull, ci.JobSuccess, 1, spent)
	other := ran("d", 2, ci.RefPull, ci.JobSuccess, 1, spent, func(r *Run) { r.Commit = "another" })
	d := Data{
		Runs: []Run{
			ran("a", 1, ci.RefPull, ci.JobSuccess, 3, flaky), ran("b", 1, ci.RefPull, ci.JobFailure, 2), again, ran("c", 1, ci.RefMain, ci.JobSuccess, 2),
			ran("d", 1, ci.RefPull, ci.JobFailure, 2), other, ran("e", 1, ci.RefPull, ci.JobCancelled, 2, flaky),
		},
		Flaky: []FlakyTest{{ID: "t", Times: 2}}, TestsKnown: 50, Executions: 1000, FlakyRetries: 2,
	}
	k := kpi(t, d, "flaky_rate")
	assert.Equal(t, k.N, 4)
	assert.Equal(t, k.Value, 50.0, "a by a test, b by its rerun; d was mended, e never ended")
	for label, want := range map[string]float64{"tests that flaked": 2, "executions that flaked": 0.2, "reruns per successful build": 50} {
		got, ok := detailOf(k, label)
		assert.Assert(t, ok && got == want, "%s: %v", label, got)
	}
	cost := kpi(t, d, "flaky_cost")
	assert.Equal(t, cost.Value, 10.0, "minutes of b's second attempt, and not of d's")
}

func TestTimeToFixKeepsWhatIsOpen(t *testing.T) {
	at := func(daysAgo int) time.Time { return now.AddDate(0, 0, -daysAgo) }
	d := Data{Vulns: []Vuln{
		{ID: "1", Severity: ci.VulnHigh, First: at(20), Closed: at(18)},
		{ID: "2", Severity: ci.VulnHigh, First: at(60)},
		{ID: "3", Severity: ci.VulnHigh, First: at(50)},
		{ID: "4", Severity: ci.VulnHigh, First: at(30), Closed: at(29), Accepted: true},
		{ID: "5", Severity: ci.VulnLow, First: at(300)},
	}}
	k := kpi(t, d, "vuln_mttr_high")
	assert.Equal(t, k.N, 4)
	assert.Assert(t, math.IsInf(k.Value, 1), "one of three is fixed: the median is not reached, and surely not 2 days")
	assert.Equal(t, k.Status, ci.KPIUnsure, "three findings are too few to be sure")
	for label, want := range map[string]float64{"open": 2, "over the limit": 2, "oldest open": 60, "accepted": 1} {
		got, ok := detailOf(k, label)
		assert.Assert(t, ok && got == want, "%s: %v", label, got)
	}
	assert.Equal(t, k.Series[len(k.Series)-1].Y, 2.0, "two are open today")
}

func TestSatisfactionIsHiddenBelowTwenty(t *testing.T) {
	few := Data{Said: []Said{{"reaction", "+1", 19, now.AddDate(0, 0, -1)}, {"reply", "neutral", 50, now.AddDate(0, 0, -1)}, {"reaction", "eyes", 9, now}}}
	k := kpi(t, few, "developer_satisfaction")
	assert.Assert(t, k.Hidden && k.Status == ci.KPIUnknown && k.Value == 0 && len(k.Series) == 0 && len(k.Details) == 0, "%+v", k)
	few.Said = append(few.Said, Said{"survey", "2", 1, now.AddDate(0, 0, -2)}, Said{"survey", "11", 9, now})
	k = kpi(t, few, "developer_satisfaction")
	assert.Equal(t, k.N, 20)
	assert.Equal(t, k.Value, (19*5+2)/20.0)
	assert.Equal(t, k.Status, ci.KPIMet)
}

func TestAutoFixAccuracy(t *testing.T) {
	yes, no := true, false
	at := func(daysAgo int) time.Time { return now.AddDate(0, 0, -daysAgo) }
	d := Data{Fixes: []Fix{
		{ID: "merged as it was", Confidence: 0.95, Proposed: at(20), Merged: at(19), Unchanged: &yes},
		{ID: "edited", Confidence: 0.95, Proposed: at(20), Merged: at(19), Unchanged: &no},
		{ID: "closed", Confidence: math.NaN(), Proposed: at(20), Closed: at(19)},
		{ID: "ignored", Confidence: math.NaN(), Proposed: at(16)},
		{ID: "young", Confidence: math.NaN(), Proposed: at(3)},
		{ID: "not known", Confidence: math.NaN(), Proposed: at(20), Merged: at(19)},
		{ID: "reverted", Confidence: 1, Proposed: at(25), Merged: at(24), Unchanged: &yes, Reverted: at(20)},
	}}
	k := kpi(t, d, "auto_fix_accuracy")
	assert.Equal(t, k.N, 5)
	assert.Equal(t, k.Value, 40.0)
	lasted, _ := detailOf(k, "of merged, still there after 30 days")
	assert.Equal(t, lasted, 0.0, "the only one whose month is decided was reverted")
	brier, _ := detailOf(k, "Brier score of our confidence")
	near(t, brier, (0.05*0.05+0.95*0.95+0)/3, 1e-12)
	assert.Equal(t, len(k.Bins), 1)
	assert.Equal(t, k.Bins[0].N, 3)
}

func TestCoverageIsOfMain(t *testing.T) {
	cover := func(pct float64) func(*Run) { return func(r *Run) { r.Coverage = pct } }
	k := kpi(t, Data{Runs: []Run{
		ran("a", 1, ci.RefMain, ci.JobSuccess, 2, cover(92)), ran("b", 1, ci.RefMain, ci.JobSuccess, 1, cover(94)), ran("c", 1, ci.RefPull, ci.JobSuccess, 1, cover(10)),
	}}, "coverage")
	assert.Equal(t, k.Value, 93.0)
}

func TestSelectionAndModel(t *testing.T) {
	saved := func(r *Run) { r.Saved, r.Audited, r.Missed, r.Cost = 300, 40, 1, 0.25 }
	d := Data{Runs: []Run{ran("a", 1, ci.RefPull, ci.JobSuccess, 2, saved), ran("b", 1, ci.RefPull, ci.JobSuccess, 1, saved), ran("c", 1, ci.RefMain, ci.JobSuccess, 1)}}
	k := kpi(t, d, "selection_saved")
	assert.Equal(t, k.Value, 10.0)
	missed, _ := detailOf(k, "failures missed, of left-out tests that were run")
	assert.Equal(t, missed, 2.5)
	assert.Equal(t, kpi(t, d, "model_cost").Value, 0.5)
}

func TestAdviceIsOrderedAndHasEvidence(t *testing.T) {
	d := Data{Now: now, Days: 30, Repo: "https://example.com/o/n"}
	for i := range 60 {
		age := float64(60 - i)
		r := ran(fmt.Sprint(i), 1, ci.RefMain, ci.JobSuccess, age, build(600+float64(i*7%11)), func(r *Run) { r.Queue = 200 })
		r.Commit = fmt.Sprintf("%040x", i+1)
		if i >= 50 {
			r.Build += 300
		}
		d.Runs = append(d.Runs, r)
	}
	d.Vulns = []Vuln{{ID: "CVE-1", Package: "pkg:pypi/x", Severity: ci.VulnCritical, First: now.AddDate(0, 0, -9), Fixable: true}}
	d.Flaky = []FlakyTest{{ID: "t::a", Times: 3, Last: "https://example.com/o/n/actions/runs/3"}}
	advice := Advice(d, KPIs(d))
	var rules []string
	for i, a := range advice {
		rules = append(rules, a.Rule)
		assert.Assert(t, a.Text != "" && a.Evidence != "" && a.Next != "", "%+v", a)
		assert.Assert(t, i == 0 || advice[i-1].Weight >= a.Weight)
	}
	assert.Equal(t, strings.Join(rules, " "), "finding-over-limit slower-step queue flaky-test")
	var step ci.Insight
	for _, c := range Changed(d, KPIs(d)) {
		if c.Rule == "step" {
			step = c
		}
	}
	assert.Assert(t, strings.HasPrefix(step.URL, "https://example.com/o/n/compare/"), "%+v", step)
	assert.Assert(t, strings.Contains(step.Evidence, "between run 49 and run 50"), "%+v", step)
}
