package agent

import (
	"regexp"
	"strings"
	"unicode"
)

// clean makes a model's prose one plain line: no markup that a page would
// follow, no address, nobody called by name.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == '<' || r == '>':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimRight(string(runes[:most-1]), " ,;:") + "…"
	}
	return text
}

// checkable are the words of a claim that the data can be asked for: code in
// backticks, paths, dotted and snake_case and CamelCase names.
func checkable() *regexp.Regexp {
	return regexp.MustCompile("`[^`]+`|[\\w./-]*[\\w-]+(?:[./_][\\w-]+)+(?:\\(\\))?|[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+")
}

// forbidden is what no prose of a model may hold: addresses and mentions lead
// readers away, and are how a hostile log would use the reply.
func forbidden(text string) bool {
	lower := strings.ToLower(text)
	for _, sign := range []string{"://", "www.", "](", "mailto:", "javascript:"} {
		if strings.Contains(lower, sign) {
			return true
		}
	}
	for i, r := range text {
		if r == '@' && i+1 < len(text) && (i == 0 || text[i-1] == ' ' || text[i-1] == '(') {
			return true
		}
	}
	return false
}

// supported reports whether every checkable word and every figure of a claim
// occurs in the data.
func supported(claim, data string) bool {
	if forbidden(claim) || !figuresIn(claim, data) {
		return false
	}
	for _, word := range checkable().FindAllString(claim, -1) {
		word = strings.TrimRight(strings.Trim(word, "`"), ".,%")
		word = strings.TrimSuffix(word, "()")
		if strings.Trim(word, "0123456789.") != "" && !strings.Contains(data, word) { // a bare figure was looked up above
			return false
		}
	}
	return true
}
