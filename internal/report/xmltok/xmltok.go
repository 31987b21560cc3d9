// Package xmltok splits the XML that tools write into tags and text, fast and in
// bounded memory. It knows the syntax and nothing of any format; it refuses to
// expand entities that a document declares, and to open anything one names.
package xmltok

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"keepgreen/internal/report/format"
)

// Reader is a tokenizer for the XML that tools write. It exists
// beside encoding/xml because reading such files is what the product does: it
// is several times faster, holds a bounded window of the file, reads on after a
// mistake (unescaped "<" in attributes, control characters, a missing end tag
// are all found in the wild) and never expands an entity that a document
// declares. What it does not do: namespaces (a prefix is dropped), validation.
type Reader struct {
	in       io.Reader
	buf      []byte
	pos, end int
	inErr    error // why no more input comes
	newlines int   // before counted
	counted  int   // up to here in buf newlines are counted

	name      []byte // of the current start or end tag, without prefix
	attrs     []attr
	values    []byte            // holds the raw values of attrs
	known     map[string]string // names of attributes seen so far
	text      []byte            // the current piece of text
	literal   bool              // text comes from a CDATA section
	selfClose bool
	inCDATA   bool

	names   []byte // the open elements' names, one after the other
	open    []int  // where each starts in names
	closeTo int    // pop down to this depth before reading on
	tooDeep int    // elements open beyond maxDepth
	broken  error  // the first mistake that was read over
	rooted  bool   // there was an element
	doctype bool   // the document declares a type, which was ignored
}

type attr struct {
	name     string
	from, to int // in values
}

// Token is a kind of piece.
type Token uint8

// The pieces of a document.
const (
	EOF   Token = iota
	Start       // a start tag; Name, Attr and Raw are its own
	End         // an end tag, also of an element that closes itself; Name
	Text        // character data between tags; Text
)

const (
	windowSize = 64 << 10
	maxDepth   = 512
	maxAttrs   = 64
	maxValue   = 256 << 10 // of one attribute; pytest puts whole tracebacks there
	maxName    = 256
	maxEntity  = 12 // bytes between & and ; that may be a reference
)

// NewReader reads a document in UTF-8, UTF-16 or a declared one-byte encoding.
func NewReader(r io.Reader) *Reader {
	x := &Reader{in: decodeXML(r), buf: make([]byte, windowSize), known: map[string]string{}}
	x.open = make([]int, 0, 16)
	return x
}

// Name is the name of the current start or end tag, without its namespace
// prefix; valid until the next token is read.
func (x *Reader) Name() []byte { return x.name }

// Text is the current piece of text, undecoded; literal: it stands in a CDATA
// section. Valid until the next token is read.
func (x *Reader) Text() (text []byte, literal bool) { return x.text, x.literal }

// Depth is the number of elements that are open.
func (x *Reader) Depth() int { return len(x.open) }

// Line is the 1-based line of what is read next.
func (x *Reader) Line() int {
	x.count()
	return 1 + x.newlines
}

func (x *Reader) count() {
	x.newlines += bytes.Count(x.buf[x.counted:x.pos], []byte{'\n'})
	x.counted = x.pos
}

// Doctype reports whether the document has declared its type so far.
func (x *Reader) Doctype() bool { return x.doctype }

// fill makes more input available and reports whether it did. What is before
// pos is dropped, so slices of buf are invalid afterwards.
func (x *Reader) fill() bool {
	if x.inErr != nil {
		return false
	}
	x.count()
	copy(x.buf, x.buf[x.pos:x.end])
	x.end -= x.pos
	x.pos, x.counted = 0, 0
	for tries := 0; x.end < len(x.buf); tries++ {
		n, err := x.in.Read(x.buf[x.end:])
		x.end += n
		if err != nil {
			x.inErr = err
			return n > 0
		}
		if n > 0 {
			return true
		}
		if tries == 100 {
			x.inErr = io.ErrNoProgress
		}
		if x.inErr != nil {
			return false
		}
	}
	return false
}

// peek is the next byte; ok is false at the end of the input.
func (x *Reader) peek() (c byte, ok bool) {
	if x.pos == x.end && !x.fill() {
		return 0, false
	}
	return x.buf[x.pos], true
}

// starts reports whether the input goes on with s; it does not move.
func (x *Reader) starts(s string) bool {
	for x.end-x.pos < len(s) {
		if !bytes.HasPrefix([]byte(s), x.buf[x.pos:x.end]) || !x.fill() {
			return false
		}
	}
	return string(x.buf[x.pos:x.pos+len(s)]) == s
}

// skipPast moves behind the next occurrence of s and reports whether there was one.
func (x *Reader) skipPast(s string) bool {
	for {
		if i := bytes.Index(x.buf[x.pos:x.end], []byte(s)); i >= 0 {
			x.pos += i + len(s)
			return true
		}
		x.pos = max(x.pos, x.end-len(s)+1)
		if !x.fill() {
			x.pos = x.end
			return false
		}
	}
}

func (x *Reader) complain(format string, args ...any) {
	if x.broken == nil {
		x.broken = fmt.Errorf("line %d: "+format, append([]any{x.Line()}, args...)...)
	}
}

// Next reads one token. At the end of the input it returns EOF and what was
// wrong with the document, if anything.
func (x *Reader) Next() (Token, error) {
	for {
		if x.selfClose {
			x.selfClose = false
			x.closeTo = len(x.open) - 1
		}
		if x.tooDeep == 0 && len(x.open) > x.closeTo {
			return x.popped(), nil
		}
		if x.inCDATA {
			if x.cdata() {
				return Text, nil
			}
			continue
		}
		c, ok := x.peek()
		if !ok {
			return EOF, x.finish()
		}
		if c != '<' {
			x.chars()
			return Text, nil
		}
		if token := x.markup(); token != EOF {
			return token, nil
		}
	}
}

// popped closes the innermost element.
func (x *Reader) popped() Token {
	last := len(x.open) - 1
	x.name = append(x.name[:0], x.names[x.open[last]:]...)
	x.names = x.names[:x.open[last]]
	x.open = x.open[:last]
	return End
}

func (x *Reader) finish() error {
	if x.inErr != nil && !errors.Is(x.inErr, io.EOF) {
		return fmt.Errorf("line %d: %w", x.Line(), x.inErr)
	}
	if x.broken != nil {
		return x.broken
	}
	if !x.rooted {
		return fmt.Errorf("line %d: %w: there is no element in it", x.Line(), io.ErrUnexpectedEOF)
	}
	if len(x.open) > 0 {
		return fmt.Errorf("line %d: %w", x.Line(), io.ErrUnexpectedEOF)
	}
	return nil
}

// truncated notes that the input ended inside of markup.
func (x *Reader) truncated() {
	if x.broken == nil {
		x.broken = fmt.Errorf("line %d: %w", x.Line(), io.ErrUnexpectedEOF)
	}
}

// markup reads what starts with "<". It returns EOF if that was nothing a
// reader wants to see.
func (x *Reader) markup() Token {
	switch {
	case x.starts("</"):
		return x.endTag()
	case x.starts("<!--"):
		x.pos += len("<!--")
		if !x.skipPast("-->") {
			x.truncated()
		}
	case x.starts("<![CDATA["):
		x.pos += len("<![CDATA[")
		x.inCDATA = true
	case x.starts("<!"):
		x.declaration()
	case x.starts("<?"):
		if !x.skipPast("?>") {
			x.truncated()
		}
	default:
		return x.startTag()
	}
	return EOF
}

// declaration skips a document type with its internal subset. The entities it
// declares stay unknown: a reference to one is kept as it is written, so there
// is nothing for an entity bomb to expand and no file for it to read.
func (x *Reader) declaration() {
	x.doctype = true
	depth := 0
	for {
		c, ok := x.peek()
		if !ok {
			x.truncated()
			return
		}
		if x.starts("<!--") {
			x.skipPast("-->")
			continue
		}
		x.pos++
		switch c {
		case '"', '\'':
			x.skipPast(string(c))
		case '<', '[':
			depth++
		case ']':
			depth--
		case '>':
			if depth--; depth <= 0 {
				return
			}
		}
	}
}

// chars takes the text up to the next tag, or what of it is in the window,
// without splitting a reference.
func (x *Reader) chars() {
	x.literal = false
	for {
		window := x.buf[x.pos:x.end]
		i := bytes.IndexByte(window, '<')
		if i < 0 {
			i = whole(window)
			if i == 0 && len(window) < len(x.buf) && x.fill() {
				continue
			}
		}
		if i == 0 {
			i = len(window)
		}
		x.text = window[:i]
		x.pos += i
		return
	}
}

// whole is the length of the part of b that ends in neither half a reference
// nor half a character.
func whole(b []byte) int {
	n := len(b)
	if i := bytes.LastIndexByte(b[max(0, n-maxEntity):], '&'); i >= 0 {
		at := max(0, n-maxEntity) + i
		if bytes.IndexByte(b[at:], ';') < 0 {
			return at
		}
	}
	return format.WholeRunes(b)
}

// cdata takes a piece of a CDATA section; false: there was nothing in it.
func (x *Reader) cdata() bool {
	x.literal = true
	if _, ok := x.peek(); !ok {
		x.inCDATA = false
		x.truncated()
		return false
	}
	for {
		window := x.buf[x.pos:x.end]
		if i := bytes.Index(window, []byte("]]>")); i >= 0 {
			x.text = window[:i]
			x.pos += i + len("]]>")
			x.inCDATA = false
			return i > 0
		}
		if keep := format.WholeRunes(window[:max(0, len(window)-2)]); keep > 0 {
			x.text = window[:keep]
			x.pos += keep
			return true
		}
		if !x.fill() {
			x.text = x.buf[x.pos:x.end]
			x.pos = x.end
			x.inCDATA = false
			x.truncated()
			return len(x.text) > 0
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// skipSpace returns the first byte that is none, without taking it.
func (x *Reader) skipSpace() (byte, bool) {
	for {
		for x.pos < x.end {
			if c := x.buf[x.pos]; !isSpace(c) {
				return c, true
			}
			x.pos++
		}
		if !x.fill() {
			return 0, false
		}
	}
}

// endsName holds the bytes that end a name.
var endsName = [256]bool{' ': true, '\n': true, '\t': true, '\r': true, '>': true, '/': true, '=': true, '<': true}

// readName takes a name, drops its namespace prefix and cuts what is absurdly long.
func (x *Reader) readName() []byte {
	x.name = x.name[:0]
	for {
		start := x.pos
		for x.pos < x.end {
			if endsName[x.buf[x.pos]] {
				break
			}
			x.pos++
		}
		if room := maxName - len(x.name); room > 0 {
			x.name = append(x.name, x.buf[start:min(x.pos, start+room)]...)
		}
		if x.pos < x.end || !x.fill() {
			break
		}
	}
	if i := bytes.IndexByte(x.name, ':'); i >= 0 {
		x.name = append(x.name[:0], x.name[i+1:]...)
	}
	return x.name
}
