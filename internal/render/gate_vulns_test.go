package render_test

import (
	"io"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

// vulnsView has text of strangers in every place that shows any.
func vulnsView() render.VulnsView {
	lodash := ci.Vulnerability{
		ID: "CVE-2020-8203", Aliases: []string{"GHSA-p6mc-m468-83gw"}, Package: "lodash", PURL: "pkg:npm/lodash@4.17.15", Version: "4.17.15", Fixed: []string{"4.17.19"}, Severity: ci.VulnHigh, Scanners: []string{"grype", "trivy"}, Target: "/package-lock.json", Title: "Prototype pollution",
		EPSS: 0.012, Ratings: []ci.VulnRating{{Scanner: "grype", Severity: ci.VulnMedium}, {Scanner: "trivy", Severity: ci.VulnHigh}},
	}
	hostile := ci.Vulnerability{ID: "CVE-2026-1|`x`", Package: "a\x1b[31m|<b>", PURL: "pkg:npm/a", Version: "1\n2", Severity: ci.VulnCritical, Exploited: true, Scanners: []string{"osv-scanner"}, Target: "../../etc/passwd", Title: "</script>\u202e"}
	gone := ci.Vulnerability{ID: "CVE-2021-44906", Package: "minimist", PURL: "pkg:npm/minimist", Version: "1.2.0", Severity: ci.VulnCritical, Scanners: []string{"grype"}}
	return render.VulnsView{
		Gate: render.VulnGate{
			Decision: ci.Decision{Gate: "vulnerabilities", Verdict: ci.VerdictFail, Because: []string{"regression exceeds delta threshold: CRITICAL vulnerabilities: 1 are 1 more than the baseline of 0 (as the baseline file says), and 0 more are allowed"}},
			Now:      []ci.Vulnerability{hostile, lodash}, Fixed: []ci.Vulnerability{gone},
			Baseline: render.VulnCounts{ci.VulnHigh: 1, ci.VulnCritical: 0},
		},
		NewVulns: []render.NewVuln{{Vulnerability: hostile, Why: "disclosed"}},
		Excused:  []render.ExcusedVuln{{Vulnerability: gone, Status: "not_affected", Reason: "vulnerable code not present", Source: "vex.json: statement 1"}},
		Scanners: []string{"grype 0.120.1", "trivy 0.74.0"}, Others: 2, Notes: []string{"a note with a \x07 bell"},
	}
}

func TestVulnsGoldens(t *testing.T) {
	for name, write := range map[string]func(io.Writer, render.VulnsView) error{
		"gate-vulns-view.json":   render.VulnsDocument,
		"gate-vulns-view.txt":    render.VulnsText,
		"gate-vulns-summary.md":  render.VulnsSummary,
		"gate-vulns-found.sarif": func(w io.Writer, v render.VulnsView) error { return render.VulnsSARIF(w, v, "1.0") },
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			assert.NilError(t, write(&b, vulnsView()))
			if !strings.HasSuffix(name, ".json") {
				assert.Assert(t, !strings.ContainsAny(b.String(), "\x1b\x07"), "control characters of strangers do not get through")
			}
			golden.Assert(t, b.String(), name)
		})
	}
}

func TestVulnsOfNothing(t *testing.T) {
	none := render.VulnsView{Gate: render.VulnGate{Decision: ci.Decision{Verdict: ci.VerdictNoData}}}
	for _, write := range []func(io.Writer, render.VulnsView) error{render.VulnsDocument, render.VulnsText, render.VulnsSummary} {
		assert.NilError(t, write(io.Discard, none))
	}
}
