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
	"keepgreen/internal/report/actions"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/gotest"
	"keepgreen/internal/report/junit"
	"keepgreen/internal/report/lint"
	"keepgreen/internal/report/pytest"
	"keepgreen/internal/report/runners"
)

// formats lists every format; each row stands in the file of its reader.
var formats = slices.Concat(
	junit.Formats(),
	actions.Formats(),
	[]format.Format{logFormat},
	pytest.Formats(),
	gotest.Formats(),
	runners.Formats(),
	lint.Formats(),
	coverageFormats(),
	vulnFormats(),
)

// Formats lists what can be read.
func Formats() []format.Format { return formats }

// Recognise names the format of a file by the head of its content; ok is false
// if no format claims it.
func Recognise(head []byte) (f format.Format, ok bool) {
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
	in := bufio.NewReaderSize(r, format.HeadSize)
	head, err := in.Peek(format.HeadSize)
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
