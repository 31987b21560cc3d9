package render

import (
	"regexp"

	"keepgreen/internal/ci"
)

// ink colours words for a terminal; the zero value leaves them as they are.
// Only the eight basic colours are used, which every theme makes readable.
type ink bool

func (i ink) sgr(code, s string) string {
	if !bool(i) || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + sgrEnd
}

const sgrEnd = "\x1b[0m"

func (i ink) red(s string) string    { return i.sgr("31", s) }
func (i ink) green(s string) string  { return i.sgr("32", s) }
func (i ink) yellow(s string) string { return i.sgr("33", s) }
func (i ink) blue(s string) string   { return i.sgr("36", s) }
func (i ink) bold(s string) string   { return i.sgr("1", s) }
func (i ink) dim(s string) string    { return i.sgr("2", s) }

func (i ink) verdict(v ci.Verdict, s string) string {
	switch v {
	case ci.VerdictPass:
		return i.sgr("1;32", s)
	case ci.VerdictFail:
		return i.sgr("1;31", s)
	case ci.VerdictWarn, ci.VerdictInherited, ci.VerdictNoData:
	}
	return i.sgr("1;33", s)
}

func (i ink) job(status ci.JobStatus, s string) string {
	switch status {
	case ci.JobSuccess:
		return i.green(s)
	case ci.JobFailure, ci.JobError, ci.JobTimeout:
		return i.red(s)
	case ci.JobCancelled, ci.JobSkipped:
	}
	return i.dim(s)
}

// share colours a coverage: green from 90, yellow from 70.
func (i ink) share(pct float64, s string) string {
	switch {
	case pct >= 90:
		return i.green(s)
	case pct >= 70:
		return i.yellow(s)
	}
	return i.red(s)
}

var sgrCode = regexp.MustCompile("\x1b\\[[0-9;]*m")

// bare is a text without our own colours, to be measured.
func bare(s string) string { return sgrCode.ReplaceAllString(s, "") }
