package ci

// Graph is the modules of a repository and who imports whom.
type Graph struct {
	Modules  []Module     // sorted by name; external ones after ours
	Imports  []ImportEdge // sorted by From, To, Line
	Warnings []Warning    // files that do not parse, imports that lead nowhere
}

// Module is one node of the import graph: a Python file, a Go package, or the
// top-level name of something that is not in the repository.
type Module struct {
	Name     string // dotted for Python, the import path for Go; unique
	File     string // slash-separated, relative to the repository; a folder for Go; empty: external
	Package  bool   // an __init__.py: what it imports runs before its submodules
	External bool   // a dependency; always a leaf
	Standard bool   // external, and of the language's standard library
	Test     bool   // a test, a conftest or a helper beside them
	Broken   int    // 1-based line from which on the file could not be read; 0: it parses
	Code     int    // lines that hold code
	Classes  int    // classes, interfaces and structs defined here
	Abstract int    // how many of them only describe
	Defs     []Definition
}

// ImportKind says when an import runs, which is what makes a cycle hurt.
type ImportKind string

// The kinds of import, the most binding first.
const (
	ImportRuntime     ImportKind = "runtime"       // when the module is loaded
	ImportConditional ImportKind = "conditional"   // when it is loaded, under if, try or match
	ImportLazy        ImportKind = "lazy"          // when a function is called
	ImportTyping      ImportKind = "type_checking" // never: only the type checker sees it
)

// AtLoad reports whether the import runs, or may run, while its module is
// being loaded. A cycle of such edges breaks at start-up.
func (k ImportKind) AtLoad() bool { return k == ImportRuntime || k == ImportConditional }

// ImportEdge is one import statement's effect on one module.
type ImportEdge struct {
	From, To int // indexes of Graph.Modules
	Kind     ImportKind
	Line     int      // 1-based, in From's file
	Names    []string // what rides on it; empty: the module itself
	File     string   // where From is a folder: the file that holds the line
	Dynamic  bool     // by importlib or __import__ with a literal name
}

// DefKind is what a definition defines.
type DefKind string

// The kinds of definition.
const (
	DefModule   DefKind = "module" // the statements outside every function and class
	DefFunction DefKind = "function"
	DefMethod   DefKind = "method"
	DefClass    DefKind = "class"
)

// Definition is a function, a class, or the module's own statements, with what
// it takes to know that it changed and how hard it is to read. Lines are
// 1-based; the range includes decorators.
type Definition struct {
	Name        string // qualified within the module: "Pool.take", "outer.<locals>.inner"
	Kind        DefKind
	First, Last int
	Line        int    // of the "def" or "class"; First may be a decorator's
	Hash        uint64 // of its own tokens without those of definitions inside; comments and layout do not count
	Complexity  int    // cyclomatic, as McCabe and radon count
	Cognitive   int    // as SonarSource's paper counts
	Nesting     int    // of control structures, at the deepest place
	Params      int    // without self and cls
	Abstract    bool   // only describes: a protocol, an ABC, an abstract method
	File        string // where the module is a folder: the file that holds it
}

// Lines is the number of lines from the "def" to the end.
func (d Definition) Lines() int { return d.Last - d.Line + 1 }
