package github

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gh "github.com/google/go-github/v92/github"
)

// PullRequest is one pull request.
type PullRequest struct {
	Number           int
	Title, Body      string
	Author           string
	State            string // "open" or "closed"
	Draft            bool
	Merged           bool
	Created, Closed  time.Time // Closed is zero while it is open
	MergedAt         time.Time
	MergeCommit      string // once merged
	HeadRef, HeadSHA string
	HeadRepo         string // "owner/name"; empty: the fork is gone
	BaseRef, BaseSHA string
	Labels           []string
	Commits          int // 0 in lists
	URL              string
	NodeID           string
}

// Fork reports whether the pull request comes from another repository, so that
// its workflows have no secrets and its files are a stranger's.
func (p PullRequest) Fork(repo Repo) bool { return p.HeadRepo != repo.String() }

func pullOf(p *gh.PullRequest) PullRequest {
	out := PullRequest{
		Number: p.GetNumber(), Title: p.GetTitle(), Body: p.GetBody(), Author: p.GetUser().GetLogin(), State: p.GetState(), Draft: p.GetDraft(),
		Merged: p.GetMerged() || p.MergedAt != nil, Created: p.GetCreatedAt().Time, Closed: p.GetClosedAt().Time, MergedAt: p.GetMergedAt().Time,
		HeadRef: p.GetHead().GetRef(), HeadSHA: p.GetHead().GetSHA(), HeadRepo: p.GetHead().GetRepo().GetFullName(),
		BaseRef: p.GetBase().GetRef(), BaseSHA: p.GetBase().GetSHA(), Commits: p.GetCommits(), URL: p.GetHTMLURL(), NodeID: p.GetNodeID(),
	}
	if out.Merged {
		out.MergeCommit = p.GetMergeCommitSHA()
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.GetName())
	}
	return out
}

// PullRequest reads one pull request.
func (c *Client) PullRequest(ctx context.Context, number int) (PullRequest, error) {
	p, _, err := c.api.PullRequests.Get(ctx, c.repo.Owner, c.repo.Name, number)
	if err != nil {
		return PullRequest{}, did(err, "read pull request #%d", number)
	}
	return pullOf(p), nil
}

// PullFilter chooses pull requests. The zero value chooses the open ones.
type PullFilter struct {
	State string // "open", "closed", "all"; empty: "open"
	Head  string // "owner:branch"
	Base  string // branch
	Limit int    // most to list, newest first; 0: all
}

// PullRequests lists pull requests, newest first.
func (c *Client) PullRequests(ctx context.Context, f PullFilter) ([]PullRequest, error) {
	var out []PullRequest
	options := &gh.PullRequestListOptions{State: f.State, Head: f.Head, Base: f.Base, ListOptions: gh.ListOptions{PerPage: 100}}
	for one, err := range c.api.PullRequests.ListIter(ctx, c.repo.Owner, c.repo.Name, options) {
		if err != nil {
			return nil, did(err, "list pull requests")
		}
		out = append(out, pullOf(one))
		if len(out) == f.Limit {
			break
		}
	}
	return out, nil
}

// PullsOfCommit lists the pull requests whose head a commit is. GitHub names
// only those of the repository's own branches here, so forks are looked for
// among the open ones by their head.
func (c *Client) PullsOfCommit(ctx context.Context, sha, headOwner, headBranch string) ([]PullRequest, error) {
	options := &gh.ListOptions{PerPage: 100}
	listed, _, err := c.api.PullRequests.ListPullRequestsWithCommit(ctx, c.repo.Owner, c.repo.Name, sha, options)
	if err != nil {
		if err := did(err, "list the pull requests of %s", sha); headOwner == "" {
			return nil, err
		}
	}
	var out []PullRequest
	for _, p := range listed {
		if one := pullOf(p); one.HeadSHA == sha {
			out = append(out, one)
		}
	}
	if len(out) > 0 || headOwner == "" || headBranch == "" {
		return out, nil
	}
	open, err := c.PullRequests(ctx, PullFilter{State: "all", Head: headOwner + ":" + headBranch, Limit: 100})
	if err != nil {
		return nil, err
	}
	for _, p := range open {
		if p.HeadSHA == sha {
			out = append(out, p)
		}
	}
	return out, nil
}

// NewPull is a pull request to be opened.
type NewPull struct {
	Title, Body string
	Head, Base  string // branches of this repository
	Draft       bool
}

// CreatePull opens a pull request.
func (c *Client) CreatePull(ctx context.Context, p NewPull) (PullRequest, error) {
	made, _, err := c.api.PullRequests.Create(ctx, c.repo.Owner, c.repo.Name, gh.CreatePullRequest{
		Title: new(p.Title), Head: p.Head, Base: p.Base, Body: new(p.Body), Draft: new(p.Draft),
	})
	if err != nil {
		return PullRequest{}, did(err, "open a pull request from %s", p.Head)
	}
	return pullOf(made), nil
}

// EditPull replaces title and body of a pull request; empty ones stay.
func (c *Client) EditPull(ctx context.Context, number int, title, body string) (PullRequest, error) {
	edit := &gh.PullRequest{}
	if title != "" {
		edit.Title = new(title)
	}
	if body != "" {
		edit.Body = new(body)
	}
	p, _, err := c.api.PullRequests.Edit(ctx, c.repo.Owner, c.repo.Name, number, edit)
	if err != nil {
		return PullRequest{}, did(err, "edit pull request #%d", number)
	}
	return pullOf(p), nil
}

// PullCommits lists the commits of a pull request, oldest first; GitHub names
// 250 at most.
func (c *Client) PullCommits(ctx context.Context, number int) ([]Commit, error) {
	var out []Commit
	options := &gh.ListOptions{PerPage: 100}
	for one, err := range c.api.PullRequests.ListCommitsIter(ctx, c.repo.Owner, c.repo.Name, number, options) {
		if err != nil {
			return nil, did(err, "list the commits of #%d", number)
		}
		out = append(out, commitOf(one))
	}
	return out, nil
}

// PullFile is one file that a pull request changes.
type PullFile struct {
	Path, Was string // Was: its name before a renaming
	Status    string // "added", "modified", "removed", "renamed" …
	Patch     string // unified diff without a header; empty where it is large or binary
}

// PullFiles lists the files that a pull request changes; GitHub names 3,000 at
// most.
func (c *Client) PullFiles(ctx context.Context, number int) ([]PullFile, error) {
	var out []PullFile
	options := &gh.ListOptions{PerPage: 100}
	for f, err := range c.api.PullRequests.ListFilesIter(ctx, c.repo.Owner, c.repo.Name, number, options) {
		if err != nil {
			return nil, did(err, "list the files of #%d", number)
		}
		out = append(out, PullFile{f.GetFilename(), f.GetPreviousFilename(), f.GetStatus(), f.GetPatch()})
	}
	return out, nil
}

// AddLabels puts labels on an issue or pull request; those that the repository
// does not have are made, those that are there stay.
func (c *Client) AddLabels(ctx context.Context, number int, labels ...string) error {
	// The library sends a bare list, which GitHub's description does not know.
	address := fmt.Sprintf("repos/%s/%s/issues/%d/labels", c.repo.Owner, c.repo.Name, number)
	request, err := c.api.NewRequest(ctx, http.MethodPost, address, map[string][]string{"labels": labels})
	if err != nil {
		return did(err, "label #%d", number)
	}
	_, err = c.api.Do(request, nil)
	return did(err, "label #%d", number)
}

// RemoveLabel takes a label off an issue or pull request.
func (c *Client) RemoveLabel(ctx context.Context, number int, label string) error {
	_, err := c.api.Issues.RemoveLabelForIssue(ctx, c.repo.Owner, c.repo.Name, number, label)
	return did(err, "remove a label of #%d", number)
}
