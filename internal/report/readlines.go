package report

import (
	"io"

	"keepgreen/internal/ci"
)

// readLines feeds a whole source to one reader.
func readLines(r io.Reader, format string, m lineReader) (ci.Report, error) {
	var failed error
	for line, err := range Lines(DecodeText(r)) {
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
