package report

import (
	"io"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/vuln"
)

// vulnFormats are the rows of the vulnerability room, as reports. What answers
// nothing is a warning here; the gate makes a verdict of it.
func vulnFormats() []format.Format {
	var rows []format.Format
	for _, f := range vuln.Formats() {
		rows = append(rows, format.Format{Name: f.Name, Doc: f.Doc, Score: f.Score, Read: func(r io.Reader) (ci.Report, error) {
			found, err := f.Read(r)
			rep := ci.Report{Vulns: found.Vulns, Diagnostics: found.Others}
			for _, text := range found.Warnings {
				rep.Warnings = append(rep.Warnings, ci.Warning{Text: text})
			}
			if found.NoData != "" {
				rep.Warnings = append(rep.Warnings, ci.Warning{Text: f.Name + ": " + found.NoData})
			}
			return rep, err
		}})
	}
	return rows
}
