// Package llmtest is a fake provider of models with behaviour: Anthropic's
// Messages API, OpenAI's chat completions, and servers that speak the latter. It
// holds every request against a schema derived from the vendor's own SDK types
// and against the rules that the vendors enforce and the types do not say.
package llmtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Provider is an http.Handler that answers as one API does.
type Provider struct {
	API    string // "anthropic", "openai" or "compatible"
	Behave string // the name of a row of Behaviours; empty: good
	// Answer is what a good answer is; nil: Sensible.
	Answer func(q Asked) string

	mu     sync.Mutex
	asked  []Asked
	faults []string
	tries  int
}

// Asked is a request as the provider understood it.
type Asked struct {
	Round  int    // 1 is the first question that was answered
	Model  string //
	System string
	User   string // the first message of the user
	Last   string // the last one, which in a repair tells what was wrong
	Schema json.RawMessage
	Body   string
}

// Data is the block of data in the question.
func (a Asked) Data() string {
	_, rest, _ := strings.Cut(a.User, "\n=====data ")
	mark, rest, _ := strings.Cut(rest, "\n")
	data, _, _ := strings.Cut(rest, "\n=====data "+mark)
	return data
}

// Gone is the model that "gone" does not offer any more; what is offered in its
// place is Current.
const Gone = "claude-3-5-sonnet-20241022"

// Current is the model of each API that a good client ends up with.
var Current = map[string]string{"anthropic": "claude-sonnet-5-5", "openai": "gpt-6.1-terra", "compatible": "tiny-instruct"}

// Asked lists the questions so far.
func (p *Provider) Asked() []Asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// Faults lists what was wrong with requests: a vendor would have refused them.
func (p *Provider) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults)
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Api-Key") == "" && r.Header.Get("Authorization") == "" {
		p.refuse(w, http.StatusUnauthorized, "authentication_error", "no key")
		return
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/v1"); {
	case r.Method == http.MethodGet && path == "/models":
		p.list(w)
	case r.Method == http.MethodPost && path == map[string]string{"anthropic": "/messages"}[p.API], r.Method == http.MethodPost && path == "/chat/completions" && p.API != "anthropic":
		p.answer(w, r)
	default:
		p.refuse(w, http.StatusNotFound, "not_found_error", "there is no "+r.URL.Path)
	}
}

func (p *Provider) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	asked, wrong := p.read(body)
	p.mu.Lock()
	p.tries++
	asked.Round = p.tries
	p.asked = append(p.asked, asked)
	p.faults = append(p.faults, wrong...)
	p.mu.Unlock()
	if len(wrong) > 0 {
		p.refuse(w, http.StatusBadRequest, "invalid_request_error", strings.Join(wrong, "; "))
		return
	}
	for _, b := range Behaviours {
		if b.Name == p.Behave {
			b.serve(p, w, r, asked)
			return
		}
	}
	p.say(w, asked, p.good(asked), "")
}

func (p *Provider) good(a Asked) string {
	if p.Answer != nil {
		return p.Answer(a)
	}
	return Sensible(a)
}

// read understands a request and says what a vendor would refuse.
func (p *Provider) read(body []byte) (Asked, []string) {
	wrong := p.check(body)
	var doc struct {
		Model    string
		System   string
		Messages []struct{ Role, Content string }
		Output   struct {
			Format struct{ Schema json.RawMessage }
		} `json:"output_config"`
		Response struct {
			Schema struct{ Schema json.RawMessage } `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return Asked{Body: string(body)}, append(wrong, err.Error())
	}
	a := Asked{Model: doc.Model, System: doc.System, Schema: doc.Output.Format.Schema, Body: string(body)}
	if a.Schema == nil {
		a.Schema = doc.Response.Schema.Schema
	}
	for _, m := range doc.Messages {
		switch {
		case m.Role == "system" || m.Role == "developer":
			a.System += m.Content
		case m.Role == "user" && a.User == "":
			a.User = m.Content
		}
		a.Last = m.Content
	}
	return a, wrong
}

// say is a whole reply in the API's own shape; stop is the reason in Anthropic's
// words, empty for a natural end.
func (p *Provider) say(w http.ResponseWriter, a Asked, text, stop string) {
	w.Header().Set("Content-Type", "application/json")
	in, out := len(a.Body)/4, len(text)/4
	var doc any
	if p.API == "anthropic" {
		doc = anthropicReply(a.Model, text, stop, in, out)
	} else {
		doc = openAIReply(a.Model, text, stop, in, out)
	}
	_ = json.NewEncoder(w).Encode(doc) // a client that hung up is its own business
}

func anthropicReply(model, text, stop string, in, out int) map[string]any {
	if stop == "" {
		stop = "end_turn"
	}
	content := []any{map[string]any{"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}}
	if text != "" {
		content = append(content, map[string]any{"type": "text", "text": text, "citations": nil})
	}
	return map[string]any{
		"id": "msg_1", "type": "message", "role": "assistant", "model": model, "container": nil, "diagnostics": nil,
		"content": content, "stop_reason": stop, "stop_sequence": nil, "stop_details": nil,
		"usage": map[string]any{
			"input_tokens": in, "output_tokens": out, "cache_creation": nil, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
			"inference_geo": nil, "output_tokens_details": nil, "server_tool_use": nil, "service_tier": "standard", "speed": nil,
		},
	}
}

func openAIReply(model, text, stop string, in, out int) map[string]any {
	finish, refusal := "stop", any(nil)
	switch stop {
	case "max_tokens":
		finish = "length"
	case "refusal":
		refusal, text = "I cannot help with that.", ""
	}
	return map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1795600000, "model": model,
		"choices": []any{map[string]any{
			"index": 0, "finish_reason": finish, "logprobs": nil,
			"message": map[string]any{"role": "assistant", "content": text, "refusal": refusal},
		}},
		"usage": map[string]any{"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out},
	}
}

// refuse is an error in the shape of the API.
func (p *Provider) refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	doc := map[string]any{"error": map[string]any{"type": kind, "message": message}}
	if p.API == "anthropic" {
		doc["type"], doc["request_id"] = "error", "req_1"
	} else {
		code := any(nil)
		if strings.HasPrefix(kind, "model_") {
			code, kind = kind, "invalid_request_error"
		}
		doc["error"] = map[string]any{"type": kind, "message": message, "code": code, "param": nil}
	}
	_ = json.NewEncoder(w).Encode(doc) // as above
}

// list is what the API offers: old and new, dear and cheap, and what is no model
// for text.
func (p *Provider) list(w http.ResponseWriter) {
	day := func(d int) time.Time { return time.Date(2026, 9, d, 0, 0, 0, 0, time.UTC) }
	var data []any
	switch p.API {
	case "anthropic":
		for i, id := range []string{"claude-sonnet-4-5-20250929", "claude-sonnet-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"} {
			data = append(data, map[string]any{"type": "model", "id": id, "display_name": id, "created_at": day(i + 1).Format(time.RFC3339)})
		}
	case "openai":
		for i, id := range []string{"gpt-5.6-terra", "gpt-6.1-terra", "gpt-6.1-sol", "gpt-realtime-3", "text-embedding-4"} {
			data = append(data, map[string]any{"object": "model", "id": id, "owned_by": "openai", "created": day(i + 1).Unix(), "shutdown_date": nil})
		}
	default:
		data = append(data, map[string]any{"object": "model", "id": Current["compatible"], "owned_by": "library", "created": day(1).Unix()})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data, "has_more": false}) // as above
}

func (p *Provider) String() string { return fmt.Sprintf("%s, %s", p.API, p.Behave) }
