package format_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"keepgreen/internal/report/format"
	"keepgreen/internal/report/reporttest"
)

func TestLinesShowsWhatAPersonReads(t *testing.T) {
	const stamp = "2024-05-01T12:34:56.1234567Z "
	for _, tt := range []struct{ name, in, want string }{
		{"a plain line stays", "hello\n", "hello"},
		{"the last line may lack its end", "one\ntwo", "one|two"},
		{"a timestamp of the forge goes", stamp + "hello\n", "hello"},
		{"a byte order mark before it goes too", "\ufeff" + stamp + "hello\n", "hello"},
		{"a timestamp alone is an empty line", stamp + "\n", ""},
		{"a time that a program printed stays", "2024-05-01T12:34:56 hello\n", "2024-05-01T12:34:56 hello"},
		{"colours go", "\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[m\n", "red and green"},
		{"a link keeps its text", "\x1b]8;;https://example.com\x1b\\text\x1b]8;;\x1b\\\n", "text"},
		{"an unfinished sequence ends with its line", "a\x1b[31\nb\n", "a|b"},
		{"what was overwritten is gone", "10%\r50%\r100%\n", "100%"},
		{"line ends of Windows", "one\r\ntwo\r\n", "one|two"},
		{"job and step before a timestamp go", "build\tRun tests\t" + stamp + "hello\n", "hello"},
		{"tabs without a timestamp stay", "a\tb\tc\n", "a\tb\tc"},
		{"a line of spaces stays one line", "  \n", "  "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for line, err := range format.Lines(strings.NewReader(tt.in)) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(line.Text))
			}
			if s := strings.Join(got, "|"); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestLinesCutsALineOfAnyLengthAndGoesOn(t *testing.T) {
	endless := io.MultiReader(io.LimitReader(reporttest.Repeating("x"), 256<<20), strings.NewReader("\nafter\n"))
	var numbers []int
	var last string
	for line, err := range format.Lines(endless) {
		if err != nil {
			t.Fatal(err)
		}
		if line.N == 1 && !line.Cut {
			t.Error("the long line is not marked as cut")
		}
		numbers, last = append(numbers, line.N), string(line.Text)
	}
	if !slices.Equal(numbers, []int{1, 2}) || last != "after" {
		t.Errorf("lines %v, the last one %q", numbers, last)
	}
}

// FuzzLines promises: no escape and no line end is left in a text, line numbers
// strictly increase, and there are as many lines as line ends.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\n\x1b[31mb\r\nc"))
	f.Add([]byte("\xef\xbb\xbf2024-05-01T12:34:56.1Z \x1b]0;t\x07x\n\n"))
	f.Add([]byte("job\tstep\t2024-05-01T12:34:56Z x\ry\x1b"))
	f.Fuzz(func(t *testing.T, in []byte) {
		last, count := 0, 0
		for line, err := range format.Lines(bytes.NewReader(in)) {
			if err != nil {
				t.Fatal(err)
			}
			if line.N <= last {
				t.Fatalf("line %d after line %d", line.N, last)
			}
			if bytes.ContainsAny(line.Text, "\x1b\n\r") {
				t.Fatalf("line %d: %q", line.N, line.Text)
			}
			last = line.N
			count++
		}
		want := bytes.Count(in, []byte("\n"))
		if len(in) > 0 && in[len(in)-1] != '\n' {
			want++
		}
		if count != want {
			t.Fatalf("%d lines, want %d", count, want)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	log := bytes.Repeat([]byte("2024-05-01T12:34:56.1234567Z tests/test_params.py::test_value[a] \x1b[32mPASSED\x1b[0m   [ 12%]\n"+
		"2024-05-01T12:34:56.1234567Z         for row in range(4):\n"), 20_000)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		for _, err := range format.Lines(bytes.NewReader(log)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
