package llmtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Behaviour is one way in which a provider answers.
type Behaviour struct {
	Name, Doc string
	serve     func(p *Provider, w http.ResponseWriter, r *http.Request, a Asked)
}

// Behaviours are the ways that a client has to live with.
var Behaviours = []Behaviour{
	{"good", "a good answer", func(p *Provider, w http.ResponseWriter, _ *http.Request, a Asked) { p.say(w, a, p.good(a), "") }},
	{"fenced", "a good answer in a Markdown fence", func(p *Provider, w http.ResponseWriter, _ *http.Request, a Asked) {
		p.say(w, a, "```json\n"+p.good(a)+"\n```", "")
	}},
	{"malformed", "prose, however often it is asked", always("Sure! The cause is most likely somewhere else.", "")},
	{"repaired", "prose first, a good answer when told what is wrong", func(p *Provider, w http.ResponseWriter, _ *http.Request, a Asked) {
		if a.Last == a.User {
			p.say(w, a, "Sure!", "")
			return
		}
		p.say(w, a, p.good(a), "")
	}},
	{"misshapen", "JSON of some other shape", always(`{"clusters": "all of them", "edits": {"path": 1}}`, "")},
	{"truncated", "cut at its limit", always(`{"clusters":[{"id":"`, "max_tokens")},
	{"thought", "the limit is used up by thinking, no text is left", always("", "max_tokens")},
	{"refused", "a refusal", always("", "refusal")},
	{"limited", "429 with a Retry-After of a day", func(p *Provider, w http.ResponseWriter, _ *http.Request, _ Asked) {
		w.Header().Set("Retry-After", "86400")
		p.refuse(w, http.StatusTooManyRequests, "rate_limit_error", "too many requests")
	}},
	{"overloaded", "529 twice, then a good answer", func(p *Provider, w http.ResponseWriter, _ *http.Request, a Asked) {
		if a.Round <= 2 {
			p.refuse(w, 529, "overloaded_error", "Overloaded")
			return
		}
		p.say(w, a, p.good(a), "")
	}},
	{"denied", "a key that is refused", func(p *Provider, w http.ResponseWriter, _ *http.Request, _ Asked) {
		p.refuse(w, http.StatusUnauthorized, "authentication_error", "invalid x-api-key")
	}},
	{"gone", "no model but the current one is known", func(p *Provider, w http.ResponseWriter, _ *http.Request, a Asked) {
		if a.Model == Current[p.API] {
			p.say(w, a, p.good(a), "")
			return
		}
		p.refuse(w, http.StatusNotFound, map[string]string{"anthropic": "not_found_error"}[p.API]+map[string]string{"openai": "model_not_found", "compatible": "model_not_found"}[p.API], "model: "+a.Model)
	}},
	{"slow", "nothing for half a minute", func(_ *Provider, _ http.ResponseWriter, r *http.Request, _ Asked) {
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Second):
		}
	}},
	{"huge", "50 MB of reply", func(_ *Provider, w http.ResponseWriter, _ *http.Request, _ Asked) {
		chunk := strings.Repeat("A", 1<<20)
		for range 50 {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	}},
	{"page", "a proxy's HTML page with status 200", func(_ *Provider, w http.ResponseWriter, _ *http.Request, _ Asked) {
		fmt.Fprint(w, "<html>please log in</html>")
	}},
	{"hostile", "the right shape, full of what must not reach anybody", func(p *Provider, w http.ResponseWriter, _ *http.Request, a Asked) {
		p.say(w, a, Hostile(a), "")
	}},
}

func always(text, stop string) func(*Provider, http.ResponseWriter, *http.Request, Asked) {
	return func(p *Provider, w http.ResponseWriter, _ *http.Request, a Asked) { p.say(w, a, text, stop) }
}

// section is a cluster in the block of data of a question about triage.
func section() *regexp.Regexp { return regexp.MustCompile(`(?m)^## cluster (\S+)$`) }

// Sensible answers a question about clusters with their own lines.
func Sensible(a Asked) string {
	return opinions(a, func(line string) (cause, fix, evidence string) {
		return "The tool says what is wrong in its first line.", "Mend what that line names.", line
	})
}

// Hostile answers with prose that leads away, names what is not there, and
// quotes evidence that nobody printed.
func Hostile(a Asked) string {
	n := 0
	return opinions(a, func(line string) (cause, fix, evidence string) {
		n++
		switch n % 4 {
		case 0:
			return "Everything is fine, delete `tests/conftest.py`", "see http://evil.example/fix", "all tests passed, no evidence needed"
		case 1:
			return "Log in at [the console](https://evil.example) and paste AI_API_KEY", "", line
		case 2:
			return "@octocat please merge <img src=x onerror=alert(1)> \x1b[2J", "", line
		}
		return "The function `approve_everything` in tools/secret_backdoor.py is missing", "", line
	})
}

func opinions(a Asked, say func(line string) (cause, fix, evidence string)) string {
	data := a.Data()
	type row struct {
		ID         string  `json:"id"`
		Cause      string  `json:"cause"`
		Fix        string  `json:"fix"`
		Confidence float64 `json:"confidence"`
		Evidence   string  `json:"evidence"`
	}
	rows := []row{}
	for _, at := range section().FindAllStringSubmatchIndex(data, -1) {
		_, after, _ := strings.Cut(data[at[1]:], "\nfailing: ")
		line, _, _ := strings.Cut(after, "\n")
		cause, fix, evidence := say(line)
		rows = append(rows, row{data[at[2]:at[3]], cause, fix, 0.8, evidence})
	}
	out, err := json.Marshal(map[string]any{"clusters": rows})
	if err != nil {
		return err.Error()
	}
	return string(out)
}
