package cli

import (
	"errors"
	"path/filepath"

	"keepgreen/internal/ci"
	"keepgreen/internal/execmap"
	"keepgreen/internal/git"
	"keepgreen/internal/impact"
)

// foreignMap reads a database of coverage.py, or of pytest-testmon, as a map of
// who ran what at the commit that is checked out.
func (s *session) foreignMap(repo *git.Repo, name string) (*impact.Foreign, error) {
	x := s.openSources(repo, true)
	defer x.close()
	tree, err := x.workTree()
	if err != nil {
		return nil, err
	}
	in := impact.Input{Config: impact.ReadPytest(x.texts(projectFiles, ""))}
	in.Graph, _ = dependencies(tree)
	defs := map[string][]ci.Definition{}
	for _, f := range tree.files {
		defs[f.Path] = f.Defs
	}
	texts := func(yield func(string, []byte)) error { return x.each(tree, "", yield) }
	covered, err := execmap.Coverage(s.ctx, name)
	if err == nil {
		return s.fromContexts(covered, in, defs, texts)
	}
	touched, monErr := execmap.Testmon(s.ctx, name)
	if monErr != nil {
		if errors.Is(err, execmap.ErrForeign) {
			return nil, errors.New("neither a recording of the pytest plugin, nor a database of coverage.py or pytest-testmon")
		}
		return nil, err
	}
	f, err := impact.NewForeign("testmon", touched.Python, defs, texts)
	if err != nil {
		return nil, err
	}
	for pair := range touched.Pairs {
		f.Ran(ci.TestID(touched.Tests[pair[0]]).Base(), filepath.ToSlash(touched.Files[pair[1]]), nil)
	}
	return f, nil
}

// fromContexts takes coverage.py's contexts for tests.
func (s *session) fromContexts(m *execmap.Map, in impact.Input, defs map[string][]ci.Definition, texts func(func(string, []byte)) error) (*impact.Foreign, error) {
	f, err := impact.NewForeign("coverage.py", "", defs, texts)
	if err != nil {
		return nil, err
	}
	dotted := impact.Dotted(in)
	known := 0
	for _, file := range m.Files {
		name := filepath.ToSlash(file.Path)
		if rel, err := filepath.Rel(s.root(), file.Path); err == nil && filepath.IsLocal(rel) {
			name = filepath.ToSlash(rel)
		}
		for _, run := range file.Runs {
			test, ok := impact.ContextTest(m.Contexts[run.Context], dotted)
			if !ok {
				return nil, errors.New("the context " + m.Contexts[run.Context] + " is no test that is here")
			}
			if test != "" {
				known++
			}
			f.Ran(test, name, run.Lines.Meets)
		}
	}
	if known == 0 {
		return nil, errors.New("it has no contexts: pytest --cov-context=test, or dynamic_context = test_function with core = ctrace, records them")
	}
	return f, nil
}
