package source

import (
	"strings"

	"keepgreen/internal/ci"
)

// importKind says when an import at this place runs.
func (s *python) importKind(lazy bool) ci.ImportKind {
	b := s.block()
	switch {
	case b.typing:
		return ci.ImportTyping
	case lazy || s.funcs > 0:
		return ci.ImportLazy
	case b.conditional:
		return ci.ImportConditional
	}
	return ci.ImportRuntime
}

func (s *python) addImport(i Import) {
	if len(s.facts.Imports) < maxImports {
		s.facts.Imports = append(s.facts.Imports, i)
	}
}

// importStatement reads "import a.b as c, d".
func (s *python) importStatement(lazy bool) {
	line := s.tok.line
	s.take()
	for {
		module := s.dotted()
		if module == "" {
			break
		}
		s.addImport(Import{Line: line, Module: module, As: s.alias(), Kind: s.importKind(lazy)})
		if !s.tok.is(',') {
			break
		}
		s.take()
	}
	s.endImport()
}

// fromStatement reads "from ..a.b import c as d, e".
func (s *python) fromStatement(lazy bool) {
	imp := Import{Line: s.tok.line, Kind: s.importKind(lazy)}
	s.take()
	for s.tok.is('.') {
		imp.Level++
		s.take()
	}
	if s.tok.word != kImport {
		imp.Module = s.dotted()
	}
	if s.tok.word != kImport || imp.Level == 0 && imp.Module == "" {
		s.broken(s.tok.line, "a from without an import")
		return
	}
	s.take()
	if s.tok.is('*') {
		imp.Star = true
		s.take()
	} else {
		imp.Names = s.importNames()
	}
	if imp.Star || len(imp.Names) > 0 {
		s.addImport(imp)
	}
	s.endImport()
}

func (s *python) importNames() []Name {
	if s.tok.is('(') {
		s.take()
	}
	var names []Name
	for s.tok.kind == tName {
		name := s.text(s.src[s.tok.start:s.tok.end])
		s.take()
		names = append(names, Name{name, s.alias()})
		if !s.tok.is(',') {
			break
		}
		s.take()
	}
	if s.tok.is(')') {
		s.take()
	}
	return names
}

// alias reads "as name", if it is there.
func (s *python) alias() string {
	if s.tok.word != kAs {
		return ""
	}
	s.take()
	if s.tok.kind != tName {
		return ""
	}
	name := s.text(s.src[s.tok.start:s.tok.end])
	s.take()
	return name
}

// dotted reads a dotted name; blanks may stand around the dots.
func (s *python) dotted() string {
	if s.tok.kind != tName {
		return ""
	}
	start, end := s.tok.start, s.tok.end
	name := s.text(s.src[start:end])
	s.take()
	for s.tok.is('.') && len(name) < maxName {
		s.take()
		if s.tok.kind != tName {
			break
		}
		name += "." + s.text(s.src[s.tok.start:s.tok.end])
		s.take()
	}
	return name
}

func (s *python) endImport() {
	if s.tok.kind != tNewline && s.tok.kind != tEOF && !s.tok.is(';') {
		s.broken(s.tok.line, "an import that goes on as none does")
	}
}

// loaders are the functions that import by name.
func isLoader(b []byte) bool {
	switch string(b) {
	case "import_module", "__import__", "importorskip":
		return true
	}
	return false
}

// weighString notes a string that names a module: the argument of a loader, or
// any that reads like a dotted name.
func (s *python) weighString() {
	t := s.tok
	loaded := s.back[0].is('(') && s.back[1].kind == tName && isLoader(s.src[s.back[1].start:s.back[1].end])
	if !t.plain {
		return
	}
	if !loaded && t.end-t.start > 120 {
		return
	}
	text := strings.Trim(string(s.src[t.start:t.end]), `"'`)
	if c := s.src[t.start]; c != '"' && c != '\'' {
		if c|0x20 == 'b' || !loaded {
			return
		}
		text = strings.Trim(text[1:], `"'`)
	}
	level := len(text) - len(strings.TrimLeft(text, "."))
	if !isDotted(text[level:]) {
		return
	}
	switch {
	case loaded:
		s.dynamic = &Import{Line: t.line, Level: level, Module: text[level:], Kind: s.importKind(false), Dynamic: true}
	case level == 0 && strings.Contains(text, ".") && len(s.facts.Strings) < maxStrings:
		s.facts.Strings = append(s.facts.Strings, Literal{t.line, text})
	}
}

// endDynamic keeps a dynamic import if its argument was the string alone, and
// not the beginning of "x" % y.
func (s *python) endDynamic() {
	if s.tok.is(')') || s.tok.is(',') {
		s.addImport(*s.dynamic)
	} else {
		s.opaque(s.dynamic.Line)
	}
	s.dynamic = nil
}

// opaque notes a line that loads what nobody can know from the text.
func (s *python) opaque(line int) {
	if len(s.facts.Opaque) < maxStrings {
		s.facts.Opaque = append(s.facts.Opaque, line)
	}
}

// isDotted reports whether the text is identifiers with dots between them.
func isDotted(text string) bool {
	fresh := true
	for i := range len(text) {
		switch c := text[i]; {
		case c == '.':
			if fresh {
				return false
			}
			fresh = true
		case class[c]&isWord == 0 || fresh && class[c]&isDigit != 0:
			return false
		default:
			fresh = false
		}
	}
	return !fresh
}
