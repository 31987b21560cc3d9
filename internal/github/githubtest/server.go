// Package githubtest is a GitHub that lives in a test: real HTTP, a repository
// with real git objects, and the habits that hurt in production. Each request
// is checked against GitHub's published OpenAPI description; what the
// description does not hold – sizes, permissions of tokens, rate limits, pages,
// ETags, lists that lag behind – is held here. It is no recording: it answers
// what nobody thought of as GitHub's documentation says it would.
package githubtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"keepgreen/internal/github"
)

// Server is the fake. Its methods may be called while it serves.
type Server struct {
	URL string // of the API: what GITHUB_API_URL says

	// Lag is after how many further requests a new comment or pull request
	// appears in lists; by its own address it is there at once.
	Lag int

	t        T
	mu       sync.Mutex
	now      time.Time
	requests []string     // "METHOD /path", all that came
	serial   int64        // of ids
	inFlight atomic.Int64 // requests that came and have no answer yet
	repos    map[string]*Repo
	actors   map[string]*Actor // by token
	apps     map[string]*app
	faults   []*Fault
	slept    time.Duration
}

// T is the part of testing.TB that the fake needs.
type T interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// New starts a fake that ends with the test. A request that GitHub's
// description does not allow fails the test.
func New(t T) *Server {
	s := &Server{
		t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), serial: 1000,
		repos: map[string]*Repo{}, actors: map[string]*Actor{}, apps: map[string]*app{},
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Now is the fake's clock. It moves only by Sleep.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Sleep moves the clock instead of waiting; it is what clients are given. Those
// who sleep at the same time wake at the same time, and really wait a thousandth
// of it, so that others get on meanwhile as they would.
func (s *Server) Sleep(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	until := s.now.Add(d)
	s.slept += d
	s.mu.Unlock()
	time.Sleep(min(d/1000, 100*time.Millisecond))
	s.mu.Lock()
	if until.After(s.now) {
		s.now = until
	}
	s.mu.Unlock()
	return ctx.Err()
}

// Slept is how long clients have waited in all.
func (s *Server) Slept() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slept
}

// Requests lists what came so far, as "METHOD /path".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Writes lists the requests so far that were to change something.
func (s *Server) Writes() []string {
	var out []string
	for _, r := range s.Requests() {
		if !strings.HasPrefix(r, "GET ") && !strings.HasSuffix(r, "/graphql") {
			out = append(out, r)
		}
	}
	return out
}

// Repo is the repository of that name; it is made with one commit on main when
// it is asked for the first time.
func (s *Server) Repo(name string) *Repo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repo(name)
}

// request is one call on its way through the fake.
type request struct {
	*http.Request
	s       *Server
	repo    *Repo
	actor   *Actor
	sent    []byte
	pattern string
}

// reply is the answer to a call.
type reply struct {
	status int
	body   any
	raw    []byte // instead of body
	header http.Header
}

func ok(body any) reply      { return reply{status: http.StatusOK, body: body} }
func created(body any) reply { return reply{status: http.StatusCreated, body: body} }

func problem(status int, message string, details ...map[string]any) reply {
	body := map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}
	if len(details) > 0 {
		body["errors"] = details
	}
	return reply{status: status, body: body}
}

func notFound() reply { return problem(http.StatusNotFound, "Not Found") }

func invalid(resource, field, code, message string) reply {
	detail := map[string]any{"resource": resource, "field": field, "code": code}
	if message != "" {
		detail["message"] = message
	}
	return problem(http.StatusUnprocessableEntity, "Validation Failed", detail)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("githubtest: %s %s: %v", r.Method, r.URL.Path, err)
	}
	s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v3") // Enterprise Server's
	s.requests = append(s.requests, r.Method+" "+path)
	if strings.HasPrefix(path, "/_blob/") {
		s.serveBlob(w, path)
		return
	}
	call := &request{Request: r, s: s, sent: sent}
	fault := s.fault(r.Method, path)
	if fault != nil && !fault.After {
		s.send(w, call, fault.reply())
		return
	}
	answer := s.answer(call, path)
	if fault != nil {
		answer = fault.reply()
	}
	s.send(w, call, answer)
}

// answer is the whole way of a call: who asks, whether the call is one, whether
// it may, and what comes of it.
func (s *Server) answer(call *request, path string) reply {
	actor, refused := s.who(call)
	if refused != nil {
		return *refused
	}
	call.actor = actor
	if strings.HasSuffix(path, "/graphql") {
		return call.graphql()
	}
	op, params, err := route(call.Method, call.URL)
	if err != nil {
		s.t.Errorf("githubtest: %v", err)
		return notFound()
	}
	if op == nil {
		s.t.Errorf("githubtest: %s %s: no operation that we are to use", call.Method, path)
		return notFound()
	}
	for name, value := range params {
		call.SetPathValue(name, value)
	}
	call.pattern = op.pattern
	if err := validateRequest(call, op, params); err != nil {
		s.t.Errorf("githubtest: %s %s: against GitHub's description: %v", call.Method, path, err)
		return problem(http.StatusUnprocessableEntity, "Invalid request.\n\n"+err.Error())
	}
	if limited := s.limited(call); limited != nil {
		return *limited
	}
	if refused := call.enter(op); refused != nil {
		return *refused
	}
	answer := op.do(call)
	if err := validateAnswer(op, answer); err != nil {
		s.t.Errorf("githubtest: the answer to %s %s is not GitHub's: %v", call.Method, path, err)
	}
	return answer
}

// enter finds the repository and asks whether the token may do this there.
func (r *request) enter(op *operation) *reply {
	if owner := r.PathValue("owner"); owner != "" {
		r.repo = r.s.repos[strings.ToLower(owner+"/"+r.PathValue("repo"))]
		if r.repo == nil || r.repo.Private && !r.actor.allowed(r.repo, "metadata:read") {
			gone := notFound()
			return &gone
		}
	}
	if op.needs == "" || r.repo != nil && !r.repo.Private && strings.HasSuffix(op.needs, ":read!") {
		return nil
	}
	if r.actor.allowed(r.repo, op.needs) {
		return nil
	}
	no := problem(http.StatusForbidden, "Resource not accessible by integration")
	if r.actor == nil {
		no = problem(http.StatusUnauthorized, "Requires authentication")
	}
	return &no
}

func (s *Server) send(w http.ResponseWriter, call *request, answer reply) {
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	s.limitHeaders(w, call)
	body := answer.raw
	if body == nil && answer.body != nil {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(answer.body); err != nil {
			s.t.Errorf("githubtest: %v", err)
		}
		body = b.Bytes()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	if call.Method == http.MethodGet && answer.status == http.StatusOK {
		sum := sha256.Sum256(body)
		tag := `W/"` + hex.EncodeToString(sum[:16]) + `"`
		w.Header().Set("ETag", tag)
		if call.Header.Get("If-None-Match") == tag {
			s.refund(call)
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(body) // the client may be gone
}

// decode reads the request's body; it was checked against the description.
func (r *request) decode(into any) {
	if err := json.Unmarshal(r.sent, into); err != nil {
		r.s.t.Errorf("githubtest: %s: %v", r.pattern, err)
	}
}

// number is a path parameter that is a number.
func (r *request) number(name string) int64 {
	n, _ := strconv.ParseInt(r.PathValue(name), 10, 64) // the description says that it is one
	return n
}

func (r *request) link(format string, args ...any) string {
	return "https://github.com/" + r.repo.Name + fmt.Sprintf(format, args...)
}

// id is a number that nothing else has.
func (s *Server) id() int64 {
	s.serial++
	return s.serial
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// Client is a client of the fake for a repository. It does not really wait:
// what it would wait moves the fake's clock.
func (s *Server) Client(repo *Repo, token string) *github.Client {
	s.t.Helper()
	name, err := github.ParseRepo(repo.Name)
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := github.New(github.Options{Repo: name, API: s.URL, Token: token, Now: s.Now, Sleep: s.Sleep})
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}
