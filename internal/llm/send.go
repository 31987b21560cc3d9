package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	tries      = 4
	firstWait  = 500 * time.Millisecond
	longestGap = 20 * time.Second // whatever Retry-After says: a CI job is not to wait for an hour
	maxReply   = 4 << 20
)

// send carries out one request, with retries on what may pass: 408, 409, 429,
// 5xx (Anthropic's 529 is "overloaded") and connections that broke.
func (c *Client) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	for try := 1; ; try++ {
		data, err := c.once(ctx, method, path, body)
		if err == nil || try == tries || ctx.Err() != nil || !passing(err) {
			return data, c.scrub(err)
		}
		if err := c.conf.Sleep(ctx, c.wait(err, try)); err != nil {
			return nil, err
		}
	}
}

// scrub keeps the key out of messages: a transport may quote a header.
func (c *Client) scrub(err error) error {
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.conf.Key)) {
		return err
	}
	return errors.New("the request failed (the message held the key and is not shown)")
}

// wait is the pause before the next try: what the provider asks for, capped, or
// twice the last one.
func (c *Client) wait(err error, try int) time.Duration {
	var status *StatusError
	if errors.As(err, &status) && status.after > 0 {
		return min(status.after, longestGap)
	}
	gap := min(firstWait<<(try-1), longestGap)
	if c.conf.Jitter != nil {
		gap -= time.Duration(c.conf.Jitter() * 0.25 * float64(gap))
	}
	return gap
}

// passing reports whether the same request may succeed later.
func passing(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) {
		return !errors.Is(err, ErrTooLarge)
	}
	if status.retry == "true" || status.retry == "false" {
		return status.retry == "true"
	}
	switch status.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status.Status >= 500
}

func (c *Client) once(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.wire.base()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "keepgreen")
	c.wire.authorise(req.Header, c.conf.Key)
	resp, err := c.conf.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case len(data) > maxReply:
		return nil, ErrTooLarge
	case err != nil:
		return nil, err
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, c.refusal(resp, data)
	}
	return data, nil
}

// refusal reads {"error": {"type", "code", "message"}}, which both APIs send.
func (c *Client) refusal(resp *http.Response, data []byte) error {
	var doc struct {
		Error struct {
			Type    string
			Code    any
			Message string
		}
	}
	_ = json.Unmarshal(data, &doc) // what is no JSON has no message
	e := &StatusError{Status: resp.StatusCode, Type: doc.Error.Type, Message: oneLine(doc.Error.Message, 200), retry: resp.Header.Get("X-Should-Retry")}
	if code, ok := doc.Error.Code.(string); ok && code != "" {
		e.Type = code
	}
	e.Type = oneLine(e.Type, 60)
	e.after = retryAfter(resp.Header, c.conf.Now)
	return e
}

// retryAfter reads seconds, milliseconds (OpenAI's header) or a date.
func retryAfter(h http.Header, now func() time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms, 1e9) * float64(time.Millisecond))
	}
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 {
		return time.Duration(min(s, 1e6) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil && now != nil {
		return max(at.Sub(now()), 0)
	}
	return 0
}
