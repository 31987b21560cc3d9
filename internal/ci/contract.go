package ci

// ContractKind is what a contract of the architecture demands.
type ContractKind string

// The kinds, spelled as import-linter spells its types.
const (
	ContractLayers       ContractKind = "layers"       // lower layers do not import higher ones
	ContractForbidden    ContractKind = "forbidden"    // sources do not import targets
	ContractIndependence ContractKind = "independence" // modules do not import each other
	ContractProtected    ContractKind = "protected"    // only importers import modules directly
)

// Contract is a rule about who may import whom, in import-linter's terms. A
// name stands for the module and everything below it; "*" in one stands for one
// part of a name, "**" for one or more.
type Contract struct {
	Name string
	Kind ContractKind
	Pos  Position // where it is written

	Layers     []Layer  // of layers: the highest first
	Containers []string // of layers: the packages that each have these layers; none: the names are whole
	Exhaustive bool     // every child of a container must be a layer …
	Except     []string // … but these

	Sources []string // of forbidden; of protected: who may import
	Targets []string // of forbidden, where a dependency may be one; of protected: what only these may import
	Modules []string // of independence
	Direct  bool     // of forbidden: only direct imports count
	Exact   bool     // a name stands for the module alone

	Ignore    [][2]string // imports that do not count: from, to
	Unmatched AlertLevel  // what an ignored import that is not there means
	Scope     ContractScope
}

// Layer is one level of a layered architecture.
type Layer struct {
	Names    []string
	Optional []bool // by name: it need not exist
	Open     bool   // its modules may import each other
}

// AlertLevel is how much something matters that a contract names in vain.
type AlertLevel string

// The levels, spelled as import-linter spells them.
const (
	AlertError AlertLevel = "error" // the contract cannot be checked; the zero value means the same
	AlertWarn  AlertLevel = "warn"
	AlertNone  AlertLevel = "none"
)

// ContractScope is the part of the graph that a contract is checked on. The
// zero value is all of it.
type ContractScope struct {
	Roots    []string // packages whose modules count; none: all
	Internal bool     // dependencies are left out
	NoTyping bool     // imports for the type checker are left out
	Static   bool     // imports by importlib are left out: import-linter does not see them
}

// ContractResult is a contract's verdict.
type ContractResult struct {
	Contract Contract
	Kept     bool
	Problem  string   // why it could not be checked; it is not kept then
	Warnings []string // about what it names
	Broken   int      // pairs of names that break it
}
