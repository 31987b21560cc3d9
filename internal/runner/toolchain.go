package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Plan is one tool that is to be run on a repository, or why it is not.
type Plan struct {
	Tool    string
	JobName string // "lint", "types", "test"
	Version string
	Args    []string
	Then    [][]string // commands that turn what the tool left into reports; run whatever its exit status
	Env     []string   // beside the repository's environment
	Reports []string   // files it writes; some may be absent when it fails
	Skip    string     // why it is not run; empty: run it
	Hint    string     // what would make it run
	Missing bool       // skipped although the repository asks for it: there is no answer, rather than a pass

	exits map[int]exit
}

// exit is what an exit status of a tool means.
type exit struct {
	status ci.JobStatus
	detail string
}

// Options chooses among what was found.
type Options struct {
	Tools      []string // these and no others; nil: what the repository is set up for
	Python     string   // the interpreter; empty: found
	PytestArgs []string
	Out        string            // directory for reports
	Env        map[string]string // the environment the tools will run in
}

// Toolchain is what a repository is set up for.
type Toolchain struct {
	Languages     []string // "python", "go"
	Python        string   // interpreter; empty: none found
	PythonWhy     string   // how it was chosen
	PythonVersion string
	Plans         []Plan
}

// tool is a row: something that keepgreen run can run.
type tool struct {
	name, job, language string
	module              string // Python module that has to be installed
	wanted              func(*repo) bool
	plan                func(*repo, Options, *Plan)
	exits               map[int]exit // beside 0, which is success; any other status is an error of the tool
}

// tools in the order in which they are started: what takes longest first.
var tools = []tool{
	{"pytest", "test", "python", "pytest", wantsPytest, planPytest, pytestExits},
	{"unittest", "test", "python", "unittest", wantsUnittest, planUnittest, saysNo},
	{"go test", "test", "go", "", hasGoTests, planGoTest, goTestExits},
	{"mypy", "types", "python", "mypy", wantsModule("mypy", "mypy.ini", ".mypy.ini"), planMypy, mypyExits},
	{"ruff", "lint", "python", "ruff", wantsModule("ruff", "ruff.toml", ".ruff.toml"), planRuff, saysNo},
	{"flake8", "lint", "python", "flake8", wantsModule("flake8", ".flake8"), planFlake8, saysNo},
	{"black", "lint", "python", "black", wantsModule("black"), planBlack, saysNo},
	{"go vet", "lint", "go", "", hasGo, planGoVet, goVetExits},
}

// Detect finds out what the repository at root is set up for. It runs nothing
// but the Python interpreter, once, to ask which modules it has.
func Detect(ctx context.Context, root string, o Options) (Toolchain, error) {
	info, err := os.Stat(root)
	if err != nil {
		return Toolchain{}, err
	}
	if !info.IsDir() {
		return Toolchain{}, &fs.PathError{Op: "run", Path: root, Err: errors.New("not a directory")}
	}
	r := look(root)
	r.findPython(ctx, o)
	chain := Toolchain{Languages: r.languages(), Python: r.python.exe, PythonWhy: r.python.why, PythonVersion: r.python.modules["unittest"]}
	for _, t := range tools {
		asked := slices.Contains(o.Tools, t.name)
		if !asked && (o.Tools != nil || !t.wanted(r)) {
			continue
		}
		chain.Plans = append(chain.Plans, r.planFor(t, o))
	}
	return chain, nil
}

func (r *repo) planFor(t tool, o Options) Plan {
	p := Plan{Tool: t.name, JobName: t.job, exits: t.exits}
	switch {
	case t.language == "python" && r.python.exe == "":
		p.Skip, p.Missing = "no Python interpreter was found", true
		p.Hint = "make a virtual environment in .venv, or name an interpreter with --python"
	case t.language == "python" && r.python.err != "":
		p.Skip, p.Missing = r.python.exe+" does not run: "+r.python.err, true
		p.Hint = "mend the virtual environment, or name another interpreter with --python"
	case t.module != "" && !r.python.has(t.module):
		p.Skip, p.Missing = fmt.Sprintf("%s is not installed in %s", t.module, r.python.why), true
		p.Hint = fmt.Sprintf("%s -m pip install %s", r.python.exe, t.module)
	case t.language == "go" && r.goTool(o) == "":
		p.Skip, p.Missing = "no go command was found", true
		p.Hint = "install Go, or put its bin directory on PATH"
	default:
		p.Version = r.python.modules[t.module]
		t.plan(r, o, &p)
	}
	return p
}

// repo is what a look at the files of a repository tells.
type repo struct {
	root      string
	files     map[string]bool   // interesting names at the root
	text      map[string]string // content of the configuration files at the root
	pyFiles   int
	pyTests   bool
	goFiles   int
	goTests   bool
	python    python
	truncated bool
}

// configFiles are read whole; they are small, and a bound says what small is.
var configFiles = []string{
	"pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", ".flake8", "mypy.ini", ".mypy.ini", "ruff.toml", ".ruff.toml",
	".coveragerc", "setup.py", "go.mod", "uv.lock", "poetry.lock", "Pipfile", ".pre-commit-config.yaml",
}

const (
	maxConfigFile = 1 << 20
	maxLook       = 50_000 // directory entries that a look may visit
)

// look walks the tree as far as it must to know the languages and whether there are tests.
func look(root string) *repo {
	r := &repo{root: root, files: map[string]bool{}, text: map[string]string{}}
	for _, name := range configFiles {
		r.readConfig(name)
	}
	requirements, _ := filepath.Glob(filepath.Join(root, "requirements*.txt"))
	nested, _ := filepath.Glob(filepath.Join(root, "requirements", "*.txt"))
	for _, path := range slices.Concat(requirements, nested) {
		if name, err := filepath.Rel(root, path); err == nil {
			r.readConfig(name)
		}
	}
	seen := 0
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // an unreadable directory is no reason to know nothing
		}
		if seen++; seen > maxLook {
			r.truncated = true
			return fs.SkipAll
		}
		if entry.IsDir() {
			return r.enter(path, entry.Name())
		}
		r.note(entry.Name())
		return nil
	})
	return r
}

func (r *repo) readConfig(name string) {
	path := filepath.Join(r.root, name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxConfigFile {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return
	}
	r.files[name] = true
	r.text[name] = string(data)
}

// enter skips what is not the repository's own source.
func (r *repo) enter(path, name string) error {
	if path == r.root {
		return nil
	}
	if strings.HasPrefix(name, ".") || slices.Contains([]string{"node_modules", "vendor", "__pycache__", "venv", "env", "site-packages", "build", "dist", "testdata"}, name) {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "pyvenv.cfg")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (r *repo) note(name string) {
	switch filepath.Ext(name) {
	case ".py":
		r.pyFiles++
		if strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") {
			r.pyTests = true
		}
	case ".go":
		r.goFiles++
		r.goTests = r.goTests || strings.HasSuffix(name, "_test.go")
	}
}

func (r *repo) languages() []string {
	var out []string
	if r.isPython() {
		out = append(out, "python")
	}
	if hasGo(r) {
		out = append(out, "go")
	}
	return out
}

func hasGo(r *repo) bool      { return r.files["go.mod"] && r.goFiles > 0 }
func hasGoTests(r *repo) bool { return hasGo(r) && r.goTests }

// isPython: the repository is a Python project, rather than one of another
// language with some Python in it, such as examples.
func (r *repo) isPython() bool {
	if r.pyFiles == 0 {
		return false
	}
	for name := range r.files {
		if name != "go.mod" && name != ".pre-commit-config.yaml" {
			return true
		}
	}
	return !hasGo(r)
}

// wantsPytest: there are Python tests, and nothing says that they are run by
// something else alone.
func wantsPytest(r *repo) bool {
	return r.configures("pytest") || r.isPython() && r.pyTests && (r.python.has("pytest") || !r.python.has("unittest"))
}

// wantsUnittest: there are Python tests, and no sign of pytest.
func wantsUnittest(r *repo) bool { return r.isPython() && r.pyTests && !wantsPytest(r) }

// wantsModule: the tool has a configuration of its own, or is among the
// repository's requirements.
func wantsModule(name string, files ...string) func(*repo) bool {
	return func(r *repo) bool {
		if r.pyFiles == 0 {
			return false
		}
		return r.configures(name) || slices.ContainsFunc(files, func(f string) bool { return r.files[f] })
	}
}

// configures reports whether a configuration section or a requirement names the tool.
func (r *repo) configures(name string) bool {
	section := regexp.MustCompile(`(?m)^\[(?:tool[.:])?` + name + `[\].:]`)
	requirement := regexp.MustCompile(`(?mi)^\s*["']?` + name + `\s*(?:$|[\[<>=!~;,"'@ #])`)
	for file, text := range r.text {
		if section.MatchString(text) {
			return true
		}
		if (strings.HasSuffix(file, ".txt") || file == "pyproject.toml" || file == "setup.cfg" || file == "Pipfile") && requirement.MatchString(text) {
			return true
		}
	}
	return false
}

func (r *repo) goTool(o Options) string {
	if path, ok := lookPath("go", o.Env["PATH"]); ok {
		return path
	}
	return ""
}
