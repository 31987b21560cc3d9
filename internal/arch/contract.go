package arch

import (
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// maxBreaches bounds what is told of one contract.
const maxBreaches = 500

// check judges each contract, and tells for each pair that must not be the
// shortest chain of imports that makes it so. Verdicts are those of import-linter
// (https://import-linter.readthedocs.io/en/stable/contract_types/), held to it
// by the end-to-end tests.
func (n *net) check(contracts []ci.Contract) (results []ci.ContractResult, breaches []ci.Violation) {
	for _, c := range contracts {
		j := judge{contract: c, view: n.scoped(c.Scope)}
		j.decide()
		breaches = append(breaches, j.breaches...)
		results = append(results, ci.ContractResult{
			Contract: c, Kept: j.problem == "" && j.broken == 0, Problem: j.problem, Warnings: j.warnings, Broken: j.broken,
		})
	}
	return results, breaches
}

// judge is one contract being checked.
type judge struct {
	contract ci.Contract
	view     *view
	problem  string
	warnings []string
	breaches []ci.Violation
	broken   int
}

// fail says why the contract cannot be checked; the first reason counts.
func (j *judge) fail(format string, args ...any) {
	if j.problem == "" {
		j.problem = fmt.Sprintf(format, args...)
	}
}

func (j *judge) decide() {
	j.ignore()
	if j.problem != "" {
		return
	}
	switch j.contract.Kind {
	case ci.ContractLayers:
		j.layers()
	case ci.ContractForbidden:
		j.forbidden()
	case ci.ContractIndependence:
		j.independence()
	case ci.ContractProtected:
		j.protected()
	default:
		j.fail("contracts of the type %s are not known here", j.contract.Kind)
	}
	if j.problem != "" {
		j.breaches, j.broken = nil, 0
	}
}

// ignore takes the ignored imports out of the graph.
func (j *judge) ignore() {
	for _, vain := range j.view.drop(j.contract.Ignore) {
		text := fmt.Sprintf("no import matches the ignored %s -> %s", vain[0], vain[1])
		switch j.contract.Unmatched {
		case ci.AlertNone:
		case ci.AlertWarn:
			j.warnings = append(j.warnings, text)
		case ci.AlertError, "":
			j.fail("%s", text)
		}
	}
}

// layers: a lower layer must not import a higher one, and what is on one level
// not its neighbours unless the level is open.
func (j *judge) layers() {
	if len(j.contract.Containers) == 0 {
		j.stack("")
		return
	}
	for _, container := range j.expand(j.contract.Containers) {
		if roots := j.contract.Scope.Roots; len(roots) > 0 && !slices.ContainsFunc(roots, func(root string) bool { return covers(root, container) }) {
			j.fail("the container %s is in none of the root packages %s", container, strings.Join(roots, ", "))
			return
		}
		j.stack(container)
		j.exhaust(container)
	}
}

// stack checks the layers of one container, or of none.
func (j *judge) stack(container string) {
	levels := make([][]string, len(j.contract.Layers))
	for i, layer := range j.contract.Layers {
		for k, tail := range layer.Names {
			name := j.view.join(container, tail)
			if j.view.has(name) {
				levels[i] = append(levels[i], name)
			} else if k >= len(layer.Optional) || !layer.Optional[k] {
				j.fail("the layer %s does not exist", name)
			}
		}
	}
	all := slices.Concat(levels...)
	for low, names := range levels {
		var above []string
		for _, higher := range levels[:low] {
			above = append(above, higher...)
		}
		for _, name := range names {
			must := slices.Clone(above)
			if !j.contract.Layers[low].Open {
				must = append(must, names...)
			}
			j.apart(name, must, all)
		}
	}
}

// exhaust finds children of a container that are no layer.
func (j *judge) exhaust(container string) {
	if !j.contract.Exhaustive {
		return
	}
	declared := slices.Clone(j.contract.Except)
	for _, layer := range j.contract.Layers {
		declared = append(declared, layer.Names...)
	}
	for _, child := range j.view.children(container) {
		if tail := child[strings.LastIndexAny(child, "./")+1:]; !slices.Contains(declared, tail) {
			m := j.view.below(child, false)[0]
			j.breach([]int{m}, ci.ImportEdge{From: m, To: m, Line: 1}, "%s is no layer of the contract, which names all there may be", child)
		}
	}
}

// forbidden: no source may import a target. Names that overlap forbid nothing.
func (j *judge) forbidden() {
	sources, targets := j.expand(j.contract.Sources), j.expand(j.contract.Targets)
	for _, name := range slices.Concat(sources, targets) {
		switch {
		case j.view.has(name):
		case j.view.own(name):
			j.fail("the module %s does not exist", name)
		case slices.Contains(sources, name):
			j.fail("the module %s is none of this repository", name)
		case j.contract.Scope.Internal:
			j.fail("%s is a dependency: it can be forbidden where dependencies are included (include_external_packages)", name)
		}
	}
	for _, source := range sources {
		j.apart(source, targets, nil)
	}
}

func (j *judge) independence() {
	modules := j.expand(j.contract.Modules)
	for _, name := range modules {
		if !j.view.has(name) {
			j.fail("the module %s does not exist", name)
		}
	}
	for _, name := range modules {
		j.apart(name, modules, modules)
	}
}

// protected: only who is listed, and the protected modules themselves, may
// import what is protected.
func (j *judge) protected() {
	allowed := map[int]bool{}
	for _, name := range j.expand(j.contract.Sources) {
		for _, m := range j.view.below(name, j.contract.Exact) {
			allowed[m] = true
		}
	}
	for _, name := range j.expand(j.contract.Targets) {
		inside := map[int]bool{}
		for _, m := range j.view.below(name, j.contract.Exact) {
			inside[m] = true
		}
		told := map[[2]int]bool{}
		for from, list := range j.view.out {
			for _, e := range list {
				edge := j.view.graph.Imports[e]
				if pair := [2]int{from, edge.To}; inside[edge.To] && !inside[from] && !allowed[from] && !told[pair] {
					told[pair] = true
					j.breach([]int{from, edge.To}, edge, "%s is protected: %s must not import it", j.view.names[edge.To], j.view.names[from])
				}
			}
		}
	}
}

// apart checks that one name imports none of the others, itself aside. A chain
// through another of the names in between is that other's to answer for.
func (j *judge) apart(from string, others, between []string) {
	sources := j.view.below(from, j.contract.Exact)
	reached := j.view.reached(sources, j.contract.Direct)
	for _, to := range others {
		if from == to || !j.contract.Exact && (covers(from, to) || covers(to, from)) {
			continue
		}
		targets := j.view.below(to, j.contract.Exact)
		if !slices.ContainsFunc(targets, func(m int) bool { return reached[m] }) {
			continue
		}
		avoid := map[int]bool{}
		for _, name := range between {
			if name != from && name != to {
				for _, m := range j.view.below(name, false) {
					avoid[m] = true
				}
			}
		}
		if chain := j.view.chain(sources, targets, avoid, j.contract.Direct); chain != nil {
			j.forbid(from, to, chain)
		}
	}
}

// forbid tells of a chain of imports that must not be.
func (j *judge) forbid(from, to string, chain []int) {
	edge := j.view.graph.Imports[chain[0]]
	modules, names := []int{edge.From}, []string{j.view.names[edge.From]}
	for _, e := range chain {
		next := j.view.graph.Imports[e].To
		modules, names = append(modules, next), append(names, j.view.names[next])
	}
	j.breach(modules, edge, "%s must not import %s: %s", from, to, strings.Join(names, " → "))
}

func (j *judge) breach(chain []int, edge ci.ImportEdge, format string, args ...any) {
	if j.broken++; len(j.breaches) < maxBreaches {
		j.breaches = append(j.breaches, ci.Violation{
			Rule: j.contract.Name, Kind: string(j.contract.Kind), Chain: chain, Edge: edge, Text: fmt.Sprintf(format, args...),
		})
	}
}

// expand is the names that are meant, each once, in order.
func (j *judge) expand(names []string) []string {
	var out []string
	for _, name := range names {
		if !strings.Contains(name, "*") {
			out = append(out, name)
			continue
		}
		out = append(out, j.view.matching(name)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
