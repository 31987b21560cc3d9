package githubtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Pull is a pull request.
type Pull struct {
	Number            int
	Title, Body       string
	Author            string
	State             string // "open", "closed"
	Draft, Merged     bool
	HeadRepo          string // "owner/name"
	HeadRef, BaseRef  string
	HeadSHA, BaseSHA  string
	Labels            []string
	Created, ClosedAt time.Time
	MergeCommit       string

	since int
}

// Pull opens a pull request of one of the repository's own branches.
func (r *Repo) Pull(branch, title string) *Pull { return r.pullFrom(r.Name, branch, title) }

// ForkPull opens a pull request of a fork, whose head is a commit that this
// repository knows by refs/pull/N/head.
func (r *Repo) ForkPull(owner, branch, title string) *Pull {
	fork := owner + "/" + r.Name[strings.IndexByte(r.Name, '/')+1:]
	sha := r.Commit("fork-"+owner+"-"+branch, title, map[string]string{"fork.txt": owner + " " + branch})
	p := r.pullFrom(fork, branch, title)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	delete(r.refs, "heads/fork-"+owner+"-"+branch)
	p.HeadSHA = sha
	return p
}

func (r *Repo) pullFrom(headRepo, branch, title string) *Pull {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.addPull(Pull{Title: title, Author: "dev", HeadRepo: headRepo, HeadRef: branch, BaseRef: r.DefaultBranch, HeadSHA: r.refs["heads/"+branch]})
	p.since = -r.s.Lag - 1
	return p
}

func (r *Repo) addPull(p Pull) *Pull {
	r.number++
	p.Number, p.State, p.Created, p.BaseSHA, p.since = r.number, "open", r.s.now, r.refs["heads/"+p.BaseRef], len(r.s.requests)
	r.pullRequests[p.Number] = &p
	return &p
}

// Pulls are the pull requests by number.
func (r *Repo) Pulls() []Pull {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []Pull
	for n := 1; n <= r.number; n++ {
		if p := r.pullRequests[n]; p != nil {
			r.head(p)
			out = append(out, *p)
		}
	}
	return out
}

// Merge merges a pull request.
func (r *Repo) Merge(number int) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.pullRequests[number]
	tree := r.commits[r.head(p)].tree
	p.MergeCommit = r.putCommit(tree, "Merge "+p.Title, []string{r.refs["heads/"+p.BaseRef], r.head(p)}, p.Author, "dev@example.com")
	r.refs["heads/"+p.BaseRef] = p.MergeCommit
	p.State, p.Merged, p.ClosedAt = "closed", true, r.s.now
}

// Close closes a pull request without merging it.
func (r *Repo) Close(number int) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.pullRequests[number].State, r.pullRequests[number].ClosedAt = "closed", r.s.now
}

// head is the pull request's commit: its branch moves under it.
func (r *Repo) head(p *Pull) string {
	if sha := r.refs["heads/"+p.HeadRef]; sha != "" && p.HeadRepo == r.Name && p.State == "open" {
		p.HeadSHA = sha
	}
	return p.HeadSHA
}

func (r *request) pullDoc(p *Pull, whole bool) map[string]any {
	owner, _, _ := strings.Cut(p.HeadRepo, "/")
	doc := map[string]any{
		"number": p.Number, "title": p.Title, "body": p.Body, "state": p.State, "draft": p.Draft, "user": userDoc(p.Author, strings.HasSuffix(p.Author, "[bot]")),
		"html_url": r.link("/pull/%d", p.Number), "created_at": stamp(p.Created), "closed_at": stamp(p.ClosedAt), "merged_at": nil, "node_id": "PR_" + p.Title,
		"head":   map[string]any{"ref": p.HeadRef, "sha": r.repo.head(p), "label": owner + ":" + p.HeadRef, "repo": map[string]any{"full_name": p.HeadRepo}},
		"base":   map[string]any{"ref": p.BaseRef, "sha": p.BaseSHA, "label": p.BaseRef, "repo": map[string]any{"full_name": r.repo.Name}},
		"labels": labelDocs(p.Labels), "merge_commit_sha": p.MergeCommit,
	}
	if p.Merged {
		doc["merged_at"] = stamp(p.ClosedAt)
	}
	if whole {
		doc["merged"], doc["commits"] = p.Merged, len(r.pullCommitList(p))
	}
	return doc
}

func (r *request) pulls() reply {
	q := r.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	var out []map[string]any
	for n := r.repo.number; n > 0; n-- {
		p := r.repo.pullRequests[n]
		owner, _, _ := strings.Cut(p.HeadRepo, "/")
		switch {
		case len(r.s.requests) <= p.since+r.s.Lag:
		case state != "all" && p.State != state:
		case q.Get("head") != "" && !strings.EqualFold(q.Get("head"), owner+":"+p.HeadRef):
		case q.Get("base") != "" && q.Get("base") != p.BaseRef:
		default:
			out = append(out, r.pullDoc(p, false))
		}
	}
	if q.Get("direction") == "asc" {
		slices.Reverse(out)
	}
	return list(r, out)
}

func (r *request) findPull() *Pull { return r.repo.pullRequests[int(r.number("pull_number"))] }

func (r *request) pull() reply {
	p := r.findPull()
	if p == nil {
		return notFound()
	}
	return ok(r.pullDoc(p, true))
}

func (r *request) createPull() reply {
	head, base := r.text("head"), r.text("base")
	owner, _, _ := strings.Cut(r.repo.Name, "/")
	branch := strings.TrimPrefix(head, owner+":")
	switch {
	case r.actor.workflow && !r.repo.MayOpenPulls:
		return problem(http.StatusForbidden, "GitHub Actions is not permitted to create or approve pull requests.")
	case r.repo.refs["heads/"+branch] == "":
		return invalid("PullRequest", "head", "invalid", "")
	case r.repo.refs["heads/"+base] == "":
		return invalid("PullRequest", "base", "invalid", "")
	case r.repo.ancestor(r.repo.refs["heads/"+base], r.repo.refs["heads/"+branch]):
		return problem(http.StatusUnprocessableEntity, "Validation Failed", map[string]any{"resource": "PullRequest", "code": "custom", "message": "No commits between " + base + " and " + branch})
	}
	for _, p := range r.repo.pullRequests {
		if p.State == "open" && p.HeadRef == branch && p.BaseRef == base && p.HeadRepo == r.repo.Name {
			return problem(http.StatusUnprocessableEntity, "Validation Failed",
				map[string]any{"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for " + owner + ":" + branch + "."})
		}
	}
	if refused := tooLong("PullRequest", r.text("body")); refused != nil {
		return *refused
	}
	var sent struct {
		Draft bool `json:"draft"`
	}
	r.decode(&sent)
	p := r.repo.addPull(Pull{
		Title: r.text("title"), Body: r.text("body"), Author: r.actor.Login, Draft: sent.Draft,
		HeadRepo: r.repo.Name, HeadRef: branch, BaseRef: base, HeadSHA: r.repo.refs["heads/"+branch],
	})
	return created(r.pullDoc(p, true))
}

func (r *request) editPull() reply {
	p := r.findPull()
	if p == nil {
		return notFound()
	}
	if refused := tooLong("PullRequest", r.text("body")); refused != nil {
		return *refused
	}
	var sent map[string]any
	r.decode(&sent)
	for key, to := range map[string]*string{"title": &p.Title, "body": &p.Body, "state": &p.State} {
		if s, given := sent[key].(string); given {
			*to = s
		}
	}
	return ok(r.pullDoc(p, true))
}

// pullCommitList is the commits that the base does not have, oldest first.
func (r *request) pullCommitList(p *Pull) []*commit {
	var out []*commit
	for c := r.repo.commits[r.repo.head(p)]; c != nil && !r.repo.ancestor(p.BaseSHA, c.sha); {
		out = append(out, c)
		if len(c.parents) == 0 {
			break
		}
		c = r.repo.commits[c.parents[0]]
	}
	slices.Reverse(out)
	return out
}

func (r *request) pullCommits() reply {
	p := r.findPull()
	if p == nil {
		return notFound()
	}
	var out []map[string]any
	for _, c := range r.pullCommitList(p) {
		out = append(out, r.commitDoc(c))
	}
	return list(r, out[:min(len(out), 250)])
}

func (r *request) pullFiles() reply {
	p := r.findPull()
	if p == nil {
		return notFound()
	}
	head, base := r.repo.commits[r.repo.head(p)], r.repo.commits[p.BaseSHA]
	if head == nil || base == nil {
		return list(r, nil)
	}
	now, before := r.repo.trees[head.tree], r.repo.trees[base.tree]
	status := map[string]string{}
	for path, e := range now {
		switch old, had := before[path]; {
		case !had:
			status[path] = "added"
		case old != e:
			status[path] = "modified"
		}
	}
	for path := range before {
		if _, has := now[path]; !has {
			status[path] = "removed"
		}
	}
	var out []map[string]any
	for path, what := range status {
		out = append(out, map[string]any{"filename": path, "status": what, "sha": now[path].sha, "additions": 1, "deletions": 0, "changes": 1})
	}
	slices.SortFunc(out, func(a, b map[string]any) int { return strings.Compare(a["filename"].(string), b["filename"].(string)) })
	return list(r, out)
}

// commitPulls knows nothing of forks, as GitHub does not.
func (r *request) commitPulls() reply {
	sha := r.PathValue("commit_sha")
	var out []map[string]any
	for n := r.repo.number; n > 0; n-- {
		p := r.repo.pullRequests[n]
		if p.HeadRepo == r.repo.Name && (r.repo.head(p) == sha || p.MergeCommit == sha) {
			out = append(out, r.pullDoc(p, false))
		}
	}
	return list(r, out)
}
