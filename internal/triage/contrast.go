package triage

import (
	"strings"
	"unicode/utf8"
)

// Where two long values differ is what matters of them: how much of each is
// shown, and how much before the first difference.
const (
	contrastAll    = 120 // bytes up to which a value is shown whole
	contrastBefore = 24
	contrastAfter  = 48
)

// contrast cuts two values that differ to the part around their first
// difference, so that the difference is not what is cut off.
func contrast(a, b string) (string, string) {
	if len(a) <= contrastAll && len(b) <= contrastAll {
		return a, b
	}
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	return window(a, same), window(b, same)
}

// window is the part of s around position at, with marks where it was cut.
func window(s string, at int) string {
	from := max(0, at-contrastBefore)
	if from <= len("…") {
		from = 0
	}
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	out := clip(s[from:], min(at-from, contrastBefore)+contrastAfter)
	if from > 0 {
		out = "…" + out
	}
	return out
}

// shortened reports whether pytest cut a value in its middle.
func shortened(expression string) bool { return strings.Contains(expression, "...") }

// diffLines are the first lines of pytest's own diff that only one side has: "-"
// is what was expected (since 5.4), "+" what was found. The values themselves
// are cut in their middle where they are long, which may be where they differ.
func diffLines(message string) (actual, expected string, ok bool) {
	_, diff, _ := strings.Cut(message, "\n")
	for line := range strings.Lines(diff) {
		line = strings.TrimRight(line, "\n")
		switch text := strings.TrimLeft(line, " "); {
		case strings.HasPrefix(text, "- ") && expected == "":
			expected = text[2:]
		case strings.HasPrefix(text, "+ ") && actual == "" && !strings.HasPrefix(text, "+  where ") && !strings.HasPrefix(text, "+    where "):
			actual = text[2:]
		}
	}
	return actual, expected, actual != "" && expected != ""
}
