package githubtest

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Repo is one repository of the fake.
type Repo struct {
	Name    string // "owner/name"
	Private bool
	IsFork  bool
	Settings

	s            *Server
	blobs        map[string][]byte
	trees        map[string]map[string]entry // by path; a tree is flat here
	commits      map[string]*commit
	refs         map[string]string // "heads/main" → commit
	comments     []*Comment
	checks       []*Check
	sarifs       []SARIF
	pullRequests map[int]*Pull
	number       int
	workflowRuns []*Run
	blobStore    map[string][]byte // what signed addresses lead to
}

type entry struct{ mode, sha string }

type commit struct {
	sha, tree, message string
	parents            []string
	author, email      string
	time               time.Time
}

func (s *Server) repo(name string) *Repo {
	key := strings.ToLower(name)
	if r := s.repos[key]; r != nil {
		return r
	}
	r := &Repo{
		Name: name, s: s, blobs: map[string][]byte{}, trees: map[string]map[string]entry{}, commits: map[string]*commit{}, refs: map[string]string{},
		pullRequests: map[int]*Pull{}, blobStore: map[string][]byte{},
		Settings: Settings{DefaultBranch: "main", Permissions: map[string]string{}, Variables: map[string]string{}, ActionsOn: true, MayOpenPulls: true, TokenPermission: "read"},
	}
	s.repos[key] = r
	tree := r.putTree(map[string]entry{"README.md": {"100644", r.putBlob([]byte("# " + name + "\n"))}})
	r.refs["heads/main"] = r.putCommit(tree, "first", nil, "someone", "someone@example.com")
	return r
}

// object is git's name of an object.
func object(kind string, content []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...))
	return hex.EncodeToString(sum[:])
}

func (r *Repo) putBlob(content []byte) string {
	sha := object("blob", content)
	r.blobs[sha] = content
	return sha
}

func (r *Repo) putTree(files map[string]entry) string {
	var text strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&text, "%s %s\x00%s", files[path].mode, path, files[path].sha)
	}
	sha := object("tree", []byte(text.String()))
	r.trees[sha] = files
	return sha
}

func (r *Repo) putCommit(tree, message string, parents []string, author, email string) string {
	text := fmt.Sprintf("tree %s\nparents %v\nauthor %s <%s> %d\n\n%s", tree, parents, author, email, r.s.now.Unix(), message)
	sha := object("commit", []byte(text))
	r.commits[sha] = &commit{sha: sha, tree: tree, message: message, parents: parents, author: author, email: email, time: r.s.now}
	return sha
}

// Head is the commit that a branch points at; "": there is no such branch.
func (r *Repo) Head(branch string) string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.refs["heads/"+branch]
}

// Commit puts a commit with changed files on a branch, which is made from main
// where it is not there. A file without content is removed.
func (r *Repo) Commit(branch, message string, files map[string]string) string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	parent := r.refs["heads/"+branch]
	if parent == "" {
		parent = r.refs["heads/"+r.DefaultBranch]
	}
	tree := maps.Clone(r.trees[r.commits[parent].tree])
	for path, content := range files {
		if content == "" {
			delete(tree, path)
		} else {
			tree[path] = entry{"100644", r.putBlob([]byte(content))}
		}
	}
	sha := r.putCommit(r.putTree(tree), message, []string{parent}, "someone", "someone@example.com")
	r.refs["heads/"+branch] = sha
	return sha
}

// Files are the files at a branch or commit, with their content.
func (r *Repo) Files(ref string) map[string]string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	out := map[string]string{}
	if c := r.commits[r.resolve(ref)]; c != nil {
		for path, e := range r.trees[c.tree] {
			out[path] = string(r.blobs[e.sha])
		}
	}
	return out
}

// Log is the messages of the commits from a branch or commit down, newest first.
func (r *Repo) Log(ref string) []string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []string
	for c := r.commits[r.resolve(ref)]; c != nil; {
		out = append(out, c.message)
		if len(c.parents) == 0 {
			break
		}
		c = r.commits[c.parents[0]]
	}
	return out
}

func (r *Repo) resolve(ref string) string {
	switch {
	case ref == "":
		return r.refs["heads/"+r.DefaultBranch]
	case r.commits[ref] != nil:
		return ref
	case r.refs[ref] != "":
		return r.refs[ref]
	}
	return r.refs["heads/"+strings.TrimPrefix(ref, "refs/heads/")]
}

// ancestor reports whether a commit is among the ancestors of another, or it.
func (r *Repo) ancestor(of, wanted string) bool {
	if of == wanted {
		return true
	}
	if c := r.commits[of]; c != nil {
		return slices.ContainsFunc(c.parents, func(p string) bool { return r.ancestor(p, wanted) })
	}
	return false
}

func (r *request) commitDoc(c *commit) map[string]any {
	parents := []map[string]any{}
	for _, p := range c.parents {
		parents = append(parents, map[string]any{"sha": p})
	}
	person := map[string]any{"name": c.author, "email": c.email, "date": stamp(c.time)}
	return map[string]any{
		"sha": c.sha, "parents": parents, "html_url": r.link("/commit/%s", c.sha), "author": userDoc(c.author, false),
		"commit": map[string]any{"message": c.message, "author": person, "committer": person, "tree": map[string]any{"sha": c.tree}},
	}
}

func (r *request) commit() reply {
	c := r.repo.commits[r.repo.resolve(r.PathValue("ref"))]
	if c == nil {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+r.PathValue("ref"))
	}
	return ok(r.commitDoc(c))
}

func (r *request) gitCommitDoc(c *commit) map[string]any {
	person := map[string]any{"name": c.author, "email": c.email, "date": stamp(c.time)}
	parents := []map[string]any{}
	for _, p := range c.parents {
		parents = append(parents, map[string]any{"sha": p})
	}
	return map[string]any{"sha": c.sha, "message": c.message, "tree": map[string]any{"sha": c.tree}, "parents": parents, "author": person, "committer": person}
}

func (r *request) gitCommit() reply {
	c := r.repo.commits[r.PathValue("commit_sha")]
	if c == nil {
		return notFound()
	}
	return ok(r.gitCommitDoc(c))
}

func (r *request) contents() reply {
	c := r.repo.commits[r.repo.resolve(r.URL.Query().Get("ref"))]
	path := r.PathValue("path")
	if c == nil {
		return problem(http.StatusNotFound, "No commit found for the ref "+r.URL.Query().Get("ref"))
	}
	if e, is := r.repo.trees[c.tree][path]; is {
		return ok(fileDoc(path, e.sha, r.repo.blobs[e.sha]))
	}
	below := []map[string]any{}
	for name, e := range r.repo.trees[c.tree] {
		if strings.HasPrefix(name, path+"/") {
			below = append(below, map[string]any{"type": "file", "path": name, "name": name, "sha": e.sha})
		}
	}
	if len(below) == 0 {
		return notFound()
	}
	return ok(below)
}

// fileDoc leaves the content out above a megabyte, as GitHub does.
func fileDoc(path, sha string, content []byte) map[string]any {
	doc := map[string]any{"type": "file", "path": path, "name": path[strings.LastIndexByte(path, '/')+1:], "sha": sha, "size": len(content), "encoding": "base64"}
	if len(content) > 1<<20 {
		doc["encoding"], doc["content"] = "none", ""
		return doc
	}
	doc["content"] = base64.StdEncoding.EncodeToString(content)
	return doc
}

func refDoc(ref, sha string) map[string]any {
	return map[string]any{"ref": "refs/" + ref, "object": map[string]any{"type": "commit", "sha": sha}}
}

func (r *request) ref() reply {
	sha := r.repo.refs[r.PathValue("ref")]
	if sha == "" {
		return notFound()
	}
	return ok(refDoc(r.PathValue("ref"), sha))
}

func (r *request) createRef() reply {
	name, isRef := strings.CutPrefix(r.text("ref"), "refs/")
	sha := r.text("sha")
	switch {
	case !isRef || strings.Count(name, "/") < 1 || strings.ContainsAny(name, " ~^:?*[\\") || strings.Contains(name, ".."):
		return problem(http.StatusUnprocessableEntity, r.text("ref")+" is not a valid ref name.")
	case r.repo.refs[name] != "":
		return problem(http.StatusUnprocessableEntity, "Reference already exists")
	case r.repo.commits[sha] == nil:
		return problem(http.StatusUnprocessableEntity, "Object does not exist")
	}
	r.repo.refs[name] = sha
	return created(refDoc(name, sha))
}

func (r *request) updateRef() reply {
	var sent struct {
		SHA   string `json:"sha"`
		Force bool   `json:"force"`
	}
	r.decode(&sent)
	name := r.PathValue("ref")
	switch {
	case r.repo.refs[name] == "":
		return problem(http.StatusUnprocessableEntity, "Reference does not exist")
	case r.repo.commits[sent.SHA] == nil:
		return problem(http.StatusUnprocessableEntity, "Object does not exist")
	case !sent.Force && !r.repo.ancestor(sent.SHA, r.repo.refs[name]):
		return problem(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	r.repo.refs[name] = sent.SHA
	return ok(refDoc(name, sent.SHA))
}

func (r *request) deleteRef() reply {
	if r.repo.refs[r.PathValue("ref")] == "" {
		return problem(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	delete(r.repo.refs, r.PathValue("ref"))
	return noContent()
}

func (r *request) createBlob() reply {
	content := []byte(r.text("content"))
	if r.text("encoding") == "base64" {
		decoded, err := base64.StdEncoding.DecodeString(r.text("content"))
		if err != nil {
			return problem(http.StatusUnprocessableEntity, "content is not base64")
		}
		content = decoded
	}
	sha := r.repo.putBlob(content)
	return created(map[string]any{"sha": sha, "url": r.link("/git/blobs/%s", sha)})
}

func (r *request) createTree() reply {
	var sent struct {
		Base string `json:"base_tree"`
		Tree []struct {
			Path    string  `json:"path"`
			Mode    string  `json:"mode"`
			SHA     *string `json:"sha"`
			Content *string `json:"content"`
		} `json:"tree"`
	}
	r.decode(&sent)
	files := maps.Clone(r.repo.trees[sent.Base])
	if files == nil {
		files = map[string]entry{}
	}
	for _, one := range sent.Tree {
		switch {
		case one.Path == "" || strings.HasPrefix(one.Path, "/") || strings.Contains("/"+one.Path+"/", "/../") || strings.Contains("/"+strings.ToLower(one.Path)+"/", "/.git/"):
			return problem(http.StatusUnprocessableEntity, "tree.path contains a malformed path component")
		case one.Content != nil:
			files[one.Path] = entry{one.Mode, r.repo.putBlob([]byte(*one.Content))}
		case one.SHA == nil:
			delete(files, one.Path)
		case r.repo.blobs[*one.SHA] == nil:
			return problem(http.StatusUnprocessableEntity, "tree.sha "+*one.SHA+" is not a valid blob")
		case strings.HasPrefix(one.Path, ".github/workflows/") && r.actor.Bot && r.actor.May != nil && r.actor.May["workflows"] != "write":
			return problem(http.StatusForbidden, "refusing to allow a GitHub App to create or update workflow without `workflows` permission")
		default:
			files[one.Path] = entry{one.Mode, *one.SHA}
		}
	}
	return created(map[string]any{"sha": r.repo.putTree(files), "tree": []any{}, "truncated": false})
}

func (r *request) createCommit() reply {
	var sent struct {
		Message string   `json:"message"`
		Tree    string   `json:"tree"`
		Parents []string `json:"parents"`
		Author  *struct {
			Name  string `json:"name"`
			Email string `json:"email"`
		} `json:"author"`
	}
	r.decode(&sent)
	if r.repo.trees[sent.Tree] == nil {
		return problem(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	}
	for _, p := range sent.Parents {
		if r.repo.commits[p] == nil {
			return problem(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object")
		}
	}
	name, email := r.actor.Login, r.actor.Login+"@users.noreply.github.com"
	if sent.Author != nil {
		name, email = sent.Author.Name, sent.Author.Email
	}
	sha := r.repo.putCommit(sent.Tree, sent.Message, sent.Parents, name, email)
	return created(r.gitCommitDoc(r.repo.commits[sha]))
}
