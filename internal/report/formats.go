// Package report turns what a CI run printed and wrote into facts. A format is
// a row in a table: its name, how its content is recognised, and a reader from
// bytes to a ci.Report. Names of files mean nothing here; content does. Readers
// hold bounded memory, never panic on hostile input, and keep what they could
// read of a broken file, saying where it broke.
package report

import (
	"bufio"
	"errors"
	"io"
	"slices"

	"keepgreen/internal/ci"
)

// Format is one row: something that a tool prints or writes.
type Format struct {
	Name string
	Doc  string // what it is, in one line; shown in docs/formats.md
	// Score says how surely the head of a file (up to headSize bytes) is of this
	// format: 0 no, 100 certainly. The highest score wins, the first row at a tie.
	Score func(head []byte) int
	Read  func(io.Reader) (ci.Report, error)
	// Text says that the format is what a tool prints for people: where it and a
	// structured source disagree about one test, the structured one is believed.
	Text bool
}

// headSize is how much of a file Score may look at.
const headSize = 64 << 10

// formats lists every format; each row stands in the file of its reader.
var formats = slices.Concat(
	[]Format{
		junitFormat,
		trxFormat,
		nunitFormat,
		xunitNetFormat,
		actionsFormat,
		logFormat,
		pytestFormat,
		unittestFormat,
		goTestJSONFormat,
		goTestTextFormat,
		jestJSONFormat,
		jestFormat,
		mavenFormat,
		cargoFormat,
	},
	lintFormats,
	coverageFormats(),
)

// Formats lists what can be read.
func Formats() []Format { return formats }

// Recognise names the format of a file by the head of its content; ok is false
// if no format claims it.
func Recognise(head []byte) (f Format, ok bool) {
	best := 0
	for _, row := range formats {
		if score := row.Score(head); score > best {
			f, best = row, score
		}
	}
	return f, best > 0
}

// Read recognises and reads one source. An error means that the content could
// not be read to its end; the report holds what was found before that.
func Read(r io.Reader) (ci.Report, error) {
	in := bufio.NewReaderSize(r, headSize)
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return ci.Report{}, err
	}
	f, ok := Recognise(head)
	if !ok {
		return ci.Report{Format: "unknown"}, nil
	}
	rep, err := f.Read(in)
	rep.Format = f.Name
	return rep, err
}
