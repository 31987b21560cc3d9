package source

// keyword is a word that statements or expressions turn on; zero: none of them.
type keyword uint8

const (
	kAnd keyword = iota + 1
	kAs
	kAssert
	kAsync
	kBreak
	kCase
	kClass
	kDef
	kElif
	kElse
	kExcept
	kFinally
	kFor
	kFrom
	kIf
	kImport
	kIn
	kLambda
	kLazy
	kMatch
	kNone // None, True, False: a value
	kNot
	kOr
	kReturn
	kTry
	kWhile
	kWith
	kStop  // a statement that cannot stand in an expression: raise, del, pass, …
	kOther // is, await, yield
)

// keywordOf is the keyword that the bytes spell. "match", "case" and "lazy" are
// keywords in some places only; the statements decide.
func keywordOf(b []byte) keyword {
	switch string(b) {
	case "and":
		return kAnd
	case "as":
		return kAs
	case "assert":
		return kAssert
	case "async":
		return kAsync
	case "case":
		return kCase
	case "class":
		return kClass
	case "def":
		return kDef
	case "elif":
		return kElif
	case "else":
		return kElse
	case "except":
		return kExcept
	case "finally":
		return kFinally
	case "for":
		return kFor
	case "from":
		return kFrom
	case "if":
		return kIf
	case "import":
		return kImport
	case "in":
		return kIn
	case "lambda":
		return kLambda
	case "lazy":
		return kLazy
	case "match":
		return kMatch
	case "None", "True", "False":
		return kNone
	case "not":
		return kNot
	case "or":
		return kOr
	case "return":
		return kReturn
	case "try":
		return kTry
	case "while":
		return kWhile
	case "with":
		return kWith
	case "break", "continue", "raise", "del", "pass", "global":
		return kStop
	case "is", "await", "yield":
		return kOther
	}
	return 0
}

// opensStatement reports whether the word begins a statement wherever it
// stands, so that no expression can hold it.
func (k keyword) opensStatement() bool {
	switch k {
	case kAssert, kClass, kDef, kElif, kExcept, kFinally, kImport, kReturn, kTry, kWhile, kWith, kStop:
		return true
	}
	return false
}
