// Package doctor says why a step of the pipeline did nothing, or what will keep
// it from working: each finding with its cause, the evidence, and the one thing
// to do. It is the guide's Troubleshooting chapter as rules over facts; what the
// facts are, somebody else has found out.
package doctor

import "time"

// Status is how a check ended.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Off     Status = "off"     // works without it; nothing is wrong
	Warn    Status = "warn"    // works, and not as somebody may expect
	Fail    Status = "fail"    // does not work
	Unknown Status = "unknown" // could not be found out
)

// Check is one answer.
type Check struct {
	Name   string
	Status Status
	Detail string // the cause, with what it was seen in
	Hint   string // the one thing to do; empty: nothing
}

// State is what there is of a file.
type State string

// The states. The zero value is that nobody looked.
const (
	Missing State = "missing"
	Broken  State = "broken"
	Present State = "present"
)

// Facts are what was found out about a repository, its files and its forge.
type Facts struct {
	Now      time.Time
	Env      map[string]string // of the names that matter
	Forge    bool              // on a runner of the forge
	Fork     bool              // for a pull request of a fork
	Git      Git
	Config   error // what is wrong with keepgreen.yaml
	Baseline Baseline
	History  History
	Triage   Triage
	Plan     Plan
	Workflow Workflow
	Online   *Online // nil: not asked
}

// Git is what is checked out.
type Git struct {
	Repository bool
	Shallow    bool
	Branch     string // that is kept green; empty: not known
	Newest     time.Time
}

// Baseline is the file that coverage and vulnerabilities are compared with.
type Baseline struct {
	Path    string
	State   State
	Err     error
	Runs    int
	Stated  float64 // percent; negative: not said
	Updated time.Time
}

// History is what earlier runs have left.
type History struct {
	Path   string
	State  State
	Err    error
	Runs   int
	Main   int // of these, of the branch that is kept green
	Newest time.Time
}

// Triage is a triage report, where there is one.
type Triage struct {
	Path       string
	State      State
	Err        error
	Clusters   int
	Fixes      int
	Confidence float64 // of the best fix
	Flaky      int
	Note       string
}

// Plan is what the selection of tests would do now.
type Plan struct {
	Mode, Reason string
	Map          bool // it is known who runs what
	Err          error
}

// Workflow is the generated workflow as it is checked in.
type Workflow struct {
	State     State
	Stale     bool     // init would write another one
	Loose     []string // actions that are not pinned to a commit
	Old       []Pin    // pinned long ago
	Published bool     // Keepgreen comes from a published action
	Fixes     bool     // it has the job auto_fix
}

// Pin is an action and how old its commit is.
type Pin struct {
	Action, Version string
	Age             time.Duration
	Newer           string // a version that the forge has; empty: none that is known
}

// Online is what the forge says.
type Online struct {
	Err       error // nothing could be asked
	Repo      string
	Enabled   bool // Actions run at all
	Settings  error
	MayOpen   bool // workflows may open pull requests
	Secrets   []string
	SecretErr error
	Variables map[string]string
	Checks    []string // required of the main branch
	Disabled  string   // state of the generated workflow, where it does not run
	Ahead     time.Duration
}

// rule is one thing that is looked at.
type rule struct {
	name, doc string
	check     func(Facts) Check
}

// Examine asks every rule.
func Examine(f Facts) []Check {
	out := make([]Check, 0, len(rules))
	for _, r := range rules {
		c := r.check(f)
		if c.Status == "" {
			continue // the rule has nothing to say of this repository
		}
		c.Name = r.name
		out = append(out, c)
	}
	return out
}

// Rule is a rule as it is documented.
type Rule struct{ Name, Doc string }

// Rules lists what is looked at.
func Rules() []Rule {
	out := make([]Rule, len(rules))
	for i, r := range rules {
		out[i] = Rule{r.name, r.doc}
	}
	return out
}

// Healthy: nothing fails.
func Healthy(checks []Check) bool {
	for _, c := range checks {
		if c.Status == Fail {
			return false
		}
	}
	return true
}
