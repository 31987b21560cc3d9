package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnWorkflow: our own pipeline is what init writes for this repository.
func TestOwnWorkflow(t *testing.T) {
	if _, err := os.Stat(".git"); err != nil {
		t.Skip("not a checkout")
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(".github/workflows/keepgreen.yml")
	if err != nil {
		t.Fatal(err)
	}
	if printed := keepgreen(t, root, "keepgreen init --print"); strings.TrimSpace(printed) != strings.TrimSpace(string(text)) {
		t.Error("init would write another .github/workflows/keepgreen.yml: go run . init --force writes it again")
	}
}
