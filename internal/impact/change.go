package impact

import (
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

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
