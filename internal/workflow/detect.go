package workflow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Tree is a repository as detection sees it: the names of its files, sorted
// and slash-separated, and the text of those that it asks for.
type Tree struct {
	Files []string
	Text  func(name string) string // empty: not there, too large, or no text
}

// Language is what a project is written in.
type Language string

// The languages that the generated jobs know.
const (
	Python Language = "python"
	Go     Language = "go"
	Node   Language = "node"
)

// Facts are what a repository holds that a pipeline depends on.
type Facts struct {
	Projects  []Project
	Images    []Image
	Platforms []string // of ci_cd/test_matrix.json; nil: the default
	Forensics string   // script that writes the forensic log and the eviction metrics; empty: none
	Manifests bool     // there are dependencies to scan
	Others    []string // workflows that the repository has already
	Self      bool     // it is Keepgreen's own
}

// Project is one directory with a manifest of its own.
type Project struct {
	Dir      string // slash-separated; "." is the root
	Language Language
	Manager  string   // pip, uv, poetry, tox; npm, pnpm, yarn; go
	Versions []string // of the language, oldest first
	Lock     []string // files that the cache depends on
	Install  []string // requirement files, in order
	Package  bool     // it can be installed itself
	Tests    bool
	Linters  []string // ruff, ruff format, black, flake8, isort, mypy; script names of package.json
	Missing  []string // tools that the jobs need and the repository does not name
	CovAddon bool     // pytest-cov is among its requirements
	CovOn    bool     // and its configuration turns it on
	Runner   string   // of node: jest, vitest, npm, or node

	MypyFiles bool // mypy's configuration says what it checks
}

// Image is a Dockerfile that is built and published.
type Image struct {
	Flavour, File, Platforms string
}

// aside are directories whose manifests are not the repository's own.
var aside = []string{
	"node_modules", "vendor", "third_party", "testdata", "fixtures", "examples", "example", "docs", "doc", "tests", "test", "e2e", "bench", "benchmarks", "site-packages", "templates",
}

// Detect looks at a repository.
func Detect(t Tree) Facts {
	d := detector{Tree: t, facts: Facts{}}
	d.projects()
	for _, name := range t.Files {
		d.file(name)
	}
	d.matrix()
	slices.SortStableFunc(d.facts.Images, func(a, b Image) int { return cmp.Compare(a.Flavour, b.Flavour) })
	return d.facts
}

type detector struct {
	Tree
	facts Facts
}

// ownDir tells whether a directory may hold a project of this repository. One
// whose name a script would have to quote is left out.
func ownDir(dir string) bool {
	if dir != "." && !safePath(dir) {
		return false
	}
	for part := range strings.SplitSeq(dir, "/") {
		if part != "." && (strings.HasPrefix(part, ".") || slices.Contains(aside, part)) {
			return false
		}
	}
	return true
}

// manifests say that a directory is a project, by language.
var manifests = map[string]Language{
	"pyproject.toml": Python, "setup.py": Python, "setup.cfg": Python, "tox.ini": Python, "requirements.txt": Python, "requirements-dev.txt": Python,
	"go.mod": Go, "package.json": Node,
}

// projects finds the directories with manifests. One inside a directory of the
// same language is part of that: a workspace, a plugin, a sample.
func (d *detector) projects() {
	found := map[Language][]string{}
	for _, name := range d.Files {
		language, ok := manifests[path.Base(name)]
		if dir := path.Dir(name); ok && ownDir(dir) && !slices.Contains(found[language], dir) {
			found[language] = append(found[language], dir)
		}
	}
	for _, language := range []Language{Python, Go, Node} {
		dirs := found[language]
		slices.SortFunc(dirs, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
		var kept []string
		for _, dir := range dirs {
			if !slices.ContainsFunc(kept, func(k string) bool { return k == "." || strings.HasPrefix(dir, k+"/") }) {
				kept = append(kept, dir)
			}
		}
		slices.Sort(kept)
		for _, dir := range kept {
			if p, ok := d.project(dir, language); ok {
				d.facts.Projects = append(d.facts.Projects, p)
			}
		}
	}
	if len(d.facts.Projects) == 0 && slices.ContainsFunc(d.Files, func(n string) bool { return strings.HasSuffix(n, ".py") && ownDir(path.Dir(n)) }) {
		p, _ := d.project(".", Python) // Python needs no manifest
		d.facts.Projects = append(d.facts.Projects, p)
	}
}

func (d *detector) project(dir string, language Language) (Project, bool) {
	p := Project{Dir: dir, Language: language}
	switch language {
	case Python:
		return d.python(p)
	case Go:
		return d.golang(p)
	default:
		return d.node(p)
	}
}

// text is a file of a project.
func (d *detector) text(dir, name string) string { return d.Text(path.Join(dir, name)) }

// inside lists the files below a directory that stand in none of a project
// nested in it.
func (d *detector) inside(dir string, suffix string) []string {
	var out []string
	for _, name := range d.Files {
		if strings.HasSuffix(name, suffix) && (dir == "." || strings.HasPrefix(name, dir+"/")) {
			out = append(out, name)
		}
	}
	return out
}

// flavoured is a Dockerfile and what its name says that it is for.
var flavoured = regexp.MustCompile(`^(?:Dockerfile|Containerfile)(?:\.([A-Za-z0-9_-]+))?$`)

// file notes what a single file tells.
func (d *detector) file(name string) {
	dir, base := path.Dir(name), path.Base(name)
	switch {
	case dir == ".github/workflows" && (strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")):
		if base != Main && base != Comment {
			d.facts.Others = append(d.facts.Others, base)
		}
	case flavoured.MatchString(base) && ownDir(dir) && safePath(name):
		d.image(name, flavoured.FindStringSubmatch(base)[1])
	case strings.HasSuffix(base, ".py") && strings.Contains(base, "forensic") && ownDir(dir) && d.facts.Forensics == "" && safePath(name):
		if text := d.Text(name); strings.Contains(text, "eviction_metrics.json") && strings.Contains(text, `__name__ == "__main__"`) {
			d.facts.Forensics = name
		}
	}
}

// safePath: a path that means itself in a shell script and in YAML. Names of
// files are somebody else's text; one that needs quoting is left out.
func safePath(name string) bool { return safe.MatchString(name) && !strings.Contains(name, "..") }

var safe = regexp.MustCompile(`^[A-Za-z0-9._][A-Za-z0-9._/@+-]*$`)

func (d *detector) image(name, flavour string) {
	if flavour == "dockerignore" {
		return
	}
	if flavour == "" {
		flavour = strings.ReplaceAll(strings.Trim(path.Dir(name), "."), "/", "-")
		if flavour == "" || flavour == "docker" {
			flavour = "app"
		}
	}
	flavour = strings.ToLower(flavour)
	if slices.ContainsFunc(d.facts.Images, func(i Image) bool { return i.Flavour == flavour }) {
		flavour += fmt.Sprintf("-%d", len(d.facts.Images))
	}
	d.facts.Images = append(d.facts.Images, Image{Flavour: flavour, File: name, Platforms: "linux/amd64,linux/arm64"})
}

// matrix reads the guide's ci_cd/test_matrix.json.
func (d *detector) matrix() {
	var m struct{ Python, Platform []string }
	if err := json.Unmarshal([]byte(d.Text("ci_cd/test_matrix.json")), &m); err != nil {
		return
	}
	d.facts.Platforms = kept(m.Platform)
	for i := range d.facts.Projects {
		if p := &d.facts.Projects[i]; p.Language == Python && len(kept(m.Python)) > 0 {
			p.Versions = kept(m.Python)
		}
	}
}

// kept are the words that may stand in a matrix.
func kept(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(s string) bool { return !safePath(s) || len(s) > 64 })
}

// golang: a module.
func (d *detector) golang(p Project) (Project, bool) {
	if len(d.inside(p.Dir, ".go")) == 0 {
		return p, false
	}
	p.Manager = "go"
	p.Lock = []string{path.Join(p.Dir, "go.sum")}
	p.Tests = len(d.inside(p.Dir, "_test.go")) > 0
	p.Linters = []string{"gofmt", "go vet"}
	mod := d.text(p.Dir, "go.mod")
	d.facts.Manifests = d.facts.Manifests || strings.Contains(mod, "require")
	d.facts.Self = d.facts.Self || p.Dir == "." && strings.HasPrefix(mod, "module keepgreen\n")
	return p, true
}

// node: a package.json with something to run.
func (d *detector) node(p Project) (Project, bool) {
	var m struct {
		Scripts                       map[string]string
		Dependencies, DevDependencies map[string]string
		Engines                       struct{ Node string }
	}
	if json.Unmarshal([]byte(d.text(p.Dir, "package.json")), &m) != nil {
		return p, false
	}
	has := func(name string) bool { return m.Dependencies[name] != "" || m.DevDependencies[name] != "" }
	p.Manager = "npm"
	for _, lock := range []struct{ file, manager string }{{"package-lock.json", "npm"}, {"pnpm-lock.yaml", "pnpm"}, {"yarn.lock", "yarn"}} {
		if name := path.Join(p.Dir, lock.file); slices.Contains(d.Files, name) {
			p.Manager, p.Lock = lock.manager, []string{name}
			break
		}
	}
	p.Versions = nodeVersions(m.Engines.Node)
	switch {
	case has("vitest"):
		p.Runner, p.CovAddon = "vitest", has("@vitest/coverage-v8") || has("@vitest/coverage-istanbul")
	case has("jest"):
		p.Runner = "jest"
	case strings.Contains(m.Scripts["test"], "node --test"):
		p.Runner = "node"
	case m.Scripts["test"] != "" && !strings.Contains(m.Scripts["test"], "no test specified"):
		p.Runner = "npm"
	}
	p.Tests = p.Runner != ""
	for _, script := range []string{"lint", "format:check", "typecheck", "type-check"} {
		if m.Scripts[script] != "" {
			p.Linters = append(p.Linters, script)
		}
	}
	d.facts.Manifests = d.facts.Manifests || len(m.Dependencies)+len(m.DevDependencies) > 0
	return p, p.Tests || len(p.Linters) > 0
}

var number = regexp.MustCompile(`\d+`)

// nodeVersions are the long-term releases that a range such as ">=20" admits.
func nodeVersions(engines string) []string {
	all := []string{"22", "24"}
	least := number.FindString(engines)
	out := slices.DeleteFunc(slices.Clone(all), func(v string) bool { return least != "" && v < least && len(v) == len(least) })
	if len(out) == 0 {
		return []string{least}
	}
	return out
}
