package lint

import (
	"strings"

	"keepgreen/internal/ci"
)

// classify tells by the text behind a place who speaks, and fills the finding.
// The shapes stand from the surest to the weakest; in a log the weakest do not
// count. A tool of "note" says that the line belongs to the finding before it.
func (t *Reader) classify(d *ci.Diagnostic, p place, lang language) bool {
	s := string(p.rest)
	switch {
	case p.paren:
		return t.classifyParen(d, s, lang)
	case p.dash:
		return t.classifyDash(d, s, lang)
	}
	if code, rest, ok := cutCode(s); ok {
		if t.coded(d, code, rest, lang) {
			return true
		}
	}
	if word, rule, rest, ok := cutSeverity(s); ok {
		if t.compiler(d, word, rule, rest, lang) {
			return true
		}
	}
	if t.marked1(d, s, lang) || lang == langGo && t.goLine(d, s) {
		return true
	}
	return t.weak(d, s, lang)
}

// coded reads "E501 message" of flake8 and ruff, "C0114: message (symbol)" of
// pylint, "B404[bandit]: LOW: message" of bandit's custom format.
func (t *Reader) coded(d *ci.Diagnostic, code, rest string, lang language) bool {
	if word, found := strings.CutPrefix(rest, "[bandit]: "); found {
		severity, message, _ := strings.Cut(word, ": ")
		d.Tool, d.Rule, d.Severity, d.Message = "bandit", code, lintSeverity(severity), message
		return true
	}
	if message, found := strings.CutPrefix(rest, ": "); found {
		head, symbol, ok := cutTrailing(message, '(', ')')
		if ok && len(code) == 5 && strings.IndexByte("CRWEFI", code[0]) >= 0 && lang == langPython {
			d.Tool, d.Rule, d.Message = "pylint", code, head
			d.Severity, d.URL = pylintSeverity(code), pylintURL(code, symbol)
			return true
		}
		if !t.all && t.hint == "" {
			return false
		}
		d.Tool, d.Rule, d.Message = t.toolFor(lang), code, message
		return true
	}
	message, found := strings.CutPrefix(rest, " ")
	if !found || lang != langPython && !t.all {
		return false
	}
	d.Rule, d.Message = code, message
	if fixable, ok := strings.CutPrefix(message, "[*] "); ok {
		d.Message, d.Fixable, d.Tool = fixable, true, "ruff"
		t.vote += 3
		return true
	}
	switch {
	case t.hint == "ruff" || t.hint == "flake8":
		d.Tool = t.hint
	case t.forced:
		d.Tool = t.hint
	case lang == langPython:
		t.vote += ruffStyle(code, message)
		t.unsure = append(t.unsure, len(t.rep.Diagnostics))
		d.Tool = "" // resolve says whose it is
	default:
		d.Tool = t.toolFor(lang)
	}
	if d.Tool == "flake8" && t.hint == "flake8" && (code[0] == 'W' || code[0] == 'C') {
		d.Severity = ci.SeverityWarning
	}
	return true
}

// ruffStyle is positive for a message that ruff words so: it starts with a
// capital or quotes code with backticks, where pycodestyle and pyflakes start
// small and quote with apostrophes; and some families of rules are ruff's own.
func ruffStyle(code, message string) int {
	for _, family := range []string{"UP", "PL", "RUF", "FURB", "PERF", "PTH", "TRY", "PYI", "TCH", "TC0", "ARG", "FBT", "SLF"} {
		if strings.HasPrefix(code, family) {
			return 3
		}
	}
	switch c := message[:min(1, len(message))]; {
	case c == "`" || c >= "A" && c <= "Z":
		return 1
	}
	return -1
}

func pylintSeverity(code string) ci.Severity {
	switch code[0] {
	case 'E', 'F':
		return ci.SeverityError
	case 'I':
		return ci.SeverityInfo
	}
	return ci.SeverityWarning
}

// severityWords open the message of a compiler.
var severityWords = []string{"error", "warning", "note", "fatal error", "info", "information", "hint", "remark", "style"}

// cutSeverity reads "error: message" and rustc's "error[E0308]: message".
func cutSeverity(s string) (word, rule, rest string, ok bool) {
	for _, word := range severityWords {
		after, found := strings.CutPrefix(s, word)
		if !found {
			continue
		}
		if rest, found := strings.CutPrefix(after, ": "); found {
			return word, "", rest, true
		}
		if after != "" && after[0] == '[' {
			if rule, rest, found := strings.Cut(after[1:], "]: "); found && rule != "" && !strings.Contains(rule, " ") {
				return word, rule, rest, true
			}
		}
	}
	return "", "", s, false
}

// compilers say "error: message" behind a place.
var compilers = map[language]string{
	langPython: "mypy", langC: "gcc", langRust: "cargo", langJava: "javac", langScala: "scalac", langSwift: "swiftc", langShell: "shellcheck",
}

// compiler reads "error: message" behind a place: mypy, gcc and clang, rustc,
// javac, scalac, swiftc, shellcheck's gcc format.
func (t *Reader) compiler(d *ci.Diagnostic, word, rule, rest string, lang language) bool {
	if lang == langNone && !t.all {
		return false
	}
	d.Severity, d.Message, d.Rule = lintSeverity(word), rest, rule
	d.Tool = compilers[lang]
	if t.forced || d.Tool == "" {
		d.Tool = t.toolFor(lang)
	}
	if lang == langC && t.hint == "clang" {
		d.Tool = "clang"
	}
	switch d.Tool {
	case "mypy":
		return t.mypy(d, word)
	case "scalac", "javac":
		return true
	}
	if word == "note" && d.Tool != "shellcheck" {
		return t.note(d)
	}
	if head, flag, ok := cutTrailing(rest, '[', ']'); ok {
		d.Message, d.Rule = head, flag
	}
	return true
}

// mypy reads a line of mypy's: its code stands at the end, and a note belongs
// to the error before it on the same line.
func (t *Reader) mypy(d *ci.Diagnostic, word string) bool {
	head, rule, ok := cutTrailing(d.Message, '[', ']')
	if ok && strings.HasSuffix(d.Message, "  ["+rule+"]") {
		d.Message, d.Rule = head, rule
	}
	if word == "note" {
		return t.note(d)
	}
	if d.Rule == "" && word == "error" {
		t.more = continuation{contMypy, t.n + 3}
	}
	return true
}

// note joins a note to the finding before it, when that is of the same tool and
// place; alone it is information (mypy's "Revealed type is").
func (t *Reader) note(d *ci.Diagnostic) bool {
	last := t.last()
	if last.Tool != d.Tool || last.Pos.File != lintPath(d.Pos.File) || last.Severity == ci.SeverityInfo ||
		d.Tool == "mypy" && last.Pos.Line != d.Pos.Line {
		return d.Tool == "mypy" || t.all
	}
	t.extend("note: " + d.Message)
	d.Tool = "note"
	return true
}

// marked1 reads messages that carry the rule in brackets: pylint's parseable
// format, flake8's pylint format, yamllint, ansible-lint, rubocop, eslint's unix
// format.
func (t *Reader) marked1(d *ci.Diagnostic, s string, lang language) bool {
	if s[0] == '[' {
		mark, message, ok := strings.Cut(s[1:], "] ")
		if !ok {
			return false
		}
		d.Message = message
		if code, rest, found := cutCode(mark); found && lang == langPython && strings.HasPrefix(rest, "(") {
			symbol, _, _ := strings.Cut(rest[1:], ")")
			d.Tool, d.Rule, d.Severity, d.URL = "pylint", code, pylintSeverity(code), pylintURL(code, symbol)
			return true
		}
		if mark == "error" || mark == "warning" {
			head, rule, found := cutTrailing(message, '(', ')')
			d.Tool, d.Message, d.Rule, d.Severity = "yamllint", head, rule, lintSeverity(mark)
			return found || lang == langYAML
		}
		if code, rest, found := cutCode(mark + " "); found && rest == " " {
			d.Rule, d.Tool = code, t.toolFor(lang)
			if d.Tool == "" || d.Tool == "lint" {
				d.Tool = map[language]string{langPython: "flake8", langYAML: "ansible-lint"}[lang]
			}
			return d.Tool != ""
		}
		return false
	}
	if mark, rest, ok := strings.Cut(s, ": "); ok {
		switch {
		case len(mark) == 1 && strings.Contains("CWEFRI", mark) && lang == langRuby:
			return rubocop(d, mark, rest)
		case lang == langPython && (mark == "invalid-syntax" || mark == "io-error" || mark == "unformatted"):
			d.Tool, d.Rule, d.Message = "ruff", mark, rest
			t.vote += 3
			return true
		}
	}
	head, rule, ok := cutTrailing(s, '[', ']')
	level, name, found := strings.Cut(rule, "/")
	if ok && found && (level == "Error" || level == "Warning") {
		d.Tool, d.Message, d.Rule, d.Severity = "eslint", head, name, lintSeverity(level)
		return true
	}
	return false
}

// rubocop reads "C: [Correctable] Layout/Tab: message".
func rubocop(d *ci.Diagnostic, mark, rest string) bool {
	d.Tool, d.Severity = "rubocop", ci.SeverityWarning
	if mark == "E" || mark == "F" {
		d.Severity = ci.SeverityError
	}
	if correctable, ok := strings.CutPrefix(rest, "[Correctable] "); ok {
		rest, d.Fixable = correctable, true
	}
	d.Message = rest
	if cop, message, ok := strings.Cut(rest, ": "); ok && strings.Contains(cop, "/") && !strings.Contains(cop, " ") {
		d.Rule, d.Message = cop, message
	}
	return true
}

// goErrors open the messages of Go's compiler, as go/types words them. What is
// none of them, under no other sign, is go vet's.
var goErrors = []string{
	"undefined: ", "declared and not used", "imported and not used", "cannot use ", "syntax error: ", "missing return", "not enough ",
	"too many ", "invalid ", "expected ", "assignment mismatch", "unknown field", "no required module provides", "cannot find package",
	"package ", "could not import ", "non-name ", "undeclared name", "redeclared in this block", "other declaration of", "cannot ",
	"mismatched types", "impossible ", "duplicate ", "unreachable ", "first argument", "missing ", "no new variables", "import cycle",
	"pattern ", "use of ", "label ", "ambiguous ",
}

// goLine reads what go build, go vet, staticcheck, gosec and golangci-lint print.
func (t *Reader) goLine(d *ci.Diagnostic, s string) bool {
	if strings.HasPrefix(s, ": # ") {
		return true // golangci-lint: the compiler's lines follow
	}
	if !t.all && d.Pos.Col == 0 && t.hint != "go vet" {
		return false // "x_test.go:12: message" is a test's own log
	}
	d.Message, d.Tool = s, "go vet"
	if at := strings.Index(s, "(Rule:"); at > 0 {
		rule, rest, _ := strings.Cut(s[at+len("(Rule:"):], ",")
		_, severity, _ := strings.Cut(rest, "Severity:")
		severity, _, _ = strings.Cut(severity, ",")
		d.Tool, d.Rule, d.Message, d.Severity = "gosec", rule, strings.TrimSpace(s[:at]), lintSeverity(severity)
		return true
	}
	if head, rule, ok := cutTrailing(s, '(', ')'); ok {
		if code, rest, found := cutCode(rule + " "); found && rest == " " {
			d.Tool, d.Rule, d.Message = "staticcheck", code, head
			return true
		}
		if isLinterName(rule) {
			d.Tool, d.Rule, d.Message = "golangci-lint", rule, head
			if rule == "typecheck" {
				d.Kind = ci.KindBuild
			}
			return true
		}
	}
	if t.forced || t.hint == "golint" || t.hint == "revive" {
		d.Tool = t.hint
		return true
	}
	if !t.vetting && t.isGoError(s) {
		d.Tool = "go build"
		t.more = continuation{contTSC, t.n + 6} // "have (…)", "want (…)"
	}
	return true
}

func (t *Reader) isGoError(s string) bool {
	if strings.HasSuffix(s, " imported and not used") || strings.Contains(s, " redeclared ") || strings.Contains(s, " undefined (") {
		return true
	}
	for _, words := range goErrors {
		if strings.HasPrefix(s, words) {
			return true
		}
	}
	return t.module != ""
}

// isLinterName recognises what golangci-lint puts in parentheses: the name of a linter.
func isLinterName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) > 2
}

// classifyParen reads "error TS2304: message" behind "f(1,2)": tsc, MSBuild.
func (t *Reader) classifyParen(d *ci.Diagnostic, s string, lang language) bool {
	for _, word := range []string{"error ", "warning ", "info ", "fatal error "} {
		rest, ok := strings.CutPrefix(s, word)
		if !ok {
			continue
		}
		code, rest, ok := cutCode(rest)
		message, ok2 := strings.CutPrefix(rest, ": ")
		if !ok || !ok2 {
			break
		}
		d.Rule, d.Severity, d.Message, d.Tool = code, lintSeverity(strings.TrimSpace(word)), message, "tsc"
		if !strings.HasPrefix(code, "TS") {
			d.Tool = "dotnet"
			if lang == langC {
				d.Tool, d.Kind = "msbuild", ci.KindBuild
			}
			if at := strings.LastIndex(message, " ["); at > 0 && strings.HasSuffix(message, "proj]") {
				d.Message = message[:at]
			}
			return true
		}
		t.more = continuation{contTSC, t.n + 12}
		return true
	}
	if !t.all {
		return false
	}
	d.Message, d.Tool = s, t.toolFor(lang)
	if d.Tool == "lint" && (lang == langJS) {
		d.Tool = "tslint"
	}
	return true
}

// classifyDash reads "error TS2304: message" and pyright's "error: message
// (rule)" behind "f:1:2 - ".
func (t *Reader) classifyDash(d *ci.Diagnostic, s string, lang language) bool {
	if word, rest, ok := strings.Cut(s, " TS"); ok && (word == "error" || word == "warning") {
		code, message, ok := strings.Cut(rest, ": ")
		d.Tool, d.Rule, d.Severity, d.Message = "tsc", "TS"+code, lintSeverity(word), message
		return ok && leadingDigits([]byte(code)) == len(code)
	}
	word, _, rest, ok := cutSeverity(s)
	if !ok || lang != langPython && !t.all {
		return false
	}
	d.Tool, d.Severity, d.Message = "pyright", lintSeverity(word), rest
	if head, rule, found := cutTrailing(rest, '(', ')'); found {
		d.Message, d.Rule = head, rule
		return true
	}
	t.more = continuation{contPyright, t.n + 40}
	return true
}

// weak takes a place with any text behind it, where the source is known to be
// lint output or the log says which linter is running.
func (t *Reader) weak(d *ci.Diagnostic, s string, lang language) bool {
	if !t.all && (t.hint == "" || d.Pos.Col == 0 && t.hint != "codespell") {
		return false
	}
	d.Message, d.Tool = s, t.toolFor(lang)
	if head, rule, ok := cutTrailing(s, '[', ']'); ok {
		d.Message, d.Rule = head, rule
	} else if head, rule, ok := cutTrailing(s, '(', ')'); ok && !strings.HasSuffix(rule, ".") {
		d.Message, d.Rule = head, rule
	}
	return true
}

// toolFor is the tool that is known to run, or the nameless linter.
func (t *Reader) toolFor(language) string {
	if t.hint != "" {
		return t.hint
	}
	return "lint"
}
