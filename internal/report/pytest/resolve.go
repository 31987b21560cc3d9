package pytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

func (p *pytestReader) warn(line int, format string, args ...any) {
	if len(p.rep.Warnings) < 1000 {
		p.rep.Warnings = append(p.rep.Warnings, ci.Warning{Line: line, Text: fmt.Sprintf(format, args...)})
	}
}

// close ends the current run: what headings, progress, summary and durations
// said is joined to one result a test.
func (p *pytestReader) close() {
	s := p.s
	if s == nil {
		return
	}
	p.endProblem()
	p.closeBlock()
	p.endEntry()
	p.unfinished()
	s.findRoot()
	for i := range s.blocks {
		s.blocks[i].failure = s.inRepo(s.blocks[i].failure)
	}
	p.attach()
	s.explainCrashes()
	p.foldSkips()
	p.checkCounts()
	p.emit()
	p.addTotals()
	p.s = nil
}

// unfinished handles a run without its last line: somebody killed it.
func (p *pytestReader) unfinished() {
	s := p.s
	if s.stats != nil || s.section == sectSummary && s.quiet {
		if s.stats["none"] > 0 || len(s.stats) == 1 && s.stats["deselected"] > 0 {
			p.warn(s.start, "pytest ran no tests")
		} else if s.stopped != "" {
			p.warn(s.start, "the run ended early: %s", s.stopped)
		}
		return
	}
	if s.stopped == "" && (!s.quiet || s.section == sectProgress) {
		p.warn(s.start, "the run has no last line: it crashed, was ended from outside, or the log is cut")
	}
	if s.quiet && len(s.order) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(s.running)) {
		if s.tests[id] == nil {
			p.hung(s.running[id], id)
		}
	}
	if s.pending != "" && s.tests[s.pending] == nil {
		p.hung(s.pendingLine, s.pending)
	}
}

// hung is a test that began and has no verdict in a run that was killed.
func (p *pytestReader) hung(n int, id ci.TestID) {
	t := p.s.test(n, id, "")
	t.errored = true
	t.tell()
	t.around = append(t.around, ci.Failure{
		Kind: ci.KindError, Tool: "pytest", Phase: "call", Message: "the test was running when the run ended",
		Log: ci.Position{Line: n}, Job: p.job,
	})
}

// attach gives every block to its test.
func (p *pytestReader) attach() {
	s := p.s
	index := s.index()
	files := s.guessFiles()
	var nameless []*block
	for i := range s.blocks {
		b := &s.blocks[i]
		if b.section == sectFailures && b.name == "" && b.id == "" {
			nameless = append(nameless, b)
			continue
		}
		t := s.owner(b, index, files[i])
		b.failure.Test = t.id
		t.give(b)
	}
	for _, b := range nameless {
		if t := s.sayers(b); t != nil {
			b.failure.Test = t.id
			t.give(b)
			continue
		}
		if s.unexplained() > 0 {
			continue // the summary names this one, in words that do not match
		}
		p.addProblemOf(b)
	}
}

// addProblemOf lists a failure whose test nothing in the log names.
func (p *pytestReader) addProblemOf(b *block) {
	p.rep.Failures = append(p.rep.Failures, b.failure)
}

// give stores a block's failure with its test.
func (t *pytestTest) give(b *block) {
	t.tell()
	if t.output == "" {
		t.output = b.output
	}
	if b.section == sectErrors {
		t.errored = true
		t.around = append(t.around, b.failure)
		return
	}
	t.failed = true
	if t.call == nil {
		t.call = &b.failure
		return
	}
	t.around = append(t.around, b.failure)
}

// index lists the tests under their names in headings.
func (s *session) index() map[string][]*pytestTest {
	index := map[string][]*pytestTest{}
	for _, t := range s.order {
		if t.failed || t.errored {
			name := dottedTail(string(t.id))
			index[name] = append(index[name], t)
		}
	}
	return index
}

// owner finds, or makes, the test that a block is about.
func (s *session) owner(b *block, index map[string][]*pytestTest, letter string) *pytestTest {
	switch {
	case b.id != "":
		return s.test(b.line, b.id, "")
	case b.phase == "collect":
		return s.test(b.line, ci.TestID(b.file), "")
	}
	candidates := index[b.name]
	file := b.testFile()
	for _, strict := range []bool{true, false} {
		for _, t := range candidates {
			if !t.takes(b) || strict && !b.touches(t.id.File(), letter) {
				continue
			}
			return t
		}
	}
	if letter != "" {
		file = letter
	}
	if len(candidates) == 0 {
		t := s.test(b.line, idOf(file, b), "")
		if b.section != sectFailures || t.call == nil {
			return t
		}
	}
	t := &pytestTest{id: idOf(file, b), seen: b.line, told: &s.silent}
	s.order, s.doubled = append(s.order, t), true
	return t
}

// takes reports whether a test still lacks the traceback that a block has.
func (t *pytestTest) takes(b *block) bool {
	if b.section == sectFailures {
		return t.failed && t.call == nil
	}
	for i := range t.around {
		if t.around[i].Phase == b.phase && t.around[i].Log.Line > 0 {
			return false
		}
	}
	return t.errored
}

// touches reports whether a block's traceback, or the letters of the progress,
// name the file.
func (b *block) touches(file, letter string) bool {
	if letter != "" {
		return letter == file
	}
	for i := range b.failure.Frames {
		if sameFile(b.failure.Frames[i].File, file) {
			return true
		}
	}
	for i := range b.failure.Chain {
		for _, frame := range b.failure.Chain[i].Frames {
			if sameFile(frame.File, file) {
				return true
			}
		}
	}
	return false
}

func sameFile(a, b string) bool {
	return a == b || strings.HasSuffix(a, "/"+b) || b != "" && strings.HasSuffix(b, "/"+a)
}

// testFile is the file of the frame that has the test's name, else of the first
// frame that looks like a test's; empty where none does.
func (b *block) testFile() string {
	name := untilParams(b.name)
	name = name[strings.LastIndexByte(name, '.')+1:]
	looksLike := ""
	visit := func(frames []ci.Frame) string {
		for _, frame := range frames {
			if outside(frame.File) {
				continue
			}
			if frame.Func == name {
				return frame.File
			}
			base := frame.File[strings.LastIndexByte(frame.File, '/')+1:]
			if looksLike == "" && (strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py")) {
				looksLike = frame.File
			}
		}
		return ""
	}
	for _, link := range b.failure.Chain {
		if file := visit(link.Frames); file != "" {
			return file
		}
	}
	if file := visit(b.failure.Frames); file != "" {
		return file
	}
	if looksLike == "" && b.failure.Exception == "DocTestFailure" && len(b.failure.Frames) > 0 {
		return b.failure.Frames[0].File
	}
	return looksLike
}

// untilParams is a heading's name without parameters and subtest.
func untilParams(name string) string {
	if i := strings.IndexAny(name, "[ ("); i > 0 {
		return name[:i]
	}
	return name
}

// idOf spells a heading as an ID. Without a file the heading stays as it is.
func idOf(file string, b *block) ci.TestID {
	if file == "" {
		return ci.TestID(b.name)
	}
	if b.failure.Exception == "DocTestFailure" || b.failure.Exception == "UnexpectedException" {
		return ci.TestID(file + "::" + b.name)
	}
	name := untilParams(b.name)
	return ci.TestID(file + "::" + strings.ReplaceAll(name, ".", "::") + b.name[len(name):])
}

// sayers finds the test whose summary begins as the message of a block without
// a heading (--tb=line) does.
func (s *session) sayers(b *block) *pytestTest {
	headline := b.failure.Headline()
	for _, t := range s.order {
		if !t.failed || t.call != nil || t.summary == "" {
			continue
		}
		_, said := SplitException(t.summary)
		said, _, _ = strings.Cut(said, "\n")
		said = strings.TrimSuffix(said, "...")
		if strings.HasPrefix(headline, said) {
			return t
		}
	}
	return nil
}

// unexplained counts the failed tests without a traceback.
func (s *session) unexplained() (n int) {
	for _, t := range s.order {
		if t.failed && t.call == nil {
			n++
		}
	}
	return n
}

// foldSkips adds what "SKIPPED [2] path:7: reason" says: reason and line of
// tests that the progress named, else a result named by the place.
func (p *pytestReader) foldSkips() {
	s := p.s
	named := map[string][]*pytestTest{}
	for _, t := range s.order {
		if t.skipped && t.summary == "" {
			named[t.id.File()] = append(named[t.id.File()], t)
		}
	}
	for _, skip := range s.skips {
		left := skip.n
		for _, t := range named[skip.file] {
			reason := strings.TrimSuffix(t.reason, "...")
			if left > 0 && t.line == 0 && strings.HasPrefix(skip.reason, reason) {
				told := t.tell()
				told.reason, told.line = skip.reason, max(skip.line, 1)
				left--
			}
		}
		if left == 0 {
			continue
		}
		place := ci.Position{File: skip.file, Line: skip.line}
		t := s.test(skip.seen, ci.TestID(place.String()), "")
		t.skipped = true
		told := t.tell()
		told.reason, told.line = skip.reason, skip.line
		told.folded += left
	}
}

func sprintCounts(what string, claimed, found int) string {
	return fmt.Sprintf("pytest counts %d %s, the log shows %d", claimed, what, found)
}
