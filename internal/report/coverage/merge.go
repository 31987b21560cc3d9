package coverage

import (
	"fmt"
	"maps"
	"math/bits"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Merge is the union of two shards: what ran in either has run. It is
// idempotent, so that a report that is found twice counts once, and it changes
// neither argument. Branches are joined way by way where the tool says which
// ways were taken; where it states only "1 of 2", two shards are known to cover
// at least what the better one does, and that is what is counted.
func Merge(a, b *ci.Coverage) *ci.Coverage {
	if a == nil && b == nil {
		return nil
	}
	out := &ci.Coverage{Files: map[string]*ci.FileCoverage{}}
	for _, c := range []*ci.Coverage{a, b} {
		if c != nil {
			add(out, c)
		}
	}
	return out
}

// MergeAll is Merge of any number, without copying what was merged before.
func MergeAll(all ...*ci.Coverage) *ci.Coverage {
	out := &ci.Coverage{Files: map[string]*ci.FileCoverage{}}
	for _, c := range all {
		if c != nil {
			add(out, c)
		}
	}
	return out
}

func add(dst, src *ci.Coverage) {
	dst.Tool = joinTools(dst.Tool, src.Tool)
	dst.Branches = dst.Branches || src.Branches
	for name, f := range src.Files {
		into, ok := dst.Files[name]
		if !ok {
			into = newFile()
			dst.Files[name] = into
		}
		mergeFile(into, f)
	}
}

// joinTools names every tool that took part, once, sorted.
func joinTools(a, b string) string {
	var all []string
	for _, tools := range []string{a, b} {
		if tools != "" {
			all = append(all, strings.Split(tools, "+")...)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "+")
}

func newFile() *ci.FileCoverage { return &ci.FileCoverage{Lines: map[int]int{}} }

func mergeFile(dst, src *ci.FileCoverage) {
	if dst.Lines == nil {
		dst.Lines = make(map[int]int, len(src.Lines))
	}
	for n, hits := range src.Lines {
		hit(dst, n, hits)
	}
	for n, count := range src.Branches {
		branch(dst, n, count)
	}
	for b, count := range src.Blocks {
		block(dst, b, count)
	}
	coveredBranches, totalBranches := max(dst.CoveredBranches, src.CoveredBranches), max(dst.TotalBranches, src.TotalBranches)
	covered, total := max(dst.Covered, src.Covered), max(dst.Total, src.Total)
	count(dst)
	if len(dst.Branches) == 0 { // the tool stated sums only
		dst.CoveredBranches, dst.TotalBranches = coveredBranches, totalBranches
	}
	if len(dst.Lines) == 0 && len(dst.Blocks) == 0 {
		dst.Covered, dst.Total = covered, total
	}
}

// hit notes that a statement on the line ran so often; the larger count of
// several stays, which is right for a class repeated per file and for shards.
func hit(f *ci.FileCoverage, line, hits int) {
	if old, ok := f.Lines[line]; !ok || hits > old {
		f.Lines[line] = hits
	}
}

func branch(f *ci.FileCoverage, line int, b ci.BranchCount) {
	if b.Total <= 0 {
		return
	}
	b.Covered = min(max(b.Covered, bits.OnesCount64(b.Ways)), b.Total)
	if f.Branches == nil {
		f.Branches = map[int]ci.BranchCount{}
	}
	f.Branches[line] = joinBranches(f.Branches[line], b)
}

// joinBranches keeps the count with more ways out (a later build of the line)
// and, of equal ones, everything that is known to have been taken.
func joinBranches(a, b ci.BranchCount) ci.BranchCount {
	if a.Total != b.Total {
		if a.Total > b.Total {
			return a
		}
		return b
	}
	a.Ways |= b.Ways
	a.Covered = max(a.Covered, b.Covered, bits.OnesCount64(a.Ways))
	return a
}

func block(f *ci.FileCoverage, b ci.Block, c ci.BlockCount) {
	if f.Blocks == nil {
		f.Blocks = map[ci.Block]ci.BlockCount{}
	}
	old := f.Blocks[b]
	f.Blocks[b] = ci.BlockCount{Statements: max(old.Statements, c.Statements), Hits: max(old.Hits, c.Hits)}
}

// count derives the sums of a file from its lines, blocks and branches.
func count(f *ci.FileCoverage) {
	f.Covered, f.Total, f.CoveredBranches, f.TotalBranches = 0, 0, 0, 0
	if len(f.Blocks) > 0 {
		for _, b := range f.Blocks {
			f.Total += b.Statements
			if b.Hits > 0 {
				f.Covered += b.Statements
			}
		}
	} else {
		f.Total = len(f.Lines)
		for _, hits := range f.Lines {
			if hits > 0 {
				f.Covered++
			}
		}
	}
	for _, b := range f.Branches {
		f.CoveredBranches += b.Covered
		f.TotalBranches += b.Total
	}
}

// Rebase names files as the repository does. Reports name them by absolute
// path, by Go import path or relative to some source root; the longest end of
// such a name that is a tracked file is that file. A name that fits none, or
// fits several equally well, stays as it is, without root in front of it. Files
// that turn out to be one are merged.
func Rebase(c *ci.Coverage, root string, tracked []string) *ci.Coverage {
	if c == nil {
		return nil
	}
	known := make(map[string]bool, len(tracked))
	byBase := map[string][]string{}
	for _, name := range tracked {
		known[name] = true
		byBase[path.Base(name)] = append(byBase[path.Base(name)], name)
	}
	root = strings.TrimSuffix(slashes(root), "/")
	out := &ci.Coverage{Tool: c.Tool, Branches: c.Branches, Files: make(map[string]*ci.FileCoverage, len(c.Files))}
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		to := rebased(name, root, known, byBase)
		if into, ok := out.Files[to]; ok {
			joined := newFile()
			mergeFile(joined, into)
			mergeFile(joined, c.Files[name])
			out.Files[to] = joined
			continue
		}
		out.Files[to] = c.Files[name]
	}
	return out
}

func rebased(name, root string, known map[string]bool, byBase map[string][]string) string {
	if root != "" {
		if rest, ok := strings.CutPrefix(name, root+"/"); ok {
			name = rest
		}
	}
	for end := name; end != ""; {
		if known[end] {
			return end
		}
		_, rest, ok := strings.Cut(end, "/")
		if !ok {
			break
		}
		end = rest
	}
	// "m.py" of a report whose root was src/: the one tracked file that ends so.
	var fits []string
	for _, candidate := range byBase[path.Base(name)] {
		if strings.HasSuffix(candidate, "/"+name) {
			fits = append(fits, candidate)
		}
	}
	if len(fits) == 1 {
		return fits[0]
	}
	return name
}

// builder collects what one file says and bounds it.
type builder struct {
	cov  *ci.Coverage
	left int // lines and branches that may still come
}

const (
	maxEntries = 1 << 24  // more lines than any repository has
	maxLineNo  = 10 << 20 // of one source file
	maxName    = 4096
)

func newBuilder(tool string) *builder {
	return &builder{cov: &ci.Coverage{Tool: tool, Files: map[string]*ci.FileCoverage{}}, left: maxEntries}
}

// file is the entry of a source file, new or known.
func (b *builder) file(name string) (*ci.FileCoverage, error) {
	name = clean(name)
	switch {
	case name == "":
		return nil, fmt.Errorf("a source file without a name")
	case len(name) > maxName:
		return nil, fmt.Errorf("the name of a source file has %d bytes", len(name))
	}
	f, ok := b.cov.Files[name]
	if !ok {
		f = newFile()
		b.cov.Files[name] = f
	}
	return f, nil
}

// spend takes n entries off the budget.
func (b *builder) spend(n int) error {
	if b.left -= n; b.left < 0 {
		return fmt.Errorf("more than %d lines and branches", maxEntries)
	}
	return nil
}

// checkLine refuses numbers that no line of a source file has.
func checkLine(n int) error {
	if n < 1 || n > maxLineNo {
		return fmt.Errorf("line number %d is out of range", n)
	}
	return nil
}

func (b *builder) line(f *ci.FileCoverage, n, hits int) error {
	if err := checkLine(n); err != nil {
		return err
	}
	if err := b.spend(1); err != nil {
		return err
	}
	hit(f, n, max(hits, 0)) // gcov is known to write negative counts
	return nil
}

func (b *builder) branch(f *ci.FileCoverage, n int, c ci.BranchCount) error {
	if err := checkLine(n); err != nil {
		return err
	}
	b.cov.Branches = true
	if err := b.spend(1); err != nil {
		return err
	}
	branch(f, n, c)
	return nil
}

// done derives the sums.
func (b *builder) done() *ci.Coverage {
	for _, f := range b.cov.Files {
		stated := *f
		count(f)
		if len(f.Branches) == 0 {
			f.CoveredBranches, f.TotalBranches = stated.CoveredBranches, stated.TotalBranches
		}
	}
	return b.cov
}

// way is the bit of the i-th way out; beyond 64 ways they are not told apart.
func way(i int) uint64 {
	if i >= 64 {
		return 0
	}
	return 1 << i
}

// clean brings a path to one spelling: slashes, no "./", no "..", valid UTF-8.
func clean(name string) string {
	name = strings.ToValidUTF8(slashes(strings.TrimSpace(name)), "\uFFFD")
	if name == "" {
		return ""
	}
	return path.Clean(name)
}

// slashes spells a Windows path with slashes. A backslash in a POSIX path is
// legal and never seen.
func slashes(name string) string { return strings.ReplaceAll(name, `\`, "/") }

// saturating is a decimal count as an int; counts beyond it are as good as the
// largest, and text that is none is not ok.
func saturating(digits []byte) (n int, ok bool) {
	negative := false
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	if len(digits) == 0 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n > maxHits {
			continue
		}
		n = n*10 + int(c-'0')
	}
	n = min(n, maxHits)
	if negative {
		n = -n
	}
	return n, true
}

// maxHits is where hit counts stop counting: beyond int32, as gcov writes them,
// and small enough that sums of a few do not overflow.
const maxHits = 1 << 53
