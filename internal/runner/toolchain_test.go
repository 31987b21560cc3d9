//go:build unix

package runner_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/runner"
)

// tree writes files; a value that starts with "#!" becomes executable.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		mode := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		assert.NilError(t, os.WriteFile(path, []byte(content), mode))
	}
	return root
}

// interpreter is a Python that answers the question which modules it has.
func interpreter(modules string) string { return "#!/bin/sh\necho '" + modules + "'\n" }

const everything = `{"unittest":"3.12.1","pytest":"8.4.0","pytest_cov":"7.0.0","coverage":"7.1","ruff":"0.1","black":"1","mypy":"1.2","flake8":"7"}`

func detect(t *testing.T, files map[string]string, o runner.Options) runner.Toolchain {
	t.Helper()
	chain, err := runner.Detect(context.Background(), tree(t, files), o)
	assert.NilError(t, err)
	return chain
}

func summary(chain runner.Toolchain) []string {
	var out []string
	for _, p := range chain.Plans {
		line := p.JobName + " " + p.Tool
		if p.Skip != "" {
			line += " (skipped)"
		}
		out = append(out, line)
	}
	return out
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		tools []string
		want  []string
	}{
		{"an empty directory has nothing to run", nil, nil, nil},
		{"tests and an interpreter with pytest", map[string]string{"tests/test_a.py": "", ".venv/bin/python": interpreter(everything)}, nil, []string{"test pytest"}},
		{"tools are run where they are configured", map[string]string{
			"a.py": "", "test_a.py": "", "pyproject.toml": "[tool.ruff.lint]\n[tool.mypy]\n[tool.black]\n", ".flake8": "[flake8]\n", ".venv/bin/python": interpreter(everything),
		}, nil, []string{"test pytest", "types mypy", "lint ruff", "lint flake8", "lint black"}},
		{"a requirement is a wish too", map[string]string{"a.py": "", "requirements-dev.txt": "ruff==0.1\nmypy-extensions\n", ".venv/bin/python": interpreter(everything)}, nil, []string{"lint ruff"}},
		{"a wish that is not installed is said", map[string]string{"a.py": "", "pyproject.toml": "[tool.mypy]\n", ".venv/bin/python": interpreter(`{"unittest":"3.12.1"}`)}, nil, []string{"types mypy (skipped)"}},
		{"tests without pytest are run by unittest", map[string]string{"test_a.py": "", ".venv/bin/python": interpreter(`{"unittest":"3.12.1"}`)}, nil, []string{"test unittest"}},
		{"pytest is configured but missing", map[string]string{"test_a.py": "", "pytest.ini": "[pytest]\n", ".venv/bin/python": interpreter(`{"unittest":"3.12.1"}`)}, nil, []string{"test pytest (skipped)"}},
		{"a broken interpreter is said", map[string]string{"test_a.py": "", ".venv/bin/python": "#!/bin/sh\necho no >&2\nexit 1\n"}, nil, []string{"test pytest (skipped)"}},
		{"tests of an installed package are not ours", map[string]string{"venv/lib/test_x.py": "", "env2/pyvenv.cfg": "", "env2/test_y.py": ""}, nil, nil},
		{"only what is asked for", map[string]string{"test_a.py": "", "pyproject.toml": "[tool.ruff]\n", ".venv/bin/python": interpreter(everything)}, []string{"black"}, []string{"lint black"}},
		{"a Go module", map[string]string{"go.mod": "module m\n", "a.go": "package m", "a_test.go": "package m", "bin/go": "#!/bin/sh\n"}, nil, []string{"test go test", "lint go vet"}},
		{"Python examples in a Go module are not its tests", map[string]string{"go.mod": "module m\n", "a.go": "package m", "bin/go": "#!/bin/sh\n", "examples/p/test_a.py": ""}, nil, []string{"lint go vet"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, c.files)
			chain, err := runner.Detect(context.Background(), root, runner.Options{
				Tools: c.tools, Out: "out", Env: map[string]string{"PATH": filepath.Join(root, "bin") + ":/usr/bin:/bin"},
			})
			assert.NilError(t, err)
			assert.DeepEqual(t, summary(chain), c.want)
		})
	}
}

func TestCoverageIsMeasuredByWhatThereIs(t *testing.T) {
	files := func(modules string) map[string]string {
		return map[string]string{"test_a.py": "", ".venv/bin/python": interpreter(modules)}
	}
	plugin := detect(t, files(everything), runner.Options{Out: "out"}).Plans[0]
	assert.Assert(t, slices.Contains(plugin.Args, "--cov"))
	assert.Equal(t, len(plugin.Then), 0)

	around := detect(t, files(`{"unittest":"3","pytest":"8","coverage":"7"}`), runner.Options{Out: "out"}).Plans[0]
	assert.DeepEqual(t, around.Args[1:6], []string{"-m", "coverage", "run", "-m", "pytest"})
	assert.Equal(t, len(around.Then), 1)

	none := detect(t, files(`{"unittest":"3","pytest":"8"}`), runner.Options{Out: "out"}).Plans[0]
	assert.Assert(t, !slices.ContainsFunc(none.Reports, func(r string) bool { return strings.Contains(r, "coverage") }))

	configured := files(everything)
	configured["pyproject.toml"] = "[tool.pytest.ini_options]\naddopts = \"--cov=pkg\"\n"
	assert.Assert(t, !slices.Contains(detect(t, configured, runner.Options{Out: "out"}).Plans[0].Args, "--cov"))
}

func TestMypyIsToldWhatToCheckOnlyIfItDoesNotKnow(t *testing.T) {
	files := map[string]string{"a.py": "", "pyproject.toml": "[tool.mypy]\nstrict = true\n\n[tool.x]\nfiles = 1\n", ".venv/bin/python": interpreter(everything)}
	args := detect(t, files, runner.Options{Out: "out"}).Plans[0].Args
	assert.Equal(t, args[len(args)-1], ".")
	files["pyproject.toml"] = "[tool.mypy]\nfiles = [\"src\"]\n"
	args = detect(t, files, runner.Options{Out: "out"}).Plans[0].Args
	assert.Assert(t, args[len(args)-1] != ".")
}

func TestAFileIsNoRepository(t *testing.T) {
	root := tree(t, map[string]string{"a.py": ""})
	_, err := runner.Detect(context.Background(), filepath.Join(root, "a.py"), runner.Options{})
	assert.ErrorContains(t, err, "not a directory")
	_, err = runner.Detect(context.Background(), filepath.Join(root, "nothing"), runner.Options{})
	assert.ErrorIs(t, err, os.ErrNotExist)
}
