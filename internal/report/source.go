package report

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/report/format"
)

// Source is one text to be read: a file, or an entry of an archive.
type Source struct {
	Name string // the archive's name, a slash and the entry's, or the file's own
	Job  string // of GitHub's log archives; otherwise empty
	Step string
	// Open starts reading the content, decompressed and as UTF-8.
	Open func() (io.ReadCloser, error)
}

// Limits on what an archive may expand to. A log compresses well, but not a
// thousand times; real log archives stay below a hundred.
const (
	maxArchiveEntries = 20_000
	maxArchiveBytes   = 8 << 30
	maxArchiveRatio   = 300
	freeArchiveBytes  = 64 << 20 // up to here the ratio does not matter
)

// ErrTooLarge says that an archive expands to more than any log or report does.
var ErrTooLarge = errors.New("the archive expands beyond all reason")

// Sources lists the texts in a file: the entries of a zip archive, the content
// of a gzip file, or the file itself, told apart by content. Archives of GitHub's
// logs hold each job's log twice, whole and by step; the steps are listed only
// where the whole is missing.
func Sources(name string, r io.ReaderAt, size int64) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		head := make([]byte, 4)
		n, err := r.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			yield(Source{Name: name}, err)
			return
		}
		if !isZip(head[:n]) {
			yield(Source{Name: name, Open: func() (io.ReadCloser, error) {
				return (&expansion{packed: size}).open(io.NopCloser(io.NewSectionReader(r, 0, size)))
			}}, nil)
			return
		}
		archive, err := zip.NewReader(r, size)
		if err != nil {
			yield(Source{Name: name}, err)
			return
		}
		if len(archive.File) > maxArchiveEntries {
			yield(Source{Name: name}, fmt.Errorf("%d entries: %w", len(archive.File), ErrTooLarge))
			return
		}
		all := &expansion{packed: size}
		for _, e := range logEntries(archive.File) {
			s := Source{Name: path.Join(name, e.name), Job: e.job, Step: e.step}
			s.Open = func() (io.ReadCloser, error) {
				in, err := e.file.Open()
				if err != nil {
					return nil, err
				}
				return all.open(in)
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// logEntry is an entry of an archive and what its name says in a log archive.
type logEntry struct {
	file      *zip.File
	name      string
	job, step string
	number    int
}

// logEntries lists what is to be read of an archive, in the order in which jobs
// and steps are numbered.
func logEntries(files []*zip.File) []logEntry {
	var entries []logEntry
	whole := map[string]bool{} // jobs whose log is there in one piece
	seen := map[string]bool{}
	for _, f := range files {
		name := strings.TrimPrefix(path.Clean("/"+format.SlashPath(f.Name)), "/")
		if f.FileInfo().IsDir() || name == "" || seen[name] || strings.HasPrefix(name, "__MACOSX/") {
			continue
		}
		seen[name] = true
		e := newLogEntry(f, name)
		if e.job != "" && e.step == "" {
			whole[jobKey(e.job)] = true
		}
		entries = append(entries, e)
	}
	entries = slices.DeleteFunc(entries, func(e logEntry) bool { return e.step != "" && whole[jobKey(e.job)] })
	slices.SortStableFunc(entries, func(a, b logEntry) int {
		return cmp.Or(cmp.Compare(path.Dir(a.name), path.Dir(b.name)), cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
	})
	return entries
}

// newLogEntry reads "3_test (3.12).txt", "test (3.12)/5_Run pytest.txt" and
// "test (3.12)/system.txt".
func newLogEntry(f *zip.File, name string) logEntry {
	e := logEntry{file: f, name: name}
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	title, isText := strings.CutSuffix(base, ".txt")
	if !isText || strings.Contains(dir, "/") {
		return e
	}
	digits, rest, ok := strings.Cut(title, "_")
	n, err := strconv.Atoi(digits)
	switch {
	case ok && err == nil && n >= 0 && rest != "" && dir == "":
		e.number, e.job = n, rest
	case ok && err == nil && n >= 0 && rest != "":
		e.number, e.job, e.step = n, dir, rest
	case title == "system" && dir != "":
		e.job, e.step = dir, "system"
	}
	return e
}

// jobKey matches a job's file with its folder: GitHub cuts long names and
// replaces what file systems refuse, not always in the same way.
func jobKey(job string) string {
	key := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|_ `, r) {
			return -1
		}
		return r
	}, job)
	return key[:min(len(key), 80)]
}

// expansion counts what comes out of an archive against what went into it.
type expansion struct{ packed, total int64 }

// open undoes gzip if there is any, counts, and decodes to UTF-8.
func (e *expansion) open(in io.ReadCloser) (io.ReadCloser, error) {
	counted := bufio.NewReader(&countingReader{in: in, of: e})
	head, _ := counted.Peek(2)
	if len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return source{format.DecodeText(counted), in}, nil
	}
	unpacked, err := gzip.NewReader(counted)
	if err != nil {
		in.Close()
		return nil, err
	}
	return source{format.DecodeText(&countingReader{in: unpacked, of: e}), in}, nil
}

type source struct {
	io.Reader
	io.Closer
}

type countingReader struct {
	in io.Reader
	of *expansion
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.of.total += int64(n)
	if c.of.total > maxArchiveBytes || c.of.total > freeArchiveBytes && c.of.total/maxArchiveRatio > c.of.packed {
		return n, ErrTooLarge
	}
	return n, err
}
