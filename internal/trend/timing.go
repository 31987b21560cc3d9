package trend

import (
	"cmp"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

const (
	// longest is the forge's own limit on a job. A job that is ended by it is called
	// cancelled, as if somebody had asked.
	longest = 6*time.Hour - 2*time.Minute
	// settling is how long after what it needs a job may be created.
	settling = 30 * time.Second
)

// Timing reads the clock of one attempt. Each rule is one that a well-known
// exporter got wrong:
//
//  1. A job's queue time is started less created, only if it ran on a machine and
//     the difference is not negative; otherwise it is unknown, never 0 and never
//     two thousand years (actions-runner-controller #4444).
//  2. In a rerun of the failed jobs the others are listed again with their old
//     times; they are carried over and count for nothing (newrelic exporter #38).
//  3. A job is created when what it needs has ended: waiting for that is not
//     waiting for a machine.
//  4. Reruns are attempts less one; machine time of a rerun is that of the jobs
//     that really ran in it.
//  5. Cancelled and skipped runs are no failures and have no build time; one that
//     was ended by a time limit is its own class (metalbear-co's #4710).
//  6. The build time of an attempt starts with the attempt: created_at is that of
//     the first one (Kesin11/actions-timeline #26).
func Timing(p ci.Pipeline) ci.Timing {
	t := ci.Timing{Reruns: max(p.Attempt-1, 0)}
	for _, j := range p.Jobs {
		t.Jobs = append(t.Jobs, jobTiming(p, j))
	}
	last := ended(p, t.Jobs)
	t.Status = cmp.Or(statusOf(p, t.Jobs), p.Status)
	if !p.Started.IsZero() && last.After(p.Started) && t.Status != ci.JobCancelled && t.Status != ci.JobSkipped {
		t.Build = ci.Lasted(last.Sub(p.Started))
	}
	for _, j := range t.Jobs {
		if j.Queue.Known && (!t.QueueMax.Known || j.Queue.Length > t.QueueMax.Length) {
			t.QueueMax = j.Queue
		}
		if j.Duration.Known {
			t.Spent = ci.Lasted(t.Spent.Length + j.Duration.Length)
		}
	}
	if t.Reruns > 0 {
		t.RerunSpent = t.Spent
	}
	criticalPath(p, &t)
	return t
}

func jobTiming(p ci.Pipeline, j ci.PipelineJob) ci.JobTiming {
	t := ci.JobTiming{Name: j.Name, Status: j.Status}
	if p.Attempt > 1 && !j.Started.IsZero() && !p.Started.IsZero() && j.Started.Before(p.Started) {
		t.Carried = true
		return t
	}
	if j.Status == ci.JobSkipped || j.Started.IsZero() {
		return t
	}
	if !j.Created.IsZero() && j.Runner > 0 && !j.Started.Before(j.Created) {
		t.Queue = ci.Lasted(j.Started.Sub(j.Created))
	}
	if !j.Created.IsZero() && !p.Started.IsZero() && !j.Created.Before(p.Started) {
		t.Needs = ci.Lasted(j.Created.Sub(p.Started))
	}
	if j.Status != "" && j.Runner > 0 && !j.Ended.Before(j.Started) {
		t.Duration = ci.Lasted(j.Ended.Sub(j.Started))
		if j.Status == ci.JobCancelled && t.Duration.Length >= longest {
			t.Status = ci.JobTimeout
		}
	}
	return t
}

// ended is when the last job of this attempt ended. The forge's own word for the
// run is not asked where there are jobs: updated_at moves when somebody looks
// at it the wrong way (promhippie/github_exporter #267).
func ended(p ci.Pipeline, jobs []ci.JobTiming) time.Time {
	if len(p.Jobs) == 0 {
		return p.Ended
	}
	var last time.Time
	for i, j := range p.Jobs {
		if jobs[i].Duration.Known && j.Ended.After(last) {
			last = j.Ended
		}
	}
	return last
}

// statusOf is the status of the attempt by its jobs; empty where they do not
// decide it.
func statusOf(p ci.Pipeline, jobs []ci.JobTiming) ci.JobStatus {
	if p.Status == ci.JobSuccess {
		return ci.JobSuccess
	}
	worst := []ci.JobStatus{ci.JobFailure, ci.JobError, ci.JobTimeout, ci.JobCancelled}
	for _, status := range worst {
		if slices.ContainsFunc(jobs, func(j ci.JobTiming) bool { return j.Status == status }) {
			return status
		}
	}
	return ""
}

// criticalPath follows the attempt back from the job that ended last to what it
// waited for: a job that was created when another ended needed that one. The
// forge does not say what a job needs, so this is what the times allow.
func criticalPath(p ci.Pipeline, t *ci.Timing) {
	at := -1
	for i, j := range p.Jobs {
		if t.Jobs[i].Duration.Known && (at < 0 || j.Ended.After(p.Jobs[at].Ended)) {
			at = i
		}
	}
	for steps := 0; at >= 0 && steps < len(p.Jobs); steps++ {
		t.Jobs[at].Critical = true
		t.Path = ci.Lasted(t.Path.Length + t.Jobs[at].Duration.Length)
		if q := t.Jobs[at].Queue; q.Known {
			t.Queue = ci.Lasted(t.Queue.Length + q.Length)
		}
		at = before(p, t, p.Jobs[at])
	}
}

// before is the job whose end a job was created by; -1: none.
func before(p ci.Pipeline, t *ci.Timing, j ci.PipelineJob) int {
	at := -1
	if j.Created.IsZero() {
		return at
	}
	for i, other := range p.Jobs {
		if t.Jobs[i].Critical || !t.Jobs[i].Duration.Known || other.Ended.After(j.Created) || j.Created.Sub(other.Ended) > settling {
			continue
		}
		if at < 0 || other.Ended.After(p.Jobs[at].Ended) {
			at = i
		}
	}
	return at
}
