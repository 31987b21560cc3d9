package impact

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Pytest is what a repository's configuration says about its tests.
type Pytest struct {
	Files   []string // patterns of file names: python_files
	Paths   []string // testpaths; none: everywhere
	Prefix  []string // python_functions
	Plugins []string // modules that pytest loads besides: -p and entry points
	Doctest bool     // every module is a test file as well
	DocGlob bool     // text files are test files as well
}

// PytestConfigs are the files in which pytest looks for its configuration, in
// its order; the first that has a section of pytest's counts.
// https://docs.pytest.org/en/stable/reference/customize.html
var PytestConfigs = []string{"pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"}

// ReadPytest reads the configuration from the texts of the files that are there.
func ReadPytest(texts map[string]string) Pytest {
	c := Pytest{Files: []string{"test_*.py", "*_test.py"}, Prefix: []string{"test"}}
	for _, name := range PytestConfigs {
		section, ok := pytestSection(name, texts[name])
		if !ok {
			continue
		}
		if v := setting(section, "python_files"); len(v) > 0 {
			c.Files = v
		}
		if v := setting(section, "python_functions"); len(v) > 0 {
			c.Prefix = v
		}
		c.Paths = setting(section, "testpaths")
		c.options(setting(section, "addopts"))
		break
	}
	for _, text := range texts {
		c.entryPoints(text)
	}
	slices.Sort(c.Plugins)
	c.Plugins = slices.Compact(c.Plugins)
	return c
}

// pytestSection is the part of a configuration file that is pytest's.
func pytestSection(name, text string) (string, bool) {
	header := map[string]string{
		"pytest.toml": "[pytest]", ".pytest.toml": "[pytest]", "pytest.ini": "[pytest]", ".pytest.ini": "[pytest]",
		"pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]",
	}[name]
	var b strings.Builder
	inside, found := false, false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "[") {
			inside = strings.HasPrefix(line, header)
			found = found || inside
			continue
		}
		if inside {
			b.WriteString(line)
		}
	}
	return b.String(), found
}

var nextKey = regexp.MustCompile(`(?m)^[A-Za-z_][\w.-]*\s*=`)

// setting is the value of a key, as words: an INI value over several lines, or
// a TOML string or list.
func setting(section, key string) []string {
	at := regexp.MustCompile(`(?m)^` + key + `\s*=`).FindStringIndex(section)
	if at == nil {
		return nil
	}
	value := section[at[1]:]
	if next := nextKey.FindStringIndex(value); next != nil {
		value = value[:next[0]]
	}
	var out []string
	for line := range strings.Lines(value) {
		if i := strings.Index(line, "#"); i >= 0 && (i == 0 || line[i-1] == ' ') {
			line = line[:i]
		}
		out = append(out, strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"',[]", r) })...)
	}
	return out
}

func (c *Pytest) options(words []string) {
	for i, w := range words {
		switch {
		case w == "--doctest-modules":
			c.Doctest = true
		case strings.HasPrefix(w, "--doctest-glob"):
			c.DocGlob = true
		case w == "-p" && i+1 < len(words):
			c.Plugins = append(c.Plugins, words[i+1])
		case strings.HasPrefix(w, "-p") && len(w) > 2 && !strings.HasPrefix(w, "--"):
			c.Plugins = append(c.Plugins, strings.TrimPrefix(w[2:], "="))
		}
	}
}

var entryPoint = regexp.MustCompile(`(?m)^\s*["']?[\w.-]+["']?\s*=\s*["']?([A-Za-z_][\w.]*)(?::[\w.]+)?["']?\s*$`)

// entryPoints notes the modules that the project offers to pytest as plugins.
func (c *Pytest) entryPoints(text string) {
	_, rest, found := strings.Cut(text, "pytest11")
	if !found {
		return
	}
	if i := strings.Index(rest, "\n["); i >= 0 {
		rest = rest[:i]
	}
	for _, m := range entryPoint.FindAllStringSubmatch(rest, -1) {
		c.Plugins = append(c.Plugins, m[1])
	}
}

// skippedFolders are those that pytest does not look into (norecursedirs).
var skippedFolders = []string{"build", "dist", "node_modules", "venv", "CVS", "_darcs", "{arch}"}

// isTestFile reports whether pytest collects a file by itself.
func (c Pytest) isTestFile(file string) bool {
	base := path.Base(file)
	if !slices.ContainsFunc(c.Files, func(p string) bool {
		if strings.Contains(p, "/") {
			return matches(p, file)
		}
		ok, _ := path.Match(p, base)
		return ok
	}) {
		return false
	}
	dir := path.Dir(file)
	for part := range strings.SplitSeq(dir, "/") {
		if part != "." && (strings.HasPrefix(part, ".") || slices.Contains(skippedFolders, part) || strings.HasSuffix(part, ".egg")) {
			return false
		}
	}
	if len(c.Paths) == 0 {
		return true
	}
	return slices.ContainsFunc(c.Paths, func(p string) bool {
		p = path.Clean(p)
		return p == "." || file == p || strings.HasPrefix(file, p+"/") || matches(p+"/**", file)
	})
}

// isTestName reports whether pytest takes a function or method for a test.
func (c Pytest) isTestName(name string) bool {
	return slices.ContainsFunc(c.Prefix, func(p string) bool {
		if strings.ContainsAny(p, "*?[") {
			ok, _ := path.Match(p, name)
			return ok
		}
		return strings.HasPrefix(name, p)
	})
}
