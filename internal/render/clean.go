package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// columns measures text as a terminal shows it. The package's default looks at
// the locale; ours does not, so that equal views give equal bytes everywhere.
var columns = &runewidth.Condition{StrictEmojiNeutral: true}

// invisible reports whether a rune is not what it seems: it moves, hides or
// reorders text instead of showing something (Trojan Source, CVE-2021-42574,
// and the tag characters that smuggle text past a reader).
func invisible(r rune) bool {
	switch {
	case r == '\u00ad', r == '\u034f', r == '\u061c', r == '\u115f', r == '\u1160', r == '\u17b4', r == '\u17b5', r == '\u3164', r == '\uffa0':
		return true
	case r >= '\u180b' && r <= '\u180f', r >= '\u200b' && r <= '\u200f', r >= '\u2028' && r <= '\u202e', r >= '\u2060' && r <= '\u206f':
		return true
	case r >= '\ufe00' && r <= '\ufe0e', r == '\ufeff', r >= '\ufff0' && r <= '\ufffb':
		return true
	case r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs)
}

// Visible makes text of strangers safe to print on one line of a terminal or a
// page: control characters, invalid UTF-8 and invisible or reordering
// characters are spelled out, a tab is a space, ends of lines are "⏎".
func Visible(s string) string { return spell(s, false) }

// VisibleLines is Visible that keeps ends of lines and tabs.
func VisibleLines(s string) string { return spell(s, true) }

func spell(s string, lines bool) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
		case r == '\n' && lines, r == '\t' && lines:
			b.WriteRune(r)
		case r == '\n':
			b.WriteString("⏎")
		case r == '\t', unicode.Is(unicode.Zs, r): // all blanks look alike, so they are one
			b.WriteByte(' ')
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\x%02x`, r)
		case invisible(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case invisible(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// plain reports whether s is printable ASCII, which nearly all of it is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// width is the columns that a text takes.
func width(s string) int { return columns.StringWidth(s) }

// cut shortens a text to n columns, at a space where one is near.
func cut(s string, n int) string {
	if width(s) <= n {
		return s
	}
	short := columns.Truncate(s, max(n-1, 0), "")
	if i := strings.LastIndexByte(short, ' '); i > len(short)*2/3 {
		short = short[:i]
	}
	return strings.TrimRight(short, " ,;:") + "…"
}

// cutLeft shortens from the left: of a path or a test ID the end tells most.
func cutLeft(s string, n int) string {
	if width(s) <= n {
		return s
	}
	return columns.TruncateLeft(s, width(s)-n+1, "…")
}

// pad fills a text with spaces to n columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(n-width(s), 0))
}

// padLeft is pad with the text at the right.
func padLeft(s string, n int) string {
	return strings.Repeat(" ", max(n-width(s), 0)) + s
}

// cutPath shortens one long word: the middle of a path tells least, the end of
// any other word.
func cutPath(s string, n int) string {
	if width(s) <= n || !strings.ContainsAny(s, "/\\") {
		return cut(s, n)
	}
	head := columns.Truncate(s, n/4, "")
	return head + cutLeft(s[len(head):], n-width(head))
}

// wrap breaks a text at spaces into at most limit lines of n columns; the last
// one is cut.
func wrap(s string, n, limit int) []string {
	var out []string
	line := ""
	words := strings.Fields(s)
	for i, word := range words {
		switch {
		case line == "":
			line = cutPath(word, n)
		case width(line)+1+width(word) <= n:
			line += " " + word
		case len(out) == limit-1:
			return append(out, cut(line+" "+strings.Join(words[i:], " "), n))
		default:
			out = append(out, line)
			line = cutPath(word, n)
		}
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}
