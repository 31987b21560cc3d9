package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/github"
	"keepgreen/internal/github/githubtest"
)

var ctx = context.Background()

// forge is a fake with one repository, one pull request and three tokens.
func forge(t *testing.T) (*githubtest.Server, *githubtest.Repo, *github.Client) {
	t.Helper()
	s := githubtest.New(t)
	s.Token("person", githubtest.Person("dev"))
	s.Token("workflow", githubtest.Workflow("contents:write", "pull-requests:write", "checks:write", "actions:read", "security-events:write"))
	s.Token("fork", githubtest.Fork())
	repo := s.Repo("octo/app")
	repo.Commit("feature", "change", map[string]string{"a.py": "x = 1\n"})
	repo.Pull("feature", "a change")
	return s, repo, s.Client(repo, "workflow")
}

func TestEachTokenIsSomebody(t *testing.T) {
	s, repo, workflow := forge(t)
	for token, want := range map[string]string{"person": "dev", "workflow": "github-actions[bot]"} {
		login, err := s.Client(repo, token).Login(ctx)
		assert.NilError(t, err)
		assert.Equal(t, login, want)
	}
	_, err := s.Client(repo, "wrong").Login(ctx)
	assert.ErrorIs(t, err, github.ErrUnauthorized)
	assert.Equal(t, workflow.Repo().String(), "octo/app")
}

func TestAnAppGetsItsOwnTokenAndRenewsIt(t *testing.T) {
	s, repo, _ := forge(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	assert.NilError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	parsed, err := github.ParseAppKey(text)
	assert.NilError(t, err)
	s.App("Iv1.abc", &key.PublicKey, &githubtest.Actor{Login: "keepgreen[bot]", Bot: true})
	client, err := github.New(github.Options{
		Repo: github.Repo{Owner: "octo", Name: "app"}, API: s.URL + "/api/v3", App: &github.App{ID: "Iv1.abc", Key: parsed}, Now: s.Now, Sleep: s.Sleep,
	})
	assert.NilError(t, err)
	for range 2 {
		login, err := client.Login(ctx)
		assert.NilError(t, err)
		assert.Equal(t, login, "keepgreen[bot]")
	}
	count := func() int {
		return len(slices.DeleteFunc(s.Requests(), func(r string) bool { return !strings.HasSuffix(r, "/access_tokens") }))
	}
	assert.Equal(t, count(), 1)
	assert.NilError(t, s.Sleep(ctx, 56*time.Minute))
	_, err = client.CreateComment(ctx, 1, "an hour later")
	assert.NilError(t, err)
	assert.Equal(t, count(), 2)
	assert.Equal(t, repo.Comments(1)[0].Author, "keepgreen[bot]")
}

func TestAppKeysThatAreNone(t *testing.T) {
	for _, text := range []string{"", "x", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"} {
		_, err := github.ParseAppKey([]byte(text))
		assert.ErrorContains(t, err, "the app's key")
	}
}

func TestCommentsOverAllPages(t *testing.T) {
	_, repo, client := forge(t)
	for i := range 250 {
		repo.AddComment(1, "someone", fmt.Sprintf("comment %d", i))
	}
	made, err := client.CreateComment(ctx, 1, "ours")
	assert.NilError(t, err)
	repo.React(made.ID, "dev", "+1")
	all, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	assert.Equal(t, len(all), 251)
	assert.Equal(t, all[250].Body, "ours")
	assert.DeepEqual(t, all[250].Reactions, map[string]int{"+1": 1})
	edited, err := client.EditComment(ctx, made.ID, "ours again")
	assert.NilError(t, err)
	assert.Equal(t, edited.Body, "ours again")
	who, err := client.Reactions(ctx, made.ID)
	assert.NilError(t, err)
	assert.Equal(t, len(who), 1)
	assert.Equal(t, who[0].Login+" "+who[0].Content, "dev +1")
	assert.NilError(t, client.DeleteComment(ctx, made.ID))
	assert.NilError(t, client.DeleteComment(ctx, made.ID))
	_, err = client.Comment(ctx, made.ID)
	assert.ErrorIs(t, err, github.ErrNotFound)
}

func TestATokenOfAForkMayOnlyRead(t *testing.T) {
	s, repo, _ := forge(t)
	client := s.Client(repo, "fork")
	_, err := client.Comments(ctx, 1)
	assert.NilError(t, err)
	_, err = client.CreateComment(ctx, 1, "hello")
	assert.ErrorIs(t, err, github.ErrForbidden)
	assert.Error(t, err, "comment on #1: GitHub says 403: Resource not accessible by integration")
	_, err = client.PutCheck(ctx, github.Check{Name: "keepgreen", HeadSHA: repo.Head("feature"), Conclusion: "success", Title: "t", Summary: "s"})
	assert.ErrorIs(t, err, github.ErrForbidden)
	repo.Private = true
	s.Token("elsewhere", &githubtest.Actor{Login: "x", Repos: []string{"other/one"}})
	_, err = s.Client(repo, "elsewhere").Comments(ctx, 1)
	assert.ErrorIs(t, err, github.ErrNotFound)
}

func TestTooLongABodyIsRefusedByGitHub(t *testing.T) {
	_, _, client := forge(t)
	_, err := client.CreateComment(ctx, 1, strings.Repeat("x", 65537))
	assert.ErrorIs(t, err, github.ErrInvalid)
	assert.ErrorContains(t, err, "65536 characters")
}

func TestChecksTakeAnyNumberOfAnnotationsAndRepeatNone(t *testing.T) {
	_, repo, client := forge(t)
	check := github.Check{
		Name: "keepgreen", HeadSHA: repo.Head("feature"), Key: "run-1", Conclusion: "failure", Title: "4 failures", Summary: "text",
	}
	for i := range 120 {
		check.Annotations = append(check.Annotations, github.CheckAnnotation{
			Path: "a.py", StartLine: i + 1, Level: "failure", Title: "bang \U0001F4A5", Message: fmt.Sprintf("no %d", i), StartCol: 2, EndCol: 3,
		})
	}
	first, err := client.PutCheck(ctx, check)
	assert.NilError(t, err)
	check.Conclusion, check.Title = "success", "green"
	again, err := client.PutCheck(ctx, check)
	assert.NilError(t, err)
	assert.Equal(t, first, again)
	have := repo.Checks(check.HeadSHA)
	assert.Equal(t, len(have), 1)
	assert.Equal(t, len(have[0].Annotations), 120)
	assert.Equal(t, have[0].Conclusion, "success")
	assert.Equal(t, have[0].Annotations[0].Title, `bang \U0001f4a5`)
}

func TestACheckIsCutToItsLimits(t *testing.T) {
	_, repo, client := forge(t)
	long := strings.Repeat("é\U0001F4A5", 70000)
	_, err := client.PutCheck(ctx, github.Check{
		Name: "keepgreen", HeadSHA: repo.Head("feature"), Conclusion: "neutral", Title: long, Summary: long, Text: long,
		Annotations: []github.CheckAnnotation{{Path: "a.py", Level: "notice", Title: long, Message: long, Raw: long}},
	})
	assert.NilError(t, err)
	assert.Equal(t, len([]rune(repo.Checks(repo.Head("feature"))[0].Summary)), 65535)
}

func TestSARIFArrivesAsItWas(t *testing.T) {
	_, repo, client := forge(t)
	_, err := client.UploadSARIF(ctx, repo.Head("main"), "refs/heads/main", []byte(`{"version":"2.1.0"}`))
	assert.NilError(t, err)
	assert.Equal(t, string(repo.SARIFs()[0].Document), `{"version":"2.1.0"}`)
}

func TestACommitAndItsPullRequestAreMadeOnce(t *testing.T) {
	s, repo, client := forge(t)
	base, err := client.BranchHead(ctx, "main")
	assert.NilError(t, err)
	made, err := client.CreateCommit(ctx, github.NewCommit{Parent: base, Message: "autofix: imports", Files: []github.FileEdit{
		{Path: "new/b.py", Content: []byte("\xff\x00raw")}, {Path: "README.md", Delete: true}, {Path: "run.sh", Content: []byte("#!"), Executable: true},
	}})
	assert.NilError(t, err)
	for range 2 {
		assert.NilError(t, client.CreateBranch(ctx, "autofix-1", made.SHA))
	}
	assert.ErrorIs(t, client.CreateBranch(ctx, "autofix-1", base), github.ErrConflict)
	files := repo.Files("autofix-1")
	assert.DeepEqual(t, files, map[string]string{"new/b.py": "\xff\x00raw", "run.sh": "#!"})
	pull := github.NewPull{Title: "autofix: imports", Body: "b", Head: "autofix-1", Base: "main"}
	p, err := client.CreatePull(ctx, pull)
	assert.NilError(t, err)
	_, err = client.CreatePull(ctx, pull)
	assert.ErrorIs(t, err, github.ErrConflict)
	assert.NilError(t, client.AddLabels(ctx, p.Number, "autofix-bot", "needs-review"))
	assert.NilError(t, client.RemoveLabel(ctx, p.Number, "needs-review"))
	changed, err := client.PullFiles(ctx, p.Number)
	assert.NilError(t, err)
	assert.Equal(t, len(changed), 3)
	found, err := client.PullRequests(ctx, github.PullFilter{Head: "octo:autofix-1"})
	assert.NilError(t, err)
	assert.DeepEqual(t, found[0].Labels, []string{"autofix-bot"})
	assert.ErrorIs(t, client.MoveBranch(ctx, "feature", base), github.ErrConflict)
	data, err := client.File(ctx, "new/b.py", "autofix-1")
	assert.NilError(t, err)
	assert.Equal(t, string(data), "\xff\x00raw")
	repo.MayOpenPulls = false
	repo.Commit("other", "x", map[string]string{"z": "z"})
	_, err = client.CreatePull(ctx, github.NewPull{Title: "t", Head: "other", Base: "main"})
	assert.ErrorIs(t, err, github.ErrForbidden)
	commits, err := client.PullCommits(ctx, p.Number)
	assert.NilError(t, err)
	assert.Equal(t, commits[0].Message, "autofix: imports")
	repo.Merge(p.Number)
	merged, err := client.PullRequest(ctx, p.Number)
	assert.NilError(t, err)
	assert.Assert(t, merged.Merged && merged.MergeCommit == repo.Head("main"))
	assert.NilError(t, client.DeleteBranch(ctx, "autofix-1"))
	_, err = client.BranchHead(ctx, "autofix-1")
	assert.ErrorIs(t, err, github.ErrNotFound)
	assert.Equal(t, s.Client(repo, "person").Repo().Owner, "octo")
}

func TestPullsOfACommitOfAFork(t *testing.T) {
	_, repo, client := forge(t)
	p := repo.ForkPull("stranger", "patch-1", "hello")
	none, err := client.PullsOfCommit(ctx, p.HeadSHA, "", "")
	assert.NilError(t, err)
	assert.Equal(t, len(none), 0)
	found, err := client.PullsOfCommit(ctx, p.HeadSHA, "stranger", "patch-1")
	assert.NilError(t, err)
	assert.Equal(t, found[0].Number, p.Number)
	assert.Assert(t, found[0].Fork(client.Repo()))
	own, err := client.PullsOfCommit(ctx, repo.Head("feature"), "octo", "feature")
	assert.NilError(t, err)
	assert.Assert(t, !own[0].Fork(client.Repo()))
}

func TestSettings(t *testing.T) {
	s, repo, workflow := forge(t)
	repo.Variables["AI_MODEL"], repo.Secrets = "x", []string{"AI_API_KEY"}
	repo.RequiredChecks, repo.RuleChecks = []string{"ci"}, []string{"keepgreen"}
	repo.Workflows = []githubtest.WorkflowFile{{Name: "CI", Path: ".github/workflows/ci.yml", State: "active"}}
	repo.Releases = []githubtest.Release{{Tag: "v1"}, {Tag: "v2", Prerelease: true}}
	repo.Permissions["dev"] = "admin"
	person := s.Client(repo, "person")
	settings, err := person.Settings(ctx)
	assert.NilError(t, err)
	assert.DeepEqual(t, settings, github.Settings{DefaultBranch: "main", Push: true})
	may, err := person.ActionsPermissions(ctx)
	assert.NilError(t, err)
	assert.DeepEqual(t, may, github.ActionsPermissions{Enabled: true, Allowed: "all", TokenPermission: "read", MayOpenPullReqs: true})
	_, err = workflow.ActionsPermissions(ctx)
	assert.ErrorIs(t, err, github.ErrForbidden)
	protection, err := workflow.Protection(ctx, "main")
	assert.NilError(t, err)
	assert.DeepEqual(t, protection, github.Protection{Protected: true, Checks: []string{"ci", "keepgreen"}})
	variables, err := person.Variables(ctx)
	assert.NilError(t, err)
	assert.DeepEqual(t, variables, map[string]string{"AI_MODEL": "x"})
	secrets, err := person.SecretNames(ctx)
	assert.NilError(t, err)
	assert.DeepEqual(t, secrets, []string{"AI_API_KEY"})
	workflows, err := workflow.Workflows(ctx)
	assert.NilError(t, err)
	assert.Equal(t, workflows[0].State, "active")
	latest, err := workflow.LatestRelease(ctx)
	assert.NilError(t, err)
	assert.Equal(t, latest.Tag, "v1")
	releases, err := workflow.Releases(ctx, 1)
	assert.NilError(t, err)
	assert.Equal(t, releases[0].Tag, "v2")
	level, err := person.Permission(ctx, "dev")
	assert.NilError(t, err)
	assert.Equal(t, level, "admin")
	token, err := person.Scopes(ctx)
	assert.NilError(t, err)
	assert.Equal(t, token.Scopes, "repo, workflow")
	assert.Equal(t, token.Limit, 5000)
}

func TestRepositoryNames(t *testing.T) {
	for _, bad := range []string{"", "a", "a/", "/b", "a/b/c", "a/..", "a b/c", "a/b?c", "a/b#c", "a/\u202eb"} {
		_, err := github.ParseRepo(bad)
		assert.ErrorContains(t, err, "OWNER/NAME", bad)
	}
	repo, err := github.ParseRepo("o-1/n_a.me")
	assert.NilError(t, err)
	assert.Equal(t, repo.String(), "o-1/n_a.me")
	for _, bad := range []string{"ftp://x", "api.github.com", "https://u:p@x", "https://x/?q", "://"} {
		_, err := github.New(github.Options{Repo: repo, API: bad})
		assert.ErrorContains(t, err, "address of an API", bad)
	}
}

func TestTheTokenStaysWithTheAPI(t *testing.T) {
	seen := map[string]string{}
	transport := transport(func(r *http.Request) (*http.Response, error) {
		seen[r.URL.Host] = r.Header.Get("Authorization")
		response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
		if r.URL.Host == "api.example.com" {
			response.StatusCode, response.Header = http.StatusFound, http.Header{"Location": {"https://store.example.net/x"}}
		}
		return response, nil
	})
	client, err := github.New(github.Options{Repo: github.Repo{Owner: "o", Name: "n"}, API: "https://api.example.com", Token: "secret", Transport: transport})
	assert.NilError(t, err)
	_, _ = client.Settings(ctx) // whatever the answer is
	assert.DeepEqual(t, seen, map[string]string{"api.example.com": "Bearer secret", "store.example.net": ""})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestErrorsKeepTheirKind(t *testing.T) {
	s, _, client := forge(t)
	s.Fail(githubtest.Fault{Method: "GET", Path: "/comments", Status: 503, Times: 9})
	_, err := client.Comments(ctx, 1)
	assert.ErrorIs(t, err, github.ErrUnavailable)
	var said *github.Error
	assert.Assert(t, errors.As(err, &said) && said.Status == 503)
}
