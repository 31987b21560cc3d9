package git_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
)

// scratch is a real repository with one commit of the given files on main.
type scratch struct {
	t   *testing.T
	dir string
}

func newScratch(t *testing.T, files map[string]string) scratch {
	t.Helper()
	s := scratch{t, t.TempDir()}
	s.git("init", "-q", "-b", "main")
	s.write(files)
	s.git("add", "-A")
	s.git("commit", "-q", "--allow-empty", "-m", "one")
	return s
}

func environment() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
}

func (s scratch) git(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = s.dir, environment()
	out, err := cmd.CombinedOutput()
	assert.NilError(s.t, err, string(out))
	return string(out)
}

func (s scratch) write(files map[string]string) {
	s.t.Helper()
	for name, content := range files {
		path := filepath.Join(s.dir, name)
		assert.NilError(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
		assert.NilError(s.t, os.WriteFile(path, []byte(content), 0o644))
	}
}

func (s scratch) open() *git.Repo {
	s.t.Helper()
	r, err := git.Open(context.Background(), s.dir, environment())
	assert.NilError(s.t, err)
	return r
}

func TestChangeNamesWhatDiffersAndItsNewLines(t *testing.T) {
	ctx := context.Background()
	s := newScratch(t, map[string]string{
		"keep.py": "a\nb\nc\nd\n", "gone.py": "x\n", "old name.py": "1\n2\n3\n4\n5\n6\n7\n8\n", "bin.dat": "\x00\x01", "ünï.py": "p\n",
	})
	s.git("checkout", "-q", "-b", "topic")
	s.git("mv", "old name.py", "new name.py")
	s.git("rm", "-q", "gone.py")
	s.write(map[string]string{"keep.py": "a\nB\nc\nd\ne\nf\n", "bin.dat": "\x00\x02", "ünï.py": "p\nq\n"})
	s.git("add", "-A")
	s.git("commit", "-q", "-m", "two")
	s.write(map[string]string{"untracked.py": "u\n", "keep.py": "a\nB\nc\nd\ne\nf\ng\n"})

	r := s.open()
	base, err := r.Base(ctx, "main")
	assert.NilError(t, err)
	change, err := r.Change(ctx, base)
	assert.NilError(t, err)
	want := []ci.FileChange{
		{Path: "bin.dat", Status: "M", Binary: true},
		{Path: "gone.py", Status: "D"},
		{Path: "keep.py", Status: "M", Added: []ci.LineRange{{First: 2, Last: 2}, {First: 5, Last: 7}}},
		{Path: "new name.py", OldPath: "old name.py", Status: "R"},
		{Path: "ünï.py", Status: "M", Added: []ci.LineRange{{First: 2, Last: 2}}},
		{Path: "untracked.py", Status: "A", Added: []ci.LineRange{{First: 1, Last: 1 << 30}}},
	}
	if diff := cmp.Diff(want, change.Files); diff != "" {
		t.Error(diff)
	}
}

func TestWorkTreeIsEqualForEqualCode(t *testing.T) {
	ctx := context.Background()
	s := newScratch(t, map[string]string{"a.py": "1\n"})
	r := s.open()
	clean, dirty, err := r.WorkTree(ctx)
	assert.NilError(t, err)
	assert.Assert(t, !dirty)

	s.write(map[string]string{"a.py": "2\n", "new.py": "n\n"})
	edited, dirty, err := r.WorkTree(ctx)
	assert.NilError(t, err)
	assert.Assert(t, dirty && edited != clean)
	before := s.git("count-objects", "-v")

	again, _, err := r.WorkTree(ctx)
	assert.NilError(t, err)
	assert.Equal(t, again, edited)
	assert.Equal(t, s.git("count-objects", "-v"), before) // looking writes nothing
	s.git("add", "-A")
	s.git("commit", "-q", "-m", "two")
	committed, dirty, err := r.WorkTree(ctx)
	assert.NilError(t, err)
	assert.Assert(t, !dirty)
	assert.Equal(t, committed, edited)
}

func TestARepositoryWithoutCommits(t *testing.T) {
	ctx := context.Background()
	s := scratch{t, t.TempDir()}
	s.git("init", "-q", "-b", "main")
	s.write(map[string]string{"a.py": "1\n"})
	r := s.open()
	head, err := r.Head(ctx)
	assert.NilError(t, err)
	assert.Equal(t, head, "")
	tree, dirty, err := r.WorkTree(ctx)
	assert.NilError(t, err)
	assert.Assert(t, dirty && len(tree) == 40)
}

func TestErrorsSayWhatToDo(t *testing.T) {
	ctx := context.Background()
	s := newScratch(t, map[string]string{"a": "1"})
	s.git("commit", "-q", "--allow-empty", "-m", "two")
	clone := scratch{t, t.TempDir()}
	clone.git("clone", "-q", "--depth=1", "file://"+s.dir, ".")
	_, err := clone.open().Base(ctx, "HEAD~1")
	assert.ErrorContains(t, err, "git fetch --unshallow")
	_, err = s.open().Base(ctx, "nonsense")
	assert.Error(t, err, `there is no commit "nonsense" here`)
	_, err = s.open().Base(ctx, "--upload-pack=touch x")
	assert.ErrorContains(t, err, "is not a ref")
	_, err = git.Open(ctx, t.TempDir(), environment())
	assert.ErrorIs(t, err, git.ErrNoRepository)
}

func TestBaseOfTheRemoteIsABranch(t *testing.T) {
	ctx := context.Background()
	s := newScratch(t, map[string]string{"a": "1"})
	first := s.git("rev-parse", "HEAD")
	s.git("commit", "-q", "--allow-empty", "-m", "two")
	clone := scratch{t, t.TempDir()}
	clone.git("clone", "-q", "file://"+s.dir, ".")
	clone.git("checkout", "-q", "--detach", "HEAD~1")
	clone.git("branch", "-D", "main")
	base, err := clone.open().Base(ctx, "main")
	assert.NilError(t, err)
	assert.Equal(t, base, strings.TrimSpace(first))
	_, err = clone.open().Base(ctx, "HEAD~1") // the first commit has no parent, whatever the remote's HEAD has
	assert.ErrorContains(t, err, `there is no commit "HEAD~1" here`)
}

func TestSubdirectoryAndBranches(t *testing.T) {
	ctx := context.Background()
	s := newScratch(t, map[string]string{"sub/dir/a": "1"})
	r, err := git.Open(ctx, filepath.Join(s.dir, "sub", "dir"), environment())
	assert.NilError(t, err)
	assert.Equal(t, r.Sub, "sub/dir")
	assert.Equal(t, r.Branch(ctx), "main")
	assert.Equal(t, r.MainBranch(ctx), "main")
	s.git("checkout", "-q", "--detach")
	assert.Equal(t, r.Branch(ctx), "")
}

func TestBetweenCommitsWhateverIsCheckedOut(t *testing.T) {
	ctx := context.Background()
	s := newScratch(t, map[string]string{"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n"})
	s.git("switch", "-q", "-c", "change")
	s.git("mv", "a.txt", "c.txt")
	s.git("commit", "-q", "-m", "two")
	s.git("switch", "-q", "main")
	s.write(map[string]string{"b.txt": "not committed\n"})
	s.git("commit", "-q", "-a", "-m", "main goes on")
	r := s.open()
	head, err := r.Commit(ctx, "change")
	assert.NilError(t, err)
	base, err := r.BaseOf(ctx, "main", head)
	assert.NilError(t, err)
	change, err := r.Between(ctx, base, head)
	assert.NilError(t, err)
	assert.Assert(t, cmp.Equal(change.Files, []ci.FileChange{{Path: "c.txt", OldPath: "a.txt", Status: "R"}}), "%v", change.Files)
	_, err = r.Commit(ctx, "--all")
	assert.ErrorContains(t, err, "not a ref")
}
