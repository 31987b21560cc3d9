package junit

import (
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

const maxStackFrames = 200

// stackFrames reads the traces of the JVM, .NET and JavaScript, which list one
// call a line, the innermost first:
//
//	at corp.Widget.open(Widget.java:15)
//	at Corp.Widget.Open() in C:\src\Widget.cs:line 16
//	at openWidget (src/widget.js:15:29)
//
// .NET translates "at", "in" and "line"; the shape is what counts. Frames
// without a file are left out.
func stackFrames(text string) []ci.Frame {
	var out []ci.Frame
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "Caused by:") {
			break // the frames of causes are not on the way from here to the failure
		}
		if f, ok := stackFrame(line); ok && len(out) < maxStackFrames {
			out = append(out, f)
		}
	}
	slices.Reverse(out)
	return out
}

func stackFrame(line string) (ci.Frame, bool) {
	word, rest, ok := strings.Cut(line, " ")
	if !ok || len(word) > 4 || word == "" {
		return ci.Frame{}, false
	}
	if function, place, ok := strings.Cut(rest, " in "); ok {
		if pos, ok := dotnetPlace(place); ok {
			return ci.Frame{Position: pos, Func: strings.TrimSpace(function)}, true
		}
	}
	if word != "at" {
		return ci.Frame{}, false
	}
	function, place, ok := strings.Cut(strings.TrimSuffix(rest, ")"), "(")
	if !ok {
		function, place = "", rest
	}
	pos, ok := colonPlace(place)
	return ci.Frame{Position: pos, Func: strings.TrimSpace(function)}, ok
}

// dotnetPlace reads `C:\src\Widget.cs:line 16`.
func dotnetPlace(s string) (ci.Position, bool) {
	s = strings.TrimRight(s, ". ")
	i := strings.LastIndexByte(s, ':')
	if i <= 0 {
		return ci.Position{}, false
	}
	_, digits, _ := strings.Cut(s[i+1:], " ")
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 {
		return ci.Position{}, false
	}
	return ci.Position{File: format.SlashPath(s[:i]), Line: n}, true
}

// colonPlace reads "Widget.java:15" and "src/widget.js:15:29".
func colonPlace(s string) (ci.Position, bool) {
	file, last, ok := splitLast(s, ':')
	n, err := strconv.Atoi(last)
	if !ok || err != nil || n <= 0 {
		return ci.Position{}, false
	}
	pos := ci.Position{File: format.SlashPath(file), Line: n}
	if shorter, middle, ok := splitLast(file, ':'); ok {
		if line, err := strconv.Atoi(middle); err == nil {
			pos = ci.Position{File: format.SlashPath(shorter), Line: line, Col: n}
		}
	}
	if pos.File == "" || strings.ContainsAny(pos.File, " (<>") {
		return ci.Position{}, false
	}
	pos.File = strings.TrimPrefix(pos.File, "file://")
	return pos, true
}

func splitLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
