package impact

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Dynamic is a map of who ran what, and what changed since it was made.
type Dynamic struct {
	*Map
	Since  []ci.FileChange  // everything that changed since
	Deltas map[string]Delta // by path: every Python file of it
	Go     map[string]Delta // and every Go file
	// Texts yields every Python file of the tree that is tested.
	Texts func(yield func(file string, text []byte)) error
}

// Delta is a Python file before and after.
type Delta struct {
	Old, New         []ci.Definition // nil: it was not there, or is gone
	OldText, NewText []byte
	Broken           bool // either does not parse: everything in it may have changed
}

// collected are the tests of a file that the map knows and that are still
// there: defined in the file, or, as ever, inherited or made by others.
func (d *Dynamic) collected(file string, defined map[string]bool) []ci.TestID {
	var out []ci.TestID
	prefix := file + "::"
	delta, changed := d.Deltas[file]
	was := map[string]bool{}
	for _, def := range delta.Old {
		was[def.Name] = true
	}
	i, _ := slices.BinarySearch(d.Map.Collected, ci.TestID(prefix))
	for ; i < len(d.Map.Collected) && strings.HasPrefix(string(d.Map.Collected[i]), prefix); i++ {
		id := d.Map.Collected[i]
		name := strings.ReplaceAll(string(id[len(prefix):]), "::", ".")
		class, _, method := strings.Cut(name, ".")
		if !changed || defined[name] || !was[name] && (!method || defined[class]) {
			out = append(out, id)
		}
	}
	return out
}

// dynamic is the work of selecting by a map.
type dynamic struct {
	*Dynamic
	s        *selection
	file     map[string]uint32
	names    map[string]*taintedName
	defs     map[Def]string    // tainted definitions → why
	closed   map[string]string // files whose loading is tainted → why
	todo     []string          // names that are to be looked for
	everyone string            // why every test is reached; empty: it is not
	seen     map[string]bool   // "from x import y" of what did not change
	words    map[string]bool   // words of the file that is weighed
	byFile   map[string][]ci.Definition
	from     map[string][]ci.ImportEdge // by the file that is imported
	origin   string                     // the changed file that is looked at
}

// taintedName is a name of which something depends on what changed.
type taintedName struct {
	origin   string          // the changed file
	anywhere bool            // a member or a fixture: no import says who means it
	removed  bool            // nobody binds it any more: what imports it fails
	files    map[string]bool // where the bare name means it; behind a dot and in strings it does everywhere
}

func newDynamic(s *selection) *dynamic {
	d := &dynamic{
		Dynamic: s.in.Map, s: s, file: map[string]uint32{}, names: map[string]*taintedName{}, defs: map[Def]string{}, closed: map[string]string{},
		byFile: map[string][]ci.Definition{},
	}
	for i, f := range d.Files {
		d.file[f] = uint32(i)
	}
	for _, m := range s.in.Graph.Modules {
		if !m.External && len(m.Defs) > 0 && path.Ext(m.File) != "" {
			d.byFile[m.File] = m.Defs
		}
	}
	return d
}

// links are the imports that were seen to happen.
func (d *Dynamic) links() []Link {
	var out []Link
	for _, l := range d.Loads {
		for _, by := range l.By {
			out = append(out, Link{d.Files[by], d.Files[l.File], "loads"})
		}
	}
	return out
}

// select finds every test that a change since the map can reach.
func (d *dynamic) selectTests() {
	for _, file := range sortedKeys(d.Deltas) {
		d.origin = file
		d.delta(file, d.Deltas[file])
	}
	for len(d.todo) > 0 && d.everyone == "" {
		names := d.todo
		d.todo = nil
		d.mentions(names)
	}
	d.apply()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// delta finds what one changed file taints.
func (d *dynamic) delta(file string, delta Delta) {
	_, loaded := d.file[file]
	switch {
	case delta.New == nil, delta.Old == nil, delta.Broken, d.Lines, slices.Contains(d.Dirty, file), d.s.in.Wide[KindRuns], !loaded:
		d.close(file, file+" changed")
		for _, def := range delta.Old {
			d.taint(Def{Name: def.Name}, file, file+" changed")
		}
		return
	}
	old, now := byName(delta.Old), byName(delta.New)
	for name, before := range old {
		after, there := now[name]
		if there && slices.Equal(before.hashes, after.hashes) {
			continue
		}
		if name == "<module>" {
			continue
		}
		why := fmt.Sprintf("%s changed", file+"::"+name)
		d.taint(Def{Name: name}, file, why)
		if before.kind == ci.DefClass {
			for other := range old {
				if strings.HasPrefix(other, name+".") {
					d.taint(Def{Name: other}, file, why)
				}
			}
		}
	}
	d.scopes(file, delta, old, now)
}

type group struct {
	kind   ci.DefKind
	hashes []uint64
}

// byName groups definitions: overloads and setters share a name.
func byName(defs []ci.Definition) map[string]group {
	out := make(map[string]group, len(defs))
	for _, d := range defs {
		name := d.Name
		g := out[name]
		g.kind = d.Kind
		g.hashes = append(g.hashes, d.Hash)
		out[name] = g
	}
	return out
}

// scopes compares the statements that run at load, where their scope changed,
// and looks at the decorators of functions whose body did.
func (d *dynamic) scopes(file string, delta Delta, old, now map[string]group) {
	before, after := statements(delta.OldText, delta.Old), statements(delta.NewText, delta.New)
	d.decorated(file, append(slices.Clone(before), after...), old, now)
	changed := map[string]bool{}
	for name, g := range old {
		if h, there := now[name]; (name == "<module>" || g.kind == ci.DefClass) && (!there || !slices.Equal(g.hashes, h.hashes)) {
			changed[scopeName(name)] = true
		}
	}
	for name, g := range now {
		if _, there := old[name]; g.kind == ci.DefClass && !there {
			changed[name] = true
		}
	}
	if len(changed) == 0 {
		return
	}
	d.words = map[string]bool{}
	d.imports(before)
	gone, come := differences(before, after, changed)
	if len(gone)+len(come) == 0 && len(before) == len(after) {
		d.close(file, "the order of statements changed in "+file)
		return
	}
	bound := map[string]bool{}
	for _, s := range after {
		for _, n := range effectOf(s, func(string) bool { return true }).names {
			bound[s.scope+"."+n] = true
		}
	}
	for _, s := range come {
		if strings.HasPrefix(s.text, "import ") || strings.HasPrefix(s.text, "from ") {
			d.imports([]statement{s})
		}
	}
	seen := d.known(before)
	for _, s := range come {
		d.statement(file, s, seen)
	}
	for _, s := range gone {
		d.statement(file, s, seen)
		if s.scope != "" {
			continue
		}
		for _, n := range effectOf(s, seen).names {
			if t, known := d.names[n]; known && !bound["."+n] {
				t.removed = true
			}
		}
	}
}

func scopeName(name string) string {
	if name == "<module>" {
		return ""
	}
	return name
}

// differences are the statements of changed scopes that are in one of two
// versions only.
func differences(before, after []statement, changed map[string]bool) (gone, come []statement) {
	type key struct{ scope, text string }
	count, had := map[key]int{}, map[key]bool{}
	for _, s := range before {
		count[key{s.scope, s.text}]++
		had[key{s.scope, s.text}] = !s.nested
	}
	for _, s := range after {
		k := key{s.scope, s.text}
		again := had[k] && (strings.HasPrefix(s.text, "import ") || strings.HasPrefix(s.text, "from "))
		if count[k]--; count[k] < 0 && changed[s.scope] && !again {
			come = append(come, s)
		}
	}
	for i := len(before) - 1; i >= 0; i-- {
		k := key{before[i].scope, before[i].text}
		if count[k] > 0 && changed[k.scope] {
			count[k]--
			gone = append(gone, before[i])
		}
	}
	return gone, come
}

// decorated taints the names of changed functions whose decorator is not known
// to be calm: it may keep results, or have told somebody of the function.
func (d *dynamic) decorated(file string, all []statement, old, now map[string]group) {
	for _, s := range all {
		if s.def == "" || len(s.decorators) == 0 {
			continue
		}
		a, b := old[s.def], now[s.def]
		if slices.Equal(a.hashes, b.hashes) {
			continue
		}
		for _, decorator := range s.decorators {
			name, _, _ := strings.Cut(decorator, "(")
			if !isCalm(decorator) || strings.HasSuffix(name, "cache") || strings.HasSuffix(name, "cached_property") {
				d.nameOf(file, s, last(s.def))
			}
		}
	}
}

// imports notes what can be relied upon: words and imports that were there.
func (d *dynamic) imports(before []statement) {
	for _, s := range before {
		for _, w := range words(s.text) {
			d.words[w] = true
		}
		for _, decorator := range s.decorators {
			d.words["@"+decorator] = true
		}
	}
}

// known reports whether an import or a name is used by code that did not change.
func (d *dynamic) known(before []statement) func(string) bool {
	if d.seen == nil {
		d.seen = map[string]bool{}
		for _, e := range d.s.in.Graph.Imports {
			from, to := d.s.in.Graph.Modules[e.From], d.s.in.Graph.Modules[e.To]
			if _, changed := d.Deltas[from.File]; changed || !to.External {
				continue
			}
			d.seen["import "+to.Name] = true
			for _, n := range e.Names {
				d.seen["from "+to.Name+" import "+n] = true
			}
		}
	}
	ours := map[string]bool{}
	for _, s := range before {
		if !s.nested && (strings.HasPrefix(s.text, "from ") || strings.HasPrefix(s.text, "import ")) {
			for _, key := range importKeys(s.text) {
				ours[key] = true
			}
		}
	}
	return func(word string) bool {
		if strings.HasPrefix(word, "import ") || strings.HasPrefix(word, "from ") {
			return d.seen[word] || ours[word]
		}
		if strings.HasPrefix(word, "@") {
			return d.words[word]
		}
		head, _, _ := strings.Cut(word, ".")
		return d.words[head] || slices.Contains(builtins, head)
	}
}

// importKeys are the single imports of a statement, as importEffect asks for them.
func importKeys(text string) []string {
	var out []string
	importEffect(text, func(key string) bool { out = append(out, key); return true })
	return out
}

// statement taints what a statement that came, or is gone, binds or does.
func (d *dynamic) statement(file string, s statement, seen func(string) bool) {
	e := effectOf(s, seen)
	if s.scope != "" && !e.nothing {
		d.member(file, s, &e)
	}
	switch {
	case e.nothing:
	case e.anything, d.s.in.Wide[KindNames]:
		d.close(file, fmt.Sprintf("%s changed: %s", file, short(s.text)))
	default:
		for _, n := range e.names {
			if n != "__all__" {
				d.nameOf(file, s, n)
			}
		}
	}
}

// nameOf marks a name that a statement binds.
func (d *dynamic) nameOf(file string, s statement, n string) {
	fixture := slices.ContainsFunc(s.decorators, func(d string) bool { return strings.Contains(d, "fixture") })
	switch {
	case s.scope != "" || strings.Contains(s.def, "."):
		d.name(n, "")
		class := s.scope
		if class == "" {
			class, _, _ = strings.Cut(s.def, ".")
		}
		d.name(last(class), file)
	case fixture:
		d.name(n, "")
	default:
		d.name(n, file)
	}
}

// member taints the class of a member that came or is gone: who has an instance
// may notice, whatever it calls.
func (d *dynamic) member(file string, s statement, e *effect) {
	why := fmt.Sprintf("%s changed: %s", file+"::"+s.scope, short(s.text))
	d.name(last(s.scope), file)
	for _, def := range append(slices.Clone(d.Deltas[file].Old), d.Deltas[file].New...) {
		if def.Name == s.scope || strings.HasPrefix(def.Name, s.scope+".") {
			d.taint(Def{Name: def.Name}, file, why)
		}
	}
	if s.def == "" && !d.plainClass(file, s.scope) {
		e.anything = true // fields of a dataclass, members of an enumeration, columns of a model
	}
}

// plainClass reports whether creating a class does nothing but that.
func (d *dynamic) plainClass(file, class string) bool {
	delta := d.Deltas[file]
	for _, version := range [][]statement{statements(delta.OldText, delta.Old), statements(delta.NewText, delta.New)} {
		for _, s := range version {
			if s.def == class && (defEffect(s, func(string) bool { return true }).anything || len(s.decorators) > 0) {
				return false
			}
		}
	}
	return true
}

func short(text string) string {
	if len(text) <= 60 {
		return text
	}
	return strings.ToValidUTF8(text[:57], "") + "…"
}

// taint marks a definition: who ran it is reached.
func (d *dynamic) taint(def Def, file, why string) {
	i, known := d.file[file]
	if !known {
		return
	}
	def.File = i
	if _, seen := d.defs[def]; !seen {
		d.defs[def] = why
	}
}

// close marks the loading of a file: whoever loads it is reached.
func (d *dynamic) close(file, why string) {
	if _, seen := d.closed[file]; !seen {
		d.closed[file] = why
	}
}

// name marks a name of a module, and of those that import it from there; an
// empty file means that it may be meant anywhere.
func (d *dynamic) name(n, file string) {
	if n == "" || n == "*" {
		return
	}
	t, known := d.names[n]
	if !known {
		t = &taintedName{origin: d.origin, files: map[string]bool{}}
		d.names[n] = t
	}
	switch {
	case t.anywhere, file != "" && t.files[file]:
		return
	case file == "":
		t.anywhere = true
	default:
		d.importers(n, file, t.files)
	}
	d.todo = append(d.todo, n)
}

// importers adds the files in which the bare name means what it does in one.
func (d *dynamic) importers(n, file string, files map[string]bool) {
	if d.from == nil {
		d.from = map[string][]ci.ImportEdge{}
		for _, e := range d.s.in.Graph.Imports {
			if to := d.s.in.Graph.Modules[e.To]; !to.External {
				d.from[to.File] = append(d.from[to.File], e)
			}
		}
	}
	queue := []string{file}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if files[at] {
			continue
		}
		files[at] = true
		for _, e := range d.from[at] {
			if slices.Contains(e.Names, n) || slices.Contains(e.Names, "*") {
				queue = append(queue, d.s.in.Graph.Modules[e.From].File)
			}
		}
	}
}

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

// apply selects the tests that what is tainted reaches.
func (d *dynamic) apply() {
	tainted := make([]bool, len(d.Defs))
	why := make([]string, len(d.Defs))
	mark := func(def uint32, because string) {
		if !tainted[def] {
			tainted[def], why[def] = true, because
		}
	}
	for i, def := range d.Defs {
		if because, ok := d.defs[def]; ok {
			mark(uint32(i), because)
		}
	}
	for _, l := range d.Loads { // what ran while a module was loaded is part of it
		for _, def := range l.Defs {
			if tainted[def] && d.Defs[def].Name != "<module>" {
				d.close(d.Files[l.File], fmt.Sprintf("%s runs %s::%s when it is loaded", d.Files[l.File], d.Files[d.Defs[def].File], d.Defs[def].Name))
				break
			}
		}
	}
	for _, def := range d.Session.Defs {
		if tainted[def] {
			d.everyone = fmt.Sprintf("%s::%s runs between tests, and %s", d.Files[d.Defs[def].File], d.Defs[def].Name, why[def])
		}
	}
	loaders := d.loaders()
	through := make([]bool, len(d.Files))
	for i, f := range d.Files {
		_, through[i] = loaders[f]
	}
	unrecorded := map[int]bool{}
	for i, t := range d.s.u.tests {
		if !d.applyTo(i, t, tainted, why, through, loaders) {
			unrecorded[i] = true
		}
	}
	d.static(unrecorded)
	d.renamed()
}

// loaders walks from the files whose loading is tainted to all who load them.
func (d *dynamic) loaders() map[string]reached {
	out := map[string]reached{}
	for _, file := range sortedKeys(d.closed) {
		for _, r := range []*reach{d.s.now, d.s.before} {
			if r == nil {
				continue
			}
			back := r.from(r.modules(file))
			for module := range back {
				if name := r.file(module); out[name].why == "" {
					out[name] = reached{r, back, module, d.closed[file]}
				}
			}
		}
		if out[file].why == "" {
			out[file] = reached{why: d.closed[file]}
		}
	}
	for _, l := range d.Loads {
		if because, ok := d.closed[d.Files[l.File]]; ok && l.Anyone && !d.byItself(d.Files[l.File]) {
			d.everyone = cmp.Or(d.everyone, because+", and it is loaded for every test")
		}
	}
	return out
}

// reached is a file that loads a tainted one.
type reached struct {
	r      *reach
	back   map[int]loader
	module int
	why    string
}

// byItself reports whether pytest loads a file for the tests in its folder only.
func (d *dynamic) byItself(file string) bool {
	base := path.Base(file)
	return base == "conftest.py" || base == "__init__.py" || d.s.in.Config.isTestFile(file)
}

// applyTo selects one test, if anything tainted reaches it. Recorded is false
// where nobody knows what it does.
func (d *dynamic) applyTo(i int, t Test, tainted []bool, why []string, through []bool, loaders map[string]reached) (recorded bool) {
	if d.everyone != "" {
		return d.s.choose(i, KindRuns, d.everyone, nil) || true
	}
	row, recorded := d.Row(t.ID)
	for _, def := range row.Defs {
		if tainted[def] {
			d.ran(i, t, d.Files[d.Defs[def].File]+"::"+d.Defs[def].Name, why[def])
			return true
		}
	}
	file := t.File
	from, hit := loaders[file]
	for k := 0; !hit && k < len(row.Defs); k++ {
		if f := d.Defs[row.Defs[k]].File; through[f] {
			file = d.Files[f]
			from, hit = loaders[file]
		}
	}
	for k := 0; !hit && k < len(row.Loads); k++ {
		file = d.Files[row.Loads[k]]
		from, hit = loaders[file]
	}
	switch {
	case hit:
		d.s.choose(i, KindImport, "it loads "+file+": "+from.why, d.steps(t, file, from))
	case row.Why != "" && len(d.Deltas) > 0:
		d.s.choose(i, KindAlways, "what it does cannot be recorded: "+row.Why, nil)
	}
	return recorded
}

// ran selects a test for a tainted definition that ran in it.
func (d *dynamic) ran(i int, t Test, name, why string) {
	kind, because := KindRuns, "it runs "+name+": "+why
	switch {
	case strings.HasPrefix(why, name):
		because = "it runs " + why
	case strings.HasPrefix(why, "it mentions"):
		kind = KindNames
	}
	d.s.choose(i, kind, because, []Step{{From: string(t.ID), To: name, How: "runs"}})
}

func (d *dynamic) steps(t Test, file string, from reached) []Step {
	var out []Step
	if file != t.File {
		out = append(out, Step{From: string(t.ID), To: file, How: "runs code of"})
	}
	if from.r != nil {
		out = append(out, from.r.path(from.back, from.module)...)
	}
	return out
}

// static selects the tests that nobody recorded by what they import.
func (d *dynamic) static(unrecorded map[int]bool) {
	if len(unrecorded) == 0 {
		return
	}
	for _, file := range sortedKeys(d.Deltas) {
		for _, r := range []*reach{d.s.now, d.s.before} {
			if r != nil {
				d.s.importers(r, file, func(test int) bool { return unrecorded[test] })
			}
		}
	}
}

// renamed selects the whole file of a test that is inherited from where its
// name is gone: it may not be there any more, and pytest refuses a name that is
// not.
func (d *dynamic) renamed() {
	gone := map[string]bool{}
	for _, delta := range d.Deltas {
		now := byName(delta.New)
		for _, def := range delta.Old {
			if _, there := now[def.Name]; !there {
				gone[last(def.Name)] = true
			}
		}
	}
	if len(gone) == 0 {
		return
	}
	for _, t := range d.s.u.tests {
		id := string(t.ID)
		if !gone[id[strings.LastIndexByte(id, ':')+1:]] {
			continue
		}
		for _, other := range d.s.u.byFile[t.File] {
			d.s.choose(other, KindNames, "a test that its file inherited may be gone", nil)
		}
	}
}

// readers selects who opened a file, and where one came or is gone also who
// listed its folder; known is false where nobody did.
func (s *selection) readers(name string, f ci.FileChange) (Cause, bool) {
	if s.in.Map == nil || s.in.Wide[KindReads] {
		return Cause{}, false
	}
	m := s.in.Map.Map
	cause := Cause{File: name, Kind: KindReads, Text: "who reads it"}
	at, folder := -1, -1
	for i, file := range m.Files {
		switch file {
		case name:
			at = i
		case path.Dir(name):
			folder = i
		}
	}
	has := func(list []uint32, i int) bool {
		_, ok := slices.BinarySearch(list, uint32(i))
		return i >= 0 && ok
	}
	if f.Status != "A" && f.Status != "D" && f.Status != "R" && f.Status != "C" {
		folder = -1
	}
	known := has(m.Session.Reads, at)
	for i, t := range s.u.tests {
		row, _ := m.Row(t.ID)
		switch {
		case has(m.Session.Reads, at):
			s.choose(i, KindReads, name+" changed, and it is read for every test", nil)
		case has(row.Reads, at):
			s.choose(i, KindReads, "it reads "+name+", which changed", []Step{{From: string(t.ID), To: name, How: "reads"}})
		case has(row.Lists, folder):
			s.choose(i, KindReads, "it lists the folder of "+name, []Step{{From: string(t.ID), To: path.Dir(name), How: "lists"}})
		default:
			continue
		}
		cause.Tests++
		known = true
	}
	for _, l := range m.Loads {
		if has(l.Reads, at) {
			n, _ := s.importers(s.now, m.Files[l.File], nil)
			cause.Tests += n
			known = true
		}
	}
	if known {
		for i, t := range s.u.tests {
			if row, recorded := m.Row(t.ID); !recorded || row.Why != "" {
				s.choose(i, KindAlways, "what it reads is not known", nil)
			}
		}
	}
	return cause, known
}

// dynamic selects by the map; known is false where there is none.
func (s *selection) dynamic(name string) (Cause, bool) {
	if s.in.Map == nil || !strings.HasPrefix(path.Ext(name), ".py") {
		return Cause{}, false
	}
	if !s.mapped {
		s.mapped = true
		newDynamic(s).selectTests()
	}
	cause := Cause{File: name, Kind: KindRuns, Text: "who runs what changed in it"}
	if delta, changed := s.in.Map.Deltas[name]; !changed || slices.EqualFunc(delta.Old, delta.New, sameDefinition) && !delta.Broken {
		cause.Text = "comments and layout only"
	}
	for _, c := range s.chosen {
		if c.Kind != "" && strings.Contains(c.Because, name) {
			cause.Tests++
		}
	}
	if text, known := s.readers(name, ci.FileChange{}); known {
		cause.Tests += text.Tests
	}
	return cause, true
}

func sameDefinition(a, b ci.Definition) bool { return a.Name == b.Name && a.Hash == b.Hash }
