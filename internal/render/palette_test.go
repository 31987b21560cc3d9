package render_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

var colour = regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`)

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

func TestThePageIsReadableInLightAndDark(t *testing.T) {
	css, err := os.ReadFile("page/page.css")
	if err != nil {
		t.Fatal(err)
	}
	palette := map[string][2]string{}
	for _, m := range colour.FindAllStringSubmatch(string(css), -1) {
		palette[m[1]] = [2]string{m[2], m[3]}
	}
	// Which text stands on which ground, and the contrast that it needs: 4.5
	// for words, 3 for what is drawn.
	for _, c := range []struct {
		fore, ground string
		least        float64
	}{
		{"text", "bg", 4.5},
		{"text", "card", 4.5},
		{"soft", "bg", 4.5},
		{"soft", "card", 4.5},
		{"link", "bg", 4.5},
		{"link", "card", 4.5},
		{"good", "card", 4.5},
		{"bad", "card", 4.5},
		{"warn", "card", 4.5},
		{"none", "card", 4.5},
		{"good", "good-bg", 4.5},
		{"bad", "bad-bg", 4.5},
		{"warn", "warn-bg", 4.5},
		{"none", "none-bg", 4.5},
		{"text", "good-bg", 4.5},
		{"fill", "card", 3},
		{"ink", "card", 3},
		{"bad", "good-bg", 3},
		{"fill", "track", 3},
		{"bad", "track", 3},
	} {
		for i, mode := range []string{"light", "dark"} {
			fore, ground := palette[c.fore][i], palette[c.ground][i]
			if fore == "" || ground == "" {
				t.Fatalf("%s or %s is not in the palette", c.fore, c.ground)
			}
			a, b := luminance(t, fore), luminance(t, ground)
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < c.least {
				t.Errorf("%s on %s in %s: %.2f of %.1f", c.fore, c.ground, mode, ratio, c.least)
			}
		}
	}
}
