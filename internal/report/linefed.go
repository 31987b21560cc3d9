package report

import (
	"io"

	"keepgreen/internal/ci"
)

// lineFed is a reader of something that tools print: it is given the lines of a
// log one by one, takes those that are its own, and costs next to nothing on
// the others, so that several can follow one log in one pass.
type lineFed interface {
	line(l Line)
	finish() ci.Report
}

// readLines feeds a whole source to one reader.
func readLines(r io.Reader, format string, m lineFed) (ci.Report, error) {
	var failed error
	for line, err := range Lines(r) {
		if err != nil {
			failed = err
			break
		}
		m.line(line)
	}
	rep := m.finish()
	rep.Format = format
	return rep, failed
}

// maxResults bounds how many results one hostile text can make a reader hold.
const maxResults = 1_000_000
