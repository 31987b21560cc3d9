// Package history remembers runs: which tests ran on which tree and how they
// ended, what failed and in which cluster, what was covered. It knows one SQLite
// file; the unit in which it writes, copies and refuses duplicates is a run's
// compressed columnar block beside plain rows, because a row per result is 20 to
// 40 times slower and larger and because the same blocks can be replayed into
// other databases. It refuses to judge: what a history means is internal/flake's
// and internal/triage's to say. It never reads the clock; times are the runs'.
package history

import (
	"time"

	"keepgreen/internal/ci"
)

// Key identifies a record. One run in CI may be several records: one a shard.
type Key struct {
	Repo    string `json:"repo"`
	Run     string `json:"run"`
	Attempt int    `json:"attempt"`
	Shard   string `json:"shard,omitempty"`
}

// RunRow is what is known of a run without opening its block. Counts of tests
// are of last attempts; a test that runs in two variants counts twice.
type RunRow struct {
	Key
	Workflow string        `json:"workflow,omitempty"`
	Event    string        `json:"event,omitempty"`
	Branch   string        `json:"branch,omitempty"`
	Commit   string        `json:"commit,omitempty"`
	Tree     string        `json:"tree,omitempty"`
	Base     string        `json:"base,omitempty"`
	Dirty    bool          `json:"dirty,omitempty"`
	Main     bool          `json:"main,omitempty"`
	Green    bool          `json:"green,omitempty"` // something ran, and nothing of it was bad
	Started  time.Time     `json:"started"`         // UTC, to the microsecond
	Duration time.Duration `json:"duration_ns"`

	Results     int `json:"results"` // executions in the block
	Passed      int `json:"passed"`
	Failed      int `json:"failed"` // failed or errored
	Skipped     int `json:"skipped"`
	Recovered   int `json:"recovered"` // failed, then passed in a later attempt of the same run
	Diagnostics int `json:"diagnostics"`
	Failures    int `json:"failures"` // rows that Store.Failures returns

	Coverage *Coverage `json:"coverage,omitempty"` // nil: not measured
	SHA256   string    `json:"sha256"`             // of the record's content, the same in every store
}

// Coverage is a run's coverage in numbers. Rows are comparable only where Series
// is equal: another tool, or branches beside lines, is another number.
type Coverage struct {
	Series          string `json:"series"`
	Covered         int    `json:"covered"`
	Total           int    `json:"total"`
	CoveredBranches int    `json:"covered_branches"`
	TotalBranches   int    `json:"total_branches"`
}

// Percent is the covered share of statements and branches in 0..100; ok is
// false when there was nothing to cover.
func (c *Coverage) Percent() (pct float64, ok bool) {
	if c == nil || c.Total+c.TotalBranches <= 0 {
		return 0, false
	}
	return 100 * float64(c.Covered+c.CoveredBranches) / float64(c.Total+c.TotalBranches), true
}

// Index is a test's number in one store's dictionary. It means nothing in
// another store.
type Index uint32

// Test is an entry of the dictionary: a test and the variant it ran in.
type Test struct {
	Index   Index
	ID      ci.TestID
	Variant string
}

// Results are the executions of one run in columns: element i of each slice
// belongs to one execution. They are sorted by test, then attempt.
type Results struct {
	Tests     []Index
	Outcomes  []ci.Outcome
	Attempts  []uint8
	Durations []uint32 // in Tick; 0: not stated, otherwise one more than the ticks
}

// Tick is the resolution of stored durations.
const Tick = 100 * time.Microsecond

// Len is the number of executions.
func (r Results) Len() int { return len(r.Tests) }

// Duration is how long execution i took; ok is false where nobody said.
func (r Results) Duration(i int) (d time.Duration, ok bool) {
	if r.Durations[i] == 0 {
		return 0, false
	}
	return time.Duration(r.Durations[i]-1) * Tick, true
}

// Block is a run with its results.
type Block struct {
	Run RunRow
	Results
}

// Failure is one thing that went wrong in a run. Message is at most 4 KiB.
type Failure struct {
	Test    ci.TestID `json:"test,omitempty"`
	Variant string    `json:"variant,omitempty"`
	Attempt int       `json:"attempt,omitempty"` // 0: not an attempt of a test
	Kind    ci.Kind   `json:"kind"`
	Cluster string    `json:"cluster,omitempty"` // the cluster's ID; empty: not clustered
	Tool    string    `json:"tool,omitempty"`
	Rule    string    `json:"rule,omitempty"`
	Message string    `json:"message"`
	File    string    `json:"file,omitempty"`
	Line    int       `json:"line,omitempty"`
}

// Cluster is a cluster as it was seen in one run.
type Cluster struct {
	ID         string   `json:"id"`
	Kind       ci.Kind  `json:"kind"`
	Class      ci.Class `json:"class"`
	Sentence   string   `json:"sentence"`
	Message    string   `json:"message"` // of its clearest member; what the fingerprint was made from
	Count      int      `json:"count"`
	Confidence float64  `json:"confidence"`

	Fingerprints []string `json:"fingerprints,omitempty"` // of the failures that were joined; at most 64
}

// Sighting is a cluster in a run.
type Sighting struct {
	Run     RunRow
	Cluster Cluster
}

// Filter selects runs; its zero value selects all. Results come newest first,
// and those that started together in the order of their keys.
type Filter struct {
	Repo     string
	Run      string // one run's ID, in all its attempts and shards
	Workflow string
	Branch   string
	Commit   string
	Tree     string
	Main     bool      // only runs of the branch that is kept green
	Green    bool      // only runs all of whose shards were green
	Clean    bool      // leave out runs of work trees that differed from their commit
	Since    time.Time // started at or after; zero: no limit
	Before   time.Time // started before; zero: no limit
	Limit    int       // at most this many rows, the newest; zero: no limit
}
