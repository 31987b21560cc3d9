package githubtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Comment is a comment on a pull request.
type Comment struct {
	ID               int64
	Author           string
	Bot              bool
	Body             string
	Created, Updated time.Time
	Reactions        []Reaction

	issue int
	since int // the request that made it: lists show it later
}

// Reaction is somebody's reaction to a comment.
type Reaction struct {
	Login, Content string

	id      int64
	created time.Time
}

// AddComment puts somebody's comment on a pull request.
func (r *Repo) AddComment(number int, author, body string) int64 {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	c := r.addComment(number, &Actor{Login: author, Bot: strings.HasSuffix(author, "[bot]")}, body)
	c.since = -r.s.Lag - 1
	return c.ID
}

func (r *Repo) addComment(number int, by *Actor, body string) *Comment {
	c := &Comment{
		ID: r.s.id(), Author: by.Login, Bot: by.Bot, Body: body, Created: r.s.now, Updated: r.s.now, issue: number, since: len(r.s.requests),
	}
	r.comments = append(r.comments, c)
	return c
}

// React adds a reaction to a comment.
func (r *Repo) React(comment int64, login, content string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if c := r.findComment(comment); c != nil {
		c.Reactions = append(c.Reactions, Reaction{login, content, r.s.id(), r.s.now})
	}
}

// Comments are the comments on a pull request, oldest first.
func (r *Repo) Comments(number int) []Comment {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []Comment
	for _, c := range r.comments {
		if c.issue == number {
			out = append(out, *c)
		}
	}
	return out
}

func (r *Repo) findComment(id int64) *Comment {
	for _, c := range r.comments {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func userDoc(login string, bot bool) map[string]any {
	kind := "User"
	if bot {
		kind = "Bot"
	}
	return map[string]any{"login": login, "id": len(login), "type": kind}
}

func (r *request) commentDoc(c *Comment) map[string]any {
	rollup := map[string]any{"total_count": len(c.Reactions)}
	for _, one := range []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket"} {
		rollup[one] = 0
	}
	for _, one := range c.Reactions {
		n, _ := rollup[one.Content].(int) // set above
		rollup[one.Content] = n + 1
	}
	return map[string]any{
		"id": c.ID, "body": c.Body, "user": userDoc(c.Author, c.Bot), "created_at": stamp(c.Created), "updated_at": stamp(c.Updated),
		"html_url": r.link("/pull/%d#issuecomment-%d", c.issue, c.ID), "reactions": rollup,
	}
}

func (r *request) comments() reply {
	number := int(r.number("issue_number"))
	if r.repo.pullRequests[number] == nil {
		return notFound()
	}
	since, _ := time.Parse(time.RFC3339, r.URL.Query().Get("since")) // the description says that it is one
	var out []map[string]any
	for _, c := range r.repo.comments {
		if c.issue == number && len(r.s.requests) > c.since+r.s.Lag && !c.Updated.Before(since) {
			out = append(out, r.commentDoc(c))
		}
	}
	return list(r, out)
}

func (r *request) createComment() reply {
	number, body := int(r.number("issue_number")), r.text("body")
	if r.repo.pullRequests[number] == nil {
		return notFound()
	}
	if refused := r.body("IssueComment", body); refused != nil {
		return *refused
	}
	return created(r.commentDoc(r.repo.addComment(number, r.actor, body)))
}

func (r *request) body(resource, text string) *reply {
	if strings.TrimSpace(text) == "" {
		no := invalid(resource, "body", "missing_field", "")
		return &no
	}
	return tooLong(resource, text)
}

func (r *request) comment() reply {
	c := r.repo.findComment(r.number("comment_id"))
	if c == nil {
		return notFound()
	}
	return ok(r.commentDoc(c))
}

func (r *request) editComment() reply {
	c := r.repo.findComment(r.number("comment_id"))
	if c == nil {
		return notFound()
	}
	if refused := r.others(c); refused != nil {
		return *refused
	}
	body := r.text("body")
	if refused := r.body("IssueComment", body); refused != nil {
		return *refused
	}
	c.Body, c.Updated = body, r.s.now
	return ok(r.commentDoc(c))
}

// others refuses an app to change what somebody else wrote.
func (r *request) others(c *Comment) *reply {
	if !r.actor.Bot || r.actor.Login == c.Author {
		return nil
	}
	no := problem(http.StatusForbidden, "Resource not accessible by integration")
	return &no
}

func (r *request) deleteComment() reply {
	c := r.repo.findComment(r.number("comment_id"))
	if c == nil {
		return notFound()
	}
	if refused := r.others(c); refused != nil {
		return *refused
	}
	r.repo.comments = slices.DeleteFunc(r.repo.comments, func(one *Comment) bool { return one == c })
	return noContent()
}

func (r *request) reactions() reply {
	c := r.repo.findComment(r.number("comment_id"))
	if c == nil {
		return notFound()
	}
	var out []map[string]any
	for _, one := range c.Reactions {
		out = append(out, reactionDoc(one))
	}
	return list(r, out)
}

func reactionDoc(one Reaction) map[string]any {
	return map[string]any{"id": one.id, "content": one.Content, "user": userDoc(one.Login, strings.HasSuffix(one.Login, "[bot]")), "created_at": stamp(one.created)}
}

// addReaction answers 200 and not 201 where the same account has reacted so
// before: of several at once, one is the first.
func (r *request) addReaction() reply {
	c := r.repo.findComment(r.number("comment_id"))
	if c == nil {
		return notFound()
	}
	for _, one := range c.Reactions {
		if one.Login == r.actor.Login && one.Content == r.text("content") {
			return ok(reactionDoc(one))
		}
	}
	one := Reaction{r.actor.Login, r.text("content"), r.s.id(), r.s.now}
	c.Reactions = append(c.Reactions, one)
	return created(reactionDoc(one))
}

func (r *request) removeReaction() reply {
	c := r.repo.findComment(r.number("comment_id"))
	if c == nil {
		return notFound()
	}
	kept := slices.DeleteFunc(slices.Clone(c.Reactions), func(one Reaction) bool { return one.id == r.number("reaction_id") })
	if len(kept) == len(c.Reactions) {
		return notFound()
	}
	c.Reactions = kept
	return noContent()
}

func labelDocs(labels []string) []map[string]any {
	out := []map[string]any{}
	for i, l := range labels {
		out = append(out, map[string]any{"id": i + 1, "name": l, "color": "ededed"})
	}
	return out
}

func (r *request) addLabels() reply {
	p := r.repo.pullRequests[int(r.number("issue_number"))]
	if p == nil {
		return notFound()
	}
	var sent any
	r.decode(&sent)
	names, _ := sent.([]any) // the library sends the bare list
	if sent, is := sent.(map[string]any); is {
		names, _ = sent["labels"].([]any)
	}
	for _, n := range names {
		name, _ := n.(string) // the description says so
		if len(name) > 50 {
			return invalid("Label", "name", "custom", "name is too long (maximum is 50 characters)")
		}
		if !slices.Contains(p.Labels, name) {
			p.Labels = append(p.Labels, name)
		}
	}
	return ok(labelDocs(p.Labels))
}

func (r *request) removeLabel() reply {
	p := r.repo.pullRequests[int(r.number("issue_number"))]
	if p == nil || !slices.Contains(p.Labels, r.PathValue("name")) {
		return problem(http.StatusNotFound, "Label does not exist")
	}
	p.Labels = slices.DeleteFunc(p.Labels, func(l string) bool { return l == r.PathValue("name") })
	return ok(labelDocs(p.Labels))
}

// Label puts a label on a pull request.
func (r *Repo) Label(number int, label string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if p := r.pullRequests[number]; p != nil && !slices.Contains(p.Labels, label) {
		p.Labels = append(p.Labels, label)
	}
}
