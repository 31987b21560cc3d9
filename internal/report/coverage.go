package report

import (
	"bytes"
	"io"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/coverage"
	"keepgreen/internal/report/format"
)

// coverageFormats are the rows of the coverage room, as reports.
func coverageFormats() []format.Format {
	var rows []format.Format
	for _, f := range coverage.Formats() {
		rows = append(rows, format.Format{
			Name: f.Name,
			Doc:  f.Doc,
			Score: func(head []byte) int {
				return f.Score(bytes.TrimLeft(bytes.TrimPrefix(head, format.Bom), " \t\r\n"))
			},
			Read: func(r io.Reader) (ci.Report, error) {
				c, err := f.Read(r)
				return ci.Report{Coverage: c}, err
			},
		})
	}
	return rows
}
