// Package format holds what the readers of all families share: the row that a
// format is, the lines of a log as a person would read them, and text kept within
// bounds. It knows no tool and no format of one.
package format

import (
	"io"

	"keepgreen/internal/ci"
)

// Format is one row: something that a tool prints or writes.
type Format struct {
	Name string
	Doc  string // what it is, in one line; shown in docs/formats.md
	// Score says how surely the head of a file (up to HeadSize bytes) is of this
	// format: 0 no, 100 certainly. The highest score wins, the first row at a tie.
	Score func(head []byte) int
	Read  func(io.Reader) (ci.Report, error)
	// Text says that the format is what a tool prints for people: where it and a
	// structured source disagree about one test, the structured one is believed.
	Text bool
}

// HeadSize is how much of a file Score may look at.
const HeadSize = 64 << 10

// LineReader follows a log for one tool: it is given every line, takes those
// that are its own, and costs next to nothing on the others.
type LineReader interface {
	Line(l Line)
	Finish() ci.Report
}

// ReadLines feeds a whole source to one reader.
func ReadLines(r io.Reader, format string, m LineReader) (ci.Report, error) {
	var failed error
	for line, err := range Lines(DecodeText(r)) {
		if err != nil {
			failed = err
			break
		}
		m.Line(line)
	}
	rep := m.Finish()
	rep.Format = format
	return rep, failed
}
