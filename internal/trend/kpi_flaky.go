package trend

import (
	"keepgreen/internal/ci"
)

// flakyRate is what a developer feels: the share of runs that a flake spoiled.
// Of 4,000 tests of which one in fifty is flaky one time in ten, 0.2 % of the
// executions and nearly every run have a flake: a rate means nothing without
// what it is a share of, so all of them are told.
func flakyRate(d *Data, k *KPI) {
	var all []Point
	flaked, seen, reruns, green := 0, 0, 0, 0
	since := d.since()
	for _, run := range d.attempts() {
		first := run[0]
		if first.Class != ci.RefPull && first.Class != ci.RefMain || !concluded(run) {
			continue
		}
		hit := flake(run)
		all = append(all, point(day(first.Started), 100*float64(when(hit))))
		if first.Started.Before(since) {
			continue
		}
		seen++
		flaked += when(hit)
		if last := run[len(run)-1]; last.Status == ci.JobSuccess {
			green++
			reruns += last.Attempt - 1
		}
	}
	k.Estimate = hundred(Share(flaked, seen))
	k.Series = daily(all, mean)
	if green > 0 {
		detail(k, "reruns per successful build", ci.InPercent, exactly(100*float64(reruns)/float64(green), green))
	}
	if d.TestsKnown > 0 {
		detail(k, "tests that flaked", ci.InPercent, hundred(Share(len(d.Flaky), d.TestsKnown)))
	}
	if d.Executions > 0 {
		detail(k, "executions that flaked", ci.InPercent, hundred(Share(d.FlakyRetries, d.Executions)))
	}
}

// concluded reports whether some attempt of a run ended by itself.
func concluded(run []Run) bool {
	for _, r := range run {
		if finished(r.Status) {
			return true
		}
	}
	return false
}

// flake reports whether a run failed and passed on the same code: a test within
// an attempt, or an attempt whose successor of the same commit succeeded.
func flake(run []Run) bool {
	failed := ""
	for _, r := range run {
		switch {
		case r.Flaky > 0: // NaN is not
			return true
		case r.Status == ci.JobFailure || r.Status == ci.JobError:
			failed = r.Commit
		case r.Status == ci.JobSuccess && failed != "" && r.Commit == failed:
			return true
		}
	}
	return false
}

// flakyCost counts attempts that repeated a failed one of the same commit and
// succeeded: nothing was mended, so their time was lost.
func flakyCost(d *Data, k *KPI) {
	var all []Point
	total, times := 0.0, 0
	since := d.since()
	for _, run := range d.attempts() {
		for i, r := range run {
			if i == 0 || r.Status != ci.JobSuccess || run[i-1].Status != ci.JobFailure && run[i-1].Status != ci.JobError || run[i-1].Commit != r.Commit {
				continue
			}
			lost := r.Spent
			if !known(lost) {
				lost = r.Build
			}
			if !known(lost) {
				continue
			}
			all = append(all, point(day(r.Started), lost/60))
			if !r.Started.Before(since) {
				total += lost / 60
				times++
			}
		}
	}
	seen := 0
	for _, r := range d.Runs {
		seen += when(!r.Started.Before(since))
	}
	if seen > 0 { // nothing repeated is a known 0
		k.Estimate = Estimate{Value: total, Low: total, High: total, N: seen}
		detail(k, "attempts that were repeated for nothing", ci.InCount, exactly(float64(times), seen))
	}
	k.Series = daily(all, sum)
}

func exactly(v float64, n int) Estimate { return Estimate{Value: v, Low: v, High: v, N: n} }

func selectionSaved(d *Data, k *KPI) {
	var all []Point
	total, audited, missed, n := 0.0, 0.0, 0.0, 0
	since := d.since()
	for _, r := range d.Runs {
		in := !r.Started.Before(since)
		if known(r.Saved) {
			all = append(all, point(day(r.Started), r.Saved/60))
			if in {
				total, n = total+r.Saved/60, n+1
			}
		}
		if known(r.Audited) && known(r.Missed) && in {
			audited, missed = audited+r.Audited, missed+r.Missed
		}
	}
	if n > 0 {
		k.Estimate = exactly(total, n)
		detail(k, "a run", ci.InMinutes, exactly(total/float64(n), n))
	}
	if d.AuditFailed > 0 {
		detail(k, "failures that the plan would have missed", ci.InPercent, hundred(Share(d.AuditMissed, d.AuditFailed)))
	}
	if audited > 0 {
		detail(k, "failures missed, of left-out tests that were run", ci.InPercent, hundred(Share(int(missed), int(audited))))
	} else if n > 0 && d.AuditFailed == 0 {
		k.Note = "no audited run had a failure: what selection misses is not known"
	}
	k.Series = daily(all, sum)
}

func modelCost(d *Data, k *KPI) {
	var all []Point
	total, n := 0.0, 0
	since := d.since()
	for _, r := range d.Runs {
		if !known(r.Cost) {
			continue
		}
		all = append(all, point(day(r.Started), r.Cost))
		if !r.Started.Before(since) {
			total, n = total+r.Cost, n+1
		}
	}
	if n > 0 {
		k.Estimate = exactly(total, n)
		detail(k, "a run", ci.InDollars, exactly(total/float64(n), n))
	}
	k.Series = daily(all, sum)
}
