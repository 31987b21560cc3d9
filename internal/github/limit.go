package github

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxTries = 4  // of one request
	maxLimit = 10 // of one request that met a rate limit each time: others use it up too
	burst    = 10 // writes in a minute before there is a pause between them
)

// limiter is the transport that keeps GitHub's rules: writes one after the
// other, with a pause between them if there are many; a rate limit is waited for if it ends soon
// enough; what broke on the way and may be repeated is repeated
// (docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api).
type limiter struct {
	next    http.RoundTripper
	maxWait time.Duration
	pause   time.Duration
	sleep   func(context.Context, time.Duration) error
	now     func() time.Time

	mu    sync.Mutex
	write sync.Mutex  // held during a write
	sent  []time.Time // the last writes, at most burst
	until time.Time   // nothing is sent before
}

// LimitError says that a rate limit does not end within what we would wait.
type LimitError struct {
	Status  int
	Message string
	Until   time.Time // zero: not said
}

func (e *LimitError) Error() string { return e.Message }

// RoundTrip implements http.RoundTripper.
func (l *limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	writes := req.Method != http.MethodGet && req.Method != http.MethodHead && !strings.HasSuffix(req.URL.Path, "/graphql")
	if writes {
		l.write.Lock()
		defer l.write.Unlock()
		if err := l.wait(req.Context(), l.gap()); err != nil {
			return nil, err
		}
		defer l.wrote()
	}
	for try := 1; ; try++ {
		if err := l.closed(req); err != nil {
			return nil, err
		}
		attempt := req.Clone(req.Context())
		if body != nil {
			attempt.Body = io.NopCloser(bytes.NewReader(body))
		}
		response, err := l.next.RoundTrip(attempt)
		delay, again := l.again(req, response, err, try)
		if !again {
			return response, err
		}
		limit := limitOf(response, l.now().Add(delay))
		if response != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
			_ = response.Body.Close()
		}
		if limit != nil {
			l.close(limit.Until)
		}
		if limit != nil && (delay > l.maxWait || try == maxLimit || late(req.Context(), l.now().Add(delay))) {
			return nil, limit
		}
		if err := l.wait(req.Context(), delay); err != nil {
			return nil, err
		}
	}
}

// gap is how long the next write has to wait; the lock for writes is held.
func (l *limiter) gap() time.Duration {
	if len(l.sent) < burst || l.now().Sub(l.sent[0]) > time.Minute {
		return 0
	}
	return l.sent[len(l.sent)-1].Add(l.pause).Sub(l.now())
}

func (l *limiter) wrote() {
	l.sent = append(l.sent, l.now())
	l.sent = l.sent[max(0, len(l.sent)-burst):]
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// closed waits for a limit that an earlier request met, or says that it is too
// far away, without asking again.
func (l *limiter) closed(req *http.Request) error {
	l.mu.Lock()
	until := l.until
	l.mu.Unlock()
	left := until.Sub(l.now())
	if left <= 0 {
		return nil
	}
	if left > l.maxWait || late(req.Context(), until) {
		return &LimitError{Status: http.StatusForbidden, Message: "GitHub's rate limit is used up", Until: until}
	}
	return l.wait(req.Context(), left)
}

func (l *limiter) close(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.until) {
		l.until = until
	}
}

func (l *limiter) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	return l.sleep(ctx, d)
}

// late reports whether a time is behind the context's deadline.
func late(ctx context.Context, t time.Time) bool {
	deadline, has := ctx.Deadline()
	return has && t.After(deadline)
}

// again reports whether a request is to be sent once more, and after what. A
// write that broke without an answer may have taken effect: it is repeated
// only where that does no harm.
func (l *limiter) again(req *http.Request, response *http.Response, err error, try int) (time.Duration, bool) {
	backoff := time.Second << (try - 1)
	idempotent := req.Method != http.MethodPost
	if err != nil {
		return backoff, idempotent && try < maxTries && req.Context().Err() == nil
	}
	if delay, limited := l.limitDelay(response, backoff); limited {
		return delay, true
	}
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError:
		return backoff, idempotent && try < maxTries
	}
	return 0, false
}

// limitDelay is how long a rate limit lasts: Retry-After, else the primary
// limit's reset, else a minute for a secondary one that does not say.
func (l *limiter) limitDelay(r *http.Response, backoff time.Duration) (time.Duration, bool) {
	if r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil {
		return min(max(time.Duration(seconds)*time.Second, backoff), 24*time.Hour), true
	}
	if r.Header.Get("X-RateLimit-Remaining") == "0" {
		reset, err := strconv.ParseInt(r.Header.Get("X-RateLimit-Reset"), 10, 64)
		if err != nil {
			return time.Minute, true
		}
		return max(time.Unix(reset, 0).Sub(l.now())+time.Second, backoff), true
	}
	if r.StatusCode == http.StatusTooManyRequests || saysLimit(r) {
		return time.Minute, true
	}
	return 0, false
}

// saysLimit looks for the words of a secondary limit that has no header. The
// body can still be read afterwards.
func saysLimit(r *http.Response) bool {
	head, _ := io.ReadAll(io.LimitReader(r.Body, 16<<10))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	return bytes.Contains(head, []byte("secondary rate limit")) || bytes.Contains(head, []byte("abuse detection"))
}

// limitOf is the limit that an answer speaks of; nil: it speaks of none.
func limitOf(r *http.Response, until time.Time) *LimitError {
	if r == nil || r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	which := "secondary rate limit"
	if r.Header.Get("X-RateLimit-Remaining") == "0" {
		which = "rate limit"
	}
	return &LimitError{Status: r.StatusCode, Message: fmt.Sprintf("GitHub's %s is used up", which), Until: until}
}
