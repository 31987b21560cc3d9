package heal

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"keepgreen/internal/source"
)

// Limits bound a patch. The zero value is the default.
type Limits struct {
	Files int // zero: 3
	Lines int // added and removed; zero: 60
}

// Rule is something that no confidence overrides.
type Rule struct {
	Name, Doc string
	broken    func(c Change, kind string) string // what is wrong; empty: nothing
}

// Rules are held against every file of a patch, whoever made it.
var Rules = []Rule{
	{"inside", "paths stay inside the repository and outside of `.git`", inside},
	{"regular-files", "only regular files that are there are changed: nothing is made, deleted, linked or made executable", regular},
	{"protected-paths", "CI files, lock files, this tool's and the checkers' configuration, and secrets are left alone", protected},
	{"tests", "a test is touched only by adding imports, or by a formatter", tests},
	{"no-silencing", "nothing is skipped, silenced or caught wholesale, and no assertion is lost", silencing},
	{"parses", "a file that could be read can be read afterwards", parses},
	{"text", "only text, without control characters", plainText},
}

// Check says which rules a patch breaks; empty: none.
func Check(changes []Change, kind string, limits Limits) []string {
	var out []string
	files, lines := limits.Files, limits.Lines
	if files == 0 {
		files = 3
	}
	if lines == 0 {
		lines = 60
	}
	if len(changes) == 0 {
		return []string{"empty: the patch changes nothing"}
	}
	if len(changes) > files {
		out = append(out, fmt.Sprintf("size: %d files are changed, %d may be", len(changes), files))
	}
	added, removed := Changed(changes)
	if n := len(added) + len(removed); n > lines {
		out = append(out, fmt.Sprintf("size: %d lines are changed, %d may be", n, lines))
	}
	for _, c := range changes {
		for _, rule := range Rules {
			if why := rule.broken(c, kind); why != "" {
				out = append(out, fmt.Sprintf("%s: %s: %s", rule.Name, c.Path, why))
			}
		}
	}
	return out
}

func inside(c Change, _ string) string {
	p := c.Path
	switch {
	case p == "", path.IsAbs(p), path.Clean(p) != p, p == "..", strings.HasPrefix(p, "../"), strings.Contains(p, `\`), strings.Contains(p, ":"):
		return "not a path inside the repository"
	case slices.ContainsFunc(strings.Split(strings.ToLower(p), "/"), func(part string) bool { return part == ".git" || strings.HasPrefix(part, "git~") }):
		return "a path of git's own"
	}
	return ""
}

func regular(c Change, _ string) string {
	switch {
	case c.Made:
		return "there is no such file to mend"
	case c.Gone:
		return "the file would be deleted"
	case c.Mode&fs.ModeType != 0 || c.WasMode&fs.ModeType != 0:
		return "not a regular file"
	case c.Mode.Perm() != c.WasMode.Perm():
		return "its mode would change"
	}
	return ""
}

// guarded are paths, in lower case, that no patch touches.
var guarded = regexp.MustCompile(`^\.github/|^\.gitlab|^\.circleci/|^\.buildkite/|^\.azure|^\.ci/|^\.husky/|^\.claude/|^\.cursor|^\.mcp\.json$|` +
	`(^|/)(jenkinsfile|azure-pipelines[^/]*|\.travis\.yml|appveyor\.yml|bitbucket-pipelines\.yml|\.drone\.yml|makefile|dockerfile[^/]*|docker-compose[^/]*|action\.ya?ml)$|` +
	`(^|/)\.git[^/]*$|(^|/)\.pre-commit-config\.yaml$|` +
	`(^|/)(keepgreen\.ya?ml|claude\.md|agents\.md)$|^\.keepgreen/|^ci_metrics/|` + // this tool's own, and what steers other agents
	`(^|/)(poetry\.lock|uv\.lock|pdm\.lock|pipfile(\.lock)?|package-lock\.json|yarn\.lock|pnpm-lock\.yaml|cargo\.lock|composer\.lock|gemfile\.lock|conda-lock\.yml)$|\.lock$|` +
	`(^|/)(pytest\.ini|\.pytest\.ini|tox\.ini|setup\.cfg|setup\.py|pyproject\.toml|mypy\.ini|\.mypy\.ini|ruff\.toml|\.ruff\.toml|\.flake8|\.coveragerc|\.pylintrc|pylintrc|pyrightconfig\.json|noxfile\.py|sitecustomize\.py|usercustomize\.py)$|` +
	`(^|/)\.?golangci[^/]*$|(^|/)(tsconfig|\.eslintrc|eslint\.config|jest\.config|vitest\.config)[^/]*$|\.pth$|` +
	`(^|/)(go\.mod|go\.sum|go\.work|requirements[^/]*\.(txt|in)|constraints[^/]*\.txt|package\.json)$|` + // for those who MayTouch
	`(^|/)\.env[^/]*$|(^|/)(id_rsa|id_ed25519|\.netrc|\.npmrc|\.pypirc|credentials)[^/]*$|\.(pem|key|p12|pfx|jks|kdbx)$`)

func protected(c Change, kind string) string {
	if guarded.MatchString(strings.ToLower(c.Path)) && !MayTouch(kind, c.Path) {
		return "no patch of ours touches such a file"
	}
	return ""
}

// importLine is what may be added to a test.
var importLine = regexp.MustCompile(`^(from [\w.]+ )?import [\w., ]+$|^import \([\w., ]+\)$|^\t?"[\w./-]+"$|^import "[\w./-]+"$|^$`)

func tests(c Change, kind string) string {
	if !IsTest(c.Path) || IsFormatter(kind) {
		return ""
	}
	added, removed := Changed([]Change{c})
	for _, line := range added {
		if !importLine.MatchString(line) || slices.ContainsFunc([]string{"sys", "os", "builtins", "pytest_", "importlib"}, func(s string) bool {
			return strings.HasPrefix(line, "import "+s) && strings.Contains(c.Path, "conftest")
		}) {
			return fmt.Sprintf("a test would get the line %q, which is no import", short(line))
		}
	}
	for _, line := range removed {
		// "from x import a" may become "from x import a, b".
		if !importLine.MatchString(line) || strings.TrimSpace(line) != "" && !slices.ContainsFunc(added, func(a string) bool { return extends(a, line) }) {
			return fmt.Sprintf("a test would lose the line %q", short(line))
		}
	}
	return ""
}

// extends reports whether an import line still imports all that another does.
func extends(now, was string) bool {
	head, names, _ := strings.Cut(was, "import ")
	nowHead, nowNames, _ := strings.Cut(now, "import ")
	if head != nowHead {
		return false
	}
	have := strings.Split(nowNames, ", ")
	for name := range strings.SplitSeq(names, ", ") {
		if !slices.Contains(have, name) {
			return false
		}
	}
	return true
}

func short(s string) string {
	if runes := []rune(s); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return s
}

// silences are ways to be green without being right. More of one than before is
// refused.
var silences = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"a noqa", regexp.MustCompile(`(?i)#\s*(flake8|ruff)?:?\s*noqa`)},
	{"a type: ignore", regexp.MustCompile(`(?i)#\s*(type|pyright|mypy)\s*:\s*ignore|@(typing\.)?no_type_check`)},
	{"a checker that is turned off", regexp.MustCompile(`(?i)pylint:\s*disable|#\s*nosec|pragma:\s*no\s*cover|fmt:\s*(off|skip)|isort:\s*skip|yapf:\s*disable|nolint|//\s*lint:|eslint-disable|@ts-(ignore|nocheck)|\bNOSONAR\b`)},
	{"a skip", regexp.MustCompile(`(?i)\bskip(if|test|now|f)?\b\s*\(|\.skip\b|@unittest\.skip|\bxfail\b|importorskip|\bt\.Skip|\.only\b|collect_ignore|__test__`)},
	{"continue-on-error", regexp.MustCompile(`(?i)continue[-_]on[-_]error|allow[-_]failure`)},
	{"an exception that is caught wholesale", regexp.MustCompile(`(?m)except\s*(\(?\s*(Base)?Exception\b.*)?:|contextlib\.suppress|\bsuppress\(|\brecover\(\)`)},
	{"an exit", regexp.MustCompile(`\bsys\.exit|\bos\._exit|\bos\.Exit|\bexit\(|\bquit\(|SystemExit|\bos\.kill|\batexit\b|\blog\.Fatal`)},
	{"something that looks at the tests", regexp.MustCompile(`(?i)\bpytest\b|\bunittest\b|_pytest|PYTEST_CURRENT_TEST|testing\.Testing|sys\.modules|monkeypatch|\bCI\b["']\s*[\])]`)},
	{"a call of the system", regexp.MustCompile(`\bos\.system|\bsubprocess\b|\bexec\.Command|\beval\(|\bexec\(|\bsocket\b|\burllib\b|\brequests\.|__import__|\bctypes\b|/proc/`)},
	{"a build constraint", regexp.MustCompile(`(?m)^//go:build|^// \+build|^//go:linkname`)},
	{"an answer that is always equal", regexp.MustCompile(`def __(eq|ne|bool|hash|instancecheck)__`)},
}

// asserts are what tests and code say must hold.
var asserts = regexp.MustCompile(`\bassert\w*\b|pytest\.raises|\bt\.(Error|Fatal)f?\(|\braise\b|\bpanic\(`)

func silencing(c Change, kind string) string {
	for _, s := range silences {
		if grew(s.pattern, c) && !importsOnly(c, kind) {
			return "it would add " + s.name
		}
	}
	if len(asserts.FindAllString(c.After, -1)) < len(asserts.FindAllString(c.Before, -1)) {
		return "it would lose an assertion"
	}
	return ""
}

func grew(pattern *regexp.Regexp, c Change) bool {
	return len(pattern.FindAllString(c.After, -1)) > len(pattern.FindAllString(c.Before, -1))
}

// importsOnly: a mechanical fixer adds the import of what the file uses already,
// which may be pytest in a test.
func importsOnly(c Change, kind string) bool {
	if kind != "missing-import" && kind != "missing-go-import" && !IsFormatter(kind) {
		return false
	}
	added, _ := Changed([]Change{c})
	return IsFormatter(kind) || !slices.ContainsFunc(added, func(line string) bool { return !importLine.MatchString(line) })
}

func parses(c Change, _ string) string {
	switch path.Ext(c.Path) {
	case ".py":
		if after := source.Python([]byte(c.After)).Broken; after != nil && source.Python([]byte(c.Before)).Broken == nil {
			return fmt.Sprintf("it would not parse: line %d: %s", after.Line, after.Text)
		}
	case ".go":
		_, before := parser.ParseFile(token.NewFileSet(), c.Path, c.Before, parser.SkipObjectResolution)
		_, after := parser.ParseFile(token.NewFileSet(), c.Path, c.After, parser.SkipObjectResolution)
		if after != nil && before == nil {
			return "it would not parse: " + short(after.Error())
		}
	}
	return ""
}

func plainText(c Change, _ string) string {
	added, _ := Changed([]Change{c})
	for _, line := range added {
		for _, r := range line {
			if r < ' ' && r != '\t' || r == 0x7f || r == '\uFFFD' || 0x200b <= r && r <= 0x200f || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 || r == 0xfeff {
				return "it would hold a control character"
			}
		}
	}
	return ""
}
