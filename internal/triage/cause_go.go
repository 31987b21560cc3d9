package triage

import (
	"strings"

	"keepgreen/internal/ci"
)

// goRules read what the Go toolchain, its runtime and its assertion libraries say.
var goRules = []CauseRule{
	{"go-race", "WARNING: DATA RACE", goRace},
	{"rust-assert", "Rust's assert_eq!: left and right", rustAssert},
	{"go-panic", "panics and fatal errors of the runtime", goPanic},
	{"go-testify", "testify: Error Trace, Not equal, Received unexpected error", goTestify},
	{"go-cmp", "differences of go-cmp (-want +got)", goCmp},
	{"go-got-want", "got X, want Y and its relatives", goGotWant},
}

func goRace(f ci.Failure) (ci.Cause, bool) {
	if found(f.Message, "DATA RACE", "race detected during execution of test") == "" && !strings.Contains(f.Details, "WARNING: DATA RACE") {
		return no()
	}
	return yes(ci.ClassRace, sprintf("two goroutines touch the same memory without a lock%s", at(f)), "Guard the variable with a mutex or a channel; the report names both accesses.")
}

func rustAssert(f ci.Failure) (ci.Cause, bool) {
	if !strings.Contains(f.Message, "assertion `left") {
		return no()
	}
	left, ok := fieldAfter(f.Message, "left")
	right, ok2 := fieldAfter(f.Message, "right")
	if !ok || !ok2 {
		return yes(ci.ClassAssertion, sprintf("an assertion fails%s: %s", at(f), f.Headline()), decide)
	}
	if strings.Contains(f.Message, "left != right") {
		right = "not " + right
	}
	return assertion(f, left, right, "")
}

func goPanic(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	if f.Exception != "panic" && !strings.HasPrefix(m, "panic: ") && !strings.HasPrefix(m, "fatal error: ") {
		return no()
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(f.Headline(), "panic: "), "fatal error: "), " [recovered]")
	cause := ci.Cause{Class: ci.ClassCrash, Type: "panic", Sentence: sprintf("panic%s: %s", at(f), text), Next: "Read the first frame of the trace that is yours."}
	switch {
	case strings.Contains(text, "nil pointer dereference") || strings.Contains(text, "invalid memory address"):
		cause.Sentence = sprintf("a nil pointer is used%s", at(f))
		cause.Next = "Find out which value is nil there, and who should have set it."
	case strings.Contains(text, "index out of range") || strings.Contains(text, "slice bounds out of range"):
		cause.Sentence = sprintf("%s%s", strings.TrimPrefix(text, "runtime error: "), at(f))
		cause.Next = "Check the length before the access."
	case strings.Contains(text, "all goroutines are asleep"):
		cause.Class = ci.ClassTimeout
		cause.Sentence = sprintf("deadlock: every goroutine waits for another%s", at(f))
		cause.Next = "Look in the trace at what each goroutine waits for."
	case strings.Contains(text, "concurrent map"):
		cause.Class = ci.ClassRace
		cause.Sentence = sprintf("a map is used by two goroutines at once%s", at(f))
		cause.Next = "Guard the map with a mutex."
	}
	return cause, true
}

func goTestify(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	if !strings.Contains(m, "Error Trace:") && !strings.Contains(m, "Not equal:") && !strings.Contains(m, "Received unexpected error:") {
		return no()
	}
	if _, rest, ok := strings.Cut(m, "Received unexpected error:"); ok {
		text := firstLine(rest)
		return ci.Cause{
			Class: ci.ClassAssertion, Expected: "no error", Actual: text,
			Sentence: sprintf("tests expect no error%s, got: %s", at(f), text), Next: "Follow the error to where it is made.",
		}, true
	}
	expected, ok := fieldAfter(m, "expected")
	actual, ok2 := fieldAfter(m, "actual")
	if ok && ok2 {
		return assertion(f, actual, expected, "")
	}
	text, ok := fieldAfter(m, "Error")
	if !ok {
		return no()
	}
	return yes(ci.ClassAssertion, sprintf("an assertion fails%s: %s", at(f), text), decide)
}

// fieldAfter finds "name : value" at the beginning of a line.
func fieldAfter(m, name string) (string, bool) {
	for line := range strings.Lines(m) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		if !ok {
			continue
		}
		if rest, ok = strings.CutPrefix(strings.TrimSpace(rest), ":"); ok {
			if rest = strings.TrimSpace(rest); rest != "" {
				return rest, true
			}
		}
	}
	return "", false
}

func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

func goCmp(f ci.Failure) (ci.Cause, bool) {
	want := found(f.Message, "(-want +got)", "(-want, +got)", "(-expected +actual)", "(-want+got)")
	got := found(f.Message, "(-got +want)", "(-got, +want)")
	if want == "" && got == "" {
		return no()
	}
	minus, plus := diffSides(f.Message)
	if got != "" {
		minus, plus = plus, minus
	}
	return ci.Cause{
		Class: ci.ClassAssertion, Expected: minus, Actual: plus,
		Sentence: sprintf("the result differs from what tests expect%s: want %s, got %s", at(f), code(clip(minus, 60)), code(clip(plus, 60))),
		Next:     decide,
	}, true
}

// diffSides joins the removed and the added lines of a diff.
func diffSides(m string) (minus, plus string) {
	var a, b []string
	for line := range strings.Lines(m) {
		// go-cmp writes no-break spaces to keep people from parsing what it says.
		line = strings.ReplaceAll(strings.TrimSpace(line), "\u00a0", " ")
		if rest, ok := strings.CutPrefix(line, "-"); ok {
			a = append(a, strings.TrimSuffix(strings.TrimSpace(rest), ","))
		} else if rest, ok := strings.CutPrefix(line, "+"); ok {
			b = append(b, strings.TrimSuffix(strings.TrimSpace(rest), ","))
		}
	}
	return strings.Join(a, "\n"), strings.Join(b, "\n")
}

func goGotWant(f ci.Failure) (ci.Cause, bool) {
	if f.Exception != "" || f.Kind != ci.KindTest {
		return no()
	}
	if want, got, ok := wantGotLines(f.Message); ok {
		return assertion(f, got, want, "")
	}
	line := f.Headline()
	if prefix, rest, ok := strings.Cut(line, ": "); ok && strings.Contains(prefix, "_test.go:") {
		line = rest
	}
	for _, p := range [][2]string{{"got ", ", want "}, {"got: ", ", want: "}, {"got ", "; want "}, {" = ", ", want "}, {" = ", "; want "}, {"got ", " want "}, {"got=", " want="}, {"got ", ", expected "}} {
		head, rest, ok := strings.Cut(line, p[0])
		if !ok {
			continue
		}
		got, want, ok := strings.Cut(rest, p[1])
		if !ok {
			continue
		}
		call := ""
		if p[0] == " = " {
			call = strings.TrimSpace(head)
		}
		return assertion(f, got, want, call)
	}
	for _, p := range [][2]string{{"want ", ", got "}, {"want: ", ", got: "}, {"expected ", ", got "}, {"expected: ", ", got: "}, {"Expected ", ", got "}, {"expected ", " but got "}, {"expected ", ", actual "}} {
		_, rest, ok := strings.Cut(line, p[0])
		if !ok {
			continue
		}
		if want, got, ok := strings.Cut(rest, p[1]); ok {
			return assertion(f, got, want, "")
		}
	}
	return no()
}

// wantGotLines reads "want" and "got" that stand on lines of their own, before
// their values or above them.
func wantGotLines(m string) (want, got string, ok bool) {
	label := ""
	for line := range strings.Lines(m) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch name := strings.ToLower(strings.TrimSuffix(word, ":")); {
		case name == "want" || name == "expected":
			label, want = "want", strings.TrimSpace(rest)
		case name == "got" || name == "actual":
			label, got = "got", strings.TrimSpace(rest)
		case label == "want" && want == "":
			want = line
		case label == "got" && got == "":
			got = line
		}
	}
	return want, got, strings.Contains(m, "\n") && want != "" && got != ""
}

func goError(f ci.Failure) (ci.Cause, bool) {
	if f.Kind != ci.KindTest || f.Exception != "" || !strings.HasSuffix(f.Pos.File, "_test.go") {
		return no()
	}
	text := f.Headline()
	if prefix, rest, ok := strings.Cut(text, ": "); ok && strings.Contains(prefix, "_test.go:") {
		text = rest
	}
	return yes(ci.ClassAssertion, sprintf("%s says%s: %s", shortName(string(testFunc(f.Test))), at(f), text), decide)
}
