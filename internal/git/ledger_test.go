package git_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
)

// plainGit runs git in a directory.
func plainGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

// remoteAndClones makes a bare repository with one commit, and clones of it.
func remoteAndClones(t *testing.T, n int) (bare string, clones []*git.Repo) {
	t.Helper()
	root := t.TempDir()
	seed := filepath.Join(root, "seed")
	assert.NilError(t, os.Mkdir(seed, 0o755))
	plainGit(t, seed, "init", "-q")
	assert.NilError(t, os.WriteFile(filepath.Join(seed, "a"), []byte("a"), 0o644))
	plainGit(t, seed, "add", "a")
	plainGit(t, seed, "commit", "-qm", "one")
	bare = filepath.Join(root, "bare.git")
	plainGit(t, root, "clone", "-q", "--bare", seed, bare)
	for i := range n {
		dir := filepath.Join(root, fmt.Sprintf("clone%d", i))
		plainGit(t, root, "clone", "-q", bare, dir)
		repo, err := git.Open(context.Background(), dir, os.Environ())
		assert.NilError(t, err)
		clones = append(clones, repo)
	}
	return bare, clones
}

func appendLine(line string) func([]byte) ([]byte, error) {
	return func(old []byte) ([]byte, error) {
		if strings.Contains(string(old), line+"\n") {
			return nil, nil
		}
		return append(old, line+"\n"...), nil
	}
}

// TestEightWritersLoseNothing has eight clones write five records each to one
// branch of one bare repository, all at once: 40 of 40 are kept.
func TestEightWritersLoseNothing(t *testing.T) {
	_, clones := remoteAndClones(t, 8)
	stored := git.Stored{Remote: "origin", Ref: "refs/heads/ci-baseline", Path: "ledger.jsonl", Message: "record"}
	var wait sync.WaitGroup
	errs := make([]error, len(clones))
	for i, repo := range clones {
		wait.Go(func() {
			for k := range 5 {
				if _, err := repo.Store(context.Background(), stored, appendLine(fmt.Sprintf("writer %d record %d", i, k))); err != nil {
					errs[i] = errors.Join(errs[i], err)
				}
			}
		})
	}
	wait.Wait()
	assert.NilError(t, errors.Join(errs...))
	data, err := clones[0].Load(context.Background(), stored)
	assert.NilError(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	assert.Equal(t, len(lines), 40)
	for i := range clones {
		for k := range 5 {
			assert.Assert(t, strings.Contains(string(data), fmt.Sprintf("writer %d record %d\n", i, k)))
		}
	}
	again, err := clones[3].Store(context.Background(), stored, appendLine("writer 1 record 1"))
	assert.NilError(t, err)
	assert.Equal(t, again, "") // nothing to change
}

func TestStoreKeepsTheRestOfTheBranch(t *testing.T) {
	bare, clones := remoteAndClones(t, 1)
	stored := git.Stored{Remote: "origin", Ref: "refs/heads/main", Path: "ci_metrics/quality_metrics.json", Message: "metrics: baseline [skip ci]"}
	commit, err := clones[0].Store(context.Background(), stored, appendLine("{}"))
	assert.NilError(t, err)
	assert.Equal(t, plainGit(t, bare, "rev-parse", "main"), commit)
	assert.Equal(t, plainGit(t, bare, "ls-tree", "-r", "--name-only", "main"), "a\nci_metrics/quality_metrics.json")
	assert.Equal(t, plainGit(t, bare, "show", "-s", "--format=%s by %an", "main"), "metrics: baseline [skip ci] by keepgreen")
	_, err = os.Stat(filepath.Join(clones[0].Root, "ci_metrics"))
	assert.Assert(t, os.IsNotExist(err), "the work tree was touched")

	local := git.Stored{Ref: "refs/heads/ci-baseline", Path: "l", Message: "m"}
	for _, line := range []string{"a", "b"} {
		_, err = clones[0].Store(context.Background(), local, appendLine(line))
		assert.NilError(t, err)
	}
	data, err := clones[0].Load(context.Background(), local)
	assert.NilError(t, err)
	assert.Equal(t, string(data), "a\nb\n")
}

func TestARefusalIsNoRace(t *testing.T) {
	bare, clones := remoteAndClones(t, 1)
	hook := "#!/bin/sh\necho 'GH006: Protected branch update failed for refs/heads/main.' >&2\nexit 1\n"
	assert.NilError(t, os.WriteFile(filepath.Join(bare, "hooks", "pre-receive"), []byte(hook), 0o755))
	stored := git.Stored{Remote: "origin", Ref: "refs/heads/main", Path: "x", Message: "m"}
	_, err := clones[0].Store(context.Background(), stored, appendLine("a"))
	assert.ErrorIs(t, err, git.ErrRefused)
	stored.Remote = filepath.Join(bare, "nowhere")
	_, err = clones[0].Store(context.Background(), stored, appendLine("a"))
	assert.ErrorContains(t, err, "git ls-remote")
}

func TestWhoIsAlwaysLateSaysSo(t *testing.T) {
	_, clones := remoteAndClones(t, 2)
	stored := git.Stored{Remote: "origin", Ref: "refs/heads/ci-baseline", Path: "l", Message: "m", Wait: 1}
	other := 0
	_, err := clones[0].Store(context.Background(), stored, func([]byte) ([]byte, error) {
		other++
		_, err := clones[1].Store(context.Background(), git.Stored{Remote: stored.Remote, Ref: stored.Ref, Path: "l", Message: "m"}, appendLine(fmt.Sprint(other)))
		assert.NilError(t, err)
		return []byte("mine"), nil
	})
	assert.ErrorIs(t, err, git.ErrContended)
	stored.Wait, other = 0, 0
	waits := 0
	stored.Jitter = func(time.Duration) time.Duration { waits++; return 0 }
	_, err = clones[0].Store(context.Background(), stored, func([]byte) ([]byte, error) {
		if other++; other < 3 {
			_, err := clones[1].Store(context.Background(), git.Stored{Remote: stored.Remote, Ref: stored.Ref, Path: "l", Message: "m"}, appendLine(fmt.Sprint("again", other)))
			assert.NilError(t, err)
		}
		return []byte("mine"), nil
	})
	assert.NilError(t, err)
	assert.Equal(t, waits, 2)
}

func TestABranchThatWasSetBack(t *testing.T) {
	ctx := context.Background()
	bare, clones := remoteAndClones(t, 2)
	stored := git.Stored{Remote: "origin", Ref: "refs/heads/ci-baseline", Path: "l", Message: "m"}
	for _, line := range []string{"a", "b", "c"} {
		_, err := clones[0].Store(ctx, stored, appendLine(line))
		assert.NilError(t, err)
	}
	for _, repo := range clones {
		data, commits, err := repo.LoadCounted(ctx, stored)
		assert.NilError(t, err)
		assert.Equal(t, string(data), "a\nb\nc\n")
		assert.Equal(t, commits, 3)
	}
	// What is cut by a commit has had more commits than lines.
	_, err := clones[1].Store(ctx, stored, func([]byte) ([]byte, error) { return []byte("a\n"), nil })
	assert.NilError(t, err)
	_, commits, err := clones[0].LoadCounted(ctx, stored)
	assert.NilError(t, err)
	assert.Equal(t, commits, 4)
	plainGit(t, bare, "update-ref", stored.Ref, stored.Ref+"~2")
	_, _, err = clones[0].LoadCounted(ctx, stored)
	assert.ErrorIs(t, err, git.ErrRewound)
}

func TestFirstParents(t *testing.T) {
	_, clones := remoteAndClones(t, 1)
	dir := clones[0].Root
	first := plainGit(t, dir, "rev-parse", "HEAD")
	plainGit(t, dir, "checkout", "-qb", "side")
	plainGit(t, dir, "commit", "-q", "--allow-empty", "-m", "side")
	plainGit(t, dir, "checkout", "-q", "-")
	plainGit(t, dir, "merge", "-q", "--no-ff", "-m", "merge", "side")
	line, err := clones[0].FirstParents(context.Background(), "HEAD", 10)
	assert.NilError(t, err)
	assert.DeepEqual(t, line, []string{plainGit(t, dir, "rev-parse", "HEAD"), first})
	files, err := clones[0].Tracked(context.Background())
	assert.NilError(t, err)
	assert.DeepEqual(t, files, []string{"a"})
}

func TestDeleted(t *testing.T) {
	_, clones := remoteAndClones(t, 1)
	dir := clones[0].Root
	write := func(text string) {
		assert.NilError(t, os.WriteFile(filepath.Join(dir, "b ä.py"), []byte(text), 0o644))
	}
	write("1\n2\n3\n4\n")
	plainGit(t, dir, "add", ".")
	plainGit(t, dir, "commit", "-qm", "b")
	write("1\nnew\n4\n")
	assert.NilError(t, os.Remove(filepath.Join(dir, "a")))
	got, err := clones[0].Deleted(context.Background(), "HEAD")
	assert.NilError(t, err)
	assert.DeepEqual(t, got, map[string][]ci.LineRange{"a": {{First: 1, Last: 1}}, "b ä.py": {{First: 2, Last: 3}}})
}
