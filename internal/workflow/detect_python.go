package workflow

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// newestPython and oldestPython bound the matrix that requires-python asks for.
const oldestPython, newestPython = 10, 14

// pythonTools are the tools that jobs may need, at the version that init pins
// where the repository names none.
var pythonTools = map[string]string{
	"pytest": "pytest==9.2.0", "coverage": "coverage==7.17.4", "tox": "tox==4.67.15", "poetry": "poetry==2.5.1",
	"ruff": "ruff==0.17.6", "black": "black==26.10.1", "flake8": "flake8==7.5.0", "isort": "isort==9.0.2", "mypy": "mypy==2.4.1",
}

// python: what a Python project installs, lints and tests with.
func (d *detector) python(p Project) (Project, bool) {
	sources := d.inside(p.Dir, ".py")
	if len(sources) == 0 {
		return p, false
	}
	declared := d.declarations(p.Dir)
	project := d.text(p.Dir, "pyproject.toml")
	p.Manager = d.manager(p.Dir, project)
	p.Install = d.requirements(p.Dir)
	p.Package = strings.Contains(project, "[build-system]") || d.text(p.Dir, "setup.py") != ""
	p.Lock = d.locks(p)
	p.Versions = pythonVersions(project + "\n" + d.text(p.Dir, "setup.cfg") + "\n" + d.text(p.Dir, "setup.py"))
	p.Tests = slices.ContainsFunc(sources, func(name string) bool {
		base := path.Base(name)
		return strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py")
	})
	p.CovAddon = declared.requires("pytest-cov")
	p.CovOn = p.CovAddon && declared.mentions("--cov")
	p.Linters = pythonLinters(declared)
	p.MypyFiles = declared.mypyKnowsItsFiles()
	d.facts.Manifests = d.facts.Manifests || len(p.Lock) > 0 || declared.mentions("dependencies")
	p.Missing = missing(p, declared)
	return p, true
}

// declarations are the texts in which a project names its tools.
type declarations map[string]string

func (d *detector) declarations(dir string) declarations {
	out := declarations{}
	for _, name := range []string{"pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", ".flake8", "mypy.ini", ".mypy.ini", "ruff.toml", ".ruff.toml", ".isort.cfg", "Pipfile"} {
		if text := d.text(dir, name); text != "" {
			out[name] = text
		}
	}
	for _, name := range d.requirements(dir) {
		out[path.Base(name)] = d.Text(name)
	}
	return out
}

// requires: the tool is among the requirements. A line of a requirements file,
// an item of a TOML list, or a key of a TOML table.
func (t declarations) requires(name string) bool {
	requirement := regexp.MustCompile(`(?mi)^\s*(?:[a-z-]+\s*=\s*\[\s*)?["']?` + regexp.QuoteMeta(name) + `["']?\s*(?:$|[\[<>=!~;,"'@ #\]])|["']` + regexp.QuoteMeta(name) + `\s*["'\[<>=!~;]`)
	for file, text := range t {
		if strings.HasSuffix(file, ".txt") || strings.HasSuffix(file, ".toml") && !strings.Contains(file, "ruff") || file == "setup.cfg" || file == "setup.py" || file == "tox.ini" || file == "Pipfile" {
			if requirement.MatchString(text) {
				return true
			}
		}
	}
	return false
}

// configures: there is a section or a file for the tool.
func (t declarations) configures(name string) bool {
	section := regexp.MustCompile(`(?m)^\s*\[+(?:tool[.:])?` + regexp.QuoteMeta(name) + `[\].:]`)
	for file, text := range t {
		if section.MatchString(text) || strings.Trim(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(file, ".ini"), ".toml"), ".cfg"), ".") == name {
			return true
		}
	}
	return false
}

func (t declarations) mentions(word string) bool {
	for _, text := range t {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// manager is what installs the project.
func (d *detector) manager(dir, project string) string {
	has := func(name string) bool { return slices.Contains(d.Files, path.Join(dir, name)) }
	switch {
	case has("uv.lock") || strings.Contains(project, "[tool.uv]"):
		return "uv"
	case has("poetry.lock") || strings.Contains(project, "[tool.poetry]"):
		return "poetry"
	case has("tox.ini") || strings.Contains(project, "[tool.tox"):
		return "tox"
	}
	return "pip"
}

// requirements are the requirement files of a project: its own first, those for
// development and tests after it.
func (d *detector) requirements(dir string) []string {
	var out []string
	for _, name := range d.Files {
		base, in := path.Base(name), path.Dir(name)
		ours := in == path.Clean(dir) && strings.HasPrefix(base, "requirements") && strings.HasSuffix(base, ".txt") ||
			in == path.Join(dir, "requirements") && strings.HasSuffix(base, ".txt")
		if ours && safePath(name) && !strings.Contains(base, "cuda") && !strings.Contains(base, "gpu") {
			out = append(out, name)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return len(a) - len(b) })
	return out
}

// locks are the files that say which packages are installed.
func (d *detector) locks(p Project) []string {
	for _, name := range []string{"uv.lock", "poetry.lock"} {
		if file := path.Join(p.Dir, name); slices.Contains(d.Files, file) {
			return []string{file}
		}
	}
	if len(p.Install) > 0 {
		return p.Install
	}
	for _, name := range []string{"pyproject.toml", "setup.cfg", "setup.py", "tox.ini"} {
		if file := path.Join(p.Dir, name); slices.Contains(d.Files, file) {
			return []string{file}
		}
	}
	return nil
}

var requiresPython = regexp.MustCompile(`(?:requires-python|python_requires|(?m)^python)\s*=\s*["']?\s*(?:>=|\^|~=|==)?\s*3\.(\d+)`)

// pythonVersions are the releases from the oldest that the project admits, or
// one where it says nothing.
func pythonVersions(text string) []string {
	least := newestPython - 1
	if m := requiresPython.FindStringSubmatch(text); m != nil {
		least, _ = strconv.Atoi(m[1])
		least = max(oldestPython, min(least, newestPython))
		var out []string
		for minor := least; minor <= newestPython; minor++ {
			out = append(out, "3."+strconv.Itoa(minor))
		}
		return out
	}
	return []string{"3." + strconv.Itoa(least)}
}

// pythonLinters are the checkers that the repository asks for.
func pythonLinters(t declarations) []string {
	var out []string
	for _, name := range []string{"ruff", "flake8", "isort", "black", "mypy"} {
		if t.configures(name) || t.requires(name) {
			out = append(out, name)
		}
	}
	if slices.Contains(out, "ruff") && !slices.Contains(out, "black") && t.configures("ruff.format") {
		out = append(out, "ruff format")
	}
	return out
}

// mypyFiles is a setting of mypy's section that names what to check.
var mypyFiles = regexp.MustCompile(`(?m)^\[(?:tool\.)?mypy\]\n(?:[^\[\n].*\n|\n)*?(?:files|packages|modules)\s*=`)

func (t declarations) mypyKnowsItsFiles() bool {
	for _, text := range t {
		if mypyFiles.MatchString(text) {
			return true
		}
	}
	return false
}

// missing are the tools that the jobs run and the repository does not name.
func missing(p Project, t declarations) []string {
	var out []string
	need := func(name string) {
		if !t.requires(name) {
			out = append(out, pythonTools[name])
		}
	}
	switch {
	case p.Tests && p.Manager == "tox":
		out = append(out, pythonTools["tox"])
	case p.Tests:
		need("pytest")
		if !p.CovAddon {
			need("coverage")
		}
	}
	for _, name := range p.Linters {
		if name != "ruff format" {
			need(name)
		}
	}
	return out
}
