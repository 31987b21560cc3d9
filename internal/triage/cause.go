package triage

import (
	"fmt"
	"strings"

	"keepgreen/internal/ci"
)

// CauseRule is one row: a way in which tools say why something failed.
type CauseRule struct {
	Name string
	Doc  string // what it recognises, in one line; shown in docs/
	// Match reads the failure, whose exception, message and frames are those of
	// the root of its chain and whose position is its top frame in the repository.
	Match func(f ci.Failure) (ci.Cause, bool)
}

// Causes lists the rows in the order in which they are tried: what the machine
// did to the code before what the code did, and what names a symbol before what
// only names a class.
func Causes() []CauseRule {
	var all []CauseRule
	for _, family := range [][]CauseRule{machineRules, dependencyRules, staticRules, jsRules, pythonRules, goRules, networkRules, generalRules} {
		all = append(all, family...)
	}
	return all
}

var causeTable = Causes()

// classify names the cause of a failure; the name of the row is empty if none
// recognised it.
func classify(c clue) (cause ci.Cause, row string) {
	f := c.f
	if len(f.Message) > maxRead {
		f.Message = f.Message[:maxRead]
	}
	if len(f.Details) > maxRead {
		f.Details = f.Details[len(f.Details)-maxRead:]
	}
	for _, rule := range causeTable {
		cause, ok := rule.Match(f)
		if !ok {
			continue
		}
		if cause.Pos.IsZero() {
			cause.Pos = f.Pos
		}
		if cause.Rule == "" {
			cause.Rule = f.Rule
		}
		return tidy(cause), rule.Name
	}
	cause = ci.Cause{Class: ci.ClassUnknown, Sentence: "unknown: " + clip(f.Headline(), 160), Next: "Read the output around it; no rule recognises it.", Pos: f.Pos}
	return tidy(cause), ""
}

// maxRead is how much of a message and of its details the rows read.
const maxRead = 16 << 10

// tidy bounds the fields: they are text of strangers.
func tidy(c ci.Cause) ci.Cause {
	c.Sentence = clip(c.Sentence, 300)
	c.Next = clip(c.Next, 300)
	c.Symbol = clip(c.Symbol, 200)
	c.Module = clip(c.Module, 200)
	c.Type = clip(c.Type, 200)
	c.Host = clip(c.Host, 200)
	c.Expected = clip(c.Expected, 2000)
	c.Actual = clip(c.Actual, 2000)
	return c
}

// clip shortens s to n bytes at a letter's boundary.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// between is the text after the first left and before the next right.
func between(s, left, right string) (string, bool) {
	i := strings.Index(s, left)
	if i < 0 {
		return "", false
	}
	s = s[i+len(left):]
	j := strings.Index(s, right)
	if j < 0 {
		return "", false
	}
	return s[:j], true
}

// after is the rest of the line after the first left, trimmed.
func after(s, left string) (string, bool) {
	_, rest, ok := strings.Cut(s, left)
	if !ok {
		return "", false
	}
	rest, _, _ = strings.Cut(rest, "\n")
	return strings.TrimSpace(rest), true
}

// quoted is the first quoted word of s.
func quoted(s string) string {
	i := strings.IndexAny(s, "'\"`‘")
	if i < 0 {
		return ""
	}
	open := s[i : i+1]
	closing := open
	if strings.HasPrefix(s[i:], "‘") {
		open, closing = "‘", "’"
	}
	word, _, closed := strings.Cut(s[i+len(open):], closing)
	if !closed {
		return ""
	}
	return word
}

// in is " in FILE" where the place is known.
func in(f ci.Failure) string {
	if f.Pos.File == "" {
		return ""
	}
	return " in " + f.Pos.File
}

// at is " at FILE:LINE" where the place is known.
func at(f ci.Failure) string {
	if f.Pos.File == "" {
		return ""
	}
	p := f.Pos
	p.Col = 0
	return " at " + p.String()
}

func oneOf(s string, words ...string) bool {
	for _, w := range words {
		if s == w {
			return true
		}
	}
	return false
}

// found is the first of the texts that s contains; empty: none.
func found(s string, texts ...string) string {
	for _, t := range texts {
		if strings.Contains(s, t) {
			return t
		}
	}
	return ""
}

// code marks a symbol in a sentence.
func code(s string) string { return "`" + strings.ReplaceAll(clip(s, 100), "`", "'") + "`" }

// isCode reports whether the failure is an exception or a rule, so that its
// message is about code and may quote anything.
func isCode(f ci.Failure) bool { return f.Rule != "" || f.Exception != "" }

func yes(class ci.Class, sentence, next string) (ci.Cause, bool) {
	return ci.Cause{Class: class, Sentence: sentence, Next: next}, true
}

func no() (ci.Cause, bool) { return ci.Cause{}, false }

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }
