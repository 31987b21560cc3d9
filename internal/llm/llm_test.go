package llm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/assert/cmp"

	"keepgreen/internal/llm"
)

const key = "sk-a-key-for-tests"

// served starts a server and a client that asks it for the model.
func served(t *testing.T, model string, conf llm.Config, handle http.HandlerFunc) (*llm.Client, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	var waits []time.Duration
	conf.Key, conf.Model = key, model
	conf.AnthropicURL, conf.OpenAIURL, conf.Compatible = server.URL, server.URL, server.URL
	conf.Sleep = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	conf.Now = func() time.Time { return time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC) }
	client, err := llm.New(conf)
	assert.NilError(t, err)
	return client, &waits
}

func claude(text, stop string) string {
	data, _ := json.Marshal(text)
	return fmt.Sprintf(`{"model":"m","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":%s}],"stop_reason":%q,"usage":{"input_tokens":10,"output_tokens":5}}`, data, stop)
}

var question = llm.Request{Kind: "test", System: "be brief", User: "why?", Schema: json.RawMessage(`{"type":"object"}`), MaxTokens: 100}

func TestTheTextIsFoundBehindThinking(t *testing.T) {
	client, _ := served(t, "claude-x", llm.Config{}, func(w http.ResponseWriter, r *http.Request) {
		assert.Check(t, cmp.Equal(r.Header.Get("X-Api-Key"), key))
		fmt.Fprint(w, claude("because", "end_turn"))
	})
	reply, err := client.Ask(t.Context(), question)
	assert.NilError(t, err)
	assert.Equal(t, reply.Text, "because")
	assert.Equal(t, client.Spent().Usage, llm.Usage{Input: 10, Output: 5})
}

func TestRetryAfterIsCapped(t *testing.T) {
	asked := 0
	client, waits := served(t, "claude-x", llm.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader([]int{429, 529}[asked-1])
			return
		}
		fmt.Fprint(w, claude("at last", "end_turn"))
	})
	_, err := client.Ask(t.Context(), question)
	assert.NilError(t, err)
	assert.DeepEqual(t, *waits, []time.Duration{20 * time.Second, 20 * time.Second})
}

func TestARefusedKeyIsNotTriedAgainNorShown(t *testing.T) {
	asked := 0
	client, _ := served(t, "claude-x", llm.Config{}, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.WriteHeader(401)
		fmt.Fprintf(w, `{"error":{"type":"authentication_error","message":"invalid x-api-key %s"}}`, r.Header.Get("X-Api-Key"))
	})
	_, err := client.Ask(t.Context(), question)
	assert.Assert(t, err != nil)
	assert.Check(t, !strings.Contains(err.Error(), key), err)
	assert.Equal(t, asked, 1)
}

func TestAModelThatIsGoneIsReplacedFromTheProvidersList(t *testing.T) {
	for _, c := range []struct{ gone, list, want string }{
		{
			"claude-3-5-sonnet-20241022",
			`{"data":[{"id":"claude-opus-5-5","created_at":"2026-10-01T00:00:00Z"},{"id":"claude-sonnet-5-5","created_at":"2026-09-01T00:00:00Z"},{"id":"claude-sonnet-5","created_at":"2026-02-01T00:00:00Z"}]}`,
			"claude-sonnet-5-5",
		},
		{
			"gpt-4-turbo-preview",
			`{"data":[{"id":"gpt-6.1-terra","created":1790000000},{"id":"gpt-6-sol","created":1795000000},{"id":"gpt-7-turbo-audio","created":1799000000},{"id":"gpt-5-turbo","created":1799000001,"shutdown_date":"2026-01-01"}]}`,
			"gpt-6.1-terra",
		},
	} {
		var models []string
		client, _ := served(t, c.gone, llm.Config{}, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				fmt.Fprint(w, c.list)
				return
			}
			var doc struct{ Model string }
			assert.Check(t, json.NewDecoder(r.Body).Decode(&doc))
			models = append(models, doc.Model)
			switch {
			case doc.Model == c.gone:
				w.WriteHeader(404)
				fmt.Fprintf(w, `{"error":{"type":"not_found_error","message":"model: %s"}}`, doc.Model)
			case strings.HasPrefix(c.gone, "gpt"):
				fmt.Fprint(w, `{"model":"m","choices":[{"finish_reason":"stop","message":{"content":"yes"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`)
			default:
				fmt.Fprint(w, claude("yes", "end_turn"))
			}
		})
		_, err := client.Ask(t.Context(), question)
		assert.NilError(t, err)
		_, err = client.Ask(t.Context(), question)
		assert.NilError(t, err)
		assert.DeepEqual(t, models, []string{c.gone, c.want, c.want})
		assert.Check(t, cmp.Contains(client.Notice(), c.want))
	}
}

func TestABudgetIsNotPassed(t *testing.T) {
	asked := 0
	client, _ := served(t, "claude-x", llm.Config{Budget: llm.Budget{Tokens: 9000}}, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprint(w, `{"content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":400,"output_tokens":400}}`)
	})
	_, err := client.Ask(t.Context(), question)
	assert.NilError(t, err)
	_, err = client.Ask(t.Context(), question)
	assert.Check(t, errors.Is(err, llm.ErrBudget), err)
	assert.Equal(t, asked, 1)
}

func TestASecondRunCostsNothing(t *testing.T) {
	dir, asked := t.TempDir(), 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprint(w, claude("same", "end_turn"))
	}))
	defer server.Close()
	for range 2 {
		client, err := llm.New(llm.Config{Key: key, Model: "claude-x", AnthropicURL: server.URL, Cache: dir})
		assert.NilError(t, err)
		reply, err := client.Ask(t.Context(), question)
		assert.NilError(t, err)
		assert.Equal(t, reply.Text, "same")
		client.Keep(question, reply)
	}
	assert.Equal(t, asked, 1)
	entries, err := os.ReadDir(dir)
	assert.NilError(t, err)
	assert.Equal(t, len(entries), 1)
}

func TestAServerWithoutStructuredOutputIsAskedPlainly(t *testing.T) {
	client, _ := served(t, "local-model", llm.Config{}, func(w http.ResponseWriter, r *http.Request) {
		var doc map[string]any
		assert.Check(t, json.NewDecoder(r.Body).Decode(&doc))
		if doc["response_format"] != nil {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":{"message":"unknown field response_format"}}`)
			return
		}
		assert.Check(t, doc["max_tokens"] != nil && doc["max_completion_tokens"] == nil)
		fmt.Fprint(w, `{"choices":[{"finish_reason":"stop","message":{"content":"{}"}}]}`)
	})
	reply, err := client.Ask(t.Context(), question)
	assert.NilError(t, err)
	assert.Equal(t, reply.Text, "{}")
}

func TestBudgets(t *testing.T) {
	b, err := llm.ParseBudget("200000, $1.50")
	assert.NilError(t, err)
	assert.Equal(t, b, llm.Budget{Tokens: 200000, Dollars: 1.5})
	for _, bad := range []string{"", "-1", "$", "$NaN", "1e3", "many"} {
		_, err := llm.ParseBudget(bad)
		assert.Check(t, err != nil, bad)
	}
}
