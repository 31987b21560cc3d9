package workflow

import (
	"fmt"
	"strings"
)

// Words say what was found, one project or thing a line.
func (f Facts) Words() []string {
	var out []string
	for _, p := range f.Projects {
		line := map[Language]string{Python: "Python", Go: "Go", Node: "Node"}[p.Language]
		if p.Manager != "" && p.Language != Go {
			line += " with " + p.Manager
		}
		line += where(p)
		if len(p.Versions) > 0 {
			line += ", " + strings.Join(p.Versions, " ")
		}
		if p.Tests {
			line += ", tests"
		}
		if len(p.Linters) > 0 {
			line += ", " + strings.Join(p.Linters, ", ")
		}
		out = append(out, line)
	}
	for _, i := range f.Images {
		out = append(out, fmt.Sprintf("image %s of %s for %s", i.Flavour, i.File, strings.ReplaceAll(i.Platforms, ",", ", ")))
	}
	if f.Forensics != "" {
		out = append(out, "forensic log written by "+f.Forensics)
	}
	return out
}

// ActionOf is the Keepgreen action that a generated workflow uses, with the
// version beside it; empty where it is none of ours.
func ActionOf(text string) string {
	_, rest, found := strings.Cut(text, "- name: Keepgreen\n")
	if !found {
		return ""
	}
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if uses, ok := strings.CutPrefix(line, "uses: "); ok {
			return strings.TrimSuffix(uses, selfRepository)
		}
		if strings.HasPrefix(line, "- ") {
			break
		}
	}
	return ""
}
