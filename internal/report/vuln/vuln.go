// Package vuln reads what vulnerability scanners report, and joins several
// reports into one list in which each vulnerability of a package stands once,
// whatever the scanners call it. It knows formats, package URLs and aliases; it
// compares with no earlier run and decides nothing. A report that says nothing
// (empty, broken, of a scan that did not happen) is no clean report: it is no
// data, with the reason.
package vuln

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// Report is what one scanner found.
type Report struct {
	Format   string // the reader's name
	Scanner  string // "trivy", "grype", "osv-scanner", "pip-audit", "npm"
	Version  string
	Database string // when the scanner's database was built; empty: not said
	Vulns    []ci.Vulnerability
	Others   []ci.Diagnostic // secrets and misconfigurations: no vulnerabilities
	Warnings []string        // what was left out, e.g. packages that could not be looked up
	NoData   string          // why the report answers nothing; empty: it does
}

// Format is one row: a report that a scanner writes.
type Format struct {
	Name  string
	Doc   string
	Score func(head []byte) int // 0 no, 100 certainly
	Read  func(io.Reader) (Report, error)
}

// formats lists every format; each row stands in the file of its reader.
var formats = []Format{trivyFormat, grypeFormat, osvFormat, pipFormat, npmFormat, sarifFormat}

// Formats lists what can be read.
func Formats() []Format { return formats }

// ErrUnknown is returned for a file that is no scanner's report.
var ErrUnknown = errors.New("no scanner's report that is known here")

const headSize = 64 << 10

// Read recognises a report by its content and reads it. What is wrong with the
// report is in Report.NoData; an error is ErrUnknown or one of reading.
func Read(r io.Reader) (Report, error) {
	in := bufio.NewReaderSize(r, headSize)
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return Report{}, err
	}
	if len(bytes.TrimSpace(bytes.TrimPrefix(head, bom))) == 0 {
		return Report{NoData: "it is empty: the scanner did not finish"}, nil
	}
	best, found := 0, Format{}
	for _, f := range formats {
		if score := f.Score(head); score > best {
			best, found = score, f
		}
	}
	if best == 0 {
		return Report{}, ErrUnknown
	}
	rep, err := found.Read(in)
	rep.Format = found.Name
	return rep, err
}

var bom = []byte("\xef\xbb\xbf")

// holds scores a head that is JSON and holds all of the keys.
func holds(head []byte, score int, keys ...string) int {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n")
	if len(head) == 0 || head[0] != '{' {
		return 0
	}
	for _, key := range keys {
		if !bytes.Contains(head, []byte(`"`+key+`"`)) {
			return 0
		}
	}
	return score
}

// instant is a time that may be anything: a date that cannot be read is not said.
type instant struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *instant) UnmarshalJSON(data []byte) error {
	t.Time, _ = time.Parse(time.RFC3339Nano, strings.Trim(string(data), `"`))
	return nil
}

// Native leaves out the SARIF of scanners whose own format is there too: it says
// the same with fewer aliases and another severity.
func Native(reports []Report) []Report {
	own := map[string]bool{}
	for _, r := range reports {
		own[r.Scanner] = own[r.Scanner] || r.Format != sarifFormat.Name && r.NoData == ""
	}
	return slices.DeleteFunc(slices.Clone(reports), func(r Report) bool { return r.Format == sarifFormat.Name && own[r.Scanner] })
}

// severity reads a rating in any scanner's word.
func severity(word string) ci.VulnSeverity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical":
		return ci.VulnCritical
	case "high", "important":
		return ci.VulnHigh
	case "medium", "moderate":
		return ci.VulnMedium
	case "low":
		return ci.VulnLow
	case "negligible", "info", "none":
		return ci.VulnNegligible
	}
	return ci.VulnUnknown
}

// band is the severity of a CVSS score
// (https://nvd.nist.gov/vuln-metrics/cvss).
func band(score float64) ci.VulnSeverity {
	switch {
	case score >= 9 && score <= 10:
		return ci.VulnCritical
	case score >= 7 && score < 9:
		return ci.VulnHigh
	case score >= 4 && score < 7:
		return ci.VulnMedium
	case score > 0 && score < 4:
		return ci.VulnLow
	}
	return ci.VulnUnknown
}
