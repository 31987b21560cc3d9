package githubtest

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed testdata/openapi.json.gz
var packed []byte

// description is GitHub's, trimmed to what we use (scripts/trim-openapi.py).
var description = sync.OnceValues(func() (*openapi3.T, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(data)
})

// operation is one thing that can be asked for.
type operation struct {
	pattern string // "GET /repos/{owner}/{repo}/…", as the description spells it
	needs   string // "issues:write", or several with "|"; "…:read!": nothing in a public repository; empty: nothing
	do      func(*request) reply
	route   *routers.Route
}

// ready finds the operations in the description, once.
var ready = sync.OnceValue(func() error {
	doc, err := description()
	if err != nil {
		return err
	}
	for i := range operations {
		op := &operations[i]
		method, path, _ := strings.Cut(op.pattern, " ")
		item := doc.Paths.Value(path)
		if item == nil || item.GetOperation(method) == nil {
			return fmt.Errorf("%s is not in the description: add it to operations.txt and trim anew", op.pattern)
		}
		op.route = &routers.Route{Spec: doc, Server: &openapi3.Server{}, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)}
	}
	return nil
})

// route finds the operation of a request, and its parameters. Where several
// match, the one with the most levels that are no parameters is meant:
// …/issues/comments/7 is a comment, not the issue "comments".
func route(method string, asked *url.URL) (*operation, map[string]string, error) {
	if err := ready(); err != nil {
		return nil, nil, err
	}
	levels := strings.Split(strings.TrimPrefix(asked.EscapedPath(), "/api/v3"), "/")
	var found *operation
	var params map[string]string
	most := -1
	for i := range operations {
		op := &operations[i]
		if op.route.Method != method {
			continue
		}
		if got, literal, ok := match(op.route.Path, levels); ok && literal > most {
			found, params, most = op, got, literal
		}
	}
	return found, params, nil
}

// match compares a path with a pattern, level by level.
func match(pattern string, levels []string) (params map[string]string, literal int, ok bool) {
	parts := strings.Split(pattern, "/")
	if len(levels) < len(parts) || len(levels) > len(parts) && !deep(pattern) {
		return nil, 0, false
	}
	params = map[string]string{}
	for i, part := range parts {
		value := levels[i]
		if i == len(parts)-1 {
			value = strings.Join(levels[i:], "/")
		}
		name, isParam := strings.CutPrefix(part, "{")
		if !isParam {
			if part != value {
				return nil, 0, false
			}
			literal++
			continue
		}
		plain, err := url.PathUnescape(value)
		if err != nil || plain == "" {
			return nil, 0, false
		}
		params[strings.TrimSuffix(name, "}")] = plain
	}
	return params, literal, true
}

// deep reports patterns whose last parameter may hold slashes.
func deep(pattern string) bool {
	return strings.HasSuffix(pattern, "/git/ref/{ref}") || strings.HasSuffix(pattern, "/git/refs/{ref}") || strings.HasSuffix(pattern, "/contents/{path}")
}

func inputOf(r *http.Request, op *operation, params map[string]string) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: op.route,
		Options: &openapi3filter.Options{RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true},
	}
}

// validateRequest holds a request to the description: parameters, body, and no
// query that the operation does not have.
func validateRequest(call *request, op *operation, params map[string]string) error {
	asked := call.Clone(context.Background())
	asked.Body = io.NopCloser(bytes.NewReader(call.sent))
	for name := range asked.URL.Query() {
		if op.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("no query parameter %q", name)
		}
	}
	return openapi3filter.ValidateRequest(context.Background(), inputOf(asked, op, params))
}

// validateAnswer holds the fake itself to the description: types and names of
// what it says, not that it says everything.
func validateAnswer(op *operation, answer reply) error {
	if answer.status >= http.StatusBadRequest || answer.body == nil {
		return nil
	}
	if op.route.Operation.Responses.Status(answer.status) == nil {
		return fmt.Errorf("no status %d", answer.status)
	}
	data, err := json.Marshal(answer.body)
	if err != nil {
		return err
	}
	method, path, _ := strings.Cut(op.pattern, " ")
	asked, err := http.NewRequestWithContext(context.Background(), method, path, http.NoBody)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: inputOf(asked, op, nil), Status: answer.status,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(data)),
	})
}
