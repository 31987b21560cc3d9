package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// half says which side of the house a package stands on.
type half string

const (
	noun  half = "noun"  // the words; imports nothing of ours
	pure  half = "pure"  // bytes and facts in, values out: no files, no network, no clock
	world half = "world" // one thing outside the process each
	top   half = "top"   // where the halves meet
	tests half = "tests" // helpers of tests
)

// rooms is the design: every package of ours, the half it stands on, and what
// of ours it may import besides internal/ci. A package that is not here may not
// exist.
var rooms = map[string]struct {
	half  half
	needs []string
}{
	"internal/ci": {half: noun},

	"internal/config": {half: pure},
	"internal/report": {half: pure, needs: []string{
		"internal/report/actions", "internal/report/coverage", "internal/report/format", "internal/report/gotest",
		"internal/report/junit", "internal/report/lint", "internal/report/pytest", "internal/report/runners", "internal/report/vuln",
	}},
	"internal/report/format":     {half: pure},
	"internal/report/xmltok":     {half: pure, needs: []string{"internal/report/format"}},
	"internal/report/actions":    {half: pure, needs: []string{"internal/report/format"}},
	"internal/report/coverage":   {half: pure, needs: []string{"internal/report/xmltok"}},
	"internal/report/gotest":     {half: pure, needs: []string{"internal/report/format"}},
	"internal/report/junit":      {half: pure, needs: []string{"internal/report/format", "internal/report/gotest", "internal/report/lint", "internal/report/pytest", "internal/report/xmltok"}},
	"internal/report/lint":       {half: pure, needs: []string{"internal/report/actions", "internal/report/format"}},
	"internal/report/pytest":     {half: pure, needs: []string{"internal/report/format"}},
	"internal/report/runners":    {half: pure, needs: []string{"internal/report/format"}},
	"internal/report/vuln":       {half: pure},
	"internal/report/reporttest": {half: tests, needs: []string{"internal/report/format"}},

	"internal/source":         {half: pure},
	"internal/source/foreign": {half: pure, needs: []string{"internal/source"}},

	"internal/triage": {half: pure},
	"internal/flake":  {half: pure},
	"internal/arch":   {half: pure},
	"internal/trend":  {half: pure},
	"internal/impact": {half: pure},

	"internal/forensics": {half: pure},

	"internal/agent":    {half: pure},
	"internal/workflow": {half: pure},
	"internal/doctor":   {half: pure},
	"internal/heal":     {half: pure, needs: []string{"internal/source"}},

	"internal/feedback": {half: pure},
	"internal/policy":   {half: pure},
	"internal/baseline": {half: pure},
	"internal/artifact": {half: pure, needs: []string{"internal/baseline"}},
	"internal/render":   {half: pure},

	"internal/git":                 {half: world},
	"internal/history":             {half: world},
	"internal/history/historytest": {half: tests, needs: []string{"internal/history"}},
	"internal/llm":                 {half: world},
	"internal/llm/llmtest":         {half: tests},
	"internal/runner":              {half: world},
	"internal/worktree":            {half: world},
	"internal/execmap":             {half: world},
	"internal/sink":                {half: world},
	"internal/github":              {half: world},
	"internal/github/githubtest":   {half: tests, needs: []string{"internal/github"}},

	"internal/cli": {half: top, needs: []string{
		"internal/config", "internal/report", "internal/report/coverage", "internal/report/format",
		"internal/report/gotest", "internal/report/lint", "internal/report/pytest", "internal/report/vuln",
		"internal/source", "internal/source/foreign", "internal/triage", "internal/flake", "internal/arch", "internal/impact", "internal/forensics", "internal/policy", "internal/baseline", "internal/render",
		"internal/agent", "internal/feedback", "internal/git", "internal/github", "internal/history", "internal/llm", "internal/runner", "internal/execmap",
		"internal/trend", "internal/artifact",
		"internal/workflow", "internal/doctor", "internal/sink", "internal/heal", "internal/worktree",
	}},

	"internal/corpus": {half: tests},
}

// worldly are the parts of the standard library that pure packages leave alone.
var worldly = []string{"os", "net", "os/exec", "os/signal", "log", "log/slog", "math/rand", "math/rand/v2", "syscall", "net/http"}

// TestDependencies holds the house to its plan: ci imports nothing of ours,
// pure packages stay pure, analyses and world packages never meet, and only the
// top imports both halves.
func TestDependencies(t *testing.T) {
	for pkg, files := range packages(t) {
		room, known := rooms[pkg]
		if !known {
			t.Errorf("%s: not in the table of deps_test.go: decide where it stands in the house first", pkg)
			continue
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			checkImports(t, pkg, room.half, room.needs, file)
		}
	}
}

func checkImports(t *testing.T, pkg string, side half, needs []string, file string) {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		ours, isOurs := strings.CutPrefix(imported, "keepgreen/")
		switch {
		case !isOurs && (side == pure || side == noun) && slices.Contains(worldly, imported):
			t.Errorf("%s: imports %s, which a pure package leaves to the world packages", file, imported)
		case !isOurs || ours == pkg:
		case side == noun:
			t.Errorf("%s: imports %s; the nouns import nothing of ours", file, ours)
		case ours == "internal/ci" || slices.Contains(needs, ours):
		default:
			t.Errorf("%s: imports %s, which its line in the table does not name", file, ours)
		}
	}
	if side != pure && side != noun {
		return
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(source), "time.Now(") {
		t.Errorf("%s: calls time.Now; the time is an argument", file)
	}
}

// TestRoomsAreUsed keeps the table free of rooms that nobody lives in.
func TestRoomsAreUsed(t *testing.T) {
	have := packages(t)
	for pkg := range rooms {
		if len(have[pkg]) == 0 {
			t.Errorf("%s: in the table of deps_test.go, but there is no such package", pkg)
		}
	}
}

// packages maps the directories below internal to their Go files.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir("internal", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			slash := filepath.ToSlash(name)
			found[path.Dir(slash)] = append(found[path.Dir(slash)], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
