package heal

import (
	"fmt"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// goFixers know what the Go compiler says.
var goFixers = []Fixer{
	{"missing-go-import", "a package is used that the standard library or the repository has once under that name", Rate{Right: 5}, missingGoImport},
	{"unused-go-import", "a package is imported and not used", Rate{Right: 1}, unusedGoImport},
	{"misspelt-go-name", "a function, method or field is one slip away from one that is there", Rate{}, misspeltGoName},
}

// reported is one line of the compiler.
type reported struct {
	at   ci.Position
	text string
}

// compiler lists what the members say, each line once. A member whose position is
// not in the repository is left out.
func compiler(c ci.Cluster, r *Repo) []reported {
	var out []reported
	add := func(at ci.Position, text string) {
		at.Col = 0
		if row := (reported{at, strings.TrimSpace(text)}); at.Line > 0 && path.Ext(at.File) == ".go" && r.lines(at.File) != nil && !slices.Contains(out, row) {
			out = append(out, row)
		}
	}
	place := regexp.MustCompile(`(?m)^(?:vet: )?(?:\./)?([\w./-]+\.go):(\d+)(?::\d+)?: (.*)$`)
	for _, m := range c.Members {
		for line := range strings.Lines(m.Message) {
			add(m.Pos, line)
		}
		for _, row := range place.FindAllStringSubmatch(m.Message+"\n"+m.Details, -1) {
			if n, err := strconv.Atoi(row[2]); err == nil {
				add(ci.Position{File: row[1], Line: n}, row[3])
			}
		}
	}
	return out[:min(len(out), maxPlaces)]
}

// missingGoImport adds the import of a package to each file that lacks it.
func missingGoImport(c ci.Cluster, r *Repo) []Proposal {
	undefined := regexp.MustCompile(`^undefined: (\w+)$`)
	wanted := map[string][]string{} // package's name → files
	var names []string
	for _, row := range compiler(c, r) {
		m := undefined.FindStringSubmatch(row.text)
		if m == nil {
			continue
		}
		lines := r.lines(row.at.File)
		if row.at.Line > len(lines) || !strings.Contains(lines[row.at.Line-1], m[1]+".") {
			continue
		}
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
		if !slices.Contains(wanted[m[1]], row.at.File) {
			wanted[m[1]] = append(wanted[m[1]], row.at.File)
		}
	}
	var edits []Edit
	var because []string
	for _, name := range names {
		paths := r.goPackages(name)
		if len(paths) != 1 {
			return nil
		}
		because = append(because, fmt.Sprintf("%s is used and not imported; the one package of that name is %q", name, paths[0]))
		for _, file := range wanted[name] {
			e, ok := r.addGoImport(file, paths[0])
			if !ok || slices.ContainsFunc(edits, func(x Edit) bool { return x.Path == file }) {
				return nil
			}
			edits = append(edits, e)
		}
	}
	return one(true, edits, because, "Add missing %s import", strings.Join(names, ", "))
}

// goPackages are the import paths whose package has the name: what other files of
// the repository import by it, else what the standard library has.
func (r *Repo) goPackages(name string) []string {
	var out []string
	add := func(p string) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, f := range r.Files {
		if path.Ext(f.Path) != ".go" {
			continue
		}
		for _, imp := range f.Imports {
			if imp.As == name || imp.As == "" && goName(imp.Module) == name {
				add(imp.Module)
			}
		}
	}
	for _, m := range r.modules() {
		if goName(m.Name) == name && !strings.HasSuffix(m.File, ".py") {
			add(m.Name)
		}
	}
	if len(out) > 0 {
		return out
	}
	for p := range strings.FieldsSeq(goStandard) {
		if goName(p) == name {
			add(p)
		}
	}
	return out
}

// goName is what a package is called by default: the last element that is no
// version.
func goName(p string) string {
	name := path.Base(p)
	if regexp.MustCompile(`^v\d+$`).MatchString(name) {
		name = path.Base(path.Dir(p))
	}
	return name
}

// addGoImport adds a line to the import declaration, in order.
func (r *Repo) addGoImport(file, module string) (Edit, bool) {
	text, ok := r.Read(file)
	if !ok {
		return Edit{}, false
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, text, parser.ImportsOnly)
	if err != nil {
		return Edit{}, false
	}
	lines := strings.Split(text, "\n")
	quoted := strconv.Quote(module)
	if len(parsed.Imports) == 0 {
		return insert(file, lines, fset.Position(parsed.Name.End()).Line, "", "import "+quoted)
	}
	standard := func(p string) bool { first, _, _ := strings.Cut(p, "/"); return !strings.Contains(first, ".") }
	at, before := 0, false
	for _, imp := range parsed.Imports {
		line := fset.Position(imp.Pos()).Line
		have, _ := strconv.Unquote(imp.Path.Value) // the parser read it
		if strings.HasPrefix(lines[line-1], "import ") {
			return insert(file, lines, line, "import "+quoted)
		}
		switch {
		case standard(have) == standard(module) && have < module:
			at, before = line, false
		case standard(have) == standard(module) && at == 0:
			at, before = line, true
		}
	}
	if at == 0 {
		last := fset.Position(parsed.Imports[len(parsed.Imports)-1].Pos()).Line
		if standard(module) {
			first := fset.Position(parsed.Imports[0].Pos()).Line
			return rangeEdit(file, lines, first, first-1, "\t"+quoted, "")
		}
		return insert(file, lines, last, "", "\t"+quoted)
	}
	if before {
		return rangeEdit(file, lines, at, at-1, "\t"+quoted)
	}
	return insert(file, lines, at, "\t"+quoted)
}

// unusedGoImport deletes imports that the compiler says are not used.
func unusedGoImport(c ci.Cluster, r *Repo) []Proposal {
	unused := regexp.MustCompile(`^"([^"]+)" imported (?:as \w+ )?and not used`)
	var edits []Edit
	var names []string
	for _, row := range compiler(c, r) {
		m := unused.FindStringSubmatch(row.text)
		lines := r.lines(row.at.File)
		if m == nil || row.at.Line > len(lines) || !strings.HasSuffix(strings.TrimSpace(lines[row.at.Line-1]), strconv.Quote(m[1])) {
			continue
		}
		if e, ok := rangeEdit(row.at.File, lines, row.at.Line, row.at.Line); ok {
			edits = append(edits, e)
			names = append(names, m[1])
		}
	}
	return one(true, edits, []string{"the compiler says that nothing uses it"}, "Remove unused import of %s", strings.Join(names, ", "))
}

// misspeltGoName corrects what the compiler cannot find.
func misspeltGoName(c ci.Cluster, r *Repo) []Proposal {
	shapes := []*regexp.Regexp{
		regexp.MustCompile(`^[\w.()]+\.(\w+) undefined \(type \*?(?:\w+\.)?(\w+) has no field or method`),
		regexp.MustCompile(`^undefined: (?:(\w+)\.)?(\w+)$`),
	}
	var edits []Edit
	var said []string
	sure := true
	for _, row := range compiler(c, r) {
		var wrong string
		var candidates []string
		if m := shapes[0].FindStringSubmatch(row.text); m != nil {
			wrong, candidates = m[1], r.goMembers(m[2])
		} else if m := shapes[1].FindStringSubmatch(row.text); m != nil {
			wrong, candidates = m[2], r.goNames(row.at.File, m[1])
		}
		lines := r.lines(row.at.File)
		close := near(wrong, candidates)
		if wrong == "" || row.at.Line > len(lines) || len(close) == 0 || slices.ContainsFunc(edits, func(e Edit) bool { return e.Path == row.at.File && strings.Contains(e.Old, lines[row.at.Line-1]) }) {
			continue
		}
		sure = sure && len(close) == 1
		if e, ok := lineEdit(row.at.File, lines, row.at.Line, word(wrong).ReplaceAllString(lines[row.at.Line-1], close[0])); ok {
			edits = append(edits, e)
			said = append(said, wrong+" to "+close[0])
		}
	}
	slices.Sort(said)
	return one(sure, edits, []string{"the compiler does not find it, and there is one name that is one slip away"}, "Correct %s", strings.Join(slices.Compact(said), ", "))
}

// goMembers are the methods and fields of a type, as far as the package's own
// files show them.
func (r *Repo) goMembers(owner string) []string {
	var out []string
	for _, f := range r.Files {
		if path.Ext(f.Path) != ".go" {
			continue
		}
		text, _ := r.Read(f.Path)
		for _, m := range regexp.MustCompile(`(?m)^func \(\w* ?\*?`+owner+`(?:\[[^\]]*\])?\) (\w+)\(`).FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
		}
		if _, body, found := strings.Cut(text, "type "+owner+" struct {\n"); found {
			body, _, _ = strings.Cut(body, "\n}")
			for _, m := range regexp.MustCompile(`(?m)^\t(\w+(?:, \w+)*)\s`).FindAllStringSubmatch(body, -1) {
				out = append(out, strings.Split(m[1], ", ")...)
			}
		}
	}

	slices.Sort(out)
	return slices.Compact(out)
}

// goNames are the names that could be meant: of the package's own files, or of
// another package as the repository and its tests use it.
func (r *Repo) goNames(file, qualifier string) []string {
	var out []string
	for _, f := range r.Files {
		text, _ := r.Read(f.Path)
		switch {
		case path.Ext(f.Path) != ".go":
		case qualifier != "":
			for _, m := range regexp.MustCompile(`\b`+qualifier+`\.([A-Z]\w*)`).FindAllStringSubmatch(text, -1) {
				out = append(out, m[1])
			}
		case path.Dir(f.Path) == path.Dir(file):
			for _, m := range regexp.MustCompile(`(?m)^(?:func|type|var|const|\t) ?(\w+)[ ([=]`).FindAllStringSubmatch(text, -1) {
				out = append(out, m[1])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
