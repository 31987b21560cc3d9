package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

const (
	keepBegin = "# keepgreen:begin "
	keepEnd   = "# keepgreen:end "
	sumMark   = "# keepgreen:sum "
)

// keep writes an empty marked place: what a person puts between the lines
// stays there when init writes the file anew.
func (w *writer) keep(depth int, name string) {
	w.line(depth, "%s%s (what stands here is kept)", keepBegin, name)
	w.line(depth, "%s%s", keepEnd, name)
}

// places are the lines between the marks of a file, by the name of the place.
func places(text string) map[string][]string {
	found := map[string][]string{}
	name := ""
	for line := range strings.SplitSeq(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, keepBegin):
			name, _, _ = strings.Cut(strings.TrimPrefix(trimmed, keepBegin), " ")
		case strings.HasPrefix(trimmed, keepEnd):
			name = ""
		case name != "":
			found[name] = append(found[name], line)
		}
	}
	return found
}

// Merged is a generated file with what the repository wrote into its marked
// places.
type Merged struct {
	Text string
	Lost []string // marked places with content that the new file does not have
	Hand bool     // the old file was also edited outside of the marked places
}

// Merge carries the marked places of the old file over into the new one.
func Merge(old, generated string) Merged {
	kept := places(old)
	var out strings.Builder
	for line := range strings.Lines(generated) {
		out.WriteString(line)
		trimmed := strings.TrimSpace(line)
		if !strings.HasPrefix(trimmed, keepBegin) {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(trimmed, keepBegin), " ")
		for _, text := range kept[name] {
			out.WriteString(text + "\n")
		}
		delete(kept, name)
	}
	m := Merged{Text: out.String(), Hand: old != "" && !untouched(old)}
	for name, lines := range kept {
		if strings.TrimSpace(strings.Join(lines, "")) != "" {
			m.Lost = append(m.Lost, name)
		}
	}
	return m
}

// sealed puts the sum of a generated file at its end, so that a later run can
// tell whether somebody edited it outside of the marked places.
func sealed(text string) string {
	return text + sumMark + sum(text) + "\n"
}

// untouched: everything outside of the marked places is as init wrote it.
func untouched(text string) bool {
	body, stated, found := strings.Cut(text, "\n"+sumMark)
	return found && strings.TrimSpace(stated) == sum(body+"\n")
}

// sum is of the text without what stands in marked places.
func sum(text string) string {
	h := sha256.New()
	inside := false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, keepEnd) {
			inside = false
		}
		if !inside {
			fmt.Fprint(h, line)
		}
		if strings.HasPrefix(trimmed, keepBegin) {
			inside = true
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
