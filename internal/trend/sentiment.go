package trend

import (
	"regexp"
	"strings"
	"unicode"
)

// Opinion is what a reply says of our work, not of the code and not of the mood.
type Opinion string

// The opinions. Unsure is an answer: something was said for both sides, or too
// little for either.
const (
	Satisfied    Opinion = "satisfied"
	Dissatisfied Opinion = "dissatisfied"
	Neutral      Opinion = "neutral"
	Unsure       Opinion = "unsure"
)

// Reply classifies what somebody wrote under our comment, without a model: by a
// lexicon of this domain, with the rules of VADER that carry over (negation, "but",
// intensity; Hutto and Gilbert, 2014). General lexicons call "kill the process"
// anger and miss "false positive"; here the words of the trade have no mood, and
// what does is what people say of a fix.
func Reply(text string) Opinion {
	words := said(text)
	score, plus, minus := judgeWords(words)
	switch {
	case plus > 0 && minus > 0 && score > -1 && score < 1:
		return Unsure
	case score >= 1:
		return Satisfied
	case score <= -1:
		return Dissatisfied
	case score != 0:
		return Unsure
	}
	return Neutral
}

var (
	codeBlock = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	quoted    = regexp.MustCompile(`(?m)^\s*>.*$`)
	address   = regexp.MustCompile(`https?://\S+`)
)

// maxReply is how much of a reply is read; an opinion comes first.
const maxReply = 4000

// said is the text's own words: no code, no quotes, no addresses.
func said(text string) []string {
	text = text[:min(len(text), maxReply)]
	text = codeBlock.ReplaceAllString(text, " ")
	text = quoted.ReplaceAllString(text, " ")
	text = address.ReplaceAllString(text, " ")
	text = strings.ToLower(strings.NewReplacer("’", "'", "n't", " not", "cannot", "can not", "+1", " plusone ", "-1", " minusone ").Replace(text))
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, strings.Trim(word.String(), "'"))
			word.Reset()
		}
	}
	for _, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'' || r == '-' && word.Len() > 0:
			word.WriteRune(r)
		case r == ',' || r == ';' || r == ':' || r == '.' || r == '!' || r == '?':
			flush()
			words = append(words, string(r))
		case emoji[r] != 0:
			flush()
			words = append(words, string(r))
		default:
			flush()
		}
	}
	flush()
	return words
}

// judgeWords sums what the words say.
func judgeWords(words []string) (score, plus, minus float64) {
	score, plus, minus = phrasesIn(words)
	used := claimed(words)
	last := 0.0 // what was said before a "but"
	for i, w := range words {
		if w == "but" || w == "however" || w == "unfortunately" {
			score -= last / 2 // what comes after it counts for more
			last = 0
			continue
		}
		weight := lexicon[w]
		if len(w) > 0 {
			for _, r := range w {
				if emoji[r] != 0 {
					weight = emoji[r]
				}
				break
			}
		}
		if weight == 0 || used[i] {
			continue
		}
		if negated(words, i) {
			weight = -0.8 * weight
		}
		if i > 0 && louder[words[i-1]] {
			weight *= 1.3
		}
		score, last = score+weight, last+weight
		if weight > 0 {
			plus += weight
		} else {
			minus -= weight
		}
	}
	return score, plus, minus
}

// negated looks back over at most four words of the same clause.
func negated(words []string, at int) bool {
	for i := at - 1; i >= 0 && i >= at-4; i-- {
		switch w := words[i]; {
		case strings.ContainsAny(w, ",;:.!?"):
			return false
		case negations[w]:
			return true
		}
	}
	return false
}

// phrasesIn sums the phrases, which come before their words.
func phrasesIn(words []string) (score, plus, minus float64) {
	text := " " + strings.Join(words, " ") + " "
	for _, p := range phrases {
		n := float64(strings.Count(text, " "+p.text+" "))
		if n == 0 {
			continue
		}
		score += n * p.weight
		if p.weight > 0 {
			plus += n * p.weight
		} else {
			minus -= n * p.weight
		}
	}
	if w := complaint(text); w != 0 {
		score, minus = score+w, minus-w
	}
	return score, plus, minus
}

// claimed marks the words that a phrase has spoken for.
func claimed(words []string) map[int]bool {
	out := map[int]bool{}
	for _, p := range phrases {
		parts := strings.Fields(p.text)
		for i := 0; i+len(parts) <= len(words); i++ {
			match := true
			for k, part := range parts {
				match = match && words[i+k] == part
			}
			for k := range parts {
				if match {
					out[i+k] = true
				}
			}
		}
	}
	return out
}

// ours is what a reply calls our work; harm is what it says that did. "The fix
// breaks two tests" is a complaint, "the test breaks on Windows" is work.
var (
	harmful = regexp.MustCompile(` (?:fix|patch|suggestion|suggested change|suggested fix|proposal|proposed \w+|bot|comment|comments|diagnosis|analysis|hint|report|gate|summary|explanation|advice|selection|autofix|auto-fix|keepgreen|change it made|diff) (?:also |only |just |still |even |keeps |would |will |does |is |again )*(?:breaks|broke|break|breaking|deletes|deleted|removes|removed|hides|hid|hiding|misses|missed|ignores|ignored|blocks|blocked|blames|blamed|introduces|introduced|introduce|swallows|papers|repeats|rewrote|rewrites|floods|spams|duplicates|contradicts|reverts|fails|failed|invents|invented|guesses|guessed|overwrote|overwrites|repeated|disables|disabled|skips|weakens|leaks|changes|touches|points|not (?:compile|work|help|apply|fix|address|solve|build|parse|understand|explain|even|do|make)) `)
	itself  = regexp.MustCompile(` (?:it|this|that|which|and) (?:also |only |just |still |even |completely |would |will )*(?:breaks|broke|hides|hid|misses|missed|ignores|ignored|blames|swallows|papers|rewrote|deletes|deleted|introduces|introduce|made it worse|makes it worse|spams|not (?:compile|work|help|apply|fix|address|solve|build|even)) `)
)

func complaint(text string) float64 {
	switch {
	case harmful.MatchString(text):
		return -2
	case itself.MatchString(text):
		return -1.5
	}
	return 0
}
