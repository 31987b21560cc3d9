package llm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
)

// keepReplies bounds the cache.
const keepReplies = 200

// cacheKey is the hash of all that the answer depends on; the key of the
// provider is no part of it.
func (c *Client) cacheKey(r Request) string {
	data, err := json.Marshal(struct {
		Version           int
		Base, Model, Kind string
		Request           Request
	}{1, c.wire.base(), c.conf.Model, c.wire.name(), r})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// recall is the stored reply to the same question. Whoever can write into the
// directory can answer for the model, and is believed as little: replies are
// checked wherever they come from.
func (c *Client) recall(key string) (Reply, bool) {
	if c.conf.Cache == "" || key == "" {
		return Reply{}, false
	}
	path := filepath.Join(c.conf.Cache, key+".json")
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxReply {
		return Reply{}, false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Reply{}, false
	}
	var reply Reply
	if json.Unmarshal(data, &reply) != nil || reply.Text == "" {
		return Reply{}, false
	}
	reply.Cached = true
	return reply, true
}

// Keep remembers the reply as the answer to the question, so that asking it again
// costs nothing. Only the caller knows whether a reply is an answer: one that is
// malformed, and remembered, would be malformed for ever.
func (c *Client) Keep(r Request, reply Reply) {
	if !reply.Cached {
		c.remember(c.cacheKey(r), reply)
	}
}

// remember stores a reply. A cache that cannot be written costs money and
// nothing else, so its errors are not told.
func (c *Client) remember(key string, reply Reply) {
	if c.conf.Cache == "" || key == "" || os.MkdirAll(c.conf.Cache, 0o700) != nil {
		return
	}
	data, err := json.Marshal(reply)
	if err != nil {
		return
	}
	file, err := os.CreateTemp(c.conf.Cache, ".reply-*")
	if err != nil {
		return
	}
	_, err = file.Write(data)
	if closed := file.Close(); err != nil || closed != nil {
		_ = os.Remove(file.Name())
		return
	}
	if os.Rename(file.Name(), filepath.Join(c.conf.Cache, key+".json")) != nil {
		_ = os.Remove(file.Name())
	}
	c.prune()
}

// prune removes the oldest replies beyond the bound.
func (c *Client) prune() {
	names, err := filepath.Glob(filepath.Join(c.conf.Cache, "*.json"))
	if err != nil || len(names) <= keepReplies {
		return
	}
	age := func(name string) int64 {
		info, err := os.Lstat(name)
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(age(a), age(b)) })
	for _, name := range names[:len(names)-keepReplies] {
		_ = os.Remove(name)
	}
}
