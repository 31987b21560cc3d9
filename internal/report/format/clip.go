package format

import (
	"strconv"
	"strings"
)

// Clip keeps the first and the last bytes of a text that may be of any length:
// what comes first says what went wrong, what comes last how it ended and where.
// The zero value keeps nothing.
type Clip struct {
	Head, Tail int // bytes kept of each end

	head, tail []byte // tail is a ring once it is full
	next       int    // where in tail the oldest byte stands
	lost       int
}

// NewClip keeps that many bytes of each end.
func NewClip(head, tail int) *Clip { return &Clip{Head: head, Tail: tail} }

// NewOutput keeps what one test, or one failure of it, has printed.
func NewOutput() *Clip { return NewClip(24<<10, 16<<10) }

// Reset forgets the text and keeps the memory.
func (c *Clip) Reset() { c.head, c.tail, c.next, c.lost = c.head[:0], c.tail[:0], 0, 0 }

// Resize forgets the text and changes how much is kept of each end.
func (c *Clip) Resize(head, tail int) {
	c.Reset()
	c.Head, c.Tail = head, tail
}

// Empty reports whether nothing is kept.
func (c *Clip) Empty() bool { return len(c.head) == 0 }

// Start is what is kept of the beginning; valid until the next write.
func (c *Clip) Start() []byte { return c.head }

// Line adds one line and its end.
func (c *Clip) Line(b []byte) {
	c.Write(b)
	c.Write([]byte{'\n'})
}

// Write adds a piece of the text.
func (c *Clip) Write(b []byte) {
	if room := c.Head - len(c.head); room > 0 {
		n := min(room, len(b))
		c.head = append(c.head, b[:n]...)
		b = b[n:]
	}
	if over := len(b) - c.Tail; over > 0 {
		c.lost += over
		b = b[over:]
	}
	if room := c.Tail - len(c.tail); room > 0 {
		n := min(room, len(b))
		c.tail = append(c.tail, b[:n]...)
		b = b[n:]
	}
	c.lost += len(b)
	for len(b) > 0 {
		n := copy(c.tail[c.next:], b)
		b = b[n:]
		c.next = (c.next + n) % c.Tail
	}
}

// String is the text, with a note in place of what was left out. A nil clip is
// an empty text.
func (c *Clip) String() string {
	if c == nil {
		return ""
	}
	var b strings.Builder
	b.Grow(len(c.head) + len(c.tail) + 32)
	b.Write(c.head)
	if c.lost > 0 {
		b.WriteString("\n… " + strconv.Itoa(c.lost) + " bytes left out …\n")
	}
	b.Write(c.tail[c.next:])
	b.Write(c.tail[:c.next])
	return Valid(b.String())
}

// Text is the text without the line ends that it closes with.
func (c *Clip) Text() string { return strings.TrimRight(c.String(), "\n") }
