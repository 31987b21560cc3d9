package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	gh "github.com/google/go-github/v92/github"
)

// Comment is one comment on an issue or pull request.
type Comment struct {
	ID               int64
	Author           string
	Bot              bool
	Body             string
	URL              string
	Created, Updated time.Time
	Reactions        map[string]int // "+1", "-1", "heart" … by count; without those that nobody gave
}

func commentOf(c *gh.IssueComment) Comment {
	out := Comment{
		ID: c.GetID(), Author: c.GetUser().GetLogin(), Bot: c.GetUser().GetType() == "Bot", Body: c.GetBody(), URL: c.GetHTMLURL(),
		Created: c.GetCreatedAt().Time, Updated: c.GetUpdatedAt().Time, Reactions: map[string]int{},
	}
	r := c.GetReactions()
	for name, n := range map[string]int{
		"+1": r.GetPlusOne(), "-1": r.GetMinusOne(), "laugh": r.GetLaugh(), "confused": r.GetConfused(),
		"heart": r.GetHeart(), "hooray": r.GetHooray(), "eyes": r.GetEyes(), "rocket": r.GetRocket(),
	} {
		if n > 0 {
			out.Reactions[name] = n
		}
	}
	return out
}

// Comments lists all comments of an issue or pull request, oldest first.
func (c *Client) Comments(ctx context.Context, number int) ([]Comment, error) {
	return c.commentsSince(ctx, number, time.Time{})
}

// commentsSince lists the comments that were written or edited since a time.
func (c *Client) commentsSince(ctx context.Context, number int, since time.Time) ([]Comment, error) {
	var out []Comment
	options := &gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{PerPage: 100}}
	if !since.IsZero() {
		options.Since = &since
	}
	for one, err := range c.api.Issues.ListCommentsIter(ctx, c.repo.Owner, c.repo.Name, number, options) {
		if err != nil {
			return nil, did(err, "list the comments of #%d", number)
		}
		out = append(out, commentOf(one))
	}
	return out, nil
}

// Comment reads one comment.
func (c *Client) Comment(ctx context.Context, id int64) (Comment, error) {
	one, _, err := c.api.Issues.GetComment(ctx, c.repo.Owner, c.repo.Name, id)
	if err != nil {
		return Comment{}, did(err, "read comment %d", id)
	}
	return commentOf(one), nil
}

// CreateComment comments on an issue or pull request.
func (c *Client) CreateComment(ctx context.Context, number int, body string) (Comment, error) {
	one, _, err := c.api.Issues.CreateComment(ctx, c.repo.Owner, c.repo.Name, number, gh.IssueCommentRequest{Body: body})
	if err != nil {
		return Comment{}, did(err, "comment on #%d", number)
	}
	return commentOf(one), nil
}

// EditComment replaces the text of a comment; nobody is notified.
func (c *Client) EditComment(ctx context.Context, id int64, body string) (Comment, error) {
	one, _, err := c.api.Issues.UpdateComment(ctx, c.repo.Owner, c.repo.Name, id, gh.IssueCommentRequest{Body: body})
	if err != nil {
		return Comment{}, did(err, "edit comment %d", id)
	}
	return commentOf(one), nil
}

// DeleteComment removes a comment; one that is gone already is no error.
func (c *Client) DeleteComment(ctx context.Context, id int64) error {
	response, err := c.api.Issues.DeleteComment(ctx, c.repo.Owner, c.repo.Name, id)
	if response != nil && response.StatusCode == http.StatusNotFound {
		return nil
	}
	return did(err, "delete comment %d", id)
}

// Reaction is one reaction to a comment.
type Reaction struct {
	ID      int64
	Login   string
	Content string // "+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket"
	Created time.Time
}

func reactionOf(r *gh.Reaction) Reaction {
	return Reaction{r.GetID(), r.GetUser().GetLogin(), r.GetContent(), r.GetCreatedAt().Time}
}

// Reactions lists who reacted to a comment, and how.
func (c *Client) Reactions(ctx context.Context, comment int64) ([]Reaction, error) {
	var out []Reaction
	options := &gh.ListReactionOptions{ListOptions: gh.ListOptions{PerPage: 100}}
	for one, err := range c.api.Reactions.ListIssueCommentReactionsIter(ctx, c.repo.Owner, c.repo.Name, comment, options) {
		if err != nil {
			return nil, did(err, "list the reactions to comment %d", comment)
		}
		out = append(out, reactionOf(one))
	}
	return out, nil
}

// React reacts to a comment. first is false where we had reacted so already:
// GitHub makes sure that of several at once exactly one is the first.
func (c *Client) React(ctx context.Context, comment int64, content string) (r Reaction, first bool, err error) {
	made, response, err := c.api.Reactions.CreateIssueCommentReaction(ctx, c.repo.Owner, c.repo.Name, comment, content)
	if err != nil {
		return Reaction{}, false, did(err, "react to comment %d", comment)
	}
	return reactionOf(made), response.StatusCode == http.StatusCreated, nil
}

// Unreact takes a reaction back; one that is gone already is no error.
func (c *Client) Unreact(ctx context.Context, comment, reaction int64) error {
	response, err := c.api.Reactions.DeleteIssueCommentReaction(ctx, c.repo.Owner, c.repo.Name, comment, reaction)
	if response != nil && response.StatusCode == http.StatusNotFound {
		return nil
	}
	return did(err, "take a reaction to comment %d back", comment)
}

// Login is whose token the client has. REST has no answer for an app's token,
// GITHUB_TOKEN included; GraphQL's viewer has one for every token.
func (c *Client) Login(ctx context.Context) (string, error) {
	request, err := c.api.NewRequest(ctx, http.MethodPost, c.graphql, map[string]string{"query": "query{viewer{login}}"})
	if err != nil {
		return "", fmt.Errorf("ask who we are: %w", err)
	}
	var answer struct {
		Data struct {
			Viewer struct {
				Login string `json:"login"`
			} `json:"viewer"`
		} `json:"data"`
	}
	if _, err := c.api.Do(request, &answer); err != nil {
		return "", did(err, "ask who we are")
	}
	if answer.Data.Viewer.Login == "" {
		return "", &Error{What: "ask who we are", Status: http.StatusOK, Message: "no login in the answer", kind: ErrUnauthorized}
	}
	return answer.Data.Viewer.Login, nil
}

// SameLogin compares logins as GitHub does; an app's may lack its "[bot]".
func SameLogin(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "[bot]"), strings.TrimSuffix(b, "[bot]"))
}
