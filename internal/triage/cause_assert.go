package triage

import (
	"strings"

	"keepgreen/internal/ci"
)

// pythonAssert reads both sides of an assertion.
func pythonAssert(f ci.Failure) (ci.Cause, bool) {
	if f.Exception != "" && !isAssertion(f.Exception) && f.Exception != "Failed" && f.Exception != "DocTestFailure" {
		return no()
	}
	m := f.Message
	if strings.HasPrefix(m, "[XPASS(strict)]") {
		return yes(ci.ClassAssertion, sprintf("the test passes although it is marked as expected to fail%s: %s", at(f), strings.TrimSpace(m[len("[XPASS(strict)]"):])), "Remove the mark, if the defect is mended.")
	}
	if f.Exception == "DocTestFailure" {
		if want, got, ok := wantGotLines(m); ok {
			return assertion(f, got, want, "")
		}
	}
	if want, rest, ok := strings.Cut(m, "> but was: <"); ok { // JUnit
		_, want, _ = strings.Cut(want, "expected: <")
		got, _, _ := strings.Cut(rest, ">")
		return assertion(f, got, want, "")
	}
	first := strings.TrimPrefix(f.Headline(), "AssertionError: ")
	if actual, expected, ok := arrays(m); ok {
		return assertion(f, actual, expected, "")
	}
	if actual, expected, ok := differingItem(m); ok {
		return assertion(f, actual, expected, "")
	}
	if sentence, actual, expected, ok := differingPart(m); ok {
		return ci.Cause{Class: ci.ClassAssertion, Actual: actual, Expected: expected, Sentence: sentence + at(f), Next: decide}, true
	}
	if expression, ok := assertLine(m); ok {
		return comparison(f, expression, m)
	}
	for _, op := range unittestOps {
		if left, right, ok := strings.Cut(first, op.text); ok && !strings.Contains(left, "\n") {
			right, _, _ = strings.Cut(right, " : ") // the test's own message
			return op.cause(f, left, right)
		}
	}
	if f.Exception == "Failed" {
		return yes(ci.ClassAssertion, sprintf("the test gives up%s: %s", at(f), first), decide)
	}
	if !isAssertion(f.Exception) {
		return no()
	}
	return yes(ci.ClassAssertion, sprintf("an assertion fails%s: %s", at(f), first), decide)
}

// decide is what there is to do about any assertion.
const decide = "Decide whether the code or the test is right."

// isAssertion recognises the exceptions by which frameworks say no.
func isAssertion(exception string) bool {
	return oneOf(exception, "AssertionError", "AssertionFailedError", "ComparisonFailure", "AssertionFailure", "failureException")
}

// assertLine is the expression of pytest's rewritten assert: the first line
// that begins with "assert ".
func assertLine(m string) (string, bool) {
	for line := range strings.Lines(m) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "AssertionError: "))
		line = strings.TrimPrefix(line, "E ")
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "assert "); ok {
			return rest, true
		}
	}
	return "", false
}

// pytest shows the value that was found on the left and what it was compared
// with on the right, unless only the right side was computed by a call.
func comparison(f ci.Failure, expression, message string) (ci.Cause, bool) {
	for _, op := range []string{" == ", " is not ", " not in ", " is ", " in ", " != ", " <= ", " >= ", " < ", " > "} {
		left, right, ok := cutTop(expression, op)
		if !ok && strings.Contains(expression, "...") { // shortened, so brackets do not close
			left, right, ok = strings.Cut(expression, op)
		}
		if !ok {
			continue
		}
		leftCall, rightCall := origin(message, left), origin(message, right)
		if op == " == " && leftCall == "" && rightCall != "" && !strings.Contains(right, "approx") {
			left, right, leftCall = right, left, rightCall
		}
		if op == " == " {
			if actual, expected, ok := diffLines(message); ok && (shortened(left) || shortened(right)) {
				left, right = actual, expected
			}
			return assertion(f, left, strings.TrimPrefix(right, "approx("), leftCall)
		}
		return ci.Cause{
			Class: ci.ClassAssertion, Actual: left, Expected: strings.TrimSpace(op) + " " + right, Symbol: leftCall,
			Sentence: sprintf("tests expect %s %s %s, which does not hold%s", subject(left, leftCall), strings.TrimSpace(op), code(right), at(f)),
			Next:     decide,
		}, true
	}
	expected, actual := "true", expression
	if rest, ok := strings.CutPrefix(expression, "not "); ok {
		expected, actual = "false", rest
	}
	call := origin(message, actual)
	return ci.Cause{
		Class: ci.ClassAssertion, Expected: expected, Actual: actual, Symbol: call,
		Sentence: sprintf("tests expect %s to be %s%s", subject(or(call, actual), ""), expected, at(f)), Next: decide,
	}, true
}

func subject(value, call string) string {
	if call == "" {
		return code(value)
	}
	return code(call) + " (" + code(value) + ")"
}

// assertion is the cause of two values that should be equal.
func assertion(f ci.Failure, actual, expected, call string) (ci.Cause, bool) {
	expected = strings.TrimSuffix(expected, " )")
	cause := ci.Cause{Class: ci.ClassAssertion, Actual: actual, Expected: expected, Symbol: call, Next: decide}
	if call != "" && f.Pos.File != "" {
		place := f.Pos
		place.Col = 0
		cause.Next = sprintf("Read %s: either it is wrong, or what %s expects is.", code(call), place)
	}
	switch e, a := contrast(expected, actual); {
	case e != expected || a != actual:
		cause.Sentence = sprintf("two large values differ%s: tests expect %s, got %s", at(f), code(e), code(a))
	case call != "":
		cause.Sentence = sprintf("tests expect %s, %s returns %s", expected, code(call), actual)
	default:
		cause.Sentence = sprintf("tests expect %s, got %s%s", expected, actual, at(f))
	}
	return cause, true
}

// origin is the call that pytest says a value came from: "where 0.7 = coverage()".
func origin(message, value string) string {
	value = strings.TrimSpace(value)
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "+ E"))
		rest, ok := strings.CutPrefix(line, "where ")
		if !ok {
			rest, ok = strings.CutPrefix(line, "and ")
		}
		if !ok {
			continue
		}
		v, call, ok := strings.Cut(strings.TrimSpace(rest), " = ")
		if !ok || strings.TrimSpace(v) != value {
			continue
		}
		return unwrapBound(call)
	}
	return ""
}

// unwrapBound shortens "<bound method A.b of <x>>()" and "<function f at 0x…>(1)" to the name and arguments.
func unwrapBound(call string) string {
	i := strings.LastIndexByte(call, '>')
	if !strings.HasPrefix(call, "<") || i < 0 {
		return call
	}
	head := call[:i]
	arguments := call[i+1:]
	fields := strings.Fields(head)
	for k, word := range fields {
		if (word == "method" || word == "function" || word == "<function") && k+1 < len(fields) {
			return fields[k+1] + arguments
		}
	}
	if name, ok := objectName(head + ">"); ok {
		return name + arguments
	}
	return call
}

// objectName is the class of "<pkg.Pool object at 0x7f…>": the address is
// another one in every run.
func objectName(repr string) (string, bool) {
	class, _, ok := strings.Cut(strings.TrimPrefix(repr, "<"), " object at 0x")
	if !ok || strings.ContainsAny(class, " <>") {
		return "", false
	}
	return shortName(class), true
}

// cutTop cuts at the first separator that stands outside of quotes and brackets.
func cutTop(s, sep string) (left, right string, ok bool) {
	depth := 0
	var quote byte
	for i := 0; i+len(sep) <= len(s); i++ {
		c := s[i]
		if quote != 0 {
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
			continue
		}
		switch {
		case c == '\'' || c == '"':
			quote = c
		case is(c, cOpen):
			depth++
		case is(c, cClose):
			depth--
		}
		if depth == 0 && s[i:i+len(sep)] == sep {
			return s[:i], s[i+len(sep):], true
		}
	}
	return "", "", false
}

// arrays reads NumPy's report of two arrays.
func arrays(m string) (actual, expected string, ok bool) {
	if !strings.Contains(m, "Not equal to tolerance") && !strings.Contains(m, "Arrays are not equal") && !strings.Contains(m, "Mismatched elements") {
		return "", "", false
	}
	actual, ok = after(m, " ACTUAL: ")
	expected, _ = after(m, " DESIRED: ")
	if !ok {
		actual, _ = after(m, " x: ")
		expected, _ = after(m, " y: ")
	}
	return actual, expected, actual != "" && expected != ""
}

// unittestOp is how unittest words a comparison that does not hold.
type unittestOp struct {
	text  string
	cause func(f ci.Failure, left, right string) (ci.Cause, bool)
}

func unittestEqual(f ci.Failure, left, right string) (ci.Cause, bool) {
	for _, prefix := range []string{"Lists differ: ", "Tuples differ: ", "Sequences differ: ", "Dicts differ: "} {
		left = strings.TrimPrefix(left, prefix)
	}
	return assertion(f, left, right, "")
}

func unittestOther(words string) func(f ci.Failure, left, right string) (ci.Cause, bool) {
	return func(f ci.Failure, left, right string) (ci.Cause, bool) {
		right = strings.TrimSpace(right)
		return ci.Cause{
			Class: ci.ClassAssertion, Actual: left, Expected: strings.TrimSpace(words + " " + right),
			Sentence: sprintf("tests expect %s %s%s", code(left), strings.TrimSpace(words+" "+right), at(f)), Next: decide,
		}, true
	}
}

var unittestOps = []unittestOp{
	{" not found in ", unittestOther("in")},
	{" unexpectedly found in ", unittestOther("not in")},
	{" is not true", unittestOther("to be true")},
	{" is not false", unittestOther("to be false")},
	{" is not None", unittestOther("to be None")},
	{" is not an instance of ", unittestOther("to be an instance of")},
	{" not greater than ", unittestOther("greater than")},
	{" not less than ", unittestOther("less than")},
	{" not raised", func(f ci.Failure, left, _ string) (ci.Cause, bool) {
		return ci.Cause{
			Class: ci.ClassAssertion, Expected: left, Actual: "no exception",
			Sentence: sprintf("tests expect %s, but nothing is raised%s", code(left), at(f)), Next: decide,
		}, true
	}},
	{" != ", unittestEqual},
}

// differingItem is the first pair that pytest lists of two dicts that differ:
// the dicts themselves are cut in the middle where they are long.
func differingItem(message string) (actual, expected string, ok bool) {
	_, rest, ok := strings.Cut(message, "Differing items:")
	if !ok {
		return "", "", false
	}
	line, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	actual, expected, ok = strings.Cut(strings.TrimSpace(line), "} != {")
	if !ok || !strings.HasPrefix(actual, "{") || !strings.HasSuffix(expected, "}") {
		return "", "", false
	}
	return actual + "}", "{" + expected, true
}

// differingPart is what pytest says below two sequences or sets that differ; the
// sequences themselves are cut where they are long.
func differingPart(message string) (sentence, actual, expected string, ok bool) {
	if !strings.Contains(message, "assert ") {
		return "", "", "", false
	}
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		next := ""
		if i+1 < len(lines) {
			next = clip(strings.TrimSpace(lines[i+1]), 80)
		}
		switch index, diff, found := strings.Cut(strings.TrimPrefix(line, "At index "), " diff: "); {
		case found && strings.HasPrefix(line, "At index "):
			actual, expected, ok = strings.Cut(diff, " != ")
			return sprintf("tests expect %s at index %s, got %s", code(clip(expected, 80)), index, code(clip(actual, 80))), actual, expected, ok
		case strings.HasPrefix(line, "Left contains "):
			extra := strings.Replace(strings.TrimPrefix(line, "Left contains "), " more item", " item", 1)
			return "the result is longer than tests expect, by " + extra, extra, "", true
		case strings.HasPrefix(line, "Right contains "):
			lacking := strings.Replace(strings.TrimPrefix(line, "Right contains "), " more item", " item", 1)
			return "the result is shorter than tests expect, by " + lacking, "", lacking, true
		case line == "Extra items in the left set:" && next != "":
			return sprintf("the result has an extra %s", code(next)), next, "", true
		case line == "Extra items in the right set:" && next != "":
			return sprintf("the result lacks %s", code(next)), "", next, true
		}
	}
	return "", "", "", false
}
