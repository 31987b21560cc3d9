package source

import (
	"bytes"
	"regexp"
	"slices"
	"sort"
	"strings"

	"keepgreen/internal/ci"
)

// Statements are the lines of a Python file that coverage.py counts, with its
// own defaults of what is left out: for reading a `.coverage` database, which
// holds what ran and not what could have.
type Statements struct {
	Lines  []int          // on which a statement begins, ascending
	joined []ci.LineRange // statements over more than one line, ascending
}

// First is the line on which the statement begins that the line is part of.
func (s Statements) First(line int) int {
	i := sort.Search(len(s.joined), func(i int) bool { return s.joined[i].Last >= line })
	if i < len(s.joined) && s.joined[i].First <= line {
		return s.joined[i].First
	}
	return line
}

// excludedByDefault is what coverage.py 7 leaves out unless it is told otherwise:
// DEFAULT_EXCLUDE in coverage/config.py.
var excludedByDefault = []string{
	`#\s*(?:pragma|PRAGMA)[:\s]?\s*(?:no|NO)\s*(?:cover|COVER)`,
	`^\s*(?:(?:(?:async )?def .*?)?[\])]+(?:\s*->.*?)?:\s*)?\.\.\.\s*(?:#|$)`,
	`^\s*if (?:typing\.)?TYPE_CHECKING:`,
}

var defaultExclusion, _ = Exclusion(nil, nil)

// Exclusion makes one expression of those that a project leaves out: its lines
// instead of the defaults (nil: those), and others beside them. What Go's
// expressions do not know of Python's, such as looking ahead, is left out and
// named.
func Exclusion(lines, also []string) (all *regexp.Regexp, unknown []string) {
	if lines == nil {
		lines = excludedByDefault
	}
	var parts []string
	for _, one := range slices.Concat(lines, also) {
		if _, err := regexp.Compile("(?m:" + one + ")"); err != nil {
			unknown = append(unknown, one)
			continue
		}
		parts = append(parts, "(?m:"+one+")")
	}
	if len(parts) == 0 {
		parts = []string{`[^\s\S]`} // matches nothing
	}
	return regexp.MustCompile(strings.Join(parts, "|")), unknown
}

// PythonStatements finds the statements of a file; excluded is of Exclusion, nil:
// coverage.py's defaults. Like coverage.py it counts a
// logical line once, on its first line, and only if CPython compiles it to
// anything: not docstrings, not "else:" or "global", not what can never be
// reached, and nothing that is excluded.
func PythonStatements(src []byte, excluded *regexp.Regexp) Statements {
	if excluded == nil {
		excluded = defaultExclusion
	}
	text, _ := decode(src)
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	w := walker{lines: logicalLines(text)}
	w.exclude(text, excluded)
	for at := 0; at < len(w.lines); { // more than once only where the file does not parse
		at, _ = w.block(at, scope{docstring: at == 0})
	}
	var out Statements
	for i, l := range w.lines {
		if l.last > l.first {
			out.joined = append(out.joined, ci.LineRange{First: l.first, Last: l.last})
		}
		if w.runs[i] && !l.excluded {
			out.Lines = append(out.Lines, l.first)
		}
	}
	return Statements{Lines: slices.Compact(out.Lines), joined: out.joined}
}

// logical is one logical line: what stands between two ends of statements.
type logical struct {
	first, last, col int
	word             keyword // of its first token, behind "async"
	text             string  // of its first token, at most a few bytes
	header           bool    // of a compound statement
	inline           bool    // whose statements follow on the same line
	colon            bool    // has a ":" outside of brackets
	always, never    bool    // a header whose condition is a constant
	docstring        bool    // nothing but a string
	declares         bool    // a name with a type and without a value
	stops            bool    // what follows in the block is not reached: return, raise, break, continue
	breaks           bool
	catchAll         bool // case _ or case name
	excluded         bool
}

// logicalLines reads the lines with what is known of each by its tokens alone.
func logicalLines(text []byte) []logical {
	s := python{src: text, line: 1}
	s.brackets = append(make([]bracket, 0, 16), bracket{})
	var out []logical
	for s.lineStart() {
		s.next()
		if l, ok := s.logical(); ok {
			out = append(out, l)
		}
	}
	return out
}

// part is one simple statement of a logical line, as far as it was read.
type part struct {
	tokens  int
	first   string
	word    keyword
	texts   [3]string // of its first tokens
	colon   bool      // a ":" stands behind its first token
	assigns bool
	strings bool // nothing but strings
}

func (s *python) logical() (l logical, ok bool) {
	l = logical{first: s.tok.line, last: s.tok.line, col: s.col}
	lambdas := 0
	var p part
	p.strings = true
	for s.tok.kind != tNewline && s.tok.kind != tEOF {
		t := s.tok
		word := string(s.src[t.start:min(t.end, t.start+12)])
		outside := s.depth() == 0
		switch {
		case outside && t.is(';'):
			l.end(p, false)
			p = part{strings: true}
			s.next()
			continue
		case outside && t.word == kLambda:
			lambdas++
		case outside && t.is(':') && lambdas > 0:
			lambdas--
			l.colon = true
		case outside && t.is(':') && !l.header && l.isHeader(p):
			l.colon, l.header = true, true
			l.headed(p)
			s.next()
			l.inline = s.tok.kind != tNewline && s.tok.kind != tEOF
			p = part{strings: true}
			continue
		case outside && t.is(':'):
			l.colon = true
			p.colon = p.colon || p.tokens == 1
		case outside && t.is('='):
			p.assigns = true
		}
		p.add(t, word)
		if l.text == "" {
			l.text, l.word = word, t.word
		} else if l.word == kAsync && p.tokens == 2 {
			l.word = t.word
		}
		l.last = s.line
		s.next()
	}
	ok = l.text != ""
	l.end(p, !l.header)
	return l, ok
}

func (p *part) add(t lexeme, text string) {
	if p.tokens == 0 {
		p.first, p.word = text, t.word
	}
	if p.tokens < len(p.texts) {
		p.texts[p.tokens] = text
	}
	// Of bytes and f-strings there is no docstring; their prefix says so.
	prose := t.kind == tString && t.plain && !strings.ContainsAny(text[:max(strings.IndexAny(text, `"'`), 0)], "bBfFtT")
	p.strings = p.strings && prose
	p.tokens++
}

// isHeader reports whether a ":" that follows the tokens ends a header. "match"
// and "case" are names as well.
func (l *logical) isHeader(p part) bool {
	switch l.word {
	case kIf, kElif, kElse, kFor, kWhile, kTry, kExcept, kFinally, kWith, kDef, kClass:
		return true
	case kMatch, kCase:
		return p.tokens > 1 && p.texts[1] != "=" && p.texts[1] != "."
	default:
		return false
	}
}

// headed notes what the header says of whether its body runs.
func (l *logical) headed(p part) {
	switch l.word {
	case kIf, kElif, kWhile:
		if p.tokens == 2 {
			switch p.texts[1] {
			case "True", "1", "__debug__":
				l.always = true
			case "False", "0", "None":
				l.never = true
			}
		}
		if p.tokens == 3 && p.texts[1] == "not" && p.texts[2] == "__debug__" {
			l.never = true
		}
	case kCase:
		c := p.texts[1][0]
		l.catchAll = p.tokens == 2 && class[c]&isWord != 0 && class[c]&isDigit == 0 && p.texts[1] != "None" && p.texts[1] != "True" && p.texts[1] != "False"
	default:
	}
}

// end takes a simple statement into account. whole: it is all that the line has.
func (l *logical) end(p part, whole bool) {
	switch p.first {
	case "return", "raise", "break", "continue":
		l.stops = l.stops || !l.header || l.inline
		l.breaks = l.breaks || p.first == "break"
	case "global", "nonlocal":
		l.declares = whole
	}
	if whole && p.tokens > 0 {
		l.docstring = p.strings
		if p.colon && !p.assigns && p.word == 0 {
			l.declares = true
		}
	}
}

// exclude marks what matches, and what hangs on it: the suite under a header,
// and the function or class under a decorator or a signature.
func (w *walker) exclude(text []byte, excluded *regexp.Regexp) {
	w.runs = make([]bool, len(w.lines))
	line, from := 1, 0
	var marks []ci.LineRange
	for _, at := range excluded.FindAllIndex(text, -1) {
		line += bytes.Count(text[from:at[0]], []byte{'\n'})
		from = at[0]
		marks = append(marks, ci.LineRange{First: line, Last: line + bytes.Count(text[at[0]:at[1]], []byte{'\n'})})
	}
	for i := range w.lines {
		l := &w.lines[i]
		for len(marks) > 0 && marks[0].Last < l.first {
			marks = marks[1:]
		}
		l.excluded = l.excluded || len(marks) > 0 && marks[0].First <= l.last
	}
	for i := 0; i < len(w.lines); i++ {
		if l := w.lines[i]; l.excluded && (l.colon || l.text == "@") {
			i = w.spread(i)
		}
	}
}

// spread excludes the suite below a header, and a whole definition with all of
// its decorators where any line of its head is excluded. It returns the last
// line of the head.
func (w *walker) spread(i int) int {
	head := i
	for head+1 < len(w.lines) && w.lines[head].text == "@" {
		head++
	}
	if l := w.lines[head]; l.header && (l.word == kDef || l.word == kClass) {
		for j := head; j >= 0 && (j == head || w.lines[j].text == "@" && w.lines[j].col == l.col); j-- {
			w.lines[j].excluded = true
		}
	}
	for j := head + 1; j < len(w.lines) && w.lines[j].col > w.lines[head].col; j++ {
		w.lines[j].excluded = true
	}
	return head
}

// walker finds what of the lines is compiled to anything.
type walker struct {
	lines []logical
	runs  []bool
	depth int
}

// scope is where a block stands.
type scope struct {
	docstring bool // its first statement may be one
	function  bool
	dead      bool // never reached
}

// maxBlocks is CPython's own limit of indentation.
const maxBlocks = 100

// block goes through the statements of one block, and reports where it ends and
// whether what follows it is reached.
func (w *walker) block(at int, in scope) (next int, falls bool) {
	if at >= len(w.lines) || w.depth > maxBlocks {
		return len(w.lines), true
	}
	w.depth++
	defer func() { w.depth-- }()
	col, falls := w.lines[at].col, true
	for first := true; at < len(w.lines) && w.lines[at].col >= col; first = false {
		l := w.lines[at]
		switch {
		case l.header:
			var through bool
			at, through = w.compound(at, in)
			if !through {
				in.dead, falls = true, false
			}
			continue
		case first && in.docstring && l.docstring, l.declares && (in.function || l.text == "global" || l.text == "nonlocal"):
		default:
			w.runs[at] = !in.dead
		}
		if l.stops {
			in.dead, falls = true, false
		}
		at++
	}
	return at, falls
}

// suite is the body of a header: inline, or the block below.
func (w *walker) suite(at int, in scope) (next int, falls bool) {
	l := w.lines[at]
	if l.inline {
		return at + 1, !l.stops
	}
	if at+1 >= len(w.lines) || w.lines[at+1].col <= l.col {
		return at + 1, true // the file does not parse
	}
	return w.block(at+1, in)
}

// compound goes through one compound statement with all its clauses.
func (w *walker) compound(at int, in scope) (next int, falls bool) {
	l := w.lines[at]
	switch l.word {
	case kDef, kClass:
		w.runs[at] = !in.dead
		next, _ = w.suite(at, scope{docstring: true, function: l.word == kDef, dead: in.dead})
		return next, true
	case kIf:
		return w.ifs(at, in)
	case kFor, kWhile:
		return w.loop(at, in)
	case kTry:
		return w.try(at, in)
	case kMatch:
		return w.match(at, in)
	default: // with; or a clause whose statement is missing
		w.runs[at] = !in.dead
		next, _ = w.suite(at, in.inner())
		return next, true
	}
}

func (in scope) inner() scope { return scope{function: in.function, dead: in.dead} }

// clause tells whether the line continues the statement of the one at col.
func (w *walker) clause(at, col int, words ...keyword) bool {
	return at < len(w.lines) && w.lines[at].col == col && w.lines[at].header && slices.Contains(words, w.lines[at].word)
}

func (w *walker) ifs(at int, in scope) (next int, falls bool) {
	col, decided, dead := w.lines[at].col, false, in.dead
	for first := true; first || w.clause(at, col, kElif, kElse); first = false {
		l := w.lines[at]
		w.runs[at] = !dead && (l.word != kElse || l.inline)
		body := scope{function: in.function, dead: dead || l.never}
		var through bool
		next, through = w.suite(at, body)
		falls = falls || through && !l.never && !dead
		decided = decided || l.word == kElse || l.always
		dead = dead || l.always
		at = next
	}
	return at, falls || !decided || in.dead
}

func (w *walker) loop(at int, in scope) (next int, falls bool) {
	l := w.lines[at]
	w.runs[at] = !in.dead
	body := in.inner()
	body.dead = body.dead || l.never
	next, _ = w.suite(at, body)
	broken := w.breaks(at, next)
	falls = !l.always
	if w.clause(next, l.col, kElse) {
		rest := in.inner()
		rest.dead = rest.dead || l.always
		w.runs[next] = !rest.dead && w.lines[next].inline
		var through bool
		next, through = w.suite(next, rest)
		falls = falls && through
	}
	return next, falls || broken
}

// breaks reports whether the loop at that line has a break of its own.
func (w *walker) breaks(at, next int) bool {
	if w.lines[at].inline {
		return w.lines[at].breaks
	}
	for i := at + 1; i < next; i++ {
		l := w.lines[i]
		if l.header && (l.word == kFor || l.word == kWhile || l.word == kDef || l.word == kClass) {
			for i+1 < next && w.lines[i+1].col > l.col {
				i++
			}
			continue
		}
		if l.breaks && w.runs[i] {
			return true
		}
	}
	return false
}

func (w *walker) try(at int, in scope) (next int, falls bool) {
	col := w.lines[at].col
	w.runs[at] = !in.dead
	next, body := w.suite(at, in.inner())
	for w.clause(next, col, kExcept) {
		w.runs[next] = !in.dead
		var through bool
		next, through = w.suite(next, in.inner())
		falls = falls || through
	}
	if w.clause(next, col, kElse) {
		rest := in.inner()
		rest.dead = rest.dead || !body
		w.runs[next] = !rest.dead && w.lines[next].inline
		next, body = w.suite(next, rest)
		body = body && !rest.dead
	}
	falls = falls || body
	if w.clause(next, col, kFinally) {
		w.runs[next] = !in.dead && w.lines[next].inline
		var through bool
		next, through = w.suite(next, in.inner())
		falls = falls && through
	}
	return next, falls
}

func (w *walker) match(at int, in scope) (next int, falls bool) {
	w.runs[at] = !in.dead
	l := w.lines[at]
	next, all := at+1, false
	if next >= len(w.lines) || w.lines[next].col <= l.col {
		return next, true
	}
	for col := w.lines[next].col; w.clause(next, col, kCase); {
		all = all || w.lines[next].catchAll
		w.runs[next] = !in.dead
		var through bool
		next, through = w.suite(next, in.inner())
		falls = falls || through
	}
	return next, falls || !all
}
