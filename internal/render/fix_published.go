package render

import (
	"fmt"
	"io"
	"strings"
)

// PublishedView is what became of publishing a repair.
type PublishedView struct {
	Branch, Commit, Pull string
	Number               int
	Title, Body          string
	Stopped              string // why nothing was published; empty: something was, or would be
	No                   bool   // because the patch is not one to publish
	Dry, Draft           bool
	Warning              string
}

// PublishedDocument writes the JSON document.
func PublishedDocument(w io.Writer, v PublishedView) error {
	type maybe *string
	text := func(s string) maybe {
		if s == "" {
			return nil
		}
		return &s
	}
	return encode(w, struct {
		Branch  maybe  `json:"branch"`
		Commit  maybe  `json:"commit"`
		Pull    maybe  `json:"pull_request"`
		Number  *int   `json:"number"`
		Title   string `json:"title,omitempty"`
		Body    string `json:"body,omitempty"`
		Draft   bool   `json:"draft"`
		DryRun  bool   `json:"dry_run"`
		Stopped string `json:"stopped,omitempty"`
		Warning string `json:"warning,omitempty"`
	}{text(v.Branch), text(v.Commit), text(v.Pull), known(v.Number), v.Title, v.Body, v.Draft, v.Dry, v.Stopped, v.Warning})
}

// PublishedOutputs are the outputs of the step.
func PublishedOutputs(v PublishedView) []Output {
	return []Output{{"branch", v.Branch}, {"commit", v.Commit}, {"pull_request", v.Pull}}
}

// PublishedText says it for a person.
func PublishedText(w io.Writer, v PublishedView, o TextOptions) error {
	p := newPaper(o)
	switch {
	case v.Stopped != "":
		for i, line := range wrap(Visible(v.Stopped), p.width-4, 4) {
			p.line(map[bool]string{true: "– ", false: "  "}[i == 0] + line)
		}
	case v.Dry:
		p.line("would open, from " + Visible(v.Branch) + ":")
		p.line(p.ink.bold(Visible(v.Title)))
		for line := range strings.Lines(v.Body) {
			p.line("  " + Visible(strings.TrimSuffix(line, "\n")))
		}
	default:
		p.line(p.ink.green("✓ ") + p.ink.bold(Visible(v.Title)))
		p.line(fmt.Sprintf("  %s, from %s at %s", Visible(v.Pull), Visible(v.Branch), Visible(shortHash(v.Commit))))
	}
	if v.Warning != "" {
		p.line("  " + p.ink.yellow(cut(Visible(v.Warning), p.width-4)))
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}
