package render

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Neutral makes text of strangers mere words wherever GitHub renders Markdown,
// in a paragraph, a table's cell or inside HTML: no markup, no link, no image,
// no mention, no reference and therefore no keyword that closes an issue, on
// one line. Punctuation becomes character references, which no Markdown parser
// reads as structure and which mean the same inside HTML. GitHub looks for
// mentions and issue numbers in the rendered text, where a reference has become
// its character again, so "@" and "#" before a name or number become their
// full-width forms, which look the same to a reader and to no filter.
func Neutral(s string) string { return neutral(Visible(s), true) }

// NeutralCode is Neutral as inline code. GitHub leaves mentions and references
// inside code alone, so the characters themselves are kept and can be copied.
func NeutralCode(s string) string {
	if s == "" {
		return ""
	}
	return "<code>" + neutral(Visible(s), false) + "</code>"
}

// NeutralProse is Neutral for a sentence of ours in which what stands between
// backticks is code. A backtick without another is a character of the text.
func NeutralProse(s string) string {
	parts := strings.Split(Visible(s), "`")
	if len(parts)%2 == 0 {
		return Neutral(s)
	}
	for i, part := range parts {
		if i%2 == 1 {
			parts[i] = NeutralCode(part)
		} else {
			parts[i] = Neutral(part)
		}
	}
	return strings.Join(parts, "")
}

// NeutralBlock is text of several lines as a preformatted block. It must begin
// a line. CommonMark ends such a block at "</pre>" and nowhere else, not even
// at an empty line, and the text cannot hold a "<".
func NeutralBlock(s string) string {
	return "<pre>\n" + neutral(strings.Trim(VisibleLines(s), "\n"), false) + "\n</pre>"
}

// neutral does not change letters, digits, spaces and the punctuation that has
// no meaning in Markdown, HTML or GitHub's extensions in any place.
func neutral(s string, prose bool) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	var before rune
	for i, r := range s {
		next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		switch {
		case prose && r == '@' && word(next):
			b.WriteRune('＠')
		case prose && r == '#' && unicode.IsDigit(next):
			b.WriteRune('＃')
		case prose && r == '-' && unicode.IsDigit(next) && (before == 'h' || before == 'H'): // GH-12 is a reference
			b.WriteRune('‑')
		case harmless(r, before, next):
			b.WriteRune(r)
		default:
			b.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		}
		before = r
	}
	return b.String()
}

func word(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// harmless reports whether a rune can stand as it is. A full stop and a slash
// may stand between words, but not where they make a bare address (www.,
// https://) or a numbered list; a hyphen only between words, for at the start
// of a line it is a list or a rule.
func harmless(r, before, next rune) bool {
	switch r {
	case ' ', '\n', '\t', ',', ';', '\'', '%', '?':
		return true
	case '"', '(', ')':
		return true // quotes and brackets mean something only after a "]", which never stands
	case ':':
		return next != '/'
	case '.':
		return before != 'w' && before != 'W' && !unicode.IsDigit(before) || unicode.IsDigit(before) && unicode.IsDigit(next)
	case '/':
		return before != '/' && before != ':' && next != '/'
	case '-', '=', '+':
		return before != 0 && before != ' ' && before != '\n' || r == '=' && next == '='
	case '_':
		return word(before) && word(next) && before != '_' && next != '_'
	}
	return r >= 0x80 || unicode.IsLetter(r) || unicode.IsDigit(r)
}
