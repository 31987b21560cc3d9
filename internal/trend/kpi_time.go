package trend

import (
	"keepgreen/internal/ci"
)

// buildTime is of first attempts only: a rerun of two failed jobs is no build.
func buildTime(class ci.RefClass) func(*Data, *KPI) {
	return func(d *Data, k *KPI) {
		var values []float64
		var all []Point
		var line []Run
		var cancelled, timeouts, seen int
		since := d.since()
		for _, r := range d.Runs {
			if r.Class != class || r.Attempt != 1 {
				continue
			}
			in := !r.Started.Before(since)
			if in {
				seen++
				cancelled += when(r.Status == ci.JobCancelled)
				timeouts += when(r.Status == ci.JobTimeout)
			}
			if !finished(r.Status) || !known(r.Build) {
				continue
			}
			all = append(all, point(day(r.Started), r.Build))
			line = append(line, r)
			if in {
				values = append(values, r.Build)
			}
		}
		k.Estimate = AtQuantile(values, 0.5)
		k.Series = daily(all, Median)
		if len(values) > 0 {
			detail(k, "p90", ci.InSeconds, AtQuantile(values, 0.9))
		}
		if seen > 0 {
			detail(k, "cancelled", ci.InPercent, hundred(Share(cancelled, seen)))
			detail(k, "timed out", ci.InPercent, hundred(Share(timeouts, seen)))
		}
		if class == ci.RefMain { // only main is one line of commits, of which a range can be blamed
			k.Steps = steps(line, func(r Run) float64 { return r.Build }, ChangeRule{})
		}
	}
}

func when(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func hundred(e Estimate) Estimate {
	return Estimate{Value: 100 * e.Value, Low: 100 * e.Low, High: 100 * e.High, N: e.N}
}

// steps are the change points of main's newest runs.
func steps(line []Run, value func(Run) float64, rule ChangeRule) []ci.Step {
	line = line[max(0, len(line)-maxChangePoints):]
	values := make([]float64, len(line))
	for i, r := range line {
		values[i] = value(r)
	}
	var out []ci.Step
	for _, c := range Changes(values, rule) {
		a, b := line[c.At-1], line[c.At]
		out = append(out, ci.Step{
			Before: c.Before, After: c.After, P: c.P, From: a.Commit, To: b.Commit, FromRun: a.ID, ToRun: b.ID, FromURL: a.URL, ToURL: b.URL, When: b.Started,
		})
	}
	return out
}

func timeToGreen(d *Data, k *KPI) {
	var values []float64
	var all []Point
	again, seen := 0, 0
	since := d.since()
	for _, run := range d.attempts() {
		first, last := run[0], run[len(run)-1]
		if first.Attempt != 1 || last.Status != ci.JobSuccess || !known(last.Build) || first.Class != ci.RefPull && first.Class != ci.RefMain {
			continue
		}
		spent := last.Started.Sub(first.Started).Seconds() + last.Build
		all = append(all, point(day(first.Started), spent))
		if !first.Started.Before(since) {
			values = append(values, spent)
			seen++
			again += when(len(run) > 1 || last.Attempt > 1)
		}
	}
	k.Estimate = AtQuantile(values, 0.5)
	k.Series = daily(all, Median)
	if seen > 0 {
		detail(k, "p90", ci.InSeconds, AtQuantile(values, 0.9))
		detail(k, "green only after a rerun", ci.InPercent, hundred(Share(again, seen)))
	}
}

func queueTime(d *Data, k *KPI) {
	var values, shares []float64
	var all []Point
	since := d.since()
	for _, r := range d.Runs {
		if !known(r.Queue) || r.Class == ci.RefLocal {
			continue
		}
		all = append(all, point(day(r.Started), r.Queue))
		if r.Started.Before(since) {
			continue
		}
		values = append(values, r.Queue)
		if known(r.Build) && r.Build > 0 {
			shares = append(shares, 100*r.Queue/r.Build)
		}
	}
	k.Estimate = AtQuantile(values, 0.5)
	k.Series = daily(all, Median)
	if len(values) > 0 {
		detail(k, "p90", ci.InSeconds, AtQuantile(values, 0.9))
		detail(k, "share of the build", ci.InPercent, AtQuantile(shares, 0.5))
	}
}

// coverage is of main alone, in the last thirty days whatever the window is.
func coverage(d *Data, k *KPI) {
	var values []float64
	var all []Point
	var line []Run
	since := d.Now.AddDate(0, 0, -30)
	for _, r := range d.Runs {
		if r.Class != ci.RefMain || !known(r.Coverage) {
			continue
		}
		all = append(all, point(day(r.Started), r.Coverage))
		line = append(line, r)
		if !r.Started.Before(since) {
			values = append(values, r.Coverage)
		}
	}
	k.Estimate = Mean(values)
	k.Series = daily(all, Median)
	if len(values) > 0 {
		detail(k, "median", ci.InPercent, AtQuantile(values, 0.5))
	}
	k.Steps = steps(line, func(r Run) float64 { return r.Coverage }, ChangeRule{Relative: 0.02})
}
