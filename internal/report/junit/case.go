package junit

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/pytest"
	"keepgreen/internal/report/xmltok"
)

// failure is the part as its framework means it.
func (p *junitPart) failure(framework string) ci.Failure {
	f := ci.Failure{Kind: ci.KindTest, Tool: framework, Message: strings.TrimSpace(p.message), Details: strings.Trim(p.body, "\n")}
	f.Exception = exceptionClass(p.typ)
	if p.file != "" {
		f.Pos = ci.Position{File: format.SlashPath(p.file), Line: p.srcLine}
	}
	if framework == "pytest" {
		pytestFailure(&f, p.isError)
	} else {
		f.Frames = stackFrames(f.Details)
		if n := len(f.Frames); n > 0 && f.Pos.IsZero() {
			f.Pos = f.Frames[n-1].Position
		}
	}
	if framework == "go" && (f.Message == "" || f.Message == "Failed") {
		goFailure(&f)
	}
	if f.Message == "" {
		f.Message = firstFilled(f.Details)
	}
	if f.Exception == "" {
		f.Exception, f.Message = classAndMessage(f.Message)
	} else {
		f.Message = trimException(f.Message, f.Exception)
	}
	return f
}

// exceptionClass is the class of a type attribute without its package; empty if
// the attribute is a word such as "failure" or "REQUIRE" instead of a class.
func exceptionClass(typ string) string {
	typ, _, _ = strings.Cut(strings.TrimSpace(typ), "(")
	name := typ[strings.LastIndexAny(typ, ".$/")+1:]
	if !isClassName(name) {
		return ""
	}
	return name
}

// isClassName: an identifier that starts with a capital and is not all capitals.
func isClassName(s string) bool {
	if s == "" || len(s) > 120 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	lower := false
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z':
			lower = true
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		default:
			return false
		}
	}
	return lower
}

// classAndMessage takes "pkg.SomeError: what happened" apart.
func classAndMessage(message string) (exception, rest string) {
	head, tail, ok := strings.Cut(message, ":")
	if !ok {
		if name := exceptionClass(message); isErrorName(name) && name != "Failed" && name != "Failure" {
			return name, message
		}
		return "", message
	}
	name := exceptionClass(head)
	if !isErrorName(name) || tail != "" && tail[0] != ' ' && tail[0] != '\n' {
		return "", message
	}
	if tail = strings.TrimSpace(tail); tail == "" {
		return name, message
	}
	return name, tail
}

// trimException takes the exception's own name off the front of its message.
func trimException(message, exception string) string {
	head, tail, ok := strings.Cut(message, ":")
	if ok && exceptionClass(head) == exception && strings.TrimSpace(tail) != "" {
		return strings.TrimSpace(tail)
	}
	return message
}

func isErrorName(name string) bool {
	for _, end := range []string{"Error", "Exception", "Failure", "Warning", "Exit", "Interrupt", "Timeout", "Failed", "StopIteration"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

func firstFilled(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return cutTo(line, maxXMLMessage)
		}
	}
	return ""
}

// buildFailure takes out the cases by which gotestsum and go-junit-report say
// that a package did not build or that its tests could not start.
func (j *junitReader) buildFailure(t ci.TestResult) bool {
	name := string(j.c.name)
	if t.Framework != "go" || t.Failure == nil || name != "[build failed]" && name != "[setup failed]" {
		return false
	}
	f := *t.Failure
	f.Test, f.Kind, f.Tool = "", ci.KindBuild, "go build"
	if pos, text, ok := goPosition(f.Details); ok {
		f.Pos, f.Message = pos, text
	}
	j.rep.Failures = append(j.rep.Failures, f)
	return true
}

// internalError takes out the case by which pytest says that it broke itself, or
// that a hook or plugin broke it (_pytest.junitxml.pytest_internalerror): it is
// no test.
func (j *junitReader) internalError(t ci.TestResult) bool {
	if string(j.c.class) != "pytest" || string(j.c.name) != "internal" || t.Failure == nil || t.Failure.Message != "internal error" {
		return false
	}
	f := *t.Failure
	f.Test, f.Kind, f.Tool, f.Phase = "", ci.KindError, "pytest", ""
	details := strings.TrimSpace(f.Details)
	if exception, message := pytest.SplitException(details[strings.LastIndexByte(details, '\n')+1:]); exception != "" {
		f.Exception, f.Message = exception, message
	}
	j.rep.Failures = append(j.rep.Failures, f)
	return true
}

// goFailure finds in a test's output what "Failed" does not say: the panic, or
// the first line that t.Error wrote.
func goFailure(f *ci.Failure) {
	for line := range strings.Lines(f.Details) {
		if message, ok := strings.CutPrefix(strings.TrimSpace(line), "panic: "); ok {
			f.Exception, f.Message = "panic", strings.TrimSuffix(message, " [recovered]")
			return
		}
	}
	if pos, text, ok := goPosition(f.Details); ok && text != "" {
		f.Pos, f.Message = pos, text
	}
}

// goPosition finds the first "file.go:12:3: message".
func goPosition(text string) (pos ci.Position, message string, ok bool) {
	for line := range strings.Lines(text) {
		file, rest, found := strings.Cut(strings.TrimSpace(line), ".go:")
		if !found || strings.ContainsAny(file, " \t") {
			continue
		}
		lineNo, rest, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(lineNo)
		if err != nil {
			continue
		}
		pos = ci.Position{File: strings.TrimPrefix(format.SlashPath(file), "./") + ".go", Line: n}
		if col, tail, found := strings.Cut(rest, ":"); found {
			if n, err := strconv.Atoi(col); err == nil {
				pos.Col, rest = n, tail
			}
		}
		return pos, strings.TrimSpace(rest), true
	}
	return ci.Position{}, "", false
}

// attrSeconds reads a duration as runners print it: "0.123", "1e-05", "1,234.5"
// with the thousands set apart (Surefire), "0,014" in a locale with a decimal
// comma (xUnit.net).
func attrSeconds(raw []byte) (time.Duration, bool) {
	raw = bytes.TrimSpace(raw)
	if d, ok := plainSeconds(raw); ok {
		return d, true
	}
	s := string(raw)
	if whole, fraction, ok := strings.Cut(s, ","); ok {
		decimal := !strings.ContainsAny(fraction, ".,") && (len(fraction) != 3 || whole == "0")
		if decimal {
			s = whole + "." + fraction
		}
		s = strings.ReplaceAll(s, ",", "")
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > math.MaxInt64/1e9 {
		return 0, false
	}
	return time.Duration(math.Round(v * 1e9)), true
}

// plainSeconds is the common case, without the detour over a string and a float.
func plainSeconds(raw []byte) (time.Duration, bool) {
	if len(raw) == 0 || len(raw) > 16 {
		return 0, false
	}
	n, scale, point := int64(0), int64(time.Second), false
	for _, c := range raw {
		switch {
		case c == '.' && !point:
			point = true
		case c < '0' || c > '9':
			return 0, false
		case point && scale == 1:
			return 0, false // finer than a nanosecond
		case point:
			scale /= 10
			n = n*10 + int64(c-'0')
		default:
			n = n*10 + int64(c-'0')
		}
	}
	if n > math.MaxInt64/scale {
		return 0, false
	}
	return time.Duration(n * scale), true
}

// scoreRoot is how surely the head of a file is XML whose root is one of names.
func scoreRoot(head []byte, names ...string) int {
	if len(head) == 0 {
		return 0
	}
	x := xmltok.NewReader(bytes.NewReader(head))
	for {
		token, _ := x.Next()
		switch token {
		case xmltok.Text:
			if text, _ := x.Text(); len(bytes.TrimSpace(text)) > 0 {
				return 0
			}
		case xmltok.Start:
			for _, name := range names {
				if string(x.Name()) == name {
					return 95
				}
			}
			return 0
		default:
			return 0
		}
	}
}

// suiteName is the innermost suite's name, or its file's.
func (j *junitReader) suiteName() string {
	if n := len(j.suites); n > 0 {
		return cmp.Or(j.suites[n-1].name, j.suites[n-1].file)
	}
	return ""
}
