// Package execmap reads maps of who ran what that are databases: coverage.py's
// `.coverage`, with its contexts. It opens a file for reading only, believes
// nothing in it (no view, trigger or generated column is evaluated), and holds
// memory within a bound. It knows no source text: which lines hold a statement
// that did not run is not in such a file.
package execmap

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// Map is what one database says: which lines of which file ran, and in which
// context (a test, where contexts were asked for).
type Map struct {
	Tool     string // "coverage.py"
	Version  string // of the tool; empty: not said
	Branches bool   // arcs were recorded
	Contexts []string
	Files    []File // sorted by path
}

// File is one measured source file.
type File struct {
	Path string // as it was recorded, often absolute; with slashes
	Runs []Run  // by context, one each
	Arcs []Arc  // of all contexts, sorted, each once; only where Branches
}

// Run is the lines of a file that ran in a context.
type Run struct {
	Context int // index into Contexts
	Lines   Lines
}

// Arc is a jump from one line to another. A negative end is the way into or out
// of the code object that begins on that line.
type Arc struct{ From, To int }

// Lines is a set of line numbers: bit i%8 of byte i/8 is line i. coverage.py
// calls it numbits and stores it so.
type Lines []byte

// Has reports whether the line is in the set.
func (l Lines) Has(line int) bool {
	return line >= 0 && line/8 < len(l) && l[line/8]&(1<<(line%8)) != 0
}

// All lists the lines, ascending.
func (l Lines) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, b := range l {
			for ; b != 0; b &= b - 1 {
				if !yield(i*8 + bits.TrailingZeros8(b)) {
					return
				}
			}
		}
	}
}

// Len is how many lines are in the set.
func (l Lines) Len() int {
	n := 0
	for _, b := range l {
		n += bits.OnesCount8(b)
	}
	return n
}

// Meets reports whether a line from first to last, both included, is in the set.
func (l Lines) Meets(first, last int) bool {
	for n := max(first, 0); n <= last && n/8 < len(l); n++ {
		if l.Has(n) {
			return true
		}
	}
	return false
}

// Union is what is in either; neither is changed.
func (l Lines) Union(other Lines) Lines {
	if len(l) < len(other) {
		l, other = other, l
	}
	out := slices.Clone(l)
	for i, b := range other {
		out[i] |= b
	}
	return out
}

// set puts a line into the set and returns it.
func (l Lines) set(line int) Lines {
	if need := line/8 + 1; need > len(l) {
		l = append(l, make([]byte, need-len(l))...)
	}
	l[line/8] |= 1 << (line % 8)
	return l
}

// Lines is what ran of the file in any context.
func (f File) Lines() Lines {
	var out Lines
	for _, r := range f.Runs {
		out = out.Union(r.Lines)
	}
	return out
}

// File is the file of that recorded path.
func (m *Map) File(path string) (f File, ok bool) {
	i, ok := slices.BinarySearchFunc(m.Files, path, func(f File, path string) int { return cmp.Compare(f.Path, path) })
	if !ok {
		return File{}, false
	}
	return m.Files[i], true
}

// slashes spells a Windows path with slashes.
func slashes(path string) string { return strings.ReplaceAll(path, `\`, "/") }
