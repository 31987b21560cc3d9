package report

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// clip keeps the first and the last bytes of a text that may be of any length:
// a traceback says what broke at its end and where it came from at its start.
type clip struct {
	limit int // bytes kept of each end
	head  []byte
	tail  []byte // ring; full once the text is longer than both ends
	next  int
	lost  int
}

func (c *clip) reset() {
	c.head, c.tail, c.next, c.lost = c.head[:0], c.tail[:0], 0, 0
}

func (c *clip) empty() bool { return len(c.head) == 0 }

// line adds one line and its end.
func (c *clip) line(b []byte) {
	if len(c.head)+len(b) < c.limit {
		c.head = append(append(c.head, b...), '\n')
		return
	}
	if len(c.tail) == 0 && len(c.head) < c.limit {
		n := min(c.limit-len(c.head), len(b))
		c.head = append(c.head, b[:n]...)
		b = b[n:]
	}
	c.ring(b)
	c.ring(newline)
}

var newline = []byte{'\n'}

func (c *clip) ring(b []byte) {
	if over := len(b) - c.limit; over > 0 {
		c.lost += over
		b = b[over:]
	}
	if room := min(c.limit-len(c.tail), len(b)); room > 0 {
		c.tail = append(c.tail, b[:room]...)
		b = b[room:]
	}
	c.lost += len(b)
	for len(b) > 0 {
		n := copy(c.tail[c.next:], b)
		b = b[n:]
		c.next = (c.next + n) % c.limit
	}
}

// String is the text, with a note in place of what was left out.
func (c *clip) String() string {
	var b strings.Builder
	b.Grow(len(c.head) + len(c.tail) + 32)
	b.Write(c.head)
	if c.lost > 0 {
		b.WriteString("\n… " + strconv.Itoa(c.lost) + " bytes left out …\n")
	}
	b.Write(c.tail[c.next:])
	b.Write(c.tail[:c.next])
	return strings.TrimRight(valid(b.String()), "\n")
}

// ends keeps the first and the last few of a sequence of any length.
type ends[T any] struct {
	first, last int // how many of each are kept
	items       []T
	next        int // where in items[first:] the oldest stands, once full
	full        bool
}

func (e *ends[T]) add(item T) {
	if len(e.items) < e.first+e.last {
		e.items = append(e.items, item)
		return
	}
	e.full = true
	e.items[e.first+e.next] = item
	e.next = (e.next + 1) % e.last
}

// newest is the item that was added last; nil if there is none.
func (e *ends[T]) newest() *T {
	switch {
	case len(e.items) == 0:
		return nil
	case !e.full:
		return &e.items[len(e.items)-1]
	}
	return &e.items[e.first+(e.next+e.last-1)%e.last]
}

// take returns a copy of what was kept, in order, and starts afresh.
func (e *ends[T]) take() []T {
	if len(e.items) == 0 {
		return nil
	}
	items := make([]T, 0, len(e.items))
	head, tail := e.items, []T(nil)
	if e.full {
		head, tail = e.items[:e.first], e.items[e.first:]
	}
	items = append(items, head...)
	if e.full {
		items = append(append(items, tail[e.next:]...), tail[:e.next]...)
	}
	e.drop()
	return items
}

// drop forgets what was kept.
func (e *ends[T]) drop() {
	clear(e.items)
	e.items, e.next, e.full = e.items[:0], 0, false
}

// valid replaces what is no UTF-8, so that every text of a report can be encoded.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// shorten cuts a text to at most n bytes, at the end of a rune.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
