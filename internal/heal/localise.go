package heal

import (
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Part is a part of a file that a repair may have to change.
type Part struct {
	Path  string
	First int // 1-based
	Text  string
}

const (
	wholeFile = 160 // lines of a file that is shown whole
	window    = 40  // lines on each side of a place in a longer one
	maxParts  = 5
)

// Localise is where the cause of a cluster may lie, the likeliest first: the
// innermost frames in code, then those in tests, and the files beside them that
// define what is named. Rules guard what may be changed; what is shown may be a
// test, so that it can be read.
func Localise(c ci.Cluster, r *Repo) []Part {
	var at []ci.Position
	add := func(p ci.Position) {
		text := r.lines(p.File)
		if text == nil || !slices.Contains([]string{".py", ".go"}, path.Ext(p.File)) || slices.ContainsFunc(at, func(q ci.Position) bool { return q.File == p.File }) {
			return
		}
		at = append(at, ci.Position{File: p.File, Line: min(max(p.Line, 1), len(text))})
	}
	for _, m := range c.Members[:min(len(c.Members), 5)] {
		for _, f := range slices.Backward(m.Frames) {
			add(f.Position)
		}
		add(m.Pos)
	}
	add(c.Cause.Pos)
	for _, f := range c.Files {
		add(ci.Position{File: f, Line: 1})
	}
	for _, p := range slices.Clone(at) {
		for _, q := range r.tested(p.File) {
			add(q)
		}
	}
	slices.SortStableFunc(at, func(a, b ci.Position) int { // code before tests
		switch x, y := IsTest(a.File), IsTest(b.File); {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	})
	var out []Part
	for _, p := range at[:min(len(at), maxParts)] {
		out = append(out, part(p, r.lines(p.File)))
	}
	return out
}

// tested are the places of ours that a test imports: what an assertion is about
// has returned by the time that it fails, and left no frame.
func (r *Repo) tested(file string) []ci.Position {
	if !IsTest(file) {
		return nil
	}
	var out []ci.Position
	for _, e := range r.Graph.Imports {
		from, to := r.Graph.Modules[e.From], r.Graph.Modules[e.To]
		if from.File != file || to.External || to.Test || to.File == "" {
			continue
		}
		at := ci.Position{File: to.File, Line: 1}
		for _, d := range to.Defs {
			if slices.Contains(e.Names, d.Name) {
				at.Line = d.Line
			}
		}
		out = append(out, at)
	}
	return out
}

func part(p ci.Position, lines []string) Part {
	first, last := 1, len(lines)
	if last > wholeFile {
		first, last = max(1, p.Line-window), min(last, p.Line+window)
	}
	return Part{p.File, first, strings.Join(lines[first-1:last], "\n")}
}

// Suggested is a model's candidate as a proposal; never sure.
func Suggested(cluster, description string, edits []Edit, own float64, because []string) Proposal {
	p := Proposal{Kind: "model", Description: description, Edits: edits, Own: own, Because: because, Confidence: unsure}
	p.identify(cluster)
	p.Confidence = modelRate.mean()
	return p
}
