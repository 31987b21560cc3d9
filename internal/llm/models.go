package llm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// missingModel reports whether the provider says that it has no such model.
// Anthropic answers 404 not_found_error "model: …", OpenAI 404 model_not_found;
// compatible servers say it in words, some with a status of 400.
func missingModel(e *StatusError) bool {
	said := strings.ToLower(e.Message)
	switch {
	case e.Type == "model_not_found":
		return true
	case !strings.Contains(said, "model"):
		return false
	case e.Status == http.StatusNotFound, e.Status == http.StatusGone:
		return true
	}
	return e.Status == http.StatusBadRequest && slices.ContainsFunc(
		[]string{"not exist", "not found", "unknown model", "invalid model", "no such model", "deprecated", "retired", "no longer"},
		func(word string) bool { return strings.Contains(said, word) })
}

// offered is one entry of a provider's list of models.
type offered struct {
	id      string
	created time.Time
	ends    time.Time // zero: no end is announced
}

// replace looks for the provider's current equivalent of a model that is gone,
// in the provider's own list; cause is what is said where there is none.
func (c *Client) replace(ctx context.Context, cause error) error {
	c.mu.Lock()
	again := c.replaced != ""
	c.mu.Unlock()
	if again {
		return cause
	}
	data, err := c.send(ctx, http.MethodGet, c.wire.models(), nil)
	if err != nil {
		return fmt.Errorf("%w (and the list of models cannot be had: %w)", cause, err)
	}
	best, ok := equivalent(c.conf.Model, parseModels(data), c.wire.name(), c.now())
	if !ok {
		return fmt.Errorf("%w (and nothing in the provider's list of models is like it: set AI_MODEL)", cause)
	}
	c.mu.Lock()
	c.model, c.replaced = best, best
	c.mu.Unlock()
	return nil
}

func (c *Client) now() time.Time {
	if c.conf.Now == nil {
		return time.Time{}
	}
	return c.conf.Now()
}

func parseModels(data []byte) []offered {
	var doc struct {
		Data []struct {
			ID        string
			CreatedAt time.Time       `json:"created_at"`
			Created   json.Number     `json:"created"`
			Shutdown  json.RawMessage `json:"shutdown_date"`
		}
	}
	if json.Unmarshal(data, &doc) != nil {
		return nil
	}
	out := make([]offered, 0, len(doc.Data))
	for _, m := range doc.Data {
		one := offered{id: m.ID, created: m.CreatedAt, ends: ending(m.Shutdown)}
		if seconds, err := m.Created.Int64(); err == nil && one.created.IsZero() {
			one.created = time.Unix(seconds, 0)
		}
		if m.ID != "" && len(m.ID) < 200 {
			out = append(out, one)
		}
	}
	return out
}

// ending reads a date as OpenAI writes it, a day or a number of seconds.
func ending(raw json.RawMessage) time.Time {
	text := strings.Trim(string(raw), `"`)
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	var seconds int64
	if json.Unmarshal(raw, &seconds) == nil && seconds > 0 {
		return time.Unix(seconds, 0)
	}
	return time.Time{}
}

// families are the sizes in which a provider sells its models, so that a small
// model is not replaced by a dear one. What the list offers decides; these words
// only say which of it is alike.
var families = map[string][][]string{
	"anthropic": {{"haiku"}, {"sonnet"}, {"opus"}},
	"openai":    {{"nano", "mini", "luna"}, {"turbo", "terra"}, {"sol"}},
}

// special are the vendors' models that do not hold a conversation in text. The
// "instruct" ones of OpenAI complete; those of local servers are the ones to ask.
var special = []string{"audio", "realtime", "image", "tts", "transcribe", "search", "instruct", "codex", "moderation", "vision"}

// equivalent is the newest model that still lives, of the same family where the
// list has one, never an older one than need be.
func equivalent(gone string, list []offered, provider string, now time.Time) (string, bool) {
	alive := slices.DeleteFunc(slices.Clone(list), func(m offered) bool {
		return m.id == gone || !m.ends.IsZero() && m.ends.Before(now) ||
			provider != "compatible" && slices.ContainsFunc(special, func(word string) bool { return strings.Contains(m.id, word) }) ||
			strings.Contains(m.id, "embed") ||
			provider == "anthropic" && !strings.HasPrefix(m.id, "claude-") || provider == "openai" && !isOpenAI(m.id)
	})
	if provider == "compatible" {
		if len(alive) == 1 {
			return alive[0].id, true
		}
		alive = slices.DeleteFunc(alive, func(m offered) bool { return !strings.Contains(m.id, gone) && !strings.Contains(gone, m.id) })
		return newest(alive)
	}
	same := slices.DeleteFunc(slices.Clone(alive), func(m offered) bool { return family(m.id, provider) != family(gone, provider) })
	if id, ok := newest(same); ok {
		return id, true
	}
	return newest(alive)
}

func family(model, provider string) int {
	return slices.IndexFunc(families[provider], func(words []string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(model, word) })
	})
}

func newest(list []offered) (string, bool) {
	if len(list) == 0 {
		return "", false
	}
	best := slices.MaxFunc(list, func(a, b offered) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(len(b.id), len(a.id)), cmp.Compare(b.id, a.id))
	})
	return best.id, true
}
