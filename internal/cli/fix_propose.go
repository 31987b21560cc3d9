package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"keepgreen/internal/heal"
	"keepgreen/internal/render"
	"keepgreen/internal/runner"
	"keepgreen/internal/worktree"
)

type fixPropose struct {
	fixSource
	fixLimits
	aiFlags
	Feedback  []string `help:"Verdicts of earlier rounds: a model is told why its repair did not hold, three times at most." placeholder:"FILE"`
	Out       string   `default:".keepgreen/fixes" help:"Where patches and proposals.json go, relative to the repository." placeholder:"DIR"`
	Threshold float64  `setting:"AI_CONFIDENCE_THRESHOLD" key:"fix.threshold" default:"0.9" help:"What a proposal has to be worth more than to be worth verifying." placeholder:"X"`
	DryRun    bool     `help:"Write no files."`
}

// fixLimits bound a patch and what is done to try it.
type fixLimits struct {
	MaxFiles int           `key:"fix.max_files" default:"3" help:"The most files of one patch." placeholder:"N"`
	MaxLines int           `key:"fix.max_lines" default:"60" help:"The most changed lines of one patch." placeholder:"N"`
	Python   string        `key:"run.python" help:"The Python interpreter to run tools with." placeholder:"EXE"`
	Timeout  time.Duration `key:"fix.timeout" default:"10m" help:"End a tool that takes longer." placeholder:"DURATION"`
	Memory   int           `key:"fix.memory_mb" default:"8192" help:"The most address space of a tool, in MiB; 0: no limit." placeholder:"MIB"`
}

func (l fixLimits) of() heal.Limits { return heal.Limits{Files: l.MaxFiles, Lines: l.MaxLines} }

// proposed is a proposal with its patch.
type proposed struct {
	heal.Proposal
	patch  string
	broken []string
}

// Run reads what is broken, asks who knows the way back, and writes patches.
func (c *fixPropose) Run(s *session) error {
	if s.switchedOff() {
		return c.act(s, render.ProposalsView{Threshold: c.Threshold, Note: offNote}, nil)
	}
	clusters, err := c.clusters(s)
	if err != nil {
		return err
	}
	repo, head, err := s.repository()
	if err != nil {
		return err
	}
	tree, err := s.copyOf(repo, head)
	if err != nil {
		return err
	}
	defer tree.Close(context.WithoutCancel(s.ctx))
	known, err := s.known(repo, head, tree)
	if err != nil {
		return err
	}
	known.Trouble(clusters)
	adviser, err := s.advisor(c.aiFlags)
	if err != nil {
		return err
	}
	tried, err := c.feedback(s)
	if err != nil {
		return err
	}
	view := render.ProposalsView{Threshold: c.Threshold}
	var all []proposed
	for _, cluster := range clusters {
		if why := heal.Eligible(cluster); why != "" {
			view.Passed = append(view.Passed, render.PassedOver{Cluster: cluster.ID, Cause: cluster.Cause.Sentence, Why: why})
			continue
		}
		found := heal.Propose(cluster, known)
		if unsettled(found) {
			found = append(found, c.suggested(s, adviser, cluster, known, tried[cluster.ID])...)
		}
		if len(found) == 0 {
			view.Passed = append(view.Passed, render.PassedOver{Cluster: cluster.ID, Cause: cluster.Cause.Sentence, Why: "no fixer knows the one way back"})
		}
		for _, p := range found {
			all = append(all, c.patched(s, tree, p))
		}
	}
	slices.SortStableFunc(all, func(a, b proposed) int { return compareFloat(b.Confidence, a.Confidence) })
	if c.ShowPrompt {
		return nil
	}
	view.Proposals, view.Note = proposalsOf(all), adviser.said()
	return c.act(s, view, all)
}

func compareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// patched makes the proposal's patch, and holds it against the rules. What breaks
// one is worth nothing, and is shown with the reason.
func (c *fixPropose) patched(s *session, t *worktree.Tree, p heal.Proposal) proposed {
	out := proposed{Proposal: p}
	changes, err := c.change(s, t, p)
	if err == nil {
		out.broken = heal.Check(changes, p.Kind, c.of())
	} else {
		out.broken = []string{err.Error()}
	}
	if len(out.broken) > 0 {
		out.Confidence, out.Sure = 0, false
	}
	out.patch = headerOf(p).Patch(heal.Diff(changes))
	return out
}

func headerOf(p heal.Proposal) heal.Header {
	return heal.Header{ID: p.ID, Cluster: p.Cluster, Kind: p.Kind, Description: p.Description, Sure: p.Sure, Own: p.Own}
}

// change carries a proposal out in the throw-away tree and brings the tree back.
func (c *fixPropose) change(s *session, t *worktree.Tree, p heal.Proposal) ([]heal.Change, error) {
	if p.Tool == nil {
		return heal.Apply(p.Edits, t.Read)
	}
	defer t.Restore(context.WithoutCancel(s.ctx), nil) //nolint:errcheck // the next proposal would not apply, and say so
	args, err := c.command(s, *p.Tool, p.Tool.Args)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "keepgreen-home-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	result := runner.Run(s.ctx, runner.Command{
		Args: append(limited(c.Memory), args...), Dir: t.Dir, Env: s.sandboxed(home, t.Dir).Pairs(), Timeout: c.Timeout, Log: io.Discard,
	}, s.Now)
	if result.NotStarted {
		return nil, fmt.Errorf("%s did not start: %w", p.Tool.Name, result.Err)
	}
	changes, err := changesOf(s.ctx, t)
	if err == nil && len(changes) == 0 {
		err = fmt.Errorf("%s changes nothing (exit status %d)", p.Tool.Name, result.ExitCode)
	}
	return changes, err
}

// command is how a tool is started: Python's as modules of the repository's
// interpreter.
func (l fixLimits) command(s *session, t heal.Tool, args []string) ([]string, error) {
	if t.Name == "go" || t.Name == "gofmt" {
		return slices.Concat([]string{t.Name}, args, t.Files), nil
	}
	chain, err := runner.Detect(s.ctx, s.root(), runner.Options{Python: l.Python, Tools: []string{"pytest"}, Env: s.Env})
	if err != nil {
		return nil, err
	}
	if chain.Python == "" {
		return nil, fmt.Errorf("%s: no Python interpreter was found", t.Name)
	}
	return slices.Concat([]string{chain.Python, "-m", t.Name}, args, t.Files), nil
}

func proposalsOf(all []proposed) []render.Proposal {
	out := make([]render.Proposal, 0, len(all))
	for _, p := range all {
		out = append(out, render.Proposal{
			ID: p.ID, Cluster: p.Cluster, Kind: p.Kind, Description: p.Description, Patch: p.patch, Confidence: p.Confidence,
			Because: append(slices.Clone(p.Because), p.broken...), Sure: p.Sure,
		})
	}
	return out
}

// act writes the patches, tells, and hands the best one on.
func (c *fixPropose) act(s *session, view render.ProposalsView, all []proposed) error {
	if !c.DryRun {
		if err := c.write(s, view, all); err != nil {
			return err
		}
	}
	if path := s.Env["GITHUB_OUTPUT"]; path != "" && !c.DryRun {
		if err := appendFile(path, func(w writer) error { return render.Outputs(w, render.ProposalOutputs(view, c.Out)) }); err != nil {
			return noAnswerf("", "GITHUB_OUTPUT: %w", err)
		}
	}
	if s.Format == "json" {
		return render.ProposalsDocument(s.Stdout, view)
	}
	return render.ProposalsText(s.Stdout, view, render.TextOptions{Width: s.Width, Colour: s.Colour})
}

func (c *fixPropose) write(s *session, view render.ProposalsView, all []proposed) error {
	if err := home(s.root()); err != nil {
		return noAnswerf("", "%s: %w", homePath, bare(err))
	}
	dir := s.inRepo(c.Out)
	for _, p := range all {
		if len(p.broken) > 0 {
			continue
		}
		err := replaceFile(filepath.Join(dir, p.ID+".patch"), func(w writer) error { _, err := io.WriteString(w, p.patch); return err })
		if err != nil {
			return noAnswerf("", "%s: %w", c.Out, bare(err))
		}
	}
	err := replaceFile(filepath.Join(dir, "proposals.json"), func(w writer) error { return render.ProposalsDocument(w, view) })
	if err != nil {
		return noAnswerf("", "%s: %w", c.Out, bare(err))
	}
	return nil
}
