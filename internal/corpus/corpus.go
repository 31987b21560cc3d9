// Package corpus finds the public logs and reports that tests and benchmarks
// measure on. They stand beside the repository, under other people's licences,
// and are never part of it: where they are absent a test skips and says so.
package corpus

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Dir is the folder of one collection, e.g. "logs-cidiff". KEEPGREEN_CORPUS
// names the folder of all collections; without it, ../shared/data beside the
// repository is tried.
func Dir(tb testing.TB, name string) string {
	tb.Helper()
	for _, root := range roots() {
		dir := filepath.Join(root, name)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	tb.Skipf("the collection %q is not here; set KEEPGREEN_CORPUS to the folder that holds it", name)
	return ""
}

func roots() []string {
	if dir := os.Getenv("KEEPGREEN_CORPUS"); dir != "" {
		return []string{dir}
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return []string{filepath.Join(filepath.Dir(dir), "shared", "data")}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

// State says how many files of a collection's folder were read right against the
// truth beside them, and names each that was not, with the reason. "make corpus"
// prints these lines of all tests.
func State(tb testing.TB, folder string, right, all int, exceptions map[string]string) {
	tb.Helper()
	tb.Logf("corpus: %-44s %3d of %3d files read right", folder, right, all)
	names := make([]string, 0, len(exceptions))
	for name := range exceptions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		tb.Logf("corpus:     not %s: %s", name, exceptions[name])
	}
}
