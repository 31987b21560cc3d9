package heal

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Change is one file before and after.
type Change struct {
	Path          string
	Before, After string
	Made          bool        // there was no such file before
	Gone          bool        // there is none after
	Mode, WasMode fs.FileMode // of what is there after and was before; 0: a regular file
}

// Why an edit is not made.
var (
	ErrNoFile    = errors.New("there is no such file")
	ErrNotThere  = errors.New("the text to replace is not in the file")
	ErrAmbiguous = errors.New("the text to replace occurs more than once")
	ErrNothing   = errors.New("the edit changes nothing")
)

// Apply makes the edits on texts and returns what changed, in the order of first
// mention. It is all or nothing.
func Apply(edits []Edit, read func(path string) (string, bool)) ([]Change, error) {
	var out []Change
	at := map[string]int{}
	for _, e := range edits {
		i, known := at[e.Path]
		if !known {
			text, ok := read(e.Path)
			if !ok {
				return nil, fmt.Errorf("%s: %w", e.Path, ErrNoFile)
			}
			i = len(out)
			at[e.Path] = i
			out = append(out, Change{Path: e.Path, Before: text, After: text})
		}
		text, err := e.apply(out[i].After)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Path, err)
		}
		out[i].After = text
	}
	for _, c := range out {
		if c.Before == c.After {
			return nil, fmt.Errorf("%s: %w", c.Path, ErrNothing)
		}
	}
	return out, nil
}

// apply finds the old text by a ladder: exactly; with other white space at the
// ends of lines; with another indentation. A rung on which it occurs more than
// once is not left for a lower one, and nothing is guessed.
func (e Edit) apply(text string) (string, error) {
	if strings.TrimSpace(e.Old) == "" {
		return "", ErrNotThere
	}
	if n := strings.Count(text, e.Old); n == 1 {
		return strings.Replace(text, e.Old, e.New, 1), nil
	} else if n > 1 {
		return "", ErrAmbiguous
	}
	lines, old := strings.SplitAfter(text, "\n"), strings.Split(strings.Trim(e.Old, "\n"), "\n")
	for _, alike := range []func(a, b string) bool{
		func(a, b string) bool { return strings.TrimRight(a, " \t\r\n") == strings.TrimRight(b, " \t\r\n") },
		func(a, b string) bool {
			return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
		},
	} {
		first, n := find(lines, old, alike)
		switch {
		case n > 1:
			return "", ErrAmbiguous
		case n == 1:
			with := reindent(e.New, indentOf(old), indentOf(lines[first:first+len(old)]))
			return strings.Join(lines[:first], "") + with + strings.Join(lines[first+len(old):], ""), nil
		}
	}
	return "", ErrNotThere
}

// find counts where the lines of old stand in lines.
func find(lines, old []string, alike func(a, b string) bool) (first, n int) {
	for i := 0; i+len(old) <= len(lines); i++ {
		same := true
		for j := range old {
			if !alike(lines[i+j], old[j]) {
				same = false
				break
			}
		}
		if same {
			if n == 0 {
				first = i
			}
			n++
		}
	}
	return first, n
}

// indentOf is the white space before the first line that holds something.
func indentOf(lines []string) string {
	for _, line := range lines {
		if body := strings.TrimLeft(line, " \t"); strings.TrimSpace(body) != "" {
			return line[:len(line)-len(body)]
		}
	}
	return ""
}

// reindent moves whole lines from one indentation to another.
func reindent(text, from, to string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		if rest, ok := strings.CutPrefix(line, from); ok && strings.TrimSpace(line) != "" {
			line = to + rest
		}
		b.WriteString(line)
	}
	return b.String()
}

// Diff is the changes as a unified diff that "git apply" takes.
func Diff(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		body := string(diff.Diff("a/"+c.Path, []byte(c.Before), "b/"+c.Path, []byte(c.After)))
		_, body, _ = strings.Cut(body, "\n") // "diff a/x b/x"
		fmt.Fprintf(&b, "diff --git a/%s b/%s\n%s", c.Path, c.Path, body)
	}
	return b.String()
}

// Changed counts the lines that the changes add and remove.
func Changed(changes []Change) (added, removed []string) {
	for line := range strings.Lines(Diff(changes)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "):
		case strings.HasPrefix(line, "+"):
			added = append(added, line[1:])
		case strings.HasPrefix(line, "-"):
			removed = append(removed, line[1:])
		}
	}
	return added, removed
}
