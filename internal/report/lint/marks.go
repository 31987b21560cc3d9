package lint

import (
	"bytes"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/actions"
)

// hash reads "# pkg", which heads the errors of a Go package, and what GitHub's
// runner marks with "##[".
func (t *Reader) hash(b []byte) bool {
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
func (t *Reader) startStep(command string) {
	t.module, t.vetting, t.heading = "", false, ""
	t.more.how, t.head.until = contNone, 0
	if !t.forced {
		t.hint = commandTool(command[:min(len(command), 2000)])
	}
}

// problem reads a line that the runner's problem matchers have marked: what the
// tool printed stands behind the mark.
func (t *Reader) problem(text []byte) bool {
	if i := bytes.IndexByte(text, ':'); i > 0 && text[0] != ' ' {
		return t.placed(text)
	}
	return false
}

// marked reads "Error: f:1:2: message", as the runner shows marked lines.
func (t *Reader) marked(b []byte) bool {
	_, text, _ := bytes.Cut(b, []byte(": "))
	return len(text) > 0 && t.problem(text)
}

// vet reads "vet: f.go:1:2: message": the package does not compile.
func (t *Reader) vet(b []byte) bool {
	p, ok := cutPlace(b[len("vet: "):])
	if !ok || languageOf(p.file) != langGo {
		return false
	}
	d := ci.Diagnostic{Tool: "go vet", Kind: ci.KindBuild, Message: string(p.rest), Pos: p.position()}
	return t.add(d) >= 0
}

// annotation reads GitHub's workflow command "::error file=f,line=1,col=2,title=t::message"
// where a tool's output is read alone; in the log of a job the reader of workflow
// commands takes it and asks Attribute.
func (t *Reader) annotation(b []byte) bool {
	if !t.all {
		return false
	}
	c, ok := actions.Parse(b)
	if !ok || c.Props["file"] == "" {
		return false
	}
	d, title := c.Diagnostic()
	return t.titled(&d, title) && t.add(d) >= 0
}

// Attribute completes the finding of an annotation by what is known of the tool
// that says it, and finds that tool where nothing has named it yet: in the title,
// in the message, or in the command that is running.
func (t *Reader) Attribute(d *ci.Diagnostic, title string) {
	named := *d
	if named.Tool == "" && !t.titled(&named, title) {
		return
	}
	if named, ok := finishDiagnostic(named); ok {
		*d = named
	}
}

// titled finds the tool of an annotation, in its title or its message.
func (t *Reader) titled(d *ci.Diagnostic, title string) bool {
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

// bracketed reads "[f.proto:1:5] message" of protolint, and what Maven prints of
// javac's: "[ERROR] /src/A.java:[12,5] message".
func (t *Reader) bracketed(b []byte) bool {
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

func (t *Reader) maven(word string, b []byte) bool {
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
func (t *Reader) wouldReformat(b []byte) bool {
	file := string(b[len("would reformat "):])
	return t.unformatted("black", file)
}

func (t *Reader) ruffWouldReformat(b []byte) bool {
	return t.unformatted("ruff", string(b[len("Would reformat: "):]))
}

// unformatted records once that a file is not formatted.
func (t *Reader) unformatted(tool, file string) bool {
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
func (t *Reader) cannotFormat(b []byte) bool {
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
func (t *Reader) cannotParse(b []byte) bool {
	p, ok := cutPlace(append(bytes.Clone(b[len("error: cannot parse: "):]), ": -"...))
	if !ok {
		return false
	}
	t.more = continuation{contBlack, t.n + 5}
	return t.add(ci.Diagnostic{Tool: "black", Rule: "syntax", Message: "cannot parse", Pos: p.position()}) >= 0
}

// ruffParse reads "error: Failed to parse f:1:12: message" of ruff format.
func (t *Reader) ruffParse(b []byte) bool {
	p, ok := cutPlace(b[len("error: Failed to parse "):])
	if !ok {
		return false
	}
	return t.add(ci.Diagnostic{Tool: "ruff", Rule: "invalid-syntax", Message: string(p.rest), Pos: p.position()}) >= 0
}

// isort reads "ERROR: f Imports are incorrectly sorted and/or formatted."
func (t *Reader) isort(b []byte) bool {
	s := string(b[len("ERROR: "):])
	at := strings.Index(s, " Imports are incorrectly sorted")
	if at <= 0 {
		return t.marked(b)
	}
	d := ci.Diagnostic{Tool: "isort", Rule: "imports", Message: s[at+1:], Pos: ci.Position{File: s[:at]}, Fixable: true}
	return t.add(d) >= 0
}

// dashes reads the old side of a diff, and pre-commit's "- hook id: ruff".
func (t *Reader) dashes(b []byte) bool {
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
func (t *Reader) diffTarget(b []byte) bool {
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
