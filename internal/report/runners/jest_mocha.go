package runners

import (
	"bytes"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// jsTree follows the indented list that spec reporters print: suites are plain
// lines, tests carry a sign. Any log is full of indented lines, so that only
// what Mocha's "2 passing" confirms is believed.
type jsTree struct {
	suites  [16][]byte
	pending []jsPending
}

type jsPending struct {
	id      string
	outcome ci.Outcome
	line    int
}

const (
	maxSuite   = 300
	maxPending = 100_000
)

func (t *jsTree) reset() {
	for i := range t.suites {
		t.suites[i] = t.suites[i][:0]
	}
}

// suite remembers a line as the possible name of a suite of its depth.
func (t *jsTree) suite(indent int, text []byte) {
	depth := indent / 2
	if indent%2 != 0 || depth >= len(t.suites) || len(text) > maxSuite {
		return
	}
	t.suites[depth] = append(t.suites[depth][:0], text...)
	for i := depth + 1; i < len(t.suites) && len(t.suites[i]) > 0; i++ {
		t.suites[i] = t.suites[i][:0]
	}
}

// path is the suites above a test at that indentation.
func (t *jsTree) path(indent int) []string {
	var out []string
	for depth := 1; depth < indent/2 && depth < len(t.suites); depth++ {
		if len(t.suites[depth]) > 0 {
			out = append(out, string(t.suites[depth]))
		}
	}
	return out
}

func (t *jsTree) add(n, indent int, title string, outcome ci.Outcome) {
	if len(t.pending) >= maxPending || indent < 2 {
		return
	}
	if outcome == ci.Passed {
		cutTook(&title)
	}
	id := jsJoin(append(t.path(indent), title)...)
	t.pending = append(t.pending, jsPending{id, outcome, n})
}

// mochaLine takes "1) title" in the tree, "2 passing (41ms)" and the numbered
// failures below it.
func (j *jestReader) mochaLine(n int, b []byte, indent int, text []byte) bool {
	if lineNumber, rest, ok := mochaNumbered(text); ok {
		if j.dialect == jsMocha && indent == 2 && lineNumber > 0 {
			j.titles = []string{rest}
			j.about = append(j.about[:0], jsID{line: n})
			return true
		}
		if !strings.Contains(rest, `" hook`) {
			j.tree.add(n, indent, rest, ci.Failed)
		}
		return true
	}
	if count := mochaCount(b, "passing"); count >= 0 && indent == 2 {
		j.confirm()
		j.rep.Totals = &ci.Totals{Passed: count}
		return true
	}
	if j.dialect != jsMocha || j.rep.Totals == nil {
		return false
	}
	if count := mochaCount(b, "pending"); count >= 0 {
		j.rep.Totals.Skipped = count
		return true
	}
	if count := mochaCount(b, "failing"); count >= 0 {
		j.rep.Totals.Failed = count
		return true
	}
	return false
}

// mochaNumbered splits "12) title".
func mochaNumbered(text []byte) (n int, rest string, ok bool) {
	n, after := format.LeadingNumber(text)
	if n == 0 || len(after) < 3 || after[0] != ')' || after[1] != ' ' {
		return 0, "", false
	}
	return n, string(after[2:]), true
}

// mochaNumber is the number of a line that starts a failure, or 0.
func mochaNumber(b []byte) int {
	if len(b) < 5 || b[0] != ' ' || b[1] != ' ' {
		return 0
	}
	n, _, _ := mochaNumbered(b[2:])
	return n
}

// mochaCount is the number of "  2 passing (41ms)", or -1.
func mochaCount(b []byte, what string) int {
	fields := bytes.Fields(b)
	if len(fields) < 2 || len(fields) > 3 || string(fields[1]) != what {
		return -1
	}
	if len(fields) == 3 && fields[2][0] != '(' {
		return -1
	}
	return format.LineNumber(fields[0])
}

// confirm believes the tree: Mocha has counted it.
func (j *jestReader) confirm() {
	j.dialect, j.file = jsMocha, ""
	for _, p := range j.tree.pending {
		j.result(p.line, p.id, p.outcome)
	}
	j.tree.pending = nil
	j.tree.reset()
}

// mochaTitle collects the title of a numbered failure, a level a line, until
// one ends with a colon.
func (j *jestReader) mochaTitle(b []byte) {
	last := len(j.titles) - 1
	if title, done := strings.CutSuffix(j.titles[last], ":"); done {
		j.titles[last] = title
		id := jsID{id: jsJoin(j.titles...), line: j.about[0].line}
		id.hook = strings.HasPrefix(title, `"`) && strings.Contains(title, `" hook`)
		j.about = append(j.about[:0], id)
		j.titles, j.section, j.after = nil, format.NewOutput(), false
		j.section.Line(b)
		return
	}
	text := bytes.TrimSpace(b)
	if len(text) == 0 || len(j.titles) > 16 || len(text) > maxSuite {
		j.titles, j.about = nil, j.about[:0] // no failure of Mocha's
		return
	}
	j.titles = append(j.titles, string(text))
}

// cutTook takes a duration off a title: "(5 ms)", "(1.2 s)", "4ms".
func cutTook(title *string) (time.Duration, bool) {
	text := strings.TrimRight(*title, " ")
	var word string
	if strings.HasSuffix(text, ")") {
		i := strings.LastIndex(text, " (")
		if i < 0 {
			return 0, false
		}
		word, text = strings.ReplaceAll(text[i+2:len(text)-1], " ", ""), text[:i]
	} else {
		i := strings.LastIndexByte(text, ' ')
		if i < 0 {
			return 0, false
		}
		word, text = text[i+1:], text[:i]
	}
	unit := time.Second
	digits, isMS := strings.CutSuffix(word, "ms")
	if isMS {
		unit = time.Millisecond
	} else if digits, _ = strings.CutSuffix(word, "s"); digits == word {
		return 0, false
	}
	if strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	d, ok := format.ParseSeconds(digits)
	if !ok {
		return 0, false
	}
	*title = text
	return d / (time.Second / unit), true
}

func (j *jestReader) timed(i int, took time.Duration, ok bool) {
	if i >= 0 && ok {
		j.rep.Tests[i].Duration, j.rep.Tests[i].Timed = took, true
	}
}
