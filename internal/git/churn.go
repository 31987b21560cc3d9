package git

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// Bounds on what change coupling is counted from: a commit of more files than
// this is a reformatting or a move and couples nothing, and more pairs than
// this are not kept.
const (
	maxTogether = 30
	maxPairs    = 2_000_000
)

// Churn counts what the commits since a time did to the files of today below the
// opened directory that are wanted. Renames are followed back, so that a file's
// history under its old names counts for it. A repository without commits has no
// history, which is no error.
func (r *Repo) Churn(ctx context.Context, l *Log, since time.Time, want func(path string) bool) ci.History {
	h := ci.History{Since: since.UTC().Format(time.DateOnly), Shallow: r.Shallow(ctx)}
	if l.head == "" {
		return h
	}
	c := churn{prefix: r.Sub, want: want, names: map[string]string{}, files: map[string]*churned{}, authors: map[string]int32{}, pairs: map[[2]int32]int{}}
	for _, commit := range l.commits {
		if commit.when >= since.Unix() {
			c.commit(commit.author)
			for _, t := range l.touches[commit.first:commit.last] {
				c.file(t.added, t.deleted, t.old, t.path)
			}
			c.couple()
		}
	}
	c.into(&h)
	return h
}

// churn counts commits, the newest first.
type churn struct {
	prefix  string
	want    func(string) bool
	names   map[string]string // a path of then → the path of today
	files   map[string]*churned
	list    []*churned
	authors map[string]int32
	pairs   map[[2]int32]int
	commits int
	author  int32
	touched []int32
}

type churned struct {
	index   int32
	counts  ci.Churn
	authors map[int32]bool
	last    int // number of the commit that touched it last
}

// commit begins a commit.
func (c *churn) commit(email string) {
	id, known := c.authors[email]
	if !known {
		id = int32(len(c.authors))
		c.authors[email] = id
	}
	c.author = id
	c.commits++
}

func (c *churn) file(added, deleted, old, path string) {
	now, renamed := c.names[path]
	if !renamed {
		now = path
	}
	if old != "" {
		if _, taken := c.names[old]; !taken {
			c.names[old] = now
		}
	}
	if c.prefix != "" {
		below, ok := strings.CutPrefix(now, c.prefix+"/")
		if !ok {
			return
		}
		now = below
	}
	if !c.want(now) {
		return
	}
	f := c.files[now]
	if f == nil {
		f = &churned{index: int32(len(c.list)), counts: ci.Churn{File: now}, authors: map[int32]bool{}}
		c.files[now], c.list = f, append(c.list, f)
	}
	plus, _ := strconv.Atoi(added) // "-" for a binary file
	minus, _ := strconv.Atoi(deleted)
	f.counts.Added += plus
	f.counts.Deleted += minus
	f.authors[c.author] = true
	if f.last != c.commits {
		f.last = c.commits
		f.counts.Commits++
		c.touched = append(c.touched, f.index)
	}
}

// couple counts the pairs of the commit that ends here.
func (c *churn) couple() {
	if len(c.touched) <= maxTogether {
		slices.Sort(c.touched)
		for i, a := range c.touched {
			for _, b := range c.touched[i+1:] {
				pair := [2]int32{a, b}
				if n := c.pairs[pair]; n > 0 || len(c.pairs) < maxPairs {
					c.pairs[pair] = n + 1
				}
			}
		}
	}
	c.touched = c.touched[:0]
}

// fewTogether is how often two files must change together to be worth telling.
const fewTogether = 3

func (c *churn) into(h *ci.History) {
	h.Known, h.Commits = true, c.commits
	for _, f := range c.list {
		f.counts.Authors = len(f.authors)
		h.Files = append(h.Files, f.counts)
	}
	for pair, n := range c.pairs {
		if n < fewTogether {
			continue
		}
		a, b := c.list[pair[0]].counts, c.list[pair[1]].counts
		if a.File > b.File {
			a, b = b, a
		}
		h.Pairs = append(h.Pairs, ci.CoChange{A: a.File, B: b.File, Together: n, OfA: a.Commits, OfB: b.Commits})
	}
	slices.SortFunc(h.Files, func(a, b ci.Churn) int { return cmp.Compare(a.File, b.File) })
	slices.SortFunc(h.Pairs, func(a, b ci.CoChange) int {
		return cmp.Or(cmp.Compare(b.Together, a.Together), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
}
