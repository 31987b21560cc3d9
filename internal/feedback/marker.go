// Package feedback knows when a pull request is to be told something, and what
// has become of what it was told before: the verdict of a run's findings, the
// rule of silence, the hidden marker that a comment carries, which of two runs
// is the newer, what was resolved since. It refuses to know Markdown and forges.
package feedback

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// Marker is what a comment carries, unseen, in its first line: whose it is and
// which run wrote it.
type Marker struct {
	Key     string // one comment a key: the workflow's name
	Run     int64  // the forge's run id, which grows; 0: nobody's run
	Attempt int
	SHA     string
	Verdict ci.Verdict
	Found   []Found // what it says, so that a later run can say what is gone
	Was     ci.Verdict
	Gone    []Found // what the run before had found: a run that repeats itself says the same
}

// Found is one finding of a comment.
type Found struct {
	ID    string `json:"i"`
	Title string `json:"t"`
}

// Bounds of what a marker carries.
const (
	maxFound = 20
	maxTitle = 100
	maxList  = 3000 // bytes of each list in the comment
	head     = "<!-- keepgreen:feedback v1 "
	tail     = " -->"
)

// String is the marker as a line of Markdown that nobody sees. Everything in it
// is digits, letters and a few signs, so that nothing of strangers can end it.
// It has at most 8 kB.
func (m Marker) String() string {
	return fmt.Sprintf("%skey=%s run=%d attempt=%d sha=%s verdict=%s was=%s found=%s gone=%s%s", head, Key(m.Key), m.Run, m.Attempt,
		orDash(m.SHA), orDash(string(m.Verdict)), orDash(string(m.Was)), packed(m.Found), packed(m.Gone), tail)
}

func orDash(s string) string { return cmp.Or(cutTo(word(s), 64), "-") }

// packed is a list of findings as text, as many of them as there is room for.
func packed(found []Found) string {
	found = slices.Clone(found[:min(len(found), maxFound)])
	for i := range found {
		found[i].ID, found[i].Title = cutTo(found[i].ID, maxTitle), cutTo(found[i].Title, maxTitle)
	}
	for len(found) > 0 {
		data, err := json.Marshal(found)
		if text := base64.RawStdEncoding.EncodeToString(data); err == nil && len(text) <= maxList {
			return text
		}
		found = found[:len(found)-1]
	}
	return ""
}

// Key makes a key of a workflow's name. Names that would look the same and are
// not, stay different by a hash.
func Key(name string) string {
	key := word(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "-"))
	switch {
	case name == "":
		return "ci"
	case key != name:
		sum := sha256.Sum256([]byte(name))
		return strings.Trim(cutTo(key, 30)+"-"+hex.EncodeToString(sum[:4]), "-")
	}
	return cutTo(key, 60)
}

// word keeps what can do no harm inside an HTML comment: two hyphens end one.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return -1
	}, s)
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return strings.Trim(s, "-")
}

func cutTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// ParseMarker reads the marker of a comment, which is its first line. ok is
// false for a comment of anybody else.
func ParseMarker(body string) (m Marker, ok bool) {
	line, _, _ := strings.Cut(body, "\n")
	line, isOurs := strings.CutPrefix(strings.TrimSpace(line), head)
	line, ends := strings.CutSuffix(line, tail)
	if !isOurs || !ends || len(line) > 16<<10 {
		return Marker{}, false
	}
	for field := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "key":
			m.Key = value
		case "run":
			m.Run, _ = strconv.ParseInt(value, 10, 64) // no number is no run
		case "attempt":
			m.Attempt, _ = strconv.Atoi(value)
		case "sha":
			m.SHA = strings.TrimPrefix(value, "-")
		case "verdict":
			m.Verdict = ci.Verdict(strings.TrimPrefix(value, "-"))
		case "was":
			m.Was = ci.Verdict(strings.TrimPrefix(value, "-"))
		case "found":
			m.Found = foundOf(value)
		case "gone":
			m.Gone = foundOf(value)
		}
	}
	return m, m.Key != ""
}

func foundOf(text string) []Found {
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	var found []Found
	if json.Unmarshal(data, &found) != nil {
		return nil
	}
	return found[:min(len(found), maxFound)]
}

// Before reports whether the marker's run is older than another one. A retry of
// an old run is still older than a newer run: run ids grow with their start.
func (m Marker) Before(other Marker) bool {
	return cmp.Or(cmp.Compare(m.Run, other.Run), cmp.Compare(m.Attempt, other.Attempt)) < 0
}

// After is what the marker has to carry, and the comment to say, where another
// version stands already: what that one said and this one does not say any more.
// A run that writes a second time keeps what it compared itself with.
func (m Marker) After(before Marker) Marker {
	m.Was, m.Gone = before.Verdict, before.Found
	if m.Run == before.Run && m.Attempt == before.Attempt {
		m.Was, m.Gone = before.Was, before.Gone
	}
	m.Gone = slices.DeleteFunc(slices.Clone(m.Gone), func(old Found) bool {
		return slices.ContainsFunc(m.Found, func(f Found) bool { return f.ID == old.ID })
	})
	return m
}

// Resolved are the titles of what is gone.
func (m Marker) Resolved() []string {
	var out []string
	for _, f := range m.Gone {
		out = append(out, f.Title)
	}
	return out
}
