// Package llm asks a language model over HTTP: Anthropic's Messages API,
// OpenAI's chat completions, and servers that speak the latter. It knows
// deadlines, retries, budgets, a cache and what a provider offers; it knows
// nothing of what is asked, and believes nothing of what is answered: a reply is
// text of a stranger, bounded in size, for the caller to check.
package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Request is one question.
type Request struct {
	Kind      string // what it is for, e.g. "triage"; of each kind one is in flight
	System    string
	User      string
	Schema    json.RawMessage // JSON schema of the answer; nil: any text
	MaxTokens int             // of the answer; room for thinking is added where it counts against the limit
	Turns     []Turn          // the rounds before, for a repair; they stand behind User
}

// Turn is an earlier answer and what was said to it.
type Turn struct{ Answer, Reply string }

// Reply is what came back.
type Reply struct {
	Text   string
	Model  string // that answered
	Usage  Usage
	Cached bool // nothing was sent
}

// Usage counts tokens as the provider billed them.
type Usage struct{ Input, Output int }

// Total is the tokens of both directions.
func (u Usage) Total() int { return u.Input + u.Output }

// What keeps a reply from being one.
var (
	ErrRefused   = errors.New("the model refused to answer")
	ErrTruncated = errors.New("the answer was cut off at its token limit")
	ErrBudget    = errors.New("the budget of this run is used up")
	ErrTooLarge  = errors.New("the reply is larger than 4 MiB")
)

// StatusError is a provider's refusal of a request.
type StatusError struct {
	Status  int
	Type    string // the provider's word: "rate_limit_error", "model_not_found"
	Message string // one line, bounded
	after   time.Duration
	retry   string // x-should-retry
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP %d", e.Status)
	if e.Type != "" {
		text += " " + e.Type
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Config is where and whom to ask. The zero values of durations and numbers are
// the defaults.
type Config struct {
	Key          string
	Model        string
	AnthropicURL string        // zero: the public service
	OpenAIURL    string        // zero: the public service
	Compatible   string        // base URL of a server that speaks OpenAI's protocol, for models of no known provider
	Timeout      time.Duration // of one question with all its retries; zero: 2 min
	Budget       Budget
	Cache        string // directory; empty: nothing is remembered
	HTTP         *http.Client
	Now          func() time.Time
	Sleep        func(context.Context, time.Duration) error
	Jitter       func() float64 // 0..1; nil: none
}

// Client asks one provider. It is safe for concurrent use.
type Client struct {
	conf  Config
	wire  dialect
	ledge ledger

	mu       sync.Mutex
	kinds    map[string]*sync.Mutex
	model    string // what is asked now; differs from conf.Model once that is gone
	replaced string // said once by Notice
	asking   int    // how much of what is new in the API is used; grows where the server refuses it
}

// New chooses the provider by the model's name: claude-* is Anthropic's, gpt-*
// and o<digit>* are OpenAI's, any other name is for a compatible server.
func New(conf Config) (*Client, error) {
	if conf.Key == "" {
		return nil, errors.New("no key")
	}
	wire, err := dialectOf(conf)
	if err != nil {
		return nil, err
	}
	if conf.Timeout == 0 {
		conf.Timeout = 2 * time.Minute
	}
	if conf.HTTP == nil {
		conf.HTTP = &http.Client{}
	}
	// A key must not follow a redirect to somewhere else.
	web := *conf.HTTP
	web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conf.HTTP = &web
	if conf.Sleep == nil {
		conf.Sleep = sleep
	}
	return &Client{conf: conf, wire: wire, model: conf.Model, kinds: map[string]*sync.Mutex{}, ledge: ledger{budget: conf.Budget}}, nil
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

// Provider names who is asked: "anthropic", "openai" or "compatible".
func (c *Client) Provider() string { return c.wire.name() }

// Notice is what has to be said once about the model: that the configured one
// is gone and which one is asked instead. Empty: nothing.
func (c *Client) Notice() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replaced == "" {
		return ""
	}
	return fmt.Sprintf("the model %s is not offered any more: %s is asked instead; set AI_MODEL to choose", oneLine(c.conf.Model, 80), oneLine(c.replaced, 80))
}

// Spent is what was used so far.
func (c *Client) Spent() Spent { return c.ledge.spent() }

// Ask sends the question, or answers it from the cache. Of each kind one
// question is in flight, so that a burst of equal ones costs one.
func (c *Client) Ask(ctx context.Context, r Request) (Reply, error) {
	lock := c.lockOf(r.Kind)
	lock.Lock()
	defer lock.Unlock()
	if reply, ok := c.recall(c.cacheKey(r)); ok {
		return reply, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.conf.Timeout)
	defer cancel()
	reply, err := c.ask(ctx, r)
	var status *StatusError
	if errors.As(err, &status) && missingModel(status) {
		if err = c.replace(ctx, status); err == nil {
			reply, err = c.ask(ctx, r)
		}
	}
	for errors.As(err, &status) && c.simpler(status) {
		reply, err = c.ask(ctx, r)
	}
	if err != nil {
		if ctx.Err() == context.DeadlineExceeded {
			return reply, fmt.Errorf("no answer within %s", c.conf.Timeout)
		}
		return reply, err
	}
	return reply, nil
}

func (c *Client) lockOf(kind string) *sync.Mutex {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds[kind] == nil {
		c.kinds[kind] = &sync.Mutex{}
	}
	return c.kinds[kind]
}

// How a question is put. Older models refuse effort, old compatible servers
// refuse response_format; what they answer then is held against the schema by the
// caller, as every answer is.
const (
	askFully   = iota
	askPlainly // without effort
	askBarely  // without a schema either
)

// simpler notes that a server refuses what is new in the API, once a step.
func (c *Client) simpler(e *StatusError) bool {
	if e.Status != http.StatusBadRequest && e.Status != http.StatusUnprocessableEntity {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asking == askBarely {
		return false
	}
	c.asking++
	return true
}

// ask reserves the worst case, sends, and books what it was.
func (c *Client) ask(ctx context.Context, r Request) (Reply, error) {
	c.mu.Lock()
	model, asking := c.model, c.asking
	c.mu.Unlock()
	body, limit, err := c.wire.body(r, model, asking)
	if err != nil {
		return Reply{}, err
	}
	reserved := Usage{Input: estimate(len(body)), Output: limit}
	if err := c.ledge.reserve(model, reserved); err != nil {
		return Reply{}, err
	}
	data, err := c.send(ctx, http.MethodPost, c.wire.path(), body)
	if err != nil {
		c.ledge.book(model, reserved, Usage{})
		return Reply{}, err
	}
	reply, err := c.wire.parse(data)
	if reply.Usage == (Usage{}) { // a server that does not count is counted for
		reply.Usage = Usage{Input: reserved.Input, Output: estimate(len(reply.Text))}
	}
	if reply.Model == "" {
		reply.Model = model
	}
	c.ledge.book(model, reserved, reply.Usage)
	return reply, err
}

// estimate is tokens from bytes, on the dear side: English prose has about four
// bytes a token, code and identifiers nearer three.
func estimate(bytes int) int { return bytes/3 + 1 }

func oneLine(s string, most int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
