package agent

import (
	"slices"
	"strings"
	"unicode"
)

// keepSupported leaves of a text the sentences that the data supports. dropped is
// how many went.
func keepSupported(text, data string) (kept string, dropped int) {
	var out []string
	for _, sentence := range sentences(text) {
		if supported(sentence, data) {
			out = append(out, sentence)
		} else {
			dropped++
		}
	}
	return strings.Join(out, " "), dropped
}

// figuresIn reports whether every figure of a claim is one of the data, whole:
// that "4" is in "41" supports nothing.
func figuresIn(claim, data string) bool {
	wanted := figures(claim)
	if len(wanted) == 0 {
		return true
	}
	known := map[string]bool{}
	for _, f := range figures(data) {
		known[f] = true
	}
	return !slices.ContainsFunc(wanted, func(f string) bool { return !known[f] })
}

// figures lists the numbers of a text: "1,234.50" is 1234.5, "v2" and "f401" are
// words, "cart.py:41" holds 41.
func figures(text string) []string {
	var out []string
	runes := []rune(text)
	for i := 0; i < len(runes); {
		if unicode.IsLetter(runes[i]) || runes[i] == '_' { // a word, with whatever digits it has
			for i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]) || runes[i] == '_') {
				i++
			}
			continue
		}
		if !unicode.IsDigit(runes[i]) {
			i++
			continue
		}
		end := i
		for end < len(runes) && (unicode.IsDigit(runes[end]) || (runes[end] == '.' || runes[end] == ',') && end+1 < len(runes) && unicode.IsDigit(runes[end+1])) {
			end++
		}
		number := strings.ReplaceAll(string(runes[i:end]), ",", "")
		if strings.Count(number, ".") == 1 {
			number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
		}
		out = append(out, number)
		i = end
	}
	return out
}

// sentences cuts a text behind full stops that end one; a full stop in "cart.py"
// or "92.5" has no space behind it.
func sentences(text string) []string {
	var out []string
	start := 0
	for i := 0; i+1 < len(text); i++ {
		if strings.ContainsRune(".!?", rune(text[i])) && text[i+1] == ' ' {
			out = append(out, strings.TrimSpace(text[start:i+1]))
			start = i + 1
		}
	}
	if rest := strings.TrimSpace(text[start:]); rest != "" {
		out = append(out, rest)
	}
	return out
}
