package triage_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/triage"
)

const buildLog = `Cloning into 'project'...
[INFO] Scanning for projects...
Compiling 12 files with javac
warning: 2 uses of a deprecated API
src/pool.cc: In function 'int main()':
src/pool.cc:12:9: error: 'newPool' was not declared in this scope
   12 |   auto p = newPool(3);
      |            ^~~~~~~
make: *** [Makefile:4: pool.o] Error 1
ERROR: could not read the optional cache, going on without it
[INFO] 0 errors in the documentation
##[error]Process completed with exit code 2.
`

const greenLog = `Cloning into 'project'...
[INFO] Scanning for projects...
Compiling 11 files with javac
warning: 3 uses of a deprecated API
ERROR: could not read the optional cache, going on without it
[INFO] 0 errors in the documentation
done in 12.3s
`

func TestExtract(t *testing.T) {
	var green triage.Templates
	for line := range logOf([]byte(greenLog)) {
		green.Add(line.Text)
	}
	without := triage.Extract(logOf([]byte(buildLog)), nil, triage.ExtractOptions{})
	with := triage.Extract(logOf([]byte(buildLog)), &green, triage.ExtractOptions{})
	for _, got := range [][]triage.Excerpt{without, with} {
		if len(got) == 0 || got[0].Line != 6 {
			t.Fatalf("the compiler's error in line 6 does not come first: %+v", got)
		}
		if got[0].First > 6 || got[0].Last != 8 {
			t.Errorf("the excerpt is %d-%d, want until 8", got[0].First, got[0].Last)
		}
	}
	cache := func(list []triage.Excerpt) bool {
		for _, x := range list {
			if strings.Contains(x.Text, "optional cache") {
				return true
			}
		}
		return false
	}
	if !cache(without) {
		t.Error("without a green log, the line about the cache is an error like another")
	}
	if cache(with) {
		t.Error("a green run printed the line about the cache, too: it is no error")
	}
	f := with[0].Failure()
	if f.Kind != ci.KindBuild || f.Pos.File != "src/pool.cc" || f.Pos.Line != 12 || f.Log.Line != 6 {
		t.Errorf("failure %+v", f)
	}
	c := triage.Clusters([]ci.Failure{f}, triage.Options{})[0]
	if c.Cause.Class != ci.ClassBuild || c.Cause.Symbol != "newPool" {
		t.Errorf("cause %+v", c.Cause)
	}
}

func TestTemplatesAreWhatLinesShare(t *testing.T) {
	var m triage.Templates
	for i, user := range []string{"ann", "bob", "cyd", "dan", "eve"} {
		m.Add([]byte(fmt.Sprintf("session of %s opened on host-%d after %dms", user, i, i*7)))
		m.Add([]byte(fmt.Sprintf("released blocks [%s]", strings.Repeat("1, ", i)+"2")))
	}
	var got []string
	for _, tpl := range m.List() {
		got = append(got, fmt.Sprintf("%d× %s", tpl.Count, tpl.Text))
	}
	want := "5× session of <*> opened on <*> after <*>|5× released blocks <*>"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// FuzzExtract: excerpts lie inside of the log and not on each other, the line
// that matters lies inside of its excerpt, and there are never more than asked for.
func FuzzExtract(f *testing.F) {
	f.Add([]byte(buildLog), []byte(greenLog), 3)
	f.Add([]byte("Traceback (most recent call last):\n  File \"a\"\nValueError: x\n\n\nE   y\n"), []byte(""), 1)
	f.Add([]byte("[ERROR] a.java:[1,2] x\n[ERROR]\n at b\n##[error]c"), []byte("[ERROR]"), 0)
	f.Add([]byte("panic: \xff\nx(1): error"), []byte("\x00"), 200)
	f.Fuzz(func(t *testing.T, log, pass []byte, n int) {
		var green triage.Templates
		for line := range logOf(pass) {
			green.Add(line.Text)
		}
		lines := bytes.Count(log, []byte("\n")) + 1
		for _, g := range []*triage.Templates{nil, &green} {
			got := triage.Extract(logOf(log), g, triage.ExtractOptions{Excerpts: n % 100, Lines: 5})
			limit := n % 100
			if limit <= 0 {
				limit = 50
			}
			if len(got) > limit {
				t.Errorf("%d excerpts, asked for %d", len(got), limit)
			}
			taken := map[int]bool{}
			for _, x := range got {
				if x.First < 1 || x.First > x.Line || x.Line > x.Last || x.Last > lines {
					t.Errorf("excerpt %d-%d with line %d of %d lines", x.First, x.Last, x.Line, lines)
				}
				for k := x.First; k <= x.Last; k++ {
					if taken[k] {
						t.Errorf("line %d is in two excerpts", k)
					}
					taken[k] = true
				}
				if len(x.Lines) > 5 {
					t.Errorf("%d lines kept, asked for 5", len(x.Lines))
				}
				triage.Clusters([]ci.Failure{x.Failure()}, triage.Options{})
			}
		}
	})
}

func TestTemplatesSurviveTheirText(t *testing.T) {
	var a, b triage.Templates
	for range 3 {
		for line := range logOf([]byte(greenLog)) {
			a.Add(line.Text)
		}
	}
	text, err := a.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	again, _ := b.MarshalText()
	if !bytes.Equal(text, again) {
		t.Errorf("got\n%s\nwant\n%s", again, text)
	}
	for _, x := range triage.Extract(logOf([]byte(buildLog)), &b, triage.ExtractOptions{}) {
		if strings.Contains(x.Text, "optional cache") {
			t.Error("what was read back does not know the green line")
		}
	}
	for _, bad := range []string{"", "keepgreen templates 0\n", "keepgreen templates 1\nx\n", "keepgreen templates 1\n-1\tx\n"} {
		var c triage.Templates
		if err := c.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read without an error", bad)
		}
	}
}

func TestExtractKeepsBothEndsOfALongLog(t *testing.T) {
	var log strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&log, "step %d\nfatal: cannot do number %s\n\n\n\nquiet\n", i, word(i))
	}
	got := triage.Extract(logOf([]byte(log.String())), nil, triage.ExtractOptions{Excerpts: 10})
	if len(got) != 10 {
		t.Fatalf("%d excerpts, want 10", len(got))
	}
	first, last := got[0].Line, got[0].Line
	for _, x := range got {
		first, last = min(first, x.Line), max(last, x.Line)
	}
	if first != 2 || last != 999*6+2 {
		t.Errorf("excerpts between lines %d and %d of 6000, want the first and the last", first, last)
	}
}
