package arch

import (
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Contract is a rule about who may import whom, in import-linter's terms. A
// name stands for the module and everything below it.
type Contract struct {
	Name    string
	Kind    string     // "layers", "forbidden", "independence"
	Layers  [][]string // of layers: the highest first; names on one level are independent
	Closed  []bool     // of each level: several names on it may not import each other
	Within  []string   // of layers: the containers that each have these layers; none: the names are whole
	Sources []string   // of forbidden
	Targets []string   // of forbidden; a dependency may be one
	Modules []string   // of independence
	Ignore  [][2]string
	Direct  bool // only direct imports count
}

// check finds, for each pair that must not be, the shortest chain of imports
// that makes it so.
func (n *net) check(contracts []Contract) []ci.Violation {
	var out []ci.Violation
	for _, c := range contracts {
		arcs := n.without(c.Ignore)
		for _, p := range c.pairs() {
			if chain := n.chain(arcs, p[0], p[1], c.Direct); chain != nil {
				out = append(out, n.breach(c, p, chain))
			}
		}
	}
	return out
}

// pairs lists who must not import whom.
func (c Contract) pairs() [][2]string {
	var out [][2]string
	each := func(from, to []string) {
		for _, f := range from {
			for _, t := range to {
				if f != t {
					out = append(out, [2]string{f, t})
				}
			}
		}
	}
	switch c.Kind {
	case "forbidden":
		each(c.Sources, c.Targets)
	case "independence":
		each(c.Modules, c.Modules)
	case "layers":
		containers := c.Within
		if len(containers) == 0 {
			containers = []string{""}
		}
		for _, container := range containers {
			for low := range c.Layers {
				names := within(container, c.Layers[low])
				for high := range low {
					each(names, within(container, c.Layers[high]))
				}
				if low < len(c.Closed) && c.Closed[low] {
					each(names, names)
				}
			}
		}
	}
	return out
}

func within(container string, names []string) []string {
	if container == "" {
		return names
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = container + "." + name
	}
	return out
}

// covers reports whether a module is the name or below it.
func covers(name, module string) bool {
	rest, ok := strings.CutPrefix(module, name)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '/')
}

// matchesName is covers with import-linter's wildcards: "*" is one part of a
// name, "**" any number of them.
func matchesName(pattern, module string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == module
	}
	return matchParts(strings.Split(pattern, "."), strings.Split(module, "."))
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

// without is the graph, dependencies included, without the ignored imports.
func (n *net) without(ignore [][2]string) [][]int {
	out := make([][]int, len(n.graph.Modules))
	for i, e := range n.graph.Imports {
		from, to := n.graph.Modules[e.From].Name, n.graph.Modules[e.To].Name
		if !slices.ContainsFunc(ignore, func(p [2]string) bool { return matchesName(p[0], from) && matchesName(p[1], to) }) {
			out[e.From] = append(out[e.From], i)
		}
	}
	return out
}

// chain is the shortest way from a module of one name to one of another, as
// indexes of imports.
func (n *net) chain(arcs [][]int, from, to string, direct bool) []int {
	via := map[int]int{} // module → import that led to it
	var queue []int
	for i, m := range n.graph.Modules {
		if covers(from, m.Name) && !covers(to, m.Name) {
			via[i] = -1
			queue = append(queue, i)
		}
	}
	for i := 0; i < len(queue); i++ {
		if direct && via[queue[i]] >= 0 {
			return nil
		}
		for _, e := range arcs[queue[i]] {
			target := n.graph.Imports[e].To
			if _, seen := via[target]; seen {
				continue
			}
			via[target] = e
			if covers(to, n.graph.Modules[target].Name) {
				return n.back(via, target)
			}
			queue = append(queue, target)
		}
	}
	return nil
}

func (n *net) back(via map[int]int, at int) []int {
	var chain []int
	for via[at] >= 0 {
		chain = append(chain, via[at])
		at = n.graph.Imports[via[at]].From
	}
	slices.Reverse(chain)
	return chain
}

func (n *net) breach(c Contract, p [2]string, chain []int) ci.Violation {
	v := ci.Violation{Rule: c.Name, Kind: c.Kind, Edge: n.graph.Imports[chain[0]]}
	names := []string{n.graph.Modules[v.Edge.From].Name}
	v.Chain = []int{v.Edge.From}
	for _, e := range chain {
		to := n.graph.Imports[e].To
		v.Chain = append(v.Chain, to)
		names = append(names, n.graph.Modules[to].Name)
	}
	v.Text = fmt.Sprintf("%s must not import %s: %s", p[0], p[1], strings.Join(names, " → "))
	return v
}
