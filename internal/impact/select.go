package impact

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// selection is a plan in the making.
type selection struct {
	in     Input
	u      *universe
	now    *reach
	before *reach // nil: nothing is gone
	chosen []Choice
	notes  []string
	mapped bool // the map was asked
	linked *goLinks
}

func newSelection(in Input, u *universe) *selection {
	note := in.stale()
	if in.Map != nil {
		in.Links = append(slices.Clone(in.Links), in.Map.links()...)
	}
	s := &selection{in: in, u: u, now: newReach(in.Graph, in), chosen: make([]Choice, len(u.tests))}
	if note != "" {
		s.notes = append(s.notes, note)
	}
	if in.Before != nil {
		s.before = newReach(*in.Before, in)
	}
	return s
}

// choose selects a test; the first reason stays.
func (s *selection) choose(test int, kind Kind, because string, steps []Step) bool {
	if s.chosen[test].Kind != "" {
		return false
	}
	s.chosen[test] = Choice{Kind: kind, Because: because, Path: steps}
	return true
}

// file finds whom one changed file reaches. The result's kind is KindFull if
// nobody knows.
func (s *selection) file(f ci.FileChange) Cause {
	cause := Cause{File: f.Path}
	names := []string{f.Path}
	if f.OldPath != "" && f.Status == "R" {
		names = append(names, f.OldPath)
	}
	for _, name := range names {
		c := s.path(name, f)
		if c.Kind == KindFull {
			c.File = f.Path
			return c
		}
		cause.Kind, cause.Text = cmp.Or(cause.Kind, c.Kind), cmp.Or(cause.Text, c.Text)
		cause.Tests += c.Tests
	}
	return cause
}

func (s *selection) path(name string, f ci.FileChange) Cause {
	if r, ok := s.rule(name); ok && !s.in.Wide[KindRule] {
		return r
	}
	if c, known := s.golang(name); known {
		return c
	}
	switch path.Ext(name) {
	case ".py", ".pyw", ".go":
		if c, known := s.source(name); known {
			return c
		}
	}
	if isDocs(name) && !s.in.Config.DocGlob && !s.in.Wide[KindDocs] {
		return s.docs(name)
	}
	if c, known := s.readers(name, f); known {
		return c
	}
	return Cause{Kind: KindFull, Text: s.unmapped(name)}
}

// unmapped is why a file that nobody knows anything about means everything.
func (s *selection) unmapped(name string) string {
	switch path.Ext(name) {
	case ".py", ".pyw", ".go":
		return fmt.Sprintf("%s changed, and no test is known to load it", name)
	case ".so", ".pyd", ".pyx", ".pxd", ".c", ".cc", ".cpp", ".h", ".rs":
		return fmt.Sprintf("%s changed: what compiled code reaches is not known", name)
	}
	return fmt.Sprintf("%s changed, and neither a recorded reader nor a rule says which tests it concerns", name)
}

// rule applies the first path rule that fits.
func (s *selection) rule(name string) (Cause, bool) {
	i := slices.IndexFunc(s.in.Rules, func(r Rule) bool { return matches(r.Pattern, name) })
	if i < 0 {
		return Cause{}, false
	}
	rule := s.in.Rules[i]
	cause := Cause{File: name, Kind: KindRule, Text: "the rule " + rule.Pattern}
	switch rule.Tests[0] {
	case "none":
		return cause, true
	case "all":
		cause.Kind, cause.Text = KindFull, fmt.Sprintf("%s changed, and the rule %s says all", name, rule.Pattern)
		return cause, true
	}
	matched := false
	for i, t := range s.u.tests {
		if !slices.ContainsFunc(rule.Tests, func(p string) bool { return testMatches(p, t) }) {
			continue
		}
		matched = true
		if s.choose(i, KindRule, fmt.Sprintf("%s changed, and a rule (%s) says so", name, rule.Pattern), []Step{{From: string(t.ID), To: name, How: "has a rule for"}}) {
			cause.Tests++
		}
	}
	if !matched {
		return Cause{Kind: KindFull, Text: fmt.Sprintf("%s changed, and the tests that the rule %s names are not there", name, rule.Pattern)}, true
	}
	return cause, true
}

// testMatches reports whether a pattern means a test: by its ID, its file or a
// folder of it.
func testMatches(pattern string, t Test) bool {
	pattern = strings.TrimSuffix(pattern, "/")
	return string(t.ID) == pattern || matches(pattern, t.File) || strings.HasPrefix(t.File, pattern+"/") ||
		strings.HasPrefix(string(t.ID), pattern+"::") || matches(pattern, string(t.ID))
}

// source selects by what Python and Go files load; known is false where no
// test loads the file as far as anybody can tell.
func (s *selection) source(name string) (Cause, bool) {
	if s.in.Map != nil {
		if c, known := s.dynamic(name); known {
			return c, true
		}
	}
	if s.in.Wide[KindImport] {
		return Cause{Kind: KindFull, Text: fmt.Sprintf("%s changed, and the import graph missed a failing test before", name)}, true
	}
	cause := Cause{File: name, Kind: KindImport, Text: "who imports it"}
	found := false
	for _, r := range []*reach{s.now, s.before} {
		if r == nil {
			continue
		}
		n, any := s.importers(r, name, nil)
		cause.Tests += n
		found = found || any
	}
	if s.in.Config.isTestFile(name) || strings.HasSuffix(name, "_test.go") {
		found = true // a test that is gone concerns nobody else
	}
	return cause, found
}

// importers selects the tests of every file that loads the changed one.
// Only restricts it to some tests; nil: all.
func (s *selection) importers(r *reach, name string, only func(test int) bool) (selected int, found bool) {
	start := r.modules(name)
	if len(start) == 0 {
		return 0, false
	}
	back := r.from(start)
	for module := range back {
		if module >= len(r.graph.Modules) {
			continue
		}
		file := r.graph.Modules[module].File
		tests := s.u.byFile[file]
		found = found || len(tests) > 0
		for _, t := range tests {
			if s.chosen[t].Kind != "" || only != nil && !only(t) {
				continue
			}
			kind, because, steps := KindChanged, "its own file changed", []Step(nil)
			if steps = r.path(back, module); len(steps) > 0 {
				kind, because = KindImport, fmt.Sprintf("%s changed: %s", name, pathText(steps))
			}
			s.choose(t, kind, because, steps)
			selected++
		}
	}
	return selected, found
}

// docs clears documentation, unless code that tests load mentions it.
func (s *selection) docs(name string) Cause {
	cause := Cause{File: name, Kind: KindDocs, Text: "documentation"}
	if s.in.Map != nil {
		if c, known := s.readers(name, ci.FileChange{}); known {
			cause.Tests += c.Tests
		}
	}
	for _, mention := range s.in.Mentions[name] {
		start := s.now.modules(mention)
		back := s.now.from(start)
		for module := range back {
			if module >= len(s.now.graph.Modules) {
				continue
			}
			for _, t := range s.u.byFile[s.now.graph.Modules[module].File] {
				steps := append(s.now.path(back, module), Step{From: mention, To: name, How: "mentions"})
				if s.choose(t, KindDocs, fmt.Sprintf("%s changed: %s", name, pathText(steps)), steps) {
					cause.Tests++
				}
			}
		}
	}
	return cause
}

// always selects what runs whatever changed.
func (s *selection) always() {
	for i, t := range s.u.tests {
		where, failed := s.in.Failed[t.ID]
		switch {
		case failed:
			s.choose(i, KindFailed, "it failed last time"+where, nil)
		case s.in.Known != nil && !s.known(t):
			s.choose(i, KindNew, "it is new: it has not run before", nil)
		}
	}
}

// known reports whether a test ran before. A file whose tests have no names is
// known by any test of it.
func (s *selection) known(t Test) bool {
	return s.in.Known[t.ID] || string(t.ID) == t.File && s.in.Known[ci.TestID(t.File)]
}
