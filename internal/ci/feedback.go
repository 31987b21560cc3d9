package ci

import "time"

// Findings is what the jobs of one run found, read back from what they wrote:
// all that a pull request can be told. What is nil was not looked at, which is
// not the same as nothing found.
type Findings struct {
	Triaged   bool // somebody looked for causes; Clusters may be empty then
	Clusters  []Cluster
	Tests     *TestCounts
	Lint      *int // diagnostics of linters and type checkers that count
	Coverage  *CoverageFinding
	Vulns     *VulnFinding
	Arch      *ArchFinding
	Decisions []Decision           // of gates that are none of the above
	Statuses  map[string]JobStatus // by job of the workflow
	Fixed     []TestID             // failed before, pass now
	Recovered []TestID             // failed and passed in this run
	Flaky     []TestID             // known to pass and fail on the same code
	Fixes     []FixFinding
	Note      string // how the answer came about
}

// TestCounts counts the tests of a run.
type TestCounts struct{ Total, Passed, Failed, Skipped int }

// CoverageFinding is what the coverage gate said.
type CoverageFinding struct {
	Pct, Base *float64 // percent; nil: unknown
	Verdict   Verdict  // empty: no gate was asked
	Because   []string
	Patch     string     // about the change's own lines
	Gaps      []Position // new lines that no test ran; EndLine is the last of them
}

// VulnFinding is what the vulnerability gate said.
type VulnFinding struct {
	Counts, Base map[VulnSeverity]int // nil: unknown
	New, Fixed   []Vulnerability
	Verdict      Verdict
	Because      []string
}

// ArchFinding is what the architecture scan said.
type ArchFinding struct {
	Score, Before         *float64 // 0..100
	NewCycles, GoneCycles [][]string
	Failed                []string // what it was asked to fail on, in sentences
}

// FixFinding is a proposed repair of one cluster.
type FixFinding struct {
	Cluster, Description, CodeChange string
	Confidence                       float64
}

// Reception is how people took one comment of ours.
type Reception struct {
	Repo      string // "owner/name"
	Pull      int
	Comment   int64
	Run       int64 // that wrote it
	Commit    string
	Posted    time.Time
	Reactions []Reaction
	Replies   []Reply
}

// Reaction is one person's reaction, as the forge names it: "+1", "-1", "heart" …
type Reaction struct{ Login, Content string }

// Reply is what one person wrote back.
type Reply struct {
	Login, Text string
	Time        time.Time
}
