// Package actionlint holds the generated workflows to actionlint with
// shellcheck. "make e2e" runs it.
package actionlint

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rhysd/actionlint"
)

func TestGeneratedWorkflows(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Fatal("shellcheck is not installed; make e2e installs it")
	}
	goldens, err := filepath.Glob("../../internal/workflow/testdata/golden/*.yml")
	if err != nil || len(goldens) < 8 {
		t.Fatalf("%d workflows, %v", len(goldens), err)
	}
	own, _ := filepath.Glob("../../.github/workflows/*.yml")
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: shellcheck})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(goldens, own...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := linter.Lint(filepath.Base(name), text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			t.Errorf("%s:%d:%d: %s [%s]", name, e.Line, e.Column, e.Message, e.Kind)
		}
	}
}
