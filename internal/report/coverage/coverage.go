// Package coverage reads which lines and branches ran, from the files that
// coverage tools write, as integers per line: no percentage that a file states
// about itself is believed, because two tools compute it from different things.
// It opens nothing, guesses no root directory, and holds memory in proportion
// to the lines measured, with a bound on those. A file that is broken is an
// error with its line, never a smaller number.
package coverage

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"keepgreen/internal/ci"
)

// Format is one row: a file that a coverage tool writes.
type Format struct {
	Name string
	Doc  string // what writes it, in one line
	// Score says how surely the head of a file is of this format: 0 no, 100 certainly.
	Score func(head []byte) int
	Read  func(io.Reader) (*ci.Coverage, error)
}

var formats = []Format{
	{"coverage.py", "`coverage json` of coverage.py, every format version", scoreCoveragePy, CoveragePy},
	{"cobertura", "Cobertura XML: coverage.py, gcovr, coverlet, istanbul, tarpaulin …", scoreCobertura, Cobertura},
	{"lcov", "LCOV tracefile: lcov, istanbul, coverage.py, cargo-llvm-cov, Dart …", scoreLCOV, LCOV},
	{"jacoco", "JaCoCo XML report", scoreJaCoCo, JaCoCo},
	{"clover", "Clover XML: OpenClover, PHPUnit, istanbul", scoreClover, Clover},
	{"go", "`go test -coverprofile`, modes set, count and atomic", scoreGo, Go},
	{"simplecov", "SimpleCov .resultset.json and coverage.json", scoreSimpleCov, SimpleCov},
	{"llvm-cov", "`llvm-cov export` JSON: clang, Swift, Rust", scoreLLVM, LLVM},
	{"gcovr", "`gcovr --json`, every format version", scoreGcovr, Gcovr},
}

// Formats lists what can be read.
func Formats() []Format { return formats }

// headSize is how much of a file Score may look at.
const headSize = 64 << 10

// Recognise names the format of a file by the head of its content; ok is false
// if no format claims it.
func Recognise(head []byte) (f Format, ok bool) {
	head = bytes.TrimLeft(bytes.TrimPrefix(head[:min(len(head), headSize)], []byte("\xef\xbb\xbf")), " \t\r\n")
	best := 0
	for _, row := range formats {
		if score := row.Score(head); score > best {
			f, best = row, score
		}
	}
	return f, best > 0
}

// ErrUnknown says that the content is of no format that is known here.
var ErrUnknown = errors.New("no coverage format that is known here")

// Read recognises and reads one file. The error names the line at which the
// file broke; what was read before that is returned with it, but is no answer
// for a gate.
func Read(r io.Reader) (*ci.Coverage, error) {
	in := bufio.NewReaderSize(r, headSize)
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	f, ok := Recognise(head)
	if !ok {
		return nil, ErrUnknown
	}
	return f.Read(in)
}

// SeriesKey says what a number is comparable with: the tool that counted,
// whether branches took part, and what of the repository was measured, e.g.
// "coverage.py/branch" or "go/line@api" (Go's lines are its statements). The
// history spells it the same. Numbers of different series are never compared.
func SeriesKey(c *ci.Coverage, scope string) string {
	if c == nil {
		return ""
	}
	key := c.Tool + "/line"
	if c.Branches {
		key = c.Tool + "/branch"
	}
	if scope != "" && scope != "." {
		key += "@" + scope
	}
	return key
}
