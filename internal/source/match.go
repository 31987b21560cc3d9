package source

// matchHeader reads "match subject:", or an expression that begins with a name
// "match". Which of the two it is shows only at the end of the line.
func (s *python) matchHeader() bool {
	s.take()
	switch t := s.tok; {
	case t.kind == tNewline || t.kind == tEOF:
		return false
	case t.kind == tOp && !startsValue(t):
		return false
	case t.word == kIn || t.word == kIf || t.word == kAnd || t.word == kOr || t.word == kFor || t.word == kElse:
		return false
	}
	s.expr(true)
	if !s.tok.is(':') || !s.lineEnds() {
		return false
	}
	s.deco = s.deco.unused()
	outer := s.block()
	outer.contains++
	outer.prev = bNone
	s.cog(0, true)
	s.openBlock(block{kind: bMatch, nests: true, controls: true})
	return true
}

func startsValue(t lexeme) bool {
	switch t.op {
	case '(', '[', '{', '-', '~', '*', '+', '.':
		return t.end-t.start == 1
	}
	return false
}

// lineEnds reports whether nothing but a comment follows on this line.
func (s *python) lineEnds() bool {
	for _, c := range s.src[s.pos:] {
		switch {
		case c == '\n' || c == '#' || c == '\r':
			return true
		case class[c]&isBlank == 0:
			return false
		}
	}
	return true
}

// caseHeader reads "case pattern if guard:". A pattern that is one name catches
// everything, and radon does not count it.
func (s *python) caseHeader() bool {
	s.take()
	if s.tok.kind == tOp && !startsValue(s.tok) || s.tok.kind == tNewline || s.tok.kind == tEOF {
		return false
	}
	tokens, name := 0, false
	for !s.atEnd(true) && (s.depth() > 0 || s.tok.word != kIf) {
		if call := s.tok.is('(') && s.top().value; call || !s.tok.is('(') && !s.tok.is(')') {
			tokens++
			name = s.tok.kind == tName && s.tok.word != kNone
		}
		s.take()
	}
	if s.tok.word == kIf {
		s.take()
		s.expr(true)
	}
	outer := s.block()
	outer.cases++
	outer.contains++
	outer.bare = outer.bare || tokens == 1 && name
	s.openBlock(block{kind: bCase, conditional: true})
	return true
}

// closeMatch counts the cases that do not catch everything.
func (s *python) closeMatch(b block) {
	n := b.cases
	if b.bare {
		n--
	}
	s.cc(max(n, 0))
}
