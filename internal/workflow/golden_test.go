package workflow_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"keepgreen/internal/workflow"
)

// kinds are the repositories of testdata, each an archive of its files.
func kinds(t *testing.T) map[string]workflow.Tree {
	t.Helper()
	archives, err := filepath.Glob("testdata/*.txtar")
	assert.NilError(t, err)
	out := map[string]workflow.Tree{}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		assert.NilError(t, err)
		texts := map[string]string{}
		for _, f := range archive.Files {
			texts[f.Name] = string(f.Data)
		}
		out[strings.TrimSuffix(filepath.Base(name), ".txtar")] = workflow.Tree{
			Files: slices.Sorted(maps.Keys(texts)),
			Text:  func(name string) string { return texts[name] },
		}
	}
	assert.Assert(t, len(out) >= 8)
	return out
}

// published is an action as a team would name it; the guide's repository does.
const published = "keepgreen-example/keepgreen@0123456789abcdef0123456789abcdef01234567 # v1.0.0"

func optionsOf(kind string) workflow.Options {
	o := workflow.Options{Branch: "main", Action: workflow.LocalAction}
	if kind == "guide" {
		o.Action = published
	}
	return o
}

func TestGoldens(t *testing.T) {
	for kind, tree := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			files := workflow.Files(workflow.Detect(tree), optionsOf(kind))
			for _, f := range files {
				switch {
				case strings.HasPrefix(f.Path, ".github/workflows/"):
					name := kind + strings.TrimPrefix(filepath.Base(f.Path), "keepgreen")
					golden.Assert(t, f.Text, "golden/"+name)
				case strings.HasSuffix(f.Path, ".txt"):
					golden.Assert(t, f.Text, "golden/"+kind+"."+filepath.Base(f.Path))
				}
			}
		})
	}
}

// TestActionIsOne: what init writes is the action at the root, byte for byte.
func TestActionIsOne(t *testing.T) {
	root, err := os.ReadFile("../../action.yml")
	assert.NilError(t, err)
	assert.Equal(t, string(root), workflow.ActionYAML, "copy action.yml to internal/workflow/action.yml")
}
