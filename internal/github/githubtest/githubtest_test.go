package githubtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

func TestTheTableIsTheDescription(t *testing.T) {
	assert.NilError(t, ready())
	doc, err := description()
	assert.NilError(t, err)
	have := map[string]bool{}
	for _, op := range operations {
		assert.Assert(t, !have[op.pattern], op.pattern)
		have[op.pattern] = true
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			assert.Assert(t, have[method+" "+path], "%s %s is described and not served", method, path)
		}
	}
}

// witness is a test that takes note of failing.
type witness struct {
	testing.TB
	said []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func TestRequestsThatGitHubWouldNotKnowFailTheTest(t *testing.T) {
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/repos/o/r/issues/1/comments", `{}`, `property "body" is missing`},
		{"POST", "/repos/o/r/issues/1/comments", `{"body":7}`, "value must be a string"},
		{"POST", "/repos/o/r/issues/1/comments", ``, "value is required but missing"},
		{"GET", "/repos/o/r/issues/one/comments", ``, "issue_number"},
		{"GET", "/repos/o/r/pulls?stat=open", ``, `no query parameter "stat"`},
		{"GET", "/repos/o/r/pulls?state=wide", ``, "value is not one of the allowed values"},
		{"POST", "/repos/o/r/check-runs", `{"name":"x","head_sha":"y","conclusion":"green"}`, "conclusion"},
		{"GET", "/user", ``, "no operation that we are to use"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			w := &witness{TB: t}
			s := New(w)
			s.Token("t", Person("dev"))
			s.Repo("o/r")
			request, err := http.NewRequestWithContext(context.Background(), c.method, s.URL+c.path, strings.NewReader(c.body))
			assert.NilError(t, err)
			request.Header.Set("Authorization", "Bearer t")
			if c.body != "" {
				request.Header.Set("Content-Type", "application/json")
			}
			response, err := http.DefaultClient.Do(request)
			assert.NilError(t, err)
			_ = response.Body.Close()
			assert.Equal(t, len(w.said), 1, "%v", w.said)
			assert.Assert(t, strings.Contains(w.said[0], c.want), "%s", w.said[0])
		})
	}
}

func TestPathsWithSlashes(t *testing.T) {
	s := New(t)
	repo := s.Repo("o/r")
	sha := repo.Commit("feature/one", "x", map[string]string{"a/b c.txt": "hi"})
	for path, want := range map[string]string{
		"/repos/o/r/git/ref/heads/feature/one":              "refs/heads/feature/one",
		"/repos/o/r/branches/feature%2Fone":                 sha,
		"/repos/o/r/contents/a/b%20c.txt?ref=feature%2Fone": "aGk=",
		"/api/v3/repos/o/r/git/ref/heads/feature/one":       sha,
		"/repos/o/r/commits/feature%2Fone/check-runs":       `"total_count":0`,
	} {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL+path, http.NoBody)
		assert.NilError(t, err)
		response, err := http.DefaultClient.Do(request)
		assert.NilError(t, err)
		body, err := io.ReadAll(response.Body)
		assert.NilError(t, err)
		assert.NilError(t, response.Body.Close())
		assert.Assert(t, strings.Contains(string(body), want), "%s: %s", path, body)
	}
}

func TestTooManyAtATimeAreRefused(t *testing.T) {
	s := New(t)
	s.Token("t", Person("dev"))
	s.Repo("o/r")
	var all sync.WaitGroup
	var refused atomic.Int64
	s.mu.Lock() // so that nobody is answered before all have come
	for range concurrent + 20 {
		all.Go(func() {
			request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL+"/repos/o/r", http.NoBody)
			assert.Check(t, err)
			request.Header.Set("Authorization", "Bearer t")
			response, err := http.DefaultClient.Do(request)
			if assert.Check(t, err) && response.StatusCode == http.StatusForbidden && response.Header.Get("Retry-After") == "60" {
				refused.Add(1)
			}
			if err == nil {
				_ = response.Body.Close()
			}
		})
	}
	for s.inFlight.Load() < concurrent+20 {
		time.Sleep(time.Millisecond)
	}
	s.mu.Unlock()
	all.Wait()
	assert.Equal(t, refused.Load(), int64(20))
}
