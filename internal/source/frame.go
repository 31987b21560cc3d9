package source

import (
	"slices"

	"keepgreen/internal/ci"
)

// frame is an open definition.
type frame struct {
	index     int // of facts.Defs; -1: over the limit
	def       ci.Definition
	name      string // its last part
	hash      digest
	nest      int // of the scanner, where its body begins
	control   int
	inner     int  // structures within functions inside this one
	recursive bool // calls itself
	method    bool
}

// decorators are those read before a definition.
type decorators struct {
	line     int // of the first one; 0: none
	hash     digest
	abstract bool
	static   bool
}

// unused forgets decorators that no definition followed.
func (decorators) unused() decorators { return decorators{} }

// frame is the innermost open definition.
func (s *python) frame() *frame { return &s.frames[len(s.frames)-1] }

func (s *python) openFrame(def ci.Definition) *frame {
	index := -1
	if len(s.facts.Defs) < maxDefs {
		index = len(s.facts.Defs)
		s.facts.Defs = append(s.facts.Defs, def)
	}
	def.Complexity = 1
	s.frames = append(s.frames, frame{index: index, def: def, nest: s.nest, control: s.control})
	return s.frame()
}

func (s *python) closeFrame() {
	f := s.frame()
	f.def.Last = max(s.lastEnd, f.def.Line)
	f.def.Hash = uint64(f.hash)
	if f.recursive {
		f.def.Cognitive++
	}
	if f.index >= 0 {
		s.facts.Defs[f.index] = f.def
	}
	if f.def.Kind == ci.DefFunction || f.def.Kind == ci.DefMethod {
		s.funcs--
		if s.funcs > 0 {
			s.nest--
		}
	}
	s.header = false
	s.frames = s.frames[:len(s.frames)-1]
}

// decorator reads "@expression".
func (s *python) decorator() {
	if s.deco.line == 0 {
		s.deco.line = s.tok.line
	}
	s.noCC, s.noCog = true, true
	for !s.atEnd(false) {
		if s.tok.kind == tName {
			switch string(s.src[s.tok.start:s.tok.end]) {
			case "abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod":
				s.deco.abstract = true
			case "staticmethod":
				s.deco.static = true
			}
		}
		s.deco.hash.bytes(s.src[s.tok.start:s.tok.end])
		s.weigh()
		s.take()
	}
	s.noCC, s.noCog = false, false
}

// definition reads the header of a function or class.
func (s *python) definition(word keyword) {
	outer, within := s.block(), s.frame()
	outer.contains++
	outer.prev = bNone
	def := ci.Definition{Line: s.tok.line, First: s.tok.line, Kind: ci.DefFunction, Abstract: s.deco.abstract}
	if s.deco.line > 0 {
		def.First = s.deco.line
	}
	switch {
	case word == kClass:
		def.Kind, def.Abstract = ci.DefClass, false
	case within.def.Kind == ci.DefClass:
		def.Kind = ci.DefMethod
	}
	s.take()
	if s.tok.kind != tName {
		s.broken(s.tok.line, "a definition has no name")
		s.expr(false)
		return
	}
	name := s.text(s.src[s.tok.start:s.tok.end])
	def.Name = qualified(within.def, name)
	if within.def.Kind == ci.DefClass && def.Abstract {
		within.def.Abstract = true
	}
	f := s.openFrame(def)
	f.name, f.method = name, def.Kind == ci.DefMethod && !s.deco.static
	f.hash = s.deco.hash
	s.deco = decorators{}
	s.header, s.noCC, s.noCog = true, true, true
	s.take()
	kind := bClass
	if word == kDef {
		kind = bDef
		outer.defs++
		s.params(f)
	} else {
		s.bases(f)
	}
	s.header, s.noCC, s.noCog = false, false, false
	if word == kDef {
		s.funcs++
		if s.funcs > 1 {
			s.nest++
		}
		f.nest, f.control = s.nest, s.control
	}
	s.openBlock(block{kind: kind})
}

func qualified(outer ci.Definition, name string) string {
	switch {
	case outer.Kind == ci.DefModule || len(outer.Name)+len(name) > maxName:
		return name
	case outer.Kind == ci.DefClass:
		return outer.Name + "." + name
	}
	return outer.Name + ".<locals>." + name
}

// params reads the rest of a function's header and counts what it takes: the
// names, not the "/" and "*" between them.
func (s *python) params(f *frame) {
	expecting, done, first := false, false, true
	for !s.atEnd(true) {
		depth := s.depth()
		list := !done && depth > 0 && s.brackets[1].open == '('
		switch {
		case !list:
		case depth == 1 && (s.tok.is('(') || s.tok.is(',') && s.brackets[1].lambdas == 0):
			expecting = true
		case expecting && (depth == 1 && s.tok.kind == tName || depth == 2 && s.tok.is('(')):
			expecting = false
			if !first || !f.method {
				f.def.Params++
			}
			first = false
		}
		done = done || depth == 0 && s.tok.is(')')
		s.weigh()
		s.take()
	}
}

// abstractBases are the bases and metaclasses that make a class one that only
// describes.
var abstractBases = []string{"ABC", "ABCMeta", "Protocol", "Interface"}

func (s *python) bases(f *frame) {
	for !s.atEnd(true) {
		if s.depth() == 1 && s.tok.kind == tName && s.tok.word == 0 && slices.Contains(abstractBases, string(s.src[s.tok.start:s.tok.end])) {
			f.def.Abstract = true
		}
		s.weigh()
		s.take()
	}
}

// fold adds a token to the hashes of what it belongs to: the innermost
// definition, and in its header also the one around it, which evaluates
// defaults and decorators. A trailing comma that means nothing is left out, and
// quotes of either kind are one.
func (s *python) fold(t lexeme) {
	if s.comma {
		s.comma = false
		if t.kind != tOp || t.op != ')' && t.op != ']' && t.op != '}' {
			s.foldBytes([]byte{','})
		}
	}
	text := s.src[t.start:t.end]
	switch {
	case t.is(','):
		level := s.top()
		level.commas = min(level.commas+1, 2)
		if s.depth() > 0 && (level.commas > 1 || level.open == '{' || (level.open == '(') == level.value) {
			s.comma = true
			return
		}
	case t.kind == tString && t.plain:
		if n := len(text); n >= 2 && text[0] == '\'' && text[n-1] == '\'' && simple(text[1:n-1]) {
			s.foldBytes([]byte{'"'})
			text = text[1 : n-1]
		} else if n >= 2 && text[0] == '"' && text[n-1] == '"' && simple(text[1:n-1]) {
			s.foldBytes([]byte{'"'})
			text = text[1 : n-1]
		}
	}
	s.foldBytes(text)
}

// simple reports whether a string's text means the same in either quotes.
func simple(b []byte) bool {
	for _, c := range b {
		if c == '"' || c == '\'' || c == '\\' {
			return false
		}
	}
	return true
}

func (s *python) foldBytes(b []byte) {
	n := len(s.frames) - 1
	s.frames[n].hash.bytes(b)
	if s.header && n > 0 {
		s.frames[n-1].hash.bytes(b)
	}
}

// mark adds structure to the hash.
func (s *python) mark(m uint64) {
	s.comma = false
	s.frame().hash.word(m)
}
