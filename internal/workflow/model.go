// Package workflow writes the pipeline of a repository: it looks at what the
// repository holds and composes GitHub Actions workflows from a typed model. It
// knows the jobs, the pinned actions and the rules that every job must keep; it
// opens no file, and everything it writes is a value until the command acts.
package workflow

// Workflow is one file below .github/workflows.
type Workflow struct {
	Path        string
	Name        string
	Head        []string // comment lines at the top
	On          Triggers
	Concurrency Concurrency
	Env         []Pair
	Jobs        []Job
}

// Triggers are the events that start a workflow.
type Triggers struct {
	Main        string   // the branch that is kept green; pushes to it
	PullRequest bool     // also the merge queue's
	Schedule    string   // cron
	Runs        []string // after these workflows
	Dispatch    bool     // by hand
}

// Concurrency lets a newer run of the same group take the place of an older one.
type Concurrency struct {
	Group, Cancel string
}

// Pair is a key with its value, in the order in which it was written.
type Pair struct {
	Key, Value string
	Why        string // comment beside it
}

// Grant is one permission of a job's token. What the token may do is what an
// attacker may do, so each grant says what it is for.
type Grant struct {
	Scope, Level, Why string
}

// Job is one job; its ID is its name.
type Job struct {
	ID          string
	Title       string // name; empty: the ID
	Why         string // comment above it
	If          string
	Needs       []string
	RunsOn      string
	Timeout     int // minutes
	Grants      []Grant
	Serial      string // concurrency group in which nothing is cancelled
	Soft        bool   // its failure does not fail the run
	Outputs     []Pair
	Env         []Pair
	Matrix      *Matrix
	Environment string
	Steps       []Step
}

// Matrix makes a job run several times.
type Matrix struct {
	Expression string   // the whole matrix, of an earlier job
	Axes       []Axis   // their product
	Include    [][]Pair // more combinations, or all of them
}

// Axis is one dimension of a matrix.
type Axis struct {
	Name   string
	Values []string
}

// Step is one step of a job, or a marked place that belongs to the repository.
type Step struct {
	Name string
	ID   string
	If   string
	Why  string // comment above it
	Uses string // an action of the table of pins, or a path of this repository
	With []Pair
	Env  []Pair
	Dir  string
	Run  string
	Soft bool
	Keep string // name of a marked place; everything else is empty
}
