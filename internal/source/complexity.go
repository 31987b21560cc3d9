package source

import "keepgreen/internal/ci"

// Cyclomatic complexity is counted as radon does (its tests are the reference):
// one for every if, elif, for, while, except, assert, comprehension, filter of
// one, conditional expression, "and" and "or", the else of a loop or try, and
// every case but one that catches all; functions inside do not count for the
// one around them.
//
// Cognitive complexity follows SonarSource (G. Ann Campbell, "Cognitive
// Complexity", version 1.7): one and one for every level of nesting for if, for,
// while, except, match and conditional expressions; one for elif, else and each
// run of like boolean operators; one for recursion. Comprehensions are
// shorthand and cost nothing. Functions inside count for the one around them.

func (s *python) cc(n int) {
	if !s.noCC {
		s.frame().def.Complexity += n
	}
}

// count adds to both measures.
func (s *python) count(structural bool) {
	s.cc(1)
	s.cog(0, structural)
}

// maxFrames bounds how many enclosing functions a structure counts for. Python
// itself allows 100 levels of indentation.
const maxFrames = 100

// cog adds one to the cognitive complexity of every function around, and where
// it is structural as much again as it is nested there.
func (s *python) cog(extra int, structural bool) {
	if s.noCog {
		return
	}
	innermost := true
	last := len(s.frames) - 1
	for i := last; i >= max(min(last, 1), last-maxFrames); i-- { // the module's own measure is of its own statements
		f := &s.frames[i]
		if f.def.Kind == ci.DefClass && s.funcs > 0 {
			continue
		}
		f.def.Cognitive++
		if structural {
			f.def.Cognitive += s.nest - f.nest + extra
			if !innermost {
				f.inner++
			}
		}
		innermost = false
		if f.def.Kind == ci.DefClass {
			break
		}
	}
}

// forgiveDecorator takes back the nesting that a decorator's inner function
// cost: a function that holds only another one and returns is not nested
// (the paper's appendix on Python).
func (s *python) forgiveDecorator() {
	f := s.frame()
	f.def.Cognitive -= f.inner
}

// weigh counts what the current token of an expression adds.
func (s *python) weigh() {
	if s.dynamic != nil {
		s.endDynamic()
	}
	if s.loading {
		s.loading = false
		if s.tok.kind != tString || !s.tok.plain {
			s.opaque(s.tok.line)
		}
	}
	level := s.top()
	switch s.tok.kind {
	case tName:
		s.weighWord(level)
	case tString:
		s.weighString()
	case tOp:
		switch s.tok.op {
		case ',':
			level.seq, level.ternary = 0, level.base
		case '(':
			s.weighCall()
		case ':':
			if s.tok.is(':') && level.lambdas > 0 {
				level.lambdas--
			}
		}
	case tEOF, tNewline, tNumber:
	}
}

func (s *python) weighWord(level *bracket) {
	switch s.tok.word {
	case kAnd, kOr:
		s.cc(1)
		if level.seq != s.tok.word {
			s.cog(0, false)
		}
		level.seq = s.tok.word
	case kIf:
		s.cc(1)
		level.seq = 0
		if !level.comprh {
			s.cog(int(level.ternary), true)
			level.ternary = min(level.ternary+1, 200)
		}
	case kFor:
		s.cc(1)
		level.seq, level.comprh = 0, true
	case kElse:
		level.seq = 0
	case kLambda:
		level.lambdas++
		level.ternary = min(level.ternary+1, 200)
	}
}

// weighCall notes a function that calls itself, and one that imports by name.
func (s *python) weighCall() {
	f := s.frame()
	if s.header || s.back[0].kind != tName {
		return
	}
	called := s.src[s.back[0].start:s.back[0].end]
	s.loading = isLoader(called)
	if f.recursive || f.name == "" || string(called) != f.name {
		return
	}
	dotted := s.back[1].is('.')
	if !f.method {
		f.recursive = !dotted
		return
	}
	owner := s.src[s.back[2].start:s.back[2].end]
	f.recursive = dotted && (string(owner) == "self" || string(owner) == "cls")
}
