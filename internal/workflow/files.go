package workflow

import (
	_ "embed"
	"slices"
	"strings"
)

// LocalAction is the action that init writes into the repository: what the
// workflow uses where no published one was named.
const LocalAction = "./.github/keepgreen"

// ActionYAML is the Keepgreen action: the one at the root of its own
// repository, byte for byte.
//
//go:embed action.yml
var ActionYAML string

// File is one file that init writes.
type File struct {
	Path   string
	Text   string
	Marked bool // generated with marked places; those are kept
}

// Files are the generated files of a repository, its workflow first.
func Files(f Facts, o Options) []File {
	if o.Pins == nil {
		o.Pins = Pins()
	}
	var files []File
	for _, wf := range []Workflow{Pipeline(f, o), ForkComments(f, o)} {
		files = append(files, File{Path: wf.Path, Text: sealed(wf.YAML(o.Pins)), Marked: true})
	}
	if o.Action == LocalAction {
		files = append(files, File{Path: strings.TrimPrefix(LocalAction, "./") + "/action.yml", Text: ActionYAML})
	}
	if tools := missingTools(f); len(tools) > 0 {
		files = append(files, File{
			Path: toolFile,
			Text: "# Tools that the workflow needs and the repository does not name itself.\n" + strings.Join(tools, "\n") + "\n",
		})
	}
	if slices.ContainsFunc(f.Projects, func(p Project) bool { return p.Manager == "poetry" }) {
		files = append(files, File{Path: poetryFile, Text: "# Poetry itself; it does not share an environment with the project.\n" + pythonTools["poetry"] + "\n"})
	}
	return files
}

func missingTools(f Facts) []string {
	var out []string
	for _, p := range f.Projects {
		out = append(out, p.Missing...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
