package impact

import (
	"iter"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// statement is a logical line of Python outside the bodies of functions, or the
// header of a definition with its decorators.
type statement struct {
	first, last int
	indent      int
	text        string // without comments, blanks as one, strings as they are
	scope       string // the class that it stands in; empty: the module
	nested      bool   // in an if, a try, a loop or a with
	typing      bool   // only type checkers come here
	def         string // what it defines, qualified; empty: no definition
	decorators  []string
}

// statements splits a module into the statements that run when it is loaded.
// Where its definitions are is known already; what is in functions is left out.
func statements(text []byte, defs []ci.Definition) []statement {
	spans := functionSpans(defs)
	heads := map[int]ci.Definition{}
	for _, d := range defs {
		if d.Kind != ci.DefModule && !strings.Contains(d.Name, "<locals>") {
			heads[d.Line] = d
		}
	}
	var out []statement
	var pending []string // decorators
	var pendingFirst int
	type block struct {
		indent int
		scope  string
		kind   byte // 'c' class, 'n' nested statement, 't' for type checkers
	}
	var open []block
	skipUntil := 0
	for l := range logicalLines(text) {
		if l.first <= skipUntil {
			continue
		}
		for len(open) > 0 && l.indent <= open[len(open)-1].indent {
			open = open[:len(open)-1]
		}
		s := statement{first: l.first, last: l.last, indent: l.indent, text: l.text}
		for _, b := range open {
			switch b.kind {
			case 'c':
				s.scope = b.scope
			case 't':
				s.typing = true
			default:
				s.nested = true
			}
		}
		if strings.HasPrefix(l.text, "@") {
			if len(pending) == 0 {
				pendingFirst = l.first
			}
			pending = append(pending, strings.TrimSpace(l.text[1:]))
			continue
		}
		if d, ok := heads[l.first]; ok {
			s.def, s.decorators = d.Name, pending
			if len(pending) > 0 {
				s.first = pendingFirst
			}
			head, _ := cutHeader(l.text)
			s.text = "@" + strings.Join(pending, " @") + " " + head
			pending = nil
			out = append(out, s)
			if d.Kind == ci.DefClass {
				open = append(open, block{l.indent, d.Name, 'c'})
			} else if end, ok := spans[d.First]; ok {
				skipUntil = end
			}
			continue
		}
		pending = nil
		if strings.HasSuffix(l.text, ":") && compound(l.text) {
			kind := byte('n')
			switch strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(l.text, " :", ":"), "if "), ":") {
			case "TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING":
				kind = 't'
			}
			open = append(open, block{l.indent, "", kind})
			if kind == 't' {
				continue
			}
			s.nested = true
		}
		for _, part := range splitSimple(s.text) {
			s.text = part
			out = append(out, s)
		}
	}
	return out
}

// functionSpans are the lines of functions, by their first one.
func functionSpans(defs []ci.Definition) map[int]int {
	spans := map[int]int{}
	for _, d := range defs {
		if d.Kind == ci.DefFunction || d.Kind == ci.DefMethod {
			spans[d.First] = d.Last
		}
	}
	return spans
}

var compoundWords = []string{"if", "elif", "else", "for", "while", "try", "except", "finally", "with", "async", "match", "case"}

func compound(text string) bool {
	word := text[:wordEnd(text, 0)]
	return slices.Contains(compoundWords, word)
}

// cutHeader is the header of a definition, without a body on the same line.
func cutHeader(text string) (head, body string) {
	for i := range outside(text, ":") {
		return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
	}
	return text, ""
}

// splitSimple splits "a = 1; b = 2".
func splitSimple(text string) []string {
	parts := splitOutside(text, ";")
	if parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

// splitOutside splits at a byte outside brackets and strings.
func splitOutside(text, at string) []string {
	var out []string
	start := 0
	for i := range outside(text, at) {
		out = append(out, strings.TrimSpace(text[start:i]))
		start = i + 1
	}
	return append(out, strings.TrimSpace(text[start:]))
}

// outside are the positions of a byte outside brackets and strings.
func outside(text, of string) iter.Seq[int] {
	return func(yield func(int) bool) {
		depth := 0
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth--
			case '"', '\'':
				i = stringEnd(text, i) - 1
			case of[0]:
				if depth == 0 && !yield(i) {
					return
				}
			}
		}
	}
}

// stringEnd is the position behind the string that begins with the quote at i.
func stringEnd[T string | []byte](text T, i int) int {
	quote := text[i]
	three := func(j int) bool {
		return j+2 < len(text) && text[j] == quote && text[j+1] == quote && text[j+2] == quote
	}
	long := three(i)
	if long {
		i += 2
	}
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == '\\':
			j++
		case long && three(j):
			return j + 3
		case !long && text[j] == quote:
			return j + 1
		case !long && text[j] == '\n':
			return j
		}
	}
	return len(text)
}

// logical is a logical line: brackets and continuations are followed.
type logical struct {
	first, last, indent int
	text                string
}

// logicalLines yields the logical lines that hold code.
func logicalLines(src []byte) func(yield func(logical) bool) {
	return func(yield func(logical) bool) {
		text := string(src)
		line := 1
		for i := 0; i < len(text); {
			l := logical{first: line}
			for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\f') {
				l.indent++
				if text[i] == '\t' {
					l.indent = (l.indent + 7) &^ 7
				}
				i++
			}
			var b strings.Builder
			i, line = logicalLine(text, i, line, &b)
			l.last, l.text = line, b.String()
			line++
			if l.text != "" && !yield(l) {
				return
			}
		}
	}
}

// logicalLine writes the line that begins at i without comments and with single
// blanks, and returns where the next one begins and on which line this ends.
func logicalLine(text string, i, line int, b *strings.Builder) (next, last int) {
	depth, blank := 0, false
	put := func(s string) {
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteString(s)
	}
	for i < len(text) {
		switch c := text[i]; c {
		case '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
			continue
		case '\n':
			if depth == 0 {
				return i + 1, line
			}
			line++
			blank = true
		case ' ', '\t', '\r', '\f':
			blank = true
		case '\\':
			if i+1 < len(text) && (text[i+1] == '\n' || strings.HasPrefix(text[i+1:], "\r\n")) {
				line++
				i += strings.IndexByte(text[i:], '\n')
				blank = true
			} else {
				put("\\")
			}
		case '"', '\'':
			end := stringEnd(text, i)
			put(text[i:end])
			line += strings.Count(text[i:end], "\n")
			i = end
			continue
		case '(', '[', '{':
			depth++
			put(text[i : i+1])
		case ')', ']', '}':
			depth = max(depth-1, 0)
			put(text[i : i+1])
		default:
			put(text[i : i+1])
		}
		i++
	}
	return i, line
}

func wordEnd[T string | []byte](text T, i int) int {
	for i < len(text) && isWord(text[i]) {
		i++
	}
	return i
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}
