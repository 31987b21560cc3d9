package cli

import (
	"os"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/impact"
	"keepgreen/internal/runner"
)

// recordGo runs Go's test functions one by one and notes what each ran.
func (s *session) recordGo(repo *git.Repo, r *impact.Recording) (n int, err error) {
	x := s.openSources(repo, true)
	defer x.close()
	tree, err := x.workTree()
	if err != nil {
		return 0, err
	}
	tracked, err := repo.Tracked(s.ctx)
	if err != nil {
		return 0, err
	}
	out, err := os.MkdirTemp("", "keepgreen-go-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(out)
	defs := map[string][]ci.Definition{}
	starts := map[string]bool{} // folders whose code starts processes
	for _, f := range tree.files {
		defs[f.Path] = f.Defs
		for _, imp := range f.Imports {
			if isGo(f.Path) && (imp.Module == "os/exec" || imp.Module == "plugin" || strings.HasSuffix(imp.Module, "/testscript")) {
				starts[path.Dir(f.Path)] = true
			}
		}
	}
	err = runner.GoTests(s.ctx, s.root(), out, s.Env, func(t runner.GoTest) error {
		if t.Profile == "" {
			return nil
		}
		defer os.Remove(t.Profile)
		c, _, err := s.coverageOf([]string{t.Profile}, below(tracked, repo.Sub))
		if err != nil {
			return err
		}
		n++
		id := ci.TestID(t.Package + "." + t.Name)
		r.GoRan(id, t.Package, nil, "") // also a test that covers nothing ran
		for name, file := range c.Files {
			ran := ranIn(file, defs[name])
			why := ""
			if len(ran) > 0 && starts[path.Dir(name)] {
				why = "it may start processes, which leave no profile"
			}
			r.GoRan(id, name, ran, why)
		}
		return nil
	})
	return n, err
}

// ranIn are the functions of which a block ran.
func ranIn(file *ci.FileCoverage, defs []ci.Definition) []string {
	var out []string
	for _, d := range defs {
		if d.Kind != ci.DefFunction && d.Kind != ci.DefMethod {
			continue
		}
		for block, count := range file.Blocks {
			if count.Hits > 0 && d.First <= block.LastLine && block.FirstLine <= d.Last {
				out = append(out, d.Name)
				break
			}
		}
	}
	slices.Sort(out)
	return out
}
