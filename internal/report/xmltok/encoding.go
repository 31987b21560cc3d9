package xmltok

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"keepgreen/internal/report/format"
)

// decodeXML does what format.DecodeText does and obeys the encoding that the document
// declares where that is one byte a character.
func decodeXML(r io.Reader) io.Reader {
	text := format.DecodeText(r)
	in, ok := text.(*bufio.Reader)
	if !ok {
		return text
	}
	head, _ := in.Peek(256)
	switch declaredEncoding(head) {
	case "iso-8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252", "cp1252", "iso-8859-15":
		return &latin1Reader{in: in}
	}
	return in
}

// declaredEncoding is the lower-case encoding of an XML declaration.
func declaredEncoding(head []byte) string {
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	head, _, _ = bytes.Cut(head, []byte("?>"))
	_, value, ok := bytes.Cut(head, []byte("encoding"))
	if !ok {
		return ""
	}
	value = bytes.TrimLeft(value, "= \t\r\n")
	if len(value) == 0 {
		return ""
	}
	name, _, ok := bytes.Cut(value[1:], value[:1])
	if !ok {
		return ""
	}
	return strings.ToLower(string(name))
}

// latin1Reader turns ISO-8859-1 into UTF-8. Windows-1252 is read the same way:
// the two differ in characters that no identifier holds.
type latin1Reader struct {
	in   *bufio.Reader
	half byte // the second byte of a character that did not fit
}

func (l *latin1Reader) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if l.half != 0 {
		p[0], l.half = l.half, 0
		return 1, nil
	}
	for n < len(p) {
		c, err := l.in.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if c < utf8.RuneSelf {
			p[n] = c
			n++
			continue
		}
		p[n] = 0xc0 | c>>6
		n++
		if n == len(p) {
			l.half = 0x80 | c&0x3f
			break
		}
		p[n] = 0x80 | c&0x3f
		n++
	}
	return n, nil
}
