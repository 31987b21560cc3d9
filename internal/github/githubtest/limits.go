package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits that GitHub documents, or that others met
// (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
const (
	maxBody        = 65536 // characters of a comment, of an issue, of a pull request
	maxOutput      = 65535 // characters of a check's summary and text
	maxAnnotations = 50    // in a request
	maxAnnotation  = 64 << 10
	maxTitle       = 255
	contentPerMin  = 80  // requests that create content
	concurrent     = 100 // requests at a time
	workflowLimit  = 1000
	personalLimit  = 5000
)

// Fault makes requests fail.
type Fault struct {
	Method string // empty: any
	Path   string // a part of the path
	Times  int    // how often; 0: once
	After  bool   // what was asked for is done, and the answer is lost
	Status int
	Header map[string]string
	Body   string // the message; empty: the status'
}

// Fail makes requests fail from now on.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

func (s *Server) fault(method, path string) *Fault {
	for _, f := range s.faults {
		if f.Times > 0 && (f.Method == "" || f.Method == method) && strings.Contains(path, f.Path) {
			f.Times--
			return f
		}
	}
	return nil
}

func (f *Fault) reply() reply {
	message := f.Body
	if message == "" {
		message = http.StatusText(f.Status)
	}
	out := problem(f.Status, message)
	out.header = http.Header{}
	for name, value := range f.Header {
		out.header.Set(name, value)
	}
	return out
}

// window counts what a token used in an hour, and what it wrote in a minute.
type window struct {
	used   int
	reset  time.Time
	writes []time.Time
}

// limited counts a request and says when there were too many.
func (s *Server) limited(call *request) *reply {
	if call.actor == nil {
		return nil
	}
	a := call.actor
	if !s.now.Before(a.window.reset) {
		a.window.used, a.window.reset = 0, s.now.Add(time.Hour)
	}
	if a.window.used >= a.limit() {
		no := problem(http.StatusForbidden, "API rate limit exceeded for installation.")
		return &no
	}
	a.window.used++
	if s.inFlight.Load() > concurrent {
		return secondary(60)
	}
	if call.Method == http.MethodGet {
		return nil
	}
	recent := a.window.writes[:0]
	for _, t := range a.window.writes {
		if s.now.Sub(t) < time.Minute {
			recent = append(recent, t)
		}
	}
	a.window.writes = recent
	if len(recent) >= contentPerMin {
		return secondary(60)
	}
	a.window.writes = append(recent, s.now)
	return nil
}

func secondary(seconds int) *reply {
	no := problem(http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	no.header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return &no
}

func (s *Server) limitHeaders(w http.ResponseWriter, call *request) {
	if call.actor == nil || w.Header().Get("X-RateLimit-Remaining") != "" {
		return
	}
	a := call.actor
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(a.limit()))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(a.limit()-a.window.used, 0)))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(a.window.reset.Unix(), 10))
	w.Header().Set("X-RateLimit-Resource", "core")
	if a.Scopes != "" {
		w.Header().Set("X-OAuth-Scopes", a.Scopes)
	}
}

// refund takes back what a request cost: a 304 costs nothing.
func (s *Server) refund(call *request) {
	if call.actor != nil && call.actor.window.used > 0 {
		call.actor.window.used--
	}
}

// page is one page of a list, with the links to the others.
func page[T any](r *request, all []T, wrap func([]T) any) reply {
	query := r.URL.Query()
	per := atoi(query.Get("per_page"), 30)
	if per < 1 {
		per = 30
	}
	per = min(per, 100)
	at := max(atoi(query.Get("page"), 1), 1)
	from := min((at-1)*per, len(all))
	to := min(from+per, len(all))
	answer := ok(wrap(all[from:to:to]))
	last := max((len(all)+per-1)/per, 1)
	var links []string
	link := func(rel string, n int) {
		next := url.Values{}
		for name, values := range query {
			next[name] = values
		}
		next.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel=%q`, r.s.URL, r.URL.EscapedPath(), next.Encode(), rel))
	}
	if at > 1 {
		link("prev", at-1)
		link("first", 1)
	}
	if at < last {
		link("next", at+1)
		link("last", last)
	}
	if len(links) > 0 {
		answer.header = http.Header{"Link": {strings.Join(links, ", ")}}
	}
	return answer
}

// list is a page of documents as GitHub gives most of them: an array.
func list(r *request, all []map[string]any) reply {
	return page(r, all, func(some []map[string]any) any {
		if some == nil {
			some = []map[string]any{}
		}
		return some
	})
}

// counted is a page of documents below a name, beside their number.
func counted(r *request, name string, all []map[string]any) reply {
	return page(r, all, func(some []map[string]any) any {
		if some == nil {
			some = []map[string]any{}
		}
		return map[string]any{"total_count": len(all), name: some}
	})
}

func atoi(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return otherwise
	}
	return n
}

// tooLong is the answer to a text above GitHub's limit; nil: it is within.
func tooLong(resource, text string) *reply {
	if utf8.RuneCountInString(text) <= maxBody {
		return nil
	}
	no := invalid(resource, "body", "custom", "body is too long (maximum is 65536 characters)")
	return &no
}

// text reads a string of the body that was sent.
func (r *request) text(key string) string {
	var sent map[string]any
	if json.Unmarshal(r.sent, &sent) != nil {
		return ""
	}
	s, _ := sent[key].(string) // the description says that it is one
	return s
}
