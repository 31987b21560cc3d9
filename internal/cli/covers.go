package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/execmap"
)

// coverageMap is where coverage.py keeps what ran, unless told otherwise.
const coverageMap = ".coverage"

// covers reads who ran what, where tests were measured each by itself
// (pytest-cov's --cov-context=test, coverage.py's dynamic_context): whether a
// test runs what a change touches. Nil: there is no such map. One that was asked
// for and cannot be read is an error.
func (f *facts) covers(ctx context.Context, asked, otherwise string) (func(ci.TestID, ci.FileChange) bool, error) {
	path := asked
	if path == "" {
		path = otherwise
	}
	if f.change == nil && asked == "" {
		return nil, nil // nothing would be asked of it
	}
	if info, err := os.Stat(path); asked == "" && (err != nil || !info.Mode().IsRegular()) {
		return nil, nil
	}
	m, err := execmap.Coverage(ctx, path)
	if err != nil {
		if asked == "" {
			return nil, nil
		}
		return nil, err
	}
	files := make(map[string]execmap.File, len(m.Files))
	for _, file := range m.Files {
		name := file.Path
		if filepath.IsAbs(filepath.FromSlash(name)) {
			name = f.relative(filepath.FromSlash(name))
		}
		files[name] = file
	}
	contexts := testContexts(m.Contexts)
	if len(contexts) == 0 {
		return nil, nil
	}
	return func(test ci.TestID, change ci.FileChange) bool {
		for _, run := range files[change.Path].Runs {
			if slices.Contains(contexts[test.Dotted()], run.Context) && touches(run.Lines, change.Added) {
				return true
			}
		}
		return false
	}, nil
}

// touches reports whether lines that ran are among those of a change. Of a
// change that only takes lines away, the file is all that is known.
func touches(ran execmap.Lines, added []ci.LineRange) bool {
	if len(added) == 0 {
		return ran.Len() > 0
	}
	return slices.ContainsFunc(added, func(r ci.LineRange) bool { return ran.Meets(r.First, r.Last) })
}

// testContexts lists the contexts of each test, by its dotted name: pytest-cov
// writes "tests/test_a.py::test_x|run", coverage.py itself "tests.test_a.test_x".
func testContexts(names []string) map[string][]int {
	out := map[string][]int{}
	for i, name := range names {
		id, _, _ := strings.Cut(name, "|")
		if id == "" {
			continue
		}
		key := ci.TestID(id).Dotted()
		out[key] = append(out[key], i)
	}
	return out
}
