package pytest

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
)

// verdictWords are what "-v" writes behind a test's ID, and the summary before it.
var verdictWords = []struct {
	word    string
	outcome ci.Outcome
}{
	{"PASSED", ci.Passed},
	{"FAILED", ci.Failed},
	{"ERROR", ci.Errored},
	{"SKIPPED", ci.Skipped},
	{"XFAIL", ci.XFailed},
	{"XPASS", ci.XPassed},
	{"RERUN", ci.Unknown},
	{"SUBPASSED", ci.Passed},
	{"SUBFAILED", ci.Failed},
	{"SUBFAIL", ci.Failed}, // pytest-subtests, before pytest 9 took it over
	{"SUBSKIPPED", ci.Skipped},
	{"SUBSKIP", ci.Skipped},
	{"SUBPASS", ci.Passed},
	{"xfail", ci.XFailed}, // pytest < 5.4
	{"xpass", ci.XPassed},
}

// verdict is one statement about one test.
type verdict struct {
	id      ci.TestID
	sub     string // the subtest's description
	word    string
	outcome ci.Outcome
	reason  string
}

// key is what the verdict is about: a subtest is a test of its own.
func (v verdict) key() ci.TestID {
	if v.sub == "" {
		return v.id
	}
	return ci.TestID(string(v.id) + " " + v.sub)
}

// leadingVerdict reads the word at the start of b; rest is what follows it.
func leadingVerdict(b []byte) (v verdict, rest []byte, ok bool) {
	if len(b) < 5 || (b[0] < 'E' || b[0] > 'X') && b[0] != 'x' {
		return v, nil, false
	}
	for i := range verdictWords {
		w := &verdictWords[i]
		if len(b) < len(w.word) || string(b[:len(w.word)]) != w.word {
			continue
		}
		rest = b[len(w.word):]
		v = verdict{word: w.word, outcome: w.outcome}
		if len(rest) == 0 || rest[0] == ' ' {
			return v, bytes.TrimLeft(rest, " "), true
		}
		if strings.HasPrefix(w.word, "SUB") && (rest[0] == '[' || rest[0] == '(') {
			desc, rest := subtestDescription(rest)
			v.sub = text(desc, 1000)
			return v, bytes.TrimLeft(rest, " "), true
		}
	}
	return v, nil, false
}

// subtestDescription splits "[message] (key=value)" from what follows.
func subtestDescription(b []byte) (desc, rest []byte) {
	end := 0
	for i, depth := 0, 0; i < len(b); i++ {
		switch b[i] {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
			if depth == 0 {
				end = i + 1
				if i+2 < len(b) && b[i+1] == ' ' && b[i+2] == '(' {
					continue
				}
				return b[:end], b[end:]
			}
		}
	}
	return b[:end], b[end:]
}

// progress reads the lines that appear while tests run.
func (p *pytestReader) progress(n int, b []byte) bool {
	if b[0] == '[' && len(b) > 4 && b[1] == 'g' && b[2] == 'w' {
		return p.workerLine(n, b)
	}
	body, percent := cutPercent(b)
	if len(body) == 0 {
		return percent
	}
	running := p.s != nil && p.s.section == sectProgress
	if !running && !percent {
		return false
	}
	if p.dots(n, body, percent) {
		return true
	}
	if i := bytes.Index(body, []byte("::")); i > 0 && p.verdictLine(n, body, percent, i) {
		return true
	}
	if running && p.s.pending != "" {
		return p.lateVerdict(n, body, percent)
	}
	return false
}

// cutPercent takes off the progress at the end of a line: "[ 12%]", "[ 3/20]".
func cutPercent(b []byte) (body []byte, ok bool) {
	if b[len(b)-1] != ']' {
		return b, false
	}
	i := bytes.LastIndexByte(b, '[')
	inner := b[i+1 : len(b)-1]
	if i < 0 || len(inner) < 3 || len(inner) > 20 {
		return b, false
	}
	slash := inner[len(inner)-1] == '%'
	for _, c := range inner[:len(inner)-1] {
		slash = slash || c == '/'
		if c != ' ' && c != '/' && (c < '0' || c > '9') {
			return b, false
		}
	}
	if last := inner[len(inner)-1]; !slash || last != '%' && (last < '0' || last > '9') {
		return b, false
	}
	return bytes.TrimRight(b[:i], " "), true
}

// workerLine reads "[gw1] [ 88%] FAILED nodeid", of xdist.
func (p *pytestReader) workerLine(n int, b []byte) bool {
	i := bytes.IndexByte(b, ']')
	if i < 0 || i > 12 {
		return false
	}
	rest := bytes.TrimLeft(b[i+1:], " ")
	if len(rest) > 0 && rest[0] == '[' {
		if j := bytes.IndexByte(rest, ']'); j > 0 {
			rest = bytes.TrimLeft(rest[j+1:], " ")
		}
	}
	v, id, ok := leadingVerdict(rest)
	if !ok || !nodeLike(id) {
		return false
	}
	s := p.implied(n)
	if s.section != sectProgress {
		return false
	}
	s.xdist = true
	v.id = cleanID(id)
	delete(s.running, v.id)
	if s.pending == v.id {
		s.pending = ""
	}
	p.say(n, v)
	return true
}

// verdictLine reads "nodeid FAILED [ 12%]", and the ID alone of a test that
// has begun.
func (p *pytestReader) verdictLine(n int, b []byte, percent bool, sep int) bool {
	if !pathToken(b[:sep]) {
		return false
	}
	id, v, ok := trailingVerdict(b, sep)
	s := p.s
	if !ok {
		if s == nil || s.section != sectProgress {
			return false
		}
		p.started(n, b)
		return true
	}
	if s == nil || s.section == sectEnded {
		if !percent {
			return false
		}
		s = p.implied(n)
	}
	if s.section != sectProgress {
		return false
	}
	v.id = cleanID(id)
	s.pending = ""
	p.say(n, v)
	return true
}

// started notes a test whose verdict is to come on a later line: under xdist,
// with live logs, with -s, or never.
func (p *pytestReader) started(n int, b []byte) {
	s := p.s
	id := cleanID(untilSpace(b))
	if s.pending != "" && len(s.running) < 10_000 {
		s.running[s.pending] = s.pendingLine
	}
	s.pending, s.pendingLine = id, n
	p.trouble(n, bytes.TrimLeft(b[len(untilSpace(b)):], " "))
}

// untilSpace is b up to the first space outside of brackets.
func untilSpace(b []byte) []byte {
	depth := 0
	for i, c := range b {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		case ' ':
			if depth <= 0 {
				return b[:i]
			}
		}
	}
	return b
}

// lateVerdict reads a verdict that stands after what the test has printed.
func (p *pytestReader) lateVerdict(n int, b []byte, percent bool) bool {
	s := p.s
	v, rest, ok := leadingVerdict(b)
	if ok && len(rest) > 0 && rest[0] == '(' {
		v.reason = text(bytes.Trim(rest, "()"), 1000)
	} else if ok && len(rest) > 0 {
		ok = false
	}
	if !ok && percent { // printed text without a newline stands before the word
		for i := range verdictWords[:6] {
			if w := verdictWords[i]; bytes.HasSuffix(b, []byte(w.word)) {
				v, ok = verdict{word: w.word, outcome: w.outcome}, true
				break
			}
		}
	}
	if !ok {
		return false
	}
	v.id, s.pending = s.pending, ""
	p.say(n, v)
	return true
}

// trailingVerdict splits "nodeid WORD" and "nodeid WORD (reason)".
func trailingVerdict(b []byte, from int) (id []byte, v verdict, ok bool) {
	rest := b[from:]
	for at := 0; ; {
		i := bytes.IndexByte(rest[at:], ' ')
		if i < 0 {
			return nil, v, false
		}
		at += i + 1
		v, after, found := leadingVerdict(rest[at:])
		switch {
		case !found:
			continue
		case len(after) == 0:
		case after[0] == '(' && after[len(after)-1] == ')':
			v.reason = text(after[1:len(after)-1], 1000)
		default:
			continue
		}
		return bytes.TrimRight(b[:from+at], " "), v, true
	}
}

// cleanID makes a test's ID of how a line spells it.
func cleanID(b []byte) ci.TestID {
	if i := bytes.Index(b, []byte(" <- ")); i > 0 { // -vv: where the test is inherited from
		b = b[:i]
	}
	b = bytes.TrimRight(b, " ")
	return ci.TestID(slashed(text(b, maxID)))
}

// slashed writes a path of Windows with slashes, as pytest's own IDs are.
func slashed(id string) string {
	file, rest, found := strings.Cut(id, "::")
	if !strings.Contains(file, "\\") {
		return id
	}
	file = strings.ReplaceAll(file, "\\", "/")
	if !found {
		return file
	}
	return file + "::" + rest
}

// nodeLike tells an ID (or, for errors of collection, a path) from words.
func nodeLike(b []byte) bool {
	if i := bytes.Index(b, []byte("::")); i > 0 {
		return pathToken(b[:i]) || bytes.Contains(b[:i], []byte(".py"))
	}
	token := untilSpace(b)
	return len(token) > 2 && pathToken(token)
}

// pathToken tells a path of a file, or a folder, from the rest of a language.
func pathToken(b []byte) bool {
	if len(b) == 0 || bytes.IndexByte(b, ' ') >= 0 {
		return false
	}
	name := b[bytes.LastIndexAny(b, "/\\")+1:]
	dot := bytes.LastIndexByte(name, '.')
	if dot <= 0 {
		return len(name) < len(b) && bytes.IndexByte(b, ':') < 0 && b[0] != '/' // a package: "tests/unit"
	}
	for _, c := range name[dot+1:] {
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return dot+1 < len(name) && !bytes.ContainsAny(b, "()=,'\"<>")
}

// dots reads "tests/test_x.py ..F.s" and the same without a path.
func (p *pytestReader) dots(n int, b []byte, percent bool) bool {
	file, letters := []byte(nil), b
	if i := bytes.LastIndexByte(b, ' '); i > 0 {
		file, letters = b[:i], b[i+1:]
		if !pathToken(file) || bytes.Contains(file, []byte("::")) {
			return false
		}
	}
	for _, c := range letters {
		switch c {
		case '.', 'F', 'E', 's', 'x', 'X', 'R', 'u', ',', '-', 'p', 'f', 'y':
		default:
			return false
		}
	}
	s := p.s
	if s == nil || s.section == sectEnded {
		if !percent || len(letters) == 0 {
			return false
		}
		s = p.begin(n, true)
	}
	if s.section != sectProgress {
		return false
	}
	switch {
	case file != nil:
		s.file = slashed(text(file, 1000))
	case !percent && !s.xdist && s.file == "" && !s.quiet:
		s.xdist = true
	}
	s.letters.add(s.file, letters)
	return true
}
