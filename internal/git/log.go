package git

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Log is what the commits since a time changed, as git says it. It is kept from
// one time to the next: of a head that descends from the one before, only what
// is new is asked for. The zero value is empty.
type Log struct {
	head    string
	since   int64 // seconds; what is older is not in it
	commits []logged
	touches []touch
	fresh   bool // it holds what no file holds yet
}

// logged is one commit.
type logged struct {
	when   int64
	author string
	text   string // as git wrote it
	first  int    // of its touches
	last   int
}

// touch is what a commit did to one file; lines are "-" of a binary one.
type touch struct{ added, deleted, old, path string }

// maxLog bounds what is read of a history: some millions of commits.
const maxLog = 512 << 20

// Log reads the history since a time, from what is known of it where that is
// still true. A repository without commits has an empty one.
func (r *Repo) Log(ctx context.Context, since time.Time, known *Log) (*Log, error) {
	head, _ := r.Head(ctx)
	switch {
	case head == "":
		return &Log{}, nil
	case known == nil || known.head == "" || known.since > since.Unix() || r.Shallow(ctx): // a shallow one may be deepened under the same head
		known = &Log{}
	case known.head == head:
		return known, nil
	default:
		if _, err := r.run(ctx, "merge-base", "--is-ancestor", known.head, head); err != nil {
			known = &Log{}
		}
	}
	what := head
	if known.head != "" {
		what = known.head + ".." + head
	}
	text, err := r.log(ctx, what, since)
	if err != nil {
		return nil, err
	}
	l := parseLog(text)
	l.head, l.since, l.fresh = head, since.Unix(), true
	if known.head != "" {
		l.join(known)
	}
	if !slices.IsSortedFunc(l.commits, newestFirst) {
		slices.SortStableFunc(l.commits, newestFirst)
	}
	return l, nil
}

// newestFirst orders commits by the time they were made; those of one second
// stay as git has them, children before parents.
func newestFirst(a, b logged) int { return cmp.Compare(b.when, a.when) }

// join puts older commits behind the new ones.
func (l *Log) join(older *Log) {
	moved := len(l.touches)
	l.touches = append(l.touches, older.touches...)
	for _, c := range older.commits {
		if c.when >= l.since {
			c.first, c.last = c.first+moved, c.last+moved
			l.commits = append(l.commits, c)
		}
	}
}

// log asks git. Merges are left out: their changes are counted where they were made.
func (r *Repo) log(ctx context.Context, what string, since time.Time) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "-c", "core.quotePath=false", "-c", "diff.renameLimit=1000", "log", what,
		"--no-merges", "--since="+strconv.FormatInt(since.Unix(), 10), "--format=format:%x01%ct %aE", "--numstat", "-z", "-M",
		"--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all")
	cmd.Dir, cmd.Env = r.Root, r.env
	out, stderr := &bounded{left: maxLog}, &bounded{left: 64 << 10}
	cmd.Stdout, cmd.Stderr = out, stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case out.left < 0:
		return "", fmt.Errorf("git log says more than %d MiB about the time since %s: ask for less of it", maxLog>>20, since.Format(time.DateOnly))
	case err != nil:
		return "", fmt.Errorf("git log: %s", firstLine(cmp.Or(strings.TrimSpace(stderr.text.String()), err.Error())))
	}
	return out.text.String(), nil
}

// bounded keeps what is written to it, up to a limit beyond which it fails.
type bounded struct {
	text strings.Builder
	left int
}

var errTooMuch = errors.New("too much")

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errTooMuch
	}
	return b.text.Write(p)
}

// parseLog reads "git log -z --numstat": a commit is "\x01time email\n", then for
// each file "added\tdeleted\tpath\0", or for a rename "added\tdeleted\t\0old\0new\0".
// What separates commits is a NUL or nothing.
func parseLog(text string) *Log {
	l := &Log{}
	start, rest := 0, text
	end := func(at int) { // the commit that was read last ends here
		if n := len(l.commits); n > 0 {
			l.commits[n-1].text, l.commits[n-1].last = strings.TrimRight(text[start:at], "\x00"), len(l.touches)
		}
		start = at
	}
	for rest != "" {
		var record string
		record, rest, _ = strings.Cut(rest, "\x00")
		from := len(text) - len(rest) - len(record)
		if rest != "" || strings.HasSuffix(text, "\x00") {
			from-- // the NUL
		}
		for {
			trimmed := strings.TrimLeft(record, "\n")
			if !strings.HasPrefix(trimmed, "\x01") {
				break
			}
			from += len(record) - len(trimmed)
			end(from)
			header, more, _ := strings.Cut(trimmed[1:], "\n")
			from += len(trimmed) - len(more)
			when, author, _ := strings.Cut(header, " ")
			seconds, _ := strconv.ParseInt(when, 10, 64)
			l.commits = append(l.commits, logged{when: seconds, author: author, first: len(l.touches)})
			record = more
		}
		fields := strings.SplitN(record, "\t", 3)
		if len(fields) != 3 {
			continue
		}
		t := touch{added: fields[0], deleted: fields[1], path: fields[2]}
		if t.path == "" {
			t.old, rest, _ = strings.Cut(rest, "\x00")
			t.path, rest, _ = strings.Cut(rest, "\x00")
		}
		l.touches = append(l.touches, t)
	}
	end(len(text))
	return l
}

// logHead begins a stored log.
const logHead = "keepgreen churn 1\n"

var logSum = crc32.MakeTable(crc32.Castagnoli)

// Fresh reports whether there is something in it that is not stored.
func (l *Log) Fresh() bool { return l.fresh }

// Bytes is the log as ReadLog reads it: a head, the commits as git wrote them, a checksum.
func (l *Log) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%s %d\n", logHead, l.head, l.since)
	for _, c := range l.commits {
		b.WriteString(c.text)
		b.WriteByte(0)
	}
	return binary.LittleEndian.AppendUint32(b.Bytes(), crc32.Checksum(b.Bytes(), logSum))
}

// ReadLog reads what Bytes wrote. What is damaged is an empty log.
func ReadLog(data []byte) *Log {
	end := len(data) - 4
	if end < 0 || crc32.Checksum(data[:end], logSum) != binary.LittleEndian.Uint32(data[end:]) {
		return &Log{}
	}
	text, ok := strings.CutPrefix(string(data[:end]), logHead)
	head, text, _ := strings.Cut(text, "\n")
	id, seconds, _ := strings.Cut(head, " ")
	since, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil {
		return &Log{}
	}
	l := parseLog(text)
	l.head, l.since = id, since
	return l
}
