// Package heal proposes repairs as edits and says whether a repair may be made:
// mechanical fixers that know one way back, edits that apply exactly or not at
// all, rules that nothing overrides, and a confidence that is computed from what
// was seen. It runs nothing and opens nothing: files are given to it as text.
package heal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

// Repo is what is known of the repository that is to be mended.
type Repo struct {
	Files []source.File // what its source files say
	Graph ci.Graph
	Read  func(path string) (text string, ok bool) // a regular file of it

	// Troubled are the files that failing tests and builds point at. What a linter
	// says of such a file may be a symptom.
	Troubled map[string]bool
}

// Trouble notes which files tests and builds fail in.
func (r *Repo) Trouble(clusters []ci.Cluster) {
	r.Troubled = map[string]bool{}
	for _, c := range clusters {
		if c.Kind == ci.KindLint || c.Kind == ci.KindType {
			continue
		}
		for _, m := range c.Members {
			r.Troubled[m.Pos.File] = true
			for _, f := range m.Frames {
				r.Troubled[f.File] = true
			}
		}
		for _, f := range append(c.Files, c.Cause.Pos.File) {
			r.Troubled[f] = true
		}
	}
}

// Edit replaces a text that occurs exactly once in a file.
type Edit struct{ Path, Old, New string }

// Tool is a formatter or fixer of the repository's own that makes the change.
type Tool struct {
	Name  string   // "ruff", "black", "isort", "gofmt", "go"
	Args  []string // that make the change
	Check []string // that only say whether it is needed
	Files []string // named behind the arguments
}

// Proposal is one way to mend one cluster.
type Proposal struct {
	ID          string // of the kind, the cluster and the change
	Cluster     string
	Kind        string // the fixer's name, or "model"
	Description string // what it does, in the imperative
	Edits       []Edit
	Tool        *Tool // makes the change instead of Edits
	Sure        bool  // there is one way, and this is it
	Because     []string
	Confidence  float64 // before anything was run
	Own         float64 // a model's own number; 0: no model
}

// identify gives the proposal its name.
func (p *Proposal) identify(cluster string) {
	p.Cluster = cluster
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00", p.Kind, cluster)
	for _, e := range p.Edits {
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00", e.Path, e.Old, e.New)
	}
	if p.Tool != nil {
		fmt.Fprintf(h, "%s\x00%q\x00%q", p.Tool.Name, p.Tool.Args, p.Tool.Files)
	}
	p.ID = p.Kind + "-" + hex.EncodeToString(h.Sum(nil))[:10]
}

// Fixer is a row of the table: one sort of fault, and the way back.
type Fixer struct {
	Name, Doc string
	Rate      Rate // of its proposals that held when they were tried, on the half of the breakages it was written against
	propose   func(c ci.Cluster, r *Repo) []Proposal
}

// Fixers are tried in this order; the first that is sure is the only one asked.
func Fixers() []Fixer { return slices.Concat(pythonFixers, goFixers, toolFixers) }

// Eligible says why a cluster is not to be mended by a change of code; empty:
// it may be.
func Eligible(c ci.Cluster) string {
	switch {
	case c.Whose == ci.WhoseFlaky:
		return "it is flaky: what passes three times proves nothing"
	case c.Whose == ci.WhoseInfra || c.Kind == ci.KindInfra:
		return "the infrastructure failed, not the code"
	case slices.Contains([]ci.Class{ci.ClassInfra, ci.ClassNetwork, ci.ClassResource, ci.ClassMemory, ci.ClassTimeout, ci.ClassPermission}, c.Cause.Class):
		return fmt.Sprintf("%s is no fault of the code that a change could be verified for", c.Cause.Class)
	case len(c.Members) == 0:
		return "nothing in it can be run again"
	}
	return ""
}

// Propose asks the fixers about one cluster: the sure proposal of the first that
// has one, else what all of them think possible.
func Propose(c ci.Cluster, r *Repo) []Proposal {
	if Eligible(c) != "" {
		return nil
	}
	var out []Proposal
	for _, f := range Fixers() {
		found := f.propose(c, r)
		sure := 0
		for i := range found {
			found[i].Kind = f.Name
			found[i].identify(c.ID)
			found[i].Confidence = f.estimate(found[i], c)
			if found[i].Sure {
				sure++
			}
		}
		if sure == 1 && len(found) == 1 {
			return found
		}
		for i := range found { // two sure ways are none
			found[i].Sure = false
			found[i].Confidence = min(found[i].Confidence, unsure)
		}
		out = append(out, found...)
	}
	return out[:min(len(out), maxProposals)]
}

// maxProposals bounds what is tried for one cluster.
const maxProposals = 4

// modules lists the modules of ours that a name can be imported from.
func (r *Repo) modules() []ci.Module {
	return slices.DeleteFunc(slices.Clone(r.Graph.Modules), func(m ci.Module) bool { return m.External })
}

// module is ours by its name.
func (r *Repo) module(name string) (ci.Module, bool) {
	for _, m := range r.modules() {
		if m.Name == name {
			return m, true
		}
	}
	return ci.Module{}, false
}

// facts are what a file says of itself.
func (r *Repo) facts(file string) (source.Facts, bool) {
	for _, f := range r.Files {
		if f.Path == file {
			return f.Facts, true
		}
	}
	return source.Facts{}, false
}

// lines are a file's, without their ends.
func (r *Repo) lines(file string) []string {
	text, ok := r.Read(file)
	if !ok {
		return nil
	}
	return strings.Split(text, "\n")
}

// places are where members of the cluster failed, in Python files of the repository, the
// innermost frame of each, without repetition.
func places(c ci.Cluster, r *Repo) []ci.Position {
	var out []ci.Position
	add := func(p ci.Position) bool {
		p.Col, p.EndCol, p.EndLine = 0, 0, 0
		if p.Line <= 0 || path.Ext(p.File) != ".py" || r.lines(p.File) == nil {
			return false
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
		return true
	}
	for _, m := range c.Members {
		found := false
		for _, f := range slices.Backward(m.Frames) {
			if found = add(f.Position); found {
				break
			}
		}
		if !found {
			add(m.Pos)
		}
	}
	add(c.Cause.Pos)
	return out[:min(len(out), maxPlaces)]
}

const maxPlaces = 50

// lineEdit replaces one line; what stands around it is taken along until it
// occurs once.
func lineEdit(file string, lines []string, n int, with ...string) (Edit, bool) {
	return rangeEdit(file, lines, n, n, with...)
}

// rangeEdit replaces the lines from first to last, 1-based; last below first
// inserts before first.
func rangeEdit(file string, lines []string, first, last int, with ...string) (Edit, bool) {
	if first < 1 || last > len(lines) || first > len(lines) {
		return Edit{}, false
	}
	text := strings.Join(lines, "\n")
	for before := 0; before <= 20; before++ {
		for _, after := range []int{0, 1, before} {
			from, to := max(first-1-before, 0), min(last+after, len(lines))
			if to <= from || len(with) == 0 && to-from == last-first+1 && last >= first {
				continue // a line that goes takes its end along, so a neighbour must stay
			}
			old := strings.Join(lines[from:to], "\n")
			if old == "" || strings.Count(text, old) != 1 {
				continue
			}
			parts := slices.Concat(lines[from:first-1], with, lines[last:to])
			return Edit{file, old, strings.Join(parts, "\n")}, true
		}
	}
	return Edit{}, false
}
