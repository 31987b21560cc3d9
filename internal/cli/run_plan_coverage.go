package cli

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/coverage"
)

// ownCoverage is the coverage without our plugins', and where tests were left
// out, with what they were known to cover: of files that did not change all of
// it, of others what unchanged definitions had.
func (f *facts) ownCoverage(c *ci.Coverage) *ci.Coverage {
	if c == nil || f.plan == nil {
		return c
	}
	for name := range c.Files {
		if f.plan.plugin != "" && strings.HasPrefix(path.Base(name), "keepgreen_") && strings.Contains(name, path.Base(f.plan.plugin)) {
			delete(c.Files, name)
		}
	}
	if !f.plan.partial() {
		return c
	}
	if f.plan.stored == nil || f.plan.stored.Tool != c.Tool || f.plan.stored.Branches != c.Branches {
		f.warn("coverage is not judged: it is that of the selected tests alone, and what the others cover is not known")
		return nil
	}
	known := &ci.Coverage{Tool: c.Tool, Branches: c.Branches, Files: map[string]*ci.FileCoverage{}}
	for name, file := range f.plan.stored.Files {
		delta, changed := f.plan.deltas[name]
		switch {
		case !changed:
			known.Files[name] = file
		case delta.New != nil:
			known.Files[name] = moved(file, c.Files[name], delta.Moved())
		}
	}
	return coverage.MergeAll(known, c)
}

// moved is what is known of a file's old lines, on the lines where they are now.
// Lines that the new report does not call statements are left out.
func moved(old, now *ci.FileCoverage, lines map[int]int) *ci.FileCoverage {
	out := &ci.FileCoverage{Lines: map[int]int{}, Branches: map[int]ci.BranchCount{}}
	for was, is := range lines {
		if hits, ok := old.Lines[was]; ok {
			if now != nil {
				if _, statement := now.Lines[is]; !statement {
					continue
				}
			}
			out.Lines[is] = hits
			out.Total++
			if hits > 0 {
				out.Covered++
			}
		}
		if b, ok := old.Branches[was]; ok {
			out.Branches[is] = b
			out.TotalBranches += b.Total
			out.CoveredBranches += b.Covered
		}
	}
	return out
}

// storedCoverage is how coverage is kept beside a map: the lines of each file.
type storedCoverage struct {
	Tool     string                 `json:"tool"`
	Branches bool                   `json:"branches"`
	Files    map[string]*storedFile `json:"files"`
}

type storedFile struct {
	Lines    map[int]int            `json:"lines"`
	Branches map[int]ci.BranchCount `json:"branches,omitempty"`
}

// packCoverage is the coverage as bytes; nil where its lines are not known.
func packCoverage(c *ci.Coverage) []byte {
	if c == nil {
		return nil
	}
	doc := storedCoverage{Tool: c.Tool, Branches: c.Branches, Files: map[string]*storedFile{}}
	for name, file := range c.Files {
		if len(file.Lines) > 0 && len(file.Blocks) == 0 {
			doc.Files[name] = &storedFile{file.Lines, file.Branches}
		}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	return data
}

func unpackCoverage(data []byte) *ci.Coverage {
	var doc storedCoverage
	if len(data) == 0 || json.Unmarshal(data, &doc) != nil {
		return nil
	}
	c := &ci.Coverage{Tool: doc.Tool, Branches: doc.Branches, Files: map[string]*ci.FileCoverage{}}
	for name, file := range doc.Files {
		if file == nil {
			continue
		}
		f := &ci.FileCoverage{Lines: file.Lines, Branches: file.Branches, Total: len(file.Lines)}
		for _, hits := range file.Lines {
			if hits > 0 {
				f.Covered++
			}
		}
		for _, b := range file.Branches {
			f.TotalBranches += b.Total
			f.CoveredBranches += b.Covered
		}
		c.Files[name] = f
	}
	return c
}

// keepCoverage keeps the run's coverage beside the map of its commit, if that is
// all there is to cover.
func (f *facts) keepCoverage(ctx context.Context, commit string) {
	if f.run.Dirty || commit == "" || f.plan.partial() && f.plan.stored == nil {
		return
	}
	if data := packCoverage(f.run.Coverage); data != nil {
		if err := f.past.store.PutMapCoverage(ctx, f.run.Repo, commit, data); err != nil {
			f.warn("coverage is not kept beside who ran what: %s", withHint(err))
		}
	}
}
