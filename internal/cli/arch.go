package cli

import (
	"errors"
	"io"
	"path/filepath"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
)

type archCommand struct {
	aiFlags
	Out        string   `help:"Write architecture_analysis.json, architecture_report.md and architecture.sarif here." placeholder:"DIR"`
	HTML       string   `help:"Write the map of the code as one page: hotspots, dependency matrix, module graph." placeholder:"FILE"`
	ChurnSince string   `help:"How far back history counts: 90d, 12w, 6m or 1y; none: not at all." default:"1y" placeholder:"TIME"`
	Base       string   `help:"Compare with this commit, branch or tag, where the change left it." placeholder:"REF"`
	Graph      []string `help:"Take the imports from these files instead of reading source: a SCIP index, or the JSON of dependency-cruiser, madge or pydeps --show-deps." placeholder:"FILE"`
	SARIF      []string `name:"sarif" help:"Tell what CodeQL or another scanner found, module by module: SARIF files, or folders of them." placeholder:"FILE"`
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
	view, err := c.view(s)
	if err != nil {
		return err
	}
	if shown, err := c.prose(s, &view); shown || err != nil {
		return err
	}
	if decision := policy.Architecture(rules, view.Architecture, view.Delta); decision.Verdict == ci.VerdictFail {
		view.Failed = decision.Because
	}
	if err := c.write(s, view); err != nil {
		return err
	}
	if len(view.Failed) > 0 {
		return errNo
	}
	return nil
}

// view gathers what the flags ask for, and has it analysed.
func (c *archCommand) view(s *session) (render.ArchView, error) {
	none := render.ArchView{}
	repo, err := git.Open(s.ctx, s.root(), s.Env.Pairs())
	if err != nil && !errors.Is(err, git.ErrNoRepository) {
		return none, noAnswerf("", "%w", err)
	}
	q := archQuestion{repo: repo, churnSince: c.ChurnSince, linter: c.Linter, cached: !c.NoCache, sarif: c.SARIF, graphs: c.Graph}
	if c.Base != "" {
		if len(c.Graph) > 0 {
			return none, usagef("", "--base compares what is read from source; with --graph there is no graph of it")
		}
		if repo == nil {
			return none, usagef("", "--base: %s is not in a git repository", s.Globals.Dir)
		}
		if q.base, err = repo.Base(s.ctx, c.Base); err != nil {
			return none, usagef("", "--base: %w", err)
		}
	}
	return s.architecture(q)
}

// rules reads --fail-on.
func (c *archCommand) rules() ([]policy.ArchRule, error) {
	rules, err := policy.ArchRules(c.FailOn)
	if err != nil {
		return nil, usagef("", "--fail-on=%w", err)
	}
	for _, r := range rules {
		if r.Compares() && c.Base == "" {
			return nil, usagef("name what to compare with, such as --base origin/main", "--fail-on=%s needs --base", r.Name())
		}
	}
	return rules, nil
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
	if s.Env["GITHUB_ACTIONS"] == "true" {
		if err := render.ArchAnnotations(s.Stderr, view); err != nil {
			return noAnswerf("", "annotations: %w", err)
		}
	}
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.ArchMarkdown(w, view) }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
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
