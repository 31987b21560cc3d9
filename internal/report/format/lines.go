package format

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// MaxLine bounds how much of one line is kept. Longer lines are cut, not
// refused: a log with one line of a gigabyte still has a last page.
const MaxLine = 64 << 10

// Line is one line of a log as a person would read it: without the byte order
// mark, the forge's timestamp, the job and step that "gh run view --log" puts
// before it, colours, and what a carriage return has overwritten. Text is only
// valid until the next line is read.
type Line struct {
	N    int // 1-based, as an editor counts the lines of the original file
	Text []byte
	Job  string // from "gh run view --log"; otherwise empty
	Step string
	Cut  bool // the line was longer than maxLine
}

// Lines reads a log line by line in bounded memory. The error, if any, comes
// with the last pair, whose line is empty.
func Lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewReaderSize(r, MaxLine)
		var clean Cleaner
		for n := 1; ; n++ {
			raw, err := in.ReadSlice('\n')
			cut := errors.Is(err, bufio.ErrBufferFull)
			if len(raw) == 0 && err != nil {
				if !errors.Is(err, io.EOF) {
					yield(Line{N: n}, err)
				}
				return
			}
			line := Line{N: n, Cut: cut}
			clean.line(&line, raw)
			if !yield(line, nil) {
				return
			}
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(Line{N: n + 1}, err)
				}
				return
			}
		}
	}
}

// Cleaner holds the buffers that cleaning a line needs, reused from line to line.
type Cleaner struct {
	buf       []byte
	job, step string
}

var Bom = []byte("\xef\xbb\xbf")

func (c *Cleaner) line(line *Line, raw []byte) {
	for len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r') {
		raw = raw[:len(raw)-1]
	}
	if len(raw) > 0 && raw[0] == Bom[0] {
		raw = bytes.TrimPrefix(raw, Bom)
	}
	raw = c.prefix(line, raw)
	raw = TrimTimestamp(raw)
	if bytes.IndexByte(raw, '\r') >= 0 {
		raw = raw[bytes.LastIndexByte(raw, '\r')+1:] // what a terminal would show: the last overwrite
	}
	if bytes.IndexByte(raw, 0x1b) >= 0 {
		raw = c.StripEscapes(raw)
	}
	line.Text = raw
}

// prefix takes off the "job\tstep\t" of "gh run view --log", which is there only
// if a timestamp follows.
func (c *Cleaner) prefix(line *Line, raw []byte) []byte {
	i := bytes.IndexByte(raw, '\t')
	if i <= 0 {
		return raw
	}
	j := bytes.IndexByte(raw[i+1:], '\t')
	if j < 0 {
		return raw
	}
	rest := bytes.TrimPrefix(raw[i+1+j+1:], Bom)
	if len(TrimTimestamp(rest)) == len(rest) {
		return raw
	}
	if string(raw[:i]) != c.job {
		c.job = string(raw[:i])
	}
	if step := raw[i+1 : i+1+j]; string(step) != c.step {
		c.step = string(step)
	}
	line.Job, line.Step = c.job, c.step
	return rest
}

// TrimTimestamp takes off GitHub's "2024-05-01T12:34:56.1234567Z ". This runs
// for every line of every log, hence the punctuation first: few lines have it.
func TrimTimestamp(b []byte) []byte {
	const digits = "2024-05-01T12:34:56"
	if len(b) <= len(digits) || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return b
	}
	for _, i := range [...]int{0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18} {
		if b[i]-'0' > 9 {
			return b
		}
	}
	i := len(digits)
	if b[i] == '.' {
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
		}
	}
	if i >= len(b) || b[i] != 'Z' {
		return b
	}
	i++
	if i < len(b) && b[i] == ' ' {
		i++
	}
	return b[i:]
}

// StripEscapes removes terminal control sequences (ECMA-48): CSI, OSC and the
// two-byte escapes.
func (c *Cleaner) StripEscapes(b []byte) []byte {
	out := c.buf[:0]
	for i := bytes.IndexByte(b, 0x1b); i >= 0; {
		out = append(out, b[:i]...)
		b = b[endOfEscape(b, i)+1:]
		i = bytes.IndexByte(b, 0x1b)
	}
	out = append(out, b...)
	c.buf = out
	return out
}

// endOfEscape is the index of the last byte of the sequence that starts at i.
func endOfEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return i
	}
	switch b[i+1] {
	case '[': // CSI: parameters and intermediates, then one final byte
		for i += 2; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e {
				return i
			}
		}
	case ']', 'P', 'X', '^', '_': // OSC and friends: until BEL or ST
		for i += 2; i < len(b); i++ {
			if b[i] == 0x07 {
				return i
			}
			if b[i] == 0x1b && i+1 < len(b) && b[i+1] == '\\' {
				return i + 1
			}
		}
	default:
		return i + 1
	}
	return len(b) - 1
}
