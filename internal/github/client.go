// Package github is the forge: what the product reads from GitHub's REST API
// and what it writes there, as small methods that take and give plain values.
// It knows GitHub's habits – rate limits, pages, ETags, tokens that may less
// than they seem – so that nobody else has to. It refuses to decide anything:
// what is worth saying, and where, its callers know.
package github

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gh "github.com/google/go-github/v92/github"
)

const publicAPI = "https://api.github.com"

// Repo names a repository.
type Repo struct{ Owner, Name string }

func (r Repo) String() string { return r.Owner + "/" + r.Name }

// ParseRepo reads "owner/name".
func ParseRepo(s string) (Repo, error) {
	owner, name, found := strings.Cut(s, "/")
	if !found || !nameLike(owner) || !nameLike(name) {
		return Repo{}, fmt.Errorf("%q is not a repository: write OWNER/NAME", s)
	}
	return Repo{owner, name}, nil
}

// nameLike accepts what GitHub accepts in the names of owners and repositories,
// so that no name leads to another address.
func nameLike(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return s != "" && s != "." && s != ".." && len(s) <= 100
}

// Options say whose repository is spoken to, where, and as whom.
type Options struct {
	Repo    Repo
	API     string // base of the REST API, as GITHUB_API_URL has it; empty: GitHub's own
	GraphQL string // as GITHUB_GRAPHQL_URL has it; empty: beside the API
	Token   string // a personal token, an app's or a workflow's GITHUB_TOKEN; empty: public data only
	App     *App   // instead of a token: the client gets itself one, and renews it

	UserAgent string
	MaxWait   time.Duration // the longest rate limit that is waited for; 0: two minutes
	Pause     time.Duration // between two of many writes; 0: a second, which GitHub asks for; negative: none
	Transport http.RoundTripper
	Now       func() time.Time                           // nil: the clock
	Sleep     func(context.Context, time.Duration) error // nil: really
}

// App is a GitHub App that is installed on the repository.
type App struct {
	ID  string // client id or app id
	Key *rsa.PrivateKey
}

// Client speaks to one repository. It may be used by several goroutines.
type Client struct {
	api     *gh.Client
	repo    Repo
	graphql string
	plain   *http.Client // without the token, for signed addresses
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
}

// New makes a client; nothing is sent yet.
func New(o Options) (*Client, error) {
	o = o.defaults()
	base, err := apiURL(o.API)
	if err != nil {
		return nil, err
	}
	limits := &limiter{next: o.Transport, maxWait: o.MaxWait, pause: o.Pause, sleep: o.Sleep, now: o.Now}
	signed := &signer{next: limits, host: base.Host, token: fixed(o.Token)}
	if o.App != nil {
		token := &appToken{app: *o.App, repo: o.Repo, base: base, next: limits, now: o.Now, agent: o.UserAgent}
		signed.token = token.get
	}
	address := base.String()
	api, err := gh.NewClient(
		gh.WithHTTPClient(&http.Client{Transport: &remember{next: signed}}),
		gh.WithURLs(&address, nil),
		gh.WithUserAgent(o.UserAgent),
		gh.WithDisableRateLimitCheck(), // the limiter waits; the library would only refuse
	)
	if err != nil {
		return nil, fmt.Errorf("GitHub's address: %w", err)
	}
	graphql := o.GraphQL
	if graphql == "" {
		graphql = graphqlURL(base)
	}
	return &Client{api: api, repo: o.Repo, graphql: graphql, plain: &http.Client{Transport: o.Transport}, now: o.Now, sleep: o.Sleep}, nil
}

// Repo is the repository that the client speaks to.
func (c *Client) Repo() Repo { return c.repo }

func (o Options) defaults() Options {
	if o.API == "" {
		o.API = publicAPI
	}
	if o.UserAgent == "" {
		o.UserAgent = "keepgreen"
	}
	if o.MaxWait == 0 {
		o.MaxWait = 2 * time.Minute
	}
	switch {
	case o.Pause == 0:
		o.Pause = time.Second
	case o.Pause < 0:
		o.Pause = 0
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// apiURL reads the base of the API and ends it with a slash, as the library
// wants it.
func apiURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/") + "/")
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no address of an API: write it like https://HOST/api/v3", s)
	}
	return u, nil
}

// graphqlURL is where GraphQL is beside a REST API: Enterprise Server has
// /api/v3 and /api/graphql.
func graphqlURL(base *url.URL) string {
	u := *base
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v3") + "/graphql"
	return u.String()
}
