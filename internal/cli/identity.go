package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
)

// identify says which run this is: what the forge says, where there is one, and
// what git says. Without git it is still a run, of an unknown tree.
func (s *session) identify(ctx context.Context, root string, started time.Time) (ci.Run, *git.Repo, error) {
	run := ci.Run{ID: localID(started), Attempt: 1, Event: "local", Repo: filepath.Base(root), Started: started}
	s.fromForge(&run)
	repo, err := git.Open(ctx, root, s.Env.Pairs())
	if err != nil {
		if errors.Is(err, git.ErrNoRepository) {
			run.Warnings = append(run.Warnings, ci.Warning{Text: "not a git repository: nothing is known of its commits and changes"})
		} else {
			run.Warnings = append(run.Warnings, ci.Warning{Text: err.Error()})
		}
		return run, nil, nil
	}
	if run.Commit, err = repo.Head(ctx); err != nil {
		return run, repo, err
	}
	if run.Branch == "" {
		run.Branch = repo.Branch(ctx)
	}
	run.Main = run.Branch != "" && run.Branch == repo.MainBranch(ctx) && run.Event != "pull_request"
	tree, dirty, err := repo.WorkTree(ctx)
	if err != nil {
		run.Warnings = append(run.Warnings, ci.Warning{Text: "the work tree could not be read: " + err.Error()})
	}
	run.Tree, run.Dirty = tree, dirty
	return run, repo, nil
}

// fromForge reads the default variables of GitHub Actions
// (https://docs.github.com/en/actions/reference/workflows-and-actions/variables).
func (s *session) fromForge(run *ci.Run) {
	if s.Env["GITHUB_ACTIONS"] != "true" {
		return
	}
	run.ID = s.Env["GITHUB_RUN_ID"]
	if n, err := strconv.Atoi(s.Env["GITHUB_RUN_ATTEMPT"]); err == nil && n > 0 {
		run.Attempt = n
	}
	run.Repo = s.Env["GITHUB_REPOSITORY"]
	run.Workflow = s.Env["GITHUB_WORKFLOW"]
	run.Event = s.Env["GITHUB_EVENT_NAME"]
	run.Branch = s.Env["GITHUB_HEAD_REF"]
	if run.Branch == "" {
		run.Branch = s.Env["GITHUB_REF_NAME"]
	}
}

// localID names a run on a laptop: its time, so that names sort, and a few
// random digits, so that two at once differ.
func localID(t time.Time) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return t.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}

// change is what the work differs in from what it is compared with. Without a
// base that was asked for, not knowing is no error.
func (s *session) change(ctx context.Context, repo *git.Repo, asked string, run *ci.Run) (*ci.Change, error) {
	base, err := repo.Base(ctx, cmp.Or(asked, s.baseRef(ctx, repo, run)))
	switch {
	case err != nil && asked != "":
		return nil, err
	case run.Commit == "": // nothing was committed yet
		return nil, nil
	case err != nil:
		run.Warnings = append(run.Warnings, ci.Warning{Text: "it is not known what this is compared with: " + err.Error()})
		return nil, nil
	}
	run.Base = base
	change, err := repo.Change(ctx, base)
	if err != nil {
		return nil, err
	}
	change.Head = run.Commit
	return &change, nil
}

// baseRef is what the work is compared with where nobody says. The forge tests
// a pull request merged into its base (HEAD^1 is the base that was tested, which
// main has left behind by the time anybody asks), and a push on top of its first
// parent; elsewhere it is the main branch, and on main itself what is committed.
func (s *session) baseRef(ctx context.Context, repo *git.Repo, run *ci.Run) string {
	tested := run.Commit != "" && s.Env["GITHUB_SHA"] == run.Commit
	switch target := s.Env["GITHUB_BASE_REF"]; {
	case tested && (run.Event == "pull_request" || run.Event == "merge_group"), tested && run.Event == "push" && run.Main:
		return "HEAD^1"
	case target != "":
		return "refs/remotes/origin/" + target
	}
	if main := repo.MainBranch(ctx); main != "" && main != run.Branch {
		return main
	}
	return "HEAD"
}
