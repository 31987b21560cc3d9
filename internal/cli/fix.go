package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/heal"
	"keepgreen/internal/render"
	"keepgreen/internal/worktree"
)

// fixCommand groups the three steps of a repair, which are three jobs with three
// sets of rights: to look, to run what nobody has looked at, and to write.
type fixCommand struct {
	Propose  fixPropose  `cmd:"" help:"Propose repairs of what triage found, as patches."`
	Verify   fixVerify   `cmd:"" help:"Try a patch in a throw-away work tree, and say how sure it is that it is right."`
	Publish  fixPublish  `cmd:"" help:"Open a pull request with a verified patch."`
	Outcomes fixOutcomes `cmd:"" help:"Count what became of the pull requests of earlier repairs."`
}

// fixesPath is where patches and their verdicts lie.
const fixesPath = ".keepgreen/fixes"

// fixSource is what every step of a repair reads.
type fixSource struct {
	Triage string `default:"ai_analysis/triage_report.json" help:"The triage report." placeholder:"FILE"`
}

// clusters reads the triage report.
func (c fixSource) clusters(s *session) ([]ci.Cluster, error) {
	data, err := os.ReadFile(s.inRepo(c.Triage))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("keepgreen triage writes it", "--triage %s: there is no such file", c.Triage)
	}
	if err != nil {
		return nil, usagef("", "--triage %s: %w", c.Triage, bare(err))
	}
	clusters, err := render.Clusters(data)
	if err != nil {
		return nil, usagef("keepgreen triage writes one", "--triage %s: %w", c.Triage, err)
	}
	return clusters, nil
}

// inRepo makes a path absolute against the repository.
func (s *session) inRepo(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.root(), path)
}

// repository is the git repository that is to be mended; there is no answer
// without one.
func (s *session) repository() (*git.Repo, string, error) {
	if err := isDirectory(s.root(), s.Globals.Dir); err != nil {
		return nil, "", err
	}
	repo, err := git.Open(s.ctx, s.root(), s.Env.Pairs())
	if err != nil {
		return nil, "", noAnswerf("a repair is tried on a commit, in a work tree of its own", "%s: %w", s.Globals.Dir, err)
	}
	if repo.Sub != "" {
		return nil, "", noAnswerf("name the root of the repository with --dir", "%s is a folder of the repository %s: repairs are of whole repositories", s.Globals.Dir, repo.Root)
	}
	head, err := repo.Head(s.ctx)
	if err != nil || head == "" {
		return nil, "", noAnswerf("", "%s: there is no commit yet", s.Globals.Dir)
	}
	return repo, head, nil
}

// copyOf checks a commit out into a throw-away tree.
func (s *session) copyOf(repo *git.Repo, commit string) (*worktree.Tree, error) {
	t, err := worktree.New(s.ctx, repo.Root, commit, s.Env.Pairs())
	if err != nil {
		return nil, noAnswerf("", "no throw-away work tree: %w", err)
	}
	return t, nil
}

// known is the repository as fixers see it: the source files of the commit, and
// the text of every regular file of the tree.
func (s *session) known(repo *git.Repo, commit string, t *worktree.Tree) (*heal.Repo, error) {
	x := s.openSources(repo, true)
	defer x.close()
	found, err := x.commit(commit)
	if err != nil {
		return nil, noAnswerf("", "the source files of %s: %w", commit, err)
	}
	return &heal.Repo{Files: found.files, Graph: found.graph(), Read: t.Read}, nil
}

// changesOf is what a tree's work differs by, as the rules are held against it.
func changesOf(ctx context.Context, t *worktree.Tree) ([]heal.Change, error) {
	found, err := t.Changes(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]heal.Change, 0, len(found))
	for _, c := range found {
		out = append(out, heal.Change{Path: c.Path, Before: c.Before, After: c.After, Made: c.Made, Gone: c.Gone, Mode: c.Mode, WasMode: c.WasMode})
	}
	return out, nil
}

// harmless are the variables that code which nobody has looked at may see.
var harmless = regexp.MustCompile(`^(PATH|LANG|LC_\w+|TZ|TERM|TMPDIR|TEMP|TMP|SYSTEMROOT|CI|NO_COLOR|COLUMNS|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|PYENV_\w+|GOROOT|GOFLAGS|GOTOOLCHAIN|GOPROXY|GOSUMDB|GOPRIVATE|GONOSUMDB|GOPATH|GOCACHE|GOMODCACHE|CGO_ENABLED|CC|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|SSL_CERT_\w+)$`)

// sandboxed is the environment of a trial: no secrets, and a home of its own, so
// that no credentials of the user's are in reach. Caches of Go are shared.
func (s *session) sandboxed(home, tree string) Env {
	env := Env{}
	for name, value := range s.Env {
		if harmless.MatchString(name) {
			env[name] = value
		}
	}
	if user := s.Env["HOME"]; user != "" {
		caches := filepath.Join(user, ".cache")
		if runtime.GOOS == "darwin" {
			caches = filepath.Join(user, "Library", "Caches")
		}
		defaults := Env{"GOPATH": filepath.Join(user, "go"), "GOCACHE": filepath.Join(cmp.Or(s.Env["XDG_CACHE_HOME"], caches), "go-build")}
		maps.DeleteFunc(defaults, func(name, _ string) bool { return env[name] != "" })
		maps.Copy(env, defaults)
	}
	maps.Copy(env, Env{
		"HOME": home, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_TERMINAL_PROMPT": "0",
		// What an editable install points at is the repository, not the copy.
		"PYTHONPATH": strings.Join([]string{tree, filepath.Join(tree, "src")}, string(os.PathListSeparator)),
	})
	return env
}

// limited is the shell that sets limits of memory (in MiB) and processes before it
// becomes the tool. Systems without one have only the time limit.
func limited(memory int) []string {
	if runtime.GOOS == "windows" || memory <= 0 {
		return nil
	}
	script := fmt.Sprintf(`ulimit -v %d; ulimit -u 4096 2>/dev/null || ulimit -p 4096 2>/dev/null; exec "$@"`, memory*1024)
	return []string{"/bin/sh", "-c", script, "keepgreen"}
}
