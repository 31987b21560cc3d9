package lint

import (
	"bytes"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// hash reads "# pkg", which heads the errors of a Go package, and what GitHub's
// runner marks with "##[".
func (t *lintText) hash(b []byte) bool {
	if rest, ok := bytes.CutPrefix(b, []byte("##[")); ok {
		kind, text, ok := bytes.Cut(rest, []byte("]"))
		if !ok {
			return false
		}
		switch string(kind) {
		case "group", "command":
			if command, found := bytes.CutPrefix(text, []byte("Run ")); found || string(kind) == "command" {
				t.startStep(string(command))
			}
			return false
		case "error", "warning", "notice":
			return len(text) > 0 && t.problem(text)
		}
		return false
	}
	rest, ok := bytes.CutPrefix(b, []byte("# "))
	if !ok || bytes.IndexByte(rest, ' ') >= 0 || len(rest) > maxLintPath {
		return false
	}
	if name, found := bytes.CutPrefix(rest, []byte("[")); found {
		t.module, t.vetting = string(bytes.TrimSuffix(name, []byte("]"))), true
		return true
	}
	t.module, t.vetting = string(rest), t.hint == "go vet"
	return bytes.IndexByte(rest, '/') > 0
}

// startStep begins a step of a job: nothing of the one before it is still open.
func (t *lintText) startStep(command string) {
	t.module, t.vetting, t.heading = "", false, ""
	t.more.how, t.head.until = contNone, 0
	if !t.forced {
		t.hint = commandTool(command[:min(len(command), 2000)])
	}
}

// problem reads a line that the runner's problem matchers have marked: what the
// tool printed stands behind the mark.
func (t *lintText) problem(text []byte) bool {
	if i := bytes.IndexByte(text, ':'); i > 0 && text[0] != ' ' {
		return t.placed(text)
	}
	return false
}

// marked reads "Error: f:1:2: message", as the runner shows marked lines.
func (t *lintText) marked(b []byte) bool {
	_, text, _ := bytes.Cut(b, []byte(": "))
	return len(text) > 0 && t.problem(text)
}

// vet reads "vet: f.go:1:2: message": the package does not compile.
func (t *lintText) vet(b []byte) bool {
	p, ok := cutPlace(b[len("vet: "):])
	if !ok || languageOf(p.file) != langGo {
		return false
	}
	d := ci.Diagnostic{Tool: "go vet", Kind: ci.KindBuild, Message: string(p.rest), Pos: p.position()}
	return t.add(d) >= 0
}

// annotation reads GitHub's workflow command "::error file=f,line=1,col=2,title=t::message".
// Without a linter's name in the title it may be a test's; then the message
// itself must look like a finding.
func (t *lintText) annotation(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte("::"))
	if !ok {
		return false
	}
	head, message, ok := strings.Cut(string(rest), "::")
	word, list, _ := strings.Cut(head, " ")
	if !ok || word != "error" && word != "warning" && word != "notice" || list == "" {
		return false
	}
	d := ci.Diagnostic{Severity: lintSeverity(word), Message: unescapeCommand(message)}
	title := ""
	for field := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(field, "=")
		n, _ := strconv.Atoi(value)
		switch strings.TrimSpace(key) {
		case "file":
			d.Pos.File = unescapeCommand(value)
		case "line":
			d.Pos.Line = n
		case "col":
			d.Pos.Col = n
		case "endLine":
			d.Pos.EndLine = n
		case "endColumn":
			d.Pos.EndCol = n
		case "title":
			title = unescapeCommand(value)
		}
	}
	return d.Pos.File != "" && t.titled(&d, title) && t.add(d) >= 0
}

// titled finds the tool of an annotation, in its title or its message.
func (t *lintText) titled(d *ci.Diagnostic, title string) bool {
	first, rest, _ := strings.Cut(d.Message, "\n")
	if p, ok := cutPlace([]byte(first)); ok && languageOf(p.file) != langNone {
		inner := ci.Diagnostic{Pos: p.position()}
		unsure, vote := t.unsure, t.vote
		if t.classify(&inner, p, languageOf(p.file)) {
			t.unsure, t.vote = unsure, vote
			d.Tool, d.Rule, d.URL, d.Message = inner.Tool, inner.Rule, inner.URL, inner.Message
			if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "help: ") {
				d.Message += "\n" + rest
			}
			t.more.how = contNone
		}
	}
	name, _, _ := strings.Cut(title, " ")
	if _, known := lintTools[lintToolName(name)]; known {
		d.Tool = lintToolName(name)
		if _, rule, ok := cutTrailing(title, '(', ')'); ok && d.Rule == "" {
			d.Rule = rule
		}
		return true
	}
	if d.Tool == "" {
		d.Tool = t.hint
	}
	return d.Tool != "" && d.Tool != "note"
}

// unescapeCommand undoes the escapes of workflow commands (actions/toolkit,
// command.ts); %25 comes last, so that nothing is undone twice.
func unescapeCommand(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	s = strings.NewReplacer("%0D", "", "%0A", "\n", "%3A", ":", "%2C", ",").Replace(s)
	return strings.ReplaceAll(s, "%25", "%")
}

// bracketed reads "[f.proto:1:5] message" of protolint, and what Maven prints of
// javac's: "[ERROR] /src/A.java:[12,5] message".
func (t *lintText) bracketed(b []byte) bool {
	if word, rest, ok := bytes.Cut(b[1:], []byte("] ")); ok && (string(word) == "ERROR" || string(word) == "WARNING") {
		return t.maven(string(word), rest)
	}
	place, message, ok := bytes.Cut(b[1:], []byte("] "))
	if !ok || len(place) > maxLintPath || !bytes.Contains(place, []byte(".proto:")) {
		return false
	}
	p, ok := cutPlace(append(bytes.Clone(place), ": -"...))
	if !ok {
		return false
	}
	return t.add(ci.Diagnostic{Tool: "protolint", Message: string(message), Pos: p.position()}) >= 0
}

func (t *lintText) maven(word string, b []byte) bool {
	at := bytes.Index(b, []byte(":["))
	if at <= 0 || at > maxLintPath || !plainPath(b[:at]) || languageOf(b[:at]) != langJava {
		return false
	}
	numbers, message, ok := strings.Cut(string(b[at+2:]), "] ")
	line, col, _ := strings.Cut(numbers, ",")
	n, err := strconv.Atoi(line)
	if !ok || err != nil {
		return false
	}
	d := ci.Diagnostic{Tool: "javac", Severity: lintSeverity(word), Message: message, Pos: ci.Position{File: string(b[:at]), Line: n}}
	d.Pos.Col, _ = strconv.Atoi(col)
	if last := t.last(); last.Tool == d.Tool && last.Message == d.Message && last.Pos.Line == n && last.Pos.File == lintPath(d.Pos.File) {
		return true // Maven repeats its errors in its summary
	}
	return t.add(d) >= 0
}

// wouldReformat reads black's "would reformat f".
func (t *lintText) wouldReformat(b []byte) bool {
	file := string(b[len("would reformat "):])
	return t.unformatted("black", file)
}

func (t *lintText) ruffWouldReformat(b []byte) bool {
	return t.unformatted("ruff", string(b[len("Would reformat: "):]))
}

// unformatted records once that a file is not formatted.
func (t *lintText) unformatted(tool, file string) bool {
	file, _, _ = strings.Cut(file, "\t")
	key := tool + " " + file
	if t.black[key] || !t.all && languageOf([]byte(file)) == langNone {
		return t.black[key]
	}
	t.black[key] = true
	d := ci.Diagnostic{Tool: tool, Rule: "format", Message: "would reformat", Pos: ci.Position{File: file}, Fixable: true}
	if tool == "ruff" {
		d.Rule = "unformatted"
	}
	return t.add(d) >= 0
}

// cannotFormat reads black's "error: cannot format f: Cannot parse: 1:3: source".
func (t *lintText) cannotFormat(b []byte) bool {
	file, message, ok := strings.Cut(string(b[len("error: cannot format "):]), ": ")
	if !ok {
		return false
	}
	d := ci.Diagnostic{Tool: "black", Rule: "syntax", Message: "cannot format: " + message, Pos: ci.Position{File: file}}
	if _, at, found := strings.Cut(message, "Cannot parse"); found {
		_, at, _ = strings.Cut(at, ": ")
		line, rest, _ := strings.Cut(at, ":")
		col, _, _ := strings.Cut(rest, ":")
		d.Pos.Line, _ = strconv.Atoi(line)
		d.Pos.Col, _ = strconv.Atoi(col)
		d.Message = strings.Replace(d.Message, ": "+line+":"+col+": ", ": ", 1)
	}
	return t.add(d) >= 0
}

// cannotParse reads "error: cannot parse: f:1:11" of black 26, whose parser's
// message follows.
func (t *lintText) cannotParse(b []byte) bool {
	p, ok := cutPlace(append(bytes.Clone(b[len("error: cannot parse: "):]), ": -"...))
	if !ok {
		return false
	}
	t.more = continuation{contBlack, t.n + 5}
	return t.add(ci.Diagnostic{Tool: "black", Rule: "syntax", Message: "cannot parse", Pos: p.position()}) >= 0
}

// ruffParse reads "error: Failed to parse f:1:12: message" of ruff format.
func (t *lintText) ruffParse(b []byte) bool {
	p, ok := cutPlace(b[len("error: Failed to parse "):])
	if !ok {
		return false
	}
	return t.add(ci.Diagnostic{Tool: "ruff", Rule: "invalid-syntax", Message: string(p.rest), Pos: p.position()}) >= 0
}

// isort reads "ERROR: f Imports are incorrectly sorted and/or formatted."
func (t *lintText) isort(b []byte) bool {
	s := string(b[len("ERROR: "):])
	at := strings.Index(s, " Imports are incorrectly sorted")
	if at <= 0 {
		return t.marked(b)
	}
	d := ci.Diagnostic{Tool: "isort", Rule: "imports", Message: s[at+1:], Pos: ci.Position{File: s[:at]}, Fixable: true}
	return t.add(d) >= 0
}

// dashes reads the old side of a diff, and pre-commit's "- hook id: ruff".
func (t *lintText) dashes(b []byte) bool {
	if id, ok := bytes.CutPrefix(b, []byte("- hook id: ")); ok {
		if tool := commandTool(string(id)); !t.forced {
			t.hint = tool
		}
		return false
	}
	t.prev = append(t.prev[:0], b...)
	return true
}

// diffTarget reads the new side of a diff. Black gives both sides the same name
// and a time in UTC; ruff format gives the same name and nothing else, and git
// gives names that differ ("a/", "b/").
func (t *lintText) diffTarget(b []byte) bool {
	before, ok := bytes.CutPrefix(t.prev, []byte("--- "))
	if !ok {
		return false
	}
	file, stamp, stamped := strings.Cut(string(b[len("+++ "):]), "\t")
	old, _, _ := strings.Cut(string(before), "\t")
	switch {
	case old != file:
		return false
	case stamped && strings.HasSuffix(stamp, "+00:00"):
		return t.unformatted("black", file)
	case !stamped && languageOf([]byte(file)) == langPython && (t.all || t.hint == "ruff"):
		return t.unformatted("ruff", file)
	}
	return false
}
