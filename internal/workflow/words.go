package workflow

import (
	"fmt"
	"regexp"
	"slices"
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

// Use is one action that a workflow uses.
type Use struct {
	Action  string // owner/name
	SHA     string // empty: it is named by a tag or a branch
	Version string // beside the commit, or the tag
}

var usesLine = regexp.MustCompile(`(?m)^\s*(?:- )?uses:\s*["']?([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)(?:/[^@\s"']*)?@([^\s"'#]+)["']?(?:\s*#\s*(v[^\s]+))?`)

// Uses lists the actions of other repositories that a workflow uses, each
// version once.
func Uses(text string) []Use {
	var out []Use
	for _, m := range usesLine.FindAllStringSubmatch(text, -1) {
		u := Use{Action: m[1], SHA: m[2], Version: m[3]}
		if !commit.MatchString(m[2]) {
			u.SHA, u.Version = "", m[2]
		}
		if !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

var commit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// PinOf is the row of the table for an action; action is owner/name.
func PinOf(action string) (Pin, bool) {
	i := slices.IndexFunc(Pins(), func(p Pin) bool { return p.Action == action })
	if i < 0 {
		return Pin{}, false
	}
	return Pins()[i], true
}
