package pytest

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func isRule(c byte) bool { return c == '=' || c == '_' || c == '-' || c == '!' }

// rule handles the lines that pytest draws across the terminal: "==== FAILURES
// ====". Tests print such lines too, so that within a block only those of the
// width of this run count (TerminalWriter.sep fills to the full width).
func (p *pytestReader) rule(n int, b []byte) bool {
	title, fill, ok := ruleTitle(b)
	if !ok {
		return false
	}
	switch b[0] {
	case '=':
		return p.sectionRule(n, b, title, fill)
	case '_':
		return p.heading(n, b, title, fill)
	case '-':
		return p.captured(b, title, fill)
	case '!':
		return p.stop(n, b, title, fill)
	}
	return false
}

// ruleTitle takes the title out of a rule, and the length of the shorter fill.
func ruleTitle(b []byte) (title []byte, fill int, ok bool) {
	c := b[0]
	i := 0
	for i < len(b) && b[i] == c {
		i++
	}
	if i >= len(b) || b[i] != ' ' {
		return nil, 0, false
	}
	j := len(b)
	for j > i && b[j-1] == c {
		j--
	}
	if j == len(b) || j <= i+2 || b[j-1] != ' ' {
		return nil, 0, false
	}
	title = bytes.TrimSpace(b[i:j])
	return title, min(i, len(b)-j), len(title) > 0
}

// ours reports whether a rule has the width of this run. A title that is too
// long for the terminal has one fill character at each side.
func (s *session) ours(b []byte, fill int) bool {
	width := utf8.RuneCount(b)
	switch {
	case s.width == 0:
		return fill >= 3
	case fill == 1:
		return width >= s.width-1
	}
	return width == s.width || width == s.width-1
}

// inText reports whether lines belong to a block, where look-alikes stand.
func (s *session) inText() bool {
	return s.open != nil || s.section == sectSummary || s.section == sectPasses
}

func (p *pytestReader) sectionRule(n int, b, title []byte, fill int) bool {
	name := string(title)
	if name == "test session starts" {
		return p.sessionStarts(n, b)
	}
	if p.s != nil && p.s.nested {
		if _, _, isStats := readStats(title); isStats {
			p.s.nested = false
		}
		return false
	}
	counts, took, isStats := readStats(title)
	next, known := sectionNamed(name)
	if p.s == nil {
		if !known && !isStats || fill < 3 {
			return false
		}
		p.implied(n)
	}
	s := p.s
	if s.inText() && !s.ours(b, fill) {
		return false
	}
	switch {
	case isStats && s.ours(b, fill):
		p.endOfRun(n, counts, took)
	case known:
		if s.section == sectEnded && next != sectOther {
			s = p.begin(n, true)
		}
		p.enter(next)
		s.width = utf8.RuneCount(b)
	case s.ours(b, fill):
		p.enter(sectOther)
	default:
		return false
	}
	return true
}

// sessionStarts begins a run; within captured output it is the run of a test
// that tests pytest, whose every line is skipped.
func (p *pytestReader) sessionStarts(n int, b []byte) bool {
	if p.s != nil && p.s.capture {
		p.s.nested = true
		return false
	}
	p.begin(n, false).width = utf8.RuneCount(b)
	return true
}

func sectionNamed(name string) (section, bool) {
	switch name {
	case "FAILURES":
		return sectFailures, true
	case "ERRORS":
		return sectErrors, true
	case "XFAILURES":
		return sectXFailures, true
	case "PASSES", "XPASSES":
		return sectPasses, true
	case "short test summary info":
		return sectSummary, true
	case "rerun test summary info":
		return sectReruns, true
	case "warnings summary", "warnings summary (final)", "tests coverage":
		return sectOther, true
	}
	if strings.HasPrefix(name, "slowest ") && strings.HasSuffix(name, "durations") {
		return sectDurations, true
	}
	return sectNone, false
}

// enter closes what was open and begins a section.
func (p *pytestReader) enter(next section) {
	p.closeBlock()
	p.endEntry()
	p.s.section = next
}

// heading is "____ TestClass.test[param] ____".
func (p *pytestReader) heading(n int, b, title []byte, fill int) bool {
	s := p.s
	if s == nil || s.nested || b[1] == ' ' && title[0] == '_' { // "_ _ _" stands between frames
		return false
	}
	switch s.section {
	case sectErrors, sectFailures, sectXFailures, sectPasses:
	case sectEnded:
		// A test printed something like the last line of a quiet run.
		if !s.quiet || s.width == 0 || fill < 2 || utf8.RuneCount(b) != s.width || len(s.blocks) == 0 {
			return false
		}
		s.section, s.totals, s.stats = sectFailures, nil, nil
	default:
		return false
	}
	if !s.ours(b, fill) {
		return false
	}
	p.closeBlock()
	if s.section == sectPasses || s.section == sectXFailures {
		return true
	}
	s.open = newBlock(s.section, text(title, maxID), n)
	return true
}

// captured is "---- Captured stdout call ----".
func (p *pytestReader) captured(b, title []byte, fill int) bool {
	s := p.s
	if s == nil || s.open == nil || s.nested || !s.ours(b, fill) {
		return false
	}
	if bytes.HasPrefix(title, []byte("generated ")) { // "generated xml file: …", by junitxml and others
		p.enter(sectOther)
		return true
	}
	if !bytes.HasPrefix(title, []byte("Captured ")) {
		return false
	}
	s.capture = true
	p.output.Line(title)
	return true
}

// stop is "!!!! Interrupted: 3 errors during collection !!!!".
func (p *pytestReader) stop(n int, b, title []byte, fill int) bool {
	s := p.s
	if s == nil || fill < 3 && s.inText() || s.inText() && !s.ours(b, fill) || s.nested {
		return false
	}
	known := false
	for _, word := range []string{"Interrupted", "KeyboardInterrupt", "stopping after", "_pytest.outcomes.Exit", "Exit:"} {
		known = known || bytes.Contains(title, []byte(word))
	}
	if !known {
		return false
	}
	p.enter(sectOther)
	s.stopped = text(title, 1000)
	if bytes.Contains(title, []byte("KeyboardInterrupt")) {
		p.problem(n, problemInterrupt, title)
	}
	return true
}

// endOfRun is the line with the counts.
func (p *pytestReader) endOfRun(n int, counts map[string]int, took time.Duration) {
	s := p.s
	p.enter(sectEnded)
	s.stats = counts
	s.totals = totalsOf(counts)
	s.totals.Duration = took
	if s.pendingLine == n {
		s.pending = ""
	}
}

// stats reads the last line of a quiet run, which stands without a rule.
func (p *pytestReader) stats(n int, b []byte) {
	if b[0] < '0' || b[0] > '9' {
		if b[0] != 'n' {
			return
		}
	}
	counts, took, ok := readStats(b)
	if ok && (p.s.quiet || p.s.stats == nil) {
		p.endOfRun(n, counts, took)
	}
}

// readStats reads "1 failed, 2 passed, 3 warnings in 3.4s (0:01:03)" and the
// "13 error in 4.56 seconds" of old versions.
func readStats(b []byte) (counts map[string]int, took time.Duration, ok bool) {
	if len(b) == 0 || len(b) > 400 || (b[0] < '0' || b[0] > '9') && b[0] != 'n' {
		return nil, 0, false
	}
	i := bytes.LastIndex(b, []byte(" in "))
	if i < 0 {
		return nil, 0, false
	}
	took, ok = readTook(string(b[i+len(" in "):]))
	if !ok {
		return nil, 0, false
	}
	counts = map[string]int{}
	for part := range strings.SplitSeq(string(b[:i]), ", ") {
		if part == "no tests ran" || strings.HasPrefix(part, "no tests collected") {
			counts["none"]++
			continue
		}
		digits, word, _ := strings.Cut(part, " ")
		n, err := strconv.Atoi(strings.SplitN(digits, "/", 2)[0])
		if err != nil || !statsWord(word) {
			return nil, 0, false
		}
		counts[strings.TrimSuffix(strings.TrimSuffix(word, "s"), " ")] += n
	}
	return counts, took, true
}

// statsWord tells the words of the last line, of pytest and of its plugins.
func statsWord(word string) bool {
	if i := strings.IndexByte(word, '('); i > 0 {
		word = strings.TrimSpace(word[:i])
	}
	switch word {
	case "passed", "failed", "error", "errors", "skipped", "xfailed", "xpassed", "xfail", "xpass", "warning", "warnings",
		"deselected", "rerun", "reruns", "subtests passed", "subtests failed", "subtests skipped", "subtests", "snapshots",
		"pytest-warnings", "seconds", "tests collected", "test collected", "retried", "flaky", "quarantined", "unknown":
		return true
	}
	return false
}

func readTook(s string) (time.Duration, bool) {
	s, _, _ = strings.Cut(s, " (")
	s = strings.TrimSuffix(s, " seconds")
	s = strings.TrimSuffix(s, "s")
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1e7 {
		return 0, false
	}
	return time.Duration(f * float64(time.Second)).Round(time.Millisecond), true
}
