// Package worktree makes throw-away copies of a commit, in which what nobody has
// looked at yet can be tried: a git work tree of its own, written through os.Root
// so that no path leads out of it, and removed afterwards. It runs git and
// nothing of the repository's: no hooks, no filters that the clone did not have.
package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tree is a throw-away copy of one commit.
type Tree struct {
	Dir  string
	Base string // the commit
	root string // of the repository
	env  []string
}

// New checks the commit out into a directory of its own.
func New(ctx context.Context, root, commit string, env []string) (*Tree, error) {
	parent, err := os.MkdirTemp("", "keepgreen-tree-")
	if err != nil {
		return nil, err
	}
	// The real path: tools print it, and reports are read against it.
	if parent, err = filepath.EvalSymlinks(parent); err != nil {
		return nil, err
	}
	t := &Tree{Dir: filepath.Join(parent, filepath.Base(root)), Base: commit, root: root, env: env}
	if _, err := t.git(ctx, root, nil, "worktree", "add", "--quiet", "--detach", t.Dir, commit); err != nil {
		return nil, errors.Join(err, os.RemoveAll(parent))
	}
	return t, nil
}

// Close removes the copy. What cannot be removed is left to the system's own
// cleaning of temporary files; git forgets it either way.
func (t *Tree) Close(ctx context.Context) {
	_ = os.RemoveAll(filepath.Dir(t.Dir))
	_, _ = t.git(ctx, t.root, nil, "worktree", "prune")
}

// maxFile bounds a file that is read or written.
const maxFile = 4 << 20

// Read is a regular file's text.
func (t *Tree) Read(path string) (string, bool) {
	root, err := os.OpenRoot(t.Dir)
	if err != nil {
		return "", false
	}
	defer root.Close() //nolint:errcheck // it was only read from
	if info, err := root.Lstat(filepath.FromSlash(path)); err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return "", false
	}
	file, err := root.Open(filepath.FromSlash(path))
	if err != nil {
		return "", false
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	return string(data), err == nil
}

// ErrNotRegular says that a path is no regular file of the tree.
var ErrNotRegular = errors.New("not a regular file of the repository")

// Write replaces the text of a regular file that is there; its mode stays.
func (t *Tree) Write(path, text string) error {
	root, err := os.OpenRoot(t.Dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // the file's own error counts
	name := filepath.FromSlash(path)
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	return errors.Join(err, file.Close())
}

// Apply applies a unified diff with git, which refuses paths outside of the tree,
// beyond a link, or of git's own.
func (t *Tree) Apply(ctx context.Context, patch string) error {
	_, err := t.git(ctx, t.Dir, strings.NewReader(patch), "apply", "--whitespace=nowarn", "-")
	return err
}

// Changed is one path that differs from the base.
type Changed struct {
	Path          string
	Before, After string
	Made, Gone    bool
	WasMode, Mode fs.FileMode
}

// Changes lists what differs from the base; files that git is told to ignore do
// not count.
func (t *Tree) Changes(ctx context.Context) ([]Changed, error) {
	if _, err := t.git(ctx, t.Dir, nil, "add", "--all", "--intent-to-add"); err != nil {
		return nil, err
	}
	raw, err := t.git(ctx, t.Dir, nil, "diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", t.Base, "--")
	if err != nil {
		return nil, err
	}
	var out []Changed
	fields := strings.Split(raw, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		row := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(row) < 5 {
			break
		}
		c := Changed{Path: fields[i+1], WasMode: mode(row[0]), Mode: mode(row[1]), Made: row[4] == "A", Gone: row[4] == "D"}
		if !c.Made {
			if c.Before, err = t.git(ctx, t.Dir, nil, "cat-file", "blob", row[2]); err != nil {
				return nil, err
			}
		}
		if !c.Gone {
			c.After, _ = t.Read(c.Path)
		}
		out = append(out, c)
	}
	return out, nil
}

// mode is git's as Go has it.
func mode(octal string) fs.FileMode {
	switch octal {
	case "100755":
		return 0o755
	case "120000":
		return fs.ModeSymlink
	case "160000":
		return fs.ModeIrregular // a submodule
	}
	return 0o644
}

// Diff is what differs from the base, as a patch.
func (t *Tree) Diff(ctx context.Context) (string, error) {
	return t.git(ctx, t.Dir, nil, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/", t.Base, "--")
}

// Restore brings every file back that is not named, and removes what was made.
func (t *Tree) Restore(ctx context.Context, keep []string) error {
	texts := map[string]string{}
	for _, path := range keep {
		text, ok := t.Read(path)
		if !ok {
			return fmt.Errorf("%s: %w", path, ErrNotRegular)
		}
		texts[path] = text
	}
	if _, err := t.git(ctx, t.Dir, nil, "reset", "--quiet", "--hard", t.Base); err != nil {
		return err
	}
	if _, err := t.git(ctx, t.Dir, nil, "clean", "--quiet", "-ffdx"); err != nil {
		return err
	}
	for path, text := range texts {
		if err := t.Write(path, text); err != nil {
			return err
		}
	}
	return nil
}

// Commit records everything that differs on a new branch and returns the commit.
func (t *Tree) Commit(ctx context.Context, branch, message string) (string, error) {
	if _, err := t.git(ctx, t.Dir, nil, "switch", "--quiet", "--create", branch); err != nil {
		return "", err
	}
	if _, err := t.git(ctx, t.Dir, strings.NewReader(message), "commit", "--quiet", "--all", "--no-verify", "--file=-"); err != nil {
		return "", err
	}
	commit, err := t.git(ctx, t.Dir, nil, "rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}

// Push sends a branch to the remote. It never forces.
func (t *Tree) Push(ctx context.Context, remote, branch string) error {
	_, err := t.git(ctx, t.Dir, nil, "push", "--quiet", "--no-verify", remote, "refs/heads/"+branch+":refs/heads/"+branch)
	return err
}

// git runs git without hooks, so that nothing of the repository's runs.
func (t *Tree) git(ctx context.Context, dir string, in io.Reader, args ...string) (string, error) {
	args = append([]string{"-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false", "-c", "core.autocrlf=false", "-c", "commit.gpgSign=false"}, args...)
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stdin = dir, in
	cmd.Env = append(t.env[:len(t.env):len(t.env)], "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		return "", fmt.Errorf("git %s: %s: %w", args[8], first, err)
	}
	return out.String(), nil
}
