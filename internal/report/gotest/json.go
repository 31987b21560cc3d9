package gotest

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// goEvent is one event of test2json. Its slices are valid until the next one.
type goEvent struct {
	action, pkg, test       []byte
	output                  []byte
	importPath, failedBuild []byte
	elapsed                 time.Duration
	timed                   bool
	hasOutput               bool
}

// goScanner reads events without reflection and without allocation: streams of
// hundreds of megabytes are common, and nearly all of it is passing output.
type goScanner struct {
	ev   goEvent
	bufs [6][]byte // unescaped strings, one of each field
	esc  format.Cleaner
}

// eventStart is where in a line an event of test2json begins, or -1.
func eventStart(b []byte) int {
	if b[0] == '{' {
		if looksLikeEvent(b) {
			return 0
		}
		return -1
	}
	i := bytes.Index(b, []byte(`{"Time":"`))
	if i < 0 {
		return -1
	}
	if looksLikeEvent(b[i:]) {
		return i
	}
	return -1
}

// looksLikeEvent is a cheap look at the first key; the scanner decides.
func looksLikeEvent(b []byte) bool {
	for _, key := range [...]string{`{"Time":"`, `{"Action":"`, `{"ImportPath":"`} {
		if len(b) >= len(key) && string(b[:len(key)]) == key {
			return true
		}
	}
	return false
}

// event takes one event of the stream.
func (g *goReader) event(n int, b []byte) {
	if !g.scan.scan(b) {
		if g.broken++; g.broken == 1 {
			g.firstBad = n
		}
		return
	}
	ev := &g.scan.ev
	switch string(ev.action) {
	case "build-output":
		if text := bytes.TrimRight(ev.output, "\n"); len(text) > 0 {
			g.build.line(n, text)
		}
		return
	case "build-fail":
		return
	}
	p := g.jsonPackage(n, ev.pkg)
	if len(ev.test) == 0 {
		g.packageEvent(p, n, ev)
		return
	}
	g.testEvent(p, n, ev)
}

func (g *goReader) jsonPackage(n int, name []byte) *goPackage {
	if p := g.lastPkg; p != nil && !p.flushed && p.name == string(name) {
		return p
	}
	p := g.pkgs[string(name)]
	if p == nil {
		p = newGoPackage(string(name), n)
		g.pkgs[p.name] = p
		g.order = append(g.order, p)
	}
	g.lastPkg, g.lastTest = p, nil
	return p
}

// packageEvent takes an event of the package as a whole.
func (g *goReader) packageEvent(p *goPackage, n int, ev *goEvent) {
	switch string(ev.action) {
	case "output":
		g.packageOutput(p, n, ev)
	case "fail":
		p.failed = true
		if len(ev.failedBuild) > 0 {
			p.built = false
			pkg, _, _ := bytes.Cut(ev.failedBuild, []byte(" "))
			if p.reason == "" {
				p.reason = "build failed"
			}
			g.endPackage(p, string(pkg))
			return
		}
		g.endPackage(p, "")
	case "pass", "skip":
		g.endPackage(p, "")
	}
}

func (g *goReader) endPackage(p *goPackage, cause string) {
	g.flushCause(p, cause)
	delete(g.pkgs, p.name)
	if i := len(g.order) - 1; i >= 0 && g.order[i] == p {
		g.order = g.order[:i]
	}
	g.lastPkg, g.lastTest = nil, nil
}

// packageOutput keeps what the package printed that is not the go command's
// own framing. Benchmarks print here before they have a test of their own.
func (g *goReader) packageOutput(p *goPackage, n int, ev *goEvent) {
	text := bytes.TrimRight(ev.output, "\n")
	switch {
	case bytes.HasPrefix(text, []byte("FAIL\t")) || bytes.HasPrefix(text, []byte("FAIL ")):
		_, rest := format.CutBlank(text)
		_, rest = format.CutBlank(rest)
		if bytes.HasSuffix(rest, []byte("failed]")) {
			p.built, p.reason = false, string(bytes.Trim(rest, "[] "))
		}
		return
	case goFrame(text):
		return
	case g.benchmarkOutput(p, n, text):
		return
	}
	if p.bench != nil && p.bench.outcome == ci.Unknown {
		g.output(p, p.bench, n, ev.output)
		return
	}
	p.out.Write(ev.output)
}

// benchmarkOutput follows benchmarks through output that is not yet, or no
// longer, attributed to them (test2json before Go 1.20).
func (g *goReader) benchmarkOutput(p *goPackage, n int, text []byte) bool {
	name, took, done, ok := benchmarkLine(text)
	if !ok {
		return false
	}
	t := p.latest[name]
	if t == nil || t.outcome != ci.Unknown {
		t = g.begin(p, name, n)
	}
	if done {
		t.elapsed, t.timed = took, took > 0
		g.end(t, ci.Passed)
	}
	p.bench = t
	return true
}

// goFrame reports whether a line is the go command's own: it says nothing about
// why something failed.
func goFrame(b []byte) bool {
	switch {
	case len(b) == 0:
		return true
	case b[0] == 'P':
		return string(b) == "PASS"
	case b[0] == 'F':
		return string(b) == "FAIL"
	case b[0] == 'o':
		return bytes.HasPrefix(b, []byte("ok  \t"))
	case b[0] == '?':
		return bytes.HasPrefix(b, []byte("?   \t"))
	case b[0] == 'c':
		return bytes.HasPrefix(b, []byte("coverage: ")) || bytes.HasPrefix(b, []byte("cpu: "))
	case b[0] == 'e':
		return bytes.HasPrefix(b, []byte("exit status "))
	case b[0] == 'g':
		return bytes.HasPrefix(b, []byte("goos: ")) || bytes.HasPrefix(b, []byte("goarch: "))
	case b[0] == 'p':
		return bytes.HasPrefix(b, []byte("pkg: "))
	case b[0] == '-':
		return bytes.HasPrefix(b, []byte("-test.shuffle "))
	}
	return bytes.HasPrefix(b, []byte("testing: warning: "))
}

// testEvent takes an event of one test.
func (g *goReader) testEvent(p *goPackage, n int, ev *goEvent) {
	t := g.lastTest
	if t == nil || t.name != string(ev.test) || p.latest[t.name] != t {
		t = g.test(p, string(ev.test), n)
		g.lastTest = t
	}
	switch string(ev.action) {
	case "run":
		if t.outcome != ci.Unknown || t.ended {
			g.lastTest = g.begin(p, t.name, n)
		}
	case "output":
		g.testOutput(p, t, n, ev.output)
	case "pass":
		g.endTest(p, t, n, ev, ci.Passed)
	case "fail":
		g.endTest(p, t, n, ev, ci.Failed)
	case "skip":
		g.endTest(p, t, n, ev, ci.Skipped)
	}
}

func (g *goReader) endTest(p *goPackage, t *goTest, n int, ev *goEvent, outcome ci.Outcome) {
	if t.ended { // a run whose start was lost
		t = g.begin(p, t.name, n)
		g.lastTest = t
	}
	t.ended = true
	if ev.timed {
		t.elapsed, t.timed = ev.elapsed, true
	}
	// The event decides, except that an event of passing after a result line of
	// failing is an old bug of test2json (golang/go#37555).
	if t.outcome != ci.Failed {
		g.end(t, outcome)
	}
}

// testOutput keeps what a test printed. Framing lines are not output, and a
// line of t.Error that is less indented than its test's is an ancestor's
// (golang/go#35180).
func (g *goReader) testOutput(p *goPackage, t *goTest, n int, out []byte) {
	if len(out) == 0 {
		return
	}
	switch out[0] {
	case '=':
		if bytes.HasPrefix(out, []byte("=== ")) {
			return
		}
	case '-', ' ':
		if r, ok := g.resultOf(p, t, n, out); ok {
			p.bench = nil
			if r != t {
				g.lastTest = r
			}
			return
		}
		if t.indent >= 0 && indentOf(out) <= t.indent {
			t = g.ancestor(p, t, out)
		}
	case 'B':
		if g.benchmarkOutput(p, n, bytes.TrimRight(out, "\n")) {
			return
		}
	}
	if b := p.bench; b != nil && b != t && b.outcome == ci.Unknown {
		t = b
	}
	// A benchmark that succeeds has no event that says so.
	if out[0] == ' ' && t.outcome == ci.Unknown && strings.HasPrefix(t.name, "Benchmark") && bytes.Contains(out, []byte(" ns/op")) {
		g.end(t, ci.Passed)
		return
	}
	g.output(p, t, n, out)
}

// resultOf takes a result line, which may stand behind text without a newline.
func (g *goReader) resultOf(p *goPackage, t *goTest, n int, out []byte) (*goTest, bool) {
	outcome, _, name, _ := resultLine(bytes.TrimRight(out, "\n"))
	if outcome == ci.Unknown || string(name) != t.name {
		return nil, false
	}
	return g.result(p, n, bytes.TrimRight(out, "\n"))
}

// ancestor is the test whose lines have that depth, if it is known.
func (g *goReader) ancestor(p *goPackage, t *goTest, out []byte) *goTest {
	if _, ok := goLogLine(out); !ok {
		return t
	}
	depth := indentOf(out)
	for name := t.name; ; {
		i := format.LastSlash(name)
		if i < 0 {
			return t
		}
		name = name[:i]
		if up := p.latest[name]; up != nil && up.indent >= 0 && up.indent < depth {
			return up
		}
	}
}

// scan reads one event; a string that the line's limit has cut off counts.
func (s *goScanner) scan(b []byte) bool {
	s.ev = goEvent{}
	i := 1
	for i < len(b) {
		i = skipSpace(b, i)
		if i < len(b) && b[i] == '}' {
			break
		}
		if i >= len(b) || b[i] != '"' {
			return false
		}
		end := bytes.IndexByte(b[i+1:], '"')
		if end < 0 {
			break
		}
		key := b[i+1 : i+1+end]
		i = skipSpace(b, i+end+2)
		if i >= len(b) || b[i] != ':' {
			return false
		}
		i = s.value(key, b, skipSpace(b, i+1))
		if i < 0 {
			return false
		}
		i = skipSpace(b, i)
		if i < len(b) && b[i] == ',' {
			i++
		}
	}
	return goAction(s.ev.action)
}

func goAction(b []byte) bool {
	switch string(b) {
	case "run", "pause", "cont", "pass", "fail", "skip", "output", "bench", "start", "attr", "artifacts",
		"build-output", "build-fail":
		return true
	}
	return false
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// value takes the value of a key and returns where it ends, or -1.
func (s *goScanner) value(key, b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	if b[i] == '"' {
		raw, end, escaped := rawString(b, i)
		s.text(key, raw, escaped)
		return end
	}
	if b[i] == '{' || b[i] == '[' {
		return -1 // test2json nests nothing: somebody else's JSON
	}
	end := i
	for end < len(b) && b[end] != ',' && b[end] != '}' {
		end++
	}
	if string(key) == "Elapsed" {
		s.ev.elapsed, s.ev.timed = format.ParseSeconds(string(bytes.TrimSpace(b[i:end])))
	}
	return end
}

// rawString is the string that starts at i, without its quotes and still escaped.
func rawString(b []byte, i int) (raw []byte, end int, escaped bool) {
	start := i + 1
	for j := start; ; {
		k := bytes.IndexByte(b[j:], '"')
		if k < 0 {
			return b[start:], len(b), true
		}
		j += k
		slashes := 0
		for j-1-slashes >= start && b[j-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			raw = b[start:j]
			return raw, j + 1, bytes.IndexByte(raw, '\\') >= 0
		}
		j++
	}
}

func (s *goScanner) text(key, raw []byte, escaped bool) {
	var at *[]byte
	slot := 0
	switch string(key) {
	case "Action":
		at, slot = &s.ev.action, 0
	case "Package":
		at, slot = &s.ev.pkg, 1
	case "Test":
		at, slot = &s.ev.test, 2
	case "Output":
		at, slot = &s.ev.output, 3
		s.ev.hasOutput = true
	case "ImportPath":
		at, slot = &s.ev.importPath, 4
	case "FailedBuild":
		at, slot = &s.ev.failedBuild, 5
	default:
		return
	}
	if escaped {
		s.bufs[slot] = unescapeJSON(s.bufs[slot][:0], raw)
		raw = s.bufs[slot]
	}
	if slot == 3 && bytes.IndexByte(raw, 0x1b) >= 0 {
		raw = s.esc.StripEscapes(raw)
	}
	*at = raw
}

// unescapeJSON appends the text of a JSON string; what is no valid escape stays
// as it is.
func unescapeJSON(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b', 'f':
			dst = append(dst, ' ')
		case 'u':
			dst, raw = unescapeRune(dst, raw)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// unescapeRune takes the digits of "\u003c", and of a second one if the two
// are a surrogate pair.
func unescapeRune(dst, raw []byte) (out, rest []byte) {
	r, ok := hex4(raw)
	if !ok {
		return append(dst, '\\', 'u'), raw
	}
	raw = raw[4:]
	if utf16.IsSurrogate(r) {
		if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
			if low, ok := hex4(raw[2:]); ok {
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					return utf8.AppendRune(dst, full), raw[6:]
				}
			}
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(dst, r), raw
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 32)
	return rune(n), err == nil
}
