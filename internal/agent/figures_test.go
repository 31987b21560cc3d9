package agent

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestAFigureThatIsNotInTheFactsIsRemoved(t *testing.T) {
	facts := "4 failures, 1 probably yours\nwhere: shop/cart.py:41\ncoverage 92.5 %, 1,234 statements"
	for name, c := range map[string]struct {
		text, want string
		dropped    int
	}{
		"what is there stays":               {"4 failures; look at shop/cart.py:41.", "4 failures; look at shop/cart.py:41.", 0},
		"what is not, goes with its clause": {"One is yours. There are 5 failures. Look at line 41.", "One is yours. Look at line 41.", 1},
		"a part of a figure is no figure":   {"Look at line 1. It is line 2.", "Look at line 1.", 1},
		"a figure in another writing":       {"1234 statements, 92.50 percent.", "1234 statements, 92.50 percent.", 0},
		"a rounded figure is another one":   {"Coverage is 93 %.", "", 1},
		"names with digits are words":       {"F401 and utf8 and v2.", "F401 and utf8 and v2.", 0},
		"nothing":                           {"", "", 0},
	} {
		got, dropped := keepSupported(c.text, facts)
		assert.Equal(t, got, c.want, name)
		assert.Equal(t, dropped, c.dropped, name)
	}
}

// FuzzKeepSupported: what stays is of the text, and what is kept once is kept again.
func FuzzKeepSupported(f *testing.F) {
	f.Add("4 of 41. 1,2.3.4", "4")
	f.Add("é. 1.", "²")
	f.Fuzz(func(t *testing.T, text, facts string) {
		kept, dropped := keepSupported(text, facts)
		again, more := keepSupported(kept, facts)
		assert.Equal(t, again, kept)
		assert.Equal(t, more, 0)
		if all, none := keepSupported(text, text); none == 0 && dropped == 0 {
			assert.Equal(t, all, kept)
		}
	})
}
