package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/arch"
	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/render"
)

// archQuestion is what an architecture is asked for.
type archQuestion struct {
	repo       *git.Repo // nil: not under git
	base       string    // the commit to compare with; empty: none
	churnSince string
	linter     bool // import-linter's contracts count
	cached     bool // what was read before is not read again
	sarif      []string
	graphs     []string // files of other tools' graphs, which are taken instead of our own
}

// errNoSource says that there is nothing of a language that is read.
var errNoSource = errors.New("no source file in it")

// architecture scans the work tree and, where there is one, the base. Contracts
// are today's for both: a new contract is no fault of the code before it.
func (s *session) architecture(q archQuestion) (render.ArchView, error) {
	defer lazily()()
	version, _ := buildVersion()
	view := render.ArchView{Repo: filepath.Base(s.root()), Version: version, Now: s.Now()}
	contracts, err := s.contracts(q.linter)
	if err != nil {
		return view, err
	}
	found, err := s.findings(q)
	if err != nil {
		return view, err
	}
	commits, err := s.startHistory(q)
	if err != nil {
		return view, err
	}
	sources := s.openSources(q.repo, q.cached)
	defer sources.close()
	tree, err := sources.workTree()
	if err != nil {
		return view, usagef("", "%s: %w", s.Globals.Dir, bare(err))
	}
	if len(tree.files) == 0 && len(q.graphs) == 0 {
		if q.repo == nil && isBare(s.root()) {
			return view, usagef("clone it, and scan the clone", "%s: a bare repository has no files to read", s.Globals.Dir)
		}
		return view, usagef("keepgreen arch reads Python and Go", "%s: %w", s.Globals.Dir, errNoSource)
	}
	graph := tree.graph()
	if len(q.graphs) > 0 {
		if graph, err = s.foreignGraph(q.graphs, tree.all, graph); err != nil {
			return view, err
		}
	}
	in := arch.Input{Graph: graph, Contracts: contracts, Findings: found}
	if in.History, err = s.churn(q, commits, graph); err != nil {
		return view, err
	}
	view.Architecture = arch.Analyse(in)
	if q.base == "" {
		return view, nil
	}
	old, err := sources.commit(q.base)
	if err != nil {
		return view, noAnswerf("", "%s: %w", q.base, err)
	}
	in.Graph = old.graph()
	delta := arch.Compare(arch.Analyse(in), view.Architecture)
	view.Delta = &delta
	return view, nil
}

// scanPercent is how much a scan's memory may grow before garbage is collected
// again: nearly all that it makes lives until its end, so looking for garbage
// while it grows finds little.
const scanPercent = 200

// lazily has garbage collected less often, until what it returns is called.
func lazily() (end func()) {
	before := debug.SetGCPercent(scanPercent)
	return func() { debug.SetGCPercent(before) }
}

// churnPath is where what git says of the history is kept between runs.
const churnPath = ".keepgreen/churn.log"

// pastCommits is a log that is being read.
type pastCommits struct {
	window time.Time
	keep   bool     // what git says is kept
	log    *git.Log // nil: none is wanted
	err    error
	done   chan struct{}
}

// startHistory begins to read the history, which takes git a while the first
// time; without a repository there is none.
func (s *session) startHistory(q archQuestion) (*pastCommits, error) {
	h := &pastCommits{done: make(chan struct{})}
	window, err := windowStart(q.churnSince, s.Now())
	if err != nil || window.IsZero() || q.repo == nil {
		close(h.done)
		return h, err
	}
	h.window = window
	go func() {
		defer close(h.done)
		known := &git.Log{}
		h.keep = q.cached && !q.repo.Tracks(s.ctx, churnPath) // what came with a commit is somebody else's
		if data, err := os.ReadFile(filepath.Join(s.root(), churnPath)); err == nil && h.keep {
			known = git.ReadLog(data)
		}
		h.log, h.err = q.repo.Log(s.ctx, window, known)
	}()
	return h, nil
}

// churn is the churn of the window. What git said is kept for the next time.
func (s *session) churn(q archQuestion, h *pastCommits, g ci.Graph) (ci.History, error) {
	<-h.done
	switch {
	case h.err != nil:
		return ci.History{}, noAnswerf("", "%w", h.err)
	case h.log == nil:
		return ci.History{}, nil
	}
	if h.keep && h.log.Fresh() && home(s.root()) == nil {
		_ = replaceFile(filepath.Join(s.root(), churnPath), func(w writer) error { // a folder that cannot be written costs nothing but time
			_, err := w.Write(h.log.Bytes())
			return err
		})
	}
	have := make(map[string]bool, len(g.Modules))
	for i := range g.Modules {
		m := &g.Modules[i]
		have[m.File] = !m.External
		for k := range m.Defs {
			if file := m.Defs[k].File; file != "" { // a Go package's
				have[file] = true
			}
		}
	}
	return q.repo.Churn(s.ctx, h.log, h.window, func(name string) bool { return have[name] }), nil
}

// isBare reports whether a folder is what git keeps, without a work tree.
func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// windowStart is when a window such as "90d" or "1y" begins; zero: there is none.
func windowStart(text string, now time.Time) (time.Time, error) {
	if text == "none" {
		return time.Time{}, nil
	}
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	if err == nil && n > 0 && n <= 10_000 {
		switch text[len(digits):] {
		case "d":
			return now.AddDate(0, 0, -n), nil
		case "w":
			return now.AddDate(0, 0, -7*n), nil
		case "m", "mo":
			return now.AddDate(0, -n, 0), nil
		case "y":
			return now.AddDate(-n, 0, 0), nil
		}
	}
	return time.Time{}, usagef("", "--churn-since=%s: a number of days, weeks, months or years is wanted, such as 90d, 12w, 6m or 1y, or none", text)
}
