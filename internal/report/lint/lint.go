// Package lint reads linters, formatters, type checkers and compilers, from SARIF
// and a tool's own JSON to text in which only the shape of a line tells. It
// refuses to name a tool that it is not sure of.
package lint

import (
	"bufio"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// lintFormats are the rows of the linters, formatters, type checkers and
// compilers. Structured output scores above text; what is spoken by one tool
// only scores above what many speak.
var lintFormats = slices.Concat(
	[]format.Format{
		{Name: "sarif", Doc: "SARIF 2.1.0 of any scanner", Score: scoreSARIF, Read: ReadSARIF},
		{Name: "checkstyle", Doc: "Checkstyle XML, which many linters can write", Score: scoreCheckstyle, Read: ReadCheckstyle},
	},
	lintJSONFormats(),
	Errorformat(efmRecognised()...),
	[]format.Format{{Name: "lint", Doc: "what linters, formatters, type checkers and compilers print", Score: scoreLintText, Read: ReadText, Text: true}},
)

// lintTool is what is known of a tool beside its output.
type lintTool struct {
	kind ci.Kind
	url  func(rule string) string // documentation of a rule; nil: there is no page for each
}

// lintTools are the tools that are recognised by their own output or by the
// command that starts them. A tool that is not here is a linter without pages.
var lintTools = map[string]lintTool{
	"ansible-lint": {kind: ci.KindLint}, "autoflake": {kind: ci.KindLint}, "bandit": {kind: ci.KindLint},
	"biome": {kind: ci.KindLint}, "black": {kind: ci.KindLint}, "buf": {kind: ci.KindLint},
	"clippy": {kind: ci.KindLint}, "codespell": {kind: ci.KindLint}, "erb-lint": {kind: ci.KindLint},
	"eslint": {ci.KindLint, eslintURL}, "flake8": {kind: ci.KindLint}, "go vet": {kind: ci.KindLint},
	"golangci-lint": {kind: ci.KindLint}, "golint": {kind: ci.KindLint}, "gosec": {kind: ci.KindLint},
	"hadolint": {ci.KindLint, hadolintURL}, "hlint": {kind: ci.KindLint}, "isort": {kind: ci.KindLint},
	"luacheck": {kind: ci.KindLint}, "misspell": {kind: ci.KindLint}, "phpstan": {kind: ci.KindType},
	"psalm": {kind: ci.KindType}, "pycodestyle": {kind: ci.KindLint}, "pydocstyle": {kind: ci.KindLint},
	"pyflakes": {kind: ci.KindLint}, "pylint": {kind: ci.KindLint}, "remark-lint": {kind: ci.KindLint},
	"revive": {kind: ci.KindLint}, "rubocop": {kind: ci.KindLint}, "ruff": {kind: ci.KindLint},
	"shellcheck": {ci.KindLint, shellcheckURL}, "staticcheck": {ci.KindLint, staticcheckURL},
	"standard": {kind: ci.KindLint}, "stylelint": {kind: ci.KindLint}, "tslint": {kind: ci.KindLint},
	"typos": {kind: ci.KindLint}, "vulture": {kind: ci.KindLint}, "yamllint": {kind: ci.KindLint},

	"basedpyright": {ci.KindType, pyrightURL}, "mypy": {ci.KindType, mypyURL}, "pyright": {ci.KindType, pyrightURL},
	"pyre": {kind: ci.KindType}, "sorbet": {kind: ci.KindType}, "tsc": {kind: ci.KindType}, "ty": {kind: ci.KindType},

	"cargo": {ci.KindBuild, rustURL}, "clang": {kind: ci.KindBuild}, "dotnet": {kind: ci.KindBuild},
	"gcc": {kind: ci.KindBuild}, "go build": {kind: ci.KindBuild}, "javac": {kind: ci.KindBuild},
	"ld": {kind: ci.KindBuild}, "msbuild": {kind: ci.KindBuild}, "nvcc": {kind: ci.KindBuild},
	"sbt": {kind: ci.KindBuild}, "scalac": {kind: ci.KindBuild}, "swiftc": {kind: ci.KindBuild},
	"cargo-check": {kind: ci.KindBuild},
}

// lintAliases are other names that commands and reports give to the tools.
var lintAliases = map[string]string{
	"cargo-clippy": "clippy", "dmypy": "mypy", "golangci_lint": "golangci-lint", "govet": "go vet",
	"microsoft (r) visual c++": "msbuild", "pep8": "pycodestyle", "rustc": "cargo", "standardjs": "standard",
	"typescript": "tsc", "vue-tsc": "tsc", "g++": "gcc", "cc": "gcc", "c++": "gcc", "clang++": "clang",
	"pyright-python": "pyright", "pre-commit-ruff": "ruff", "ruff-check": "ruff", "ruff-format": "ruff",
}

// lintToolName is the canonical name of a tool.
func lintToolName(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if alias, ok := lintAliases[name]; ok {
		return alias
	}
	return name
}

// finishDiagnostic completes what a reader found by what is known of its tool,
// and makes the text of strangers safe to hold: valid UTF-8, no control
// characters, a path that stays where it is. ok is false if nothing remains.
func finishDiagnostic(d ci.Diagnostic) (_ ci.Diagnostic, ok bool) {
	if d.Rule == "typecheck" {
		d = typechecked(d)
	}
	tool, known := lintTools[d.Tool]
	if d.Kind == "" {
		d.Kind = ci.KindLint
		if known {
			d.Kind = tool.kind
		}
	}
	if d.URL == "" && known && tool.url != nil && d.Rule != "" {
		d.URL = tool.url(d.Rule)
	}
	if d.Severity == "" {
		d.Severity = ci.SeverityError
	}
	d.Pos = lintPosition(d.Pos)
	d.Message = lintClean(d.Message, maxLintMessage)
	d.Rule = lintClean(d.Rule, 200)
	d.Tool = lintClean(d.Tool, 100)
	d.URL = lintURL(d.URL)
	return d, d.Message != "" || d.Rule != ""
}

// typechecked looks for the compiler's own line where golangci-lint puts all that
// the compiler said into one finding at a file's first line:
//
//	: # example.com/pool
//	./pool.go:11:6: declared and not used: free
func typechecked(d ci.Diagnostic) ci.Diagnostic {
	rest, ok := strings.CutPrefix(d.Message, ": # ")
	if !ok {
		return d
	}
	_, rest, _ = strings.Cut(rest, "\n")
	line, _, _ := strings.Cut(rest, "\n")
	at, ok := cutPlace([]byte(strings.TrimPrefix(line, "./")))
	if !ok {
		return d
	}
	d.Kind, d.Pos, d.Message = ci.KindBuild, at.position(), strings.TrimSpace(string(at.rest))
	return d
}

// maxLintMessage bounds one message: a type error can print whole types.
const maxLintMessage = 8 << 10

// lintClean makes text valid, drops control characters but for line feeds and
// tabs, and bounds its length.
func lintClean(s string, limit int) string {
	s = strings.TrimSpace(s)
	if len(s) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	if strings.IndexFunc(s, isControl) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

func isControl(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || 0x7f <= r && r < 0xa0
}

// lintURL keeps links that a browser may follow.
func lintURL(s string) string {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return ""
	}
	if len(s) > 2000 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '<' || r == '>' }) {
		return ""
	}
	return strings.ToValidUTF8(s, "")
}

// lintPosition cleans a place; numbers below one are unknown.
func lintPosition(p ci.Position) ci.Position {
	p.File = lintPath(p.File)
	for _, n := range []*int{&p.Line, &p.Col, &p.EndLine, &p.EndCol} {
		*n = max(*n, 0)
	}
	return p
}

// workspaces are where runners check repositories out; the numbers say how many
// path elements below each belong to the checkout's own directory.
var workspaces = []struct {
	prefix string
	below  int
}{
	{"/home/runner/work/", 2},
	{"/Users/runner/work/", 2},
	{"/__w/", 2},
	{"/github/workspace/", 0},
	{"/runner/_work/", 2},
	{"/home/runner/_work/", 2},
	{"D:/a/", 2},
	{"C:/a/", 2},
	{"d:/a/", 2},
	{"/builds/", 2},
	{"/home/circleci/project/", 0},
	{"/home/circleci/repo/", 0},
	{"/home/travis/build/", 2},
	{"/opt/atlassian/pipelines/agent/build/", 0},
	{"/home/vsts/work/1/s/", 0},
	{"/drone/src/", 0},
}

// lintPath is a path as the repository knows it: slashes, no "./", no workspace
// of a runner, and never above the root. Tools that run in a directory below
// the root print "../x"; without the dots that is the path from the root when
// the directory was one level down, and a harmless name otherwise.
func lintPath(p string) string {
	p = strings.TrimSpace(p)
	if rest, ok := strings.CutPrefix(p, "file://"); ok {
		p = rest
	}
	if len(p) > 1 && p[1] == ':' || !strings.Contains(p, "/") {
		p = strings.ReplaceAll(p, `\`, "/")
	}
	p = lintClean(oneLine.Replace(p), 1000)
	if p == "" {
		return ""
	}
	p = path.Clean(p)
	for _, w := range workspaces {
		if rest, ok := strings.CutPrefix(p, w.prefix); ok {
			if below := cutElements(rest, w.below); below != "" {
				p = below
			}
			break
		}
	}
	for strings.HasPrefix(p, "../") {
		p = p[len("../"):]
	}
	if p == "." || p == ".." {
		return ""
	}
	return p
}

// oneLine takes out what lintClean leaves in: a path has no lines.
var oneLine = strings.NewReplacer("\n", "", "\t", "")

// cutElements takes n leading elements off a path; empty: there is nothing below.
func cutElements(p string, n int) string {
	for range n {
		_, rest, ok := strings.Cut(p, "/")
		if !ok {
			return ""
		}
		p = rest
	}
	return p
}

// lintSeverity maps the words that tools use to ours. Unknown words are errors:
// a reader never makes a finding milder than it may be.
func lintSeverity(word string) ci.Severity {
	switch strings.ToLower(word) {
	case "warning", "warn", "w", "medium", "moderate", "minor", "low", "style", "convention", "refactor", "c", "r", "performance", "portability", "⚠":
		return ci.SeverityWarning
	case "note", "info", "information", "informational", "hint", "none", "remark", "help", "suggestion", "notice", "off", "ignore", "i", "n", "ℹ":
		return ci.SeverityInfo
	}
	return ci.SeverityError
}

// ToolOutput reads what one named tool has printed, when the caller has started
// the tool itself: structured output by its content, text with every line that
// has the shape of a finding taken as the tool's.
func ToolOutput(tool string, r io.Reader) (ci.Report, error) {
	in, head, err := peekHead(r)
	if err != nil {
		return ci.Report{}, err
	}
	tool = lintToolName(tool)
	best, found := format.Format{}, 0
	for _, f := range lintFormats {
		if score := f.Score(head); score > found && f.Name != "lint" {
			best, found = f, score
		}
	}
	if found > 0 {
		rep, err := best.Read(in)
		rep.Format = best.Name
		return rep, err
	}
	t := newLintText()
	t.all, t.hint, t.forced = true, tool, true
	rep, err := t.read(in)
	rep.Format = tool
	return rep, err
}

func mypyURL(rule string) string {
	return "https://mypy.readthedocs.io/en/stable/_refs.html#code-" + rule
}

func pyrightURL(rule string) string {
	return "https://github.com/microsoft/pyright/blob/main/docs/configuration.md#" + rule
}

func shellcheckURL(rule string) string { return "https://www.shellcheck.net/wiki/" + rule }

func hadolintURL(rule string) string {
	if strings.HasPrefix(rule, "SC") {
		return shellcheckURL(rule)
	}
	return "https://github.com/hadolint/hadolint/wiki/" + rule
}

func staticcheckURL(rule string) string { return "https://staticcheck.dev/docs/checks/#" + rule }

func rustURL(rule string) string {
	if len(rule) != 5 || rule[0] != 'E' {
		return ""
	}
	return "https://doc.rust-lang.org/error_codes/" + rule + ".html"
}

// eslintURL is the page of a core rule; plugins ("import/order") have their own.
func eslintURL(rule string) string {
	if strings.ContainsAny(rule, "/@ ") {
		return ""
	}
	return "https://eslint.org/docs/latest/rules/" + rule
}

// pylintURL is the page of a message, which stands under its category and symbol.
func pylintURL(id, symbol string) string {
	categories := map[byte]string{'C': "convention", 'E': "error", 'F': "fatal", 'I': "information", 'R': "refactor", 'W': "warning"}
	if id == "" || categories[id[0]] == "" || symbol == "" {
		return ""
	}
	return "https://pylint.readthedocs.io/en/stable/user_guide/messages/" + categories[id[0]] + "/" + symbol + ".html"
}

// peekHead looks at the head of a source without taking it.
func peekHead(r io.Reader) (*bufio.Reader, []byte, error) {
	in := bufio.NewReaderSize(r, format.HeadSize)
	head, err := in.Peek(format.HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	return in, head, nil
}

// Formats are the rows of this package.
func Formats() []format.Format { return lintFormats }

// NewReader follows linters and compilers in a log.
func NewReader() *Reader { return newLintText() }
