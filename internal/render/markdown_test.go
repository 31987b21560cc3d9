package render_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"keepgreen/internal/render"
)

func TestNeutral(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain words stay as they are":             {"3 of 214 tests failed, 2 of them new (1.5 s)", "3 of 214 tests failed, 2 of them new (1.5 s)"},
		"a test's name stays readable":             {"tests/test_evict.py::test_oldest_first", "tests/test_evict.py::test_oldest_first"},
		"a mention is none":                        {"ping @octocat now", "ping ＠octocat now"},
		"a closing keyword has nothing to close":   {"fixes #12 and closes a/b#3", "fixes ＃12 and closes a/b＃3"},
		"nor in the old spelling":                  {"resolves GH-7", "resolves GH‑7"},
		"HTML is text":                             {"<b>x</b>", "&#60;b&#62;x&#60;/b&#62;"},
		"a character reference is not one":         {"&lt;", "&#38;lt;"},
		"a link is text":                           {"[a](b)", "&#91;a&#93;(b)"},
		"an address is not found":                  {"see https://evil.example", "see https&#58;&#47;&#47;evil.example"},
		"an address without a scheme is not found": {"www.evil.example", "www&#46;evil.example"},
		"a cell ends where it should":              {"a | b", "a &#124; b"},
		"emphasis is text":                         {"**a** _b_ `c`", "&#42;&#42;a&#42;&#42; &#95;b&#95; &#96;c&#96;"},
		"a list is text":                           {"- a", "&#45; a"},
		"a numbered list is text":                  {"1. a", "1&#46; a"},
		"reordering is visible":                    {"a\u202eb", `a&#92;u202eb`},
		"lines become one":                         {"a\nb", "a⏎b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := render.Neutral(c.in); got != c.want {
				t.Errorf("%q became %q, not %q", c.in, got, c.want)
			}
		})
	}
}

var (
	mention   = regexp.MustCompile(`@[\p{L}\p{N}_-]`)
	reference = regexp.MustCompile(`(?i)#\d|\bgh-\d`)
	entity    = regexp.MustCompile(`&#\d+;`)
)

func FuzzNeutral(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := render.Neutral(s)
		bare := entity.ReplaceAllString(got, "")
		if strings.ContainsAny(bare, "<>&`*[]|~!\\\n") || strings.Contains(bare, "://") || strings.Contains(bare, "@") {
			t.Errorf("%q became %q", s, got)
		}
		// What GitHub's filters see once the references are characters again.
		seen := entity.ReplaceAllStringFunc(got, func(e string) string {
			if e == "&#64;" {
				return "@"
			}
			if e == "&#35;" {
				return "#"
			}
			return "."
		})
		if mention.MatchString(seen) || reference.MatchString(seen) {
			t.Errorf("%q can be seen as a mention or a reference: %q", s, seen)
		}
		checkTerminal(t, got, false)
		if !utf8.ValidString(got) {
			t.Errorf("%q became invalid: %q", s, got)
		}
		for _, code := range []string{render.NeutralCode(s), render.NeutralBlock(s)} {
			inner := strings.NewReplacer("<code>", "", "</code>", "", "<pre>\n", "", "\n</pre>", "").Replace(code)
			if strings.ContainsAny(entity.ReplaceAllString(inner, ""), "<>&`|") {
				t.Errorf("%q became %q", s, code)
			}
		}
	})
}
