package runners

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// jsFailure reads the text of a failed test: the message, then either a stack
// or a piece of source and a stack. root is where the tests ran, if it is known.
func jsFailure(text, root string) ci.Failure {
	f := ci.Failure{Kind: ci.KindTest, Tool: "jest", Details: format.Shorten(strings.Trim(text, "\n"), format.MaxFailureText)}
	lines := strings.Split(text, "\n")
	end := len(lines)
	for i, line := range lines {
		frame, ok := jsFrame(line, root)
		if ok && len(f.Frames) < format.MaxFrames {
			f.Frames = append(f.Frames, frame)
			if f.Pos.IsZero() && jsOurs(frame.File) {
				f.Pos = frame.Position
			}
		}
		if (ok || jsCode(line)) && i < end {
			end = i
		}
	}
	for i, k := 0, len(f.Frames)-1; i < k; i, k = i+1, k-1 {
		f.Frames[i], f.Frames[k] = f.Frames[k], f.Frames[i]
	}
	f.Exception, f.Message = jsMessage(lines[:end])
	return f
}

// jsMessage is the lines before the stack without their common indentation,
// and the class of the error that they begin with.
func jsMessage(lines []string) (exception, message string) {
	indent := -1
	for _, line := range lines {
		if n := len(line) - len(strings.TrimLeft(line, " ")); strings.TrimSpace(line) != "" && (indent < 0 || n < indent) {
			indent = n
		}
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.TrimRight(line[min(max(indent, 0), len(line)):], " "))
		b.WriteByte('\n')
	}
	message = strings.TrimSpace(b.String())
	if strings.HasPrefix(message, "expect(") {
		return "AssertionError", format.Shorten(message, format.MaxMessage)
	}
	if name, rest, ok := strings.Cut(message, ": "); ok {
		name, _, _ = strings.Cut(name, " [") // AssertionError [ERR_ASSERTION]
		if jsClass(name) {
			return name, format.Shorten(rest, format.MaxMessage)
		}
	}
	return "", format.Shorten(message, format.MaxMessage)
}

// jsClass reports whether a word can be the name of an error's class.
func jsClass(s string) bool {
	if len(s) < 5 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '_' {
			return false
		}
	}
	return strings.HasSuffix(s, "Error") || strings.HasSuffix(s, "Exception")
}

func jsStackLine(b []byte) bool {
	text := bytes.TrimLeft(b, " ")
	return len(text) < len(b) && bytes.HasPrefix(text, []byte("at ")) && bytes.HasSuffix(text, []byte(")"))
}

// jsCode reports whether a line is of the piece of source that is shown: "  > 8 |  code".
func jsCode(line string) bool {
	line = strings.TrimLeft(line, " >")
	i := 0
	for i < len(line) && '0' <= line[i] && line[i] <= '9' {
		i++
	}
	return i > 0 && i < 7 && strings.HasPrefix(strings.TrimLeft(line[i:], " "), "|")
}

// jsFrame reads "at Pool.take (src/pool.js:8:13)", "at /x/a.js:1:2" and Vitest's
// "❯ Pool.take src/pool.js:8:13".
func jsFrame(line, root string) (ci.Frame, bool) {
	line = strings.TrimSpace(line)
	rest, ok := strings.CutPrefix(line, "at ")
	if !ok {
		if rest, ok = strings.CutPrefix(line, "❯ "); !ok {
			return ci.Frame{}, false
		}
	}
	fn, at := "", rest
	if i := strings.LastIndex(rest, " ("); i >= 0 && strings.HasSuffix(rest, ")") {
		fn, at = rest[:i], rest[i+2:len(rest)-1]
	} else if i := strings.LastIndexByte(rest, ' '); i >= 0 {
		fn, at = rest[:i], rest[i+1:]
	}
	pos := rustPosition(strings.TrimPrefix(at, "file://"))
	if pos.Line == 0 {
		return ci.Frame{}, false
	}
	if root != "" {
		pos.File = strings.TrimPrefix(pos.File, strings.TrimSuffix(root, "/")+"/")
	}
	return ci.Frame{Func: strings.TrimPrefix(fn, "async "), Position: pos}, true
}

// jsOurs reports whether a frame is neither of a package nor of Node itself.
func jsOurs(file string) bool {
	return !strings.Contains(file, "node_modules/") && !strings.HasPrefix(file, "node:") && !strings.HasPrefix(file, "internal/") &&
		!strings.HasPrefix(file, "<") && file != "native"
}
