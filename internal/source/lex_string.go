package source

import "bytes"

// isPrefix reports whether letters directly before a quote belong to the string.
func isPrefix(b []byte) bool {
	for _, c := range b {
		switch c | 0x20 {
		case 'r', 'b', 'u', 'f', 't':
		default:
			return false
		}
	}
	return true
}

// str reads the string whose prefix starts at start and whose quote is at quote.
func (s *python) str(start, quote int) {
	var raw, fields bool
	for _, c := range s.src[start:quote] {
		raw = raw || c|0x20 == 'r'
		fields = fields || c|0x20 == 'f' || c|0x20 == 't'
	}
	q := s.src[quote]
	triple := quote+2 < len(s.src) && s.src[quote+1] == q && s.src[quote+2] == q
	s.pos = quote + 1
	if triple {
		s.pos += 2
	}
	if fields {
		s.fstrings = append(s.fstrings, fstring{quote: q, triple: triple, raw: raw})
		s.literal(start)
		return
	}
	line := s.line
	if triple {
		s.closeTriple(q, line)
	} else {
		s.closeSingle(q)
	}
	s.tok = lexeme{kind: tString, plain: true, start: start, end: s.pos, line: line}
}

// closeSingle goes behind the quote that ends a string of one line.
func (s *python) closeSingle(q byte) {
	src := s.src
	for i := s.pos; i < len(src); i++ {
		switch src[i] {
		case q:
			s.pos = i + 1
			return
		case '\\':
			if i+1 < len(src) && (src[i+1] == '\n' || src[i+1] == '\r') {
				s.line++
				i = s.afterNewline(i+1) - 1
				continue
			}
			i++
		case '\n':
			s.broken(s.line, "a string is never closed")
			s.pos = i
			return
		}
	}
	s.broken(s.line, "a string is never closed")
	s.pos = len(src)
}

// closeTriple goes behind the three quotes that end a string. Long texts are
// passed over by IndexByte.
func (s *python) closeTriple(q byte, line int) {
	src, i := s.src, s.pos
	for i < len(src) {
		n := bytes.IndexByte(src[i:], q)
		if n < 0 {
			break
		}
		stop := i + n
		if b := bytes.IndexByte(src[i:stop], '\\'); b >= 0 { // an escaped character, perhaps the quote
			i += b + 2
			continue
		}
		if stop+2 < len(src) && src[stop+1] == q && src[stop+2] == q {
			s.line += lineEnds(src[s.pos:stop])
			s.pos = stop + 3
			return
		}
		i = stop + 1
	}
	s.broken(line, "a string is never closed")
	s.line += lineEnds(src[s.pos:])
	s.pos = len(src)
}

// lineEnds counts \n, \r\n and lone \r.
func lineEnds(b []byte) int {
	n := bytes.Count(b, []byte("\n"))
	for i := bytes.IndexByte(b, '\r'); i >= 0 && i < len(b); {
		if i+1 == len(b) || b[i+1] != '\n' {
			n++
		}
		next := bytes.IndexByte(b[i+1:], '\r')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return n
}

// literal reads the text of the innermost f-string from pos to its end or to
// the next field (PEP 701: a field may hold anything, the same quotes too). The
// token starts at start, which may be the prefix.
func (s *python) literal(start int) {
	f := s.fstrings[len(s.fstrings)-1]
	spec := s.top().field && s.top().spec
	line := s.line
	s.lit = false
	src, i := s.src, s.pos
	done := func(end int) {
		s.pos = end
		s.tok = lexeme{kind: tString, start: start, end: end, line: line}
	}
	for i < len(src) {
		c := src[i]
		again := i+1 < len(src) && src[i+1] == c
		switch {
		case c == f.quote && (!f.triple || again && i+2 < len(src) && src[i+2] == c):
			s.endFString(spec)
			done(i + map[bool]int{false: 1, true: 3}[f.triple])
			return
		case c == '\\':
			i = s.escape(i, f.raw)
		case c == '{' && again && !spec, c == '}' && again && !spec:
			i += 2
		case c == '{':
			s.field = true
			done(i)
			return
		case c == '}' && spec:
			done(i)
			return
		case c == '\n' || c == '\r' && !again:
			if !f.triple && c == '\n' {
				s.broken(line, "a string is never closed")
				s.endFString(spec)
				done(i)
				return
			}
			if c == '\n' || i+1 == len(src) || src[i+1] != '\n' {
				s.line++
			}
			i++
		default:
			i++
		}
	}
	s.broken(line, "a string is never closed")
	s.endFString(spec)
	done(len(src))
}

// endFString closes the innermost f-string; one that ends within the format
// specification of a field takes the field with it.
func (s *python) endFString(spec bool) {
	s.fstrings = s.fstrings[:len(s.fstrings)-1]
	if spec {
		s.broken(s.line, "a field of an f-string is never closed")
		s.brackets = s.brackets[:len(s.brackets)-1]
	}
	// The string may stand within a field of another one, whose text goes on
	// only after that field's own brace.
}

// escape is the position behind the backslash at i and what it escapes. A brace
// after it still opens a field, but not in \N{NAME}.
func (s *python) escape(i int, raw bool) int {
	src := s.src
	if i+1 >= len(src) {
		return i + 1
	}
	switch c := src[i+1]; {
	case c == '{' || c == '}':
		return i + 1
	case c == 'N' && !raw && i+2 < len(src) && src[i+2] == '{':
		if n := bytes.IndexByte(src[i:min(i+200, len(src))], '}'); n > 0 {
			return i + n + 1
		}
	case c == '\n' || c == '\r':
		s.line++
		return s.afterNewline(i + 1)
	}
	return i + 2
}
