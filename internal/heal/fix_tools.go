package heal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// toolFixers let the repository's own tools make the change.
var toolFixers = []Fixer{
	{"import-order", "`ruff check --select I --fix` or isort: the order of imports and nothing else", Rate{Right: 12}, importOrder},
	{"ruff-fix", "`ruff check --fix` for one rule, safe fixes only, where no test fails in the same file", Rate{Right: 5}, ruffFix},
	{"format", "black, ruff format or gofmt on the files that they complain about", Rate{Right: 17}, formatFix},
	{"go-mod-tidy", "`go mod tidy` where go.mod does not fit what is imported", Rate{}, goModTidy},
	{"missing-dependency", "a module that is imported, is not ours and is declared nowhere: a line in requirements.txt", Rate{}, missingDependency},
	{"unused-dependency", "a requirement that deptry (DEP002) says nobody imports", Rate{}, unusedDependency},
	{"stale-snapshot", "stored snapshots are written again; it is never sure, since only a person can say which side is right", Rate{}, staleSnapshot},
}

// IsFormatter reports whether proposals of the kind are made by a tool that keeps
// the meaning, so that they may touch a test.
func IsFormatter(kind string) bool { return kind == "import-order" || kind == "format" }

// MayTouch reports whether a kind may change a file that others leave alone.
func MayTouch(kind, file string) bool {
	switch kind {
	case "go-mod-tidy":
		return file == "go.mod" || file == "go.sum" || strings.HasSuffix(file, "/go.mod") || strings.HasSuffix(file, "/go.sum")
	case "missing-dependency", "unused-dependency":
		return isRequirements(file)
	}
	return false
}

func isRequirements(file string) bool {
	return regexp.MustCompile(`(^|/)requirements[\w.-]*\.(txt|in)$`).MatchString(file)
}

// complaints are the files that the cluster's members point at.
func complaints(c ci.Cluster, r *Repo) []string {
	var out []string
	for _, m := range c.Members {
		if m.Pos.File != "" && !slices.Contains(out, m.Pos.File) && r.lines(m.Pos.File) != nil {
			out = append(out, m.Pos.File)
		}
	}
	slices.Sort(out)
	return out
}

// tooled makes a proposal of a tool.
func tooled(t Tool, because, format string, args ...any) []Proposal {
	if len(t.Files) == 0 && t.Name != "go" {
		return nil
	}
	return []Proposal{{Description: fmt.Sprintf(format, args...), Tool: &t, Sure: true, Because: []string{because}}}
}

// importOrder sorts the imports.
func importOrder(c ci.Cluster, r *Repo) []Proposal {
	if len(c.Members) == 0 || c.Cause.Class != ci.ClassLint && c.Cause.Class != ci.ClassFormat {
		return nil
	}
	t := Tool{Files: complaints(c, r)}
	switch tool := c.Members[0].Tool; {
	case tool == "ruff" && c.Cause.Rule == "I001":
		t.Name, t.Args, t.Check = "ruff", []string{"check", "--no-cache", "--fix", "--select", "I"}, []string{"check", "--no-cache", "--select", "I"}
	case tool == "isort":
		t.Name, t.Args, t.Check = "isort", []string{"-q"}, []string{"--check-only", "-q"}
	default:
		return nil
	}
	return tooled(t, "the order of imports changes and nothing else", "Sort the imports of %s with %s", strings.Join(t.Files, ", "), t.Name)
}

// ruffFix: ruff's safe fixes keep the meaning by its own promise.
func ruffFix(c ci.Cluster, r *Repo) []Proposal {
	rule := c.Cause.Rule
	if c.Cause.Class != ci.ClassLint || len(c.Members) == 0 || c.Members[0].Tool != "ruff" || !regexp.MustCompile(`^[A-Z]+\d+$`).MatchString(rule) || rule == "I001" {
		return nil
	}
	t := Tool{Name: "ruff", Args: []string{"check", "--no-cache", "--fix", "--select", rule}, Check: []string{"check", "--no-cache", "--select", rule}, Files: complaints(c, r)}
	out := tooled(t, "ruff calls its fix of "+rule+" safe", "Fix %s with ruff", rule)
	for i := range out { // an import may be unused because of what broke
		if slices.ContainsFunc(t.Files, func(f string) bool { return r.Troubled[f] }) {
			out[i].Sure = false
			out[i].Because = append(out[i].Because, "tests fail in the same file, so this may be a symptom")
		}
	}
	return out
}

// formatFix runs the formatter that complains.
func formatFix(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Class != ci.ClassFormat || len(c.Members) == 0 {
		return nil
	}
	t := Tool{Files: complaints(c, r)}
	switch first := c.Members[0]; {
	case first.Tool == "black":
		t.Name, t.Args, t.Check = "black", []string{"-q"}, []string{"--check", "-q"}
	case first.Tool == "ruff", first.Tool == "ruff format":
		t.Name, t.Args, t.Check = "ruff", []string{"format", "--no-cache"}, []string{"format", "--no-cache", "--check"}
	case first.Tool == "gofmt", first.Rule == "gofmt", strings.Contains(first.Message, "(gofmt)"):
		t.Name, t.Args, t.Check = "gofmt", []string{"-w"}, []string{"-l"}
	default:
		return nil
	}
	return tooled(t, "a formatter changes the layout and nothing else", "Format %s with %s", strings.Join(t.Files, ", "), t.Name)
}

// goModTidy: the go command itself says what go.mod has to hold.
func goModTidy(c ci.Cluster, r *Repo) []Proposal {
	said := func(m ci.Failure) bool {
		text := m.Message + "\n" + m.Details
		return slices.ContainsFunc([]string{"updates to go.mod needed", "missing go.sum entry", "no required module provides package", "go mod tidy", "is not in your go.mod"},
			func(sign string) bool { return strings.Contains(text, sign) })
	}
	if _, ok := r.Read("go.mod"); !ok || !slices.ContainsFunc(c.Members, said) {
		return nil
	}
	return tooled(Tool{Name: "go", Args: []string{"mod", "tidy"}, Check: []string{"mod", "tidy", "-diff"}}, "the go command says that go.mod does not fit what is imported", "Run go mod tidy")
}

// distributions are modules whose distribution has another name.
var distributions = map[string]string{
	"yaml": "PyYAML", "cv2": "opencv-python", "PIL": "Pillow", "sklearn": "scikit-learn", "bs4": "beautifulsoup4", "dotenv": "python-dotenv",
	"dateutil": "python-dateutil", "attr": "attrs", "jwt": "PyJWT", "OpenSSL": "pyOpenSSL", "git": "GitPython", "magic": "python-magic",
}

// missingDependency adds a requirement. That a module's distribution has its name
// is likely and no more, so only what another requirements file of the
// repository names is sure.
func missingDependency(c ci.Cluster, r *Repo) []Proposal {
	module, _, _ := strings.Cut(c.Cause.Module, ".")
	if c.Cause.Class != ci.ClassImport && c.Cause.Class != ci.ClassDependency || c.Cause.Symbol != "" || module == "" || r.section(module) != 2 {
		return nil
	}
	if len(places(c, r)) == 0 {
		return nil
	}
	name := distributions[module]
	if name == "" {
		name = module
	}
	var declared string
	for _, file := range []string{"requirements-dev.txt", "requirements-test.txt", "dev-requirements.txt", "requirements/dev.txt", "requirements/test.txt"} {
		for _, line := range r.lines(file) {
			if requirement(line, name) {
				declared = strings.TrimSpace(line)
			}
		}
	}
	lines := r.lines("requirements.txt")
	if lines == nil || slices.ContainsFunc(lines, func(l string) bool { return requirement(l, name) }) {
		return nil
	}
	add := name
	if declared != "" {
		add = declared
	}
	last := len(lines)
	for last > 0 && strings.TrimSpace(lines[last-1]) == "" {
		last--
	}
	if last == 0 {
		return nil
	}
	e, ok := lineEdit("requirements.txt", lines, last, lines[last-1], add)
	if !ok {
		return nil
	}
	return one(declared != "", []Edit{e}, []string{fmt.Sprintf("%s is imported, is no module of ours, and requirements.txt does not name it", module)}, "Require %s", add)
}

// requirement reports whether a line of a requirements file is about the
// distribution.
func requirement(line, name string) bool {
	have := regexp.MustCompile(`^\s*([A-Za-z0-9._-]+)`).FindString(line)
	plain := func(s string) string {
		return strings.ToLower(regexp.MustCompile(`[-_.]+`).ReplaceAllString(strings.TrimSpace(s), "-"))
	}
	return have != "" && plain(have) == plain(name)
}

func unusedDependency(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Rule != "DEP002" {
		return nil
	}
	for _, m := range c.Members {
		name := regexp.MustCompile(`'([\w.-]+)' defined as a dependency but not used`).FindStringSubmatch(m.Message)
		lines := r.lines("requirements.txt")
		if name == nil {
			continue
		}
		for i, line := range lines {
			if !requirement(line, name[1]) {
				continue
			}
			if e, ok := rangeEdit("requirements.txt", lines, i+1, i+1); ok {
				return one(true, []Edit{e}, []string{"deptry says that nothing imports it"}, "Remove the unused requirement %s", name[1])
			}
		}
	}
	return nil
}

// staleSnapshot writes snapshots again. They are the tests' own expectation, so
// the rules keep it from being published; the command is shown.
func staleSnapshot(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Class != ci.ClassSnapshot || len(c.Members) == 0 {
		return nil
	}
	var ids []string
	for _, m := range c.Members[:min(len(c.Members), 20)] {
		if m.Test != "" && !strings.HasPrefix(string(m.Test), "-") {
			ids = append(ids, string(m.Test))
		}
	}
	if len(ids) == 0 || len(complaints(c, r)) == 0 {
		return nil
	}
	p := tooled(Tool{Name: "pytest", Args: []string{"--snapshot-update"}, Files: ids}, "the stored snapshots differ from what the code makes now; look at the difference before you take it", "Update %d snapshots", len(ids))
	for i := range p {
		p[i].Sure = false
	}
	return p
}
