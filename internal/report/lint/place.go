package lint

import (
	"bytes"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// place is a file and where in it, as the start of a line names them.
type place struct {
	file    []byte
	numbers [4]int // line, column, end line, end column; 0: not given
	given   int    // how many were
	paren   bool   // f(1,2): as tsc and MSBuild write it
	dash    bool   // f:1:2 - as pyright and tsc's pretty output write it
	tight   bool   // no blank between the place and the text, as grep writes it
	rest    []byte // what follows the place, without the separator
}

func (p place) position() ci.Position {
	n := p.numbers
	return ci.Position{File: string(p.file), Line: n[0], Col: n[1], EndLine: n[2], EndCol: n[3]}
}

// maxLintPath is how far into a line a path may reach.
const maxLintPath = 512

// cutPlace takes "f:1:2:", "f:1:", "f(1,2):", "f:1:2 - " or "f[1, 2]:" off the
// start of a line.
func cutPlace(b []byte) (p place, ok bool) {
	i := bytes.IndexByte(b, ':')
	if i == 1 && len(b) > 2 && (b[2] == '\\' || b[2] == '/') && isLetter(b[0]) { // C:\dir\f.cs
		j := bytes.IndexByte(b[2:], ':')
		if j < 0 {
			return p, false
		}
		i = 2 + j
	}
	if i <= 0 || i > maxLintPath || i+1 >= len(b) {
		return p, false
	}
	switch {
	case b[i-1] == ')' || b[i-1] == ']':
		return cutParens(b, i)
	case b[i+1] < '0' || b[i+1] > '9':
		return p, false
	}
	p.file, p.rest = b[:i], b[i:]
	for p.given < len(p.numbers) && len(p.rest) > 1 && p.rest[0] == ':' {
		n := leadingDigits(p.rest[1:])
		if n == 0 || n > 9 {
			break
		}
		p.numbers[p.given], _ = strconv.Atoi(string(p.rest[1 : 1+n]))
		p.given++
		p.rest = p.rest[1+n:]
	}
	if p.given == 0 {
		return p, false
	}
	if rest, found := bytes.CutPrefix(p.rest, []byte(" - ")); found {
		p.dash, p.rest = true, rest
		return p, true
	}
	rest, found := bytes.CutPrefix(p.rest, []byte(":"))
	p.tight = len(rest) > 0 && rest[0] != ' '
	p.rest = bytes.TrimLeft(rest, " ")
	return p, found && len(p.rest) > 0
}

// cutParens reads "f(1,2): " or "f[1, 2]: " whose colon is at i.
func cutParens(b []byte, i int) (p place, ok bool) {
	opening := byte('(')
	if b[i-1] == ']' {
		opening = '['
	}
	open := bytes.LastIndexByte(b[:i], opening)
	if open <= 0 {
		return p, false
	}
	for word := range strings.SplitSeq(string(b[open+1:i-1]), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 0 || p.given == len(p.numbers) {
			return p, false
		}
		p.numbers[p.given] = n
		p.given++
	}
	p.file, p.paren = bytes.TrimRight(b[:open], " "), true
	p.rest = bytes.TrimLeft(b[i+1:], " ")
	return p, len(p.file) > 0 && len(p.rest) > 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// language is what the name of a file says about who may complain of it.
type language uint8

const (
	langNone  language = iota
	langOther          // a source file, none of those below
	langPython
	langGo
	langC
	langRust
	langJS
	langRuby
	langShell
	langYAML
	langJava
	langScala
	langSwift
	langCSS
	langDotnet
	langPHP
)

var languages = map[string]language{
	"py": langPython, "pyi": langPython, "ipynb": langPython, "pyx": langPython,
	"go": langGo, "rs": langRust,
	"c": langC, "h": langC, "cc": langC, "cpp": langC, "cxx": langC, "c++": langC, "hpp": langC, "hh": langC, "hxx": langC,
	"m": langC, "mm": langC, "cu": langC, "cuh": langC, "inl": langC, "ipp": langC, "S": langC, "s": langC, "f90": langC, "f": langC,
	"js": langJS, "jsx": langJS, "ts": langJS, "tsx": langJS, "mjs": langJS, "cjs": langJS, "mts": langJS, "cts": langJS,
	"vue": langJS, "svelte": langJS, "astro": langJS,
	"rb": langRuby, "rake": langRuby, "gemspec": langRuby, "ru": langRuby, "erb": langRuby, "haml": langRuby, "slim": langRuby,
	"sh": langShell, "bash": langShell, "ksh": langShell, "zsh": langShell, "bats": langShell,
	"yml": langYAML, "yaml": langYAML, "java": langJava, "kt": langJava, "kts": langJava, "scala": langScala, "sc": langScala,
	"swift": langSwift, "css": langCSS, "scss": langCSS, "less": langCSS, "sass": langCSS,
	"cs": langDotnet, "vb": langDotnet, "fs": langDotnet, "csproj": langDotnet, "vcxproj": langDotnet, "php": langPHP,
	"json": langOther, "toml": langOther, "md": langOther, "mdx": langOther, "rst": langOther, "txt": langOther, "tf": langOther,
	"lua": langOther, "pl": langOther, "pm": langOther, "pp": langOther, "proto": langOther, "sql": langOther, "hs": langOther,
	"ex": langOther, "exs": langOther, "erl": langOther, "dart": langOther, "sol": langOther, "zig": langOther, "nim": langOther,
	"tex": langOther, "html": langOther, "htm": langOther, "xml": langOther, "cfg": langOther, "ini": langOther, "r": langOther,
	"R": langOther, "jl": langOther, "graphql": langOther, "cmake": langOther, "in": langOther, "env": langOther, "dockerfile": langOther,
}

// languageOf is langNone for what is no file of source.
func languageOf(file []byte) language {
	base := file[bytes.LastIndexAny(file, `/\`)+1:]
	dot := bytes.LastIndexByte(base, '.')
	if dot < 0 {
		switch string(base) {
		case "Gemfile", "Rakefile", "Guardfile", "Capfile", "Vagrantfile":
			return langRuby
		case "Dockerfile", "Makefile", "Jenkinsfile":
			return langOther
		}
		return langNone
	}
	return languages[string(base[dot+1:])]
}

// plainPath reports whether bytes can be the path of a file at the start of a
// log's line: no spaces, no scheme, nothing that quotes or lists.
func plainPath(file []byte) bool {
	return !bytes.ContainsAny(file, " \t\"'`<>|,;=(){}*?") && !bytes.Contains(file, []byte("://"))
}

// placed reads a line that starts with a place.
func (t *Reader) placed(b []byte) bool {
	p, ok := cutPlace(b)
	if !ok {
		return t.unplaced(b)
	}
	lang := languageOf(p.file)
	strict := !t.all
	if strict && (lang == langNone || p.tight || !plainPath(p.file)) {
		return false
	}
	if !strict && !loosePath(p.file) {
		return false
	}
	d := ci.Diagnostic{Pos: p.position()}
	if !t.classify(&d, p, lang) {
		return false
	}
	return d.Tool == "note" || t.add(d) >= 0
}

// loosePath is plainPath for a source that is lint output: spaces may be in a
// path, sentences may not.
func loosePath(file []byte) bool {
	switch {
	case bytes.HasPrefix(file, []byte("In file included from ")), bytes.HasPrefix(file, []byte("from ")):
		return false
	case bytes.Contains(file, []byte("://")), leadingDigits(file) == len(file):
		return false
	}
	return bytes.IndexByte(file, '\t') < 0 && bytes.Count(file, []byte(" ")) < 6
}

// unplaced reads the shapes with a file at their start and no place behind it.
func (t *Reader) unplaced(b []byte) bool {
	i := bytes.IndexByte(b, ':')
	if i == 1 {
		if j := bytes.IndexByte(b[2:], ':'); j >= 0 {
			i = 2 + j
		}
	}
	if i <= 0 || i > maxLintPath || i+2 >= len(b) || b[i+1] != ' ' && b[i+1] != '(' || !plainPath(b[:i]) {
		return false
	}
	lang := languageOf(b[:i])
	if lang == langNone {
		return false
	}
	file, rest := string(b[:i]), string(b[i+1:])
	if word, found := strings.CutPrefix(rest, " line "); found {
		return t.eslintCompact(file, word)
	}
	if message, found := strings.CutPrefix(rest, " error: "); found && lang == langPython {
		return t.add(ci.Diagnostic{Tool: "mypy", Message: message, Pos: ci.Position{File: file}}) >= 0
	}
	if at := strings.Index(rest, ": undefined reference to "); at >= 0 && strings.HasPrefix(rest, "(.") {
		return t.add(ci.Diagnostic{Tool: "ld", Message: rest[at+2:], Pos: ci.Position{File: file}}) >= 0
	}
	return false
}

// eslintCompact reads what follows "f: line ": "2, col 10, Error - message (rule)".
func (t *Reader) eslintCompact(file, rest string) bool {
	line, rest, ok1 := strings.Cut(rest, ", col ")
	col, rest, ok2 := strings.Cut(rest, ", ")
	word, message, ok3 := strings.Cut(rest, " - ")
	n, err1 := strconv.Atoi(line)
	c, err2 := strconv.Atoi(col)
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil {
		return false
	}
	d := ci.Diagnostic{Tool: "eslint", Severity: lintSeverity(word), Message: message, Pos: ci.Position{File: file, Line: n, Col: c}}
	if head, rule, found := cutTrailing(message, '(', ')'); found {
		d.Message, d.Rule = head, rule
	}
	return t.add(d) >= 0
}

// cutTrailing takes "(rule)" or "[rule]" off the end of a message; the rule is a
// single word.
func cutTrailing(message string, opening, closing byte) (head, rule string, ok bool) {
	if len(message) < 3 || message[len(message)-1] != closing {
		return message, "", false
	}
	at := strings.LastIndexByte(message, opening)
	if at <= 0 || message[at-1] != ' ' {
		return message, "", false
	}
	rule = message[at+1 : len(message)-1]
	if rule == "" || strings.ContainsAny(rule, " \"'`()[]") {
		return message, "", false
	}
	return strings.TrimRight(message[:at], " "), rule, true
}

// cutCode takes a rule like "E501", "PLR0913" or "SC2086" off the start.
func cutCode(s string) (code, rest string, ok bool) {
	n := 0
	for n < len(s) && n < 12 && 'A' <= s[n] && s[n] <= 'Z' {
		n++
	}
	m := n
	for m < len(s) && '0' <= s[m] && s[m] <= '9' {
		m++
	}
	if n == 0 || m-n < 2 || m-n > 6 || m == len(s) {
		return "", s, false
	}
	return s[:m], s[m:], true
}
