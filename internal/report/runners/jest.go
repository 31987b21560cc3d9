package runners

import (
	"bytes"
	"io"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

var jestFormat = format.Format{
	Name:  "jest",
	Doc:   "output of Jest, Vitest and Mocha",
	Score: scoreJest,
	Read:  ReadJest,
	Text:  true,
}

func scoreJest(head []byte) int {
	var clean format.Cleaner
	for line := range bytes.Lines(head) {
		line = format.TrimTimestamp(bytes.TrimRight(line, "\r\n"))
		if bytes.IndexByte(line, 0x1b) >= 0 {
			line = clean.StripEscapes(line)
		}
		if _, ok := jestFile(line); ok {
			return 60
		}
		trimmed := bytes.TrimLeft(line, " ")
		switch {
		case bytes.HasPrefix(trimmed, []byte("● ")) && bytes.Contains(line, []byte(" › ")):
			return 60
		case bytes.HasPrefix(trimmed, []byte("RUN  v")):
			return 60
		case mochaCount(line, "passing") >= 0 || mochaCount(line, "failing") >= 0:
			return 55
		}
	}
	return 0
}

// ReadJest reads what Jest, Vitest and Mocha print. A test's ID is its file,
// its suites and its title, joined by "::"; Mocha does not say the file.
func ReadJest(r io.Reader) (ci.Report, error) { return format.ReadLines(r, "jest", newJestReader()) }

// jsDialect is which of the three is speaking: each uses marks of the others.
type jsDialect uint8

const (
	jsNone jsDialect = iota
	jsJest
	jsVitest
	jsMocha
)

type jestReader struct {
	rep     ci.Report
	file    string // Jest: the file whose tests follow
	dialect jsDialect
	root    string         // Vitest: the directory it ran in
	tests   map[string]int // by ID: index into rep.Tests

	tree jsTree

	section *format.Clip // the text of a failure
	about   []jsID       // the tests it is about: Vitest prints one error for several
	titles  []string
	after   bool // a stack was seen: the failure may end
}

// jsID is a test, or a file as a whole (suite).
type jsID struct {
	id    string
	suite bool
	hook  bool
	line  int
}

func newJestReader() *jestReader { return &jestReader{tests: map[string]int{}} }

func (j *jestReader) Line(l format.Line) {
	b := l.Text
	if j.titles != nil {
		j.mochaTitle(b)
		return
	}
	if j.section != nil {
		if !j.sectionEnds(b) {
			j.section.Line(b)
			j.after = j.after || jsStackLine(b)
			return
		}
		j.closeSection()
	}
	if len(b) < 4 {
		return
	}
	switch c := b[0]; {
	case c == ' ':
		j.indented(l.N, b)
	case c == 'F' || c == 'P':
		j.jestFile(b)
	case c == 'T':
		j.jestTotals(b)
	case c >= 0x80:
		j.mark(l.N, b)
	}
}

// indented takes the tree of tests, headings and Vitest's lines.
func (j *jestReader) indented(n int, b []byte) {
	text := bytes.TrimLeft(b, " ")
	if len(text) == 0 {
		return
	}
	indent := len(b) - len(text)
	switch {
	case text[0] >= 0x80 && j.mark(n, b):
		return
	case indent == 1 && bytes.HasPrefix(text, []byte("FAIL  ")):
		j.vitestFail(n, text[len("FAIL  "):])
		return
	case indent == 1 && bytes.HasPrefix(text, []byte("RUN  v")):
		_, rest, _ := bytes.Cut(text[6:], []byte(" "))
		j.root, j.dialect = string(rest), jsVitest
		return
	case text[0] == 'T' && bytes.HasPrefix(text, []byte("Tests  ")) && j.dialect == jsVitest:
		j.count(string(text[len("Tests  "):]), " | ")
		return
	case text[0] >= '0' && text[0] <= '9':
		if j.mochaLine(n, b, indent, text) {
			return
		}
	case text[0] == '-' && indent >= 4 && len(text) > 2 && text[1] == ' ':
		j.tree.add(n, indent, string(text[2:]), ci.Skipped)
		return
	}
	j.tree.suite(indent, text)
}

// jestFile takes "FAIL src/pool.test.js (5.1 s)" of Jest.
func (j *jestReader) jestFile(b []byte) {
	file, ok := jestFile(b)
	if !ok {
		return
	}
	j.file, j.dialect = file, jsJest
	j.tree.reset()
}

// jestFile splits a line of Jest about a file. The suffix of the file is what
// tells it from the verdicts of other tools.
func jestFile(b []byte) (file string, ok bool) {
	verdict, rest := format.CutBlank(b)
	if string(verdict) != "FAIL" && string(verdict) != "PASS" {
		return "", false
	}
	if i := bytes.LastIndex(rest, []byte(" (")); i > 0 && bytes.HasSuffix(rest, []byte(")")) {
		rest = rest[:i]
	}
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 { // a project's display name stands before the file
		rest = rest[i+1:]
	}
	return string(rest), jsFile(rest)
}

// jsFile reports whether a path is of a JavaScript or TypeScript file.
func jsFile(b []byte) bool {
	i := bytes.LastIndexByte(b, '.')
	if i <= 0 {
		return false
	}
	switch string(b[i+1:]) {
	case "js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte":
		return true
	}
	return false
}

// mark takes the lines that begin with a sign: ✓ ✔ √ ✕ × ○ ↓ ● ❯.
func (j *jestReader) mark(n int, b []byte) bool {
	text := bytes.TrimLeft(b, " ")
	indent := len(b) - len(text)
	sign, rest, ok := bytes.Cut(text, []byte(" "))
	if !ok || len(sign) > 4 {
		return false
	}
	switch string(sign) {
	case "●":
		j.jestFailure(n, string(rest))
	case "✓", "✔", "√":
		j.tick(n, indent, string(rest), ci.Passed)
	case "✕", "×", "✗", "✖":
		j.tick(n, indent, string(rest), ci.Failed)
	case "○", "↓":
		j.tick(n, indent, strings.TrimSuffix(strings.TrimPrefix(string(rest), "skipped "), " [skipped]"), ci.Skipped)
	case "❯":
		if j.dialect == jsVitest {
			j.vitestFile(string(rest))
		}
	default:
		return false
	}
	return true
}

// tick takes one test of a list of tests.
func (j *jestReader) tick(n, indent int, title string, outcome ci.Outcome) {
	switch j.dialect {
	case jsJest:
		if j.file != "" && indent >= 2 {
			took, timed := cutTook(&title)
			path := append([]string{j.file}, j.tree.path(indent)...)
			i := j.result(n, jsJoin(append(path, title)...), outcome)
			j.timed(i, took, timed)
		}
	case jsVitest:
		took, timed := cutTook(&title)
		if indent > 1 && j.file != "" { // below its file
			title = j.file + " > " + title
		}
		file, rest, ok := strings.Cut(title, " > ")
		if !ok || !jsFile([]byte(file)) {
			if ok = jsFile([]byte(cutCounts(title))); ok {
				j.vitestFile(title)
			}
			return
		}
		i := j.result(n, jsJoin(file, strings.ReplaceAll(rest, " > ", "::")), outcome)
		j.timed(i, took, timed)
	default:
		j.tree.add(n, indent, title, outcome)
	}
}

// vitestFile takes " ❯ src/a.test.ts (5 tests | 3 failed) 40ms".
func (j *jestReader) vitestFile(text string) {
	if file := cutCounts(text); jsFile([]byte(file)) {
		j.file = file
	}
}

func cutCounts(text string) string {
	file, _, _ := strings.Cut(text, " (")
	return strings.TrimSpace(file)
}

// vitestFail takes "src/a.test.ts > suite > test" behind Vitest's FAIL.
func (j *jestReader) vitestFail(n int, rest []byte) {
	text := string(rest)
	if strings.HasPrefix(text, "|") {
		_, text, _ = strings.Cut(text[1:], "| ")
	}
	file, test, ok := strings.Cut(strings.TrimSpace(text), " > ")
	if !ok {
		file, _, _ = strings.Cut(file, " [ ")
	}
	if !jsFile([]byte(file)) {
		return
	}
	j.dialect = jsVitest
	id := jsID{id: file, suite: !ok, line: n}
	if ok {
		id.id = jsJoin(file, strings.ReplaceAll(test, " > ", "::"))
	}
	j.about = append(j.about, id)
	j.section, j.after = format.NewOutput(), false
}

// jestFailure takes "● suite › test" of Jest.
func (j *jestReader) jestFailure(n int, title string) {
	if j.file == "" || j.dialect != jsJest {
		return
	}
	if title == "Console" || strings.HasPrefix(title, "Cannot log after tests") {
		return
	}
	id := jsID{id: j.file, suite: title == "Test suite failed to run", line: n}
	if !id.suite {
		id.id = jsJoin(j.file, title)
	}
	j.about, j.section, j.after = append(j.about[:0], id), format.NewOutput(), false
}

// sectionEnds reports whether a line is behind the text of a failure.
func (j *jestReader) sectionEnds(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	if j.dialect == jsVitest {
		return bytes.HasPrefix(b, []byte("⎯⎯")) || bytes.HasPrefix(b, []byte(" FAIL  ")) || bytes.HasPrefix(b, []byte(" Test Files "))
	}
	if bytes.HasPrefix(b, []byte("##[")) {
		return true
	}
	if j.dialect == jsMocha {
		return j.after && b[0] != ' ' || mochaNumber(b) > 0
	}
	if bytes.HasPrefix(b, []byte("  ● ")) || bytes.HasPrefix(b, []byte(" › ")) {
		return true
	}
	return b[0] != ' ' && b[0] != '\t' && (b[0] != '}' && b[0] != ']' || j.after)
}

// closeSection gives the text of a failure to the tests that it is about. A
// heading of Vitest's with no text shares the text of the next one.
func (j *jestReader) closeSection() {
	text := j.section.String()
	j.section = nil
	if j.dialect == jsVitest && strings.TrimSpace(text) == "" {
		return
	}
	for _, id := range j.about {
		j.failed(id, jsFailure(text, j.root))
	}
	j.about = j.about[:0]
}

// failed records the failure of a test or of a whole file.
func (j *jestReader) failed(id jsID, f ci.Failure) {
	f.Log, f.Tool = ci.Position{Line: id.line}, j.framework()
	if id.suite {
		f.Kind, f.Test = ci.KindError, ci.TestID(id.id)
		if f.Pos.IsZero() {
			f.Pos.File = id.id
		}
		for _, known := range j.rep.Failures { // Jest repeats failures at the end of a long run
			if known.Test == f.Test && known.Message == f.Message {
				return
			}
		}
		j.rep.Failures = append(j.rep.Failures, f)
		return
	}
	outcome := ci.Failed
	if id.hook {
		f.Kind, outcome = ci.KindError, ci.Errored
	}
	j.adopt(id.id)
	i := j.result(id.line, id.id, outcome)
	if i < 0 {
		return
	}
	r := &j.rep.Tests[i]
	if r.Failure != nil && r.Failure.Message != "" {
		return
	}
	r.Outcome = outcome
	if f.Pos.IsZero() {
		f.Pos.File = r.File
	}
	f.Test, f.Tool = r.ID, r.Framework
	r.Failure, r.Output = &f, f.Details
}

// adopt gives a failed test of Vitest's list its whole name: since version 4 the
// list leaves the suites out, which only the heading of the failure names.
func (j *jestReader) adopt(id string) {
	file, rest, _ := strings.Cut(id, "::")
	last := strings.LastIndex(rest, "::")
	if j.dialect != jsVitest || last < 0 {
		return
	}
	bare := jsJoin(file, rest[last+2:])
	i, listed := j.tests[bare]
	if _, known := j.tests[id]; !listed || known || j.rep.Tests[i].Failure == nil || j.rep.Tests[i].Failure.Message != "" {
		return
	}
	delete(j.tests, bare)
	j.tests[id] = i
	j.rep.Tests[i].ID = ci.TestID(id)
}

// result records a test once.
func (j *jestReader) result(n int, id string, outcome ci.Outcome) int {
	if i, known := j.tests[id]; known {
		return i
	}
	if len(j.rep.Tests) >= format.MaxResults {
		return -1
	}
	r := ci.TestResult{ID: ci.TestID(id), Framework: j.framework(), Outcome: outcome}
	if file, _, _ := strings.Cut(id, "::"); jsFile([]byte(file)) {
		r.File = file
	}
	if outcome.Bad() {
		r.Failure = &ci.Failure{Kind: ci.KindTest, Test: r.ID, Tool: r.Framework, Log: ci.Position{Line: n}}
	}
	j.tests[id] = len(j.rep.Tests)
	j.rep.Tests = append(j.rep.Tests, r)
	return len(j.rep.Tests) - 1
}

func (j *jestReader) framework() string {
	if j.dialect == jsVitest {
		return "vitest"
	}
	if j.dialect == jsMocha {
		return "mocha"
	}
	return "jest"
}

// jestTotals takes "Tests:       5 failed, 1 skipped, 2 passed, 8 total".
func (j *jestReader) jestTotals(b []byte) {
	if rest, ok := bytes.CutPrefix(b, []byte("Tests: ")); ok && j.dialect == jsJest {
		j.count(string(rest), ", ")
	}
}

func (j *jestReader) count(text, sep string) {
	if j.rep.Totals == nil {
		j.rep.Totals = &ci.Totals{}
	}
	for part := range strings.SplitSeq(strings.TrimSpace(text), sep) {
		count, what, _ := strings.Cut(part, " ")
		n := max(format.LineNumber([]byte(count)), 0)
		switch what, _, _ = strings.Cut(what, " "); what {
		case "failed":
			j.rep.Totals.Failed += n
		case "passed":
			j.rep.Totals.Passed += n
		case "skipped", "todo", "pending":
			j.rep.Totals.Skipped += n
		}
	}
}

func (j *jestReader) Finish() ci.Report {
	if j.titles != nil {
		j.titles, j.section = nil, format.NewOutput()
	}
	if j.section != nil {
		j.closeSection()
	}
	for _, id := range j.about { // headings whose error was cut off
		j.failed(id, ci.Failure{Kind: ci.KindTest, Tool: j.framework()})
	}
	return j.rep
}

// jsJoin joins the levels of a test; Jest's own separator is one of them, since
// its headings do not tell it from a title.
func jsJoin(levels ...string) string {
	return strings.ReplaceAll(strings.Join(levels, "::"), " › ", "::")
}
