package trend

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// Changed is what became different: trends, with where they lead, and change
// points of the window, each with the commits between which it lies.
func Changed(d Data, kpis []KPI) []ci.Insight {
	var out []ci.Insight
	for _, k := range kpis {
		if t := k.Trend; t.Direction == ci.Rising || t.Direction == ci.Falling {
			out = append(out, trendInsight(k))
		}
		for _, s := range k.Steps {
			if !s.When.Before(d.since()) {
				out = append(out, stepInsight(d, k, s))
			}
		}
	}
	return out
}

func trendInsight(k KPI) ci.Insight {
	t := k.Trend
	one := ci.Insight{Rule: "trend", KPI: k.Name}
	one.Text = fmt.Sprintf("%s is %s: %s in 30 days", k.Label, t.Direction, signed(k.Unit, t.Change))
	one.Evidence = fmt.Sprintf("Mann-Kendall over %s, p %s with all key figures asked together; 95 %%: %s to %s in 30 days",
		counted(t.N, "day"), chance(t.Adjusted), signed(k.Unit, 30*t.Line.Low), signed(k.Unit, 30*t.Line.High))
	if k.Ahead != nil && k.Target.Set && k.Target.Good(k.Ahead.Line.Value(k.Ahead.Last)) {
		if days, soon, late, ok := Crosses(*k.Ahead, k.Target.Level); ok && days < 120 {
			one.Evidence += fmt.Sprintf("; at this slope %s is crossed in %.0f days (%s)", k.Unit.Say(k.Target.Level), days, between(soon, late))
		}
	}
	if k.Worse() {
		one.Weight = 1
	}
	return one
}

func between(soon, late float64) string {
	if math.IsInf(late, 1) {
		return fmt.Sprintf("%.0f at the soonest", soon)
	}
	return fmt.Sprintf("%.0f to %.0f", soon, late)
}

func stepInsight(d Data, k KPI, s ci.Step) ci.Insight {
	one := ci.Insight{Rule: "step", KPI: k.Name, URL: compareURL(d.Repo, s)}
	one.Text = fmt.Sprintf("%s went from %s to %s on %s", k.Label, k.Unit.Say(s.Before), k.Unit.Say(s.After), s.When.UTC().Format(time.DateOnly))
	one.Evidence = fmt.Sprintf("change point between run %s and run %s, p %s", s.FromRun, s.ToRun, chance(s.P))
	if commits := commitRange(s); commits != "" {
		one.Evidence += ", commits " + commits
	}
	if s.After > s.Before == k.Lower {
		one.Weight = 1
	}
	return one
}

// commitRange names the commits between two runs; empty where they are not known.
func commitRange(s ci.Step) string {
	if s.From == "" || s.To == "" || s.From == s.To {
		return ""
	}
	return short(s.From) + ".." + short(s.To)
}

// compareURL is the page of the commits between two runs, or the newer run's.
func compareURL(repo string, s ci.Step) string {
	if repo != "" && hex(s.From) && hex(s.To) && s.From != s.To {
		return repo + "/compare/" + s.From + "..." + s.To
	}
	return s.ToURL
}

func hex(sha string) bool { return len(sha) >= 7 && strings.Trim(sha, "0123456789abcdef") == "" }

func short(sha string) string { return sha[:min(7, len(sha))] }

func signed(u ci.KPIUnit, v float64) string {
	if v > 0 {
		return "+" + u.Say(v)
	}
	return strings.Replace(u.Say(v), "-", "−", 1)
}

// chance is a p-value as a person reads it.
func chance(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("= %.3f", p)
}

func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Costs is what the window cost, in time and money.
func Costs(d Data, kpis []KPI) []ci.Insight {
	var out []ci.Insight
	say := func(name, format string) {
		if k := find(kpis, name); k.Known() && k.Value > 0 {
			out = append(out, ci.Insight{Rule: "cost", KPI: name, Text: fmt.Sprintf(format, k.Unit.Say(k.Value), counted(d.Days, "day")), Evidence: detailsText(k)})
		}
	}
	say("flaky_cost", "Flakiness took %s of machine time in %s")
	if minutes, n := waited(d); n > 0 && minutes > 0 {
		out = append(out, ci.Insight{
			Rule: "cost", KPI: "queue_time", Text: fmt.Sprintf("Runs waited %s for machines in %s", ci.InMinutes.Say(minutes), counted(d.Days, "day")),
			Evidence: fmt.Sprintf("%s; %s", counted(n, "attempt"), detailsText(find(kpis, "queue_time"))),
		})
	}
	say("model_cost", "The model cost %s in %s")
	say("selection_saved", "Selection saved %s in %s")
	return out
}

func find(kpis []KPI, name string) KPI {
	for _, k := range kpis {
		if k.Name == name {
			return k
		}
	}
	return KPI{}
}

func detailsText(k KPI) string {
	var parts []string
	for _, d := range k.Details {
		parts = append(parts, d.Label+" "+d.Unit.Say(d.Value))
	}
	return strings.Join(parts, ", ")
}

func waited(d Data) (minutes float64, n int) {
	for _, r := range d.Runs {
		if known(r.Queue) && !r.Started.Before(d.since()) {
			minutes, n = minutes+r.Queue/60, n+1
		}
	}
	return minutes, n
}

// advisers is the table of what can be advised. Weights are minutes a week that
// it may win, so that unlike things can be ordered; what is a matter of
// security comes first, and what only gathers data last.
var advisers = []func(Data, []KPI) []ci.Insight{
	adviseFindings, adviseSteps, adviseTrend, adviseFlaky, adviseCritical, adviseQueue, adviseCoverage, adviseFixes, adviseData,
}

// Advice is what to do next, the most rewarding first.
func Advice(d Data, kpis []KPI) []ci.Insight {
	var out []ci.Insight
	for _, ask := range advisers {
		out = append(out, ask(d, kpis)...)
	}
	slices.SortStableFunc(out, func(a, b ci.Insight) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}

// weeks is the window in weeks.
func (d *Data) weeks() float64 { return max(float64(d.Days)/7, 1) }

func adviseFindings(d Data, _ []KPI) []ci.Insight {
	limits := map[ci.VulnSeverity]float64{ci.VulnHigh: 7, ci.VulnCritical: 3}
	var worst *Vuln
	late, most := 0, 0.0
	for i, v := range d.Vulns {
		limit, counts := limits[v.Severity]
		age := d.Now.Sub(v.First).Hours() / 24
		if !counts || !v.Closed.IsZero() || age <= limit {
			continue
		}
		late++
		if over := age / limit; over > most {
			worst, most = &d.Vulns[i], over
		}
	}
	if worst == nil {
		return nil
	}
	age := d.Now.Sub(worst.First).Hours() / 24
	next := "Upgrade " + worst.Package + ", or accept the finding with a reason and an end."
	if !worst.Fixable {
		next = "No version without it is known: replace " + worst.Package + ", or accept the finding with a reason and an end."
	}
	return []ci.Insight{{
		Rule: "finding-over-limit", KPI: "vuln_mttr_" + worst.Severity.String(), Weight: 1e6 + most, Next: next,
		Text:     fmt.Sprintf("%s in %s has been open for %s", worst.ID, worst.Package, ci.InDays.Say(age)),
		Evidence: fmt.Sprintf("%s, seen first on %s; the limit is %s; %s over the limit in all", strings.ToUpper(worst.Severity.String()), worst.First.UTC().Format(time.DateOnly), ci.InDays.Say(limits[worst.Severity]), counted(late, "finding")),
	}}
}

// adviseSteps looks at main's newest step to the worse.
func adviseSteps(d Data, kpis []KPI) []ci.Insight {
	k := find(kpis, "build_time_main")
	perWeek := perWeek(d, ci.RefMain) + perWeek(d, ci.RefPull)
	for _, s := range slices.Backward(k.Steps) {
		if d.Now.Sub(s.When) > 28*24*time.Hour || s.After <= s.Before {
			continue
		}
		one := stepInsight(d, k, s)
		one.Rule, one.Weight = "slower-step", (s.After-s.Before)/60*perWeek
		one.Next = "Look at what came in between the two runs."
		if commits := commitRange(s); commits != "" {
			one.Next = "Look at the commits " + commits + "."
		}
		return []ci.Insight{one}
	}
	return nil
}

// adviseTrend looks at pull requests that get slower and slower, where no job is
// known to be to blame.
func adviseTrend(d Data, kpis []KPI) []ci.Insight {
	k := find(kpis, "build_time_pr")
	if !k.Worse() || len(d.Jobs) > 0 {
		return nil
	}
	one := trendInsight(k)
	one.Rule, one.Weight = "slower-trend", k.Trend.Change/60*perWeek(d, ci.RefPull)/2
	one.Next = "Find the job that grows: `keepgreen metrics` keeps the jobs of each run, and names the one that runs wait for."
	return []ci.Insight{one}
}

func perWeek(d Data, class ci.RefClass) float64 {
	n := 0
	for _, r := range d.Runs {
		n += when(r.Class == class && !r.Started.Before(d.since()))
	}
	return float64(n) / d.weeks()
}

func adviseFlaky(d Data, kpis []KPI) []ci.Insight {
	cost := find(kpis, "flaky_cost")
	rate := find(kpis, "flaky_rate")
	if len(d.Flaky) == 0 {
		if rate.Status == ci.KPIMissed {
			return []ci.Insight{{
				Rule: "flaky-unnamed", KPI: "flaky_rate", Weight: 1 + cost.Value/d.weeks(),
				Text:     fmt.Sprintf("%s of the runs have a flake, and no test is known that does it", rate.Unit.Say(rate.Value)),
				Evidence: fmt.Sprintf("%s, interval %s to %s", counted(rate.N, "run"), rate.Unit.Say(rate.Low), rate.Unit.Say(rate.High)),
				Next:     "Keep JUnit files of every attempt, so that keepgreen can name the tests.",
			}}
		}
		return nil
	}
	worst := d.Flaky[0]
	all := 0
	for _, t := range d.Flaky {
		all += t.Times
	}
	share := float64(worst.Times) / float64(all)
	return []ci.Insight{{
		Rule: "flaky-test", KPI: "flaky_rate", URL: worst.Last, Weight: float64(worst.Times)/d.weeks() + share*cost.Value/d.weeks(),
		Text:     fmt.Sprintf("`%s` is flaky", worst.ID),
		Evidence: fmt.Sprintf("failed and passed on the same code in %s, %.0f %% of all flakes of %s", counted(worst.Times, "run"), 100*share, counted(len(d.Flaky), "test")),
		Next:     "Mend it, or quarantine it with an owner and an end: `keepgreen flake quarantine add`.",
	}}
}

// adviseCritical names the job that the runs wait for longest.
func adviseCritical(d Data, kpis []KPI) []ci.Insight {
	times := map[string][]float64{}
	total := 0
	for _, jobs := range d.Jobs {
		any := false
		for _, j := range jobs {
			if s, ok := j.Duration.Seconds(); ok && j.Critical {
				times[j.Name], any = append(times[j.Name], s), true
			}
		}
		total += when(any)
	}
	name, longest := "", 0.0
	for job, list := range times {
		if s := sum(list); len(list)*2 > total && (s > longest || s == longest && job < name) {
			name, longest = job, s
		}
	}
	k := find(kpis, "build_time_pr")
	if name == "" || total < 5 || k.Status == ci.KPIMet && !k.Worse() || !k.Known() {
		return nil
	}
	typical := Median(times[name])
	return []ci.Insight{{
		Rule: "critical-job", KPI: "build_time_pr", Weight: typical / 60 * 0.2 * perWeek(d, ci.RefPull),
		Text:     fmt.Sprintf("Runs wait for `%s`", name),
		Evidence: fmt.Sprintf("on the critical path in %d of %s, typically %s of a build of %s", len(times[name]), counted(total, "run"), ci.InSeconds.Say(typical), k.Unit.Say(k.Value)),
		Next:     "Split it into shards, or select its tests by the change: `keepgreen plan --shards`.",
	}}
}

func adviseQueue(d Data, kpis []KPI) []ci.Insight {
	k := find(kpis, "queue_time")
	minutes, n := waited(d)
	for _, x := range k.Details {
		if x.Label == "share of the build" && x.Value >= 15 {
			return []ci.Insight{{
				Rule: "queue", KPI: "queue_time", Weight: minutes / d.weeks() * 0.5,
				Text:     fmt.Sprintf("%s of a typical build is waiting for machines", x.Unit.Say(x.Value)),
				Evidence: fmt.Sprintf("median %s over %s; %s in all", k.Unit.Say(k.Value), counted(n, "attempt"), ci.InMinutes.Say(minutes)),
				Next:     "Add machines, or start fewer at once: cancel superseded runs (concurrency), join short jobs.",
			}}
		}
	}
	return nil
}

func adviseCoverage(_ Data, kpis []KPI) []ci.Insight {
	k := find(kpis, "coverage")
	if !k.Known() || k.Status != ci.KPIMissed && k.Trend.Direction != ci.Falling {
		return nil
	}
	return []ci.Insight{{
		Rule: "coverage", KPI: "coverage", Weight: 2,
		Text:     fmt.Sprintf("Coverage of main is %s, and the target is above %s", k.Unit.Say(k.Value), k.Unit.Say(k.Target.Level)),
		Evidence: fmt.Sprintf("mean of %s in 30 days, %s", counted(k.N, "run"), k.Trend.Direction),
		Next:     "Ask for tests of the lines that a change adds: `keepgreen gate coverage --policy strict`.",
	}}
}

func adviseFixes(_ Data, kpis []KPI) []ci.Insight {
	k := find(kpis, "auto_fix_accuracy")
	if k.Status != ci.KPIMissed {
		return nil
	}
	one := ci.Insight{
		Rule: "auto-fix", KPI: "auto_fix_accuracy", Weight: 3,
		Text:     fmt.Sprintf("Only %s of the auto-fixes are merged as they were", k.Unit.Say(k.Value)),
		Evidence: fmt.Sprintf("%s that were decided, interval %s to %s", counted(k.N, "proposal"), k.Unit.Say(k.Low), k.Unit.Say(k.High)),
		Next:     "Raise `AI_CONFIDENCE_THRESHOLD`.",
	}
	for _, b := range k.Bins {
		if b.From >= 0.9 && b.High < b.Mean && b.N >= 5 {
			one.Evidence += fmt.Sprintf("; of those that claimed %.0f %%, %.0f %% were", 100*b.Mean, 100*b.Value)
		}
	}
	return []ci.Insight{one}
}

// adviseData says what is missing before anything can be said.
func adviseData(d Data, kpis []KPI) []ci.Insight {
	n := 0
	for _, r := range d.Runs {
		n += when(r.Class == ci.RefMain || r.Class == ci.RefPull)
	}
	if n >= 20 {
		return nil
	}
	unknown := 0
	for _, k := range kpis {
		unknown += when(k.Status == ci.KPIUnknown)
	}
	return []ci.Insight{{
		Rule: "history", Weight: 0.01,
		Text:     fmt.Sprintf("Only %s of CI in the history", counted(n, "attempt")),
		Evidence: fmt.Sprintf("%d of %s have no value", unknown, counted(len(kpis), "key figure")),
		Next:     "Collect each run with `keepgreen metrics`, and bring in the past with `keepgreen history import`.",
	}}
}
