package impact

import (
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

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
