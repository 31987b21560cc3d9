// Package gotest reads the go command's tests, as a stream of events or as text:
// results, panics, races and packages that do not build. Lines of other programs
// in between are left alone.
package gotest

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// goReader reads what the go command prints about tests, as text, as the JSON
// of "go test -json" (cmd/test2json), or as both mixed, which is what a log
// holds when build errors go to standard error. Lines that are neither are
// left alone.
type goReader struct {
	rep      ci.Report
	pkgs     map[string]*goPackage // packages of the JSON stream that have not ended
	order    []*goPackage          // the same, in order of appearance
	attempts map[ci.TestID]int
	lastPkg  *goPackage // of the last JSON event: events come in bursts
	lastTest *goTest
	scan     goScanner
	broken   int // JSON events that could not be read
	firstBad int // the line of the first of them

	text  goText
	build goBuild
	free  []*format.Clip // output buffers of tests that passed
}

func newGoReader() *goReader {
	g := &goReader{pkgs: map[string]*goPackage{}, attempts: map[ci.TestID]int{}}
	g.text.g = g
	g.text.reset()
	return g
}

var goTestJSONFormat = format.Format{
	Name:  "gotest-json",
	Doc:   "events of `go test -json`, with or without text between them",
	Score: scoreGoTestJSON,
	Read:  ReadJSON,
}

var goTestTextFormat = format.Format{
	Name:  "gotest-text",
	Doc:   "output of `go test`, with or without `-v`, and of the compiler in it",
	Score: scoreGoTestText,
	Read:  ReadText,
	Text:  true,
}

func scoreGoTestJSON(head []byte) int {
	var scan goScanner
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		at := eventStart(line)
		if at >= 0 && scan.scan(line[at:]) && (len(scan.ev.pkg) > 0 || len(scan.ev.importPath) > 0 || len(scan.ev.test) > 0) {
			return 95
		}
	}
	return 0
}

func scoreGoTestText(head []byte) int {
	score, heading := 0, false
	for line := range bytes.Lines(head) {
		line = format.TrimTimestamp(bytes.TrimRight(line, "\r\n"))
		if heading {
			if _, _, _, _, ok := splitGoPosition(line); ok { // "go build" alone
				score = max(score, 40)
			}
		}
		heading = bytes.HasPrefix(line, []byte("# "))
		if at := unfinished(line); at > 0 {
			line = line[at:]
		}
		switch outcome, _, _, _ := resultLine(line); {
		case outcome != ci.Unknown:
			return 60
		case len(line) > 10 && bytes.HasPrefix(line, []byte("=== RUN   ")) && IsTestName(line[10:]):
			return 60
		case goVerdict(line):
			score = max(score, 50)
		}
	}
	return score
}

// goVerdict reports whether a line is the go command's verdict on a package.
func goVerdict(b []byte) bool {
	verdict, rest := format.CutBlank(b)
	_, rest = format.CutBlank(rest)
	switch string(verdict) {
	case "ok", "FAIL", "?":
		return goAfterPackage(rest)
	}
	return false
}

// ReadText reads the output of "go test", with or without -v.
func ReadText(r io.Reader) (ci.Report, error) {
	return format.ReadLines(r, "gotest-text", newGoReader())
}

// ReadJSON reads the output of "go test -json", whatever else is between it.
func ReadJSON(r io.Reader) (ci.Report, error) {
	return format.ReadLines(r, "gotest-json", newGoReader())
}

// Line takes the next line of the log.
func (g *goReader) Line(l format.Line) {
	b := l.Text
	if len(b) == 0 {
		g.text.line(l)
		return
	}
	// An event may stand behind text that a program printed without a newline.
	if at := eventStart(b); at >= 0 {
		if at > 0 {
			g.text.line(format.Line{N: l.N, Text: b[:at]})
		}
		g.event(l.N, b[at:])
		return
	}
	g.text.line(l)
}

// Finish is the report of everything that was read.
func (g *goReader) Finish() ci.Report {
	g.text.finish()
	for _, p := range g.order {
		if !p.flushed {
			p.cutOff = true
			g.flush(p)
		}
	}
	g.build.finish(&g.rep)
	if g.broken > 0 {
		g.rep.Warnings = append(g.rep.Warnings, ci.Warning{
			Line: g.firstBad,
			Text: plural(g.broken, "event") + " of go test -json could not be read",
		})
	}
	return g.rep
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return itoa(n) + " " + noun + "s"
}

// goPackage is one package while its tests run.
type goPackage struct {
	name    string
	tests   []*goTest          // every execution, in order of appearance
	latest  map[string]*goTest // the last execution of each name
	out     *format.Clip       // what belongs to no test, and crashes that came after their test
	first   int                // line of the log where it began
	failed  bool
	built   bool // false only once "[build failed]" or "[setup failed]" was said
	reason  string
	crashed bool // a crash is being printed that belongs to no running test
	cutOff  bool // the log ended before the package did
	flushed bool
	bench   *goTest // the benchmark that announced itself last
}

func newGoPackage(name string, line int) *goPackage {
	return &goPackage{name: name, latest: map[string]*goTest{}, out: format.NewOutput(), first: line, built: true}
}

// goTest is one execution of one test.
type goTest struct {
	name    string
	outcome ci.Outcome
	ended   bool // by an event of its own, so that a second one is a second run
	elapsed time.Duration
	timed   bool
	indent  int // of its result line; -1: none yet
	line    int // of the log: its first output, or its result
	out     *format.Clip
}

// test is the latest execution of a name, made where there is none.
func (g *goReader) test(p *goPackage, name string, line int) *goTest {
	if t := p.latest[name]; t != nil {
		return t
	}
	return g.begin(p, name, line)
}

// begin starts another execution of a name.
func (g *goReader) begin(p *goPackage, name string, line int) *goTest {
	t := &goTest{name: name, indent: -1, line: line}
	if n := len(g.free); n > 0 {
		t.out, g.free = g.free[n-1], g.free[:n-1]
	} else {
		t.out = format.NewOutput()
	}
	if p.first == 0 {
		p.first = line
	}
	p.tests = append(p.tests, t)
	p.latest[name] = t
	return t
}

// end records how a test ended and lets go of output that nobody will read.
func (g *goReader) end(t *goTest, outcome ci.Outcome) {
	t.outcome = outcome
	if outcome == ci.Passed && t.out != nil {
		t.out.Reset()
		g.free = append(g.free, t.out)
		t.out = nil
	}
}

// output adds to what a test printed. What a test that has passed "prints"
// later is a crash of the package, or noise.
func (g *goReader) output(p *goPackage, t *goTest, line int, b []byte) {
	if t == nil {
		p.out.Write(b)
		return
	}
	if t.outcome == ci.Passed {
		if p.crashed = p.crashed || crashStart(b) || isRace(b); p.crashed {
			p.out.Write(b)
		}
		return
	}
	if t.out == nil {
		t.out = format.NewOutput()
	}
	if t.out.Empty() {
		t.line = line
	}
	t.out.Write(b)
}

// result takes a line such as "    --- FAIL: TestX/sub (0.01s)" and says which
// test it was about; ok is false if it is no such line.
func (g *goReader) result(p *goPackage, line int, b []byte) (t *goTest, ok bool) {
	outcome, indent, name, rest := resultLine(b)
	if outcome == ci.Unknown {
		return nil, false
	}
	t = p.latest[string(name)]
	switch {
	case t == nil:
		t = g.begin(p, string(name), line)
	case t.indent >= 0 && indent > t.indent:
		// A fuzz target repeats its own name one level deeper.
		return t, true
	case t.indent >= 0:
		t = g.begin(p, string(name), line)
	}
	t.indent = indent
	if d, ok := goSeconds(rest); ok && !t.timed {
		t.elapsed, t.timed = d, true
	}
	if t.outcome == ci.Unknown {
		g.end(t, outcome)
	}
	return t, true
}

var (
	resultFail = []byte("--- FAIL: ")
	resultPass = []byte("--- PASS: ")
	resultSkip = []byte("--- SKIP: ")
)

// resultLine splits "    --- FAIL: TestX (0.01s)".
func resultLine(b []byte) (outcome ci.Outcome, indent int, name, rest []byte) {
	trimmed := bytes.TrimLeft(b, " ")
	indent = len(b) - len(trimmed)
	if len(trimmed) <= len(resultFail) || trimmed[0] != '-' {
		return ci.Unknown, 0, nil, nil
	}
	switch {
	case bytes.HasPrefix(trimmed, resultFail):
		outcome = ci.Failed
	case bytes.HasPrefix(trimmed, resultPass):
		outcome = ci.Passed
	case bytes.HasPrefix(trimmed, resultSkip):
		outcome = ci.Skipped
	default:
		return ci.Unknown, 0, nil, nil
	}
	name, rest, _ = bytes.Cut(trimmed[len(resultFail):], []byte(" "))
	if !IsTestName(name) {
		return ci.Unknown, 0, nil, nil
	}
	return outcome, indent, name, rest
}

// goSeconds reads "(0.01s)" and the "(0.01 seconds)" of Go before 1.5.
func goSeconds(b []byte) (time.Duration, bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 3 || b[0] != '(' {
		return 0, false
	}
	end := 1
	for end < len(b) && (b[end] == '.' || '0' <= b[end] && b[end] <= '9') {
		end++
	}
	if unit := bytes.TrimLeft(b[end:], " "); len(unit) == 0 || unit[0] != 's' {
		return 0, false
	}
	return format.ParseSeconds(string(b[1:end]))
}

func topLevel(name string) string {
	top, _, _ := strings.Cut(name, "/")
	return top
}

func itoa(n int) string { return strconv.Itoa(n) }

var newline = []byte{'\n'}

// IsTestName: what "go test" would run.
func IsTestName(name []byte) bool {
	for _, prefix := range []string{"Test", "Example", "Fuzz", "Benchmark"} {
		if rest, ok := bytes.CutPrefix(name, []byte(prefix)); ok {
			return len(rest) == 0 || rest[0] < 'a' || rest[0] > 'z'
		}
	}
	return false
}

// Formats are the rows of this package.
func Formats() []format.Format { return []format.Format{goTestJSONFormat, goTestTextFormat} }

// NewReader follows the go command in a log.
func NewReader() format.LineReader { return newGoReader() }
