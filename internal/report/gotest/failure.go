package gotest

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// failure reads what a failing test printed. own is false if it printed nothing
// that says that it failed by itself.
func (g *goReader) failure(pkg, test, text string) (f ci.Failure, own bool) {
	f = ci.Failure{Kind: ci.KindTest, Tool: "go test", Details: format.Shorten(strings.Trim(text, "\n"), format.MaxFailureText)}
	lines := strings.Split(text, "\n")
	if g.raceOrPanic(&f, pkg, lines) {
		return f, true
	}
	blocks := goBlocks(lines)
	if best := bestBlock(blocks); best != nil {
		f.Message, f.Pos = format.Shorten(best.text, format.MaxMessage), g.logPosition(pkg, best.file, best.line)
		return f, true
	}
	if strings.HasPrefix(test, "Example") {
		f.Message = format.Shorten(strings.TrimSpace(text), format.MaxMessage)
		return f, f.Message != ""
	}
	f.Message = format.Shorten(format.LastLines(lines, 10, goFrame), format.MaxMessage)
	return f, false
}

// block is one call of t.Log or t.Error: "    file_test.go:12: text" and the
// lines below it, which are indented further.
type goBlock struct {
	file    string
	line    int
	text    string
	testify bool
}

// goLogLine is the place of a line of t.Log or t.Error; Go 1.14 put the test's
// name before it.
func goLogLine(b []byte) (rest []byte, ok bool) {
	if len(b) == 0 || b[0] != ' ' && b[0] != '\t' {
		return nil, false
	}
	b = bytes.TrimLeft(b, " \t")
	i := bytes.Index(b, []byte(".go:"))
	if i <= 0 || i+4 >= len(b) || b[i+4] < '0' || b[i+4] > '9' {
		return nil, false
	}
	if j := bytes.LastIndex(b[:i], []byte(": ")); j > 0 && IsTestName(b) && bytes.IndexByte(b[:j], ' ') < 0 {
		b = b[j+2:]
	}
	if i = bytes.Index(b, []byte(".go:")); bytes.IndexByte(b[:i], ' ') >= 0 {
		return nil, false
	}
	return b, true
}

// goBlocks splits the output of a test into the calls that printed it.
func goBlocks(lines []string) []goBlock {
	var out []goBlock
	var body []string
	depth := -1
	closeBlock := func() {
		if depth >= 0 {
			last := &out[len(out)-1]
			last.text, last.testify = blockText(last.text, body)
		}
		depth, body = -1, nil
	}
	for _, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		if depth >= 0 && (indent > depth || line == "") {
			body = append(body, line)
			continue
		}
		closeBlock()
		rest, ok := goLogLine([]byte(line))
		if !ok {
			continue
		}
		file, n, _, msg, ok := splitGoPosition(rest)
		if !ok || file == "testing.go" {
			continue
		}
		depth = indent
		out = append(out, goBlock{file: file, line: n, text: string(msg)})
	}
	closeBlock()
	return out
}

// blockText joins the lines of a block without their common indentation.
func blockText(first string, body []string) (text string, testify bool) {
	for len(body) > 0 && strings.TrimSpace(body[len(body)-1]) == "" {
		body = body[:len(body)-1]
	}
	if text, ok := testifyText(body); ok {
		return text, true
	}
	indent := -1
	for _, line := range body {
		if n := len(line) - len(strings.TrimLeft(line, " ")); line != "" && (indent < 0 || n < indent) {
			indent = n
		}
	}
	var b strings.Builder
	b.WriteString(first)
	for _, line := range body {
		b.WriteByte('\n')
		b.WriteString(line[min(max(indent, 0), len(line)):])
	}
	return strings.Trim(b.String(), "\n"), false
}

// telling are words of messages that say what went wrong: t.Log and t.Error
// look the same in the output, so the words have to tell.
var telling = []string{
	"got", "want", "expect", "error", "fail", "mismatch", "not equal", "diff", "panic", "should", "must",
	"timeout", "timed out", "invalid", "cannot", "could not", "assert", "!=", "missing", "no such", "refused", "denied",
}

// bestBlock is the message to show: an assertion's, or the first that sounds
// like a failure, or else the last, which ended the test if one did.
func bestBlock(blocks []goBlock) *goBlock {
	var first *goBlock
	for i := range blocks {
		b := &blocks[i]
		if b.testify {
			return b
		}
		if first == nil && sounds(b.text) {
			first = b
		}
	}
	if first == nil && len(blocks) > 0 {
		return &blocks[len(blocks)-1]
	}
	return first
}

func sounds(text string) bool {
	text = strings.ToLower(text[:min(len(text), 400)])
	for _, word := range telling {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// skipReason is what t.Skip was given.
func skipReason(text string) string {
	lines := strings.Split(text, "\n")
	if blocks := goBlocks(lines); len(blocks) > 0 {
		return format.Shorten(blocks[len(blocks)-1].text, 1<<10)
	}
	return format.Shorten(format.LastLines(lines, 1, goFrame), 1<<10)
}

// testifyText is the Error and Messages of a failed testify assertion, whose
// layout is labels and values between tabs.
func testifyText(body []string) (string, bool) {
	var parts []string
	label, seen := "", false
	for _, line := range body {
		line = strings.TrimLeft(line, " \t")
		if name, value, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(strings.TrimLeft(value, " "), "\t") {
			switch name {
			case "Error Trace", "Error", "Test", "Messages":
				label, seen = name, seen || name == "Error Trace"
				line = strings.TrimLeft(value, " \t")
			}
		}
		if label == "Error" || label == "Messages" {
			parts = append(parts, strings.TrimRight(line, " \t"))
		}
	}
	return strings.TrimSpace(strings.Join(parts, "\n")), seen && len(parts) > 0
}
