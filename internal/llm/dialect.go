package llm

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// dialect is one provider's way to be asked.
type dialect interface {
	name() string
	base() string
	path() string
	authorise(h http.Header, key string)
	// body is the request; limit is the most tokens that it may be billed for.
	body(r Request, model string, asking int) (data []byte, limit int, err error)
	parse(data []byte) (Reply, error)
	models() string // path of the list of models
}

// thinkingRoom is added where a provider counts thinking against the limit of
// the answer: without it a small limit ends in thinking and no text.
const thinkingRoom = 8192

func dialectOf(conf Config) (dialect, error) {
	switch {
	case strings.HasPrefix(conf.Model, "claude-"):
		base, err := baseURL(cmp.Or(conf.AnthropicURL, "https://api.anthropic.com"))
		return anthropic{base}, err
	case isOpenAI(conf.Model):
		base, err := baseURL(cmp.Or(conf.OpenAIURL, "https://api.openai.com/v1"))
		return openai{url: base}, err
	case conf.Compatible == "":
		return nil, fmt.Errorf("the model %q belongs to no provider that is known (claude-*, gpt-*, o*): AI_BASE_URL names the server that has it", oneLine(conf.Model, 80))
	}
	base, err := baseURL(conf.Compatible)
	return openai{url: base, compatible: true}, err
}

// isOpenAI: gpt-* and the o series, o1 to o9 with whatever follows.
func isOpenAI(model string) bool {
	return strings.HasPrefix(model, "gpt-") || len(model) > 1 && model[0] == 'o' && model[1] >= '1' && model[1] <= '9'
}

func baseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New("the base URL of the model's server is no http(s) URL")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// anthropic is the Messages API, version 2023-06-01.
type anthropic struct{ url string }

func (anthropic) name() string   { return "anthropic" }
func (a anthropic) base() string { return strings.TrimSuffix(a.url, "/v1") }
func (anthropic) path() string   { return "/v1/messages" }
func (anthropic) models() string { return "/v1/models?limit=1000" }

func (anthropic) authorise(h http.Header, key string) {
	h.Set("X-Api-Key", key)
	h.Set("Anthropic-Version", "2023-06-01")
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// conversation is the question and the rounds of repair behind it.
func conversation(r Request) []message {
	out := []message{{"user", r.User}}
	for _, t := range r.Turns {
		out = append(out, message{"assistant", t.Answer}, message{"user", t.Reply})
	}
	return out
}

// body: what is asked is to be read off the data, so little effort is asked for,
// and no sampling parameter: current models refuse them.
func (anthropic) body(r Request, model string, asking int) ([]byte, int, error) {
	type format struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}
	type config struct {
		Effort string  `json:"effort,omitempty"`
		Format *format `json:"format,omitempty"`
	}
	doc := struct {
		Model     string    `json:"model"`
		MaxTokens int       `json:"max_tokens"`
		System    string    `json:"system,omitempty"`
		Messages  []message `json:"messages"`
		Output    *config   `json:"output_config,omitempty"`
	}{Model: model, MaxTokens: r.MaxTokens + thinkingRoom, System: r.System, Messages: conversation(r)}
	var output config
	if asking == askFully {
		output.Effort = "low"
	}
	if asking < askBarely && r.Schema != nil {
		output.Format = &format{"json_schema", r.Schema}
	}
	if output != (config{}) {
		doc.Output = &output
	}
	data, err := json.Marshal(doc)
	return data, doc.MaxTokens, err
}

// parse takes the text blocks; a thinking block may stand before them.
func (anthropic) parse(data []byte) (Reply, error) {
	var doc struct {
		Model   string
		Content []struct{ Type, Text string }
		Stop    string `json:"stop_reason"`
		Usage   struct {
			Input  int `json:"input_tokens"`
			Write  int `json:"cache_creation_input_tokens"`
			Read   int `json:"cache_read_input_tokens"`
			Output int `json:"output_tokens"`
		}
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return Reply{}, errors.New("the reply is not the JSON of the Messages API")
	}
	reply := Reply{Model: oneLine(doc.Model, 80), Usage: Usage{doc.Usage.Input + doc.Usage.Write + doc.Usage.Read, doc.Usage.Output}}
	for _, block := range doc.Content {
		if block.Type == "text" {
			reply.Text += block.Text
		}
	}
	switch doc.Stop {
	case "refusal":
		return reply, ErrRefused
	case "max_tokens", "model_context_window_exceeded":
		return reply, ErrTruncated
	}
	return reply, empty(reply)
}

func empty(r Reply) error {
	if strings.TrimSpace(r.Text) == "" {
		return errors.New("the reply holds no text")
	}
	return nil
}

// openai is the chat completions API, of OpenAI itself or of a server that
// speaks it (Ollama, llama.cpp, vLLM).
type openai struct {
	url        string
	compatible bool
}

func (o openai) name() string {
	if o.compatible {
		return "compatible"
	}
	return "openai"
}

func (o openai) base() string { return o.url }
func (openai) path() string   { return "/chat/completions" }
func (openai) models() string { return "/models" }

func (openai) authorise(h http.Header, key string) { h.Set("Authorization", "Bearer "+key) }

// body: OpenAI's reasoning models take max_completion_tokens and refuse
// max_tokens; local servers know only the latter, and no effort.
func (o openai) body(r Request, model string, asking int) ([]byte, int, error) {
	doc := map[string]any{"model": model}
	role, limit := "developer", r.MaxTokens+thinkingRoom
	if o.compatible {
		role, limit = "system", r.MaxTokens
		doc["max_tokens"] = limit
	} else {
		doc["max_completion_tokens"] = limit
		if asking == askFully {
			doc["reasoning_effort"] = "low"
		}
	}
	messages := conversation(r)
	if r.System != "" {
		messages = append([]message{{role, r.System}}, messages...)
	}
	doc["messages"] = messages
	if r.Schema != nil && asking < askBarely {
		doc["response_format"] = map[string]any{
			"type": "json_schema", "json_schema": map[string]any{"name": "answer", "strict": true, "schema": r.Schema},
		}
	}
	data, err := json.Marshal(doc)
	return data, limit, err
}

func (openai) parse(data []byte) (Reply, error) {
	var doc struct {
		Model   string
		Choices []struct {
			Finish  string `json:"finish_reason"`
			Message struct{ Content, Refusal string }
		}
		Usage struct {
			Input  int `json:"prompt_tokens"`
			Output int `json:"completion_tokens"`
		}
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return Reply{}, errors.New("the reply is not the JSON of chat completions")
	}
	reply := Reply{Model: oneLine(doc.Model, 80), Usage: Usage{doc.Usage.Input, doc.Usage.Output}}
	if len(doc.Choices) == 0 {
		return reply, errors.New("the reply holds no choice")
	}
	choice := doc.Choices[0]
	reply.Text = choice.Message.Content
	switch {
	case choice.Message.Refusal != "" || choice.Finish == "content_filter":
		return reply, ErrRefused
	case choice.Finish == "length":
		return reply, ErrTruncated
	}
	return reply, empty(reply)
}
