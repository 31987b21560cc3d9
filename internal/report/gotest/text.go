package gotest

import (
	"bytes"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// goText follows the text of "go test" line by line. The package that a test
// belongs to is only named behind its tests ("FAIL\texample.com/mod/pkg\t0.1s"),
// so a package is collected without a name and flushed when that line comes.
type goText struct {
	g       *goReader
	p       *goPackage
	cur     *goTest      // whose output the next line is; nil: nobody's
	stack   []*goTest    // the result lines above, by nesting
	verbose bool         // "=== RUN" was seen: output stands before its result
	crash   bool         // a stack is being printed: until the package ends, all is part of it
	race    *format.Clip // a race report that stands before the result it belongs to (without -v)
	inRace  bool
	recent  recent // lines before anything of ours: what TestMain or a crash printed
}

func (x *goText) reset() {
	x.p = newGoPackage("", 0)
	x.cur, x.stack, x.verbose, x.crash, x.race, x.inRace = nil, x.stack[:0], false, false, nil, false
	x.recent.reset()
}

// active reports whether something of go test was seen since the last package.
func (x *goText) active() bool { return len(x.p.tests) > 0 || x.crash }

func (x *goText) line(l format.Line) {
	b := l.Text
	if len(b) == 0 {
		x.output(l.N, b)
		return
	}
	switch b[0] {
	case '=':
		if x.framing(l.N, b) || x.raceFence(b) {
			return
		}
	case '-', ' ':
		if x.result(l.N, b) {
			return
		}
	case 'F', 'o', '?':
		if x.packageEnd(l.N, b) {
			return
		}
	case '#', '\t':
		if x.g.build.line(l.N, b) {
			return
		}
	case 'p', 'f', 'W', 'S':
		x.crashStart(l.N, b)
	case 'B':
		if x.benchmark(l.N, b) {
			return
		}
	}
	if x.g.build.pkg != "" && x.g.build.line(l.N, b) {
		return
	}
	if x.g.build.unresolved(l.N, b) {
		return
	}
	if at := unfinished(b); at > 0 {
		x.output(l.N, b[:at])
		if !x.result(l.N, b[at:]) && !x.packageEnd(l.N, b[at:]) {
			x.output(l.N, b[at:])
		}
		return
	}
	x.output(l.N, b)
}

// unfinished is where a result starts that stands behind text which a test
// printed without a newline, or -1.
func unfinished(b []byte) int {
	if i := bytes.Index(b, resultDashes); i > 0 {
		if outcome, _, _, _ := resultLine(b[i:]); outcome != ci.Unknown {
			return i
		}
	}
	return bytes.Index(b, failTab)
}

var (
	resultDashes = []byte("--- ")
	failTab      = []byte("FAIL\t")
)

// output gives a line to whoever is printing.
func (x *goText) output(n int, b []byte) {
	if x.inRace {
		x.race.Line(b)
		return
	}
	if !x.crash && !x.verbose {
		x.recent.add(b)
	}
	if !x.active() {
		return
	}
	t := x.owner(b)
	if x.crash && x.cur == nil {
		t = nil
	}
	if t == nil && !x.crash {
		return // the output of a test that says nothing else, or the package's own
	}
	x.g.output(x.p, t, n, b)
	x.g.output(x.p, t, n, newline)
}

// owner is the test that a line of output belongs to: for lines of t.Log and
// t.Error below result lines, their depth tells.
func (x *goText) owner(b []byte) *goTest {
	if len(x.stack) == 0 || x.crash || len(b) == 0 || b[0] != ' ' {
		return x.cur
	}
	depth := indentOf(b)
	if _, ok := goLogLine(b); !ok {
		return x.cur
	}
	for i := len(x.stack) - 1; i >= 0; i-- {
		if x.stack[i].indent < depth {
			return x.stack[i]
		}
	}
	return x.cur
}

func indentOf(b []byte) int { return len(b) - len(bytes.TrimLeft(b, " ")) }

// framing takes "=== RUN   TestX" and its kin.
func (x *goText) framing(n int, b []byte) bool {
	if len(b) < 9 || !bytes.HasPrefix(b, []byte("=== ")) {
		return false
	}
	verb, name, _ := bytes.Cut(b[4:], []byte(" "))
	name = bytes.TrimLeft(name, " ")
	switch string(verb) {
	case "RUN":
		if !IsTestName(name) {
			return false
		}
		x.run(n, string(name))
	case "CONT", "NAME":
		x.stack = x.stack[:0]
		if len(name) == 0 { // test2json of Go 1.20 and a test that had ended
			return true
		}
		if !IsTestName(name) {
			return false
		}
		x.cur = x.g.test(x.p, string(name), n)
	case "PAUSE":
		if !IsTestName(name) {
			return false
		}
	case "ATTR", "ARTIFACTS":
	default:
		return false
	}
	x.verbose, x.crash = true, false
	return true
}

func (x *goText) run(n int, name string) {
	x.stack = x.stack[:0]
	if t := x.p.latest[name]; t != nil && t.outcome == ci.Unknown {
		x.cur = t // announced twice: by CONT before RUN in a log that lost lines
		return
	}
	x.cur = x.g.begin(x.p, name, n)
}

// result takes a result line; the lines below it belong to its test.
func (x *goText) result(n int, b []byte) bool {
	t, ok := x.g.result(x.p, n, b)
	if !ok {
		return false
	}
	x.recent.reset()
	for len(x.stack) > 0 && x.stack[len(x.stack)-1].indent >= t.indent {
		x.stack = x.stack[:len(x.stack)-1]
	}
	x.stack = append(x.stack, t)
	x.cur = t
	x.inRace = false
	if x.race != nil && t.outcome == ci.Failed {
		x.g.output(x.p, t, n, []byte(x.race.String()))
		x.race = nil
	}
	return true
}

// packageEnd takes "ok  \tpkg\t0.1s", "FAIL\tpkg\t0.1s", "FAIL\tpkg [build
// failed]" and "?   \tpkg\t[no test files]". Blanks stand where a terminal has
// expanded the tabs.
func (x *goText) packageEnd(n int, b []byte) bool {
	verdict, rest := format.CutBlank(b)
	pkg, rest := format.CutBlank(rest)
	switch string(verdict) {
	case "ok", "?":
		if len(pkg) == 0 || !goAfterPackage(rest) {
			return false
		}
	case "FAIL":
		if len(pkg) == 0 && len(b) == len("FAIL") {
			return x.active() // the tests of one package have failed; its name follows
		}
		if len(pkg) == 0 || !goAfterPackage(rest) {
			return false
		}
		x.p.failed = true
	default:
		return false
	}
	if len(rest) > 0 && rest[0] == '[' && x.p.failed {
		x.p.built, x.p.reason = false, string(bytes.Trim(rest, "[] "))
	}
	x.p.name, x.p.first = string(pkg), n
	if x.p.failed && x.p.out.Empty() {
		x.p.out.Write(x.recent.bytes())
	}
	if x.race != nil {
		x.p.out.Write([]byte(x.race.String()))
	}
	x.g.flush(x.p)
	x.reset()
	x.g.build.pkg = ""
	return true
}

// goAfterPackage reports whether b is what stands behind a package's name.
func goAfterPackage(b []byte) bool {
	return goTook(b) || bytes.HasPrefix(b, []byte("(cached)")) || bytes.HasPrefix(b, []byte("["))
}

// goTook reports whether b starts with the time that a package took, "0.123s".
func goTook(b []byte) bool {
	i := 0
	for i < len(b) && (b[i] == '.' || '0' <= b[i] && b[i] <= '9') {
		i++
	}
	return i > 0 && i < len(b) && b[i] == 's' && (i+1 == len(b) || b[i+1] == ' ' || b[i+1] == '\t')
}

// crashStart notices where the runtime takes over the output. A panic that
// follows the result of a test that did not fail is the package's.
func (x *goText) crashStart(n int, b []byte) {
	if x.crash {
		return
	}
	if isRace(b) {
		if !x.verbose && !x.inRace {
			x.inRace = true
			if x.race == nil {
				x.race = format.NewOutput()
			}
		}
		return
	}
	if !crashStart(b) {
		return
	}
	x.crash, x.inRace = true, false
	if x.cur != nil && (x.cur.outcome == ci.Passed || x.cur.outcome == ci.Skipped) {
		x.cur = nil
	}
	x.p.crashed = x.cur == nil
	if x.p.first == 0 {
		x.p.first = n
	}
}

// raceFence takes the "==================" around the report of the race
// detector, where that report has no test to stand under.
func (x *goText) raceFence(b []byte) bool {
	if !x.inRace || !bytes.HasPrefix(b, []byte("==================")) {
		return false
	}
	x.inRace = false
	return true
}

// benchmark takes "BenchmarkX" (what follows is its output) and
// "BenchmarkX-8   100   12.3 ns/op".
func (x *goText) benchmark(n int, b []byte) bool {
	name, took, done, ok := benchmarkLine(b)
	if !ok {
		return false
	}
	if !done {
		x.stack = x.stack[:0]
		x.cur, x.verbose = x.g.begin(x.p, name, n), true
		return true
	}
	t := x.p.latest[name]
	if t == nil || t.outcome != ci.Unknown {
		t = x.g.begin(x.p, name, n)
	}
	t.elapsed, t.timed = took, took > 0
	x.g.end(t, ci.Passed)
	return true
}

// benchmarkLine splits a benchmark's announcement or result (done). The
// GOMAXPROCS suffix is not part of the name.
func benchmarkLine(b []byte) (name string, took time.Duration, done, ok bool) {
	if !bytes.HasPrefix(b, []byte("Benchmark")) {
		return "", 0, false, false
	}
	fields := bytes.Fields(b)
	word := fields[0]
	if i := bytes.LastIndexByte(word, '-'); i > 0 && format.LineNumber(word[i+1:]) > 0 {
		word = word[:i]
	}
	if len(fields) == 1 {
		return string(word), 0, false, len(fields[0]) > len("Benchmark")
	}
	if len(fields) < 4 || format.LineNumber(fields[1]) <= 0 || string(fields[3]) != "ns/op" {
		return "", 0, false, false
	}
	each, ok := format.ParseSeconds(string(fields[2]))
	if !ok {
		return "", 0, false, false
	}
	total := each.Seconds() * float64(format.LineNumber(fields[1])) // nanoseconds
	return string(word), time.Duration(min(total, 1e18)), true, true
}

func (x *goText) finish() {
	if x.active() {
		x.p.cutOff = true
		x.g.flush(x.p)
	}
}

// recent holds the last lines of a log, in bounded memory and for the price of
// one copy.
type recent struct{ buf []byte }

const (
	recentKeep = 2 << 10
	recentLine = 400
)

func (r *recent) reset() { r.buf = r.buf[:0] }

func (r *recent) add(b []byte) {
	if len(b) > recentLine {
		b = b[:recentLine]
	}
	if len(r.buf)+len(b) > 4*recentKeep {
		r.buf = append(r.buf[:0], r.bytes()...)
	}
	r.buf = append(append(r.buf, b...), '\n')
}

// bytes are the last whole lines.
func (r *recent) bytes() []byte {
	b := r.buf
	if len(b) <= recentKeep {
		return b
	}
	b = b[len(b)-recentKeep:]
	return b[bytes.IndexByte(b, '\n')+1:]
}
