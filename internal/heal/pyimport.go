package heal

import (
	"regexp"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

// statement is an import to add: "import Module", or "from Module import Name".
type statement struct{ Module, Name, As string }

// with imports more names of the same module.
func (s statement) with(names []string) statement {
	if len(names) == 0 {
		return s
	}
	all := append([]string{s.Name}, names...)
	slices.SortFunc(all, byKind)
	s.Name = strings.Join(all, ", ")
	return s
}

func (s statement) String() string {
	text := "import " + s.Module
	if s.Name != "" {
		text = "from " + s.Module + " import " + s.Name
	}
	if s.As != "" {
		text += " as " + s.As
	}
	return text
}

// section is where isort puts a module: __future__, the standard library, what is
// installed, what is ours.
func (r *Repo) section(module string) int {
	root, _, _ := strings.Cut(module, ".")
	switch {
	case module == "__future__":
		return 0
	case strings.HasPrefix(module, "."):
		return 4
	case source.Standard(root):
		return 1
	}
	for _, m := range r.Graph.Modules {
		if !m.External && (m.Name == root || strings.HasPrefix(m.Name, root+".")) {
			return 3
		}
	}
	return 2
}

// header are the import statements at the top of a Python file, outside of any
// block, each on one line.
type headed struct {
	line int // 1-based
	end  int // last line, of a statement in brackets
	imp  source.Import
}

func header(facts source.Facts, lines []string) []headed {
	var out []headed
	for _, imp := range facts.Imports {
		if imp.Line < 1 || imp.Line > len(lines) || imp.Dynamic {
			continue
		}
		text := lines[imp.Line-1]
		if !strings.HasPrefix(text, "import ") && !strings.HasPrefix(text, "from ") {
			continue
		}
		end := imp.Line
		if strings.Contains(text, "(") && !strings.Contains(text, ")") {
			for end < len(lines) && !strings.Contains(lines[end-1], ")") {
				end++
			}
		}
		out = append(out, headed{imp.Line, end, imp})
	}
	slices.SortFunc(out, func(a, b headed) int { return a.line - b.line })
	return out
}

// addImport is the edit that adds an import where isort would put it.
func (r *Repo) addImport(file string, s statement) (Edit, bool) {
	facts, ok := r.facts(file)
	lines := r.lines(file)
	if !ok || lines == nil || facts.Broken != nil {
		return Edit{}, false
	}
	tops := header(facts, lines)
	if e, ok := joinImport(file, lines, tops, s); ok {
		return e, true
	}
	text := s.String()
	switch at, where := r.spot(tops, s); where {
	case withinSection:
		return insert(file, lines, at, text)
	case aheadOfSection:
		return rangeEdit(file, lines, at, at-1, text)
	case newSectionBehind:
		return insert(file, lines, at, "", text)
	case newSectionAhead:
		return rangeEdit(file, lines, at, at-1, text, "")
	}
	top := preamble(lines)
	if top > 0 && strings.TrimSpace(lines[top-1]) != "" {
		return insert(file, lines, top, "", text)
	}
	return rangeEdit(file, lines, top+1, top, text, "")
}

// Where a statement stands beside those that are there.
const (
	noImports        = iota
	withinSection    // behind a line of its section
	aheadOfSection   // before the first line of its section
	newSectionBehind // behind the last line of an earlier section
	newSectionAhead  // before the first line of a later section
)

// spot is the line at which a statement belongs, and how.
func (r *Repo) spot(tops []headed, s statement) (line, where int) {
	want := r.section(s.Module)
	var within, ahead, behind, later int
	for _, h := range tops {
		module := strings.Repeat(".", h.imp.Level) + h.imp.Module
		switch have := r.section(module); {
		case have < want:
			behind = h.end
		case have > want && later == 0:
			later = h.line
		case have == want && precedes(h.imp, module, s):
			within = h.end
		case have == want && ahead == 0:
			ahead = h.line
		}
	}
	switch {
	case within > 0:
		return within, withinSection
	case ahead > 0:
		return ahead, aheadOfSection
	case behind > 0:
		return behind, newSectionBehind
	case later > 0:
		return later, newSectionAhead
	}
	return 0, noImports
}

// insert puts lines behind line n.
func insert(file string, lines []string, n int, with ...string) (Edit, bool) {
	if n >= len(lines) {
		return Edit{}, false
	}
	return rangeEdit(file, lines, n+1, n, with...)
}

// precedes is isort's order within a section: plain imports first, then by name.
func precedes(imp source.Import, module string, s statement) bool {
	plain := imp.Names == nil && !imp.Star
	if plain != (s.Name == "") {
		return plain
	}
	return strings.ToLower(module) <= strings.ToLower(s.Module)
}

// joinImport extends "from m import a" where the file has it on one line.
func joinImport(file string, lines []string, tops []headed, s statement) (Edit, bool) {
	if s.Name == "" || s.As != "" {
		return Edit{}, false
	}
	shape := regexp.MustCompile(`^(from ` + regexp.QuoteMeta(s.Module) + ` import )(\w+(?:, \w+)*)(\s*(?:#.*)?)$`)
	for _, h := range tops {
		m := shape.FindStringSubmatch(lines[h.line-1])
		if m == nil || len(lines[h.line-1]) > 100 {
			continue
		}
		names := strings.Split(m[2], ", ")
		sorted := slices.IsSortedFunc(names, byKind)
		if names = append(names, strings.Split(s.Name, ", ")...); sorted {
			slices.SortFunc(names, byKind)
		}
		return lineEdit(file, lines, h.line, m[1]+strings.Join(names, ", ")+m[3])
	}
	return Edit{}, false
}

// byKind is isort's order of names: CONSTANTS, Classes, functions.
func byKind(a, b string) int {
	rank := func(s string) int {
		switch {
		case strings.ToUpper(s) == s && len(s) > 1:
			return 0
		case s[0] >= 'A' && s[0] <= 'Z':
			return 1
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// preamble counts the lines before which no import stands: comments, the
// docstring, and the empty line behind it.
func preamble(lines []string) int {
	n := 0
	for n < len(lines) && strings.HasPrefix(lines[n], "#") {
		n++
	}
	for _, quote := range []string{`"""`, `'''`} {
		if n < len(lines) && strings.HasPrefix(lines[n], quote) {
			rest := strings.TrimPrefix(lines[n], quote)
			for !strings.Contains(rest, quote) && n+1 < len(lines) {
				n++
				rest = lines[n]
			}
			n++
			break
		}
	}
	if n > 0 && n < len(lines) && strings.TrimSpace(lines[n]) == "" {
		n++
	}
	return n
}

// known are names of the standard library that people import from one place.
var known = map[string]string{
	"Path": "pathlib", "field": "dataclasses", "asdict": "dataclasses", "replace": "dataclasses", "PurePath": "pathlib", "dataclass": "dataclasses", "Counter": "collections", "defaultdict": "collections", "deque": "collections",
	"OrderedDict": "collections", "namedtuple": "collections", "Decimal": "decimal", "Fraction": "fractions", "partial": "functools", "lru_cache": "functools",
	"cached_property": "functools", "wraps": "functools", "timedelta": "datetime", "timezone": "datetime", "Enum": "enum", "IntEnum": "enum", "StrEnum": "enum",
	"ABC": "abc", "abstractmethod": "abc", "contextmanager": "contextlib", "suppress": "contextlib", "ExitStack": "contextlib", "StringIO": "io", "BytesIO": "io",
	"ThreadPoolExecutor": "concurrent.futures", "ProcessPoolExecutor": "concurrent.futures", "NamedTemporaryFile": "tempfile", "TemporaryDirectory": "tempfile",
	"Any": "typing", "Optional": "typing", "Union": "typing", "Literal": "typing", "Protocol": "typing", "TypeVar": "typing", "NamedTuple": "typing",
	"TypedDict": "typing", "TYPE_CHECKING": "typing", "ClassVar": "typing", "Final": "typing", "Generic": "typing", "cast": "typing", "overload": "typing",
	"SimpleNamespace": "types", "uuid4": "uuid", "Mock": "unittest.mock", "MagicMock": "unittest.mock", "urlparse": "urllib.parse", "chain": "itertools",
}

// from lists the imports that would define a name in a file, as the repository
// and the standard library have it: definitions of ours first, since there a name
// means what somebody here meant by it.
func (r *Repo) from(file, name, used string) []statement {
	var defined, imported []statement
	add := func(to *[]statement, s statement) {
		if !slices.Contains(*to, s) {
			*to = append(*to, s)
		}
	}
	for _, m := range r.modules() {
		if m.File == file || m.Test && !IsTest(file) || !strings.HasSuffix(m.File, ".py") {
			continue
		}
		for _, d := range m.Defs {
			if d.Name == name && d.Kind != ci.DefModule {
				add(&defined, statement{Module: m.Name, Name: name})
			}
		}
		if strings.HasSuffix(m.Name, "."+name) && strings.Contains(used, name+".") {
			add(&defined, statement{Module: strings.TrimSuffix(m.Name, "."+name), Name: name})
		}
		if r.assigned(m.File, name) {
			add(&defined, statement{Module: m.Name, Name: name})
		}
	}
	if len(defined) > 0 {
		return defined
	}
	for _, f := range r.Files {
		if f.Path == file || !strings.HasSuffix(f.Path, ".py") {
			continue
		}
		for _, imp := range f.Imports {
			if s, ok := binds(imp, name); ok {
				add(&imported, s)
			}
		}
	}
	if len(imported) == 1 {
		return imported
	}
	if module := known[name]; module != "" {
		add(&imported, statement{Module: module, Name: name})
	}
	for _, s := range []statement{{Module: name}, {Module: "datetime", Name: name}} {
		switch {
		case s.Name == "" && !source.Standard(name), s.Name != "" && name != "datetime" && name != "date":
		case name == "datetime" && (s.Name == "") != strings.Contains(used, "datetime.datetime") && (s.Name == "") != strings.Contains(used, "datetime.date("):
		default:
			add(&imported, s)
		}
	}
	return imported
}

// assigned: the module's own statements give the name a value.
func (r *Repo) assigned(file, name string) bool {
	start := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `\s*(?::[^=]+)?=[^=]`)
	return slices.ContainsFunc(r.lines(file), start.MatchString)
}

// binds is the statement by which an import gives a file the name.
func binds(imp source.Import, name string) (statement, bool) {
	if imp.Level > 0 || imp.Dynamic || imp.Kind == ci.ImportTyping {
		return statement{}, false
	}
	if imp.Names == nil && !imp.Star {
		if imp.As == name || imp.As == "" && imp.Module == name {
			return statement{Module: imp.Module, As: imp.As}, true
		}
		return statement{}, false
	}
	for _, n := range imp.Names {
		if n.As == name || n.As == "" && n.Name == name {
			return statement{Module: imp.Module, Name: n.Name, As: n.As}, true
		}
	}
	return statement{}, false
}
