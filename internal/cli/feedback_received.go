package cli

import (
	"context"
	"fmt"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/feedback"
	"keepgreen/internal/github"
)

// receptionDoc is how people took one comment, as a document.
type receptionDoc struct {
	Repo      string         `json:"repository"`
	Pull      int            `json:"pull_request"`
	Comment   int64          `json:"comment_id"`
	Run       int64          `json:"run"`
	Commit    string         `json:"commit"`
	Posted    string         `json:"posted_at"`
	Reactions map[string]int `json:"reactions"`
	Replies   []replyDoc     `json:"replies"`
}

type replyDoc struct {
	Login string `json:"login"`
	Text  string `json:"text"`
	Time  string `json:"at"`
}

// received tells how people took our comments on the pull request.
func (c *feedbackCommand) received(s *session, about *pullPlace) error {
	if about.pull == 0 {
		return usagef("--pr N says which", "which pull request is not known")
	}
	all, err := receptions(s.ctx, about.client, about.pull)
	if err != nil {
		return forgeError(err)
	}
	if s.Format == "json" {
		docs := []receptionDoc{}
		for _, r := range all {
			docs = append(docs, receptionOf(r))
		}
		return writeJSON(s.Stdout, map[string]any{"comments": docs})
	}
	for _, r := range all {
		counts := receptionOf(r).Reactions
		fmt.Fprintf(s.Stdout, "comment %d of run %d: 👍 %d, 👎 %d, %s\n", r.Comment, r.Run, counts["+1"], counts["-1"], plural(len(r.Replies), "reply", "replies"))
	}
	if len(all) == 0 {
		fmt.Fprintln(s.Stdout, "no comment of ours")
	}
	return nil
}

func receptionOf(r ci.Reception) receptionDoc {
	doc := receptionDoc{
		Repo: r.Repo, Pull: r.Pull, Comment: r.Comment, Run: r.Run, Commit: r.Commit, Posted: r.Posted.UTC().Format(time.RFC3339),
		Reactions: map[string]int{}, Replies: []replyDoc{},
	}
	for _, one := range r.Reactions {
		doc.Reactions[one.Content]++
	}
	for _, one := range r.Replies {
		doc.Replies = append(doc.Replies, replyDoc{one.Login, one.Text, one.Time.UTC().Format(time.RFC3339)})
	}
	return doc
}

// receptions reads how people took our comments on a pull request: reactions of
// others than us, and what they wrote back.
func receptions(ctx context.Context, client *github.Client, pull int) ([]ci.Reception, error) {
	login, err := client.Login(ctx)
	if err != nil {
		return nil, err
	}
	all, err := client.Comments(ctx, pull)
	if err != nil {
		return nil, err
	}
	var others []ci.Reply
	for _, one := range all {
		if !github.SameLogin(one.Author, login) && !one.Bot {
			others = append(others, ci.Reply{Login: one.Author, Text: one.Body, Time: one.Created})
		}
	}
	var out []ci.Reception
	for _, one := range all {
		marker, ours := feedback.ParseMarker(one.Body)
		if !ours || !github.SameLogin(one.Author, login) {
			continue
		}
		r := ci.Reception{Repo: client.Repo().String(), Pull: pull, Comment: one.ID, Run: marker.Run, Commit: marker.SHA, Posted: one.Created}
		r.Replies = feedback.Replies(one.Body, login, one.Created, others)
		reactions, err := client.Reactions(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		for _, reaction := range reactions {
			if !github.SameLogin(reaction.Login, login) { // ours is the lock
				r.Reactions = append(r.Reactions, ci.Reaction{Login: reaction.Login, Content: reaction.Content})
			}
		}
		out = append(out, r)
	}
	return out, nil
}
