package source

import (
	"encoding/binary"
	"errors"
	"slices"

	"keepgreen/internal/ci"
)

// readersVersion numbers what the readers make of a file. It rises with every
// change to Python or Go that gives any file other facts: what was stored before
// is then read again (TestStoredFactsMatchTheReaders fails until it rises).
const readersVersion = 1

// Kinds are stored by their place in these lists; new ones go to the end.
var (
	importKinds = []ci.ImportKind{ci.ImportRuntime, ci.ImportConditional, ci.ImportLazy, ci.ImportTyping}
	defKinds    = []ci.DefKind{ci.DefModule, ci.DefFunction, ci.DefMethod, ci.DefClass}
)

// Flags of an import and of a definition, above the two bits of their kind.
const (
	flagFrom = 1 << (iota + 2)
	flagStar
	flagDynamic
	flagAlias
	flagAbstract = 1 << 2
)

// appendFacts encodes facts: numbers as varints, lines as steps from the one
// before, strings with their length before them.
func appendFacts(b []byte, f Facts) []byte {
	b = appendText(b, f.Package)
	b = appendInts(b, f.Code, f.Lines)
	if f.Broken == nil {
		b = append(b, 0)
	} else {
		b = appendText(appendInts(append(b, 1), f.Broken.Line), f.Broken.Text)
	}
	b = binary.AppendUvarint(b, uint64(len(f.Imports)))
	line := 0
	for _, i := range f.Imports {
		b = appendImport(b, i, line)
		line = i.Line
	}
	b = binary.AppendUvarint(b, uint64(len(f.Defs)))
	line = 0
	for _, d := range f.Defs {
		b = appendDef(b, d, line)
		line = d.First
	}
	b = binary.AppendUvarint(b, uint64(len(f.Strings)))
	line = 0
	for _, s := range f.Strings {
		b = appendText(appendInts(b, s.Line-line), s.Text)
		line = s.Line
	}
	b = binary.AppendUvarint(b, uint64(len(f.Opaque)))
	return appendInts(b, f.Opaque...)
}

func appendImport(b []byte, i Import, line int) []byte {
	flags := max(slices.Index(importKinds, i.Kind), 0)
	for _, f := range []struct {
		on   bool
		flag int
	}{{i.Names != nil, flagFrom}, {i.Star, flagStar}, {i.Dynamic, flagDynamic}, {i.As != "", flagAlias}} {
		if f.on {
			flags |= f.flag
		}
	}
	b = append(b, byte(flags))
	b = appendInts(b, i.Line-line, i.Level)
	b = appendText(b, i.Module)
	if i.As != "" {
		b = appendText(b, i.As)
	}
	if i.Names == nil {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(i.Names)))
	for _, n := range i.Names {
		b = appendText(appendText(b, n.Name), n.As)
	}
	return b
}

func appendDef(b []byte, d ci.Definition, line int) []byte {
	flags := max(slices.Index(defKinds, d.Kind), 0)
	if d.Abstract {
		flags |= flagAbstract
	}
	b = append(b, byte(flags))
	b = appendText(b, d.Name)
	b = appendInts(b, d.First-line, d.Line-d.First, d.Last-d.First, d.Complexity, d.Cognitive, d.Nesting, d.Params)
	return binary.LittleEndian.AppendUint64(b, d.Hash)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendInts(b []byte, list ...int) []byte {
	for _, n := range list {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}

// errStored says that stored bytes are not what appendFacts writes.
var errStored = errors.New("not stored facts")

// factsFrom decodes what appendFacts wrote. Strings share the text's memory. It
// takes any bytes: what it allocates is bounded by their number.
func factsFrom(text string) (Facts, error) {
	r := unpacker{text: text}
	f := Facts{Package: r.string()}
	f.Code, f.Lines = r.int(), r.int()
	if r.byte() == 1 {
		f.Broken = &Problem{Line: r.int(), Text: r.string()}
	}
	if n := r.count(4); n > 0 {
		f.Imports = make([]Import, n)
	}
	line := 0
	for i := range f.Imports {
		f.Imports[i] = r.imported(line)
		line = f.Imports[i].Line
	}
	if n := r.count(16); n > 0 {
		f.Defs = make([]ci.Definition, n)
	}
	line = 0
	for i := range f.Defs {
		f.Defs[i] = r.defined(line)
		line = f.Defs[i].First
	}
	if n := r.count(2); n > 0 {
		f.Strings = make([]Literal, n)
	}
	line = 0
	for i := range f.Strings {
		line += r.int()
		f.Strings[i] = Literal{line, r.string()}
	}
	if n := r.count(1); n > 0 {
		f.Opaque = make([]int, n)
	}
	for i := range f.Opaque {
		f.Opaque[i] = r.int()
	}
	if r.bad || len(r.text) > 0 {
		return Facts{}, errStored
	}
	return f, nil
}

// unpacker reads from the front of its text. After the first thing that does not
// fit, everything is zero.
type unpacker struct {
	text  string
	bad   bool
	names []Name // what imports share
}

func (r *unpacker) fail() {
	r.text, r.bad = "", true
}

func (r *unpacker) byte() byte {
	if r.text == "" {
		r.fail()
		return 0
	}
	c := r.text[0]
	r.text = r.text[1:]
	return c
}

func (r *unpacker) uint() uint64 {
	var n uint64
	for shift := uint(0); shift < 64; shift += 7 {
		c := r.byte()
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	r.fail()
	return 0
}

func (r *unpacker) int() int {
	n := r.uint()
	return int(int64(n>>1) ^ -int64(n&1)) // zigzag, as encoding/binary has it
}

// count is how many things follow, each of which takes at least size bytes.
func (r *unpacker) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.text)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *unpacker) string() string {
	n := r.count(1)
	s := r.text[:n]
	r.text = r.text[n:]
	return s
}

func (r *unpacker) imported(line int) Import {
	flags := int(r.byte())
	i := Import{Kind: importKinds[flags&3], Star: flags&flagStar != 0, Dynamic: flags&flagDynamic != 0}
	i.Line, i.Level = line+r.int(), r.int()
	i.Module = r.string()
	if flags&flagAlias != 0 {
		i.As = r.string()
	}
	if flags&flagFrom != 0 {
		start := len(r.names)
		for range r.count(2) {
			r.names = append(r.names, Name{r.string(), r.string()})
		}
		i.Names = r.names[start:len(r.names):len(r.names)]
		if i.Names == nil {
			i.Names = []Name{} // "from x import *", which has none
		}
	}
	return i
}

func (r *unpacker) defined(line int) ci.Definition {
	flags := int(r.byte())
	d := ci.Definition{Kind: defKinds[flags&3], Abstract: flags&flagAbstract != 0, Name: r.string()}
	d.First = line + r.int()
	d.Line, d.Last = d.First+r.int(), d.First+r.int()
	d.Complexity, d.Cognitive, d.Nesting, d.Params = r.int(), r.int(), r.int(), r.int()
	d.Hash = r.fixed()
	return d
}

func (r *unpacker) fixed() uint64 {
	if len(r.text) < 8 {
		r.fail()
		return 0
	}
	n := binary.LittleEndian.Uint64([]byte(r.text[:8]))
	r.text = r.text[8:]
	return n
}
