package policy

import (
	"cmp"
	"fmt"
	"slices"

	"keepgreen/internal/ci"
)

// PatchCoverage is how much of what a change adds was run.
type PatchCoverage struct {
	Covered, Total int         // new lines that hold statements
	Missing        []Uncovered // sorted by path and line
}

// Uncovered is new lines of one file that hold statements and did not run.
type Uncovered struct {
	File  string
	Lines ci.LineRange
}

// Percent is the covered share; ok is false when the change adds no statement.
func (p PatchCoverage) Percent() (pct float64, ok bool) {
	if p.Total == 0 {
		return 0, false
	}
	return 100 * float64(p.Covered) / float64(p.Total), true
}

// String is the sentence about it.
func (p PatchCoverage) String() string {
	pct, ok := p.Percent()
	if !ok {
		return "the change adds no line that coverage measures"
	}
	return fmt.Sprintf("%s of the change's own lines ran (%d of %d)", percent(pct), p.Covered, p.Total)
}

// Patch is the coverage of the lines that a change adds. Ranges that did not
// run are joined over lines that hold no statement, not over ones that ran or
// are old.
func Patch(c *ci.Coverage, change ci.Change) PatchCoverage {
	var out PatchCoverage
	if c == nil {
		return out
	}
	for _, changed := range change.Files {
		f, ok := c.Files[changed.Path]
		if !ok || changed.Status == "D" {
			continue
		}
		lines := make([]int, 0, len(f.Lines))
		for n := range f.Lines {
			lines = append(lines, n)
		}
		slices.Sort(lines)
		for _, added := range changed.Added {
			out.lines(changed.Path, f, lines, added)
		}
	}
	slices.SortFunc(out.Missing, func(a, b Uncovered) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Lines.First, b.Lines.First))
	})
	return out
}

func (p *PatchCoverage) lines(path string, f *ci.FileCoverage, lines []int, added ci.LineRange) {
	first, _ := slices.BinarySearch(lines, added.First)
	open := false
	for _, n := range lines[first:] {
		if n > added.Last {
			break
		}
		p.Total++
		if f.Lines[n] > 0 {
			p.Covered++
			open = false
			continue
		}
		if open {
			p.Missing[len(p.Missing)-1].Lines.Last = n
			continue
		}
		p.Missing = append(p.Missing, Uncovered{path, ci.LineRange{First: n, Last: n}})
		open = true
	}
}

// Removed is what a change takes away from the base's coverage: the lines of the
// base, by path there, that the change deletes.
func Removed(base *ci.Coverage, deleted map[string][]ci.LineRange) *RemovedCode {
	if base == nil {
		return nil
	}
	covered, total, coveredBranches, totalBranches := base.Counts()
	out := &RemovedCode{BaseCovered: covered + coveredBranches, BaseTotal: total + totalBranches}
	for path, ranges := range deleted {
		f, ok := base.Files[path]
		if !ok {
			continue
		}
		gone := func(n int) bool {
			return slices.ContainsFunc(ranges, func(r ci.LineRange) bool { return r.Contains(n) })
		}
		for b, n := range f.Blocks { // statements are counted by block, so a block goes when its ends do
			if gone(b.FirstLine) && gone(b.LastLine) {
				out.Total += n.Statements
				out.Covered += n.Statements * min(n.Hits, 1)
			}
		}
		for n, hits := range f.Lines {
			if gone(n) && len(f.Blocks) == 0 {
				out.Total++
				out.Covered += min(hits, 1)
			}
		}
		for n, b := range f.Branches {
			if gone(n) {
				out.Total += b.Total
				out.Covered += b.Covered
			}
		}
	}
	return out
}

// Ancestral orders the records of main by history: line is the first-parent
// line of the tested base, newest first. Arrival is no order (builds overtake
// each other), and neither is time (clocks differ). Records that name a commit
// off the line are left out: a newer main, or one that was rewritten. Records
// without a commit keep their place before the rest. A nil line means that the
// history is not known here: the order is that of arrival, and the note says so.
func Ancestral[R interface{ MainCommit() string }](records []R, line []string) (out []R, note string) {
	if len(line) == 0 {
		return records, ""
	}
	at := make(map[string]int, len(line))
	for i, commit := range line {
		at[commit] = len(line) - i
	}
	off := 0
	for _, r := range records {
		if r.MainCommit() == "" || at[r.MainCommit()] > 0 {
			out = append(out, r)
			continue
		}
		off++
	}
	slices.SortStableFunc(out, func(a, b R) int { return cmp.Compare(at[a.MainCommit()], at[b.MainCommit()]) })
	if off > 0 {
		note = fmt.Sprintf("%s of main are no ancestors of the tested base and were left out: main moved on, or was rewritten", count(off, "record"))
	}
	return out, note
}

// Replayed is one record of the history as the gate would have judged it by the
// records before it.
type Replayed struct {
	Record   CoverageRecord
	Decision CoverageDecision
}

// Replay judges every record by those before it.
func Replay(base CoverageBaseline, s CoverageSettings) []Replayed {
	out := make([]Replayed, len(base.Records))
	for i, r := range base.Records {
		before := base
		before.Records, before.Removed = base.Records[:i], nil
		out[i] = Replayed{r, Coverage(r, before, s)}
	}
	return out
}

// WhatIf is the verdict that another delta would have given.
type WhatIf struct {
	Delta    float64
	Verdict  ci.Verdict
	Failures int // records of the history that would have failed
}

// WhatIfs tries deltas on what is measured now and on the history.
func WhatIfs(now CoverageRecord, base CoverageBaseline, s CoverageSettings, deltas []float64) []WhatIf {
	out := make([]WhatIf, len(deltas))
	for i, delta := range deltas {
		s.Delta = delta
		out[i] = WhatIf{Delta: delta, Verdict: Coverage(now, base, s).Verdict}
		for _, r := range Replay(base, s) {
			if r.Decision.Verdict == ci.VerdictFail {
				out[i].Failures++
			}
		}
	}
	return out
}
