package heal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

// pythonFixers know what CPython's own errors say.
var pythonFixers = []Fixer{
	{"future-annotations", "a class is named in an annotation before it is there: `from __future__ import annotations`", Rate{Right: 1}, futureAnnotations},
	{"missing-import", "a name is used that one module defines, or that the repository imports from one place", Rate{Right: 21}, missingImport},
	{"misspelt-import", "an imported module or name is one slip away from one that is there", Rate{Right: 1}, misspeltImport},
	{"misspelt-name", "a name is one slip away from one that the file has", Rate{Right: 3}, misspeltName},
	{"misspelt-attribute", "an attribute is one slip away from one that the class has", Rate{Right: 3}, misspeltAttribute},
	{"misspelt-keyword", "a keyword argument is one slip away from a parameter, or was renamed in the only way that callers use", Rate{}, misspeltKeyword},
	{"trailing-breakpoint", "a breakpoint() was left behind", Rate{Right: 3}, trailingBreakpoint},
}

// one makes the proposal that is sure if it is the only one.
func one(sure bool, edits []Edit, because []string, format string, args ...any) []Proposal {
	if len(edits) == 0 {
		return nil
	}
	return []Proposal{{Description: fmt.Sprintf(format, args...), Edits: edits, Sure: sure, Because: because}}
}

// missingImport adds the import of an undefined name to each file that fails for
// want of it.
func missingImport(c ci.Cluster, r *Repo) []Proposal {
	name := c.Cause.Symbol
	undefined := c.Cause.Class == ci.ClassName || c.Cause.Class == ci.ClassLint && c.Cause.Rule == "F821"
	if !undefined || name == "" {
		return nil
	}
	files := slices.DeleteFunc(filesOf(places(c, r)), func(file string) bool { return !r.lacks(file, name) })
	if len(files) == 0 {
		return nil
	}
	text, _ := r.Read(files[0])
	var out []Proposal
	for _, s := range r.from(files[0], name, text) {
		var edits []Edit
		if r.slipped(files[0], s) {
			continue // the import is there, and misspelt
		}
		for _, file := range files {
			if e, ok := r.addImport(file, s.with(r.companions(file, s))); ok {
				edits = append(edits, e)
			}
		}
		out = append(out, one(len(edits) == len(files), edits, []string{
			fmt.Sprintf("%s is used in %s and nothing there defines it", name, strings.Join(files, ", ")),
			fmt.Sprintf("%s is where the repository has it", s.Module),
		}, "Add missing %s import", name)...)
	}
	return out
}

// slipped reports whether a file imports from the module a name that it does not
// have: what is missing is then rather that one, in another spelling.
func (r *Repo) slipped(file string, s statement) bool {
	m, ours := r.module(s.Module)
	facts, _ := r.facts(file)
	for _, imp := range facts.Imports {
		for _, n := range imp.Names {
			if ours && imp.Module == s.Module && !slices.Contains(r.exports(m), n.Name) {
				return true
			}
		}
	}
	return false
}

// companions are further names of the same module that the file uses and lacks:
// whoever loses an import line loses all of it.
func (r *Repo) companions(file string, s statement) []string {
	if s.Name == "" || s.As != "" {
		return nil
	}
	text, _ := r.Read(file)
	text = regexp.MustCompile(`(?m)^(from|import) .*$`).ReplaceAllString(text, "") // a module's name there is no use of it
	var out []string
	for _, name := range identifiers(text) {
		bound := regexp.MustCompile(`(?m)\b(def|class|as|global|nonlocal|lambda)\s+` + name + `\b|\bimport [^\n]*\b` + name + `\b|\bfor\b[^\n]*\b` + name + `\b[^\n]*\bin\b|` +
			`^\s*` + name + `\s*[=:,]|\bdef \w+\([^\n]*\b` + name + `\s*[:,)=]|\b` + name + `\s*=[^=]|\.` + name + `\b`)
		if name == s.Name || !r.lacks(file, name) || bound.MatchString(text) {
			continue
		}
		if from := r.from(file, name, text); len(from) == 1 && from[0] == (statement{Module: s.Module, Name: name}) {
			out = append(out, name)
		}
	}
	return out
}

// lacks reports whether a file uses a name that nothing at its top gives it.
func (r *Repo) lacks(file, name string) bool {
	text, _ := r.Read(file)
	facts, _ := r.facts(file)
	for _, imp := range facts.Imports {
		if s, ok := binds(imp, name); ok && s.Module != "" {
			return false
		}
	}
	defined := slices.ContainsFunc(facts.Defs, func(d ci.Definition) bool { return d.Name == name })
	return !defined && word(name).MatchString(text)
}

func filesOf(at []ci.Position) []string {
	var out []string
	for _, p := range at {
		if !slices.Contains(out, p.File) {
			out = append(out, p.File)
		}
	}
	slices.Sort(out)
	return out
}

// futureAnnotations postpones the evaluation of annotations, where a class's own
// body names the class.
func futureAnnotations(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Class != ci.ClassName {
		return nil
	}
	for _, p := range places(c, r) {
		lines := r.lines(p.File)
		facts, _ := r.facts(p.File)
		defines := slices.ContainsFunc(facts.Defs, func(d ci.Definition) bool { return d.Kind == ci.DefClass && d.Name == c.Cause.Symbol })
		if p.Line > len(lines) || !defines || !annotates(lines[p.Line-1], c.Cause.Symbol) {
			continue
		}
		if e, ok := r.addImport(p.File, statement{Module: "__future__", Name: "annotations"}); ok {
			return one(true, []Edit{e}, []string{fmt.Sprintf("%s is defined in %s, and annotated with before that", c.Cause.Symbol, p.File)},
				"Postpone the evaluation of annotations in %s", p.File)
		}
	}
	return nil
}

func annotates(line, name string) bool {
	return regexp.MustCompile(`(->|:)[^=]*\b` + regexp.QuoteMeta(name) + `\b`).MatchString(line)
}

// misspeltImport corrects a module of ours, or a name that one does not define.
func misspeltImport(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Class != ci.ClassImport || c.Cause.Module == "" {
		return nil
	}
	wrong, module := c.Cause.Symbol, c.Cause.Module
	var candidates []string
	if wrong == "" {
		wrong = module
		for _, m := range r.modules() {
			if strings.HasSuffix(m.File, ".py") && strings.Count(m.Name, ".") == strings.Count(module, ".") {
				candidates = append(candidates, m.Name)
			}
		}
	} else if m, ok := r.module(module); ok {
		candidates = r.exports(m)
	}
	var out []Proposal
	close := near(wrong, candidates)
	for _, right := range close {
		var edits []Edit
		for _, f := range r.Files {
			edits = append(edits, r.respell(f, module, c.Cause.Symbol, right)...)
		}
		out = append(out, one(len(close) == 1, edits, []string{fmt.Sprintf("there is no %s, and %s is the one name that is one slip away", wrong, right)},
			"Correct the import of %s", right)...)
	}
	return out
}

// respell corrects the import statements of one file, and the uses of a name that
// they bind.
func (r *Repo) respell(f source.File, module, symbol, right string) (out []Edit) {
	lines := r.lines(f.Path)
	for _, imp := range f.Imports {
		if imp.Module != module || imp.Line > len(lines) || IsTest(f.Path) {
			continue
		}
		wrong := symbol
		if wrong == "" {
			wrong = module
		} else if !slices.ContainsFunc(imp.Names, func(n source.Name) bool { return n.Name == symbol }) {
			continue
		}
		line := word(wrong).ReplaceAllString(lines[imp.Line-1], right)
		if e, ok := lineEdit(f.Path, lines, imp.Line, line); ok && line != lines[imp.Line-1] {
			out = append(out, e)
		}
	}
	return out
}

// exports are the names that can be imported from a module.
func (r *Repo) exports(m ci.Module) []string {
	var out []string
	for _, d := range m.Defs {
		if d.Kind != ci.DefModule && !strings.Contains(d.Name, ".") {
			out = append(out, d.Name)
		}
	}
	for _, line := range r.lines(m.File) {
		if name := regexp.MustCompile(`^([A-Za-z_]\w*)\s*(?::[^=]+)?=[^=]`).FindStringSubmatch(line); name != nil {
			out = append(out, name[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// builtins are the names that need no import.
const builtins = "abs aiter all any anext ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate eval exec filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len list locals map max memoryview min next object oct open ord pow print property range repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip"

// misspeltName corrects a name on the lines that fail.
func misspeltName(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Class != ci.ClassName || c.Cause.Symbol == "" {
		return nil
	}
	return r.correct(c, c.Cause.Symbol, func(file string) []string {
		text, _ := r.Read(file)
		return slices.Concat(identifiers(text), strings.Fields(builtins))
	}, `()\b%s\b()`)
}

// misspeltAttribute corrects an attribute on the lines that fail.
func misspeltAttribute(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Class != ci.ClassAttribute || c.Cause.Symbol == "" || c.Cause.Type == "" || c.Cause.Type == "NoneType" {
		return nil
	}
	members := r.members(c.Cause.Type)
	if hint := suggested(c); hint != "" && !slices.Contains(members, hint) {
		members = append(members, hint) // CPython looked at the object itself
	}
	return r.correct(c, c.Cause.Symbol, func(string) []string { return members }, `(\.)%s\b()`)
}

// suggested is CPython's own "Did you mean".
func suggested(c ci.Cluster) string {
	for _, m := range c.Members {
		if found := regexp.MustCompile(`Did you mean: '(\w+)'`).FindStringSubmatch(m.Message); found != nil {
			return found[1]
		}
	}
	return ""
}

// members are the attributes that a class of ours, or a module of ours, has.
func (r *Repo) members(owner string) []string {
	if m, ok := r.module(owner); ok {
		return r.exports(m)
	}
	owner = owner[strings.LastIndexByte(owner, '.')+1:]
	var out []string
	for _, m := range r.modules() {
		for _, d := range m.Defs {
			if d.Name != owner || d.Kind != ci.DefClass {
				if rest, ok := strings.CutPrefix(d.Name, owner+"."); ok && !strings.Contains(rest, ".") {
					out = append(out, rest)
				}
				continue
			}
			lines := r.lines(m.File)
			for _, line := range lines[min(d.First, len(lines)):min(d.Last, len(lines))] {
				if set := regexp.MustCompile(`self\.(\w+)\s*(?::[^=]+)?=[^=]|^    (\w+)\s*[:=]`).FindStringSubmatch(line); set != nil {
					out = append(out, set[1]+set[2])
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// correct replaces a wrong name by the one candidate that is a slip away, on each
// line that failed because of it.
func (r *Repo) correct(c ci.Cluster, wrong string, candidates func(file string) []string, shape string) []Proposal {
	at := places(c, r)
	if len(at) == 0 {
		return nil
	}
	pattern := regexp.MustCompile(fmt.Sprintf(shape, regexp.QuoteMeta(wrong)))
	close := near(wrong, candidates(at[0].File))
	var out []Proposal
	for _, right := range close {
		var edits []Edit
		lines := map[string][]string{}
		for _, p := range at {
			text := r.lines(p.File)
			if p.Line > len(text) || !pattern.MatchString(text[p.Line-1]) || slices.Contains(lines[p.File], text[p.Line-1]) {
				continue
			}
			lines[p.File] = append(lines[p.File], text[p.Line-1])
			if e, ok := lineEdit(p.File, text, p.Line, pattern.ReplaceAllString(text[p.Line-1], "${1}"+right+"${2}")); ok {
				edits = append(edits, e)
			}
		}
		out = append(out, one(len(close) == 1, edits, []string{fmt.Sprintf("there is no %s, and %s is the one name that is one slip away", wrong, right)},
			"Correct %s to %s", wrong, right)...)
	}
	return out
}

// misspeltKeyword corrects a keyword argument at the call.
func misspeltKeyword(c ci.Cluster, r *Repo) []Proposal {
	if c.Cause.Class != ci.ClassType {
		return nil
	}
	var function, keyword string
	for _, m := range c.Members {
		if found := regexp.MustCompile(`([\w.]+)\(\) got an unexpected keyword argument '(\w+)'`).FindStringSubmatch(m.Message); found != nil {
			function, keyword = found[1], found[2]
		}
	}
	if keyword == "" {
		return nil
	}
	parameters := r.parameters(function)
	if hint := suggested(c); hint != "" {
		parameters = append(parameters, hint)
	}
	return r.correct(c, keyword, func(string) []string { return parameters }, `()\b%s(\s*=)`)
}

// parameters are those of the one function of ours that has the name.
func (r *Repo) parameters(function string) []string {
	function = strings.TrimSuffix(function, ".__init__")
	var out []string
	for _, m := range r.modules() {
		for _, d := range m.Defs {
			if d.Name != function && !strings.HasSuffix(d.Name, "."+function) && d.Name != function+".__init__" {
				continue
			}
			lines := r.lines(m.File)
			head := strings.Join(lines[min(max(d.Line-1, 0), len(lines)):min(d.Line+8, len(lines))], "\n")
			if d.Kind == ci.DefClass { // a dataclass
				continue
			}
			_, head, _ = strings.Cut(head, "(")
			head, _, _ = strings.Cut(head, "):")
			for _, part := range regexp.MustCompile(`(?:^|,)\s*\*{0,2}(\w+)`).FindAllStringSubmatch(head, -1) {
				out = append(out, part[1])
			}
		}
	}
	return out
}

// trailingBreakpoint deletes a breakpoint that a test stopped at.
func trailingBreakpoint(c ci.Cluster, r *Repo) []Proposal {
	stop := regexp.MustCompile(`^\s*(breakpoint\(\)|import i?pdb; ?i?pdb\.set_trace\(\)|i?pdb\.set_trace\(\))\s*$`)
	for _, p := range places(c, r) {
		lines := r.lines(p.File)
		for _, n := range []int{p.Line, p.Line - 1} { // the debugger stops at the next line
			if n < 1 || n > len(lines) || !stop.MatchString(lines[n-1]) || !standsBesideOthers(lines, n) {
				continue
			}
			if e, ok := rangeEdit(p.File, lines, n, n); ok {
				return one(true, []Edit{e}, []string{fmt.Sprintf("%s:%d stops at a breakpoint", p.File, n)}, "Remove a breakpoint from %s", p.File)
			}
		}
	}
	return nil
}

// standsBesideOthers: the line's block has another statement, so that it may go.
func standsBesideOthers(lines []string, n int) bool {
	indent := indentOf(lines[n-1 : n])
	same := func(i int) bool {
		return i >= 0 && i < len(lines) && strings.TrimSpace(lines[i]) != "" && indentOf(lines[i:i+1]) == indent
	}
	return same(n) || same(n-2)
}
