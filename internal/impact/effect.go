package impact

import (
	"slices"
	"strings"
)

// effect is what a statement does when it is loaded: it binds names and can do
// nothing else, or it may do anything.
type effect struct {
	names    []string // that it binds
	anything bool     // it may raise, register, or change something elsewhere
	nothing  bool     // a docstring, pass
}

// effectOf weighs a statement. seen reports whether an import or a name is used
// elsewhere in code that did not change, so that it can be relied upon.
func effectOf(s statement, seen func(string) bool) effect {
	switch word := s.text[:wordEnd(s.text, 0)]; {
	case s.typing:
		return effect{nothing: true}
	case s.def != "":
		return defEffect(s, seen)
	case s.nested:
		return effect{anything: true}
	case s.text == "pass" || s.text == "..." || isStringOnly(s.text):
		return effect{nothing: true}
	case word == "import" || word == "from":
		return importEffect(s.text, seen)
	}
	return assignEffect(s.text, seen)
}

// calmDecorators change nothing but what they decorate.
var calmDecorators = []string{
	"property", "staticmethod", "classmethod", "abstractmethod", "abc.abstractmethod", "contextmanager", "contextlib.contextmanager",
	"asynccontextmanager", "contextlib.asynccontextmanager", "cached_property", "functools.cached_property", "functools.lru_cache", "lru_cache",
	"functools.cache", "cache", "functools.wraps", "wraps", "overload", "typing.overload", "override", "typing.override", "final", "typing.final",
	"pytest.fixture", "fixture", "unittest.skip", "unittest.expectedFailure", "dataclass", "dataclasses.dataclass", "total_ordering", "functools.total_ordering",
	"runtime_checkable", "typing.runtime_checkable", "patch", "mock.patch", "patch.object", "mock.patch.object", "patch.dict", "mock.patch.dict",
}

// isCalm reports whether a decorator only concerns what it decorates. A fixture
// that is used by everyone concerns everyone.
func isCalm(decorator string) bool {
	name, arguments, _ := strings.Cut(decorator, "(")
	name = strings.TrimSpace(name)
	if strings.Contains(arguments, "autouse") {
		return false
	}
	return slices.Contains(calmDecorators, name) || strings.HasPrefix(name, "pytest.mark.") ||
		strings.HasSuffix(name, ".setter") || strings.HasSuffix(name, ".getter") || strings.HasSuffix(name, ".deleter")
}

// plainBases are classes that do nothing when they are derived from.
var plainBases = []string{"object", "ABC", "abc.ABC", "Protocol", "typing.Protocol", "Exception", "unittest.TestCase", "TestCase", "dict", "list", "str", "int"}

func isPlainBase(base string) bool {
	name, _, _ := strings.Cut(base, "[")
	return slices.Contains(plainBases, name) || name == "Generic" || strings.HasSuffix(name, "Error") || strings.HasSuffix(name, "Warning") || strings.HasSuffix(name, "Exception")
}

func defEffect(s statement, seen func(string) bool) effect {
	e := effect{names: []string{last(s.def)}}
	// A calm decorator is sure to succeed without arguments, or where it stood before.
	if slices.ContainsFunc(s.decorators, func(d string) bool { return !isCalm(d) || strings.Contains(d, "(") && !seen("@"+d) || !seen(d) }) || s.nested {
		e.anything = true
	}
	head := s.text[strings.LastIndex(s.text, " "+map[bool]string{true: "class", false: "def"}[isClass(s)])+1:]
	_, arguments, found := strings.Cut(head, "(")
	if !found {
		return e
	}
	arguments = strings.TrimSuffix(strings.TrimSpace(arguments), ")")
	if isClass(s) {
		for _, base := range splitOutside(arguments, ",") {
			if base != "" && !isPlainBase(base) {
				e.anything = true
			}
		}
		return e
	}
	if !calmSignature(head, seen) {
		e.anything = true
	}
	return e
}

// builtins are names of types that annotations use without an import.
var builtins = []string{"int", "str", "float", "bool", "bytes", "bytearray", "complex", "list", "dict", "set", "frozenset", "tuple", "object", "type", "None", "True", "False", "Exception", "BaseException", "property", "staticmethod", "classmethod"}

// calmSignature reports whether the defaults and annotations of a function, which
// are evaluated when it is defined, call nothing and name only what is known.
func calmSignature(head string, seen func(string) bool) bool {
	_, rest, _ := strings.Cut(head, "(")
	end := len(rest)
	for i, depth := 0, 1; i < len(rest); i++ {
		switch rest[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				end, i = i, len(rest)
			}
		case '"', '\'':
			i = stringEnd(rest, i) - 1
		}
	}
	parts := []string{strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(rest[end:], ")")), "->")}
	for _, parameter := range splitOutside(rest[:end], ",") {
		if i := strings.IndexAny(parameter, ":="); i >= 0 {
			parts = append(parts, parameter[i+1:])
		}
	}
	for _, part := range parts {
		if callsIn(part) || !namesKnown(part, seen) {
			return false
		}
	}
	return true
}

// namesKnown reports whether an expression names only what is known; what stands
// behind a dot, in strings, and numbers are no names.
func namesKnown(text string, seen func(string) bool) bool {
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"' || c == '\'':
			i = stringEnd(text, i)
		case isWord(c):
			end := wordEnd(text, i)
			if (c < '0' || c > '9') && (i == 0 || text[i-1] != '.') && !seen(text[i:end]) {
				return false
			}
			i = end
		default:
			i++
		}
	}
	return true
}

func isClass(s statement) bool {
	return strings.Contains(" "+s.text, " class ") && !strings.Contains(" "+s.text, " def ")
}

// last is the last part of a qualified name.
func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// importEffect binds the names of an import, if the very same is imported
// elsewhere: it cannot fail then.
func importEffect(text string, seen func(string) bool) effect {
	var e effect
	add := func(from, item string) {
		name, as, renamed := strings.Cut(item, " as ")
		name = strings.TrimSpace(name)
		bound := strings.TrimSpace(as)
		if !renamed {
			bound, _, _ = strings.Cut(name, ".")
			if from != "" {
				bound = name
			}
		}
		key := "import " + name
		if from != "" {
			key = "from " + from + " import " + name
		}
		if name == "*" || from == "__future__" || !seen(key) {
			e.anything = true
		}
		e.names = append(e.names, bound)
	}
	if rest, ok := strings.CutPrefix(text, "import "); ok {
		for _, item := range splitOutside(rest, ",") {
			add("", item)
		}
		return e
	}
	module, list, ok := strings.Cut(strings.TrimPrefix(text, "from "), " import")
	if !ok {
		return effect{anything: true}
	}
	list = strings.Trim(strings.TrimSpace(list), "()")
	for _, item := range splitOutside(list, ",") {
		if item != "" {
			add(strings.TrimSpace(module), item)
		}
	}
	return e
}

// assignEffect binds names to something that is merely written down.
func assignEffect(text string, seen func(string) bool) effect {
	parts := splitAssign(text)
	if len(parts) < 2 {
		if name, annotation, ok := strings.Cut(text, ":"); ok && isIdentifier(strings.TrimSpace(name)) && !callsIn(annotation) {
			return effect{names: []string{strings.TrimSpace(name)}}
		}
		return effect{anything: true}
	}
	var e effect
	for _, target := range parts[:len(parts)-1] {
		if name, annotation, ok := strings.Cut(target, ":"); ok {
			target = name
			if callsIn(annotation) {
				e.anything = true
			}
		}
		for _, name := range splitOutside(strings.Trim(strings.TrimSpace(target), "()[]"), ",") {
			if !isIdentifier(name) {
				return effect{anything: true}
			}
			e.names = append(e.names, name)
		}
	}
	value := parts[len(parts)-1]
	if len(e.names) > len(parts)-1 || !isPlainValue(value, seen) {
		e.anything = true // several targets of one value: it may not have as many parts
	}
	return e
}

// splitAssign splits "a = b = value" at its equals signs; nil is a comparison, or
// an augmented assignment.
func splitAssign(text string) []string {
	var out []string
	start, second := 0, -1 // second: of an "=="
	for i := range outside(text, "=") {
		switch {
		case i == second:
		case i+1 < len(text) && text[i+1] == '=':
			second = i + 1
		case i > 0 && strings.IndexByte("!<>+-*/%&|^@:~", text[i-1]) >= 0:
			return nil
		default:
			out = append(out, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(text[start:]))
}

func isIdentifier(s string) bool {
	return s != "" && wordEnd(s, 0) == len(s) && (s[0] < '0' || s[0] > '9')
}

func isStringOnly(text string) bool {
	i := strings.IndexAny(text, `"'`)
	return i >= 0 && i <= 2 && wordEnd(text, 0) >= i && stringEnd(text, i) == len(text) && !strings.ContainsAny(text[:i], "fF")
}

// plainCalls make a value and nothing else, whatever they are given here.
var plainCalls = []string{"frozenset", "set", "dict", "list", "tuple", "object", "TypeVar", "typing.TypeVar", "logging.getLogger", "getLogger"}

// isPlainValue reports whether an expression cannot raise: literals, containers
// of them, names that are used elsewhere.
func isPlainValue(text string, seen func(string) bool) bool {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\'':
			i = stringEnd(text, i)
		case isWord(c):
			end := i
			for end < len(text) && (isWord(text[end]) || text[end] == '.') {
				end++
			}
			word := text[i:end]
			next := strings.TrimLeft(text[end:], " ")
			switch {
			case next != "" && (next[0] == '"' || next[0] == '\''):
				if strings.ContainsAny(word, "fFtT") { // a formatted string evaluates
					return false
				}
			case word[0] >= '0' && word[0] <= '9', word == "True", word == "False", word == "None":
			case strings.HasPrefix(next, "("):
				if !slices.Contains(plainCalls, word) {
					return false
				}
			case strings.HasPrefix(next, "["):
				return false
			case slices.Contains([]string{"lambda", "for", "if", "else", "in", "not", "and", "or", "is", "await", "yield"}, word):
				return false
			case !seen(word):
				return false
			}
			i = end
		case strings.IndexByte(" ,()[]{}:.", c) >= 0:
			i++
		case c == '-' && (i == 0 || strings.IndexByte("([{,:= ", text[i-1]) >= 0) && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9':
			i++
		default:
			return false
		}
	}
	return true
}

// callsIn reports whether an expression calls something, or computes.
func callsIn(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\'':
			i = stringEnd(text, i) - 1
		case c == '(' && i > 0 && (isWord(text[i-1]) || text[i-1] == ')' || text[i-1] == ']'):
			return true
		}
	}
	return false
}
