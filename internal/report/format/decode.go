package format

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// DecodeText reads a text as UTF-8 whatever it was written in: a byte order
// mark, or zeros where PowerShell's ">" puts them, tell UTF-16; anything else
// passes unchanged, without its UTF-8 byte order mark.
func DecodeText(r io.Reader) io.Reader {
	in := bufio.NewReaderSize(r, 4<<10)
	head, _ := in.Peek(4)
	switch order, mark := utf16Order(head); {
	case order != nil:
		in.Discard(mark)
		return &utf16Reader{in: in, order: order}
	case bytes.HasPrefix(head, Bom):
		in.Discard(len(Bom))
	}
	return in
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
	case isASCIIText(head[0]) && head[1] == 0 && isASCIIText(head[2]) && head[3] == 0:
		return binary.LittleEndian, 0
	case head[0] == 0 && isASCIIText(head[1]) && head[2] == 0 && isASCIIText(head[3]):
		return binary.BigEndian, 0
	}
	return nil, 0
}

func isASCIIText(c byte) bool {
	return ' ' <= c && c < 0x7f || c == '\t' || c == '\n' || c == '\r'
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

// WholeRunes is the length of b without the beginning of a character that ends
// outside of it.
func WholeRunes(b []byte) int {
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
