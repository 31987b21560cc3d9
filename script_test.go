package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"keepgreen/internal/llm/llmtest"
)

var update = flag.Bool("update", false, "rewrite the goldens of testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keepgreen": main})
}

// TestScripts runs the specification of the command line: one file a case, its
// name the command and what is special about it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"ai": startAI, "asked": writeAsked, "github": fakeGitHub},
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			captured, err := filepath.Abs("internal/execmap/testdata")
			env.Setenv("EXECMAP", captured) // databases that a text archive cannot hold
			env.Values[fakes{}] = new(*llmtest.Provider)
			env.Values[forges{}] = new(*forge)
			if cache, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
				env.Setenv("GOCACHE", filepath.Join(cache, "go-build")) // scripts have no home
			}
			return err
		},
	})
}
