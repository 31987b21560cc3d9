package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// VulnRecord is the counts of one green run of main.
type VulnRecord struct {
	RunID, Commit  string
	High, Critical int
}

// MainCommit is the commit of main that was scanned; empty: not said.
func (r VulnRecord) MainCommit() string { return r.Commit }

// VulnBaseline is what vulnerabilities are compared with.
type VulnBaseline struct {
	Records  []VulnRecord       // oldest first
	High     int                // what the file says where it holds no records
	Critical int                //
	Default  bool               // nothing was said: 0 and 0
	Known    []ci.Vulnerability // what main had; see Listed
	Listed   bool               // Known is a list, if an empty one
	Severe   bool               // only HIGH and CRITICAL are listed
	Scanners []string           // main was scanned with; empty: not said
	Time     time.Time          // when main was scanned; zero: not said
	Before   []ci.Vulnerability // of the base, scanned now: see Rescanned
	// Rescanned says that the base was scanned with today's scanner and database,
	// so that what a new advisory brings is told from what the change brings.
	Rescanned bool
}

// VulnSettings are the thresholds.
type VulnSettings struct {
	DeltaHigh, DeltaCritical int // how many more than the baseline
	MaxHigh, MaxCritical     int // absolute limits
	Gating                   bool
	// Strict judges what the change introduces, not how many there are: an advisory
	// that came out overnight fails nobody's change.
	Strict               bool
	NewHigh, NewCritical int       // of strict: how many a change may introduce
	Now                  time.Time // for exceptions that end
}

// VulnScan is what the scanners said.
type VulnScan struct {
	Found    []ci.Vulnerability // reconciled
	Scanners []string           // name and version
	NoData   []string           // reports that answer nothing, and why
}

// NewVuln is a vulnerability that main did not have, and why it is there now.
type NewVuln struct {
	ci.Vulnerability
	Why NewReason
}

// NewReason is where something new comes from.
type NewReason string

// The reasons.
const (
	Introduced NewReason = "introduced"      // the change brought it
	Disclosed  NewReason = "disclosed"       // the code had it, and now it is known
	ByScanner  NewReason = "scanner_changed" // main was not scanned with what sees it
)

// ExcusedVuln is a vulnerability that does not count.
type ExcusedVuln struct {
	ci.Vulnerability
	By ci.VulnException
}

// VulnDecision is the answer of the vulnerability gate.
type VulnDecision struct {
	ci.Decision
	Breached       bool
	Counted        []ci.Vulnerability
	Excused        []ExcusedVuln
	High, Critical int
	BaseHigh       int
	BaseCritical   int
	From           string // what the baseline is, in words
	New            []NewVuln
	Fixed          []ci.Vulnerability
	Notes          []string
}

// Pass reports whether all limits are kept by what is known.
func (d VulnDecision) Pass() bool { return d.Verdict == ci.VerdictPass }

// Vulns decides whether there are too many vulnerabilities: more than the
// baseline by more than the delta, or more than the limit. Without gating that
// is a warning. A scanner that answered nothing makes the answer "no data".
func Vulns(scan VulnScan, base VulnBaseline, exceptions []ci.VulnException, s VulnSettings) VulnDecision {
	d := VulnDecision{Decision: ci.Decision{Gate: "vulnerabilities"}}
	d.except(scan.Found, exceptions, s.Now)
	d.High, d.Critical = severe(d.Counted)
	d.BaseHigh, d.BaseCritical, d.From = base.counts()
	d.compare(scan, base)
	breaches := d.breaches(base, s)
	d.Breached = len(breaches) > 0
	switch {
	case d.Breached && s.Gating:
		d.Verdict, d.Because = ci.VerdictFail, append(breaches, scan.NoData...)
	case len(scan.NoData) > 0:
		d.Verdict, d.Because = ci.VerdictNoData, append(slices.Clone(scan.NoData), breaches...)
	case len(scan.Scanners) == 0:
		d.Verdict, d.Because = ci.VerdictNoData, []string{"there is no scanner's report: no data is never a pass"}
	case d.Breached:
		d.Verdict, d.Because = ci.VerdictWarn, append(breaches, "this warns and does not fail: VULN_GATING is not set")
	default:
		d.Verdict = ci.VerdictPass
		d.Because = []string{fmt.Sprintf("%d CRITICAL and %d HIGH vulnerabilities; the baseline is %d and %d (%s), and up to %d and %d more are allowed", d.Critical, d.High, d.BaseCritical, d.BaseHigh, d.From, s.DeltaCritical, s.DeltaHigh)}
	}
	return d
}

// breaches are the limits that are not kept, each in a sentence.
func (d *VulnDecision) breaches(base VulnBaseline, s VulnSettings) (out []string) {
	strict := s.Strict && base.Listed && !base.Default
	if s.Strict && !strict {
		d.Notes = append(d.Notes, "strict needs the list of what main has: until --update-baseline has run on main, counts are compared")
	}
	for _, limit := range []struct {
		name                         string
		severity                     ci.VulnSeverity
		now, base, delta, max, fresh int
	}{
		{"CRITICAL", ci.VulnCritical, d.Critical, d.BaseCritical, s.DeltaCritical, s.MaxCritical, s.NewCritical},
		{"HIGH", ci.VulnHigh, d.High, d.BaseHigh, s.DeltaHigh, s.MaxHigh, s.NewHigh},
	} {
		brought := d.introduced(func(v NewVuln) bool { return v.Severity == limit.severity })
		over := limit.now - limit.base
		switch {
		case strict && len(brought) > limit.fresh:
			out = append(out, fmt.Sprintf("regression exceeds delta threshold: %s vulnerabilities: the change introduces %d, and %d are allowed: %s", limit.name, len(brought), limit.fresh, listed(brought)))
		case over > limit.delta && strict && len(brought) == 0:
			d.Notes = append(d.Notes, fmt.Sprintf("%s vulnerabilities: %d are %d more than the baseline of %d (%s), and none of them is this change's", limit.name, limit.now, over, limit.base, d.From))
		case over > limit.delta:
			out = append(out, fmt.Sprintf("regression exceeds delta threshold: %s vulnerabilities: %d are %d more than the baseline of %d (%s), and %d more are allowed", limit.name, limit.now, over, limit.base, d.From, limit.delta))
		}
		if limit.now > limit.max {
			out = append(out, fmt.Sprintf("%s vulnerabilities: %d are more than the limit of %d", limit.name, limit.now, limit.max))
		}
	}
	if brought := d.introduced(func(v NewVuln) bool { return v.Exploited }); strict && len(brought) > 0 {
		out = append(out, "the change introduces what is known to be exploited: "+listed(brought))
	}
	return out
}

// introduced are the names of what the change brought.
func (d *VulnDecision) introduced(which func(NewVuln) bool) (out []string) {
	for _, v := range d.New {
		if v.Why == Introduced && which(v) {
			out = append(out, v.ID+" in "+cmp.Or(v.Package, v.PackageKey()))
		}
	}
	return out
}

// listed names a few of many.
func listed(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func severe(list []ci.Vulnerability) (high, critical int) {
	for _, v := range list {
		switch v.Severity {
		case ci.VulnHigh:
			high++
		case ci.VulnCritical:
			critical++
		default:
		}
	}
	return high, critical
}

// counts is the median of the last green runs, each severity by itself. Of an
// even number of runs it is the lower of the two in the middle: a count that a
// run had.
func (b VulnBaseline) counts() (high, critical int, from string) {
	if len(b.Records) == 0 {
		if b.Default {
			return 0, 0, "the default: main has no scan on record yet"
		}
		return b.High, b.Critical, "as the baseline file says"
	}
	last := b.Records[max(0, len(b.Records)-window):]
	var highs, criticals []int
	for _, r := range last {
		highs, criticals = append(highs, r.High), append(criticals, r.Critical)
	}
	slices.Sort(highs)
	slices.Sort(criticals)
	middle := (len(last) - 1) / 2
	return highs[middle], criticals[middle], "the median of " + count(len(last), "green run") + " on main"
}

// except takes out what does not count. Of several exceptions for one
// vulnerability the last one decides; one that has ended excuses nothing.
func (d *VulnDecision) except(found []ci.Vulnerability, exceptions []ci.VulnException, now time.Time) {
	byID := map[string][]int{}
	used := make([]bool, len(exceptions))
	for i, e := range exceptions {
		for _, id := range e.IDs {
			byID[id] = append(byID[id], i)
		}
	}
	for _, v := range found {
		last := -1
		for _, id := range v.IDs() {
			for _, i := range byID[id] {
				if i > last && about(exceptions[i], v) {
					last = i
				}
			}
		}
		if last < 0 {
			d.Counted = append(d.Counted, v)
			continue
		}
		e := exceptions[last]
		ended := !e.Expires.IsZero() && !now.Before(e.Expires.AddDate(0, 0, 1))
		if ended && !used[last] {
			d.Notes = append(d.Notes, fmt.Sprintf("%s: the exception for %s ended on %s: it counts again", e.Source, v.ID, e.Expires.Format(time.DateOnly)))
		}
		used[last] = true
		if ended || !slices.Contains([]string{"not_affected", "fixed", "ignored"}, e.Status) {
			d.Counted = append(d.Counted, v)
			continue
		}
		d.Excused = append(d.Excused, ExcusedVuln{v, e})
	}
	for i, e := range exceptions {
		if !used[i] && e.Status == "ignored" {
			d.Notes = append(d.Notes, fmt.Sprintf("%s: %s is not found any more: the exception can go", e.Source, e.IDs[0]))
		}
	}
}

// about reports whether an exception is about the package of a vulnerability.
func about(e ci.VulnException, v ci.Vulnerability) bool {
	if len(e.Packages) == 0 {
		return true
	}
	for _, p := range e.Packages {
		if !strings.HasPrefix(p, "pkg:") {
			if strings.EqualFold(p, v.Package) {
				return true
			}
			continue
		}
		key := ci.Vulnerability{PURL: p}.PackageKey()
		version := strings.TrimPrefix(strings.TrimPrefix(p, key), "@")
		if key == v.PackageKey() && (version == "" || version == v.Version) {
			return true
		}
	}
	return false
}

// compare makes the view of sets: what is new and why, and what is fixed.
func (d *VulnDecision) compare(scan VulnScan, base VulnBaseline) {
	if !base.Listed {
		d.Notes = append(d.Notes, "the baseline holds counts only: what is new and what is fixed is known once --update-baseline has run on main")
		return
	}
	before, after := nameScanners(base.Scanners), nameScanners(scan.Scanners)
	known, rescanned := index(base.Known), index(base.Before)
	for _, v := range d.Counted {
		if known.has(v) || base.Severe && v.Severity < ci.VulnHigh {
			continue
		}
		why := Introduced
		switch {
		case base.Rescanned && rescanned.has(v):
			why = Disclosed
		case base.Rescanned:
		case len(before) > 0 && !slices.ContainsFunc(v.Scanners, func(s string) bool { return slices.Contains(before, s) }):
			why = ByScanner
		case !base.Time.IsZero() && v.Published.After(base.Time):
			why = Disclosed
		}
		d.New = append(d.New, NewVuln{v, why})
	}
	now := index(scan.Found)
	for _, v := range base.Known {
		// What no scanner looked for is not fixed.
		looked := len(v.Scanners) == 0 || slices.ContainsFunc(v.Scanners, func(s string) bool { return slices.Contains(after, s) })
		if looked && !now.has(v) && len(scan.NoData) == 0 {
			d.Fixed = append(d.Fixed, v)
		}
	}
	if len(base.Scanners) > 0 && !slices.Equal(sorted(base.Scanners), sorted(scan.Scanners)) {
		d.Notes = append(d.Notes, fmt.Sprintf("scanner changed: main was scanned with %s, this with %s: some of what is new or fixed may be the scanner's", strings.Join(base.Scanners, ", "), cmp.Or(strings.Join(scan.Scanners, ", "), "nothing")))
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// nameScanners drops the versions.
func nameScanners(list []string) []string {
	var out []string
	for _, s := range list {
		name, _, _ := strings.Cut(s, " ")
		out = append(out, name)
	}
	return out
}

// vulnIndex finds a vulnerability by any of its ids in its package: an id that
// was a GHSA yesterday may be a CVE today.
type vulnIndex map[[2]string]bool

func index(list []ci.Vulnerability) vulnIndex {
	out := vulnIndex{}
	for _, v := range list {
		for _, id := range v.IDs() {
			out[[2]string{id, v.PackageKey()}] = true
		}
	}
	return out
}

func (x vulnIndex) has(v ci.Vulnerability) bool {
	return slices.ContainsFunc(v.IDs(), func(id string) bool { return x[[2]string{id, v.PackageKey()}] })
}
