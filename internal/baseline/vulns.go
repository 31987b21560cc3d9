package baseline

import (
	"encoding/json"
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
	if len(v.Findings) > maxListed {
		severe := v.Findings[:0:0]
		for _, f := range v.Findings {
			if f.Severity == "high" || f.Severity == "critical" {
				severe = append(severe, f)
			}
		}
		v.Severe, v.Findings = true, severe[:min(len(severe), maxListed)]
	}
	o, _ := q.top.sub("vulnerabilities")
	o = o.set("findings", encode(append([]Finding{}, v.Findings...))).set("severe_only", encode(v.Severe)).set("scanners", encode(append([]string{}, v.Scanners...)))
	if !v.Time.IsZero() {
		o = o.set("scanned", encode(v.Time.UTC().Format(time.RFC3339)))
	}
	q.top = q.top.set("vulnerabilities", o.bytes())
}
