package github

import (
	"context"
	"time"

	gh "github.com/google/go-github/v92/github"
)

// Settings are what decides whether our workflow can do its work.
type Settings struct {
	DefaultBranch string
	Private       bool
	Fork          bool
	Archived      bool
	Push          bool // the token may write
}

// Settings reads the repository's settings.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	r, _, err := c.api.Repositories.Get(ctx, c.repo.Owner, c.repo.Name)
	if err != nil {
		return Settings{}, did(err, "read %s", c.repo)
	}
	return Settings{
		DefaultBranch: r.GetDefaultBranch(), Private: r.GetPrivate(), Fork: r.GetFork(), Archived: r.GetArchived(), Push: r.GetPermissions().GetPush(),
	}, nil
}

// ActionsPermissions are what Actions may do in the repository. Reading them
// needs administration rights, which GITHUB_TOKEN does not have.
type ActionsPermissions struct {
	Enabled         bool
	Allowed         string // "all", "local_only", "selected"
	TokenPermission string // of GITHUB_TOKEN where a workflow asks for nothing: "read" or "write"
	MayOpenPullReqs bool
}

// ActionsPermissions reads what Actions may do.
func (c *Client) ActionsPermissions(ctx context.Context) (ActionsPermissions, error) {
	p, _, err := c.api.Repositories.GetActionsPermissions(ctx, c.repo.Owner, c.repo.Name)
	if err != nil {
		return ActionsPermissions{}, did(err, "read the permissions of Actions")
	}
	w, _, err := c.api.Repositories.GetDefaultWorkflowPermissions(ctx, c.repo.Owner, c.repo.Name)
	if err != nil {
		return ActionsPermissions{}, did(err, "read the permissions of workflows")
	}
	return ActionsPermissions{
		Enabled: p.GetEnabled(), Allowed: p.GetAllowedActions(),
		TokenPermission: w.GetDefaultWorkflowPermissions(), MayOpenPullReqs: w.GetCanApprovePullRequestReviews(),
	}, nil
}

// Protection is how a branch is protected.
type Protection struct {
	Protected bool
	Checks    []string // that must be green
}

// Protection reads what any token may know of a branch's protection: that of
// the classic kind and that of rulesets.
func (c *Client) Protection(ctx context.Context, branch string) (Protection, error) {
	b, _, err := c.api.Repositories.GetBranch(ctx, c.repo.Owner, c.repo.Name, branch, 3)
	if err != nil {
		return Protection{}, did(err, "read branch %s", branch)
	}
	out := Protection{Protected: b.GetProtected()}
	if checks := b.GetProtection().GetRequiredStatusChecks(); checks != nil && checks.Contexts != nil {
		out.Checks = *checks.Contexts
	}
	rules, _, err := c.api.Repositories.ListRulesForBranch(ctx, c.repo.Owner, c.repo.Name, branch, nil)
	if err != nil {
		return out, did(err, "read the rules of branch %s", branch)
	}
	for _, rule := range rules.RequiredStatusChecks {
		out.Protected = true
		for _, check := range rule.Parameters.RequiredStatusChecks {
			out.Checks = append(out.Checks, check.Context)
		}
	}
	return out, nil
}

// Workflow is one workflow file.
type Workflow struct {
	ID                int64
	Name, Path, State string // State "active", "disabled_manually", "disabled_inactivity" …
}

// Workflows lists the workflow files that GitHub knows.
func (c *Client) Workflows(ctx context.Context) ([]Workflow, error) {
	var out []Workflow
	for w, err := range c.api.Actions.ListWorkflowsIter(ctx, c.repo.Owner, c.repo.Name, &gh.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, did(err, "list workflows")
		}
		out = append(out, Workflow{w.GetID(), w.GetName(), w.GetPath(), w.GetState()})
	}
	return out, nil
}

// Variables reads the repository's variables.
func (c *Client) Variables(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for v, err := range c.api.Actions.ListRepoVariablesIter(ctx, c.repo.Owner, c.repo.Name, &gh.ListOptions{PerPage: 30}) {
		if err != nil {
			return nil, did(err, "list variables")
		}
		out[v.Name] = v.Value
	}
	return out, nil
}

// SecretNames lists the names of the repository's secrets; nobody can read
// their values.
func (c *Client) SecretNames(ctx context.Context) ([]string, error) {
	var out []string
	for s, err := range c.api.Actions.ListRepoSecretsIter(ctx, c.repo.Owner, c.repo.Name, &gh.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, did(err, "list secrets")
		}
		out = append(out, s.Name)
	}
	return out, nil
}

// Release is one published version.
type Release struct {
	Tag, Name  string
	Draft      bool
	Prerelease bool
	Published  time.Time
}

func releaseOf(r *gh.RepositoryRelease) Release {
	return Release{r.GetTagName(), r.GetName(), r.GetDraft(), r.GetPrerelease(), r.GetPublishedAt().Time}
}

// LatestRelease is the newest release that is neither draft nor prerelease.
func (c *Client) LatestRelease(ctx context.Context) (Release, error) {
	r, _, err := c.api.Repositories.GetLatestRelease(ctx, c.repo.Owner, c.repo.Name)
	if err != nil {
		return Release{}, did(err, "read the latest release")
	}
	return releaseOf(r), nil
}

// Releases lists releases, newest first, at most limit; 0: all.
func (c *Client) Releases(ctx context.Context, limit int) ([]Release, error) {
	var out []Release
	for r, err := range c.api.Repositories.ListReleasesIter(ctx, c.repo.Owner, c.repo.Name, &gh.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, did(err, "list releases")
		}
		out = append(out, releaseOf(r))
		if len(out) == limit {
			break
		}
	}
	return out, nil
}

// Permission is what a person may do here: "admin", "write", "read", "none".
func (c *Client) Permission(ctx context.Context, login string) (string, error) {
	p, _, err := c.api.Repositories.GetPermissionLevel(ctx, c.repo.Owner, c.repo.Name, login)
	if err != nil {
		return "", did(err, "read the permission of %s", login)
	}
	return p.GetPermission(), nil
}

// Token is what GitHub says of the token itself.
type Token struct {
	Scopes           string // of a classic token: "repo, workflow"; apps' tokens have none
	Limit, Remaining int    // requests an hour
	Reset            time.Time
}

// Scopes asks for nothing but the token itself; the question is free.
func (c *Client) Scopes(ctx context.Context) (Token, error) {
	limits, response, err := c.api.RateLimit.Get(ctx)
	if err != nil {
		return Token{}, did(err, "read the rate limit")
	}
	core := limits.GetCore()
	return Token{Scopes: response.Header.Get("X-OAuth-Scopes"), Limit: core.Limit, Remaining: core.Remaining, Reset: core.Reset.Time}, nil
}
