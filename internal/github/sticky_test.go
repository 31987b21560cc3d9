package github_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/github"
	"keepgreen/internal/github/githubtest"
)

const bot = "github-actions[bot]"

// numbered is a sticky comment of run n.
func numbered(n int) github.Sticky {
	run := func(body string) int {
		have := -1
		_, _ = fmt.Sscanf(body, "<!-- run %d -->", &have) // no number: older than any
		return have
	}
	return github.Sticky{
		Login: bot,
		Ours:  func(body string) bool { return strings.HasPrefix(body, "<!-- run ") },
		Newer: func(have string) bool { return run(have) <= n },
		Body:  func(string) (string, error) { return fmt.Sprintf("<!-- run %d -->\nrun %d", n, n), nil },
	}
}

// sticky lists the comments that carry the mark, whoever wrote them.
func sticky(repo *githubtest.Repo, author string) []githubtest.Comment {
	var out []githubtest.Comment
	for _, c := range repo.Comments(1) {
		if strings.HasPrefix(c.Body, "<!-- run ") && c.Author == author {
			out = append(out, c)
		}
	}
	return out
}

func TestFiftyRunsAtOnceEndWithOneCommentTheNewest(t *testing.T) {
	for lag, before := range map[int]bool{0: false, 40: false, 3: true} {
		t.Run(fmt.Sprintf("lag %d, before %v", lag, before), func(t *testing.T) {
			s, repo, _ := forge(t)
			s.Lag = lag
			repo.AddComment(1, "attacker", "<!-- run 9999 -->\nmine now")
			for range 101 {
				repo.AddComment(1, "someone", "talk")
			}
			if before {
				repo.AddComment(1, bot, "<!-- run 0 -->\nrun 0")
			}
			var all sync.WaitGroup
			for _, n := range rand.Perm(50) {
				client := s.Client(repo, "workflow")
				all.Go(func() {
					_, _, err := client.KeepComment(ctx, 1, numbered(n+1))
					assert.Check(t, err)
				})
			}
			all.Wait()
			t.Log(len(s.Requests()), "requests", s.Slept())
			ours := sticky(repo, bot)
			assert.Equal(t, len(ours), 1)
			assert.Equal(t, ours[0].Body, "<!-- run 50 -->\nrun 50")
			assert.Equal(t, len(ours[0].Reactions), 0)
			assert.Equal(t, len(sticky(repo, "attacker")), 1)
		})
	}
}

func TestAStickyComment(t *testing.T) {
	s, repo, client := forge(t)
	keep := func(n int) (github.Comment, string) {
		t.Helper()
		c, what, err := client.KeepComment(ctx, 1, numbered(n))
		assert.NilError(t, err)
		return c, what
	}
	first, what := keep(5)
	assert.Equal(t, what, github.StickyCreated)
	writes := len(s.Writes())
	_, what = keep(5)
	assert.Equal(t, what, github.StickyUnchanged)
	_, what = keep(4)
	assert.Equal(t, what, github.StickyNewer)
	assert.Equal(t, len(s.Writes()), writes, "a run that repeats itself writes nothing")
	again, what := keep(6)
	assert.Equal(t, what, github.StickyEdited)
	assert.Equal(t, again.ID, first.ID)

	// A crashed run left a duplicate and a lock; the next one repairs both.
	repo.AddComment(1, bot, "<!-- run 3 -->\nrun 3")
	repo.React(first.ID, bot, "eyes")
	assert.NilError(t, s.Sleep(ctx, 10*time.Minute))
	_, what = keep(7)
	assert.Equal(t, what, github.StickyEdited)
	assert.Equal(t, len(sticky(repo, bot)), 1)
	assert.Equal(t, len(repo.Comments(1)[0].Reactions), 0)

	silent := numbered(8)
	silent.Body = func(string) (string, error) { return "", nil }
	_, what, err := client.KeepComment(ctx, 1, silent)
	assert.NilError(t, err)
	assert.Equal(t, what, github.StickyUnchanged)
	repo.Commit("quiet", "x", map[string]string{"q": "q"})
	repo.Pull("quiet", "quiet")
	_, what, err = client.KeepComment(ctx, 2, silent)
	assert.NilError(t, err)
	assert.Equal(t, what, github.StickyNothing)
	assert.Equal(t, len(repo.Comments(2)), 0)
}

func TestATokenThatMayNotReactStillEdits(t *testing.T) {
	s, repo, client := forge(t)
	repo.AddComment(1, bot, "<!-- run 1 -->\nrun 1")
	s.Fail(githubtest.Fault{Method: "POST", Path: "/reactions", Status: 403, Body: "Resource not accessible by integration"})
	_, what, err := client.KeepComment(ctx, 1, numbered(2))
	assert.NilError(t, err)
	assert.Equal(t, what, github.StickyEdited)
}
