package trend

import (
	"cmp"
	"regexp"
	"strings"

	"keepgreen/internal/ci"
)

// Facts are what is known of one run when its metrics are collected; what is nil
// is unknown.
type Facts struct {
	Timing        ci.Timing
	Coverage      *float64
	High          *int
	Critical      *int
	FixConfidence *float64
	Tests         *Tally
	Flaky         *int  // tests that are flaky in this run
	HasFlaky      *bool // whether there are any, where their number is not known
	Selection     *Selection
	Model         *Model
}

// Tally counts tests by how they ended.
type Tally struct {
	ci.TestCounts
	Recovered int
}

// Selection is what test selection left out.
type Selection struct {
	Mode           string   // "full" or "selective"
	Selected, Left int      // tests
	Saved          *float64 // seconds
	Audited        *float64 // tests that were left out and run all the same, to see what is missed
	Missed         *float64 // of these, failed
}

// Model is what asking a model cost.
type Model struct {
	Calls, InputTokens, OutputTokens *float64
	Dollars                          *float64
}

// metric is a row of the table of metrics.
type metric struct {
	name string
	unit ci.Unit
	doc  string
	from func(Facts) (float64, bool)
}

// metrics are all figures of a run, those of the contract first.
var metrics = []metric{
	{"coverage_pct", ci.UnitPercent, "covered share of statements and branches", func(f Facts) (float64, bool) { return float(f.Coverage) }},
	{"ai_fix_confidence", ci.UnitShare, "triage's confidence in its best fix", func(f Facts) (float64, bool) { return float(f.FixConfidence) }},
	{"has_flaky_tests", ci.UnitFlag, "whether a test failed and passed on the same code", func(f Facts) (float64, bool) {
		if n, ok := whole(f.Flaky); ok || f.HasFlaky == nil {
			return min(n, 1), ok
		}
		if *f.HasFlaky {
			return 1, true
		}
		return 0, true
	}},
	{"rerun_count", ci.UnitCount, "attempts before this one", func(f Facts) (float64, bool) { return float64(f.Timing.Reruns), true }},
	{"build_duration_s", ci.UnitSeconds, "from the attempt's start to the end of its last job", func(f Facts) (float64, bool) { return f.Timing.Build.Seconds() }},
	{"queue_time_s", ci.UnitSeconds, "of that, waiting for machines: on the critical path", func(f Facts) (float64, bool) { return f.Timing.Queue.Seconds() }},
	{"vuln_high", ci.UnitCount, "open HIGH vulnerabilities", func(f Facts) (float64, bool) { return whole(f.High) }},
	{"vuln_critical", ci.UnitCount, "open CRITICAL vulnerabilities", func(f Facts) (float64, bool) { return whole(f.Critical) }},
	{"queue_time_max_s", ci.UnitSeconds, "the longest wait of one job for a machine", func(f Facts) (float64, bool) { return f.Timing.QueueMax.Seconds() }},
	{"critical_path_s", ci.UnitSeconds, "what the jobs of the critical path took, without waiting", func(f Facts) (float64, bool) { return f.Timing.Path.Seconds() }},
	{"machine_time_s", ci.UnitSeconds, "of all jobs that ran in this attempt", func(f Facts) (float64, bool) { return f.Timing.Spent.Seconds() }},
	{"rerun_time_s", ci.UnitSeconds, "machine time of this attempt, if it is a rerun", func(f Facts) (float64, bool) { return f.Timing.RerunSpent.Seconds() }},
	{"tests_total", ci.UnitCount, "tests that were reported", func(f Facts) (float64, bool) { return tally(f, func(t Tally) int { return t.Total }) }},
	{"tests_passed", ci.UnitCount, "of these, passed in their last attempt", func(f Facts) (float64, bool) { return tally(f, func(t Tally) int { return t.Passed }) }},
	{"tests_failed", ci.UnitCount, "of these, failed or broken", func(f Facts) (float64, bool) { return tally(f, func(t Tally) int { return t.Failed }) }},
	{"tests_skipped", ci.UnitCount, "of these, skipped", func(f Facts) (float64, bool) { return tally(f, func(t Tally) int { return t.Skipped }) }},
	{"tests_flaky", ci.UnitCount, "tests that failed and passed on the same code", func(f Facts) (float64, bool) { return whole(f.Flaky) }},
	{"selection_skipped", ci.UnitCount, "tests that the selection left out", func(f Facts) (float64, bool) {
		if f.Selection == nil {
			return 0, false
		}
		return float64(f.Selection.Left), true
	}},
	{"selection_saved_s", ci.UnitSeconds, "what the tests that were left out usually take", func(f Facts) (float64, bool) {
		if f.Selection == nil {
			return 0, false
		}
		return float(f.Selection.Saved)
	}},
	{"selection_audited", ci.UnitCount, "tests that the selection had left out and that were run all the same", func(f Facts) (float64, bool) {
		if f.Selection == nil {
			return 0, false
		}
		return float(f.Selection.Audited)
	}},
	{"selection_missed", ci.UnitCount, "of these, failed", func(f Facts) (float64, bool) {
		if f.Selection == nil {
			return 0, false
		}
		return float(f.Selection.Missed)
	}},
	{"model_cost_usd", ci.UnitDollars, "what the model's answers cost", func(f Facts) (float64, bool) { return model(f, func(m Model) *float64 { return m.Dollars }) }},
	{"model_tokens_in", ci.UnitCount, "tokens that the model read", func(f Facts) (float64, bool) { return model(f, func(m Model) *float64 { return m.InputTokens }) }},
	{"model_tokens_out", ci.UnitCount, "tokens that the model wrote", func(f Facts) (float64, bool) { return model(f, func(m Model) *float64 { return m.OutputTokens }) }},
}

// Collect works out every metric; those without data are there, and unknown.
func Collect(f Facts) []ci.Metric {
	out := make([]ci.Metric, 0, len(metrics))
	for _, m := range metrics {
		one := ci.Metric{Name: m.name, Unit: m.unit, Doc: m.doc}
		if one.Value, one.Known = m.from(f); !one.Known {
			one.Value = 0
		}
		out = append(out, one)
	}
	return out
}

// Metrics lists the table without values, for the documentation.
func Metrics() []ci.Metric { return Collect(Facts{}) }

func float(v *float64) (float64, bool) {
	if v == nil {
		return 0, false
	}
	return *v, true
}

func whole(v *int) (float64, bool) {
	if v == nil {
		return 0, false
	}
	return float64(*v), true
}

func tally(f Facts, pick func(Tally) int) (float64, bool) {
	if f.Tests == nil {
		return 0, false
	}
	return float64(pick(*f.Tests)), true
}

func model(f Facts, pick func(Model) *float64) (float64, bool) {
	if f.Model == nil {
		return 0, false
	}
	return float(pick(*f.Model))
}

// matrixCell is what the forge puts behind the name of a matrix job.
var matrixCell = regexp.MustCompile(`\s*\([^()]*\)$`)

// contractNames are jobs whose key in run_metrics.json is not their name.
var contractNames = map[string]string{"coverage-aggregate": "coverage"}

// Statuses are the jobs by the names that run_metrics.json gives them; the cells
// of a matrix are one job, as good as the worst of them. A job that is still
// running has no status yet.
func Statuses(jobs []ci.JobTiming) map[string]ci.JobStatus {
	out := map[string]ci.JobStatus{}
	for _, j := range jobs {
		if j.Status == "" {
			continue
		}
		name := StatusName(j.Name)
		if old, seen := out[name]; !seen || badness(j.Status) > badness(old) {
			out[name] = j.Status
		}
	}
	return out
}

// StatusName is the key of a job in run_metrics.json.
func StatusName(job string) string {
	name := strings.TrimSpace(matrixCell.ReplaceAllString(job, ""))
	return cmp.Or(contractNames[name], name, job)
}

func badness(s ci.JobStatus) int {
	switch s {
	case ci.JobSkipped:
		return 0
	case ci.JobSuccess:
		return 1
	case ci.JobCancelled:
		return 2
	case ci.JobTimeout:
		return 3
	case ci.JobError:
		return 4
	case ci.JobFailure:
	}
	return 5
}
