package runner

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// planPytest asks for every report that pytest can write: the JUnit file has
// durations and full messages, the verbose log has the order and whatever a
// crash left. xunit1 keeps the file and line of each test, which xunit2 drops.
func planPytest(r *repo, o Options, p *Plan) {
	junit := filepath.Join(o.Out, "pytest.xml")
	p.Args = []string{r.python.exe, "-m", "pytest", "-v", "--continue-on-collection-errors", "--junit-xml=" + junit, "-o", "junit_family=xunit1"}
	p.Reports = []string{junit}
	r.withCoverage(o, p, "--cov")
	p.Args = append(p.Args, o.PytestArgs...)
}

// planUnittest runs the standard library's own runner.
func planUnittest(r *repo, o Options, p *Plan) {
	p.Args = []string{r.python.exe, "-m", "unittest", "discover", "-v"}
	r.withCoverage(o, p, "")
}

// withCoverage measures coverage by pytest-cov, or else by coverage.py around
// the runner. The data file is ours, so that the repository's own stays as it is.
func (r *repo) withCoverage(o Options, p *Plan, plugin string) {
	report := filepath.Join(o.Out, "coverage.json")
	data := filepath.Join(o.Out, "coverage.data")
	switch {
	case plugin != "" && r.python.has("pytest_cov"):
		if !strings.Contains(r.text["pyproject.toml"]+r.text["pytest.ini"]+r.text["setup.cfg"]+r.text["tox.ini"], "--cov") {
			p.Args = append(p.Args, plugin)
		}
		p.Args = append(p.Args, "--cov-report=json:"+report)
	case r.python.has("coverage"):
		p.Args = append([]string{r.python.exe, "-m", "coverage", "run"}, p.Args[1:]...)
		p.Then = [][]string{{r.python.exe, "-m", "coverage", "json", "-q", "-o", report}}
	default:
		return
	}
	p.Env = append(p.Env, "COVERAGE_FILE="+data)
	p.Reports = append(p.Reports, report)
}

func planMypy(r *repo, o Options, p *Plan) {
	p.Args = []string{r.python.exe, "-m", "mypy", "--show-column-numbers", "--no-color-output", "--cache-dir", filepath.Join(o.Out, "..", "..", "mypy_cache")}
	if !r.mypyKnowsItsFiles() {
		p.Args = append(p.Args, ".")
	}
}

// mypyKnowsItsFiles: the configuration names files, packages or modules.
func (r *repo) mypyKnowsItsFiles() bool {
	for _, file := range []string{"mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"} {
		_, section, found := strings.Cut(r.text[file], "mypy]")
		if !found {
			continue
		}
		if end := strings.Index(section, "\n["); end >= 0 {
			section = section[:end]
		}
		for line := range strings.Lines(section) {
			key, _, _ := strings.Cut(line, "=")
			switch strings.TrimSpace(key) {
			case "files", "packages", "modules":
				return true
			}
		}
	}
	return false
}

func planRuff(r *repo, o Options, p *Plan) {
	out := filepath.Join(o.Out, "ruff.json")
	p.Args = []string{r.python.exe, "-m", "ruff", "check", "--output-format=json", "--output-file=" + out, "--no-cache", "."}
	p.Reports = []string{out}
}

func planFlake8(r *repo, _ Options, p *Plan) {
	p.Args = []string{r.python.exe, "-m", "flake8", "--color=never", "--extend-exclude=.venv,venv,.keepgreen"}
}

func planBlack(r *repo, _ Options, p *Plan) {
	p.Args = []string{r.python.exe, "-m", "black", "--check", "--no-color", "."}
}

func planGoTest(r *repo, o Options, p *Plan) {
	profile := filepath.Join(o.Out, "cover.out")
	p.Args = []string{r.goTool(o), "test", "-json", "-coverprofile=" + profile, "./..."}
	p.Reports = []string{profile}
}

func planGoVet(r *repo, o Options, p *Plan) {
	p.Args = []string{r.goTool(o), "vet", "./..."}
}

// maxAgain bounds how many tests are named on one command line.
const maxAgain = 400

// Again is the plan that runs only the given tests, for another attempt; ok is
// false for tools that cannot be told.
func (p Plan) Again(tests []ci.TestID, attempt int) (again Plan, ok bool) {
	if len(tests) > maxAgain {
		return Plan{}, false
	}
	again = p
	again.Then, again.Reports, again.Env = nil, nil, nil
	switch p.Tool {
	case "pytest":
		junit := strings.TrimSuffix(p.Reports[0], ".xml") + "." + strconv.Itoa(attempt) + ".xml"
		again.Args = []string{p.Args[0], "-m", "pytest", "-v", "--continue-on-collection-errors", "--junit-xml=" + junit, "-o", "junit_family=xunit1"}
		if p.measures() {
			again.Args = append(again.Args, "--no-cov")
		}
		again.Reports = []string{junit}
		for _, id := range tests {
			again.Args = append(again.Args, string(id))
		}
	case "go test":
		again.Args = append([]string{p.Args[0], "test", "-json", "-count=1", "-run", goPattern(tests)}, goPackages(tests)...)
	default:
		return Plan{}, false
	}
	return again, true
}

// measures reports whether pytest-cov is at work.
func (p Plan) measures() bool {
	return slices.ContainsFunc(p.Args, func(a string) bool { return strings.HasPrefix(a, "--cov") })
}

// goPattern matches the top-level functions of the tests; their packages are
// named beside it.
func goPattern(tests []ci.TestID) string {
	var names []string
	for _, id := range tests {
		_, name := splitGo(id)
		name, _, _ = strings.Cut(name, "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

func goPackages(tests []ci.TestID) []string {
	var out []string
	for _, id := range tests {
		if pkg, _ := splitGo(id); pkg != "" && !slices.Contains(out, pkg) {
			out = append(out, pkg)
		}
	}
	return out
}

// splitGo takes "example.com/m/pkg.TestName/sub" apart: the name starts at the
// last dot after which a test function's name can stand.
func splitGo(id ci.TestID) (pkg, name string) {
	s := string(id)
	for _, prefix := range []string{".Test", ".Fuzz", ".Example"} {
		if i := strings.Index(s, prefix); i >= 0 {
			return s[:i], s[i+1:]
		}
	}
	return "", s
}
