package triage

// MaskVersion changes whenever a mask changes, because fingerprints of two
// versions do not compare.
const MaskVersion = 1

// The marks that stand for what varies from run to run. Mask copies them
// through, so masking twice is masking once.
//
//	<n>     a number, in any notation, with its sign
//	<hex>   0x…, a commit or digest, seven or more hex digits that mix letters and digits
//	<uuid>  8-4-4-4-12 hex digits
//	<ip>    an IPv4, IPv6 or MAC address, with its port
//	<time>  a date, a time of day, or both
//	<dur>   a duration with its unit
//	<ver>   a version: v1.2, 1.2.3, 1.2.3.dev0+g12ab
//	<path>  the machine's part of an absolute path; the last segment is kept
//	<mail>  an e-mail address
//	<b64>   a long run that mixes cases and digits as base64 does
//	<id>    any other word that begins with a digit
//	<str>   a quoted text of more than 64 bytes, after its first word
//
// Runs of one mark in a list ("<n>, <n>, <n>") become one mark, so that lists
// of different lengths are alike. What is quoted is kept if it is short: names
// of symbols, modules and files are quoted, and they tell causes apart.
var marks = [...]string{"<n>", "<hex>", "<uuid>", "<ip>", "<time>", "<dur>", "<ver>", "<path>", "<mail>", "<b64>", "<id>", "<str>"}

// Mask replaces what varies from run to run by marks. The result is at most
// three times as long as s.
func Mask(s string) string { return string(AppendMask(nil, []byte(s))) }

// AppendMask appends the masked src to dst. It is one pass without regular
// expressions: each byte that begins a word is tried against the shapes above.
func AppendMask(dst, src []byte) []byte {
	m := masker{dst: dst, base: len(dst), src: src}
	for m.i < len(src) {
		m.step()
	}
	return m.dst
}

// Classes of bytes, in one table, because the masker asks for every byte.
const (
	cDigit = 1 << iota
	cLower
	cUpper
	cHex
	cUnder
	cPath // may stand in a segment of a path
	cOpen
	cClose
	cWord = cDigit | cLower | cUpper | cUnder
)

var class = func() (t [256]uint8) {
	for c := range 256 {
		b := byte(c)
		switch {
		case '0' <= b && b <= '9':
			t[c] |= cDigit | cHex | cPath
		case 'a' <= b && b <= 'z':
			t[c] |= cLower | cPath
		case 'A' <= b && b <= 'Z':
			t[c] |= cUpper | cPath
		case b == '_':
			t[c] |= cUnder | cPath
		case b == '-' || b == '.' || b == '+' || b == '@' || b == '~' || b == '%':
			t[c] |= cPath
		case b == '[' || b == '(' || b == '{':
			t[c] |= cOpen
		case b == ']' || b == ')' || b == '}':
			t[c] |= cClose
		}
		if 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F' {
			t[c] |= cHex
		}
	}
	return t
}()

func is(c byte, what uint8) bool { return class[c]&what != 0 }

// masker is the state of one pass.
type masker struct {
	dst, src []byte
	base     int // where this pass began in dst
	i        int
	open     int // where in dst the text of an open quote begins; 0: none is open
	depth    int // of brackets: inside, blanks separate the items of a list too
}

// step consumes at least one byte.
func (m *masker) step() {
	c := m.src[m.i]
	k := class[c]
	switch {
	case k&cDigit != 0:
		m.digit()
	case k&cWord != 0:
		m.word()
	case c == '<':
		m.angle()
	case c == '/':
		m.slash()
	case c == '"' || c == '\'' || c == '`':
		m.quote(c)
	case c == '-' || c == '+':
		m.sign()
	case c == ':':
		m.colon()
	default:
		if c == '\n' {
			m.open, m.depth = 0, 0
		}
		if k&cOpen != 0 {
			m.depth++
		} else if k&cClose != 0 && m.depth > 0 {
			m.depth--
		}
		m.dst = append(m.dst, c)
		m.i++
	}
}

// emit writes a mark for the bytes up to end, unless it continues a run of the same mark.
func (m *masker) emit(mark string, end int) {
	m.i = end
	if keep := m.run(mark); keep >= 0 {
		m.dst = m.dst[:keep]
		return
	}
	m.dst = append(m.dst, mark...)
}

// run finds the end of an equal mark that stands before the separator at the
// end of dst; -1: there is none.
func (m *masker) run(mark string) int {
	d := m.dst[m.base:]
	end := len(d)
	comma := false
	for end > 0 && (d[end-1] == ' ' || d[end-1] == ',' && !comma) {
		if d[end-1] == ',' {
			comma = true
		}
		end--
	}
	if blank := end < len(d) && !comma; blank && m.depth == 0 {
		return -1
	}
	if end < len(mark) || string(d[end-len(mark):end]) != mark {
		return -1
	}
	return m.base + end
}

// prev is the last byte that was written; 0 at the start. What was written, not
// what was read, decides, because that is what a second pass would see.
func (m *masker) prev() byte {
	if len(m.dst) == m.base {
		return 0
	}
	return m.dst[len(m.dst)-1]
}

func (m *masker) at(i int) byte {
	if i < len(m.src) {
		return m.src[i]
	}
	return 0
}

func (m *masker) copyTo(end int) {
	m.dst = append(m.dst, m.src[m.i:end]...)
	m.i = end
}

// angle copies a mark that is already there.
func (m *masker) angle() {
	if mark := m.markAt(m.i); mark != "" {
		m.emit(mark, m.i+len(mark))
		return
	}
	m.copyTo(m.i + 1)
}

// markAt is the mark that begins at i; empty: there is none.
func (m *masker) markAt(i int) string {
	if m.at(i) != '<' {
		return ""
	}
	rest := m.src[i:]
	for _, mark := range marks {
		if len(rest) >= len(mark) && string(rest[:len(mark)]) == mark {
			return mark
		}
	}
	return ""
}

// glued reports whether the word that ends at end touches a mark: it is a rest
// of something, and its own shape means nothing.
func (m *masker) glued(end int) bool {
	return m.prev() == '>' || m.markAt(end) != ""
}

// span is the end of the run of bytes of a class that begins at i.
func (m *masker) span(i int, what uint8) int {
	for i < len(m.src) && class[m.src[i]]&what != 0 {
		i++
	}
	return i
}
