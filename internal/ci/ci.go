// Package ci holds the nouns that every other package speaks in: what a CI run
// produced (runs, jobs, tests, diagnostics, coverage, vulnerabilities), what was
// understood of it (clusters, causes, flaky tests) and what is to be done about
// it (decisions, actions). It knows no format, no file and no network, and it
// imports nothing of ours. Read it first.
package ci

import "time"

// Run is one execution of a pipeline on one tree: everything that was gathered
// about it, from whichever sources there were.
type Run struct {
	ID       string // the forge's run id, or one of our own making; unique within a repository
	Attempt  int    // 1 is the first
	Repo     string // "owner/name", or the directory's name where there is no forge
	Workflow string
	Event    string // "push", "pull_request", "schedule", "local" …
	Branch   string
	Commit   string // hex SHA of the commit that was tested
	Tree     string // hex SHA of its tree: equal trees are equal code, whatever the commit
	Base     string // hex SHA of what the change is compared with; empty: unknown
	Dirty    bool   // the work tree differed from Commit, so Tree does not describe what ran
	Main     bool   // ran on the branch that is to be kept green
	Started  time.Time
	Duration time.Duration

	Jobs        []Job
	Tests       []TestResult
	Unnamed     int // tests that passed and that a source only counted, as a log of dots does
	Diagnostics []Diagnostic
	Coverage    *Coverage // nil: not measured
	Vulns       []Vulnerability
	Warnings    []Warning
}

// JobStatus is how a job ended, in the forge's words.
type JobStatus string

// The statuses of a job.
const (
	JobSuccess   JobStatus = "success"
	JobFailure   JobStatus = "failure"   // it ran and said no
	JobError     JobStatus = "error"     // it could not do its work: crashed, missing, misconfigured
	JobTimeout   JobStatus = "timeout"   // it was ended because it took too long
	JobCancelled JobStatus = "cancelled" // it was ended because somebody asked
	JobSkipped   JobStatus = "skipped"   // it did not run, for the reason in Detail
)

// Job is one step of a run: a tool that was started and how it ended.
type Job struct {
	Name     string // "lint", "types", "test" …
	Tool     string // "ruff", "mypy", "pytest" …
	Version  string // of the tool, where known
	Command  []string
	Status   JobStatus
	Detail   string // why it was skipped, or how it broke; one line
	ExitCode int
	Started  time.Time
	Duration time.Duration
	Log      string // path of the captured output, relative to the repository; empty: none kept
}

// Report is what one source (a log, a JUnit file, a lint report) had to say.
// Several reports about one run overlap; report.Union joins them.
type Report struct {
	Source      string // path or name of the source; set by the caller
	Format      string // the reader's name, e.g. "pytest", "junit"
	Tests       []TestResult
	Diagnostics []Diagnostic
	Failures    []Failure // failures that belong to no test and no diagnostic: a crash, a build, the infrastructure
	Coverage    *Coverage
	Vulns       []Vulnerability
	Totals      *Totals // what the source itself claims, e.g. pytest's last line; nil: it claims nothing
	Warnings    []Warning
}

// Totals are the counts that a source states about itself. They are kept to
// notice what a reader missed, never added to what it found.
type Totals struct {
	Passed, Failed, Errors, Skipped, XFailed, XPassed int
	Duration                                          time.Duration
}

// Warning is something that a reader noticed and survived: a truncated file, a
// line over the limit, a count that does not add up.
type Warning struct {
	Source string // path; empty: the run as a whole
	Line   int    // 1-based; 0: the file as a whole
	Text   string
}

// Change is what differs between a base and the tested tree.
type Change struct {
	Base, Head string // hex SHAs; Head is empty for an uncommitted work tree
	Files      []FileChange
}

// FileChange is one changed path.
type FileChange struct {
	Path    string
	OldPath string // set for renames and copies
	Status  string // git's letter: A, M, D, R, C, T
	Added   []LineRange
	Binary  bool
}

// LineRange is a closed range of 1-based lines.
type LineRange struct{ First, Last int }

// Contains reports whether line n is in the range.
func (r LineRange) Contains(n int) bool { return r.First <= n && n <= r.Last }
