// Package git reads a repository through the git command: what is checked out,
// what it is compared with, and what differs. It changes nothing but the one
// branch that Store is told to write.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// ErrNoRepository says that the directory is in no git repository.
var ErrNoRepository = errors.New("not a git repository")

// Repo is a git repository's work tree.
type Repo struct {
	Root string // absolute path of the work tree
	Sub  string // the opened directory, relative to Root, slash-separated; empty: the root itself
	env  []string
}

// Open finds the repository that dir is in. The environment is the one that git
// is run with.
func Open(ctx context.Context, dir string, env []string) (*Repo, error) {
	r := &Repo{Root: dir, env: append(env[:len(env):len(env)], "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")}
	out, err := r.run(ctx, "rev-parse", "--show-toplevel", "--show-prefix")
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the git command was not found")
		}
		if strings.Contains(err.Error(), "dubious ownership") {
			return nil, err
		}
		return nil, ErrNoRepository
	}
	lines := strings.SplitN(out, "\n", 2)
	r.Root = lines[0]
	if len(lines) > 1 {
		r.Sub = strings.Trim(lines[1], "/\n")
	}
	return r, nil
}

// Head is the commit that is checked out; empty in a repository without commits.
func (r *Repo) Head(ctx context.Context) (string, error) {
	out, err := r.run(ctx, "rev-parse", "--verify", "--quiet", "HEAD")
	if err != nil {
		return "", nil
	}
	return out, nil
}

// Branch is the branch that is checked out; empty when none is.
func (r *Repo) Branch(ctx context.Context) string {
	out, _ := r.run(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	return out
}

// MainBranch is the branch that is to be kept green: what the remote calls its
// head, or main, or master, whichever exists first.
func (r *Repo) MainBranch(ctx context.Context) string {
	if out, err := r.run(ctx, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"); err == nil {
		return strings.TrimPrefix(out, "origin/")
	}
	for _, name := range []string{"main", "master"} {
		for _, prefix := range []string{"refs/heads/", "refs/remotes/origin/"} {
			if _, err := r.run(ctx, "rev-parse", "--verify", "--quiet", prefix+name); err == nil {
				return name
			}
		}
	}
	return ""
}

// WorkTree is the tree object that a commit of everything in the work tree
// (ignored files left out) would have, and whether that differs from HEAD's.
// Two runs on equal trees ran the same code, committed or not.
func (r *Repo) WorkTree(ctx context.Context) (tree string, dirty bool, err error) {
	head, _ := r.run(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")
	status, err := r.run(ctx, "status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none")
	if err != nil {
		return "", false, err
	}
	if status == "" && head != "" {
		return head, false, nil
	}
	dir, err := os.MkdirTemp("", "keepgreen-index-")
	if err != nil {
		return "", true, err
	}
	defer os.RemoveAll(dir)
	objects := filepath.Join(dir, "objects") // git takes a directory without one for no repository
	if err := os.Mkdir(objects, 0o700); err != nil {
		return "", true, err
	}
	scratch := &Repo{Root: r.Root, env: append(r.env[:len(r.env):len(r.env)],
		"GIT_INDEX_FILE="+filepath.Join(dir, "index"),
		"GIT_OBJECT_DIRECTORY="+objects,
		"GIT_ALTERNATE_OBJECT_DIRECTORIES="+r.objects(ctx))}
	if head != "" {
		if _, err := scratch.run(ctx, "read-tree", "HEAD"); err != nil {
			return "", true, err
		}
	}
	if _, err := scratch.run(ctx, "add", "--all", "--", "."); err != nil {
		return "", true, err
	}
	tree, err = scratch.run(ctx, "write-tree")
	return tree, tree != head, err
}

// objects is the repository's object store, which a scratch one borrows from,
// so that looking at the work tree writes nothing into the repository.
func (r *Repo) objects(ctx context.Context) string {
	out, err := r.run(ctx, "rev-parse", "--git-path", "objects")
	if err != nil {
		return ""
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(r.Root, out)
	}
	return out
}

// Base is the commit that a change on top of ref started from: the merge base
// of ref and HEAD. A branch that is only known of the remote, as in a clone
// that a forge made, is looked for there.
func (r *Repo) Base(ctx context.Context, ref string) (string, error) {
	return r.BaseOf(ctx, ref, "HEAD")
}

// BaseOf is the merge base of ref and another commit.
func (r *Repo) BaseOf(ctx context.Context, ref, head string) (string, error) {
	commit, err := r.Commit(ctx, ref)
	if err != nil {
		return "", err
	}
	out, err := r.run(ctx, "merge-base", commit, head)
	if err != nil {
		return "", fmt.Errorf("%s and %s have no common ancestor here%s", ref, head, r.shallowHint(ctx))
	}
	return out, nil
}

// Commit is the id of the commit that a ref means; a branch that is only known
// of the remote is looked for there.
func (r *Repo) Commit(ctx context.Context, ref string) (string, error) {
	if strings.HasPrefix(ref, "-") {
		return "", fmt.Errorf("%q is not a ref", ref)
	}
	commit, err := r.run(ctx, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	if err != nil && isBranchName(ref) {
		commit, err = r.run(ctx, "rev-parse", "--verify", "--quiet", "refs/remotes/origin/"+ref+"^{commit}")
	}
	if err != nil {
		return "", fmt.Errorf("there is no commit %q here%s", ref, r.shallowHint(ctx))
	}
	return commit, nil
}

// isBranchName tells a branch from HEAD and from steps back from a commit: the
// remote's HEAD~1 is another commit than the one that was asked for.
func isBranchName(ref string) bool {
	return ref != "HEAD" && !strings.ContainsAny(ref, "~^:@")
}

// Tracks reports whether a file below the opened directory is part of what is
// committed or staged: it came with the repository then, and is not ours.
func (r *Repo) Tracks(ctx context.Context, name string) bool {
	out, err := r.run(ctx, "ls-files", "--", path.Join(r.Sub, name))
	return err != nil || out != ""
}

// CommitTime is when a commit was made.
func (r *Repo) CommitTime(ctx context.Context, rev string) (time.Time, error) {
	out, err := r.run(ctx, "show", "--no-patch", "--format=%ct", "--end-of-options", rev)
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	return time.Unix(seconds, 0), err
}

// RemoteURL is the address of a remote; empty where there is none of that name.
func (r *Repo) RemoteURL(ctx context.Context, name string) string {
	out, _ := r.run(ctx, "config", "--get", "remote."+name+".url")
	return out
}

// Shallow reports whether history was cut off when the repository was cloned.
func (r *Repo) Shallow(ctx context.Context) bool {
	out, _ := r.run(ctx, "rev-parse", "--is-shallow-repository")
	return out == "true"
}

func (r *Repo) shallowHint(ctx context.Context) string {
	if r.Shallow(ctx) {
		return "; this clone is shallow: git fetch --unshallow"
	}
	return ""
}

// Change is what differs between the base commit and the work tree, untracked
// files included, with the lines that are new.
func (r *Repo) Change(ctx context.Context, base string) (ci.Change, error) {
	change, err := r.diff(ctx, base)
	if err != nil {
		return change, err
	}
	others, err := r.run(ctx, "ls-files", "--others", "--exclude-standard", "-z")
	if err != nil {
		return change, err
	}
	for name := range strings.SplitSeq(others, "\x00") {
		if name != "" {
			change.Files = append(change.Files, ci.FileChange{Path: name, Status: "A", Added: []ci.LineRange{{First: 1, Last: 1 << 30}}})
		}
	}
	return change, nil
}

// Between is what differs between two commits, whatever is checked out.
func (r *Repo) Between(ctx context.Context, base, head string) (ci.Change, error) {
	return r.diff(ctx, base, head)
}

// diff compares the first commit with the second one, or with the work tree.
func (r *Repo) diff(ctx context.Context, commits ...string) (ci.Change, error) {
	change := ci.Change{Base: commits[0]}
	common := append([]string{"--find-renames", "--ignore-submodules=none"}, commits...)
	raw, err := r.run(ctx, append(append([]string{"diff", "--raw", "-z", "--no-abbrev"}, common...), "--")...)
	if err != nil {
		return change, err
	}
	change.Files = parseRaw(raw)
	patch, err := r.run(ctx, append(append([]string{"-c", "core.quotePath=true", "diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-textconv"}, common...), "--")...)
	if err != nil {
		return change, err
	}
	addHunks(change.Files, patch)
	return change, nil
}

// parseRaw reads "git diff --raw -z": ":modes shas STATUS\0path\0[newpath\0]".
func parseRaw(raw string) []ci.FileChange {
	fields := strings.Split(raw, "\x00")
	var out []ci.FileChange
	for i := 0; i+1 < len(fields); i++ {
		meta := strings.Fields(fields[i])
		if len(meta) != 5 || !strings.HasPrefix(meta[0], ":") {
			continue
		}
		c := ci.FileChange{Status: meta[4][:1], Path: fields[i+1]}
		i++
		if (c.Status == "R" || c.Status == "C") && i+1 < len(fields) {
			c.OldPath, c.Path = c.Path, fields[i+1]
			i++
		}
		out = append(out, c)
	}
	return out
}

// addHunks reads the "+++ b/path" and "@@ -a,b +c,d @@" lines of a patch without context.
func addHunks(files []ci.FileChange, patch string) {
	at := make(map[string]*ci.FileChange, len(files))
	for i := range files {
		at[files[i].Path] = &files[i]
	}
	var file *ci.FileChange
	for line := range strings.Lines(patch) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff --git "):
			file = nil
		case strings.HasPrefix(line, "+++ ") && file == nil:
			file = at[strings.TrimPrefix(unquote(strings.TrimSuffix(line[4:], "\t")), "b/")]
		case strings.HasPrefix(line, "@@ ") && file != nil:
			if added, ok := hunk(line); ok {
				file.Added = append(file.Added, added)
			}
		case strings.HasPrefix(line, "Binary files "):
			markBinary(at, line)
		}
	}
}

func markBinary(at map[string]*ci.FileChange, line string) {
	for path, file := range at {
		if strings.HasSuffix(line, " and b/"+path+" differ") {
			file.Binary = true
		}
	}
}

func hunk(line string) (ci.LineRange, bool) {
	_, rest, ok := strings.Cut(line, " +")
	if !ok {
		return ci.LineRange{}, false
	}
	rest, _, _ = strings.Cut(rest, " ")
	first, count, counted := strings.Cut(rest, ",")
	start, err := strconv.Atoi(first)
	if err != nil {
		return ci.LineRange{}, false
	}
	n := 1
	if counted {
		if n, err = strconv.Atoi(count); err != nil {
			return ci.LineRange{}, false
		}
	}
	return ci.LineRange{First: start, Last: start + n - 1}, n > 0
}

// unquote undoes git's C-style quoting of unusual paths.
func unquote(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	if plain, err := strconv.Unquote(s); err == nil {
		return plain
	}
	return s
}

// run runs git and returns its standard output without the last newline.
func (r *Repo) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = r.Root, r.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		message := strings.TrimSpace(stderr.String())
		if message == "" {
			return "", fmt.Errorf("git %s: %w", args[0], err)
		}
		return "", fmt.Errorf("git %s: %s", args[0], firstLine(message))
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// PatchID names what changes between two commits whatever they stand on, so that a
// change is known again after a rebase or a squash (git-patch-id). It is empty
// where nothing changes.
func (r *Repo) PatchID(ctx context.Context, from, to string) (string, error) {
	diff, err := r.run(ctx, "diff", "--no-ext-diff", "--no-textconv", "--no-color", from+"^{commit}", to+"^{commit}", "--")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "git", "patch-id", "--stable")
	cmd.Dir, cmd.Env, cmd.Stdin = r.Root, r.env, strings.NewReader(diff+"\n")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git patch-id: %w", err)
	}
	id, _, _ := strings.Cut(string(out), " ")
	return id, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimPrefix(line, "fatal: ")
}
