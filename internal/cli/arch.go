package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/arch"
	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/render"
)

type archCommand struct {
	Out        string   `help:"Write architecture_analysis.json, architecture_report.md and architecture.sarif here." placeholder:"DIR"`
	HTML       string   `help:"Write the map of the code as one page: hotspots, dependency matrix, module graph." placeholder:"FILE"`
	ChurnSince string   `help:"How far back history counts: 90d, 12w, 6m or 1y; none: not at all." default:"1y" placeholder:"TIME"`
	Base       string   `help:"Compare with this commit, branch or tag, where the change left it." placeholder:"REF"`
	NoCache    bool     `help:"Read every file again, and keep nothing for the next time."`
	FailOn     []string `help:"Say no when: new-cycles (with --base), score-drop=X (with --base), min-score=X, broken-contracts." placeholder:"RULE"`
	Linter     bool     `name:"import-linter" key:"arch.import_linter" default:"true" negatable:"" help:"Check the contracts of import-linter's own configuration too."`
}

// Help is what --help says besides: --format is every command's, this value is not.
func (archCommand) Help() string {
	return "--format sarif prints the findings as SARIF 2.1.0, for code scanning."
}

// Run scans the architecture.
func (c *archCommand) Run(s *session) error {
	rules, err := c.rules()
	if err != nil {
		return err
	}
	found, delta, err := c.analyse(s)
	if err != nil {
		return err
	}
	version, _ := buildVersion()
	view := render.ArchView{Architecture: found, Delta: delta, Repo: filepath.Base(s.root()), Version: version, Now: s.Now()}
	for _, rule := range rules {
		if because := rule.broken(found, delta, rule.limit); because != "" {
			view.Failed = append(view.Failed, because)
		}
	}
	if err := c.write(s, view); err != nil {
		return err
	}
	if len(view.Failed) > 0 {
		return errNo
	}
	return nil
}

// analyse scans the work tree and, where there is one, the base.
func (c *archCommand) analyse(s *session) (ci.Architecture, *ci.ArchitectureDelta, error) {
	none := ci.Architecture{}
	contracts, err := s.contracts(c.Linter)
	if err != nil {
		return none, nil, err
	}
	repo, err := git.Open(s.ctx, s.root(), s.Env.Pairs())
	if err != nil && !errors.Is(err, git.ErrNoRepository) {
		return none, nil, noAnswerf("", "%w", err)
	}
	sources := s.openSources(repo, !c.NoCache)
	defer sources.close()
	tree, err := sources.workTree()
	if err != nil {
		return none, nil, usagef("", "%s: %w", s.Globals.Dir, bare(err))
	}
	if len(tree.files) == 0 {
		return none, nil, usagef("keepgreen arch reads Python and Go", "%s: no source file in it", s.Globals.Dir)
	}
	in := arch.Input{Graph: tree.graph(), Contracts: contracts}
	if in.History, err = c.history(s, repo, tree); err != nil {
		return none, nil, err
	}
	found := arch.Analyse(in)
	if c.Base == "" {
		return found, nil, nil
	}
	if repo == nil {
		return none, nil, usagef("", "--base: %s is not in a git repository", s.Globals.Dir)
	}
	base, err := repo.Base(s.ctx, c.Base)
	if err != nil {
		return none, nil, usagef("", "--base: %w", err)
	}
	old, err := sources.commit(base)
	if err != nil {
		return none, nil, noAnswerf("", "--base: %w", err)
	}
	before := arch.Analyse(arch.Input{Graph: old.graph(), History: in.History, Contracts: contracts})
	delta := arch.Compare(before, found)
	return found, &delta, nil
}

// history is the churn of the window; without a repository there is none.
func (c *archCommand) history(s *session, repo *git.Repo, tree scanned) (ci.History, error) {
	window, err := windowStart(c.ChurnSince, s.Now())
	if err != nil || window.IsZero() || repo == nil {
		return ci.History{}, err
	}
	have := make(map[string]bool, len(tree.files))
	for _, f := range tree.files {
		have[f.Path] = true
	}
	h, err := repo.Churn(s.ctx, window, func(name string) bool { return have[name] })
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

// archRule is one thing to fail on.
type archRule struct {
	name   string
	base   bool // it compares
	takes  bool // it has a number
	broken func(a ci.Architecture, d *ci.ArchitectureDelta, limit float64) string
	limit  float64
}

// archRules are the rules there are, and what each says when it is broken.
var archRules = []archRule{
	{name: "new-cycles", base: true, takes: false, broken: func(_ ci.Architecture, d *ci.ArchitectureDelta, _ float64) string {
		if len(d.NewCycles) == 0 {
			return ""
		}
		return fmt.Sprintf("new-cycles: this change adds %s", plural(len(d.NewCycles), "import cycle", "import cycles"))
	}},
	{name: "score-drop", base: true, takes: true, broken: func(_ ci.Architecture, d *ci.ArchitectureDelta, limit float64) string {
		drop := d.Before.Value - d.After.Value
		if !d.Before.Known || !d.After.Known || drop <= limit+1e-9 {
			return ""
		}
		return fmt.Sprintf("score-drop: the health score falls by %.2f, more than %g", drop, limit)
	}},
	{name: "min-score", base: false, takes: true, broken: func(a ci.Architecture, _ *ci.ArchitectureDelta, limit float64) string {
		if !a.Score.Known || a.Score.Value >= limit-1e-9 {
			return ""
		}
		return fmt.Sprintf("min-score: the health score is %.2f, below %g", a.Score.Value, limit)
	}},
	{name: "broken-contracts", base: false, takes: false, broken: func(a ci.Architecture, _ *ci.ArchitectureDelta, _ float64) string {
		var names []string
		for _, r := range a.Contracts {
			if !r.Kept {
				names = append(names, r.Contract.Name)
			}
		}
		switch {
		case len(a.Contracts) == 0:
			return "broken-contracts: there is no contract: keepgreen.yaml has no arch.contracts, and import-linter is not configured"
		case len(names) == 0:
			return ""
		}
		return fmt.Sprintf("broken-contracts: %s", strings.Join(names, ", "))
	}},
}

// rules reads --fail-on.
func (c *archCommand) rules() ([]archRule, error) {
	var out []archRule
	for _, text := range c.FailOn {
		name, value, given := strings.Cut(text, "=")
		i := slices.IndexFunc(archRules, func(r archRule) bool { return r.name == name })
		if i < 0 {
			return nil, usagef("", "--fail-on=%s: there are new-cycles, score-drop=X, min-score=X and broken-contracts", text)
		}
		row := archRules[i]
		limit, err := strconv.ParseFloat(value, 64)
		switch {
		case row.takes && (err != nil || !(limit >= 0 && limit <= 10)):
			return nil, usagef("", "--fail-on=%s: %s takes a number from 0 to 10, such as %s=0.3", text, name, name)
		case !row.takes && given:
			return nil, usagef("", "--fail-on=%s: %s takes no number", text, name)
		case row.base && c.Base == "":
			return nil, usagef("name what to compare with, such as --base origin/main", "--fail-on=%s needs --base", text)
		}
		row.limit = limit
		out = append(out, row)
	}
	return out, nil
}

// write writes the files and prints the answer.
func (c *archCommand) write(s *session, view render.ArchView) error {
	type output struct {
		path  string
		write func(writer, render.ArchView) error
	}
	var files []output
	if c.Out != "" {
		dir := s.resolve(c.Out)
		files = append(files,
			output{filepath.Join(dir, "architecture_analysis.json"), render.ArchDocument},
			output{filepath.Join(dir, "architecture_report.md"), render.ArchMarkdown},
			output{filepath.Join(dir, "architecture.sarif"), render.ArchSARIF})
	}
	if c.HTML != "" {
		files = append(files, output{s.resolve(c.HTML), render.ArchHTML})
	}
	for _, f := range files {
		if err := replaceFile(f.path, func(w writer) error { return f.write(w, view) }); err != nil {
			return noAnswerf("", "%s: %w", f.path, bare(err))
		}
	}
	switch s.Format {
	case "json":
		return render.ArchDocument(s.Stdout, view)
	case "sarif":
		return render.ArchSARIF(s.Stdout, view)
	}
	return render.ArchText(s.Stdout, view, render.TextOptions{Width: s.Width, Colour: s.Colour})
}
