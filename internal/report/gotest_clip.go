package report

import (
	"math"
	"strconv"
	"time"
)

// Output is kept in two parts: what comes first says what went wrong, what
// comes last says how it ended. The middle of a long output is let go.
const (
	clipHead = 24 << 10
	clipTail = 8 << 10
)

// clip collects output in bounded memory.
type goClip struct {
	head, tail []byte
	dropped    bool
}

func (c *goClip) empty() bool { return len(c.head) == 0 }

func (c *goClip) reset() { c.head, c.tail, c.dropped = c.head[:0], c.tail[:0], false }

func (c *goClip) write(b []byte) {
	if room := clipHead - len(c.head); room > 0 {
		n := min(room, len(b))
		c.head = append(c.head, b[:n]...)
		b = b[n:]
	}
	if len(b) == 0 {
		return
	}
	if len(b) > clipTail {
		b, c.dropped = b[len(b)-clipTail:], true
	}
	c.tail = append(c.tail, b...)
	// Moving the tail only once it has doubled keeps the cost of a byte constant.
	if len(c.tail) > 2*clipTail {
		c.dropped = true
		c.tail = append(c.tail[:0], c.tail[len(c.tail)-clipTail:]...)
	}
}

func (c *goClip) writeLine(b []byte) {
	c.write(b)
	c.write(goNewline)
}

var goNewline = []byte("\n")

// String is what was kept, with a mark where something was let go.
func (c *goClip) String() string {
	if c == nil {
		return ""
	}
	tail := c.tail
	if c.dropped && len(tail) > clipTail {
		tail = tail[len(tail)-clipTail:]
	}
	if c.dropped {
		return string(c.head) + "\n[…]\n" + string(tail)
	}
	return string(c.head) + string(tail)
}

// parseSeconds reads a decimal number of seconds; what no clock could show is refused.
func parseSeconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1e9 {
		return 0, false
	}
	return time.Duration(math.Round(f * float64(time.Second))), true
}

func itoa(n int) string { return strconv.Itoa(n) }
