// Package source reads Python and Go source text: which modules it imports and
// when, what it defines, how hard that is to read, and a hash of each
// definition that comments and layout do not change. The Python reader is a
// scanner of our own: it knows tokens, blocks and the handful of statements
// that matter, takes Python 2.7 to 3.15, and goes through a file that does not
// parse as far as it makes sense, saying where it stopped being sure. It runs
// nothing, opens nothing, and refuses to guess what a computed import loads.
package source

import "keepgreen/internal/ci"

// Facts are what one file says about itself.
type Facts struct {
	Package string // the package clause of a Go file
	Imports []Import
	Defs    []ci.Definition // in order of appearance; the module's own statements come first
	Strings []Literal       // string literals that read like a module's dotted name
	Opaque  []int           // lines on which a module is loaded by a name that is not a literal
	Code    int             // lines that hold code
	Lines   int
	Broken  *Problem // nil: the file parses, as far as the scanner can tell
}

// Import is one module that a statement names.
type Import struct {
	Line    int
	Level   int    // leading dots of a relative import
	Module  string // dotted; empty for "from . import x"
	As      string // the alias of "import x as y"
	Names   []Name // of "from x import a, b"; nil for a plain import
	Star    bool   // from x import *
	Kind    ci.ImportKind
	Dynamic bool // importlib.import_module("x"), __import__("x"), pytest.importorskip("x")
}

// Name is one imported name.
type Name struct{ Name, As string }

// Literal is a string in the source.
type Literal struct {
	Line int
	Text string
}

// Problem is why a file does not parse.
type Problem struct {
	Line int // 1-based
	Text string
}

// Bounds on what is kept of one file, whatever its size.
const (
	maxDefs    = 200_000
	maxImports = 200_000
	maxStrings = 10_000
	maxName    = 1 << 10 // bytes of a dotted or qualified name
)
