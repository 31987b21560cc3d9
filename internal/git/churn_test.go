package git_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
)

// churnRepo is a repository of one branch, whose commits are a minute apart.
type churnRepo struct {
	t   *testing.T
	dir string
	env []string
	at  time.Time
}

func newChurnRepo(t *testing.T) *churnRepo {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	r := &churnRepo{t: t, dir: t.TempDir(), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HOME="+r.dir)
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *churnRepo) git(args ...string) {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(r.env, "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com",
		"GIT_COMMITTER_DATE="+r.at.Format(time.RFC3339), "GIT_AUTHOR_DATE="+r.at.Format(time.RFC3339))
	out, err := cmd.CombinedOutput()
	assert.NilError(r.t, err, string(out))
}

func (r *churnRepo) write(name, text string) {
	path := filepath.Join(r.dir, name)
	assert.NilError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	assert.NilError(r.t, os.WriteFile(path, []byte(text), 0o644))
}

func (r *churnRepo) commit(author string) {
	r.at = r.at.Add(time.Minute)
	r.git("add", "--all")
	r.git("-c", "user.name="+author, "-c", "user.email="+author+"@example.com", "commit", "-q", "--allow-empty", "-m", "x")
}

func (r *churnRepo) churn(sub string, since time.Time) ci.History {
	repo, err := git.Open(r.t.Context(), filepath.Join(r.dir, sub), r.env)
	assert.NilError(r.t, err)
	log, err := repo.Log(r.t.Context(), since, nil)
	assert.NilError(r.t, err)
	return churnOf(r.t, repo, log, since)
}

func churnOf(t *testing.T, repo *git.Repo, log *git.Log, since time.Time) ci.History {
	return repo.Churn(t.Context(), log, since, func(path string) bool { return strings.HasSuffix(path, ".py") })
}

func TestChurn(t *testing.T) {
	r := newChurnRepo(t)
	start := r.at
	assert.Assert(t, !r.churn("", start).Known, "a repository without commits has no history")
	long := strings.Repeat("line\n", 20)
	r.write("src/old.py", long)
	r.write("src/b.py", "1\n")
	r.write("notes.md", "1\n")
	r.commit("ann")
	r.git("mv", "src/old.py", "src/mid dle.py")
	r.commit("bob")
	r.write("src/mid dle.py", long+"more\n")
	r.write("src/b.py", "2\n3\n")
	r.commit("ann")
	r.git("mv", "src/mid dle.py", "src/n\u00e9w.py")
	r.write("src/b.py", "4\n")
	r.commit("cy")
	h := r.churn("", start)
	assert.Equal(t, h.Commits, 4)
	assert.DeepEqual(t, h.Files, []ci.Churn{
		{File: "src/b.py", Commits: 3, Added: 4, Deleted: 3, Authors: 2},
		{File: "src/n\u00e9w.py", Commits: 4, Added: 21, Authors: 3},
	})
	assert.DeepEqual(t, h.Pairs, []ci.CoChange{{A: "src/b.py", B: "src/n\u00e9w.py", Together: 3, OfA: 3, OfB: 4}})
	below := r.churn("src", start)
	assert.Equal(t, below.Files[1].File, "n\u00e9w.py", "paths are those of the opened folder")
	late := r.churn("", r.at.Add(-30*time.Second))
	assert.Equal(t, late.Commits, 1)
}

func TestReadTree(t *testing.T) {
	r := newChurnRepo(t)
	r.write("a/x.py", "one\n")
	r.write("a/empty.py", "")
	r.write("b.py", "two\n")
	assert.NilError(t, os.Symlink("b.py", filepath.Join(r.dir, "link.py")))
	r.commit("ann")
	repo, err := git.Open(t.Context(), r.dir, r.env)
	assert.NilError(t, err)
	var got []string
	files, err := repo.Tree(t.Context(), "HEAD")
	assert.NilError(t, err)
	err = repo.ReadBlobs(t.Context(), files, func(f git.File, data []byte) {
		got = append(got, fmt.Sprintf("%s %q", f.Path, data))
	})
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []string{`a/empty.py ""`, `a/x.py "one\n"`, `b.py "two\n"`})
}

func TestFilesKnowWhatGitVouchesFor(t *testing.T) {
	r := newChurnRepo(t)
	for name, text := range map[string]string{"same.py": "1\n", "edited.py": "1\n", "gone.py": "1\n", "hidden.py": "1\n", "sub/in.py": "1\n"} {
		r.write(name, text)
	}
	assert.NilError(t, os.Symlink("same.py", filepath.Join(r.dir, "link.py")))
	r.commit("ann")
	r.write("edited.py", "2\n")
	r.write("new.py", "3\n")
	assert.NilError(t, os.Remove(filepath.Join(r.dir, "gone.py")))
	cmd := exec.Command("git", "update-index", "--assume-unchanged", "hidden.py")
	cmd.Dir, cmd.Env = r.dir, r.env
	assert.NilError(t, cmd.Run())
	list := func(dir string) (out []string) {
		repo, err := git.Open(t.Context(), dir, r.env)
		assert.NilError(t, err)
		files, err := repo.Files(t.Context())
		assert.NilError(t, err)
		for _, f := range files {
			out = append(out, fmt.Sprint(f.Path, " ", f.Blob != ""))
		}
		return out
	}
	assert.DeepEqual(t, list(r.dir), []string{"edited.py false", "gone.py false", "hidden.py false", "new.py false", "same.py true", "sub/in.py true"})
	assert.DeepEqual(t, list(filepath.Join(r.dir, "sub")), []string{"in.py true"})
}
