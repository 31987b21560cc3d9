package report_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"keepgreen/internal/report"
)

type entry struct{ name, body string }

func zipped(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			tb.Fatal(err)
		}
		io.WriteString(f, e.body)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

// opened lists sources with their content.
func opened(data []byte) string {
	var b strings.Builder
	for s, err := range report.Sources("in", bytes.NewReader(data), int64(len(data))) {
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", s.Name, err)
			continue
		}
		in, err := s.Open()
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", s.Name, err)
			continue
		}
		body, err := io.ReadAll(in)
		in.Close()
		fmt.Fprintf(&b, "%s [%s|%s] %q", s.Name, s.Job, s.Step, body)
		if err != nil {
			fmt.Fprintf(&b, " %v", err)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestSources(t *testing.T) {
	whole := zipped(t, entry{"a.txt", "x"})
	for _, tc := range []struct {
		name string
		in   []byte
		want string
	}{
		{"a plain file", []byte("\ufeffhello\n"), "in [|] \"hello\\n\"\n"},
		{"an empty file", nil, "in [|] \"\"\n"},
		{"a log of PowerShell", []byte("\xff\xfeh\x00i\x00"), "in [|] \"hi\"\n"},
		{"gzip", []byte(gzipped("hello")), "in [|] \"hello\"\n"},
		{"a cut gzip", []byte(gzipped("hello"))[:12], "in [|] \"h\" unexpected EOF\n"},
		{"an empty archive", zipped(t), ""},
		{"a cut archive", whole[:len(whole)-10], "in: zip: not a valid zip file\n"},
		{
			"a log archive: the steps of a job that is there as a whole are left out",
			zipped(t, entry{"10_lint.txt", "l"}, entry{"2_test (3.12).txt", "t"}, entry{"test (3.12)/1_Set up job.txt", "s"}, entry{"test (3.12)/system.txt", "y"}, entry{"lint/1_Run.txt", "r"}, entry{"docs/10_End.txt", "e"}, entry{"docs/2_Build_it.txt", "b"}),
			"in/2_test (3.12).txt [test (3.12)|] \"t\"\nin/10_lint.txt [lint|] \"l\"\nin/docs/2_Build_it.txt [docs|Build_it] \"b\"\nin/docs/10_End.txt [docs|End] \"e\"\n",
		},
		{
			"names that lead out of the archive do not",
			zipped(t, entry{"../../etc/passwd", "a"}, entry{"/abs.xml", "b"}, entry{`win\dir\c.xml`, "c"}, entry{"dir/", ""}, entry{"__MACOSX/._x", ""}, entry{"abs.xml", "twice"}),
			"in/abs.xml [|] \"b\"\nin/etc/passwd [|] \"a\"\nin/win/dir/c.xml [|] \"c\"\n",
		},
		{"gzip in an archive", zipped(t, entry{"a.log.gz", gzipped("inner")}), "in/a.log.gz [|] \"inner\"\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := opened(tc.in); got != tc.want {
				t.Errorf("got:\n%swant:\n%s", got, tc.want)
			}
		})
	}
}

// TestBombs: what expands a thousandfold is given up long before it hurts, also
// when one bomb is inside of another or many small entries make up for it.
func TestBombs(t *testing.T) {
	member := gzipped(strings.Repeat("\x00", 20<<20)) // members of gzip may follow each other
	bomb := strings.Repeat(member, 5)
	for name, data := range map[string][]byte{
		"gzip":             []byte(bomb),
		"gzip in zip":      zipped(t, entry{"a.gz", bomb}),
		"many zip entries": zipped(t, entry{"a", member}, entry{"b", member}, entry{"c", member}, entry{"d", member}),
	} {
		var total int64
		var failed error
		for s, err := range report.Sources("in", bytes.NewReader(data), int64(len(data))) {
			if err != nil {
				t.Fatal(err)
			}
			in, err := s.Open()
			if err != nil {
				failed = err
				continue
			}
			n, err := io.Copy(io.Discard, in)
			total += n
			failed = errors.Join(failed, err)
		}
		if !errors.Is(failed, report.ErrTooLarge) || total > 80<<20 {
			t.Errorf("%s: %d MiB, %v", name, total>>20, failed)
		}
	}
	entries := make([]entry, 20_001)
	for i := range entries {
		entries[i].name = fmt.Sprint(i)
	}
	if got := opened(zipped(t, entries...)); !strings.Contains(got, "20001 entries: ") {
		t.Errorf("too many entries: %.100q", got)
	}
}

// FuzzSources: nothing panics, and what comes out stands in a proportion to
// what went in.
func FuzzSources(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte(gzipped("text")))
	f.Add(zipped(f, entry{"1_a.txt", "x"}, entry{"a/1_b.txt", "y"}, entry{"c.gz", gzipped("z")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for s, err := range report.Sources("in", bytes.NewReader(data), int64(len(data))) {
			if err != nil {
				continue
			}
			if strings.Contains(s.Name, "..") && strings.Contains(s.Name, "/../") {
				t.Errorf("the name %q leads out", s.Name)
			}
			in, err := s.Open()
			if err != nil {
				continue
			}
			n, _ := io.Copy(io.Discard, in)
			in.Close()
			if n > 64<<20+int64(len(data))*1000 {
				t.Errorf("%d bytes of %d", n, len(data))
			}
		}
	})
}
