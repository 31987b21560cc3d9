package arch

import (
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// view is the graph as a contract sees it: the modules and imports of its scope.
// What lies outside its root packages is a dependency, known by the first part
// of its name and without imports of its own.
type view struct {
	graph ci.Graph
	roots []string
	names []string // of each module; empty: not in view
	out   [][]int  // of each module: indexes of Graph.Imports, one for each pair
	found map[string][]int
}

func (n *net) scoped(s ci.ContractScope) *view {
	v := &view{graph: n.graph, roots: s.Roots, names: make([]string, len(n.graph.Modules)), out: make([][]int, len(n.graph.Modules)), found: map[string][]int{}}
	inside := make([]bool, len(v.names))
	for i, m := range n.graph.Modules {
		inside[i] = !m.External && v.own(m.Name)
		switch {
		case inside[i] || !s.Internal && (m.External || strings.Contains(m.Name, "/")):
			v.names[i] = m.Name
		case !s.Internal:
			v.names[i], _, _ = strings.Cut(m.Name, ".")
		}
	}
	for i, e := range n.graph.Imports {
		if !inside[e.From] || v.names[e.To] == "" || s.NoTyping && e.Kind == ci.ImportTyping || s.Static && e.Dynamic {
			continue
		}
		if list := v.out[e.From]; len(list) == 0 || n.graph.Imports[list[len(list)-1]].To != e.To { // edges are sorted
			v.out[e.From] = append(list, i)
		}
	}
	return v
}

// own reports whether a name is of the root packages.
func (v *view) own(name string) bool {
	return len(v.roots) == 0 || slices.ContainsFunc(v.roots, func(root string) bool { return covers(root, name) })
}

// below are the modules that a name stands for.
func (v *view) below(name string, exact bool) []int {
	key := name
	if exact {
		key += "\x00"
	}
	list, known := v.found[key]
	if known {
		return list
	}
	for i, m := range v.names {
		if m == name || !exact && covers(name, m) {
			list = append(list, i)
		}
	}
	v.found[key] = list
	return list
}

func (v *view) has(name string) bool { return len(v.below(name, false)) > 0 }

// join is the name of a part of a container; Go's packages are joined by a slash.
func (v *view) join(container, tail string) string {
	switch {
	case container == "":
		return tail
	case v.has(container + "/" + tail):
		return container + "/" + tail
	}
	return container + "." + tail
}

// children are the names one step below a container, sorted.
func (v *view) children(container string) []string {
	var out []string
	for _, m := range v.below(container, false) {
		if rest := v.names[m][len(container):]; rest != "" {
			if end := strings.IndexByte(rest[1:], rest[0]); end >= 0 {
				rest = rest[:end+1]
			}
			out = append(out, container+rest)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// covers reports whether a module is the name or below it.
func covers(name, module string) bool {
	rest, ok := strings.CutPrefix(module, name)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '/')
}

// pattern is a name with import-linter's wildcards, in its parts.
type pattern []string

func newPattern(s string) pattern {
	if strings.Contains(s, "/") {
		return strings.Split(s, "/")
	}
	return strings.Split(s, ".")
}

func (p pattern) wild() bool {
	return slices.ContainsFunc(p, func(s string) bool { return s == "*" || s == "**" })
}

func (p pattern) matches(module string) bool {
	separator := "."
	if strings.Contains(module, "/") {
		separator = "/"
	}
	return matchParts(p, strings.Split(module, separator))
}

func matchParts(pattern, parts []string) bool {
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	if pattern[0] == "**" {
		for i := 1; i <= len(parts); i++ {
			if matchParts(pattern[1:], parts[i:]) {
				return true
			}
		}
		return false
	}
	return len(parts) > 0 && (pattern[0] == "*" || pattern[0] == parts[0]) && matchParts(pattern[1:], parts[1:])
}

// matching are the names in view that a pattern matches.
func (v *view) matching(text string) []string {
	p := newPattern(text)
	var out []string
	for _, name := range v.names {
		if name != "" && p.matches(name) {
			out = append(out, name)
		}
	}
	return out
}

// drop takes imports out of view and returns those that were not there.
func (v *view) drop(ignore [][2]string) (vain [][2]string) {
	exact := map[[2]string]int{}
	var wild [][2]pattern
	var place []int
	used := make([]bool, len(ignore))
	for i, pair := range ignore {
		if from, to := newPattern(pair[0]), newPattern(pair[1]); from.wild() || to.wild() {
			wild, place = append(wild, [2]pattern{from, to}), append(place, i)
		} else {
			exact[pair] = i
		}
	}
	if len(ignore) == 0 {
		return nil
	}
	for from, list := range v.out {
		v.out[from] = slices.DeleteFunc(list, func(e int) bool {
			names := [2]string{v.names[from], v.names[v.graph.Imports[e].To]}
			i, gone := exact[names]
			if gone {
				used[i] = true
			}
			for k, p := range wild {
				if p[0].matches(names[0]) && p[1].matches(names[1]) {
					gone, used[place[k]] = true, true
				}
			}
			return gone
		})
	}
	for i, pair := range ignore {
		if last, twice := exact[pair]; used[i] || twice && used[last] {
			continue
		}
		vain = append(vain, pair)
	}
	return vain
}

// reached marks what can be reached from modules, in one step or in any number.
func (v *view) reached(from []int, direct bool) []bool {
	seen := make([]bool, len(v.names))
	queue := slices.Clone(from)
	for i := 0; i < len(queue) && (i < len(from) || !direct); i++ {
		for _, e := range v.out[queue[i]] {
			if to := v.graph.Imports[e].To; !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	return seen
}

// chain is the shortest way from one of some modules to one of others, round
// those to avoid, as indexes of imports; nil: there is none.
func (v *view) chain(from, to []int, avoid map[int]bool, direct bool) []int {
	goal := make(map[int]bool, len(to))
	for _, m := range to {
		goal[m] = true
	}
	via := make(map[int]int, len(from)) // module → the import that led to it
	for _, m := range from {
		via[m] = -1
	}
	queue := slices.Clone(from)
	for i := 0; i < len(queue) && (i < len(from) || !direct); i++ {
		for _, e := range v.out[queue[i]] {
			next := v.graph.Imports[e].To
			if _, seen := via[next]; seen || avoid[next] {
				continue
			}
			via[next] = e
			if goal[next] {
				return v.back(via, next)
			}
			queue = append(queue, next)
		}
	}
	return nil
}

func (v *view) back(via map[int]int, at int) []int {
	var chain []int
	for via[at] >= 0 {
		chain = append(chain, via[at])
		at = v.graph.Imports[via[at]].From
	}
	slices.Reverse(chain)
	return chain
}
