package git

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// ErrRefused says that the remote will not take the commit, however often it is
// offered: a protected branch, a hook, missing rights.
var ErrRefused = errors.New("the remote refused the commit")

// ErrContended says that others were faster in every attempt.
var ErrContended = errors.New("others were faster every time")

// Stored is one file on a branch that many runs write to at once. A writer
// reads the branch, makes a commit on top of what it read, and moves the branch
// only if nobody moved it meanwhile; otherwise it begins anew. Nothing that
// another writer recorded is ever lost, and the work tree is not touched.
type Stored struct {
	Remote  string // "origin", a URL or a path; empty: the branch of this repository
	Ref     string // full name, e.g. "refs/heads/ci-baseline"; created as an orphan where it is missing
	Path    string // of the file in the tree, slash-separated
	Message string
	Wait    time.Duration                          // how long others may be faster; zero: 10 minutes
	Jitter  func(most time.Duration) time.Duration // how long to wait between two attempts; nil: by chance, so that writers do not keep step
	Alone   bool                                   // the commit has no parent: the branch holds the newest state and nothing else
}

// ledgerWait is longer than any queue of runs that was seen, and shorter than
// the limit of a job: a run that gives up after so many tries instead loses its
// record on the very day on which everybody merges.
const ledgerWait = 10 * time.Minute

// Load is the file as the branch holds it now; nil where there is none.
func (r *Repo) Load(ctx context.Context, s Stored) ([]byte, error) {
	data, _, err := r.LoadCounted(ctx, s)
	return data, err
}

// ErrRewound says that the branch does not hold what this clone saw on it before.
var ErrRewound = errors.New("the branch was set back or rewritten: it does not hold what this clone saw on it")

// LoadCounted is Load, and how many commits of the branch changed the file. Each
// Store makes one, so that a file from which something was cut shows: it has
// had more commits than it holds records. A branch that was set back as a whole
// is found by a clone that remembers it.
func (r *Repo) LoadCounted(ctx context.Context, s Stored) (data []byte, commits int, err error) {
	tip, err := r.tip(ctx, s)
	if err != nil || tip == "" {
		return nil, 0, err
	}
	err = r.remember(ctx, s, tip)
	if errors.Is(err, ErrRewound) {
		// Somebody else in this clone may have seen what was pushed since.
		if tip, err = r.tip(ctx, s); err == nil {
			err = r.remember(ctx, s, tip)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	out, err := r.run(ctx, "rev-list", "--count", "--full-history", tip, "--", s.Path)
	if err != nil {
		return nil, 0, err
	}
	if commits, err = strconv.Atoi(out); err != nil {
		return nil, 0, fmt.Errorf("git rev-list: %w", err)
	}
	data, err = r.blob(ctx, s, tip)
	return data, commits, err
}

// seen is where a clone remembers the tip of the branch.
func (s Stored) seen() string { return "refs/keepgreen/seen/" + strings.TrimPrefix(s.Ref, "refs/") }

// remember compares the tip with the one that was seen before.
func (r *Repo) remember(ctx context.Context, s Stored, tip string) error {
	if s.Remote == "" || s.Alone {
		return nil // the branch of this clone has no second witness, and one that is a single commit has no past
	}
	before, _ := r.run(ctx, "rev-parse", "--verify", "--quiet", s.seen())
	if before == tip {
		return nil
	}
	if before != "" {
		if base, _ := r.run(ctx, "merge-base", before, tip); base != before {
			return fmt.Errorf("%w (%s)", ErrRewound, s.seen())
		}
	}
	_, _ = r.run(ctx, "update-ref", s.seen(), tip) // a clone that cannot be written remembers nothing
	return nil
}

// Store replaces the file by what edit makes of it, and returns the commit.
// edit may be called many times, each time with what others left; returning nil
// without an error means that there is nothing to change.
func (r *Repo) Store(ctx context.Context, s Stored, edit func(old []byte) ([]byte, error)) (commit string, err error) {
	end := time.Now().Add(cmp.Or(s.Wait, ledgerWait))
	for try := 0; ; try++ {
		tip, err := r.tip(ctx, s)
		if err != nil {
			return "", err
		}
		old, err := r.blob(ctx, s, tip)
		if err != nil {
			return "", err
		}
		data, err := edit(old)
		if err != nil || data == nil {
			return "", err
		}
		if commit, err = r.commitFile(ctx, s, tip, data); err != nil {
			return "", err
		}
		moved, err := r.move(ctx, s, tip, commit)
		if err != nil || moved {
			return commit, err
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("%s: %w, %d times", s.Ref, ErrContended, try+1)
		}
		if err := s.backOff(ctx, try); err != nil {
			return "", err
		}
	}
}

// backOff waits longer each time, and never as long as the others.
func (s Stored) backOff(ctx context.Context, try int) error {
	jitter := s.Jitter
	if jitter == nil {
		jitter = func(most time.Duration) time.Duration { return most/4 + rand.N(most) }
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(jitter(min(20*time.Millisecond<<min(try, 10), 1500*time.Millisecond))):
		return nil
	}
}

// tip is the commit that the branch points to, and makes it present here; empty
// where there is no such branch.
func (r *Repo) tip(ctx context.Context, s Stored) (string, error) {
	if s.Remote == "" {
		out, _ := r.run(ctx, "rev-parse", "--verify", "--quiet", s.Ref)
		return out, nil
	}
	// The branch may move between the two commands; then they are tried again.
	for range 20 {
		out, err := r.run(ctx, "ls-remote", "--", s.Remote, s.Ref)
		if err != nil {
			return "", err
		}
		sha, _, _ := strings.Cut(out, "\t")
		if sha == "" {
			return "", nil
		}
		if _, err := r.run(ctx, "cat-file", "-e", sha+"^{tree}"); err == nil {
			return sha, nil
		}
		_, fetchErr := r.run(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--", s.Remote, s.Ref)
		if _, err := r.run(ctx, "cat-file", "-e", sha+"^{tree}"); err == nil {
			return sha, nil
		}
		if fetchErr != nil && ctx.Err() != nil {
			return "", fetchErr
		}
	}
	return "", fmt.Errorf("%s of %s: %w", s.Ref, s.Remote, ErrContended)
}

// Names lists the files of the branch; none where there is no such branch.
func (r *Repo) Names(ctx context.Context, s Stored) ([]string, error) {
	tip, err := r.tip(ctx, s)
	if err != nil || tip == "" {
		return nil, err
	}
	out, err := r.run(ctx, "ls-tree", "-r", "-z", "--full-tree", "--name-only", tip)
	return strings.FieldsFunc(out, func(c rune) bool { return c == 0 }), err
}

// blob is the file in the commit; nil where it is not in it.
func (r *Repo) blob(ctx context.Context, s Stored, commit string) ([]byte, error) {
	if commit == "" {
		return nil, nil
	}
	entry, err := r.run(ctx, "ls-tree", "-z", commit, "--", s.Path)
	if err != nil || entry == "" {
		return nil, err
	}
	return r.pipe(ctx, nil, nil, "cat-file", "blob", commit+":"+s.Path)
}

// commitFile makes a commit on top of parent that differs in the one file.
func (r *Repo) commitFile(ctx context.Context, s Stored, parent string, data []byte) (string, error) {
	dir, err := os.MkdirTemp("", "keepgreen-ledger-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}
	blob, err := r.pipe(ctx, data, env, "hash-object", "-w", "--stdin", "--no-filters")
	if err != nil {
		return "", err
	}
	if parent != "" {
		if _, err := r.pipe(ctx, nil, env, "read-tree", parent); err != nil {
			return "", err
		}
	}
	if _, err := r.pipe(ctx, nil, env, "update-index", "--add", "--cacheinfo", "100644,"+line(blob)+","+s.Path); err != nil {
		return "", err
	}
	tree, err := r.pipe(ctx, nil, env, "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"-c", "commit.gpgSign=false", "commit-tree", line(tree), "-m", s.Message}
	if parent != "" && !s.Alone {
		args = append(args, "-p", parent)
	}
	commit, err := r.pipe(ctx, nil, []string{
		"GIT_AUTHOR_NAME=keepgreen", "GIT_AUTHOR_EMAIL=keepgreen@users.noreply.github.com",
		"GIT_COMMITTER_NAME=keepgreen", "GIT_COMMITTER_EMAIL=keepgreen@users.noreply.github.com",
	}, args...)
	return line(commit), err
}

func line(out []byte) string { return strings.TrimSpace(string(out)) }

// move points the branch to the commit if it still points to tip; moved is
// false when it does not.
func (r *Repo) move(ctx context.Context, s Stored, tip, commit string) (moved bool, err error) {
	if s.Remote == "" {
		expected := tip
		if expected == "" {
			expected = strings.Repeat("0", len(commit))
		}
		_, err = r.run(ctx, "update-ref", s.Ref, commit, expected)
	} else {
		_, err = r.pipe(ctx, nil, nil, "push", "--quiet", "--no-verify", "--force-with-lease="+s.Ref+":"+tip, "--", s.Remote, commit+":"+s.Ref)
	}
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case refused(err.Error()):
		return false, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return false, r.reachable(ctx, s, err)
}

// refused tells a no that will stay one from a race that was lost. The words
// are those of GitHub, GitLab, and git itself.
func refused(message string) bool {
	for _, sign := range []string{
		"GH006", "GH013", "protected branch", "hook declined", "Permission to", "permission denied", "Permission denied",
		"not allowed to push", "Authentication failed", "could not read Username", "error: 403", "does not appear to be a git repository",
		"insufficient permission", "unable to create", "Read-only file system", "read-only file system",
	} {
		if strings.Contains(message, sign) {
			return !strings.Contains(message, ".lock': File exists")
		}
	}
	return false
}

// reachable is nil when a failed push can be blamed on a race: the words differ
// ("stale info", "cannot lock ref", "failed to update ref", "fetch first"), so
// what is asked is whether the remote still answers.
func (r *Repo) reachable(ctx context.Context, s Stored, cause error) error {
	if s.Remote == "" {
		return nil
	}
	if _, err := r.run(ctx, "ls-remote", "--", s.Remote, s.Ref); err != nil {
		return cause
	}
	return nil
}

// pipe runs git with an input and more environment, and returns its output as it is.
func (r *Repo) pipe(ctx context.Context, in []byte, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = r.Root, append(r.env[:len(r.env):len(r.env)], env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if message := strings.TrimSpace(stderr.String()); message != "" {
			return nil, fmt.Errorf("git %s: %s", args[0], strings.Join(strings.Fields(message), " "))
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return stdout.Bytes(), nil
}

// User is the name that git has for whoever works here; empty: none.
func (r *Repo) User(ctx context.Context) string {
	name, _ := r.run(ctx, "config", "user.name")
	return name
}

// FirstParents lists the first-parent line of a commit, newest first, at most n.
func (r *Repo) FirstParents(ctx context.Context, commit string, n int) ([]string, error) {
	out, err := r.run(ctx, "rev-list", "--first-parent", fmt.Sprintf("--max-count=%d", n), "--end-of-options", commit, "--")
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(out, "\n"), nil
}

// Deleted lists, by their path in the base, the lines that the change from the
// base to the work tree takes away.
func (r *Repo) Deleted(ctx context.Context, base string) (map[string][]ci.LineRange, error) {
	// The reverse diff adds what the change deletes.
	patch, err := r.run(ctx, "-c", "core.quotePath=true", "diff", "-R", "--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", base, "--")
	if err != nil {
		return nil, err
	}
	out := map[string][]ci.LineRange{}
	name := ""
	for line := range strings.Lines(patch) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff --git "):
			name = ""
		case strings.HasPrefix(line, "+++ ") && name == "":
			name = unquote(strings.TrimSuffix(line[4:], "\t"))
			if _, rest, ok := strings.Cut(name, "/"); ok {
				name = rest // git names the sides a/ and b/, or the other way round with -R
			}
		case strings.HasPrefix(line, "@@ ") && name != "":
			if lines, ok := hunk(line); ok {
				out[name] = append(out[name], lines)
			}
		}
	}
	return out, nil
}

// Committed lists those of the paths that are under version control.
func (r *Repo) Committed(ctx context.Context, paths []string) ([]string, error) {
	out, err := r.run(ctx, append([]string{"ls-files", "-z", "--cached", "--"}, paths...)...)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(out, func(c rune) bool { return c == 0 }), nil
}

// Tracked lists the files that git knows.
func (r *Repo) Tracked(ctx context.Context) ([]string, error) {
	out, err := r.run(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(out, func(c rune) bool { return c == 0 }), nil
}
