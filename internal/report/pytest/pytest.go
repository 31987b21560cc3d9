// Package pytest reads what pytest and unittest print, and tox and nox around
// them: sessions, outcomes, and tracebacks in every style. It refuses to believe
// a count that no result explains without saying so.
package pytest

import (
	"bytes"
	"io"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

var pytestFormat = format.Format{
	Name:  "pytest",
	Doc:   "what pytest prints to a terminal or a CI log, in any verbosity and traceback style",
	Score: scorePytest,
	Read:  Read,
	Text:  true,
}

func scorePytest(head []byte) int {
	for _, mark := range []struct {
		text  string
		score int
	}{
		{"= test session starts =", 90},
		{"Test session starts (platform: ", 90}, // pytest-sugar
		{"= short test summary info =", 85},
		{"= FAILURES =", 80},
		{"= ERRORS =", 70},
		{"INTERNALERROR> ", 70},
		{"\npytest: error: ", 70},
		{"ImportError while loading conftest ", 70},
		{": commands[0]> ", 25},
	} {
		if bytes.Contains(head, []byte(mark.text)) {
			return mark.score
		}
	}
	if bytes.Contains(head, []byte("[100%]")) || bytes.Contains(head, []byte(" passed in ")) || bytes.Contains(head, []byte(" failed in ")) {
		return 50
	}
	return 0
}

// Read reads the output of pytest, with whatever else stands around it: the
// forge's prefixes, tox, several runs in one log.
func Read(r io.Reader) (ci.Report, error) {
	p := newPytestReader()
	var w wrapperReader
	var broke error
	for line, err := range format.Lines(format.DecodeText(r)) {
		if err != nil {
			broke = err
			break
		}
		if w.line(line, p.bad()) {
			p.env(w.env)
			w.settle(p.bad())
			continue
		}
		p.line(line)
	}
	rep := p.finish()
	w.finish(&rep)
	return rep, broke
}

// Bounds of what is kept of one log. Beyond them a reader counts on and says so.
const (
	maxID      = 4 << 10  // bytes of a test's ID
	maxTests   = 200_000  // results; as many again that are bad
	maxDetails = 48 << 20 // bytes of tracebacks, messages and output
)

// section is the part of pytest's output that a line stands in.
type section uint8

const (
	sectNone     section = iota // outside any run
	sectProgress                // collecting and running
	sectErrors
	sectFailures
	sectXFailures // tracebacks that are no failures
	sectPasses    // captured output of tests that passed
	sectSummary
	sectReruns
	sectDurations
	sectOther // warnings, coverage, what plugins add
	sectEnded // after the last line of a run
)

// pytestReader is fed with the lines of a log, one by one, so that readers of
// other formats can stand beside it.
type pytestReader struct {
	rep     ci.Report
	variant string // job and tox environment
	job     string
	tox     string

	s        *session
	attempt  map[variantID]int // executions so far; nil: at most one of each
	badSoFar int
	details  int // bytes kept so far
	dropped  struct{ tests, bad, details int }
	trace    *trace
	output   format.Clip
	lineText format.Clip // of --tb=line: the exception's lines before their location
}

type variantID struct {
	id      ci.TestID
	variant string
}

// session is one run of pytest within a log.
type session struct {
	section section
	start   int // line
	width   int // of the rules that pytest draws; 0: none seen yet
	root    string
	quiet   bool // no header: run with -q, or the log's beginning is missing
	xdist   bool
	sugar   bool // pytest-sugar draws the output

	tests       map[ci.TestID]*pytestTest
	order       []*pytestTest
	slab        []pytestTest      // records to come
	doubled     bool              // two records may have one ID
	silent      told              // of the tests about which nothing else is said
	running     map[ci.TestID]int // under xdist: started, without a verdict; the line of the log
	pending     ci.TestID         // started, without a verdict, not under xdist
	pendingLine int

	blocks  []block // headings and what stood below them
	open    *block  // the one being read; its lines go to the trace
	capture bool    // within its captured output
	nested  bool    // within the output of a pytest that a test has started

	file    string // of the dots
	letters letterCount
	entry   *summaryEntry // whose message may go on
	skips   []skipEntry

	totals   *ci.Totals
	stats    map[string]int
	stopped  string // why the run ended early
	problem  *problem
	names    map[string]int // of the headings so far
	named    int
	problems []ci.Failure
}

func newPytestReader() *pytestReader {
	return &pytestReader{
		trace:    newTrace(),
		output:   format.Clip{Head: 2 << 10, Tail: 2 << 10},
		lineText: format.Clip{Head: messageEnd, Tail: messageEnd},
	}
}

// line takes the next line of the log.
func (p *pytestReader) line(l format.Line) {
	if l.Job != p.job {
		p.close()
		p.job = l.Job
		p.setVariant()
	}
	b := trimmed(l.Text)
	if p.sugar(l.N, b) {
		return
	}
	if p.s == nil {
		p.outside(l.N, b)
		return
	}
	if p.s.problem != nil && p.inProblem(b) {
		return
	}
	if len(b) > 0 && isRule(b[0]) && p.rule(l.N, b) {
		return
	}
	switch p.s.section {
	case sectErrors, sectFailures, sectXFailures, sectPasses:
		p.inBlock(l.N, b)
	case sectSummary:
		p.summary(l.N, b)
	case sectReruns:
		p.rerunLine(l.N, b)
	case sectDurations:
		p.duration(b)
	default:
		p.outside(l.N, b)
	}
}

// trimmed takes off what stands invisibly at the end of a line.
func trimmed(b []byte) []byte {
	n := len(b)
	for n > 0 && (b[n-1] == ' ' || b[n-1] == '\t' || b[n-1] == 0) {
		n--
	}
	return b[:n]
}

// env says which environment of tox or nox the lines to come are of.
func (p *pytestReader) env(name string) {
	if name == p.tox {
		return
	}
	p.close()
	p.tox = name
	p.setVariant()
}

func (p *pytestReader) setVariant() {
	p.variant = strings.Trim(p.job+" / "+p.tox, " /")
}

// bad counts the failures so far; the wrappers' own lines are explained by them.
func (p *pytestReader) bad() int {
	if p.s == nil {
		return p.badSoFar
	}
	n := p.badSoFar + len(p.s.blocks) + len(p.s.problems)
	if p.s.stats != nil {
		n += p.s.stats["failed"] + p.s.stats["error"]
	}
	return n
}

// outside handles lines of a run's progress, and those before and after a run.
func (p *pytestReader) outside(n int, b []byte) {
	if len(b) == 0 {
		return
	}
	if isRule(b[0]) && p.s == nil && p.rule(n, b) {
		return
	}
	if p.progress(n, b) || p.trouble(n, b) {
		return
	}
	s := p.s
	if s == nil {
		return
	}
	if s.section == sectProgress && p.within(n, b) {
		return
	}
	switch {
	case b[0] == 'r' && bytes.HasPrefix(b, []byte("rootdir: ")):
		root, _, _ := bytes.Cut(b[len("rootdir: "):], []byte(", ")) // pytest < 7 puts the config file behind it
		s.root = text(root, 1000)
	case bytes.HasPrefix(b, []byte("collected 0 items")) && s.section == sectProgress && !bytes.Contains(b, []byte(" / ")):
		s.stopped = "no tests were collected"
	case s.quiet || s.section == sectOther || s.section == sectEnded:
		p.stats(n, b)
	}
}

// begin starts a run.
func (p *pytestReader) begin(n int, quiet bool) *session {
	p.close()
	p.s = &session{
		section: sectProgress, start: n, quiet: quiet,
		tests: map[ci.TestID]*pytestTest{}, running: map[ci.TestID]int{}, silent: told{shared: true},
	}
	return p.s
}

// implied is the current run, or a new one where its beginning is missing.
func (p *pytestReader) implied(n int) *session {
	if p.s == nil || p.s.section == sectEnded {
		return p.begin(n, true)
	}
	return p.s
}

// finish is what was found, after the last line.
func (p *pytestReader) finish() ci.Report {
	p.close()
	if n := p.dropped.details; n > 0 {
		p.warn(0, "the tracebacks of %d failures were left out: the log has more than %d MiB of them", n, maxDetails>>20)
	}
	if n := p.dropped.tests; n > 0 {
		p.warn(0, "%d more results, %d of them failures, were counted and not listed: the log has more than %d", n, p.dropped.bad, maxTests)
	}
	p.rep.Format = "pytest"
	return p.rep
}

// seconds reads "0.30s" and the like.
func seconds(b []byte) (time.Duration, bool) {
	s, ok := strings.CutSuffix(string(b), "s")
	if !ok || len(s) > 20 {
		return 0, false
	}
	d, err := time.ParseDuration(s + "s")
	return d, err == nil && d >= 0
}
