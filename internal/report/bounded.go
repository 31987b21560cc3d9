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
}

func (t *boundedText) reset(limit int) {
	t.limit, t.head, t.tail, t.at, t.dropped = limit, t.head[:0], t.tail[:0], 0, false
}

func (t *boundedText) empty() bool { return len(t.head) == 0 }

// write appends the decoded form of a piece of XML text.
func (t *boundedText) write(text []byte, literal bool) {
	if t.limit == 0 {
		return
	}
	half := t.limit / 2
	if len(t.tail) == 0 && len(t.head)+len(text) <= half {
		t.head = decodeChars(t.head, text, literal)
		return
	}
	for _, c := range decodeChars(nil, text, literal) {
		switch {
		case len(t.head) < half:
			t.head = append(t.head, c)
		case len(t.tail) < half:
			t.tail = append(t.tail, c)
		default:
			t.tail[t.at] = c
			t.at = (t.at + 1) % half
			t.dropped = true
		}
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
