package github

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	gh "github.com/google/go-github/v92/github"
)

// Commit is one commit.
type Commit struct {
	SHA, Message string
	Author       string // login, or the name where GitHub knows no account
	Email        string
	Time         time.Time
	Parents      []string
	Tree         string
}

func commitOf(c *gh.RepositoryCommit) Commit {
	out := Commit{
		SHA: c.GetSHA(), Message: c.GetCommit().GetMessage(), Author: c.GetAuthor().GetLogin(), Email: c.GetCommit().GetAuthor().GetEmail(),
		Time: c.GetCommit().GetCommitter().GetDate().Time, Tree: c.GetCommit().GetTree().GetSHA(),
	}
	if out.Author == "" {
		out.Author = c.GetCommit().GetAuthor().GetName()
	}
	for _, p := range c.Parents {
		out.Parents = append(out.Parents, p.GetSHA())
	}
	return out
}

// Commit reads one commit by its SHA, branch or tag.
func (c *Client) Commit(ctx context.Context, ref string) (Commit, error) {
	one, _, err := c.api.Repositories.GetCommit(ctx, c.repo.Owner, c.repo.Name, ref, nil)
	if err != nil {
		return Commit{}, did(err, "read commit %s", ref)
	}
	return commitOf(one), nil
}

// BranchHead is the commit that a branch points at.
func (c *Client) BranchHead(ctx context.Context, branch string) (string, error) {
	ref, _, err := c.api.Git.GetRef(ctx, c.repo.Owner, c.repo.Name, "heads/"+branch)
	if err != nil {
		return "", did(err, "read branch %s", branch)
	}
	return ref.GetObject().GetSHA(), nil
}

// CreateBranch makes a branch at a commit. One that is there already at the
// same commit is no error; at another one, the error is ErrConflict.
func (c *Client) CreateBranch(ctx context.Context, branch, sha string) error {
	_, _, err := c.api.Git.CreateRef(ctx, c.repo.Owner, c.repo.Name, gh.CreateRef{Ref: "refs/heads/" + branch, SHA: sha})
	err = did(err, "create branch %s", branch)
	if errors.Is(err, ErrConflict) {
		if head, readErr := c.BranchHead(ctx, branch); readErr == nil && head == sha {
			return nil
		}
	}
	return err
}

// MoveBranch moves a branch forward to a commit, and never otherwise.
func (c *Client) MoveBranch(ctx context.Context, branch, sha string) error {
	_, _, err := c.api.Git.UpdateRef(ctx, c.repo.Owner, c.repo.Name, "heads/"+branch, gh.UpdateRef{SHA: sha, Force: new(false)})
	return did(err, "move branch %s", branch)
}

// DeleteBranch removes a branch.
func (c *Client) DeleteBranch(ctx context.Context, branch string) error {
	_, err := c.api.Git.DeleteRef(ctx, c.repo.Owner, c.repo.Name, "heads/"+branch)
	return did(err, "delete branch %s", branch)
}

// FileEdit is one file of a commit to be made.
type FileEdit struct {
	Path       string
	Content    []byte
	Executable bool
	Delete     bool
}

// NewCommit is a commit to be made.
type NewCommit struct {
	Parent      string // SHA
	Message     string
	Name, Email string // of the author; empty: the token's owner, whose commits GitHub signs
	Files       []FileEdit
}

// CreateCommit makes a commit of a parent's tree with files changed. No branch
// points at it yet.
func (c *Client) CreateCommit(ctx context.Context, n NewCommit) (Commit, error) {
	parent, _, err := c.api.Git.GetCommit(ctx, c.repo.Owner, c.repo.Name, n.Parent)
	if err != nil {
		return Commit{}, did(err, "read commit %s", n.Parent)
	}
	entries, err := c.entries(ctx, n.Files)
	if err != nil {
		return Commit{}, err
	}
	tree, _, err := c.api.Git.CreateTree(ctx, c.repo.Owner, c.repo.Name, parent.GetTree().GetSHA(), entries)
	if err != nil {
		return Commit{}, did(err, "create a tree")
	}
	commit := gh.Commit{Message: new(n.Message), Tree: tree, Parents: []*gh.Commit{{SHA: new(n.Parent)}}}
	if n.Name != "" {
		commit.Author = &gh.CommitAuthor{Name: new(n.Name), Email: new(n.Email)}
	}
	made, _, err := c.api.Git.CreateCommit(ctx, c.repo.Owner, c.repo.Name, commit, nil)
	if err != nil {
		return Commit{}, did(err, "create a commit")
	}
	return Commit{
		SHA: made.GetSHA(), Message: made.GetMessage(), Author: made.GetAuthor().GetName(), Email: made.GetAuthor().GetEmail(),
		Time: made.GetCommitter().GetDate().Time, Parents: []string{n.Parent}, Tree: tree.GetSHA(),
	}, nil
}

// entries stores the files as blobs, which keep any bytes as they are.
func (c *Client) entries(ctx context.Context, files []FileEdit) ([]*gh.TreeEntry, error) {
	var out []*gh.TreeEntry
	for _, f := range files {
		entry := &gh.TreeEntry{Path: new(f.Path), Mode: new("100644"), Type: new("blob")}
		if f.Executable {
			entry.Mode = new("100755")
		}
		if !f.Delete {
			blob, err := c.createBlob(ctx, f.Content)
			if err != nil {
				return nil, err
			}
			entry.SHA = new(blob)
		}
		out = append(out, entry)
	}
	return out, nil
}

func (c *Client) createBlob(ctx context.Context, content []byte) (string, error) {
	blob, _, err := c.api.Git.CreateBlob(ctx, c.repo.Owner, c.repo.Name, gh.Blob{
		Content: new(base64.StdEncoding.EncodeToString(content)), Encoding: new("base64"),
	})
	if err != nil {
		return "", did(err, "store a file")
	}
	return blob.GetSHA(), nil
}

// File reads a file at a branch, tag or commit; "" is the default branch. More
// than a megabyte comes through another endpoint and is not read.
func (c *Client) File(ctx context.Context, path, ref string) ([]byte, error) {
	file, _, _, err := c.api.Repositories.GetContents(ctx, c.repo.Owner, c.repo.Name, path, &gh.RepositoryContentGetOptions{Ref: ref})
	if err != nil {
		return nil, did(err, "read %s", path)
	}
	if file == nil {
		return nil, &Error{What: "read " + path, Status: 200, Message: "it is a directory", kind: ErrNotFound}
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, did(err, "read %s", path)
	}
	return []byte(text), nil
}
