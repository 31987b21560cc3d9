package impact

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// mentions goes through all sources for the names, in code and in strings: a
// name in a string is looked up by somebody.
func (d *dynamic) mentions(names []string) {
	wanted := make(map[string]bool, len(names))
	for _, n := range names {
		wanted[n] = true
	}
	err := d.Texts(func(file string, text []byte) {
		for _, hit := range find(text, wanted, d.s.in.Config.Doctest) {
			if t := d.names[hit.name]; t.anywhere || t.files[file] || hit.apart {
				d.mention(file, text, hit)
			}
		}
	})
	if err != nil {
		d.everyone = "the sources cannot be read: " + err.Error()
	}
}

// mention taints what stands where a tainted name does.
func (d *dynamic) mention(file string, text []byte, hit hit) {
	defs := d.byFile[file]
	inner := -1
	for i, def := range defs {
		if def.Kind != ci.DefModule && def.First <= hit.line && hit.line <= def.Last && (inner < 0 || def.First >= defs[inner].First) {
			inner = i
		}
	}
	why := fmt.Sprintf("it mentions %s, which changed in %s", hit.name, d.names[hit.name].origin)
	if inner >= 0 && defs[inner].Kind != ci.DefClass {
		def := defs[inner]
		d.taint(Def{Name: def.Name}, file, why)
		if hit.line <= def.Line && def.First < def.Line && last(def.Name) != hit.name { // in a decorator
			d.atLoad(file, text, hit, why)
		}
		return
	}
	if inner >= 0 {
		class := defs[inner].Name
		for _, def := range defs {
			if def.Name == class || strings.HasPrefix(def.Name, class+".") {
				d.taint(Def{Name: def.Name}, file, why)
			}
		}
	}
	d.atLoad(file, text, hit, why)
}

// atLoad follows a tainted name through a statement that runs at load.
func (d *dynamic) atLoad(file string, text []byte, hit hit, why string) {
	for _, s := range d.statementsOf(file, text) {
		if hit.line < s.first || hit.line > s.last || !slices.Contains(words(s.text), hit.name) {
			continue
		}
		e := effectOf(s, func(string) bool { return true })
		switch t := d.names[hit.name]; {
		case e.nothing, slices.Contains(e.names, "__all__") && !t.removed:
		case t.removed && s.def == "": // it is imported, or computed with, and is not there
			d.close(file, fmt.Sprintf("%s uses %s when it is loaded, which %s does not have any more", file, hit.name, t.origin))
		case strings.HasPrefix(s.text, "from ") || strings.HasPrefix(s.text, "import "):
			for _, n := range e.names {
				if strings.Contains(s.text, hit.name+" as "+n) {
					d.name(n, file)
				}
			}
		case e.anything:
			d.close(file, fmt.Sprintf("%s: %s", file, why))
		default:
			for _, n := range e.names {
				d.nameOf(file, s, n)
			}
		}
	}
}

func (d *dynamic) statementsOf(file string, text []byte) []statement {
	return statements(text, d.byFile[file])
}

// hit is where a name stands.
type hit struct {
	name  string
	line  int
	apart bool // behind a dot, or in a string: whose name it is, is not to be seen
}

// find finds words in a text. Comments are left out, and docstrings, where they
// are no tests.
func find(text []byte, wanted map[string]bool, docstrings bool) []hit {
	var out []hit
	line := 1
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\n':
			line++
			i++
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case c == '"' || c == '\'':
			end := stringEnd(text, i)
			if docstrings || !opensLine(text, i) || end-i < 6 || text[i+1] != c {
				out = append(out, inString(text[i:end], line, wanted)...)
			}
			line += bytes.Count(text[i:end], []byte{'\n'})
			i = end
		case isWord(c):
			end := wordEnd(text, i)
			if wanted[string(text[i:end])] {
				out = append(out, hit{string(text[i:end]), line, i > 0 && text[i-1] == '.'})
			}
			i = end
		default:
			i++
		}
	}
	return out
}

// opensLine reports whether nothing but blanks stands before a place.
func opensLine(text []byte, i int) bool {
	for i--; i >= 0 && (text[i] == ' ' || text[i] == '\t'); i-- {
	}
	return i < 0 || text[i] == '\n'
}

func inString(text []byte, line int, wanted map[string]bool) []hit {
	var out []hit
	for i := 0; i < len(text); {
		if !isWord(text[i]) {
			if text[i] == '\n' {
				line++
			}
			i++
			continue
		}
		end := wordEnd(text, i)
		if wanted[string(text[i:end])] {
			out = append(out, hit{string(text[i:end]), line, true})
		}
		i = end
	}
	return out
}

func words(text string) []string {
	var out []string
	for i := 0; i < len(text); {
		if !isWord(text[i]) {
			i++
			continue
		}
		end := wordEnd(text, i)
		out = append(out, text[i:end])
		i = end
	}
	return out
}
