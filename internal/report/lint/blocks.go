package lint

import (
	"bytes"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// continues gives a line to the finding before it; false: the line stands for itself.
func (t *Reader) continues(b []byte) bool {
	if t.n > t.more.until {
		t.more.how = contNone
		return false
	}
	indent := len(b) - len(bytes.TrimLeft(b, " \t"))
	switch t.more.how {
	case contMypy:
		return t.continueMypy(string(b), indent)
	case contPyright:
		if indent >= 4 || !bytes.Contains(b, []byte(" - ")) && indent > 0 {
			t.extend(string(b))
			d := t.last()
			if head, rule, ok := cutTrailing(d.Message, '(', ')'); ok {
				d.Message, d.Rule, d.URL = head, rule, pyrightURL(rule)
				t.more.how = contNone
			}
			return true
		}
	case contTSC:
		if indent > 0 && !isPlacedRow(b) {
			t.extend(string(b))
			return true
		}
	case contBlack:
		if indent > 0 {
			return true
		}
		t.more.how = contNone
		if bytes.HasPrefix(b, []byte("ParseError")) || bytes.HasPrefix(b, []byte("TokenError")) {
			t.extend(string(b))
			return true
		}
	case contShell:
		return t.continueShell(string(b))
	case contBandit:
		return t.continueBandit(string(b), indent)
	case contPydoc:
		if indent > 0 {
			t.continuePydoc(strings.TrimSpace(string(b)))
			return true
		}
	}
	t.more.how = contNone
	return false
}

// continueMypy joins what "--pretty" has wrapped: the rest of a message comes
// unindented and ends with its code.
func (t *Reader) continueMypy(s string, indent int) bool {
	head, rule, ok := cutTrailing(s, '[', ']')
	if indent > 0 || !ok || !strings.HasSuffix(s, "  ["+rule+"]") {
		wrapped := indent == 0 && !strings.Contains(s, ": ") && !strings.HasPrefix(s, "Found ")
		if !wrapped {
			t.more.how = contNone
		}
		return false
	}
	if _, placed := cutPlace([]byte(s)); placed {
		t.more.how = contNone
		return false
	}
	d := t.last()
	d.Message, d.Rule, d.URL = lintClean(d.Message+" "+head, maxLintMessage), rule, mypyURL(rule)
	t.more.how = contNone
	return true
}

func (t *Reader) continuePydoc(s string) {
	d := t.last()
	t.more.how = contNone
	if code, rest, ok := cutCode(s); ok {
		if message, found := strings.CutPrefix(rest, ": "); found {
			d.Rule, d.Message = code, lintClean(message, maxLintMessage)
			return
		}
	}
	d.Message = lintClean(s, maxLintMessage)
}

// shellHead reads "In deploy.sh line 3:".
func (t *Reader) shellHead(b []byte) bool {
	s, ok := strings.CutSuffix(strings.TrimRight(string(b[len("In "):]), " "), ":")
	at := strings.LastIndex(s, " line ")
	if !ok || at <= 0 {
		return false
	}
	n, err := strconv.Atoi(s[at+len(" line "):])
	if err != nil {
		return false
	}
	t.head = lintHead{ci.Diagnostic{Tool: "shellcheck", Pos: ci.Position{File: s[:at], Line: n}}, t.n + 40}
	t.more = continuation{contShell, t.n + 40}
	return true
}

// continueShell reads "   ^--^ SC2086 (info): message"; the carets stand below
// the column.
func (t *Reader) continueShell(s string) bool {
	trimmed := strings.TrimLeft(s, " ")
	at := strings.Index(trimmed, "SC")
	if !strings.HasPrefix(trimmed, "^") || at < 0 || strings.Trim(trimmed[:at], "^- ") != "" {
		return !strings.HasPrefix(s, "For more information") && !strings.HasPrefix(s, "In ")
	}
	code, rest, ok := cutCode(trimmed[at:])
	level, message, ok2 := strings.Cut(strings.TrimPrefix(rest, " ("), "): ")
	if !ok {
		return true
	}
	d := t.head.diag
	d.Rule, d.Message, d.Severity = code, message, lintSeverity(level)
	if !ok2 { // before 0.8: "SC2086: message"
		d.Message, d.Severity = strings.TrimPrefix(rest, ": "), ""
	}
	d.Pos.Col = len(s) - len(trimmed) + 1
	t.add(d)
	return true
}

// banditIssue reads ">> Issue: [B307:blacklist] message".
func (t *Reader) banditIssue(b []byte) bool {
	mark, message, ok := strings.Cut(string(b[len(">> Issue: ["):]), "] ")
	if !ok {
		return false
	}
	rule, _, _ := strings.Cut(mark, ":")
	t.head = lintHead{ci.Diagnostic{Tool: "bandit", Rule: rule, Message: message, Log: ci.Position{Line: t.n}}, t.n + 8}
	t.more = continuation{contBandit, t.n + 8}
	return true
}

func (t *Reader) continueBandit(s string, indent int) bool {
	key, value, ok := strings.Cut(strings.TrimSpace(s), ": ")
	if indent == 0 || !ok {
		t.more.how = contNone
		return false
	}
	switch key {
	case "Severity":
		word, _, _ := strings.Cut(value, " ")
		t.head.diag.Severity = lintSeverity(word)
	case "More Info":
		t.head.diag.URL = value
	case "Location":
		t.more.how = contNone
		d := t.head.diag
		file, rest := lintCutLast(value, ":")
		col, err := strconv.Atoi(rest)
		if err != nil {
			return false
		}
		if before, line := lintCutLast(file, ":"); line != "" && leadingDigits([]byte(line)) == len(line) {
			file, d.Pos.Col = before, col+1 // bandit counts columns from 0
			col, _ = strconv.Atoi(line)
		}
		d.Pos.File, d.Pos.Line = file, col
		t.add(d)
	}
	return true
}

// lintCutLast cuts a string around the last sep.
func lintCutLast(s, sep string) (before, after string) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, ""
	}
	return s[:at], s[at+len(sep):]
}

// indented reads rows below a heading, arrows, and places that are set in.
func (t *Reader) indented(b []byte) bool {
	row := bytes.TrimLeft(b, " \t")
	if len(row) < 5 {
		return false
	}
	switch {
	case row[0] >= '0' && row[0] <= '9':
		return t.row(row)
	case row[0] == '-' && bytes.HasPrefix(row, []byte("--> ")):
		return t.arrow(row)
	case isPlacedRow(b):
		p, ok := cutPlace(row)
		if !ok || !p.dash && !t.all && t.hint != "standard" || languageOf(p.file) == langNone {
			return false
		}
		d := ci.Diagnostic{Pos: p.position()}
		return t.classify(&d, p, languageOf(p.file)) && t.add(d) >= 0
	}
	return false
}

// isPlacedRow recognises "  file:1:2" cheaply: two spaces, then no blank before
// the first colon, and a digit behind it.
func isPlacedRow(b []byte) bool {
	row := bytes.TrimLeft(b, " \t")
	if i := len(b) - len(row); i == 0 || i > 4 {
		return false
	}
	i := bytes.IndexByte(row, ':')
	return i > 0 && i+1 < len(row) && row[i+1] >= '0' && row[i+1] <= '9' && bytes.IndexByte(row[:i], ' ') < 0
}

// row reads "  3:12  error  message  rule" of eslint, stylelint, remark-lint and
// yamllint, and "3:12 F401 [*] message" of ruff's grouped output: rows below
// the name of their file.
func (t *Reader) row(row []byte) bool {
	n := leadingDigits(row)
	if n > 9 || n+1 >= len(row) || row[n] != ':' {
		return false
	}
	m := leadingDigits(row[n+1:])
	if m == 0 || m > 9 || n+1+m >= len(row) || row[n+1+m] != ' ' {
		return false
	}
	if t.heading == "" && !t.takeHeading() {
		return false
	}
	d := ci.Diagnostic{Pos: ci.Position{File: t.heading}}
	d.Pos.Line, _ = strconv.Atoi(string(row[:n]))
	d.Pos.Col, _ = strconv.Atoi(string(row[n+1 : n+1+m]))
	rest := strings.TrimSpace(string(row[n+1+m:]))
	if code, message, ok := cutCode(rest); ok && strings.HasPrefix(message, " ") || strings.HasPrefix(rest, "invalid-syntax: ") {
		if !ok {
			code, message, _ = strings.Cut(rest, ":")
		}
		d.Tool, d.Rule = "ruff", code
		d.Message, d.Fixable = strings.CutPrefix(strings.TrimSpace(message), "[*] ")
		return t.add(d) >= 0
	}
	word, message, ok := strings.Cut(rest, " ")
	switch word {
	case "error", "warning", "info", "✖", "⚠", "ℹ", "×", "‼":
	default:
		return false
	}
	message = strings.TrimSpace(message)
	d.Severity = lintSeverity(word)
	d.Tool, d.Message, d.Rule = t.rowTool(word, message)
	return ok && t.add(d) >= 0
}

// takeHeading makes the line before a row its heading, if it can be a path.
func (t *Reader) takeHeading() bool {
	head := bytes.TrimSuffix(bytes.TrimRight(t.prev, " "), []byte(":"))
	if len(head) == 0 || languageOf(head) == langNone || bytes.Contains(head, []byte(": ")) || bytes.Contains(head, []byte("://")) {
		return false
	}
	t.heading = string(head)
	return true
}

// rowTool tells by a row's mark and end who printed it, and cuts the rule off.
func (t *Reader) rowTool(word, message string) (tool, text, rule string) {
	lang := languageOf([]byte(t.heading))
	if head, rule, ok := cutTrailing(message, '(', ')'); ok && lang == langYAML {
		return "yamllint", head, rule
	}
	if head, ok := strings.CutSuffix(message, " remark-lint"); ok {
		text, rule := lintCutLast(head, " ")
		return "remark-lint", text, rule
	}
	tool = "eslint"
	if word == "✖" || word == "⚠" || word == "ℹ" || word == "×" || word == "‼" || lang == langCSS {
		tool = "stylelint"
	}
	if at := strings.LastIndex(message, "  "); at > 0 && !strings.Contains(message[at+2:], " ") {
		return tool, strings.TrimRight(message[:at], " "), message[at+2:]
	}
	return tool, message, ""
}

// rustHead remembers "error[E0308]: message" until its arrow comes.
func (t *Reader) rustHead(b []byte) bool {
	if len(b) > maxLintMessage {
		return false
	}
	word, rule, rest, ok := cutSeverity(string(b))
	if !ok || word != "error" && word != "warning" {
		return false
	}
	t.head = lintHead{ci.Diagnostic{Tool: "cargo", Rule: rule, Severity: lintSeverity(word), Message: rest, Log: ci.Position{Line: t.n}}, t.n + 12}
	return false // it may be a heading as well
}

// noteHead keeps the arrow of a note from being taken for that of its error.
func (t *Reader) noteHead([]byte) bool {
	t.head.until = 0
	return false
}

// arrow reads "--> f:1:2", which names the place of the message before it: in
// the output of ruff, rustc, typos and ty.
func (t *Reader) arrow(b []byte) bool {
	p, ok := cutPlace(append(bytes.Clone(bytes.TrimSpace(b[len("--> "):])), ": -"...))
	if !ok || p.given < 2 {
		return false
	}
	prev := string(t.prev)
	t.prev = t.prev[:0]
	d := ci.Diagnostic{Tool: "ruff", Log: ci.Position{Line: t.n}}
	code, message, coded := cutCode(prev)
	name, text, named := strings.Cut(prev, ": ")
	switch {
	case coded && strings.HasPrefix(message, " "):
		d.Rule = code
		d.Message, d.Fixable = strings.CutPrefix(message[1:], "[*] ")
	case named && t.head.until == 0 && isRuleName(name) && name != "note" && name != "help":
		d.Rule = name
		d.Message, d.Fixable = strings.CutPrefix(text, "[*] ")
		d.Fixable = d.Fixable || name == "unformatted"
	case t.head.until >= t.n:
		d = t.head.diag
		switch {
		case strings.Contains(d.Message, "` should be `"):
			d.Tool = "typos"
		case languageOf(p.file) == langPython:
			d.Tool = "ty"
		case strings.Contains(d.Rule, "clippy::") || t.hint == "clippy":
			d.Tool = "clippy"
		}
	default:
		return false
	}
	t.head.until = 0
	d.Pos = p.position()
	return t.add(d) >= 0
}

// isRuleName recognises a rule that is a name: "invalid-syntax".
func isRuleName(s string) bool {
	return len(s) > 2 && len(s) < 60 && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' }) < 0
}
