package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// The parts of SARIF 2.1.0 that GitHub's code scanning reads
// (https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning).
type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID         string    `json:"id"`
		Short      sarifText `json:"shortDescription"`
		Help       sarifText `json:"help"`
		HelpURI    string    `json:"helpUri,omitempty"`
		Properties struct {
			Severity string   `json:"security-severity"`
			Tags     []string `json:"tags"`
		} `json:"properties"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
)

// maxSARIF is how many results GitHub takes of one run; it shows the worst 5,000.
const maxSARIF = 25_000

// VulnsSARIF writes the reconciled vulnerabilities for code scanning: each once,
// under one fingerprint whatever scanner saw it. What does not count is
// suppressed, with its reason.
func VulnsSARIF(w io.Writer, v VulnsView, version string) error {
	rules, results := []sarifRule{}, []sarifResult{}
	at := map[string]int{}
	add := func(x ci.Vulnerability, suppressed []sarifSuppression) {
		if len(results) == maxSARIF {
			return
		}
		i, ok := at[x.ID]
		if !ok {
			i = len(rules)
			at[x.ID] = i
			rules = append(rules, sarifRuleOf(x))
		}
		results = append(results, sarifResultOf(x, i, suppressed))
	}
	for _, x := range v.Gate.Now {
		add(x, nil)
	}
	for _, e := range v.Excused {
		add(e.Vulnerability, []sarifSuppression{{"external", "accepted", e.Status + ": " + e.Reason}})
	}
	type driver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	type tool struct {
		Driver driver `json:"driver"`
	}
	type run struct {
		Tool    tool          `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	return encode(w, struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}{
		"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0",
		[]run{{tool{driver{"keepgreen vulnerabilities", version, rules}}, results}},
	})
}

func sarifRuleOf(x ci.Vulnerability) sarifRule {
	rule := sarifRule{ID: x.ID, Short: sarifText{x.ID}}
	if x.Title != "" {
		rule.Short.Text = Visible(cut(x.Title, 200))
	}
	rule.Help.Text = "Also known as " + strings.Join(x.Aliases, ", ")
	if len(x.Aliases) == 0 {
		rule.Help.Text = x.ID
	}
	switch {
	case strings.HasPrefix(x.ID, "CVE-"):
		rule.HelpURI = "https://nvd.nist.gov/vuln/detail/" + url.PathEscape(x.ID)
	case strings.HasPrefix(x.ID, "GHSA-"):
		rule.HelpURI = "https://github.com/advisories/" + url.PathEscape(x.ID)
	}
	rule.Properties.Tags = []string{"security", "vulnerability"}
	// In the middle of GitHub's bands, as Trivy does where there is no score.
	rule.Properties.Severity = map[ci.VulnSeverity]string{ci.VulnCritical: "9.5", ci.VulnHigh: "8.0", ci.VulnMedium: "5.5", ci.VulnLow: "2.0"}[x.Severity]
	if rule.Properties.Severity == "" {
		rule.Properties.Severity = "0.0"
	}
	return rule
}

func sarifResultOf(x ci.Vulnerability, rule int, suppressed []sarifSuppression) sarifResult {
	r := sarifResult{RuleID: x.ID, RuleIndex: rule, Level: "note", Suppressions: suppressed}
	switch {
	case x.Severity >= ci.VulnHigh:
		r.Level = "error"
	case x.Severity == ci.VulnMedium:
		r.Level = "warning"
	}
	r.Message.Text = Visible(fmt.Sprintf("%s: %s in %s %s", x.Severity, x.ID, x.Package, x.Version))
	if len(x.Fixed) > 0 {
		r.Message.Text += Visible("; fixed in " + strings.Join(x.Fixed, ", "))
	}
	var l sarifLocation
	l.Physical.Artifact.URI = artifactURI(x.Target)
	l.Physical.Region.StartLine = 1
	r.Locations = []sarifLocation{l}
	sum := sha256.Sum256([]byte(x.ID + "\x00" + x.PackageKey()))
	r.Fingerprints = map[string]string{"keepgreen/v1": hex.EncodeToString(sum[:16])}
	return r
}

// artifactURI is a path inside the repository; GitHub drops results without one.
func artifactURI(target string) string {
	if i := strings.Index(target, " ("); i > 0 { // Trivy: "alpine:3.20 (alpine 3.20.1)"
		target = target[:i]
	}
	clean := strings.TrimLeft(path.Clean("/"+target), "/")
	if clean == "" || slices.Contains(strings.Split(target, "/"), "..") {
		return "."
	}
	return clean
}
