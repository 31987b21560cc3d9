package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/baseline"
	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/history"
	"keepgreen/internal/render"
)

// travel is where the history is kept between runs: one commit without a
// parent, so that the repository does not grow with every run.
type travel struct {
	Remote  string `default:"origin" help:"The remote; empty: this repository." placeholder:"NAME"`
	Ref     string `default:"refs/heads/keepgreen-history" help:"The branch that holds it." placeholder:"REF"`
	History string `default:".keepgreen/history.db" help:"The history file, relative to the repository." placeholder:"FILE"`
}

// storedHistory is the history's name on the branch. Baselines have their own path.
const storedHistory = "history.db"

func (t travel) stored(name, message string) git.Stored {
	return git.Stored{Remote: t.Remote, Ref: t.Ref, Path: name, Message: message, Alone: true}
}

// open finds the repository; git is told the token for this one command, by
// its environment, and only for the forge that the token is of.
func (t travel) open(s *session) (*git.Repo, error) {
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(t.Ref, "refs/") {
		return nil, usagef("", "--ref %s: wants the full name, refs/heads/…", t.Ref)
	}
	repo, err := git.Open(s.ctx, s.root(), append(s.Env.Pairs(), s.gitToken()...))
	switch {
	case errors.Is(err, git.ErrNoRepository):
		return nil, usagef("", "%s: not a git repository", s.Globals.Dir)
	case err != nil:
		return nil, noAnswerf("", "%w", err)
	}
	return repo, nil
}

// gitToken is the environment that makes git send the token to the forge. It
// stands in no file and no argument, where others could read it.
func (s *session) gitToken() []string {
	token, server := s.forgeToken(), s.Env["GITHUB_SERVER_URL"]
	if token == "" || !strings.HasPrefix(server, "https://") || s.Env["GIT_CONFIG_COUNT"] != "" {
		return nil
	}
	basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))
	return []string{
		"GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=http." + strings.TrimSuffix(server, "/") + "/.extraheader",
		"GIT_CONFIG_VALUE_0=AUTHORIZATION: basic " + basic,
	}
}

type historyPull struct{ travel }

// Run takes over what the branch has.
func (c *historyPull) Run(s *session) error {
	repo, err := c.open(s)
	if err != nil {
		return err
	}
	names, err := repo.Names(s.ctx, c.stored("", ""))
	if err != nil {
		return noAnswerf("without it the gates compare with the files that are checked in", "%s: %w", c.Ref, err)
	}
	var done []render.Travelled
	for _, name := range names {
		if name != storedHistory && !isBaseline(name) {
			continue
		}
		data, err := repo.Load(s.ctx, c.stored(name, ""))
		if err != nil {
			return noAnswerf("", "%s: %w", c.Ref, err)
		}
		t, err := c.take(s, name, data)
		if err != nil {
			return err
		}
		done = append(done, t)
	}
	return s.tellTravel(render.TravelView{Ref: c.Ref, Done: done, Empty: "there is no history yet: the first green run of main begins it"})
}

func (c *historyPull) take(s *session, name string, data []byte) (render.Travelled, error) {
	if name != storedHistory {
		if _, err := baseline.Parse(data); err != nil {
			return render.Travelled{}, noAnswerf("the file here was left as it was", "%s on %s: %w", name, c.Ref, err)
		}
		path := filepath.Join(s.root(), filepath.FromSlash(name))
		if err := replaceFile(path, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
			return render.Travelled{}, noAnswerf("", "%s: %w", name, bare(err))
		}
		return render.Travelled{Path: name, What: "as main's last run left it"}, nil
	}
	var added int
	err := s.withHistory(c.History, data, func(ctx context.Context, here *history.Store, theirs string) (err error) {
		added, err = here.Merge(ctx, theirs)
		return err
	})
	return render.Travelled{Path: c.History, What: plural(added, "run", "runs") + " more"}, err
}

type historyPush struct {
	travel
	DryRun bool `help:"Say what would be written, and write nothing."`
}

// Run merges what is here into the branch.
func (c *historyPush) Run(s *session) error {
	repo, err := c.open(s)
	if err != nil {
		return err
	}
	run, _, err := s.identify(s.ctx, s.root(), s.Now())
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	view := render.TravelView{Ref: c.Ref, Empty: "there is nothing to keep: no history and no baseline here"}
	if why := c.refusal(s, run); why != "" {
		view.Empty = "nothing was written: " + why
		return s.tellTravel(view)
	}
	names, err := c.local(s)
	if err != nil {
		return err
	}
	for _, name := range names {
		t := render.Travelled{Path: name, What: "would be merged"}
		if !c.DryRun {
			if t, err = c.give(s, repo, name); err != nil {
				return err
			}
		}
		view.Done = append(view.Done, t)
	}
	return s.tellTravel(view)
}

// refusal is why a run may not write: whoever can send a pull request must not
// decide what main is compared with.
func (c *historyPush) refusal(s *session, run ci.Run) string {
	switch {
	case s.fromFork():
		return "this run tests a pull request of a fork"
	case !run.Main:
		return fmt.Sprintf("only main writes the history, and this is a %s on %s", run.Event, run.Branch)
	case strings.HasPrefix(run.Event, "pull_request"): // of a branch that is called main
		return "a " + run.Event + " writes no history"
	}
	return ""
}

// local are the files here that travel.
func (c *historyPush) local(s *session) ([]string, error) {
	var names []string
	if _, err := os.Stat(s.baselinePath(c.History)); err == nil {
		names = append(names, storedHistory)
	}
	found, err := filepath.Glob(filepath.Join(s.root(), "ci_metrics", "*_metrics.json"))
	if err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	for _, file := range found {
		if name := "ci_metrics/" + filepath.Base(file); isBaseline(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// isBaseline: the files in ci_metrics that outlive a run.
func isBaseline(name string) bool {
	base := path.Base(name)
	return path.Dir(name) == "ci_metrics" && (base == "quality_metrics.json" || strings.HasPrefix(base, "image_") && strings.HasSuffix(base, "_metrics.json"))
}

func (c *historyPush) give(s *session, repo *git.Repo, name string) (render.Travelled, error) {
	edit := c.mergeHistory
	if name != storedHistory {
		edit = mergeBaseline
	}
	file := c.History
	if name != storedHistory {
		file = name
	}
	commit, err := repo.Store(s.ctx, c.stored(name, "keepgreen: history of "+runLabel(s)), func(old []byte) ([]byte, error) {
		data, err := edit(s, file, old)
		if err != nil || bytes.Equal(data, old) {
			return nil, err
		}
		return data, nil
	})
	var told failure
	switch {
	case errors.As(err, &told):
		return render.Travelled{}, err
	case errors.Is(err, git.ErrRefused):
		return render.Travelled{}, noAnswerf("the job needs permissions: contents: write, and no rule may protect the branch", "%s: %w", c.Ref, err)
	case err != nil:
		return render.Travelled{}, noAnswerf("nothing that others recorded was lost", "%s: %w", c.Ref, err)
	case commit == "":
		return render.Travelled{Path: file, What: "is there already"}, nil
	}
	return render.Travelled{Path: file, What: "merged"}, nil
}

func runLabel(s *session) string {
	if id := s.Env["GITHUB_RUN_ID"]; id != "" {
		return "run " + id
	}
	return "a local run"
}

// mergeHistory is the branch's history with this one's runs in it.
func (c *historyPush) mergeHistory(s *session, file string, old []byte) (data []byte, err error) {
	err = s.withHistory(file, old, func(ctx context.Context, here *history.Store, theirs string) error {
		if old != nil {
			// The branch's file is what grows: what both have stays as it was there.
			store, err := history.Open(ctx, theirs, history.Options{})
			if err != nil {
				return err
			}
			defer store.Close()
			if _, err := store.Merge(ctx, here.Path()); err != nil {
				return err
			}
			here = store
		}
		packed := theirs + ".packed"
		if err := here.Snapshot(ctx, packed); err != nil {
			return err
		}
		data, err = os.ReadFile(packed)
		return err
	})
	return data, err
}

// mergeBaseline is the branch's file with what this run has added.
func mergeBaseline(s *session, file string, old []byte) ([]byte, error) {
	here, err := os.ReadFile(filepath.Join(s.root(), filepath.FromSlash(file)))
	if err != nil {
		return nil, usagef("", "%s: %w", file, bare(err))
	}
	ours, err := baseline.Parse(here)
	if err != nil {
		return nil, usagef("", "%s: %w", file, err)
	}
	if old == nil {
		return here, nil
	}
	theirs, err := baseline.Parse(old)
	if err != nil {
		return nil, noAnswerf("delete the file there, or mend it", "%s on the branch: %w", file, err)
	}
	merged, err := baseline.Merge(theirs, ours)
	if err != nil {
		return nil, noAnswerf("", "%s: %w", file, err)
	}
	return merged.Bytes(), nil
}

// withHistory opens the history here, and lays the other one beside it.
func (s *session) withHistory(file string, other []byte, do func(ctx context.Context, here *history.Store, theirs string) error) error {
	dir, err := os.MkdirTemp("", "keepgreen-history-")
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	defer os.RemoveAll(dir)
	theirs := filepath.Join(dir, "theirs.db")
	if other != nil {
		if err := os.WriteFile(theirs, other, 0o600); err != nil {
			return noAnswerf("", "%w", err)
		}
	}
	path := s.baselinePath(file)
	if filepath.Dir(path) == filepath.Join(s.root(), homePath) {
		_ = home(s.root()) // where it cannot be made, opening says why
	}
	here, err := history.Open(s.ctx, path, history.Options{})
	if err == nil {
		defer here.Close()
		err = do(s.ctx, here, theirs)
	}
	if err != nil {
		return noAnswerf("", "%s", withHint(err))
	}
	return nil
}

func (s *session) tellTravel(v render.TravelView) error {
	if s.Format == "json" {
		files := []map[string]string{}
		for _, t := range v.Done {
			files = append(files, map[string]string{"path": t.Path, "what": t.What})
		}
		return writeJSON(s.Stdout, map[string]any{"ref": v.Ref, "files": files})
	}
	return render.TravelText(s.Stdout, v, render.TextOptions{Width: s.Width, Colour: s.Colour})
}
