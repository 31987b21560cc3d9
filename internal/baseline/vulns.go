package baseline

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Finding is a vulnerability that main had.
type Finding struct {
	ID       string   `json:"id"`
	Aliases  []string `json:"aliases,omitempty"`
	Package  string   `json:"package"` // PURL without version, or the name
	Name     string   `json:"name,omitempty"`
	Version  string   `json:"version,omitempty"`
	Severity string   `json:"severity"`
	Scanners []string `json:"scanners,omitempty"`
}

// Vulns is what main was scanned with and what was found. The guide's file has
// counts only; these keys stand beside them.
type Vulns struct {
	Findings []Finding `json:"findings"`
	Severe   bool      `json:"severe_only"` // there were too many: only HIGH and CRITICAL are listed
	Scanners []string  `json:"scanners"`
	Time     time.Time `json:"scanned"`
}

// maxListed is how many findings of all severities are listed; beyond it only
// the severe ones are, and of those no more than that either.
const maxListed = 5000

// limited drops the mild findings, and then the rest, of a list that is too long.
func (v Vulns) limited() Vulns {
	if len(v.Findings) <= maxListed {
		return v
	}
	severe := v.Findings[:0:0]
	for _, f := range v.Findings {
		if f.Severity == "high" || f.Severity == "critical" {
			severe = append(severe, f)
		}
	}
	v.Severe, v.Findings = true, severe[:min(len(severe), maxListed)]
	return v
}

// VulnChange is how the list of findings differs from the one of the record
// before: a ledger of whole lists would hold the same thousand lines each day.
type VulnChange struct {
	Scanners []string  `json:"scanners"`
	Severe   bool      `json:"severe_only,omitempty"`
	Added    []Finding `json:"added,omitempty"` // new, or not what they were
	Removed  []Gone    `json:"removed,omitempty"`
}

// Gone is a finding that is not there any more.
type Gone struct {
	ID      string `json:"id"`
	Package string `json:"package"`
}

func (f Finding) key() Gone { return Gone{f.ID, f.Package} }

// VulnSeries is what the records of the vulnerability gate belong to.
const VulnSeries = "vulnerabilities"

// VulnsAfter is the list of findings after the last of the records; nil where
// none of them is of the vulnerability gate. The order is that of the ledger.
func VulnsAfter(records []Record) *Vulns {
	var out *Vulns
	list := map[Gone]Finding{}
	for _, r := range records {
		if r.Vulns == nil {
			continue
		}
		for _, g := range r.Vulns.Removed {
			delete(list, g)
		}
		for _, f := range r.Vulns.Added {
			list[f.key()] = f
		}
		out = &Vulns{Severe: r.Vulns.Severe, Scanners: r.Vulns.Scanners, Time: r.When()}
	}
	if out == nil {
		return nil
	}
	for _, key := range slices.SortedFunc(maps.Keys(list), func(a, b Gone) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	}) {
		out.Findings = append(out.Findings, list[key])
	}
	return out
}

// ChangeSince is what turns the list after the records into v.
func (v Vulns) ChangeSince(records []Record) *VulnChange {
	v = v.limited()
	out := &VulnChange{Scanners: append([]string{}, v.Scanners...), Severe: v.Severe}
	had := map[Gone]Finding{}
	if before := VulnsAfter(records); before != nil {
		for _, f := range before.Findings {
			had[f.key()] = f
		}
	}
	for _, f := range v.Findings {
		old, ok := had[f.key()]
		if !ok || string(encode(old)) != string(encode(f)) {
			out.Added = append(out.Added, f)
		}
		delete(had, f.key())
	}
	out.Removed = slices.SortedFunc(maps.Keys(had), func(a, b Gone) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// VulnState is what is listed; nil where nothing is, or what is there is not ours.
func (q *Quality) VulnState() *Vulns {
	o, _ := q.top.sub("vulnerabilities")
	if o.get("findings") == nil {
		return nil
	}
	var v Vulns
	if err := json.Unmarshal(o.bytes(), &v); err != nil {
		return nil
	}
	return &v
}

// SetVulnState lists the findings of a run of main, the worst first.
func (q *Quality) SetVulnState(v Vulns) {
	v = v.limited()
	o, _ := q.top.sub("vulnerabilities")
	o = o.set("findings", encode(append([]Finding{}, v.Findings...))).set("severe_only", encode(v.Severe)).set("scanners", encode(append([]string{}, v.Scanners...)))
	if !v.Time.IsZero() {
		o = o.set("scanned", encode(v.Time.UTC().Format(time.RFC3339)))
	}
	q.top = q.top.set("vulnerabilities", o.bytes())
}
