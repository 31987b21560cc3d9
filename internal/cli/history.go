package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"keepgreen/internal/history"
)

// historyCommand groups what there is to do with the history as a whole.
type historyCommand struct {
	Import historyImport `cmd:"" help:"Bring in the past: reports of earlier runs, the guide's JSON files, an export."`
	Export historyExport `cmd:"" help:"Write the history for other tools, or for another keepgreen."`
	Pull   historyPull   `cmd:"" help:"Fetch the history and the baselines that main's runs have left on a branch."`
	Push   historyPush   `cmd:"" help:"Merge this run's history and baselines into that branch. Only main does."`
}

// historyFlags say which history.
type historyFlags struct {
	History string `default:".keepgreen/history.db" help:"The history; relative to the repository." placeholder:"DB"`
	Repo    string `setting:"GITHUB_REPOSITORY" help:"The repository that the runs are of. Without it: what the runs say, or the directory's name." placeholder:"OWNER/NAME"`
}

// open opens the history to write or to read.
func (f historyFlags) open(s *session, mode history.Options) (*history.Store, error) {
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return nil, err
	}
	path := s.baselinePath(f.History)
	if !mode.ReadOnly && filepath.Dir(path) == filepath.Join(s.root(), homePath) {
		_ = home(s.root()) // where it cannot be made, opening says why
	}
	store, err := history.Open(context.WithoutCancel(s.ctx), path, mode)
	if err != nil {
		return nil, usagef("", "%s", withHint(err))
	}
	return store, nil
}

type historyExport struct {
	historyFlags
	Out   string `arg:"" help:"The file; - is standard output." placeholder:"FILE"`
	Since string `help:"Only what started on or after this day, 2006-01-02." placeholder:"DATE"`
}

// Run writes the history.
func (c *historyExport) Run(s *session) error {
	var since time.Time
	if c.Since != "" {
		var err error
		if since, err = time.Parse(time.DateOnly, c.Since); err != nil {
			return usagef("", "--since: %q is no day such as 2026-03-01", c.Since)
		}
	}
	store, err := c.open(s, history.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer store.Close()
	lines := 0
	write := func(w io.Writer) (err error) {
		lines, err = store.ExportLines(s.ctx, w, c.Repo, since)
		return err
	}
	if c.Out == "-" {
		err = write(s.Stdout)
	} else {
		err = replaceFile(s.resolve(c.Out), write)
	}
	if err != nil {
		return noAnswerf("", "%s: %s", c.Out, withHint(bare(err)))
	}
	if c.Out != "-" {
		return c.told(s, lines)
	}
	return nil
}

func (c *historyExport) told(s *session, lines int) error {
	if s.Format == "json" {
		return writeJSON(s.Stdout, map[string]any{"file": c.Out, "lines": lines})
	}
	fmt.Fprintf(s.Stdout, "%s: %s\n", c.Out, plural(lines, "line", "lines"))
	return nil
}
