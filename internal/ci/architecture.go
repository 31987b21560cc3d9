package ci

// Churn is what a window of history did to one file of today, under whatever
// name the file had.
type Churn struct {
	File    string
	Commits int
	Added   int // lines
	Deleted int
	Authors int
}

// CoChange is two files that changed in the same commits.
type CoChange struct {
	A, B     string
	Together int // commits with both
	OfA, OfB int // commits with each
}

// History is a window of a repository's history.
type History struct {
	Known   bool // false: there is none here, and nothing below is 0 for a reason
	Since   string
	Commits int
	Shallow bool
	Files   []Churn    // sorted by file
	Pairs   []CoChange // sorted, the strongest first
}

// Architecture is what was understood of an import graph.
type Architecture struct {
	Graph      Graph
	Metrics    []ModuleMetrics // one for each module of Graph that is ours, in its order
	Tangles    []Tangle        // those that hurt at load first, then the largest
	Hotspots   []Hotspot       // the worst first
	Coupled    []Coupled       // the strongest first
	Violations []Violation
	Contracts  []ContractResult // in the order in which they were given
	Findings   []ModuleFindings // of other tools; the worst module first
	Elsewhere  int              // findings of other tools about files that are no module
	History    History
	Score      HealthScore
	Advice     []Advice // the most urgent first
}

// ModuleMetrics is the shape of one module, after R. C. Martin.
type ModuleMetrics struct {
	Module       int     // index of Graph.Modules
	FanIn        int     // modules of ours that import it
	FanOut       int     // modules of ours that it imports
	External     int     // dependencies that it imports
	Instability  float64 // FanOut / (FanIn + FanOut); 0 with neither
	Abstractness float64 // share of its classes that only describe
	Distance     float64 // |Abstractness + Instability - 1|
	Depth        int     // longest chain of imports below it; a tangle is one step
	Reach        int     // modules that load it, through others too: what a change to it may break
	Complexity   int     // sum over its functions
	Worst        int     // the most complex function's
	Tangled      bool    // in a cycle at load
	Hub          bool    // many import it, and it imports many
	God          bool    // far larger than the others
}

// Tangle is a strongly connected component of the import graph: each of its
// modules imports, through others, each other one.
type Tangle struct {
	Modules []int      // indexes of Graph.Modules
	Kind    ImportKind // what it takes to close it: runtime and conditional hurt at load
	Edges   int        // pairs of modules within it of which one imports the other
	Cycles  [][]int    // the shortest cycle through each module, each cycle once, short ones first
	Cuts    []Cut      // without these imports there is no cycle left
	Weight  int        // of the cuts
	AtLeast int        // no set of cuts weighs less; equal to Weight: the cuts are the best there are
}

// Cut is one import to remove: every statement by which From imports To.
type Cut struct {
	From, To int
	Weight   int // names that ride on it, at least one a statement
	Lines    []ImportEdge
}

// Hotspot is a file that is hard to read and changed often.
type Hotspot struct {
	File      string
	Module    int // index of Graph.Modules
	Function  Definition
	Total     int // cyclomatic complexity of the whole file
	Churn     Churn
	Rank      float64 // 0..1: complexity × churn, each as a share of the repository's largest
	Functions int     // of the file
}

// Coupled is two files that change together.
type Coupled struct {
	CoChange
	Degree float64 // commits with both, of those with either
	Import bool    // one of them imports the other
}

// Violation is a rule of the architecture that is broken.
type Violation struct {
	Rule  string // "stable-dependencies", or the contract's name
	Kind  string // "stability", or the contract's kind
	Chain []int  // indexes of Graph.Modules: the imports that break it
	Edge  ImportEdge
	Text  string
}

// ModuleFindings is what other tools found in one module.
type ModuleFindings struct {
	Module                  int          // index of Graph.Modules
	Findings                []Diagnostic // the worst first
	Errors, Warnings, Notes int
}

// HealthScore is the score and what it is made of.
type HealthScore struct {
	Known bool    // false: there is nothing to judge
	Value float64 // 0..10
	Parts []ScorePart
}

// ScorePart is one reason why the score is not 10.
type ScorePart struct {
	Name   string
	Doc    string
	Raw    float64 // what was measured
	Limit  float64 // the value of Raw that costs the whole weight
	Weight float64
	Curve  float64 // the cost is Weight × (Raw / Limit)^Curve
	Cost   float64 // points that it takes
}

// Advice is something to do about the architecture.
type Advice struct {
	Rule     string // "import-cycle", "hub-module" …
	Text     string
	Effort   string // "minutes", "hours", "days"
	Module   int    // index of Graph.Modules
	Pos      Position
	Critical bool
	Key      string // stable while the problem is the same one
}

// ArchitectureDelta is what a change makes better or worse.
type ArchitectureDelta struct {
	Before, After HealthScore
	NewCycles     [][]string // shortest cycles at load that were not there
	GoneCycles    [][]string
	NewAdvice     []Advice // Module and Pos are those of the new graph
	GoneAdvice    int
	NewEdges      int // pairs of modules
	GoneEdges     int
}
