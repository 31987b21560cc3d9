package feedback

import (
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// minQuote is how many characters of a quoted line have to be ours before it
// counts as a quotation: "> ok" quotes nobody.
const minQuote = 12

// Replies picks from the comments of a pull request those that answer ours: they
// came after it, are a person's, and quote a line of it or name it or its author.
// A pull request's comments have no thread, so this is all that there is to see.
func Replies(body, login string, posted time.Time, others []ci.Reply) []ci.Reply {
	var out []ci.Reply
	seen := plainText(body)
	name := strings.ToLower(strings.TrimSuffix(login, "[bot]"))
	for _, r := range others {
		if _, copied := ParseMarker(r.Text); copied {
			continue
		}
		text := strings.ToLower(r.Text)
		switch {
		case r.Time.Before(posted), strings.HasSuffix(r.Login, "[bot]"), strings.EqualFold(r.Login, login):
		case strings.Contains(text, "@"+name), strings.Contains(text, "ci feedback"), strings.Contains(text, "keepgreen"), quotes(r.Text, seen):
			out = append(out, r)
		}
	}
	return out
}

// quotes reports whether a line of the text is a quotation of ours.
func quotes(text, ours string) bool {
	for line := range strings.Lines(text) {
		quoted, isQuote := strings.CutPrefix(strings.TrimSpace(line), ">")
		if quoted = plainText(quoted); isQuote && len(quoted) >= minQuote && strings.Contains(ours, quoted) {
			return true
		}
	}
	return false
}

// plainText is letters and digits only, so that markup makes no difference.
func plainText(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range strings.ToLower(s) {
		switch {
		case r == '<':
			inside = true
		case r == '>':
			inside = false
		case !inside && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 0x80):
			b.WriteRune(r)
		}
	}
	return b.String()
}
