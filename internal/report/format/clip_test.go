package format_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"keepgreen/internal/report/format"
)

func TestClipKeepsBothEnds(t *testing.T) {
	for _, tt := range []struct {
		name       string
		head, tail int
		in, want   string
	}{
		{"a text that fits stays whole", 4, 4, "abcdefgh", "abcdefgh"},
		{"of a longer one the middle goes and is counted", 4, 4, "abcd12345wxyz", "abcd\n… 5 bytes left out …\nwxyz"},
		{"the ends may differ in size", 2, 5, "abXvwxyz", "ab\n… 1 bytes left out …\nvwxyz"},
		{"without a tail only the beginning stays", 3, 0, "abcdef", "abc\n… 3 bytes left out …\n"},
		{"a character that the cut splits is marked", 1, 2, "é12", "\uFFFD\n… 1 bytes left out …\n12"},
		{"one that lies across both ends stays", 1, 3, "é12", "é12"},
		{"nothing is an empty text", 4, 4, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.in)+1; size++ { // however the text arrives
				c := format.NewClip(tt.head, tt.tail)
				for rest := []byte(tt.in); len(rest) > 0; {
					n := min(size, len(rest))
					c.Write(rest[:n])
					rest = rest[n:]
				}
				if got := c.String(); got != tt.want {
					t.Fatalf("in pieces of %d: %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

func TestClipStartsAfresh(t *testing.T) {
	var c format.Clip
	c.Write([]byte("lost"))
	if got := c.Start(); !c.Empty() || len(got) != 0 {
		t.Errorf("the zero value keeps %q", got)
	}
	c.Resize(3, 3)
	c.Line([]byte("abcdefgh"))
	c.Reset()
	c.Line([]byte("one"))
	c.Line(nil)
	if c.String() != "one\n\n" || c.Text() != "one" {
		t.Errorf("kept %q", c.String())
	}
	var none *format.Clip
	if none.String() != "" {
		t.Error("no clip is no text")
	}
}

// FuzzClip promises: what fits is kept as it is, what does not is bounded,
// begins and ends as the text does, and does not depend on how it arrived.
func FuzzClip(f *testing.F) {
	f.Add([]byte("abcdefghijkl"), uint8(4), uint8(4), uint8(3))
	f.Add([]byte("é…\xff"), uint8(1), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, head, tail, size uint8) {
		c := format.NewClip(int(head), int(tail))
		c.Write(in)
		whole := c.String()
		c.Reset()
		for piece := range slices.Chunk(in, int(size)+1) {
			c.Write(piece)
		}
		if got := c.String(); got != whole {
			t.Fatalf("%q in pieces, %q at once", got, whole)
		}
		if !utf8.ValidString(whole) {
			t.Fatalf("%q is no text", whole)
		}
		if len(in) <= int(head)+int(tail) {
			if whole != format.Valid(string(in)) {
				t.Fatalf("%q was kept as %q", in, whole)
			}
			return
		}
		if limit := 3*(int(head)+int(tail)) + 40; len(whole) > limit {
			t.Fatalf("%d bytes kept, at most %d expected", len(whole), limit)
		}
		if isASCII(in) && (!strings.HasPrefix(whole, string(in[:head])) || !strings.HasSuffix(whole, string(in[len(in)-int(tail):]))) {
			t.Fatalf("%q does not begin and end as the text", whole)
		}
	})
}

func isASCII(b []byte) bool {
	return bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

func TestSafeTextCommandsNoTerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain\n\ttext":   "plain\n\ttext",
		"\x1b[31mred\x00": "#x1B[31mred#x00",
		"a\r\nb":          "a\nb",
		"\xffé\x7f":       "\uFFFDé#x7F",
	} {
		if got := format.Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
}
