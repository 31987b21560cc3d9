package config

import (
	"fmt"
	"strings"
)

// iniSection is a section of an INI file as Python's configparser reads it.
type iniSection struct {
	name    string
	line    int
	entries []iniEntry
}

type iniEntry struct {
	key, value string
	line       int
}

// readINI reads what Python's ConfigParser() does by default: keys in any case,
// "=" or ":" after them, comments on lines of their own, and values that go on
// for as long as lines are indented deeper than their key
// (https://docs.python.org/3/library/configparser.html#supported-ini-file-structure).
func readINI(text string) (sections []iniSection, problems Problems) {
	var entry *iniEntry // whose value the next indented lines go on with
	indent, n := 0, 0
	seen := map[string]bool{}
	complain := func(format string, args ...any) {
		problems = append(problems, Problem{Line: n, Text: fmt.Sprintf(format, args...)})
	}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		line = strings.TrimRight(line, "\r\n\t\f\v ")
		bare := strings.TrimLeft(line, " \t\f\v")
		depth := len(line) - len(bare)
		switch {
		case bare == "" && entry != nil:
			entry.value += "\n"
		case bare == "" || bare[0] == '#' || bare[0] == ';':
		case entry != nil && depth > indent:
			entry.value += "\n" + bare
		case bare[0] == '[' && strings.IndexByte(bare, ']') > 1:
			name := bare[1:strings.LastIndexByte(bare, ']')]
			if seen[name] {
				complain("the section [%s] is there twice", name)
			}
			seen[name] = true
			sections, entry = append(sections, iniSection{name: name, line: n}), nil
		case len(sections) == 0:
			complain("a key before the first [section]")
		default:
			key, value, _ := cutAny(bare, "=:")
			s := &sections[len(sections)-1]
			if id := s.name + "\x00" + key; seen[id] {
				complain("%s is there twice in [%s]", key, s.name)
			} else {
				seen[id] = true
			}
			s.entries = append(s.entries, iniEntry{key, value, n})
			entry, indent = &s.entries[len(s.entries)-1], depth
		}
	}
	for i := range sections {
		for k := range sections[i].entries {
			e := &sections[i].entries[k]
			e.value = strings.TrimRight(e.value, "\n")
		}
	}
	return sections, problems
}

// cutAny cuts a line at the first of some separators.
func cutAny(line, separators string) (key, value string, ok bool) {
	i := strings.IndexAny(line, separators)
	if i < 0 {
		return strings.ToLower(line), "", false
	}
	return strings.ToLower(strings.TrimSpace(line[:i])), strings.TrimSpace(line[i+1:]), true
}
