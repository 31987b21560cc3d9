package source

import "bytes"

// kind is what a token is.
type kind uint8

const (
	tEOF     kind = iota
	tNewline      // the end of a logical line
	tName         // an identifier or a keyword
	tNumber
	tString // a whole string, or one literal piece of an f-string
	tOp
)

// lexeme is a piece of the source.
type lexeme struct {
	kind       kind
	word       keyword // of a name that is a keyword
	op         byte    // of an operator: its first byte
	plain      bool    // of a string: complete and without fields
	start, end int
	line       int
}

// Character classes.
const (
	isWord  = 1 << iota // may stand in an identifier
	isDigit             // 0-9
	isBlank             // between tokens of a line
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = isWord | isDigit
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_', b >= 0x80:
			t[c] = isWord
		case b == ' ', b == '\t', b == '\f', b == '\r':
			t[c] = isBlank
		}
	}
	return t
}()

// bracket is one open bracket; the first of a scanner's stack stands for the
// logical line itself. It also holds what complexity needs to know of an
// expression at this level.
type bracket struct {
	open    byte
	field   bool // the "{" of an f-string
	spec    bool // within a field: after its ":"
	value   bool // follows a value: a call or a subscript
	negated bool // follows a "not": its and's are a run of their own
	comprh  bool // a "for" was seen: an "if" here filters
	seq     keyword
	ternary uint8 // conditional expressions and lambdas that this place stands in
	base    uint8 // ternary, when the bracket was opened
	commas  uint8
	lambdas uint16
	line    int32
}

// fstring is a string with fields that is being read.
type fstring struct {
	quote       byte
	triple, raw bool
}

// python goes through Python source once.
type python struct {
	src   []byte
	latin bool
	pos   int
	line  int
	col   int  // of the first token of the logical line
	lit   bool // within the literal part of the innermost f-string
	field bool // the next token opens a field

	brackets []bracket
	fstrings []fstring

	tok     lexeme
	back    [3]lexeme // the tokens before tok, nearest first
	lastEnd int       // line on which the last token ended

	statements
}

// depth is the number of open brackets.
func (s *python) depth() int { return len(s.brackets) - 1 }

func (s *python) top() *bracket { return &s.brackets[len(s.brackets)-1] }

// lineStart goes to the first token of the next logical line, past blank lines
// and comments, and measures how far it is indented.
func (s *python) lineStart() bool {
	if s.kept {
		s.kept = false
		return true
	}
	for s.pos < len(s.src) {
		col := 0
	indent:
		for s.pos < len(s.src) {
			switch s.src[s.pos] {
			case ' ':
				col++
			case '\t':
				col = col/8*8 + 8
			case '\f':
				col = 0
			default:
				break indent
			}
			s.pos++
		}
		if s.pos >= len(s.src) {
			return false
		}
		switch c := s.src[s.pos]; {
		case c == '\n' || c == '\r':
			s.pos = s.afterNewline(s.pos)
			s.line++
		case c == '#':
			s.skipComment()
		case c == '\\' && s.joins():
			// A joined blank line keeps the indentation before the backslash.
			s.pos = s.afterNewline(s.pos + 1)
			s.line++
			for s.pos < len(s.src) && (s.src[s.pos] == ' ' || s.src[s.pos] == '\t') {
				s.pos++
			}
			s.col = col
			if s.pos < len(s.src) && s.src[s.pos] != '\n' && s.src[s.pos] != '#' {
				return true
			}
		default:
			s.col = col
			return true
		}
	}
	return false
}

// skipComment goes to the end of the line; a lone \r ends one too.
func (s *python) skipComment() {
	n := bytes.IndexByte(s.src[s.pos:], '\n')
	if n < 0 {
		n = len(s.src) - s.pos
	}
	if r := bytes.IndexByte(s.src[s.pos:s.pos+n], '\r'); r >= 0 {
		n = r
	}
	s.pos += n
}

// joins reports whether the backslash at pos is followed by the line's end.
func (s *python) joins() bool {
	return s.pos+1 < len(s.src) && (s.src[s.pos+1] == '\n' || s.src[s.pos+1] == '\r')
}

// afterNewline is the position behind the \n, \r or \r\n at i.
func (s *python) afterNewline(i int) int {
	if s.src[i] == '\r' && i+1 < len(s.src) && s.src[i+1] == '\n' {
		return i + 2
	}
	return i + 1
}

// next reads the next token into tok.
func (s *python) next() {
	s.back[2], s.back[1], s.back[0] = s.back[1], s.back[0], s.tok
	if s.lit {
		s.literal(s.pos)
		return
	}
	if s.field {
		s.field = false
		s.open('{', true)
		return
	}
	fresh := false // the token is the first of its line within brackets
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == '\r' && (s.pos+1 == len(s.src) || s.src[s.pos+1] != '\n'), c == '\n': // an old Mac's line end is one too
			if s.depth() == 0 {
				s.tok = lexeme{kind: tNewline, start: s.pos, end: s.pos + 1, line: s.line}
				s.pos++
				s.line++
				return
			}
			s.pos++
			s.line++
			fresh = true
		case class[c]&isBlank != 0:
			s.pos++
		case c == '#':
			s.skipComment()
		case c == '\\' && s.joins():
			s.pos = s.afterNewline(s.pos + 1)
			s.line++
		default:
			s.read(c)
			if fresh && s.tok.word.opensStatement() {
				s.abandon()
			}
			return
		}
	}
	s.tok = lexeme{kind: tEOF, start: s.pos, end: s.pos, line: s.line}
}

// abandon gives up brackets that were never closed: the line begins with a word
// that cannot stand within an expression. The word is read again as the start
// of a line of its own.
func (s *python) abandon() {
	s.broken(int(s.top().line), "a bracket is never closed")
	s.pos = s.tok.start
	s.brackets, s.fstrings = s.brackets[:1], s.fstrings[:0]
	s.lit = false
	s.col = s.pos - 1 - bytes.LastIndexByte(s.src[:s.pos], '\n')
	s.kept = true
	s.tok = lexeme{kind: tNewline, start: s.pos, end: s.pos, line: s.line}
}

// read reads the token that begins with c.
func (s *python) read(c byte) {
	start := s.pos
	switch {
	case class[c]&isDigit != 0, c == '.' && start+1 < len(s.src) && class[s.src[start+1]]&isDigit != 0:
		s.number()
	case class[c]&isWord != 0:
		s.name()
	case c == '"' || c == '\'':
		s.str(start, start)
	case c == '(' || c == '[' || c == '{':
		s.open(c, false)
	case c == ')' || c == ']' || c == '}':
		s.shut(c)
	default:
		s.operator(c)
	}
}

func (s *python) name() {
	start, end := s.pos, s.pos+1
	for end < len(s.src) && class[s.src[end]]&isWord != 0 {
		end++
	}
	if end < len(s.src) && end-start <= 3 && (s.src[end] == '"' || s.src[end] == '\'') && isPrefix(s.src[start:end]) {
		s.str(start, end)
		return
	}
	s.pos = end
	s.tok = lexeme{kind: tName, start: start, end: end, line: s.line}
	if n := end - start; n >= 2 && n <= 8 {
		s.tok.word = keywordOf(s.src[start:end])
	}
}

func (s *python) number() {
	i, src := s.pos, s.src
	digits := func() {
		for i < len(src) && (class[src[i]]&isDigit != 0 || src[i] == '_') {
			i++
		}
	}
	switch {
	case src[i] == '0' && i+1 < len(src) && (src[i+1]|0x20 == 'x'):
		for i += 2; i < len(src) && (class[src[i]]&isDigit != 0 || src[i] == '_' || src[i]|0x20 >= 'a' && src[i]|0x20 <= 'f'); {
			i++
		}
	case src[i] == '0' && i+1 < len(src) && (src[i+1]|0x20 == 'b' || src[i+1]|0x20 == 'o'):
		i += 2
		digits()
	default:
		digits()
		if i < len(src) && src[i] == '.' {
			i++
			digits()
		}
		i = exponent(src, i)
	}
	if i < len(src) && (src[i]|0x20 == 'j' || src[i]|0x20 == 'l') {
		i++
	}
	s.tok = lexeme{kind: tNumber, start: s.pos, end: i, line: s.line}
	s.pos = i
}

// exponent steps over "e10" and "e-5", but not over the "e" of "1else".
func exponent(src []byte, i int) int {
	if i >= len(src) || src[i]|0x20 != 'e' {
		return i
	}
	j := i + 1
	if j < len(src) && (src[j] == '+' || src[j] == '-') {
		j++
	}
	if j >= len(src) || class[src[j]]&isDigit == 0 {
		return i
	}
	for j < len(src) && (class[src[j]]&isDigit != 0 || src[j] == '_') {
		j++
	}
	return j
}

// open reads an opening bracket.
func (s *python) open(c byte, field bool) {
	outer := s.top()
	level := bracket{open: c, field: field, value: s.afterValue(), negated: s.back[0].word == kNot, line: int32(min(s.line, 1<<30)), ternary: outer.ternary, base: outer.ternary}
	if level.groups() {
		level.seq = outer.seq
	}
	s.brackets = append(s.brackets, level)
	s.tok = lexeme{kind: tOp, op: c, start: s.pos, end: s.pos + 1, line: s.line}
	s.pos++
}

// groups reports whether the bracket only groups: a sequence of and's goes on
// within it.
func (b bracket) groups() bool { return b.open == '(' && !b.value && !b.negated }

// afterValue reports whether the token before is something that can be called
// or subscripted.
func (s *python) afterValue() bool {
	t := s.back[0]
	switch t.kind {
	case tName:
		return t.word == 0 || t.word == kNone
	case tString:
		return true
	case tOp:
		return t.op == ')' || t.op == ']' || t.op == '}'
	case tEOF, tNewline, tNumber:
	}
	return false
}

var closes = [256]byte{'(': ')', '[': ']', '{': '}'}

// shut reads a closing bracket.
func (s *python) shut(c byte) {
	s.tok = lexeme{kind: tOp, op: c, start: s.pos, end: s.pos + 1, line: s.line}
	s.pos++
	level := *s.top()
	if s.depth() == 0 || closes[level.open] != c {
		s.broken(s.line, "a bracket is closed that was not opened")
		return
	}
	s.brackets = s.brackets[:len(s.brackets)-1]
	if level.groups() {
		s.top().seq = level.seq
	}
	s.lit = level.field
}

// operator reads everything else, up to three bytes that belong together. Their
// exact meaning matters to hashes only, and to ":=" which is no ":".
func (s *python) operator(c byte) {
	n := 1
	rest := s.src[s.pos:]
	switch {
	case c == ':' && s.top().field:
		s.top().spec = true
		s.lit = true
	case len(rest) > 2 && rest[2] == '=' && rest[1] == c && (c == '*' || c == '/' || c == '<' || c == '>'):
		n = 3
	case len(rest) > 1 && rest[1] == '=' && bytes.IndexByte([]byte("=!<>+-*/%&|^@:"), c) >= 0:
		n = 2
	case len(rest) > 1 && (rest[1] == c && (c == '*' || c == '/' || c == '<' || c == '>') || c == '-' && rest[1] == '>' || c == '<' && rest[1] == '>'):
		n = 2
	}
	s.tok = lexeme{kind: tOp, op: c, start: s.pos, end: s.pos + n, line: s.line}
	s.pos += n
}

// is reports whether the current token is the one-byte operator c.
func (t *lexeme) is(c byte) bool { return t.kind == tOp && t.op == c && t.end-t.start == 1 }
