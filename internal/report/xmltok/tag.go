package xmltok

import (
	"bytes"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"keepgreen/internal/report/format"
)

// startTag reads "<name a='b'>". A "<" that starts no name is text.
func (x *Reader) startTag() Token {
	x.pos++ // "<"
	c, ok := x.peek()
	if !ok {
		x.truncated()
		return EOF
	}
	if c < 0x80 && c != '_' && c != ':' && (c|0x20 < 'a' || c|0x20 > 'z') {
		x.complain("%q starts no tag", "<"+string(rune(c)))
		x.text, x.literal = []byte{'<'}, true
		return Text
	}
	x.readName()
	if len(x.open) >= maxDepth {
		x.complain("elements are nested more than %d deep", maxDepth)
	}
	at := len(x.names)
	x.names = append(x.names, x.name...)
	closed, ok := x.attributes()
	if !ok {
		x.names = x.names[:at]
		x.truncated()
		return EOF
	}
	x.name = append(x.name[:0], x.names[at:]...)
	if len(x.open) >= maxDepth {
		x.names = x.names[:at]
		if !closed {
			x.tooDeep++
		}
		return EOF
	}
	x.open = append(x.open, at)
	x.closeTo = len(x.open)
	x.selfClose, x.rooted = closed, true
	return Start
}

// attributes reads up to the end of a start tag. closed: it ends in "/>".
func (x *Reader) attributes() (closed, ok bool) {
	x.attrs, x.values = x.attrs[:0], x.values[:0]
	for {
		c, ok := x.skipSpace()
		if !ok {
			return false, false
		}
		switch c {
		case '>':
			x.pos++
			return closed, true
		case '/':
			x.pos++
			closed = true
			continue
		case '<': // the tag never ended; what follows is the next one
			x.complain("unexpected %q in a tag", "<")
			return closed, true
		case '=':
			x.pos++
			continue
		}
		closed = false
		name := x.readName()
		if len(name) == 0 {
			continue // a lone colon; every byte that readName stops before is handled above
		}
		kept := x.attrName(name)
		if c, ok = x.skipSpace(); !ok {
			return false, false
		}
		if c != '=' {
			continue
		}
		x.pos++
		if !x.attrValue(kept) {
			return false, false
		}
	}
}

// attrValue reads the value of one attribute, which is kept raw.
func (x *Reader) attrValue(name string) bool {
	quote, ok := x.skipSpace()
	if !ok {
		return false
	}
	from := len(x.values)
	if quote != '"' && quote != '\'' {
		x.complain("attribute %s is not quoted", name)
		quote = 0
	} else {
		x.pos++
	}
	for {
		window := x.buf[x.pos:x.end]
		i := endOfValue(window, quote)
		piece := window
		if i >= 0 {
			piece = window[:i]
		}
		if room := maxValue - (len(x.values) - from); room > 0 && len(x.attrs) < maxAttrs {
			x.values = append(x.values, piece[:min(len(piece), room)]...)
		}
		x.pos += len(piece)
		if i >= 0 {
			break
		}
		if !x.fill() {
			return false
		}
	}
	if quote != 0 {
		x.pos++
		if c, ok := x.peek(); ok && !isSpace(c) && c != '/' && c != '>' {
			x.complain("attribute %s is followed by %q", name, c)
		}
	}
	if len(x.attrs) < maxAttrs {
		x.attrs = append(x.attrs, attr{name, from, len(x.values)})
	}
	return true
}

func endOfValue(window []byte, quote byte) int {
	if quote != 0 {
		return bytes.IndexByte(window, quote)
	}
	return bytes.IndexAny(window, " \t\r\n>")
}

// maxKnown bounds how many names are kept; a format has a few dozen.
const maxKnown = 256

// attrName returns the names that come again and again without allocating them anew.
func (x *Reader) attrName(name []byte) string {
	if known, ok := x.known[string(name)]; ok {
		return known
	}
	kept := string(name)
	if len(x.known) < maxKnown {
		x.known[kept] = kept
	}
	return kept
}

// endTag reads "</name>". One that closes nothing is dropped; one that closes
// an outer element closes the inner ones, too.
func (x *Reader) endTag() Token {
	x.pos += len("</")
	x.readName()
	if !x.skipPast(">") {
		x.truncated()
		return EOF
	}
	if x.tooDeep > 0 {
		x.tooDeep--
		return EOF
	}
	for depth := len(x.open) - 1; depth >= 0; depth-- {
		end := len(x.names)
		if depth+1 < len(x.open) {
			end = x.open[depth+1]
		}
		if !bytes.Equal(x.names[x.open[depth]:end], x.name) {
			continue
		}
		if depth != len(x.open)-1 {
			x.complain("</%s> closes <%s>", x.name, x.names[x.open[len(x.open)-1]:])
		}
		x.closeTo = depth
		return EOF // next pops
	}
	x.complain("</%s> closes nothing", x.name)
	return EOF
}

// Raw is the undecoded value of an attribute of the current start tag.
func (x *Reader) Raw(name string) ([]byte, bool) {
	for i := range x.attrs {
		if x.attrs[i].name == name {
			return x.values[x.attrs[i].from:x.attrs[i].to], true
		}
	}
	return nil, false
}

// Attrs are the names and undecoded values of the current start tag's attributes.
func (x *Reader) Attrs() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := range x.attrs {
			if a := &x.attrs[i]; !yield(a.name, x.values[a.from:a.to]) {
				return
			}
		}
	}
}

// Attr is the value of an attribute; empty if there is none.
func (x *Reader) Attr(name string) string {
	v, _ := x.Raw(name)
	if len(v) == 0 {
		return ""
	}
	return string(Decode(nil, v, false))
}

// Decode appends text with its references resolved, unless it is literal, in the
// form in which it may be kept (format.AppendSafe).
func Decode(dst, text []byte, literal bool) []byte {
	for !literal {
		i := bytes.IndexByte(text, '&')
		if i < 0 {
			break
		}
		dst = format.AppendSafe(dst, text[:i])
		text = text[i:]
		r, n := reference(text)
		if n == 0 {
			r, n = '&', 1
		}
		dst = format.AppendSafeRune(dst, r)
		text = text[n:]
	}
	return format.AppendSafe(dst, text)
}

// reference reads "&lt;" or "&#65;" at the start of text; n is 0 if it is none
// of the references that need no declaration.
func reference(text []byte) (r rune, n int) {
	end := bytes.IndexByte(text[:min(len(text), maxEntity)], ';')
	if end < 2 {
		return 0, 0
	}
	body := string(text[1:end])
	switch body {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	}
	digits, base := body, 10
	if digits[0] != '#' {
		return 0, 0
	}
	digits = digits[1:]
	if hex := strings.TrimLeft(digits, "xX"); len(hex) == len(digits)-1 {
		digits, base = hex, 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, 0
	}
	if v > utf8.MaxRune {
		return utf8.RuneError, end + 1
	}
	return rune(v), end + 1
}
