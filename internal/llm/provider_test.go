package llm_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/assert/cmp"

	"keepgreen/internal/llm"
	"keepgreen/internal/llm/llmtest"
)

// models belong to the three APIs; one that is gone is asked for.
var models = map[string]string{"anthropic": llmtest.Gone, "openai": "gpt-4-turbo-preview", "compatible": "some-model"}

// TestEveryBehaviourOfEveryProvider: what a caller gets, and that no request was
// one that the vendor would refuse.
func TestEveryBehaviourOfEveryProvider(t *testing.T) {
	want := map[string]struct {
		err   string // empty: an answer
		waits int
	}{
		"good": {}, "fenced": {}, "malformed": {}, "repaired": {}, "misshapen": {}, "hostile": {}, // a caller's business
		"truncated":  {err: llm.ErrTruncated.Error()},
		"thought":    {err: llm.ErrTruncated.Error()},
		"refused":    {err: llm.ErrRefused.Error()},
		"limited":    {err: "HTTP 429 rate_limit_error: too many requests", waits: 3},
		"overloaded": {waits: 2},
		"denied":     {err: "HTTP 401 authentication_error"},
		"gone":       {},
		"slow":       {err: "no answer within"},
		"huge":       {err: llm.ErrTooLarge.Error()},
		"page":       {err: "is not the JSON of"},
	}
	for api, model := range models {
		for _, b := range llmtest.Behaviours {
			t.Run(api+" "+b.Name, func(t *testing.T) {
				t.Parallel()
				expected, there := want[b.Name]
				assert.Assert(t, there, "no expectation")
				provider := &llmtest.Provider{API: api, Behave: b.Name}
				conf := llm.Config{}
				if b.Name == "slow" {
					conf.Timeout = 100 * time.Millisecond
				}
				client, waits := served(t, model, conf, provider.ServeHTTP)
				reply, err := client.Ask(t.Context(), question)
				if expected.err != "" {
					assert.ErrorContains(t, err, expected.err)
				} else {
					assert.NilError(t, err)
					assert.Check(t, reply.Text != "" && client.Spent().Usage.Total() > 0)
				}
				assert.Check(t, cmp.Len(*waits, expected.waits))
				for _, wait := range *waits {
					assert.Check(t, wait <= 20*time.Second)
				}
				assert.Check(t, cmp.Len(provider.Faults(), 0))
				if b.Name == "gone" {
					assert.Equal(t, reply.Model, llmtest.Current[api])
					assert.Check(t, cmp.Contains(client.Notice(), llmtest.Current[api]))
				}
			})
		}
	}
}

// TestARepairIsARequestToo: a conversation of two rounds is one that the vendors
// take.
func TestARepairIsARequestToo(t *testing.T) {
	for api, model := range models {
		provider := &llmtest.Provider{API: api}
		client, _ := served(t, model, llm.Config{}, provider.ServeHTTP)
		again := question
		again.Turns = []llm.Turn{{Answer: "Sure!", Reply: "That is not JSON."}}
		_, err := client.Ask(t.Context(), again)
		assert.NilError(t, err)
		assert.Check(t, cmp.Len(provider.Faults(), 0))
		assert.Equal(t, provider.Asked()[0].Last, "That is not JSON.")
	}
}

// TestTheFakeIsAsStrictAsTheVendors, or the tests above would show nothing.
func TestTheFakeIsAsStrictAsTheVendors(t *testing.T) {
	for name, c := range map[string]struct{ api, body, want string }{
		"no limit":             {"anthropic", `{"model":"m","messages":[]}`, "max_tokens"},
		"a sampling parameter": {"anthropic", `{"model":"m","max_tokens":1,"messages":[],"temperature":0}`, "temperature"},
		"a prefilled answer":   {"anthropic", `{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":"{"}]}`, "last message"},
		"an unknown field":     {"anthropic", `{"model":"m","max_tokens":1,"messages":[],"max_completion_tokens":1}`, "additional properties"},
		"a bound in a schema":  {"anthropic", `{"model":"m","max_tokens":1,"messages":[],"output_config":{"format":{"type":"json_schema","schema":{"type":"string","maxLength":3}}}}`, "maxLength"},
		"the old limit":        {"openai", `{"model":"m","max_tokens":1,"messages":[]}`, "max_completion_tokens"},
		"a bad role":           {"openai", `{"model":"m","messages":[{"role":"god","content":"x"}]}`, "role"},
		"a property that may be missing": {
			"openai", `{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}},"required":[]}}}}`,
			"required does not list a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			provider := &llmtest.Provider{API: c.api}
			r := httptest.NewRequest("POST", map[string]string{"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}[c.api], strings.NewReader(c.body))
			r.Header.Set("Authorization", "Bearer x")
			w := httptest.NewRecorder()
			provider.ServeHTTP(w, r)
			assert.Equal(t, w.Code, 400)
			assert.Check(t, cmp.Contains(strings.Join(provider.Faults(), " "), c.want))
		})
	}
}

// TestTheFakeAnswersAsTheVendorsDo holds its replies against the schemas of the
// vendors' replies.
func TestTheFakeAnswersAsTheVendorsDo(t *testing.T) {
	for api, name := range map[string]string{"anthropic": "anthropic-response", "openai": "openai-response"} {
		for _, behave := range []string{"good", "truncated", "thought", "refused", "hostile"} {
			body := map[string]string{
				"anthropic": `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}`,
				"openai":    `{"model":"m","messages":[{"role":"user","content":"x"}]}`,
			}[api]
			r := httptest.NewRequest("POST", map[string]string{"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}[api], strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer x")
			w := httptest.NewRecorder()
			(&llmtest.Provider{API: api, Behave: behave}).ServeHTTP(w, r)
			assert.Check(t, json.Valid(w.Body.Bytes()))
			assert.Check(t, llmtest.Validate(name, w.Body.Bytes()), "%s %s", api, behave)
		}
	}
}
