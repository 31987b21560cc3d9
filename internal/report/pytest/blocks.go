package pytest

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// block is one heading of ERRORS or FAILURES and what its traceback said.
type block struct {
	section section
	name    string // of the test as headings spell it; "": --tb=line has no headings
	phase   string // "call", "setup", "teardown", "collect"
	file    string // of an error of collection
	id      ci.TestID
	line    int
	failure ci.Failure
	output  string
}

func newBlock(in section, title string, n int) *block {
	b := &block{section: in, name: strings.TrimPrefix(title, "[doctest] "), phase: "call", line: n}
	if in != sectErrors {
		return b
	}
	if path, ok := strings.CutPrefix(title, "ERROR collecting "); ok {
		b.phase, b.file, b.name = "collect", slashed(path), ""
		return b
	}
	for _, phase := range []string{"setup", "teardown"} {
		if name, ok := strings.CutPrefix(title, "ERROR at "+phase+" of "); ok {
			b.phase, b.name = phase, strings.TrimPrefix(name, "[doctest] ")
		}
	}
	return b
}

// headings counts the names that headings have shown.
func (s *session) headings() map[string]int {
	if s.names == nil {
		s.names = map[string]int{}
	}
	for ; s.named < len(s.blocks); s.named++ {
		s.names[s.blocks[s.named].name]++
	}
	return s.names
}

// inBlock takes a line of a traceback or of captured output.
func (p *pytestReader) inBlock(n int, b []byte) {
	s := p.s
	if s.open == nil {
		if s.section == sectFailures && len(b) > 0 && !s.quietStats(b) {
			p.lineStyle(n, b)
		}
	}
	if s.quiet && !s.nested && len(b) > 0 && b[0] >= '0' && b[0] <= 'n' {
		if p.stats(n, b); s.section == sectEnded {
			return
		}
	}
	switch {
	case s.open == nil:
	case s.capture:
		p.output.Line(b)
	case len(b) > 3 && b[0] == '[' && b[1] == 'g' && bytes.Contains(b, []byte(" -- Python ")):
	default:
		p.trace.line(b)
	}
}

func (s *session) quietStats(b []byte) bool {
	if !s.quiet {
		return false
	}
	_, _, ok := readStats(b)
	return ok
}

// lineStyle reads --tb=line: no headings, one location for each failure, with
// or without the exception's lines before it.
func (p *pytestReader) lineStyle(n int, b []byte) {
	file, line, rest, ok := location(b)
	if !ok || len(rest) == 0 {
		if b[0] == 'E' && len(b) > 1 && b[1] == ' ' {
			p.lineText.Reset()
			p.lineText.Line(bytes.TrimLeft(b[1:], " "))
		} else if !p.lineText.Empty() {
			p.lineText.Line(bytes.TrimPrefix(b, []byte("    ")))
		}
		return
	}
	message := text(rest, messageEnd)
	if said := p.lineText.Text(); strings.HasPrefix(said, message) {
		message = said
	}
	p.lineText.Reset()
	exception, said := SplitException(message)
	position := ci.Position{File: text(file, 1000), Line: line}
	p.addBlock(&block{section: sectFailures, phase: "call", line: n, failure: ci.Failure{
		Exception: exception, Message: said, Details: text(b, messageEnd), Frames: []ci.Frame{{Position: position}},
	}})
}

// closeBlock makes a failure of the block that is open.
func (p *pytestReader) closeBlock() {
	s := p.s
	if s == nil {
		return
	}
	s.capture, s.nested = false, false
	p.lineText.Reset()
	if b := s.open; b != nil {
		s.open = nil
		b.id = p.trace.crashed
		b.failure = p.trace.failure()
		b.output = p.output.Text()
		p.addBlock(b)
	}
	p.trace.reset()
	p.output.Reset()
}

func (p *pytestReader) addBlock(b *block) {
	s := p.s
	if len(s.blocks) >= maxTests {
		p.dropped.tests++
		p.dropped.bad++
		return
	}
	b.failure.Log.Line = b.line
	b.failure.Tool, b.failure.Phase, b.failure.Job = "pytest", b.phase, p.job
	b.failure.Kind = ci.KindTest
	if b.phase != "call" || b.id != "" {
		b.failure.Kind = ci.KindError
	}
	p.bound(b)
	s.blocks = append(s.blocks, *b)
}

// bound keeps the sum of what is kept of all failures within maxDetails: of
// those that come later only the first line of the message remains.
func (p *pytestReader) bound(b *block) {
	f := &b.failure
	size := len(f.Details) + len(f.Message) + len(b.output)
	for _, link := range f.Chain {
		size += len(link.Message)
	}
	if p.details+size <= maxDetails {
		p.details += size
		return
	}
	p.dropped.details++
	f.Details, b.output, f.Chain = "", "", nil
	f.Message = format.Shorten(f.Headline(), 300)
	if n := len(f.Frames); n > 1 {
		f.Frames = append([]ci.Frame{}, f.Frames[n-1])
	}
}

// keep bounds a message of the summary in the same way.
func (p *pytestReader) keep(message string) string {
	if p.details+len(message) > maxDetails {
		line, _, _ := strings.Cut(message, "\n")
		return format.Shorten(line, 300)
	}
	p.details += len(message)
	return message
}
