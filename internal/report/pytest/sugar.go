package pytest

import (
	"bytes"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// sugar reads what the plugin pytest-sugar prints instead of pytest's own output
// where it is at a terminal or forced: tracebacks appear while the tests run,
// under rules of "―", and the counts stand in lines of their own
// (pytest_sugar.py, SugarTerminalReporter).
func (p *pytestReader) sugar(n int, b []byte) bool {
	if bytes.HasPrefix(b, []byte("Test session starts (platform: ")) {
		p.begin(n, false).sugar = true
		return true
	}
	s := p.s
	if s == nil || !s.sugar || len(b) == 0 {
		return false
	}
	switch {
	case bytes.HasPrefix(b, []byte("―――")):
		title := strings.Trim(text(b, maxID), "― ")
		p.closeBlock()
		s.section = sectFailures
		if strings.HasPrefix(title, "ERROR ") {
			s.section = sectErrors
		}
		if title != "" {
			s.open = newBlock(s.section, title, n)
		}
		return true
	case isBar(b):
		p.closeBlock()
		s.section = sectProgress
		return true
	case bytes.HasPrefix(b, []byte("Results (")):
		took, _ := readTook(strings.TrimSuffix(string(b[len("Results ("):]), "):"))
		p.endOfRun(n, map[string]int{}, took)
		return true
	case s.section == sectEnded && s.totals != nil:
		return s.sugarCount(bytes.TrimSpace(b))
	}
	return false
}

// isBar recognises the line of progress, which ends in a percentage and a bar:
// " tests/test_cart.py ✓⨯   3% ▍".
func isBar(b []byte) bool {
	i := bytes.LastIndex(b, []byte("% "))
	if i < 1 || b[i-1] < '0' || b[i-1] > '9' {
		return false
	}
	rest := bytes.TrimLeft(b[i+2:], "█▉▊▋▌▍▎▏ ")
	return len(rest) == 0
}

// sugarCount reads "24 passed".
func (s *session) sugarCount(b []byte) bool {
	digits, word, ok := strings.Cut(string(b), " ")
	count, err := strconv.Atoi(digits)
	if !ok || err != nil || !statsWord(word) || len(b) > 60 {
		return false
	}
	s.stats[strings.TrimSuffix(word, "s")] += count
	took := s.totals.Duration
	s.totals = totalsOf(s.stats)
	s.totals.Duration = took
	return true
}

// totalsOf is the counts of pytest's last line.
func totalsOf(counts map[string]int) *ci.Totals {
	return &ci.Totals{
		Passed: counts["passed"], Failed: counts["failed"], Errors: counts["error"],
		Skipped: counts["skipped"], XFailed: counts["xfailed"], XPassed: counts["xpassed"],
	}
}

// sugarOutcome is what a FAILED of the summary means: the plugin writes it for
// errors of fixtures, too, which only the headings tell from failures.
func (s *session) sugarOutcome(v verdict) ci.Outcome {
	if !s.sugar || s.section != sectSummary || v.outcome != ci.Failed {
		return v.outcome
	}
	name := dottedTail(string(v.id))
	calls, around := 0, 0
	for _, b := range s.blocks {
		switch {
		case b.name != name:
		case b.phase == "call":
			calls++
		default:
			around++
		}
	}
	if calls == 0 && around > 0 {
		return ci.Errored
	}
	return v.outcome
}
