package impact

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// critical are the paths that change everything, by the guide: what the build,
// its dependencies and its configuration are made of.
var critical = []string{
	".github/**", "requirements*.txt", "requirements/**", "constraints*.txt", "setup.py", "setup.cfg", "pyproject.toml",
	"poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "pixi.lock", "pixi.toml", "conda*.yml", "environment*.yml", "*.lock",
	"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "go.mod", "go.sum", "go.work", "go.work.sum",
	"conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "tox.toml", "noxfile.py", ".coveragerc", ".python-version",
	"sitecustomize.py", "usercustomize.py", ".gitmodules",
	"keepgreen.yaml", "ci_cd/test_matrix.json",
}

// full is why everything runs; empty: nothing says so. The guide's rules come
// first, in its order.
func (in Input) full() string {
	if !in.Enabled {
		return "test selection is disabled"
	}
	if in.Unknown != "" {
		return in.Unknown
	}
	if n := len(in.Change); n > in.Threshold {
		return fmt.Sprintf("%d files changed, more than the threshold of %d", n, in.Threshold)
	}
	for _, f := range in.Change {
		for _, name := range []string{f.Path, f.OldPath} {
			if name == "" || f.Status == "C" && name == f.OldPath {
				continue
			}
			if pattern, ok := in.critical(name); ok {
				return fmt.Sprintf("%s is critical (%s)", name, pattern)
			}
		}
	}
	return ""
}

// stale leaves the map aside if what changed between it and the base is more
// than it can bridge, and says so. Everything else that changed since counts as
// if it were part of the change.
func (in *Input) stale() (note string) {
	if in.Map == nil {
		return ""
	}
	inChange := map[string]bool{}
	for _, f := range in.Change {
		inChange[f.Path] = true
	}
	for _, f := range in.Map.Since {
		ext := path.Ext(f.Path)
		if inChange[f.Path] {
			continue
		}
		_, critical := in.critical(f.Path)
		if critical || ext != ".py" && ext != ".pyw" && ext != ".go" && !isDocs(f.Path) && !in.Map.reads(f.Path) {
			in.Map = nil
			return fmt.Sprintf("who ran what is not used: %s changed since it was recorded", f.Path)
		}
		if ext != ".py" && ext != ".pyw" {
			in.Change = append(in.Change, f)
		}
	}
	return ""
}

func (in Input) critical(name string) (pattern string, ok bool) {
	i := slices.IndexFunc(critical, func(p string) bool { return matches(p, name) })
	if i >= 0 {
		return critical[i], true
	}
	if i = slices.IndexFunc(in.Critical, func(p string) bool { return matches(p, name) }); i >= 0 {
		return in.Critical[i], true
	}
	return "", false
}

// matches reports whether a path fits a pattern of shell kind from the root of
// the repository: "*" stays within a folder, "**" does not. A pattern without
// a slash that begins with "*" fits in any folder.
func matches(pattern, name string) bool {
	if strings.HasPrefix(pattern, "*") && !strings.Contains(pattern, "/") {
		ok, _ := path.Match(pattern, path.Base(name))
		return ok
	}
	return matchParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func matchParts(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(name) + 1 {
				if matchParts(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}

// ParseRule reads "PATTERN -> TESTS", with the tests separated by blanks.
func ParseRule(text string) (Rule, error) {
	pattern, tests, found := strings.Cut(text, "->")
	r := Rule{Pattern: strings.TrimSpace(pattern), Tests: strings.Fields(tests)}
	switch {
	case !found || r.Pattern == "" || len(r.Tests) == 0:
		return r, fmt.Errorf("%q is no rule: PATTERN -> TESTS is wanted, such as assets/** -> tests/test_assets.py, or none, or all", text)
	case len(r.Tests) > 1 && (slices.Contains(r.Tests, "none") || slices.Contains(r.Tests, "all")):
		return r, fmt.Errorf("%q: none and all stand alone", text)
	}
	for _, p := range append([]string{r.Pattern}, r.Tests...) {
		if _, err := path.Match(strings.ReplaceAll(p, "**", "*"), "x"); err != nil {
			return r, fmt.Errorf("%q: %q is no pattern", text, p)
		}
	}
	return r, nil
}

// docsFolders hold documentation, or the pieces that a changelog is made of.
var docsFolders = []string{"docs/", "doc/", "changelog/", "changelog.d/", "changes/", "newsfragments/", "news/", "releasenotes/", ".changeset/"}

// isDocs reports whether a path is documentation, or a file that only tools of
// people read.
func isDocs(name string) bool {
	base := strings.ToUpper(path.Base(name))
	stem, _, _ := strings.Cut(base, ".")
	switch {
	case path.Ext(name) == ".md", path.Ext(name) == ".rst", slices.ContainsFunc(docsFolders, func(f string) bool { return strings.HasPrefix(name, f) }):
		return true
	case slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "CONTRIBUTORS", "CODEOWNERS", "CHANGELOG", "CHANGES", "README", "SECURITY", "CITATION"}, stem):
		return path.Ext(name) != ".py"
	case strings.HasPrefix(base, ".COVERAGE") && base != ".COVERAGERC", strings.HasPrefix(base, ".TESTMONDATA"), base == "COVERAGE.XML", strings.HasPrefix(name, ".keepgreen/"):
		return true // what tools leave
	case slices.Contains([]string{".GITIGNORE", ".EDITORCONFIG", ".MAILMAP", ".GIT-BLAME-IGNORE-REVS", ".PRE-COMMIT-CONFIG.YAML", ".READTHEDOCS.YAML", ".READTHEDOCS.YML"}, base):
		return true
	}
	return false
}

// Traces are the texts by which source code may name a file of the
// documentation: its own name, its folder's, or a pattern for its kind.
func Traces(name string) []string {
	out := []string{path.Base(name)}
	if ext := path.Ext(name); ext != "" && ext != path.Base(name) {
		out = append(out, "*"+ext, `"`+ext+`"`, "'"+ext+"'")
	}
	dir, _, below := strings.Cut(name, "/")
	if below {
		for _, quote := range []string{`"`, "'"} {
			out = append(out, quote+dir+quote, quote+dir+"/", "/"+dir+quote, "/"+dir+"/")
		}
	}
	return out
}

// Doubtful are the changed files whose Traces should be looked for before a
// plan is made.
func Doubtful(change []string) []string {
	var out []string
	for _, name := range change {
		if isDocs(name) {
			out = append(out, name)
		}
	}
	return out
}
