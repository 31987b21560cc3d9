package impact

import (
	"path"
	"regexp"
	"strings"

	"keepgreen/internal/ci"
)

// Foreign makes a map of what another tool measured. It says less than our own
// recording does: a fixture of a wider scope is only seen in the test that came
// first, processes and files that are opened are not seen at all. Where the
// source shows that such things happen, what one test ran counts for all that
// may share it, and a test that may start a process always runs.
type Foreign struct {
	r      *Recording
	tool   string
	defs   map[string][]ci.Definition
	traits map[string]traits
}

// traits are what the text of a file lets expect of its tests.
type traits struct{ shares, spawns bool }

var (
	sharing  = regexp.MustCompile(`scope\s*=|setup_module|setup_class|setUpClass|setUpModule`)
	spawning = regexp.MustCompile(`\b(subprocess|multiprocessing|Popen|ProcessPoolExecutor|pytester|testdir|fork|system|spawn\w*|exec[lv]\w*)\b`)
)

// NewForeign begins a map of another tool's, of Python files with these texts.
func NewForeign(tool, python string, defs map[string][]ci.Definition, texts func(yield func(file string, text []byte)) error) (*Foreign, error) {
	f := &Foreign{r: NewRecording(), tool: tool, defs: defs, traits: map[string]traits{}}
	f.r.m.Python = python
	err := texts(func(file string, text []byte) {
		f.traits[file] = traits{sharing.Match(text), spawning.Match(text)}
	})
	return f, err
}

// Ran notes that a test ran something in a file. Lines tells which; nil: it is
// not known. An empty test stands for what ran between tests, or while modules
// were loaded.
func (f *Foreign) Ran(test ci.TestID, file string, lines func(first, last int) bool) {
	into := f.r.test(string(test))
	if test == "" {
		at := f.r.file(file)
		load, known := f.r.loads[at]
		if !known {
			load = &loadBag{bag: *newBag(), by: set{}}
			f.r.loads[at] = load
		}
		into = &load.bag
	}
	into.loads[f.r.file(file)] = struct{}{}
	for _, d := range f.defs[file] {
		if d.Kind == ci.DefModule {
			continue
		}
		first := d.Line
		if d.Last > d.Line { // the line of the "def" itself runs when it is defined
			first++
		}
		if lines == nil || lines(first, d.Last) {
			into.defs[f.r.def(file, d.Name)] = struct{}{}
		}
	}
}

// Map is the map of what was noted.
func (f *Foreign) Map(commit string, dirty []string) *Map {
	delete(f.r.tests, "")
	groups := map[string]*bag{}
	for id, b := range f.r.tests {
		f.r.collected[id] = true
		for d := range b.defs {
			if f.traits[f.r.m.Files[f.r.m.Defs[d].File]].spawns {
				b.why = "it may start processes, and " + f.tool + " does not follow them"
			}
		}
		for _, group := range f.sharedBy(id.File()) {
			if groups[group] == nil {
				groups[group] = newBag()
			}
			f.r.gather(groups[group], b, map[string]bool{})
		}
	}
	for id, b := range f.r.tests {
		for _, group := range f.sharedBy(id.File()) {
			f.r.gather(b, groups[group], map[string]bool{})
		}
	}
	m := f.r.Map(commit, dirty)
	m.Tool = f.tool
	return m
}

// sharedBy are the files whose wider fixtures a test may use: its own, and the
// conftest files above it.
func (f *Foreign) sharedBy(file string) []string {
	var out []string
	for _, name := range append(conftests(file), file) {
		if f.traits[name].shares {
			out = append(out, name)
		}
	}
	return out
}

// ContextTest is the test that a context of coverage.py names: pytest-cov's
// "node ID|phase", or test_function's dotted name, which dotted resolves. A
// context of another kind is no test.
func ContextTest(context string, dotted map[string]ci.TestID) (ci.TestID, bool) {
	name, _, _ := strings.Cut(context, "|")
	if name == "" {
		return "", true
	}
	if strings.Contains(name, "::") {
		id := ci.TestID(name).Base()
		return id, path.Ext(id.File()) == ".py"
	}
	id, ok := dotted[name]
	return id, ok
}

// Dotted are the tests by the name under which coverage.py's dynamic contexts
// know them.
func Dotted(in Input) map[string]ci.TestID {
	out := map[string]ci.TestID{}
	for _, t := range newUniverse(in).tests {
		name := t.ID.Dotted()
		out[name] = t.ID
		if i := strings.Index(name, "."); i >= 0 { // tests in a folder without an __init__.py go by the file's name alone
			parts := strings.SplitN(string(t.ID), "::", 2)
			if len(parts) == 2 {
				stem := strings.TrimSuffix(path.Base(parts[0]), ".py")
				short := stem + "." + strings.ReplaceAll(parts[1], "::", ".")
				if other, taken := out[short]; !taken || other == t.ID {
					out[short] = t.ID
				}
			}
		}
	}
	return out
}
