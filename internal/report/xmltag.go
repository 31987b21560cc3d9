package report

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// startTag reads "<name a='b'>". A "<" that starts no name is text.
func (x *xmlReader) startTag() xmlToken {
	x.pos++ // "<"
	c, ok := x.peek()
	if !ok {
		x.truncated()
		return xmlEOF
	}
	if c < 0x80 && c != '_' && c != ':' && (c|0x20 < 'a' || c|0x20 > 'z') {
		x.complain("%q starts no tag", "<"+string(rune(c)))
		x.text, x.literal = []byte{'<'}, true
		return xmlText
	}
	x.readName()
	if len(x.open) >= maxXMLDepth {
		x.complain("elements are nested more than %d deep", maxXMLDepth)
	}
	at := len(x.names)
	x.names = append(x.names, x.name...)
	closed, ok := x.attributes()
	if !ok {
		x.names = x.names[:at]
		x.truncated()
		return xmlEOF
	}
	x.name = append(x.name[:0], x.names[at:]...)
	if len(x.open) >= maxXMLDepth {
		x.names = x.names[:at]
		if !closed {
			x.tooDeep++
		}
		return xmlEOF
	}
	x.open = append(x.open, at)
	x.closeTo = len(x.open)
	x.selfClose, x.rooted = closed, true
	return xmlStart
}

// attributes reads up to the end of a start tag. closed: it ends in "/>".
func (x *xmlReader) attributes() (closed, ok bool) {
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
		kept := ""
		if len(x.attrs) < maxXMLAttrs {
			kept = attrName(name)
		}
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
func (x *xmlReader) attrValue(name string) bool {
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
		if room := maxXMLValue - (len(x.values) - from); room > 0 && len(x.attrs) < maxXMLAttrs {
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
		if c, ok := x.peek(); ok && !isXMLSpace(c) && c != '/' && c != '>' {
			x.complain("attribute %s is followed by %q", name, c)
		}
	}
	if len(x.attrs) < maxXMLAttrs {
		x.attrs = append(x.attrs, xmlAttr{name, from, len(x.values)})
	}
	return true
}

func endOfValue(window []byte, quote byte) int {
	if quote != 0 {
		return bytes.IndexByte(window, quote)
	}
	return bytes.IndexAny(window, " \t\r\n>")
}

// attrName returns the names that readers ask for without allocating them anew.
func attrName(name []byte) string {
	switch string(name) {
	case "name":
		return "name"
	case "classname":
		return "classname"
	case "time":
		return "time"
	case "file":
		return "file"
	case "line":
		return "line"
	case "message":
		return "message"
	case "type":
		return "type"
	case "status":
		return "status"
	case "value":
		return "value"
	}
	return string(name)
}

// endTag reads "</name>". One that closes nothing is dropped; one that closes
// an outer element closes the inner ones, too.
func (x *xmlReader) endTag() xmlToken {
	x.pos += len("</")
	x.readName()
	if !x.skipPast(">") {
		x.truncated()
		return xmlEOF
	}
	if x.tooDeep > 0 {
		x.tooDeep--
		return xmlEOF
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
		return xmlEOF // next pops
	}
	x.complain("</%s> closes nothing", x.name)
	return xmlEOF
}

// raw is the undecoded value of an attribute of the current start tag.
func (x *xmlReader) raw(name string) ([]byte, bool) {
	for i := range x.attrs {
		if x.attrs[i].name == name {
			return x.values[x.attrs[i].from:x.attrs[i].to], true
		}
	}
	return nil, false
}

// decodeChars appends text with its references resolved. Bytes that are no
// UTF-8 become U+FFFD and control characters are spelled "#x1B", as pytest
// does, so that nothing of a report reaches a terminal as a command.
func decodeChars(dst, text []byte, literal bool) []byte {
	for len(text) > 0 {
		i := plain(text)
		dst = append(dst, text[:i]...)
		if text = text[i:]; len(text) == 0 {
			break
		}
		if text[0] == '&' && !literal {
			if r, n := reference(text); n > 0 {
				dst = appendChar(dst, r)
				text = text[n:]
				continue
			}
			dst = append(dst, '&')
			text = text[1:]
			continue
		}
		r, n := utf8.DecodeRune(text)
		dst = appendChar(dst, r)
		text = text[n:]
	}
	return dst
}

// plain is the length of the start of text that stands for itself.
func plain(text []byte) int {
	for i, c := range text {
		if c == '&' || c >= 0x7f || c < 0x20 && c != '\n' && c != '\t' {
			return i
		}
	}
	return len(text)
}

// appendChar appends a character in the form in which it may be kept.
func appendChar(dst []byte, r rune) []byte {
	switch {
	case r == '\r': // XML knows one line end
		return dst
	case r < 0x20 && r != '\n' && r != '\t', r == 0x7f:
		const hex = "0123456789ABCDEF"
		return append(dst, '#', 'x', hex[r>>4], hex[r&15])
	}
	return utf8.AppendRune(dst, r)
}

// reference reads "&lt;" or "&#65;" at the start of text; n is 0 if it is none
// of the references that need no declaration.
func reference(text []byte) (r rune, n int) {
	end := bytes.IndexByte(text[:min(len(text), maxXMLEntity)], ';')
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
