package github

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// What is remembered of earlier answers.
const (
	maxRemembered = 256      // answers
	maxAnswer     = 1 << 20  // bytes of one
	maxMemory     = 16 << 20 // bytes of all
)

// remember asks again with the ETag of the last answer: a 304 costs nothing of
// the rate limit, and the page is the one we have.
type remember struct {
	next http.RoundTripper

	mu    sync.Mutex
	have  map[string]*answer
	order []string // oldest first
	size  int
}

type answer struct {
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (r *remember) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || req.Header.Get("Range") != "" {
		return r.next.RoundTrip(req)
	}
	key := req.URL.String() + "\n" + req.Header.Get("Accept")
	r.mu.Lock()
	known := r.have[key]
	r.mu.Unlock()
	if known != nil {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", known.header.Get("ETag"))
	}
	response, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusNotModified && known != nil {
		_ = response.Body.Close()
		return known.again(req, response), nil
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("ETag") == "" || response.ContentLength > maxAnswer {
		return response, nil
	}
	return r.keep(key, response)
}

// again is the remembered answer, with the rate limit of the new one.
func (a *answer) again(req *http.Request, fresh *http.Response) *http.Response {
	header := a.header.Clone()
	for name, values := range fresh.Header {
		header[name] = values
	}
	if link := a.header.Get("Link"); link != "" && header.Get("Link") == "" {
		header.Set("Link", link)
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: fresh.Proto, ProtoMajor: fresh.ProtoMajor, ProtoMinor: fresh.ProtoMinor,
		Header: header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}
}

func (r *remember) keep(key string, response *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	if len(body) > maxAnswer { // too large to keep; the reader goes on where we stopped
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), response.Body), response.Body}
		return response, nil
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.have == nil {
		r.have = map[string]*answer{}
	}
	if old := r.have[key]; old != nil {
		r.size -= len(old.body)
	} else {
		r.order = append(r.order, key)
	}
	r.have[key] = &answer{header: response.Header.Clone(), body: body}
	r.size += len(body)
	for len(r.order) > maxRemembered || r.size > maxMemory {
		oldest := r.order[0]
		r.order = r.order[1:]
		r.size -= len(r.have[oldest].body)
		delete(r.have, oldest)
	}
	return response, nil
}
