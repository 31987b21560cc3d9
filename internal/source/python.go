package source

import (
	"keepgreen/internal/ci"
)

// Python reads one Python file. It never fails: what cannot be read is said in
// Broken, beside everything that was found before and after it.
func Python(src []byte) Facts {
	text, latin := decode(src)
	s := python{src: text, latin: latin, line: 1}
	s.brackets = append(make([]bracket, 0, 16), bracket{})
	s.blocks = append(make([]block, 0, 16), block{kind: bModule})
	s.openFrame(ci.Definition{Name: "<module>", Kind: ci.DefModule, First: 1, Line: 1})
	for s.lineStart() {
		s.settle()
		s.next()
		s.logicalLine()
	}
	if s.depth() > 0 {
		s.broken(int(s.top().line), "a bracket is never closed")
	}
	for len(s.blocks) > 1 {
		s.closeBlock()
	}
	s.facts.Lines = s.line
	if n := len(text); n > 0 && (text[n-1] == '\n' || text[n-1] == '\r') {
		s.facts.Lines--
	}
	s.lastEnd = max(s.facts.Lines, 1)
	s.closeFrame()
	return s.facts
}

// statements is what the scanner knows of statements and blocks.
type statements struct {
	facts    Facts
	blocks   []block
	frames   []frame
	kept     bool // the next logical line begins at pos, in column col
	lastCode int  // the last line known to hold code
	nest     int  // structures that make what is inside harder to read
	control  int  // control structures that are open
	funcs    int  // functions that are open
	header   bool // in the header of the innermost frame
	noCC     bool // what is read does not count as cyclomatic complexity
	noCog    bool // nor as cognitive complexity
	deco     decorators
	comma    bool // a comma was read that may turn out to be a trailing one
	loading  bool // the next token is what a loader is called with
	dynamic  *Import
}

// blockKind is which statement a block belongs to.
type blockKind uint8

const (
	bNone blockKind = iota
	bModule
	bIf
	bLoop
	bTry
	bWith
	bMatch
	bCase
	bDef
	bClass
)

// block is an open compound statement.
type block struct {
	kind        blockKind
	col         int  // of its header
	body        int  // column of its statements; -1: none was seen yet
	inline      bool // its statements follow on the header's line
	typing      bool // only a type checker comes here
	conditional bool // perhaps nobody comes here
	nests       bool // counts as nesting for cognitive complexity
	controls    bool // counts as a level of control
	notTyping   bool // if not TYPE_CHECKING: the else is for type checkers
	cases       int  // of a match
	bare        bool // a match has a case that catches all

	prev     blockKind // the compound statement that ended last directly within
	prevNot  bool      // and it was an if not TYPE_CHECKING
	returns  int       // statements directly within that return
	defs     int       // that define a function
	contains int       // all of them
}

func (s *python) block() *block { return &s.blocks[len(s.blocks)-1] }

// broken notes the first thing that is wrong.
func (s *python) broken(line int, text string) {
	if s.facts.Broken == nil {
		s.facts.Broken = &Problem{Line: line, Text: text}
	}
}

// settle closes the blocks that a line at this indentation is not in, and opens
// the body that it begins.
func (s *python) settle() {
	if top := s.block(); top.body < 0 {
		if s.col > top.col {
			top.body = s.col
			return
		}
		s.broken(s.line, "a block has no statements")
		s.closeBlock()
	}
	for len(s.blocks) > 1 && s.block().body > s.col {
		s.closeBlock()
	}
	if s.block().body < s.col {
		s.broken(s.line, "an unexpected indentation")
	}
}

// openBlock follows a header up to and over its ":".
func (s *python) openBlock(b block) {
	outer := s.block()
	b.col = max(outer.body, 0)
	b.typing = b.typing || outer.typing
	b.conditional = b.conditional || outer.conditional
	if !s.tok.is(':') {
		s.broken(s.tok.line, "a ':' is missing")
		if b.kind == bDef || b.kind == bClass {
			s.closeFrame()
		}
		return
	}
	s.take()
	s.mark(markOpen)
	b.body = -1
	if s.tok.kind != tNewline && s.tok.kind != tEOF {
		b.inline, b.body = true, b.col
	}
	if b.nests {
		s.nest++
	}
	if b.controls {
		s.control++
		f := s.frame()
		f.def.Nesting = max(f.def.Nesting, s.control-f.control)
	}
	s.blocks = append(s.blocks, b)
}

// closeBlock ends the innermost block and remembers what an else would mean.
func (s *python) closeBlock() {
	b := *s.block()
	if b.nests {
		s.nest--
	}
	if b.controls {
		s.control--
	}
	if b.kind == bMatch {
		s.closeMatch(b)
	}
	if b.kind == bDef || b.kind == bClass {
		if b.kind == bDef && b.contains == 2 && b.defs == 1 && b.returns == 1 {
			s.forgiveDecorator()
		}
		s.closeFrame()
	} else {
		s.mark(markClose)
	}
	s.blocks = s.blocks[:len(s.blocks)-1]
	s.block().prev, s.block().prevNot = b.kind, b.notTyping
}

// logicalLine reads the statements of one logical line.
func (s *python) logicalLine() {
	for s.tok.kind != tNewline && s.tok.kind != tEOF {
		if s.tok.is(';') {
			s.next()
			continue
		}
		before := s.tok
		s.statement()
		if s.tok == before { // nothing was read: a stray token
			s.take()
		}
	}
	for s.block().inline {
		s.closeBlock()
	}
}

// statement reads one statement up to the ";" or the end of the line, or up to
// and over the ":" of a compound one.
func (s *python) statement() {
	s.brackets[0] = bracket{}
	s.mark(markStatement)
	word, async := s.tok.word, false
	if word == kAsync {
		s.take()
		word, async = s.tok.word, true
	}
	if s.compound(word) {
		return
	}
	if b := s.block(); !s.tok.is('@') {
		b.contains++
		b.prev = bNone
		s.deco = s.deco.unused()
	}
	switch {
	case async:
	case s.tok.is('@'):
		s.decorator()
		return
	case word == kImport:
		s.importStatement(false)
	case word == kFrom:
		s.fromStatement(false)
	case word == kLazy:
		s.take()
		switch s.tok.word {
		case kImport:
			s.importStatement(true)
		case kFrom:
			s.fromStatement(true)
		}
	case word == kReturn:
		s.block().returns++
	case word == kAssert:
		// radon counts an assert as one and does not look into it.
		s.cc(1)
		s.noCC = true
	}
	s.expr(false)
	s.noCC = false
}

// compound reads the header of a compound statement; false: it is none.
func (s *python) compound(word keyword) bool {
	outer := s.block()
	switch word {
	case kDef, kClass:
		s.definition(word)
		return true
	case kIf:
		s.count(true)
		s.ifHeader(block{kind: bIf, conditional: true, nests: true, controls: true})
	case kElif:
		s.count(false)
		s.ifHeader(block{kind: bIf, conditional: true, nests: true, controls: true})
	case kElse:
		b := block{kind: bNone, conditional: true, nests: outer.prev != bTry, controls: true, typing: outer.prevNot}
		if outer.prev == bLoop || outer.prev == bTry {
			s.cc(1)
		}
		if outer.prev == bTry {
			b.kind = bTry
		}
		s.cog(0, false)
		s.headerOf(b)
	case kFor, kWhile:
		s.count(true)
		s.headerOf(block{kind: bLoop, conditional: true, nests: true, controls: true})
	case kTry:
		s.headerOf(block{kind: bTry, conditional: true, controls: true})
	case kExcept:
		s.count(true)
		s.headerOf(block{kind: bTry, conditional: true, nests: true, controls: true})
	case kFinally:
		s.headerOf(block{kind: bNone, controls: true})
	case kWith:
		s.headerOf(block{kind: bWith, controls: true})
	case kMatch:
		return s.matchHeader()
	case kCase:
		return outer.kind == bMatch && s.caseHeader()
	default:
		return false
	}
	return true
}

// headerOf reads a header whose first word is the current token.
func (s *python) headerOf(b block) {
	outer := s.block()
	outer.contains++
	outer.prev, outer.prevNot = bNone, false
	s.deco = s.deco.unused()
	s.take()
	s.expr(true)
	s.openBlock(b)
}

// ifHeader reads the condition of an if or elif and notes whether it asks for
// type checkers.
func (s *python) ifHeader(b block) {
	outer := s.block()
	outer.contains++
	outer.prev, outer.prevNot = bNone, false
	s.take()
	negated := s.tok.word == kNot
	checks, alternatives, words := false, false, 0
	for !s.atEnd(true) {
		if s.tok.kind == tName {
			words++
			alternatives = alternatives || s.tok.word == kOr
			checks = checks || string(s.src[s.tok.start:s.tok.end]) == "TYPE_CHECKING"
		}
		s.weigh()
		s.take()
	}
	b.typing = checks && !negated && !alternatives
	b.notTyping = checks && negated && words <= 3 // not typing.TYPE_CHECKING
	s.openBlock(b)
}

// atEnd reports whether the expression ends here: at the statement's end, or at
// the ":" of a header, which is no lambda's.
func (s *python) atEnd(header bool) bool {
	switch {
	case s.tok.kind == tNewline || s.tok.kind == tEOF:
		return true
	case s.depth() > 0:
		return false
	case s.tok.is(';'):
		return true
	}
	return header && s.tok.is(':') && s.brackets[0].lambdas == 0
}

// expr reads the rest of a statement or header.
func (s *python) expr(header bool) {
	for !s.atEnd(header) {
		s.weigh()
		s.take()
	}
}

// take folds the current token into the hashes of what it belongs to and reads
// the next one.
func (s *python) take() {
	t := s.tok
	if t.line > s.lastCode {
		s.facts.Code++
	}
	if s.line > t.line {
		s.facts.Code += s.line - t.line
	}
	s.lastCode, s.lastEnd = max(s.lastCode, s.line), s.line
	s.fold(t)
	s.next()
}
