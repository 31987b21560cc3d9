package render_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func text(t testing.TB, v render.View, o render.TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Text(&b, v, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextGoldens(t *testing.T) {
	for name, v := range views() {
		t.Run(name, func(t *testing.T) { golden.Assert(t, text(t, v, render.TextOptions{Width: 100}), name+".txt") })
	}
	t.Run("believable in 60 columns", func(t *testing.T) {
		golden.Assert(t, text(t, believable(), render.TextOptions{Width: 60}), "believable-60.txt")
	})
	t.Run("believable in colour", func(t *testing.T) {
		golden.Assert(t, text(t, believable(), render.TextOptions{Width: 100, Colour: true}), "believable-colour.txt")
	})
	t.Run("believable in full", func(t *testing.T) {
		golden.Assert(t, text(t, believable(), render.TextOptions{Width: 100, Full: true}), "believable-full.txt")
	})
}

func TestTextFitsTheTerminal(t *testing.T) {
	cols := &runewidth.Condition{StrictEmojiNeutral: true}
	for name, v := range views() {
		for _, width := range []int{40, 60, 80, 120, 200} {
			for i, line := range strings.Split(text(t, v, render.TextOptions{Width: width}), "\n") {
				if got := cols.StringWidth(line); got > width {
					t.Errorf("%s, line %d takes %d of %d columns: %q", name, i+1, got, width, line)
				}
			}
		}
	}
}

func TestANormalRunFitsOneScreen(t *testing.T) {
	for name, v := range views() {
		if name == "hostile" {
			continue
		}
		if n := strings.Count(text(t, v, render.TextOptions{Width: 100}), "\n"); n > 44 {
			t.Errorf("%s takes %d lines", name, n)
		}
	}
}

var ownColour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkTerminal fails if a text holds anything that a terminal would obey, but
// ends of lines and, where they are wanted, our own colours.
func checkTerminal(t *testing.T, got string, colour bool) {
	t.Helper()
	if colour {
		got = ownColour.ReplaceAllString(got, "")
	}
	if !utf8.ValidString(got) {
		t.Errorf("invalid UTF-8 in %q", got)
	}
	for _, r := range got {
		if r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b) {
			t.Fatalf("%U in %q", r, got)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s, uint8(80), true)
	}
	f.Add("blanks at the end  ", uint8(80), true)
	f.Add("0", uint8(72), true)
	f.Add("\u00a0", uint8(100), true)
	f.Fuzz(func(t *testing.T, s string, width uint8, colour bool) {
		v := hostileWith([]string{s})
		plain := text(t, v, render.TextOptions{Width: int(width)})
		checkTerminal(t, plain, false)
		coloured := text(t, v, render.TextOptions{Width: int(width), Colour: colour})
		checkTerminal(t, coloured, colour)
		if got := ownColour.ReplaceAllString(coloured, ""); got != plain {
			t.Errorf("colour changes the text:\n%s\n%s", plain, got)
		}
		checkTerminal(t, text(t, v, render.TextOptions{Width: int(width), Full: true}), false)
	})
}

func TestTheSummarySaysNothingTwiceAndKeepsTheEndsOfPaths(t *testing.T) {
	path := "/home/ci/project/value/src/it/functional/src/test/java/com/example/auto/value/CompileWithEclipseTest.java:42"
	v := render.View{Verdict: ci.VerdictFail, Clusters: []ci.Cluster{{
		Cause:   ci.Cause{Sentence: "it does not build at " + path + ": cannot find symbol", Next: "define the symbol"},
		Members: []ci.Failure{{Message: "cannot find symbol"}},
	}}}
	got := text(t, v, render.TextOptions{Width: 80})
	for _, word := range []string{"cannot find symbol", "define the symbol"} {
		if n := strings.Count(got, word); n != 1 {
			t.Errorf("%q stands there %d times:\n%s", word, n, got)
		}
	}
	if !strings.Contains(got, "CompileWithEclipseTest.java:42") {
		t.Errorf("the end of the path is lost:\n%s", got)
	}
	if !strings.Contains(got, "1 failure\n") || strings.Contains(got, "no tests ran") {
		t.Errorf("a log that names no tests is no run without tests:\n%s", got)
	}
}
