package pytest

import (
	"bytes"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// pytestTest is what one run has said about one test, from all of its sections.
type pytestTest struct {
	id                                                 ci.TestID // with the subtest's description, where it is one
	passed, failed, errored, skipped, xfailed, xpassed bool

	seen  int // line of the log
	*told     // what else was said, to be read; never nil
}

// told is what a log says about a test besides its verdict. Of nearly all tests
// that is nothing, and they share one record.
type told struct {
	shared bool

	reruns, listedReruns int // as the progress, and as the summary of reruns has it
	reason               string
	line                 int // of the source, for skips
	folded               int // skips of the summary that name only this place
	took                 time.Duration
	timed                bool
	called               bool   // has a duration for its call
	summary              string // behind " - "
	call                 *ci.Failure
	around               []ci.Failure // of setup, teardown and collection
	output               string
}

// tell is the test's own record of what else is said, to be written to.
func (t *pytestTest) tell() *told {
	if t.shared {
		t.told = new(told)
	}
	return t.told
}

// test is the record of an ID, made when it is first named.
func (s *session) test(n int, id ci.TestID, sub string) *pytestTest {
	key := verdict{id: id, sub: sub}.key()
	if t := s.tests[key]; t != nil {
		return t
	}
	if len(s.slab) == 0 {
		s.slab = make([]pytestTest, min(max(len(s.order), 32), 4096))
	}
	t := &s.slab[0]
	s.slab = s.slab[1:]
	t.id, t.seen, t.told = key, n, &s.silent
	s.tests[key] = t
	s.order = append(s.order, t)
	return t
}

// wanted reports whether there is room for the test that a verdict is about:
// beyond the bound what passes is only counted, and much later what fails too.
func (s *session) wanted(v verdict) bool {
	if v.outcome.Bad() && len(s.order) < 2*maxTests {
		return true
	}
	return s.tests[v.key()] != nil
}

// say records a verdict.
func (p *pytestReader) say(n int, v verdict) *pytestTest {
	if len(p.s.order) >= maxTests && v.outcome != ci.Unknown && !p.s.wanted(v) {
		p.drop(v.outcome.Bad())
		return &pytestTest{id: v.id, told: &told{}}
	}
	v.outcome = p.s.sugarOutcome(v)
	t := p.s.test(n, v.id, v.sub)
	switch v.word {
	case "RERUN":
		t.tell().reruns++
	default:
		t.set(v.outcome)
	}
	if v.reason != "" && t.reason == "" {
		t.tell().reason = v.reason
	}
	return t
}

func (t *pytestTest) set(o ci.Outcome) {
	switch o {
	case ci.Passed:
		t.passed = true
	case ci.Failed:
		t.failed = true
	case ci.Errored:
		t.errored = true
	case ci.Skipped:
		t.skipped = true
	case ci.XFailed:
		t.xfailed = true
	case ci.XPassed:
		t.xpassed = true
	case ci.Unknown: // says nothing
	}
}

// summaryEntry is the line of the short summary whose message may go on: on CI
// and with -vv the message is not cut and has all of its lines.
type summaryEntry struct {
	test    *pytestTest
	message format.Clip
}

// skipEntry is "SKIPPED [2] path:7: reason", which names no test.
type skipEntry struct {
	n, line int
	file    string
	reason  string
	seen    int
}

// summary reads the section "short test summary info".
func (p *pytestReader) summary(n int, b []byte) {
	s := p.s
	if len(b) > 0 {
		if p.summaryLine(n, b) {
			return
		}
		if s.quiet {
			if p.stats(n, b); s.section == sectEnded {
				return
			}
		}
	}
	if s.entry != nil {
		s.entry.message.Line(b)
	}
}

func (p *pytestReader) summaryLine(n int, b []byte) bool {
	v, rest, ok := leadingVerdict(b)
	if !ok || len(rest) == 0 {
		return false
	}
	s := p.s
	if v.word == "SKIPPED" && rest[0] == '[' {
		skip, ok := foldedSkip(rest)
		if !ok {
			return false
		}
		p.endEntry()
		skip.seen = n
		if len(s.skips) < maxTests {
			s.skips = append(s.skips, skip)
		}
		return true
	}
	took, timed := time.Duration(0), false
	if rest[0] == '[' { // PyTorch's runner puts the duration there
		if i := bytes.IndexByte(rest, ']'); i > 0 {
			if took, timed = seconds(rest[1:i]); timed {
				rest = bytes.TrimLeft(rest[i+1:], " ")
			}
		}
	}
	if after, found := bytes.CutPrefix(rest, []byte("at ")); found { // "XFAIL at setup of"
		if _, id, of := bytes.Cut(after, []byte(" of ")); of {
			rest = id
		}
	}
	if !nodeLike(rest) {
		return false
	}
	id, message := s.splitSummary(rest)
	v.id = cleanID(id)
	p.endEntry()
	t := p.say(n, v)
	if timed {
		told := t.tell()
		told.took, told.timed = took, true
	}
	s.entry = &summaryEntry{test: t, message: format.Clip{Head: messageEnd, Tail: messageEnd}}
	if len(message) > 0 {
		s.entry.message.Line(message)
	}
	return true
}

// endEntry stores the message of the last line of the summary.
func (p *pytestReader) endEntry() {
	s := p.s
	if s == nil || s.entry == nil {
		return
	}
	t := s.entry.test
	message := strings.TrimSpace(s.entry.message.Text())
	switch {
	case t.xfailed || t.xpassed || t.skipped:
		if message != "" {
			t.tell().reason = message
		}
	case t.failed && t.errored && t.summary != "":
		t.tell().summary += "\n" + message // one line for the call, one for what broke around it
	case message != "":
		t.tell().summary = p.keep(message)
	}
	s.entry = nil
}

// splitSummary divides "nodeid - message". Both may hold " - ": the longest ID
// that something else in the log knows wins, then the one whose brackets close.
func (s *session) splitSummary(b []byte) (id, message []byte) {
	const sep = " - "
	known := -1
	for _, test := range []func([]byte) bool{s.progressed, s.headed} {
		if test(b) {
			return b, nil
		}
		for at, tries := 0, 0; tries < 64; tries++ {
			i := bytes.Index(b[at:], []byte(sep))
			if i < 0 {
				break
			}
			at += i
			if test(b[:at]) {
				known = at
			}
			at += len(sep)
		}
		if known >= 0 {
			break
		}
	}
	if known < 0 {
		known = bytes.Index(b, []byte(sep))
		if open := bytes.IndexByte(b, '['); open >= 0 && open < known {
			if i := bytes.Index(b, []byte("] - ")); i >= 0 {
				known = i + 1
			} else if b[len(b)-1] == ']' {
				known = -1
			}
		}
	}
	if known < 0 {
		return b, nil
	}
	return b[:known], b[known+len(sep):]
}

// progressed reports whether a line has named this ID before.
func (s *session) progressed(b []byte) bool {
	return len(b) <= maxID && s.tests[ci.TestID(b)] != nil
}

// headed reports whether a heading has named this ID.
func (s *session) headed(b []byte) bool {
	if len(b) > maxID || bytes.Index(b, []byte("::")) <= 0 {
		return false
	}
	return s.headings()[dottedTail(string(b))] > 0
}

// dottedTail spells an ID as headings do: without the path, with dots.
func dottedTail(id string) string {
	_, tail, found := strings.Cut(id, "::")
	if !found {
		return id
	}
	if !strings.Contains(tail, "::") {
		return tail
	}
	name, params, bracket := strings.Cut(tail, "[")
	name = strings.ReplaceAll(name, "::", ".")
	if bracket {
		return name + "[" + params
	}
	return name
}

// foldedSkip reads "[2] tests/test_x.py:7: reason".
func foldedSkip(b []byte) (skipEntry, bool) {
	n, rest := number(b[1:])
	rest, ok := bytes.CutPrefix(rest, []byte("] "))
	if !ok || n == 0 || len(rest) == 0 {
		return skipEntry{}, false
	}
	if file, line, reason, ok := location(rest); ok {
		return skipEntry{n: n, file: slashed(text(file, 1000)), line: line, reason: text(reason, 1000)}, true
	}
	file, reason, found := bytes.Cut(rest, []byte(": "))
	if !found || !pathToken(file) {
		return skipEntry{}, false
	}
	return skipEntry{n: n, file: slashed(text(file, 1000)), reason: text(reason, 1000)}, true
}

// rerunLine reads the section that pytest-rerunfailures writes with -rR.
func (p *pytestReader) rerunLine(n int, b []byte) {
	v, rest, ok := leadingVerdict(b)
	if !ok || !nodeLike(rest) {
		return
	}
	id, _ := p.s.splitSummary(rest)
	v.id = cleanID(id)
	if v.word == "RERUN" {
		p.s.test(n, v.id, "").tell().listedReruns++
		return
	}
	p.say(n, v)
}

// duration reads "0.30s call     tests/test_x.py::test_y".
func (p *pytestReader) duration(b []byte) {
	if len(b) == 0 || b[0] < '0' || b[0] > '9' {
		return
	}
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		return
	}
	took, ok := seconds(b[:i])
	phase, id, found := bytes.Cut(bytes.TrimLeft(b[i:], " "), []byte(" "))
	id = bytes.TrimLeft(id, " ")
	if !ok || !found || !nodeLike(id) {
		return
	}
	switch string(phase) {
	case "call", "setup", "teardown":
	default:
		return
	}
	t := p.s.test(0, cleanID(id), "")
	told := t.tell()
	told.took += took
	told.timed = true
	told.called = told.called || string(phase) == "call"
}
