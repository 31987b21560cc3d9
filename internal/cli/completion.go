package cli

import (
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"keepgreen/internal/render"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"For which shell: ${enum}." placeholder:"bash|zsh|fish"`
}

// Run prints the script.
func (c *completionCommand) Run(s *session, parsed *kong.Context) error {
	write := map[string]func(io.Writer, []render.CommandDoc) error{
		"bash": render.BashCompletion, "zsh": render.ZshCompletion, "fish": render.FishCompletion,
	}[c.Shell]
	return write(s.Stdout, documented(parsed.Model.Node, nil))
}

type manCommand struct{}

// Run prints the manual page.
func (manCommand) Run(s *session, parsed *kong.Context) error {
	version, _ := buildVersion()
	return render.ManPage(s.Stdout, documented(parsed.Model.Node, nil), version, s.Now())
}

// documented is the command line as the parser knows it.
func documented(node *kong.Node, path []string) []render.CommandDoc {
	doc := render.CommandDoc{Path: path, Help: node.Help, Detail: node.Detail, Usage: strings.TrimSpace("keepgreen " + node.Path())}
	if node.Type == kong.ApplicationNode {
		doc.Usage = "keepgreen"
	}
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			flag := render.FlagDoc{Long: f.Name, Help: helpText(f.Value)}
			if f.Short != 0 {
				flag.Short = string(f.Short)
			}
			if !f.IsBool() && !f.IsCounter() {
				flag.Value = f.FormatPlaceHolder()
			}
			if f.Enum != "" {
				flag.Values = strings.Split(f.Enum, ",")
			}
			doc.Flags = append(doc.Flags, flag)
		}
	}
	var below []render.CommandDoc
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		doc.Children = append(doc.Children, child.Name)
		below = append(below, documented(child, append(path[:len(path):len(path)], child.Name))...)
	}
	return append([]render.CommandDoc{doc}, below...)
}
