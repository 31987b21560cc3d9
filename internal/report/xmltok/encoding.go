package xmltok

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var bom = []byte("\xef\xbb\xbf")

// decodeText reads a text as UTF-8 whatever it was written in: a byte order
// mark, or zeros where PowerShell's ">" puts them, tell UTF-16; anything else
// passes unchanged, without its UTF-8 byte order mark.
func decodeText(r io.Reader) io.Reader {
	in := bufio.NewReaderSize(r, 4<<10)
	head, _ := in.Peek(4)
	switch order, mark := utf16Order(head); {
	case order != nil:
		in.Discard(mark)
		return &utf16Reader{in: in, order: order}
	case bytes.HasPrefix(head, bom):
		in.Discard(len(bom))
	}
	return in
}

// decodeXML does what decodeText does and obeys the encoding that the document
// declares where that is one byte a character.
func decodeXML(r io.Reader) io.Reader {
	text := decodeText(r)
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

// utf16Order tells UTF-16 by its mark, or by an ASCII character at the start.
func utf16Order(head []byte) (order binary.ByteOrder, mark int) {
	if len(head) < 2 {
		return nil, 0
	}
	switch {
	case head[0] == 0xff && head[1] == 0xfe:
		return binary.LittleEndian, 2
	case head[0] == 0xfe && head[1] == 0xff:
		return binary.BigEndian, 2
	case len(head) < 4:
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return binary.LittleEndian, 0
	case head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return binary.BigEndian, 0
	}
	return nil, 0
}

// utf16Reader turns UTF-16 into UTF-8 as it is read.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	rest  []byte // UTF-8 that did not fit
	buf   [utf8.UTFMax]byte
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	for n < len(p) {
		r, err := u.rune()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if r < utf8.RuneSelf {
			p[n] = byte(r)
			n++
			continue
		}
		u.rest = utf8.AppendRune(u.buf[:0], r)
		m := copy(p[n:], u.rest)
		u.rest = u.rest[m:]
		n += m
	}
	return n, nil
}

func (u *utf16Reader) rune() (rune, error) {
	unit, err := u.in.Peek(2)
	if len(unit) == 1 { // half a unit at the end
		u.in.Discard(1)
		return utf8.RuneError, nil
	}
	if len(unit) < 2 {
		return 0, err
	}
	r := rune(u.order.Uint16(unit))
	u.in.Discard(2)
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	unit, _ = u.in.Peek(2)
	if len(unit) < 2 {
		return utf8.RuneError, nil
	}
	both := utf16.DecodeRune(r, rune(u.order.Uint16(unit)))
	if both != utf8.RuneError {
		u.in.Discard(2)
	}
	return both, nil
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

// wholeRunes is the length of b without the beginning of a character that ends
// outside of it.
func wholeRunes(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		c := b[len(b)-back]
		if c < utf8.RuneSelf {
			break
		}
		if utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-back:]) {
				return len(b) - back
			}
			break
		}
	}
	return len(b)
}
