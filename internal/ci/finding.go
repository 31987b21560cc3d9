package ci

import "time"

// Class is the type of a cause. Fixers, the comment and the dashboard switch on
// it and on the fields of Cause, never on the sentence.
type Class string

// The classes of cause. ClassUnknown is an answer like any other.
const (
	ClassUnknown    Class = "unknown"
	ClassImport     Class = "import_error"    // Module, Symbol
	ClassName       Class = "name_error"      // Symbol
	ClassAttribute  Class = "attribute_error" // Symbol, Type
	ClassType       Class = "type_error"      // Symbol: a call or operation on the wrong type, at run time
	ClassValue      Class = "value_error"     //
	ClassKey        Class = "key_error"       // Symbol: the missing key or index
	ClassAssertion  Class = "assertion"       // Expected, Actual
	ClassFixture    Class = "fixture"         // Symbol: the fixture or hook that broke
	ClassSyntax     Class = "syntax_error"    //
	ClassFile       Class = "missing_file"    // Symbol: the path
	ClassPermission Class = "permission"      // Symbol: the path
	ClassTimeout    Class = "timeout"         //
	ClassMemory     Class = "out_of_memory"   //
	ClassResource   Class = "resource"        // disk full, too many files, no port
	ClassNetwork    Class = "network"         // Host
	ClassInfra      Class = "infrastructure"  // the runner, the service, a cancelled job
	ClassDependency Class = "dependency"      // Module: what could not be resolved or installed
	ClassBuild      Class = "build_error"     // Symbol
	ClassCrash      Class = "crash"           // panic, segmentation fault, worker lost
	ClassRace       Class = "data_race"       //
	ClassSnapshot   Class = "snapshot"        // Symbol: a stored expectation that is out of date
	ClassLint       Class = "lint"            // Rule
	ClassFormat     Class = "format"          //
	ClassTyping     Class = "type_check"      // Rule: a static type error
	ClassException  Class = "exception"       // any other exception; Type
	ClassExit       Class = "nonzero_exit"    // a command failed and said nothing better
)

// Cause is why a cluster failed, in words and in fields.
type Cause struct {
	Class    Class
	Sentence string // one sentence that a developer would say
	Next     string // the one thing to do first; empty: nothing sensible to say
	Symbol   string
	Module   string
	Type     string // the exception's or value's type
	Rule     string
	Host     string
	Expected string
	Actual   string
	Pos      Position // where to look first
}

// Whose says whether a failure is the change's own.
type Whose string

// The answers to "is it mine?".
const (
	WhoseUnknown Whose = "unknown"
	WhoseNew     Whose = "new"             // first seen with this change
	WhoseMain    Whose = "already_failing" // main fails the same way since Since
	WhoseFlaky   Whose = "flaky"           // known to pass and fail on the same code
	WhoseInfra   Whose = "infrastructure"  // not the code's fault
)

// Evidence is one reason for something that was concluded.
type Evidence struct {
	What   string  // the feature's name, e.g. "structured source", "same top frame"
	Detail string  // the line, count or place it rests on
	Weight float64 // how it moved the confidence, in log odds; 0: not a number
}

// Cluster is failures that are one failure.
type Cluster struct {
	ID         string // stable across runs: version of the algorithm and fingerprint, e.g. "k1-3f9a…"
	Kind       Kind
	Cause      Cause
	Confidence float64 // 0..1 that Cause is right
	Evidence   []Evidence
	Whose      Whose
	Since      string    // run or commit since which it fails, where that is known
	Members    []Failure // sorted, the clearest example first
	Files      []string  // in-repository files the members point at, most telling first
	Joined     []Join    // why members that differ were joined
	Splits     string    // what would split the cluster, in one phrase

	// Fingerprints are those of the failures that were joined, the most frequent
	// first, at most 64: by them a later run knows the cluster again.
	Fingerprints []string

	Opinion *Opinion // what a model adds; nil: none was asked, or nothing it said held
}

// Opinion is what a model says of a cluster, beside what was found and never in
// its place: whatever the evidence does not support was dropped before.
type Opinion struct {
	Model      string
	Cause      string
	Fix        string  // empty: none
	Confidence float64 // the model's own number, 0..1: an order, not a frequency
}

// Join is one step that made two groups of failures into one cluster.
type Join struct {
	Step   string // "exact", "near", "cause"
	Reason string // what they share, e.g. `missing import "yaml"`
	Count  int    // failures that came in with this step
}

// FlakeVerdict is what the history of a test says about it.
type FlakeVerdict string

// The verdicts.
const (
	FlakeUnknown   FlakeVerdict = "unknown"
	FlakeHealthy   FlakeVerdict = "healthy"
	FlakeFlaky     FlakeVerdict = "flaky"
	FlakeBroken    FlakeVerdict = "broken"    // fails, and has done for the whole current segment
	FlakeRegressed FlakeVerdict = "regressed" // was healthy, fails since a change point
)

// Decision is a yes or no with its reasons. The zero value is "no answer yet".
type Decision struct {
	Gate    string // "tests", "lint", "coverage" …
	Verdict Verdict
	Because []string // sentences; the first one explains the verdict alone
}

// Verdict is the answer of a gate.
type Verdict string

// The verdicts of a gate. NoData is never a pass.
const (
	VerdictPass      Verdict = "pass"
	VerdictWarn      Verdict = "warn"
	VerdictFail      Verdict = "fail"
	VerdictInherited Verdict = "inherited" // main was already down: not this change's fault
	VerdictNoData    Verdict = "no_data"
)

// Action is an effect as data: printing it is the dry run, storing it is the
// audit log, its key makes it happen once.
type Action struct {
	Kind string // "write_file", "append_history", "annotate", "comment" …
	Key  string // two actions with one key are one effect
	Path string
	Body []byte
	Time time.Time
}
