package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
)

var guide = policy.VulnSettings{DeltaHigh: 3, DeltaCritical: 1, MaxHigh: 9999, MaxCritical: 9999, Gating: true, Now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}

func vulns(high, critical int) []ci.Vulnerability {
	var out []ci.Vulnerability
	for i := range high + critical {
		v := ci.Vulnerability{ID: fmt.Sprintf("CVE-2026-%d", i), Package: "p", PURL: fmt.Sprintf("pkg:npm/p%d@1", i), Severity: ci.VulnHigh, Scanners: []string{"grype"}}
		if i >= high {
			v.Severity = ci.VulnCritical
		}
		out = append(out, v)
	}
	return out
}

func scanOf(list []ci.Vulnerability) policy.VulnScan {
	return policy.VulnScan{Found: list, Scanners: []string{"grype 0.120.1"}}
}

func TestVulnCounts(t *testing.T) {
	warn := guide
	warn.Gating = false
	limits := guide
	limits.MaxHigh, limits.MaxCritical = 10, 2
	ten := policy.VulnBaseline{High: 10, Critical: 1}
	for name, c := range map[string]struct {
		high, critical int
		base           policy.VulnBaseline
		settings       policy.VulnSettings
		verdict        ci.Verdict
		because        string
	}{
		"15 HIGH against 10 with 3 fails":     {15, 0, ten, guide, ci.VerdictFail, "regression exceeds delta threshold: HIGH vulnerabilities: 15 are 5 more than the baseline of 10 (as the baseline file says), and 3 more are allowed"},
		"13 against 10 is not more than 3":    {13, 0, ten, guide, ci.VerdictPass, "0 CRITICAL and 13 HIGH vulnerabilities; the baseline is 1 and 10 (as the baseline file says), and up to 1 and 3 more are allowed"},
		"two CRITICAL more fail":              {0, 3, ten, guide, ci.VerdictFail, "regression exceeds delta threshold: CRITICAL vulnerabilities: 3 are 2 more than the baseline of 1 (as the baseline file says), and 1 more are allowed"},
		"without gating it warns":             {15, 0, ten, warn, ci.VerdictWarn, "regression exceeds delta threshold: HIGH"},
		"the limit stands beside the delta":   {11, 0, ten, limits, ci.VerdictFail, "HIGH vulnerabilities: 11 are more than the limit of 10"},
		"at the limit is within it":           {10, 2, ten, limits, ci.VerdictPass, "2 CRITICAL and 10 HIGH"},
		"without a file the baseline is zero": {4, 0, policy.VulnBaseline{Default: true}, guide, ci.VerdictFail, "regression exceeds delta threshold: HIGH vulnerabilities: 4 are 4 more than the baseline of 0 (the default: main has no scan on record yet)"},
		"fewer than before is well":           {0, 0, ten, guide, ci.VerdictPass, "0 CRITICAL and 0 HIGH"},
		"the median of main's runs":           {15, 0, policy.VulnBaseline{High: 99, Records: []policy.VulnRecord{{High: 10}, {High: 11}, {High: 80}}}, guide, ci.VerdictFail, "regression exceeds delta threshold: HIGH vulnerabilities: 15 are 4 more than the baseline of 11 (the median of 3 green runs on main)"},
		"of two runs the lower":               {14, 0, policy.VulnBaseline{Records: []policy.VulnRecord{{High: 80}, {High: 10}}}, guide, ci.VerdictFail, "regression exceeds delta threshold: HIGH vulnerabilities: 14 are 4 more than the baseline of 10"},
	} {
		t.Run(name, func(t *testing.T) {
			d := policy.Vulns(scanOf(vulns(c.high, c.critical)), c.base, nil, c.settings)
			assert.Equal(t, d.Verdict, c.verdict, "%v", d.Because)
			assert.Assert(t, strings.HasPrefix(d.Because[0], c.because), d.Because[0])
			assert.Equal(t, d.Pass(), c.verdict == ci.VerdictPass)
		})
	}
}

func TestVulnsWithoutData(t *testing.T) {
	scan := scanOf(vulns(1, 0))
	scan.NoData = []string{"osv.json: it is empty"}
	d := policy.Vulns(scan, policy.VulnBaseline{}, nil, guide)
	assert.Equal(t, d.Verdict, ci.VerdictNoData)
	assert.Equal(t, d.Because[0], "osv.json: it is empty")

	scan.Found = vulns(9, 0)
	assert.Equal(t, policy.Vulns(scan, policy.VulnBaseline{}, nil, guide).Verdict, ci.VerdictFail, "what is known to be too much needs no more data")
	soft := guide
	soft.Gating = false
	assert.Equal(t, policy.Vulns(scan, policy.VulnBaseline{}, nil, soft).Verdict, ci.VerdictNoData, "a missing answer outweighs a warning")
	assert.Equal(t, policy.Vulns(policy.VulnScan{}, policy.VulnBaseline{}, nil, guide).Verdict, ci.VerdictNoData)
}

func reasons(d policy.VulnDecision) map[string]policy.NewReason {
	out := map[string]policy.NewReason{}
	for _, n := range d.New {
		out[n.ID] = n.Why
	}
	return out
}

func TestTheViewOfSets(t *testing.T) {
	scanned := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	v := func(id string, scanner string, published time.Time, aliases ...string) ci.Vulnerability {
		return ci.Vulnerability{ID: id, PURL: "pkg:npm/a@2", Severity: ci.VulnHigh, Scanners: []string{scanner}, Published: published, Aliases: aliases}
	}
	base := policy.VulnBaseline{
		Listed: true, Scanners: []string{"grype 0.1"}, Time: scanned,
		Known: []ci.Vulnerability{{ID: "GHSA-old", PURL: "pkg:npm/a", Scanners: []string{"grype"}}, {ID: "CVE-gone", PURL: "pkg:npm/a", Scanners: []string{"grype"}}, {ID: "CVE-unseen", PURL: "pkg:npm/a", Scanners: []string{"npm"}}},
	}
	scan := policy.VulnScan{Scanners: []string{"grype 0.1", "trivy 1"}, Found: []ci.Vulnerability{
		v("CVE-old", "grype", time.Time{}, "GHSA-old"), v("CVE-mine", "grype", scanned.AddDate(-1, 0, 0)), v("CVE-fresh", "grype", scanned.AddDate(0, 0, 7)), v("CVE-other", "trivy", time.Time{}),
	}}
	d := policy.Vulns(scan, base, nil, guide)
	assert.DeepEqual(t, reasons(d), map[string]policy.NewReason{"CVE-mine": policy.Introduced, "CVE-fresh": policy.Disclosed, "CVE-other": policy.ByScanner})
	assert.Equal(t, len(d.Fixed), 1)
	assert.Equal(t, d.Fixed[0].ID, "CVE-gone", "what no scanner looked for is not fixed")
	assert.Assert(t, strings.HasPrefix(d.Notes[0], "scanner changed: main was scanned with grype 0.1, this with grype 0.1, trivy 1"), d.Notes)

	// The base scanned with today's database settles it.
	base.Rescanned, base.Before = true, []ci.Vulnerability{v("CVE-mine", "grype", time.Time{}), v("CVE-other", "trivy", time.Time{})}
	d = policy.Vulns(scan, base, nil, guide)
	assert.DeepEqual(t, reasons(d), map[string]policy.NewReason{"CVE-mine": policy.Disclosed, "CVE-fresh": policy.Introduced, "CVE-other": policy.Disclosed})

	// A new version of the package is not a new vulnerability.
	d = policy.Vulns(policy.VulnScan{Scanners: []string{"grype 0.1"}, Found: []ci.Vulnerability{{ID: "CVE-gone", PURL: "pkg:npm/a@9"}}}, base, nil, guide)
	assert.Equal(t, len(d.New), 0)

	d = policy.Vulns(scan, policy.VulnBaseline{}, nil, guide)
	assert.Equal(t, len(d.New)+len(d.Fixed), 0)
	assert.Assert(t, strings.HasPrefix(d.Notes[0], "the baseline holds counts only"), d.Notes)
}

func TestExceptions(t *testing.T) {
	found := []ci.Vulnerability{{ID: "CVE-1", Aliases: []string{"GHSA-1"}, Package: "lodash", PURL: "pkg:npm/lodash@4.17.15", Version: "4.17.15", Severity: ci.VulnCritical, Scanners: []string{"grype"}}}
	day := func(d int) time.Time { return time.Date(2026, 6, d, 0, 0, 0, 0, time.UTC) }
	except := func(status string, expires time.Time, packages ...string) ci.VulnException {
		return ci.VulnException{IDs: []string{"GHSA-1"}, Packages: packages, Status: status, Reason: "r", Expires: expires, Source: "line 2"}
	}
	for name, c := range map[string]struct {
		exceptions []ci.VulnException
		excused    bool
		note       string
	}{
		"by an alias":                       {[]ci.VulnException{except("ignored", day(2))}, true, ""},
		"on its last day":                   {[]ci.VulnException{except("ignored", day(1))}, true, ""},
		"the day after":                     {[]ci.VulnException{except("ignored", day(1).AddDate(0, 0, -1))}, false, "line 2: the exception for CVE-1 ended on 2026-05-31: it counts again"},
		"for the package by name":           {[]ci.VulnException{except("ignored", day(9), "Lodash")}, true, ""},
		"for the package in this version":   {[]ci.VulnException{except("not_affected", time.Time{}, "pkg:npm/lodash@4.17.15")}, true, ""},
		"for the package in any version":    {[]ci.VulnException{except("fixed", time.Time{}, "pkg:npm/lodash")}, true, ""},
		"for another version":               {[]ci.VulnException{except("not_affected", time.Time{}, "pkg:npm/lodash@4.17.16")}, false, ""},
		"for another package":               {[]ci.VulnException{except("ignored", day(9), "minimist")}, false, "line 2: GHSA-1 is not found any more: the exception can go"},
		"affected excuses nothing":          {[]ci.VulnException{except("affected", time.Time{})}, false, ""},
		"the later statement takes it back": {[]ci.VulnException{except("not_affected", time.Time{}), except("under_investigation", time.Time{})}, false, ""},
		"the later statement gives it anew": {[]ci.VulnException{except("affected", time.Time{}), except("not_affected", time.Time{})}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := policy.Vulns(scanOf(found), policy.VulnBaseline{Listed: true}, c.exceptions, guide)
			assert.Equal(t, len(d.Excused) == 1, c.excused)
			assert.Equal(t, d.Critical == 0, c.excused)
			assert.Equal(t, strings.Join(d.Notes, ";"), c.note)
		})
	}
}

// TestVulnStrict: what is judged is what the change brought.
func TestVulnStrict(t *testing.T) {
	strict := guide
	strict.Strict, strict.DeltaHigh, strict.DeltaCritical = true, 0, 0
	had := policy.VulnBaseline{Listed: true, Known: vulns(3, 0)[:2], Records: []policy.VulnRecord{{High: 2}}}
	exploited := scanOf(vulns(3, 0))
	exploited.Found[2].Exploited, exploited.Found[2].Severity = true, ci.VulnLow
	overnight := had
	overnight.Rescanned, overnight.Before = true, vulns(3, 0)
	generous := strict
	generous.NewHigh = 1
	generous.DeltaHigh = 1
	for name, c := range map[string]struct {
		scan    policy.VulnScan
		base    policy.VulnBaseline
		s       policy.VulnSettings
		verdict ci.Verdict
		because string
	}{
		"nothing new":                           {scanOf(vulns(3, 0)[:2]), had, strict, ci.VerdictPass, "0 CRITICAL and 2 HIGH"},
		"one that the change brought":           {scanOf(vulns(3, 0)), had, strict, ci.VerdictFail, "regression exceeds delta threshold: HIGH vulnerabilities: the change introduces 1, and 0 are allowed: CVE-2026-2 in p"},
		"one that it may bring":                 {scanOf(vulns(3, 0)), had, generous, ci.VerdictPass, "0 CRITICAL and 3 HIGH"},
		"one that came out overnight":           {scanOf(vulns(3, 0)), overnight, strict, ci.VerdictPass, "0 CRITICAL and 3 HIGH"},
		"a mild one that is exploited":          {exploited, had, strict, ci.VerdictFail, "the change introduces what is known to be exploited: CVE-2026-2 in p"},
		"without a list, counts are compared":   {scanOf(vulns(3, 0)), policy.VulnBaseline{High: 2}, strict, ci.VerdictFail, "regression exceeds delta threshold: HIGH vulnerabilities: 3 are 1 more than the baseline of 2"},
		"on its first day, counts are compared": {scanOf(vulns(1, 0)), policy.VulnBaseline{Default: true, Listed: true}, generous, ci.VerdictPass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := policy.Vulns(c.scan, c.base, nil, c.s)
			assert.Equal(t, d.Verdict, c.verdict, "%v", d.Because)
			assert.Assert(t, strings.HasPrefix(d.Because[0], c.because), d.Because[0])
		})
	}
}
