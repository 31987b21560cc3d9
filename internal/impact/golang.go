package impact

import (
	"fmt"
	"slices"
	"strings"
)

// GoPackage is a package as the go command sees it, or a variant of one that a
// test is linked with.
type GoPackage struct {
	Name    string
	Files   []string
	Imports []string
}

// goLinks say what the test of each package is linked from.
type goLinks struct {
	owners  map[string][]int // file → packages that are made of it
	imports [][]int
	names   []string
}

func newGoLinks(packages []GoPackage) *goLinks {
	g := &goLinks{owners: map[string][]int{}, imports: make([][]int, len(packages)), names: make([]string, len(packages))}
	at := make(map[string]int, len(packages))
	for i, p := range packages {
		at[p.Name], g.names[i] = i, p.Name
		for _, f := range p.Files {
			g.owners[f] = append(g.owners[f], i)
		}
	}
	for i, p := range packages {
		for _, name := range p.Imports {
			if to, ours := at[name]; ours {
				g.imports[to] = append(g.imports[to], i) // who is linked from it
			}
		}
	}
	return g
}

// linked are the tests that are linked from a file, each with the way from it.
func (g *goLinks) linked(file string) (tests map[string][]Step, known bool) {
	owners, known := g.owners[file]
	back := map[int]int{}
	queue := slices.Clone(owners)
	for _, o := range owners {
		back[o] = -1
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, by := range g.imports[p] {
			if _, seen := back[by]; !seen {
				back[by] = p
				queue = append(queue, by)
			}
		}
	}
	tests = map[string][]Step{}
	for p := range back {
		name, isTest := strings.CutSuffix(g.names[p], ".test")
		if !isTest {
			continue
		}
		var steps []Step
		at := p
		for back[at] >= 0 {
			steps = append(steps, Step{From: g.names[at], To: g.names[back[at]], How: "imports"})
			at = back[at]
		}
		tests[name] = append(steps, Step{From: g.names[at], To: file, How: "is made of"})
	}
	return tests, known
}

// golang selects the test functions of every package whose test is linked from
// the file; known is false where the go command does not know the file.
func (s *selection) golang(name string) (Cause, bool) {
	if s.in.Go == nil || s.in.Wide[KindImport] {
		return Cause{}, false
	}
	if s.linked == nil {
		s.linked = newGoLinks(s.in.Go)
	}
	tests, known := s.linked.linked(name)
	var bodies map[string]bool
	only := false
	if s.in.Map != nil && !s.in.Wide[KindRuns] {
		if delta, changed := s.in.Map.Go[name]; changed {
			bodies, only = delta.goBodies()
		}
	}
	cause := Cause{File: name, Kind: KindImport, Text: "whose test is linked from it"}
	for i, t := range s.u.tests {
		pkg := goPackage(string(t.ID))
		steps, reached := tests[pkg]
		if !reached {
			continue
		}
		if only {
			def, runs := s.goRuns(t, name, bodies)
			if !runs {
				continue
			}
			if def != "" {
				if s.choose(i, KindRuns, "it runs "+name+"::"+def+", which changed", []Step{{From: string(t.ID), To: name + "::" + def, How: "runs"}}) {
					cause.Tests++
				}
				continue
			}
		}
		var names []string
		for _, step := range steps {
			names = append(names, step.To)
		}
		if s.choose(i, KindImport, fmt.Sprintf("%s changed: %s", name, strings.Join(append([]string{pkg}, names...), " → ")), steps) {
			cause.Tests++
		}
	}
	if only {
		cause.Kind, cause.Text = KindRuns, "who runs the functions whose bodies changed"
	}
	return cause, known
}

// goPackage is the package of a Go test's ID.
func goPackage(id string) string {
	if strings.Contains(id, "::") {
		return ""
	}
	for _, prefix := range []string{".Test", ".Fuzz", ".Example"} {
		if i := strings.Index(id, prefix); i >= 0 {
			return id[:i]
		}
	}
	return ""
}
