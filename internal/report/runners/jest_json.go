package runners

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

var jestJSONFormat = format.Format{
	Name:  "jest-json",
	Doc:   "result of `jest --json` and of Vitest's JSON reporter",
	Score: scoreJestJSON,
	Read:  ReadJestJSON,
}

func scoreJestJSON(head []byte) int {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, format.Bom), " \t\r\n")
	if bytes.HasPrefix(head, []byte("{")) && bytes.Contains(head, []byte(`"numTotalTests"`)) {
		return 95
	}
	return 0
}

// jestSuite is one file in Jest's result.
type jestSuite struct {
	Name       string `json:"name"`
	Status     string `json:"status"`
	Message    string `json:"message"`
	Assertions []struct {
		Ancestors []string `json:"ancestorTitles"`
		Title     string   `json:"title"`
		Status    string   `json:"status"`
		Duration  *float64 `json:"duration"` // milliseconds; null: not run
		Messages  []string `json:"failureMessages"`
		Attempts  int      `json:"invocations"`
		Location  *struct {
			Line int `json:"line"`
		} `json:"location"`
	} `json:"assertionResults"`
}

// ReadJestJSON reads the result of "jest --json" file by file; it does not hold the
// whole document.
func ReadJestJSON(r io.Reader) (ci.Report, error) {
	rep := &jestReport{Report: ci.Report{Format: "jest-json"}}
	budget := &budgetReader{r: r, left: maxSuiteBytes}
	dec := json.NewDecoder(budget)
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return rep.Report, fmt.Errorf("not a result of jest --json: %w", orEOF(err))
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return rep.Report, fmt.Errorf("result of jest --json: %w", err)
		}
		budget.left = maxSuiteBytes
		if key != "testResults" {
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return rep.Report, fmt.Errorf("result of jest --json: %w", err)
			}
			continue
		}
		if err := jestSuites(rep, dec, budget); err != nil {
			return rep.Report, fmt.Errorf("result of jest --json: %w", err)
		}
	}
	rep.relocate(rep.root)
	return rep.Report, nil
}

// jestReport is a report whose paths are still absolute where the first files
// of the result did not show what the root is.
type jestReport struct {
	ci.Report
	root string
}

func (rep *jestReport) relocate(root string) {
	if root == "" {
		return
	}
	for i := range rep.Tests {
		r := &rep.Tests[i]
		r.ID, r.File = ci.TestID(strings.TrimPrefix(string(r.ID), root)), strings.TrimPrefix(r.File, root)
		if f := r.Failure; f != nil {
			f.Test, f.Pos.File = r.ID, strings.TrimPrefix(f.Pos.File, root)
		}
	}
	for i := range rep.Failures {
		f := &rep.Failures[i]
		f.Test, f.Pos.File = ci.TestID(strings.TrimPrefix(string(f.Test), root)), strings.TrimPrefix(f.Pos.File, root)
	}
}

func orEOF(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

func jestSuites(rep *jestReport, dec *json.Decoder, budget *budgetReader) error {
	if tok, err := dec.Token(); err != nil || tok != json.Delim('[') {
		return orEOF(err)
	}
	for dec.More() {
		budget.left = maxSuiteBytes
		var suite jestSuite
		if err := dec.Decode(&suite); err != nil {
			return err
		}
		suite.add(rep)
	}
	_, err := dec.Token()
	return err
}

// maxSuiteBytes bounds one file's part of the result.
const maxSuiteBytes = 64 << 20

// budgetReader refuses to read on when one value has used up its budget.
type budgetReader struct {
	r    io.Reader
	left int
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("one value is larger than 64 MiB")
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (s *jestSuite) add(rep *jestReport) {
	root := s.root()
	if rep.root == "" {
		rep.root = root
	}
	file := strings.TrimPrefix(s.Name, root)
	for _, a := range s.Assertions {
		r := ci.TestResult{ID: ci.TestID(jsJoin(append(append([]string{file}, a.Ancestors...), a.Title)...)), Framework: "jest", File: file, Attempt: max(a.Attempts, 1)}
		if a.Location != nil {
			r.Line = max(a.Location.Line, 0)
		}
		if a.Duration != nil && *a.Duration >= 0 && *a.Duration < 1e12 {
			r.Duration, r.Timed = time.Duration(*a.Duration*float64(time.Millisecond)), true
		}
		switch a.Status {
		case "passed":
			r.Outcome = ci.Passed
		case "failed":
			r.Outcome = ci.Failed
			f := jsFailure(plainText(strings.Join(a.Messages, "\n")), root)
			f.Test = r.ID
			if f.Message == "STACK_TRACE_ERROR" { // Vitest keeps a stack under this name, and leaves the message out
				f.Message = "Test timed out in a time that the report does not state"
			}
			if f.Exception == "Error" && strings.HasPrefix(f.Message, "expect(") {
				f.Exception = "AssertionError"
			}
			r.Failure, r.Output = &f, f.Details
		case "pending", "skipped", "todo", "disabled":
			r.Outcome = ci.Skipped
		}
		rep.Tests = append(rep.Tests, r)
	}
	if s.Status == "failed" && len(s.Assertions) == 0 {
		f := jsFailure(plainText(s.Message), root)
		f.Kind, f.Test = ci.KindError, ci.TestID(file)
		f.Message = strings.TrimSpace(strings.TrimPrefix(f.Message, "● Test suite failed to run"))
		if f.Pos.IsZero() {
			f.Pos.File = file
		}
		rep.Failures = append(rep.Failures, f)
	}
}

// plainText takes the colours out of a message.
func plainText(s string) string {
	if strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	var c format.Cleaner
	return string(c.StripEscapes([]byte(s)))
}

// root is the directory that absolute paths are cut to: the one that holds
// node_modules, as stacks show it, or the checkout of a GitHub runner.
func (s *jestSuite) root() string {
	for _, a := range s.Assertions {
		for _, m := range a.Messages {
			before, _, ok := strings.Cut(m, "/node_modules/")
			if !ok {
				continue
			}
			if i := strings.LastIndexAny(before, "( \n"); i >= 0 {
				before = before[i+1:]
			}
			before = strings.TrimPrefix(before, "file://") + "/"
			if len(before) > 1 && strings.HasPrefix(s.Name, before) {
				return before
			}
		}
	}
	if rest, ok := strings.CutPrefix(s.Name, "/home/runner/work/"); ok {
		if parts := strings.SplitN(rest, "/", 3); len(parts) == 3 {
			return "/home/runner/work/" + parts[0] + "/" + parts[1] + "/"
		}
	}
	return ""
}
