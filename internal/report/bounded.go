package report

import "strings"

// boundedText keeps the beginning and the end of a text of any length: what a
// failure says stands in its first lines, where it happened in its last.
type boundedText struct {
	limit   int // bytes kept; zero: none
	head    []byte
	tail    []byte // a ring once it is full
	at      int    // where the ring starts
	dropped bool
	scratch []byte
}

func (t *boundedText) reset(limit int) {
	t.limit, t.head, t.tail, t.at, t.dropped = limit, t.head[:0], t.tail[:0], 0, false
}

func (t *boundedText) empty() bool { return len(t.head) == 0 }

// write appends the decoded form of a piece of XML text.
func (t *boundedText) write(text []byte, literal bool) {
	half := t.limit / 2
	if half == 0 {
		return
	}
	if len(t.tail) == 0 && len(t.head)+len(text) <= half {
		t.head = decodeChars(t.head, text, literal)
		return
	}
	t.scratch = decodeChars(t.scratch[:0], text, literal)
	piece := t.scratch
	if room := half - len(t.head); room > 0 {
		room = min(room, len(piece))
		t.head = append(t.head, piece[:room]...)
		piece = piece[room:]
	}
	if len(piece) >= half {
		t.dropped = t.dropped || len(t.tail) > 0 || len(piece) > half
		t.tail = append(t.tail[:0], piece[len(piece)-half:]...)
		t.at = 0
		return
	}
	if room := half - len(t.tail); room > 0 {
		room = min(room, len(piece))
		t.tail = append(t.tail, piece[:room]...)
		piece = piece[room:]
	}
	for len(piece) > 0 {
		t.dropped = true
		n := copy(t.tail[t.at:], piece)
		piece = piece[n:]
		t.at = (t.at + n) % half
	}
}

const cutMark = "\n[… cut …]\n"

// String is the text, with a mark where something was left out.
func (t *boundedText) String() string {
	if len(t.tail) == 0 {
		return string(t.head)
	}
	var b strings.Builder
	b.Write(t.head)
	if t.dropped {
		b.WriteString(cutMark)
	}
	b.Write(t.tail[t.at:])
	b.Write(t.tail[:t.at])
	if !t.dropped {
		return b.String()
	}
	return strings.ToValidUTF8(b.String(), "�") // the cut may have split a character
}

// arena puts many small strings into few allocations.
type arena struct{ b strings.Builder }

const arenaSize = 64 << 10

func (a *arena) keep(s []byte) string {
	if len(s) > arenaSize/8 {
		return string(s)
	}
	if a.b.Cap()-a.b.Len() < len(s) {
		a.b = strings.Builder{}
		a.b.Grow(arenaSize)
	}
	start := a.b.Len()
	a.b.Write(s)
	return a.b.String()[start:]
}

// interner keeps one copy of strings that come again and again.
type interner struct {
	seen map[string]string
}

const maxInterned = 1 << 14

func (in *interner) keep(s []byte) string {
	if len(s) == 0 {
		return ""
	}
	if known, ok := in.seen[string(s)]; ok {
		return known
	}
	kept := string(s)
	if in.seen == nil {
		in.seen = map[string]string{}
	}
	if len(in.seen) < maxInterned {
		in.seen[kept] = kept
	}
	return kept
}
