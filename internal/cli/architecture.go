package cli

import (
	"errors"
	"path/filepath"
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
}

// errNoSource says that there is nothing of a language that is read.
var errNoSource = errors.New("no source file in it")

// architecture scans the work tree and, where there is one, the base. Contracts
// are today's for both: a new contract is no fault of the code before it.
func (s *session) architecture(q archQuestion) (render.ArchView, error) {
	version, _ := buildVersion()
	view := render.ArchView{Repo: filepath.Base(s.root()), Version: version, Now: s.Now()}
	contracts, err := s.contracts(q.linter)
	if err != nil {
		return view, err
	}
	sources := s.openSources(q.repo, q.cached)
	defer sources.close()
	tree, err := sources.workTree()
	if err != nil {
		return view, usagef("", "%s: %w", s.Globals.Dir, bare(err))
	}
	if len(tree.files) == 0 {
		return view, usagef("keepgreen arch reads Python and Go", "%s: %w", s.Globals.Dir, errNoSource)
	}
	in := arch.Input{Graph: tree.graph(), Contracts: contracts}
	if in.History, err = s.churn(q, tree); err != nil {
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

// churn is the churn of the window; without a repository there is none.
func (s *session) churn(q archQuestion, tree scanned) (ci.History, error) {
	window, err := windowStart(q.churnSince, s.Now())
	if err != nil || window.IsZero() || q.repo == nil {
		return ci.History{}, err
	}
	have := make(map[string]bool, len(tree.files))
	for _, f := range tree.files {
		have[f.Path] = true
	}
	h, err := q.repo.Churn(s.ctx, window, func(name string) bool { return have[name] })
	if err != nil {
		return h, noAnswerf("", "%w", err)
	}
	return h, nil
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
