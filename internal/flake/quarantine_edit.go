package flake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

const newQuarantine = `# Tests whose flakes are excused, who mends them, and until when. They still run;
# a broken test is never excused.
version: 1
quarantine:
`

// AddQuarantine is the list with one more entry, at its end; nil data is no file
// yet. Everything else, comments too, stays as it was. A list with mistakes in
// it is not edited.
func AddQuarantine(data []byte, e Entry) ([]byte, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte(newQuarantine)
	}
	entries, err := ParseQuarantine(data)
	if err != nil {
		return nil, err
	}
	if err := duplicate(entries, e); err != nil {
		return nil, err
	}
	lines := splitLines(data)
	var at int
	indent := "  "
	if n := len(entries); n > 0 {
		dash := lines[entries[n-1].Line-1]
		indent = dash[:len(dash)-len(strings.TrimLeft(dash, " "))]
		at = entryEnd(lines, entries[n-1].Line-1)
	} else if at, err = emptyList(lines); err != nil {
		return nil, err
	}
	if at > 0 && !strings.HasSuffix(lines[at-1], "\n") {
		lines[at-1] += newline(data)
	}
	lines = slices.Insert(lines, at, e.lines(indent, newline(data))...)
	return edited(lines, append(entries, e))
}

// RemoveQuarantine is the list without the entry for the test; found is false if
// there is none. Comments stay, those about the entry too: they are not ours.
func RemoveQuarantine(data []byte, test ci.TestID, variant string) (out []byte, found bool, err error) {
	entries, err := ParseQuarantine(data)
	if err != nil {
		return nil, false, err
	}
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Test == test && e.Variant == variant })
	if i < 0 {
		return data, false, nil
	}
	lines := splitLines(data)
	start := entries[i].Line - 1
	lines = slices.Delete(lines, start, entryEnd(lines, start))
	out, err = edited(lines, slices.Delete(slices.Clone(entries), i, i+1))
	return out, err == nil, err
}

// edited joins the lines, and makes sure that the edit did what it was meant to:
// it works on lines, and YAML has more ways to write a list than it knows.
func edited(lines []string, want []Entry) ([]byte, error) {
	out := []byte(strings.Join(lines, ""))
	got, err := ParseQuarantine(out)
	same := slices.EqualFunc(got, want, func(a, b Entry) bool {
		a.Line, b.Line = 0, 0
		return a.Expires.Equal(b.Expires) && a.Test == b.Test && a.Variant == b.Variant &&
			a.Owner == b.Owner && a.Reason == b.Reason && a.Ticket == b.Ticket
	})
	if err != nil || !same {
		return nil, errors.Join(errors.New("this list has to be edited by hand: write one entry after the other, each beginning with a dash"), err)
	}
	return out, nil
}

func splitLines(data []byte) []string { return slices.Collect(strings.Lines(string(data))) }

func newline(data []byte) string {
	if bytes.Contains(data, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// entryEnd is one past the last line of the entry whose dash is in line start:
// what is indented deeper, less the blank lines and comments at its end.
func entryEnd(lines []string, start int) int {
	depth := indentOf(lines[start])
	end := start + 1
	for i := start + 1; i < len(lines); i++ {
		content := strings.TrimSpace(lines[i])
		if content == "" || content[0] == '#' {
			continue
		}
		if indentOf(lines[i]) <= depth {
			break
		}
		end = i + 1
	}
	return end
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// emptyList finds where the first entry goes, and turns "[]" into nothing.
func emptyList(lines []string) (at int, err error) {
	for i, line := range lines {
		rest, found := strings.CutPrefix(line, "quarantine:")
		if !found {
			continue
		}
		value := strings.TrimSpace(rest)
		if strings.HasPrefix(value, "[]") {
			lines[i] = "quarantine:" + strings.Replace(rest, " []", "", 1)
		}
		return i + 1, nil
	}
	return 0, errors.New(`the list has no key "quarantine:" yet; add it`)
}

// lines are the entry as the file has it. JSON's strings are YAML's, and say
// everything in one line.
func (e Entry) lines(indent, newline string) []string {
	var out []string
	for _, field := range [][2]string{
		{"test", string(e.Test)},
		{"variant", e.Variant},
		{"owner", e.Owner},
		{"reason", e.Reason},
		{"ticket", e.Ticket},
		{"expires", e.Expires.UTC().Format(dateLayout)},
	} {
		if field[1] == "" {
			continue
		}
		lead := indent + "  "
		if len(out) == 0 {
			lead = indent + "- "
		}
		out = append(out, fmt.Sprintf("%s%s: %s%s", lead, field[0], quoted(field[1]), newline))
	}
	return out
}

func quoted(s string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // a string always encodes; edited would notice
	}
	return strings.TrimSpace(out.String())
}
