package triage

import (
	"strings"

	"keepgreen/internal/ci"
)

// jsRules read what Node, Jest, Vitest, Mocha and Chai say.
var jsRules = []CauseRule{
	{"js-module", "Cannot find module, Failed to resolve import", jsModule},
	{"js-reference", "ReferenceError: x is not defined", jsReference},
	{"js-type", "TypeError: not a function, properties of undefined", jsType},
	{"js-snapshot", "toMatchSnapshot and inline snapshots", jsSnapshot},
	{"js-matcher", "Jest's matchers: Expected and Received", jsMatcher},
	{"js-chai", "Chai, Vitest and node:assert: expected 3 to equal 4", jsChai},
}

func jsModule(f ci.Failure) (ci.Cause, bool) {
	module, ok := between(f.Message, "Cannot find module '", "'")
	if !ok {
		module, ok = between(f.Message, "Failed to resolve import \"", "\"")
	}
	if !ok {
		module, ok = between(f.Message, "Cannot find package '", "'")
	}
	if !ok {
		module, ok = between(f.Message, "Failed to load url ", " ")
	}
	if !ok || f.Rule != "" {
		return no()
	}
	by, _ := between(f.Message, "from '", "'")
	if by == "" {
		by, _ = between(f.Message, "from \"", "\"")
	}
	next := sprintf("Add %s to package.json, or correct the import.", code(module))
	if strings.HasPrefix(module, ".") || strings.HasPrefix(module, "/") || strings.HasPrefix(module, "@/") {
		next = "Create the file, or correct the path of the import."
	}
	return ci.Cause{Class: ci.ClassImport, Module: module, Sentence: sprintf("%s is imported by %s but cannot be found", code(module), or(by, or(f.Pos.File, "a file"))), Next: next}, true
}

func jsReference(f ci.Failure) (ci.Cause, bool) {
	if f.Exception != "ReferenceError" {
		return no()
	}
	symbol, ok := strings.CutSuffix(strings.TrimPrefix(f.Headline(), "ReferenceError: "), " is not defined")
	if !ok {
		return no()
	}
	return ci.Cause{
		Class: ci.ClassName, Symbol: symbol,
		Sentence: sprintf("%s is used but never defined%s", code(symbol), in(f)), Next: sprintf("Define or import %s, or correct its spelling.", code(symbol)),
	}, true
}

func jsType(f ci.Failure) (ci.Cause, bool) {
	m := strings.TrimPrefix(f.Headline(), "TypeError: ")
	if f.Exception != "" && f.Exception != "TypeError" {
		return no()
	}
	if symbol, ok := strings.CutSuffix(m, " is not a function"); ok {
		return ci.Cause{
			Class: ci.ClassType, Symbol: symbol,
			Sentence: sprintf("%s is called%s but is not a function", code(symbol), at(f)), Next: "Check what the module exports, and the spelling.",
		}, true
	}
	property, ok := between(m, "(reading '", "')")
	if !ok {
		property, ok = between(m, "(setting '", "')")
	}
	if !ok || !strings.Contains(m, "of undefined") && !strings.Contains(m, "of null") {
		return no()
	}
	value := "undefined"
	if strings.Contains(m, "of null") {
		value = "null"
	}
	return ci.Cause{
		Class: ci.ClassAttribute, Symbol: property, Type: value,
		Sentence: sprintf("something is %s%s where %s is asked of it", value, at(f), code("."+property)), Next: "Find out which call returned nothing, and why.",
	}, true
}

func jsSnapshot(f ci.Failure) (ci.Cause, bool) {
	if found(f.Message, "toMatchSnapshot", "toMatchInlineSnapshot", "toThrowErrorMatchingSnapshot", "Snapshot name:", "snapshot mismatched", "New snapshot was not written") == "" {
		return no()
	}
	symbol, _ := between(f.Message, "Snapshot name: `", "`")
	return ci.Cause{
		Class: ci.ClassSnapshot, Symbol: symbol,
		Sentence: sprintf("the output differs from the stored snapshot %s", or(symbol, "of the test")), Next: "Look at the difference; if it is wanted, update the snapshot with -u.",
	}, true
}

func jsMatcher(f ci.Failure) (ci.Cause, bool) {
	if !strings.Contains(f.Message, "expect(") {
		return no()
	}
	_, rest, _ := strings.Cut(f.Message, "expect(")
	matcher := firstLine(rest)
	if i := strings.IndexByte(matcher, '.'); i >= 0 {
		matcher, _, _ = strings.Cut(matcher[i+1:], "(")
	}
	expected, ok := jsField(f.Message, "Expected")
	actual, ok2 := jsField(f.Message, "Received")
	if ok && ok2 {
		return assertion(f, actual, expected, "")
	}
	if minus, plus := diffSides(f.Message); minus != "" && plus != "" && strings.Contains(f.Message, "- Expected") {
		return assertion(f, dropHead(plus), dropHead(minus), "")
	}
	return yes(ci.ClassAssertion, sprintf("%s does not hold%s: %s", code(matcher), at(f), f.Headline()), decide)
}

// dropHead takes Jest's legend ("Expected  - 1") off a side of its diff.
func dropHead(side string) string {
	head, rest, _ := strings.Cut(side, "\n")
	if strings.HasPrefix(head, "Expected") || strings.HasPrefix(head, "Received") {
		return rest
	}
	return side
}

// jsField finds "Expected: 4", "Expected length: 2", "Received string: …".
func jsField(m, name string) (string, bool) {
	for line := range strings.Lines(m) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		if !ok {
			continue
		}
		if label, value, ok := strings.Cut(rest, ":"); ok && len(label) < 24 {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

func jsChai(f ci.Failure) (ci.Cause, bool) {
	m := strings.TrimPrefix(f.Headline(), "AssertionError: ")
	m = strings.TrimSuffix(m, " // Object.is equality")
	if strings.Contains(f.Message, "Expected values to be strictly") {
		_, rest, _ := strings.Cut(f.Message, ":\n")
		rest = strings.Replace(rest, "+ actual - expected", "", 1)
		rest, _, _ = strings.Cut(rest, "+ expected - actual") // Mocha's own difference follows, the other way round
		if minus, plus := diffSides(rest); minus != "" && plus != "" {
			return assertion(f, plus, minus, "")
		}
		if left, right, ok := strings.Cut(firstLine(rest), " !== "); ok {
			return assertion(f, left, right, "")
		}
	}
	if f.Exception != "" && f.Exception != "AssertionError" && f.Exception != "Error" {
		return no()
	}
	rest, ok := strings.CutPrefix(m, "expected ")
	if !ok {
		return no()
	}
	for _, op := range []string{" to deeply equal ", " to strictly equal ", " to equal ", " to be "} {
		if left, right, ok := strings.Cut(rest, op); ok {
			return assertion(f, left, right, "")
		}
	}
	left, right, ok := strings.Cut(rest, " to ")
	if !ok {
		return no()
	}
	return ci.Cause{
		Class: ci.ClassAssertion, Actual: left, Expected: "to " + right,
		Sentence: sprintf("tests expect %s to %s%s", code(left), right, at(f)), Next: decide,
	}, true
}
