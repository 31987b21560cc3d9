package report

import (
	"bytes"
	"io"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/coverage"
)

// coverageFormats are the rows of the coverage room, as reports.
func coverageFormats() []Format {
	var rows []Format
	for _, f := range coverage.Formats() {
		rows = append(rows, Format{
			Name: f.Name,
			Doc:  f.Doc,
			Score: func(head []byte) int {
				return f.Score(bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n"))
			},
			Read: func(r io.Reader) (ci.Report, error) {
				c, err := f.Read(r)
				return ci.Report{Coverage: c}, err
			},
		})
	}
	return rows
}
