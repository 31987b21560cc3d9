package githubtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Actor is who stands behind a token.
type Actor struct {
	Login  string
	Bot    bool
	Scopes string            // of a classic token
	Limit  int               // requests an hour; 0: as GitHub has it
	May    map[string]string // permission → "read" or "write"; nil: everything
	Repos  []string          // that it may see at all; nil: all

	workflow bool
	window   window
}

// Workflow is what GITHUB_TOKEN may do where the workflow asks for these
// permissions; write them as the workflow does: "pull-requests:write".
func Workflow(permissions ...string) *Actor {
	may := map[string]string{"metadata": "read"}
	for _, p := range permissions {
		name, level, _ := strings.Cut(p, ":")
		may[strings.ReplaceAll(name, "-", "_")] = level
	}
	return &Actor{Login: "github-actions[bot]", Bot: true, May: may, workflow: true}
}

// Fork is what GITHUB_TOKEN may do in the workflow of a fork's pull request:
// read, whatever the workflow asks for.
func Fork() *Actor {
	return Workflow("contents:read", "issues:read", "pull-requests:read", "checks:read", "actions:read")
}

// Person is a personal token that may everything.
func Person(login string) *Actor { return &Actor{Login: login, Scopes: "repo, workflow"} }

// Token makes a token known.
func (s *Server) Token(token string, a *Actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actors[token] = a
}

func (a *Actor) limit() int {
	switch {
	case a.Limit > 0:
		return a.Limit
	case a.workflow:
		return workflowLimit
	}
	return personalLimit
}

// allowed reports whether one of the needs, "issues:write|pull_requests:write",
// is met.
func (a *Actor) allowed(repo *Repo, needs string) bool {
	if a == nil {
		return false
	}
	if repo != nil && a.Repos != nil {
		seen := false
		for _, name := range a.Repos {
			seen = seen || strings.EqualFold(name, repo.Name)
		}
		if !seen {
			return false
		}
	}
	if a.May == nil {
		return true
	}
	for need := range strings.SplitSeq(needs, "|") {
		name, level, _ := strings.Cut(strings.TrimSuffix(need, "!"), ":")
		if have := a.May[name]; have == "write" || have != "" && level == "read" {
			return true
		}
	}
	return false
}

// who finds the owner of a request's token.
func (s *Server) who(call *request) (*Actor, *reply) {
	token := strings.TrimPrefix(strings.TrimPrefix(call.Header.Get("Authorization"), "Bearer "), "token ")
	if token == "" {
		return nil, nil
	}
	if a := s.actors[token]; a != nil {
		return a, nil
	}
	if a := s.appOf(token); a != nil {
		return a, nil
	}
	no := problem(http.StatusUnauthorized, "Bad credentials")
	return nil, &no
}

// app is a registered GitHub App.
type app struct {
	id    string
	key   *rsa.PublicKey
	actor *Actor // its installation's
	self  *Actor
}

// App registers an App that is installed everywhere; its tokens act as a.
func (s *Server) App(id string, key *rsa.PublicKey, a *Actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[id] = &app{id: id, key: key, actor: a, self: &Actor{Login: a.Login, Bot: true, May: map[string]string{"metadata": "read"}}}
}

// appOf checks an app's proof: its signature, and that it is neither too old
// nor for too long.
func (s *Server) appOf(token string) *Actor {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	var said struct {
		Issuer  string `json:"iss"`
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
	}
	if json.Unmarshal(claims, &said) != nil {
		return nil
	}
	a := s.apps[said.Issuer]
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if a == nil || err != nil {
		return nil
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(a.key, crypto.SHA256, sum[:], signature) != nil {
		return nil
	}
	now := s.now.Unix()
	if said.Issued > now || said.Expires <= now || said.Expires-said.Issued > 600 {
		return nil
	}
	return a.self
}

func (r *request) installation() reply {
	for _, a := range r.s.apps {
		if a.self == r.actor {
			return ok(map[string]any{"id": 77})
		}
	}
	return problem(http.StatusUnauthorized, "A JSON web token could not be decoded")
}

func (r *request) installationToken() reply {
	for _, a := range r.s.apps {
		if a.self != r.actor {
			continue
		}
		token := "ghs_" + a.id + "_" + time.Duration(r.s.id()).String()
		r.s.actors[token] = a.actor
		return created(map[string]any{"token": token, "expires_at": stamp(r.s.now.Add(time.Hour))})
	}
	return problem(http.StatusUnauthorized, "A JSON web token could not be decoded")
}

// graphql answers the one question that REST has no answer to: who am I.
func (r *request) graphql() reply {
	if r.actor == nil {
		return problem(http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
	}
	if !strings.Contains(string(r.sent), "viewer{login}") {
		r.s.t.Errorf("githubtest: a GraphQL query that the fake does not know: %s", r.sent)
		return ok(map[string]any{"errors": []any{map[string]any{"message": "unknown"}}})
	}
	return ok(map[string]any{"data": map[string]any{"viewer": map[string]any{"login": r.actor.Login}}})
}
