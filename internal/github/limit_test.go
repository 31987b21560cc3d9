package github_test

import (
	"errors"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/github"
	"keepgreen/internal/github/githubtest"
)

func TestASecondaryLimitIsWaitedFor(t *testing.T) {
	s, repo, client := forge(t)
	s.Fail(githubtest.Fault{Method: "POST", Path: "/comments", Status: 403, Header: map[string]string{"Retry-After": "37"}, Body: "You have exceeded a secondary rate limit."})
	_, err := client.CreateComment(ctx, 1, "once")
	assert.NilError(t, err)
	assert.Equal(t, len(repo.Comments(1)), 1)
	assert.Equal(t, s.Slept(), 37*time.Second)
}

func TestALimitWithoutAHeaderLastsAMinute(t *testing.T) {
	s, _, client := forge(t)
	s.Fail(githubtest.Fault{Path: "/comments", Status: 403, Body: "You have exceeded a secondary rate limit."})
	_, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	assert.Equal(t, s.Slept(), time.Minute)
}

func TestALimitThatIsTooFarAwayIsSaidAndNotAskedAgain(t *testing.T) {
	s, repo, _ := forge(t)
	s.Token("busy", &githubtest.Actor{Login: "busy", Limit: 1})
	client := s.Client(repo, "busy")
	_, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	var limit *github.LimitError
	for range 3 {
		_, err = client.Settings(ctx)
		assert.Assert(t, errors.As(err, &limit), "%v", err)
		assert.Equal(t, limit.Until, s.Now().Add(time.Hour+time.Second))
	}
	assert.Equal(t, len(s.Requests()), 2)
}

func TestManyWritesKeepBelowTheSecondaryLimit(t *testing.T) {
	s, _, client := forge(t)
	for range 100 {
		_, err := client.CreateComment(ctx, 1, "again")
		assert.NilError(t, err)
	}
	assert.Equal(t, s.Slept(), 90*time.Second)
}

func TestAReadThatBreaksIsRepeatedAndAnUnsafeWriteIsNot(t *testing.T) {
	s, repo, client := forge(t)
	s.Fail(githubtest.Fault{Method: "GET", Path: "/comments", Status: 502, Times: 2})
	_, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	s.Fail(githubtest.Fault{Method: "POST", Path: "/comments", Status: 502, After: true})
	_, err = client.CreateComment(ctx, 1, "perhaps")
	assert.ErrorIs(t, err, github.ErrUnavailable)
	assert.Equal(t, len(repo.Comments(1)), 1)
}

func TestTheSamePageIsNotPaidTwice(t *testing.T) {
	s, repo, client := forge(t)
	for range 150 {
		repo.AddComment(1, "someone", "x")
	}
	left := func() int {
		_, remaining := 0, 0
		token, err := client.Scopes(ctx)
		assert.NilError(t, err)
		remaining = token.Remaining
		return remaining
	}
	first, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	before := left()
	again, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	assert.Equal(t, left(), before)
	assert.DeepEqual(t, first, again)
	repo.AddComment(1, "someone", "new")
	more, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	assert.Equal(t, len(more), 151)
	assert.Assert(t, len(s.Requests()) > 6)
}

func TestNewCommentsMayBeMissingInTheList(t *testing.T) {
	s, _, client := forge(t)
	s.Lag = 2
	_, err := client.CreateComment(ctx, 1, "new")
	assert.NilError(t, err)
	for _, want := range []int{0, 0, 1} {
		all, err := client.Comments(ctx, 1)
		assert.NilError(t, err)
		assert.Equal(t, len(all), want)
	}
}
