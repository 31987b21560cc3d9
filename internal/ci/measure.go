package ci

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Coverage is which lines and branches ran, as integers: percentages of two
// tools are not comparable, and sums of percentages are wrong.
type Coverage struct {
	Tool     string // "coverage.py", "go", "lcov" …
	Branches bool   // branch coverage was measured
	Files    map[string]*FileCoverage
}

// FileCoverage is the coverage of one file. Lines holds hit counts by line
// number; a line that is not in it is no statement.
type FileCoverage struct {
	Lines           map[int]int
	Branches        map[int]BranchCount // by the line on which the branch stands
	Covered, Total  int                 // statements; derived from Lines where those are known
	CoveredBranches int
	TotalBranches   int
	Blocks          map[Block]BlockCount // set by tools that count statements in blocks (Go); empty: none does
}

// BranchCount is how many of the ways out of a line were taken.
type BranchCount struct {
	Covered, Total int
	Ways           uint64 // bit i: the i-th way was taken; 0: the tool does not say which
}

// Block is a stretch of source that runs as a whole, from its first character
// to behind its last.
type Block struct{ FirstLine, FirstCol, LastLine, LastCol int }

// BlockCount is how many statements a block holds and how often it ran.
type BlockCount struct{ Statements, Hits int }

// Counts sums the statements and branches of all files.
func (c *Coverage) Counts() (covered, total, coveredBranches, totalBranches int) {
	if c == nil {
		return
	}
	for _, f := range c.Files {
		covered += f.Covered
		total += f.Total
		coveredBranches += f.CoveredBranches
		totalBranches += f.TotalBranches
	}
	return
}

// Percent is the covered share of statements (and of branches, where they were
// measured, as coverage.py counts them), in 0..100. ok is false when there was
// nothing to cover: that is no data, not 0 and not 100.
func (c *Coverage) Percent() (pct float64, ok bool) {
	covered, total, cb, tb := c.Counts()
	if total+tb <= 0 {
		return 0, false
	}
	return 100 * float64(covered+cb) / float64(total+tb), true
}

// Missing lists the statements of the file that did not run, as ranges of
// statements without a covered one between them.
func (f *FileCoverage) Missing() []LineRange {
	lines := make([]int, 0, len(f.Lines))
	for n := range f.Lines {
		lines = append(lines, n)
	}
	slices.Sort(lines)
	var out []LineRange
	open := false
	for _, n := range lines {
		switch {
		case f.Lines[n] > 0:
			open = false
		case open:
			out[len(out)-1].Last = n
		default:
			out = append(out, LineRange{n, n})
			open = true
		}
	}
	return out
}

// Vulnerability is one known weakness in one package, whichever scanners saw it.
type Vulnerability struct {
	ID        string   // canonical: CVE, else GHSA, else the scanner's own
	Aliases   []string // every id it is known by, sorted, without ID
	Package   string
	PURL      string
	Version   string // installed
	Fixed     []string
	Severity  VulnSeverity
	Scanners  []string // who reported it, sorted
	Target    string   // lock file, image or directory it was found in
	Title     string
	Exploited bool         // in CISA's list of known exploited vulnerabilities
	EPSS      float64      // probability of exploitation within 30 days, 0..1; 0: not said
	Ratings   []VulnRating // what each scanner says of the severity, sorted by scanner; Severity is the worst
	Published time.Time    // of the advisory; zero: not said
	FirstSeen time.Time
}

// VulnRating is the severity in the words of one scanner.
type VulnRating struct {
	Scanner  string
	Severity VulnSeverity
}

// PackageKey names the package without its version: the PURL up to the version
// where there is one, else the name.
func (v Vulnerability) PackageKey() string {
	key, _, _ := strings.Cut(v.PURL, "?")
	key, _, _ = strings.Cut(key, "#")
	if at := strings.LastIndexByte(key, '@'); at > strings.LastIndexByte(key, '/') {
		key = key[:at]
	}
	return cmp.Or(key, v.Package)
}

// IDs are all names of the vulnerability, the canonical one first.
func (v Vulnerability) IDs() []string { return append([]string{v.ID}, v.Aliases...) }

// VulnException says that a vulnerability does not count, and why.
type VulnException struct {
	IDs      []string // any of them
	Packages []string // PURLs or names, with or without a version; empty: every package
	Status   string   // "not_affected", "fixed" or "ignored"; another one of OpenVEX: it does count
	Reason   string
	Expires  time.Time // the exception ends at the end of this day; zero: never
	Source   string    // file and line
}

// VulnSeverity is a scanner's rating.
type VulnSeverity uint8

// The severities, mildest first, so that the larger is the worse.
const (
	VulnUnknown VulnSeverity = iota
	VulnNegligible
	VulnLow
	VulnMedium
	VulnHigh
	VulnCritical
)

var vulnNames = [...]string{"unknown", "negligible", "low", "medium", "high", "critical"}

func (s VulnSeverity) String() string {
	if int(s) < len(vulnNames) {
		return vulnNames[s]
	}
	return vulnNames[VulnUnknown]
}

// SlowestTests lists the n slowest results, slowest first; results without a
// stated duration do not take part.
func SlowestTests(results []TestResult, n int) []TestResult {
	timed := make([]TestResult, 0, len(results))
	for _, r := range results {
		if r.Timed {
			timed = append(timed, r)
		}
	}
	slices.SortStableFunc(timed, func(a, b TestResult) int {
		return cmp.Or(cmp.Compare(b.Duration, a.Duration), cmp.Compare(a.ID, b.ID))
	})
	return timed[:min(n, len(timed))]
}
