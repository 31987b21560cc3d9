package junit

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/pytest"
)

// testID is the open case's ID in its runner's own spelling. For pytest, file is
// set to the test file where the case states it and cleared where it does not:
// a pytest result without File has an ID that was guessed, which Resolve and
// Union may mend.
func (j *junitReader) testID(framework string, file *string) ci.TestID {
	class, name := j.c.class, j.c.name
	b := j.id[:0]
	switch framework {
	case "pytest":
		b = j.pytestID(b, class, name, *file)
	case "go":
		// gotestsum may be told to shorten the class name; the suite has it whole.
		b = append(b, j.suiteName()...)
		if len(b) == 0 {
			b = append(b, class...)
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, name...)
	default:
		b = append(b, class...)
		if len(b) == 0 {
			b = append(b, j.suiteName()...)
		}
		if rest, ok := bytes.CutPrefix(name, b); ok && len(rest) > 1 && rest[0] == '.' && len(b) > 0 {
			name = rest[1:] // converters from NUnit repeat the class
		}
		if len(b) > 0 && len(name) > 0 {
			b = append(b, "::"...)
		}
		b = append(b, name...)
	}
	j.id = b
	return ci.TestID(j.all.names.keep(b))
}

// pytestPrefix remembers what the last class was taken for: tests of one class
// follow each other.
type pytestPrefix struct {
	class, file string
	known       bool
	path, inner string
}

// pytestID appends the node ID that pytest mangled into class and name
// (_pytest.junitxml.mangle_test_address: the path loses ".py", "/" and "::"
// become dots).
func (j *junitReader) pytestID(b, class, name []byte, file string) []byte {
	if len(class) == 0 {
		return appendModule(b, string(name), file)
	}
	p := &j.prefix
	if !p.known || p.class != string(class) || p.file != file {
		*p = pytestPrefix{class: string(class), file: file, known: true}
		var ok bool
		if p.path, p.inner, ok = matchFile(p.class, file); !ok {
			p.path, p.inner = guessFile(p.class)
		}
		if p.inner != "" {
			p.inner = "::" + strings.ReplaceAll(p.inner, ".", "::")
		}
	}
	b = append(b, p.path...)
	b = append(b, p.inner...)
	if len(name) == 0 {
		return b
	}
	b = append(b, "::"...)
	return append(b, name...)
}

// appendModule names what has no class: a module that could not be collected,
// which goes by its dotted name, or a test of a file.
func appendModule(b []byte, name, file string) []byte {
	if !strings.HasSuffix(file, ".py") {
		return append(b, guessModule(name)...)
	}
	b = append(b, file...)
	if module := pytest.DottedModule(file); module == name || strings.HasSuffix(module, "."+name) {
		return b
	}
	b = append(b, "::"...)
	return append(b, name...)
}

// matchFile finds the end of file that starts class: what follows in class are
// classes. The path is as long as class says, because that is relative to
// pytest's root, whereas the attribute may be absolute. A test that is inherited
// from another file does not match: the attribute tells where its code stands.
func matchFile(class, file string) (path, inner string, ok bool) {
	if !strings.HasSuffix(file, ".py") {
		return "", "", false
	}
	for path = file; path != ""; {
		rest, found := strings.CutPrefix(class, pytest.DottedModule(path))
		if found && rest == "" {
			return path, "", true
		}
		if found && rest[0] == '.' {
			return path, rest[1:], true
		}
		_, path, _ = strings.Cut(path, "/")
	}
	return "", "", false
}

// guessFile tells the file from the classes in it by how Python spells them:
// the first level that starts with a capital, after the first, is a class.
func guessFile(class string) (path, inner string) {
	at := 0
	for level := 0; at < len(class); level++ {
		c := class[at]
		if level > 0 && 'A' <= c && c <= 'Z' {
			return strings.ReplaceAll(class[:at-1], ".", "/") + ".py", class[at:]
		}
		next := strings.IndexByte(class[at:], '.')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return strings.ReplaceAll(class, ".", "/") + ".py", ""
}

// guessModule is the path of a module that could not be collected, which is
// reported under its dotted name.
func guessModule(name string) string {
	if strings.ContainsAny(name, " [/:") || name == "" {
		return name
	}
	return strings.ReplaceAll(name, ".", "/") + ".py"
}

// looksPython: dotted identifiers with a level as pytest collects them.
func looksPython(class, name []byte) bool {
	if !bytes.HasPrefix(name, []byte("test")) || len(class) == 0 || bytes.ContainsAny(class, " /:$") {
		return false
	}
	for level := range bytes.SplitSeq(class, []byte{'.'}) {
		if bytes.HasPrefix(level, []byte("test_")) || bytes.HasSuffix(level, []byte("_test")) {
			return true
		}
	}
	return false
}
