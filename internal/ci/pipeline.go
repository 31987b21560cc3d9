package ci

import (
	"strings"
	"time"
)

// Pipeline is one attempt of a run as the forge kept its time. A Run is what
// happened in it; the two meet by repository, ID and attempt.
type Pipeline struct {
	Repo     string // "owner/name"
	ID       string
	Attempt  int // 1 is the first
	Workflow string
	Event    string
	Branch   string
	Ref      string // "refs/heads/main"; empty: not said
	Commit   string
	Actor    string // who started it; kept in the run's own file, never in the history
	URL      string
	Pull     int // number of the pull request; 0: none, or not said
	Main     bool
	Status   JobStatus // empty: it is still running, or nobody said

	Created time.Time // of the first attempt
	Started time.Time // of this attempt
	Ended   time.Time // zero: it is still running
	Jobs    []PipelineJob
}

// PipelineJob is one job of an attempt, on a machine of the forge's.
type PipelineJob struct {
	Name    string
	Attempt int
	Status  JobStatus // empty: it is still running, or waits
	Created time.Time // when it could have started: its needs were met
	Started time.Time
	Ended   time.Time
	Runner  int64 // 0: none was ever assigned
	URL     string
}

// RefClass says for what a pipeline ran; the key figures are told apart by it.
type RefClass string

// The classes of pipelines.
const (
	RefPull  RefClass = "pull_request"
	RefMain  RefClass = "main"
	RefLocal RefClass = "local"
	RefOther RefClass = "other"
)

// Class is what the pipeline ran for.
func (p Pipeline) Class() RefClass { return ClassOfRef(p.Event, p.Main) }

// ClassOfRef tells the classes by the event and by whether it is of main.
func ClassOfRef(event string, main bool) RefClass {
	switch {
	case strings.HasPrefix(event, "pull_request"), event == "merge_group":
		return RefPull
	case event == "local":
		return RefLocal
	case main:
		return RefMain
	}
	return RefOther
}

// Concluded maps the forge's word for how a run or job ended to ours, and ours to
// itself; empty: it has not ended, or the word is none
// (https://docs.github.com/en/rest/checks/runs, "conclusion").
func Concluded(conclusion string) JobStatus {
	switch conclusion {
	case "success", "neutral":
		return JobSuccess
	case "failure":
		return JobFailure
	case "timed_out", "timeout":
		return JobTimeout
	case "cancelled", "stale":
		return JobCancelled
	case "skipped", "action_required":
		return JobSkipped
	case "startup_failure", "error":
		return JobError
	}
	return ""
}

// Span is a length of time that may be unknown, which is not 0.
type Span struct {
	Length time.Duration
	Known  bool
}

// Lasted is a known span.
func Lasted(d time.Duration) Span { return Span{d, true} }

// Seconds is the span as a figure.
func (s Span) Seconds() (float64, bool) { return s.Length.Seconds(), s.Known }

// Timing is what an attempt's clock says, each part by a rule of its own.
type Timing struct {
	Status     JobStatus
	Build      Span // from the attempt's start to its last end
	Queue      Span // of Build, what was spent waiting for machines: on the critical path
	QueueMax   Span // the longest wait of one job
	Path       Span // what the jobs of the critical path took, without any waiting
	Reruns     int  // attempts before this one
	RerunSpent Span // machine time of this attempt, if it is not the first
	Spent      Span // machine time of all jobs that ran in it
	Jobs       []JobTiming
}

// JobTiming is one job's part.
type JobTiming struct {
	Name     string
	Status   JobStatus
	Carried  bool // of an earlier attempt: it did not run in this one
	Queue    Span // from when it could have started to its start
	Needs    Span // from the attempt's start to when it could have started
	Duration Span
	Critical bool // on the critical path
}

// Unit is what a metric counts.
type Unit string

// The units.
const (
	UnitSeconds Unit = "seconds"
	UnitPercent Unit = "percent"
	UnitShare   Unit = "share" // 0..1
	UnitCount   Unit = "count"
	UnitDollars Unit = "usd"
	UnitFlag    Unit = "flag" // 0 or 1: false or true
)

// Metric is one figure of a run.
type Metric struct {
	Name  string
	Unit  Unit
	Doc   string
	Value float64
	Known bool // false: Value means nothing; it is never 0 for want of data
}

// RunMetrics is one run in figures: what is written, shown and sent.
type RunMetrics struct {
	Time     time.Time // when they were collected
	Run      Pipeline
	Timing   Timing
	Metrics  []Metric
	Statuses map[string]JobStatus // by job of the workflow
	Mode     string               // of test selection: "full", "selective"; empty: unknown
}

// Metric is the figure of that name; ok is false where it is unknown.
func (m RunMetrics) Metric(name string) (value float64, ok bool) {
	for _, one := range m.Metrics {
		if one.Name == name {
			return one.Value, one.Known
		}
	}
	return 0, false
}

// ModelUsage is what asking a model took.
type ModelUsage struct {
	Calls, InputTokens, OutputTokens int
	Dollars                          float64 // at most, where a price is not known
}
