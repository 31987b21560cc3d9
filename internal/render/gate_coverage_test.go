package render_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func gateView(verdict ci.Verdict) render.CoverageView {
	lines := map[int]int{}
	for n := range 9 {
		lines[n+1] = n // one of nine did not run
	}
	return render.CoverageView{
		Gate: render.CoverageGate{
			Decision: ci.Decision{Gate: "coverage", Verdict: verdict, Because: []string{"because\x1b[31m <b>", "and"}},
			Now:      &ci.Coverage{Files: map[string]*ci.FileCoverage{"a.py": {Lines: lines, Covered: 8, Total: 9}}},
			Baseline: render.Baseline{Known: true, Pct: 89.999, From: "x"},
		},
		Window: []float64{90, 89, 91}, Gaps: []render.PatchGap{{File: "a\x1b.py", First: 1, Last: 2}},
	}
}

func TestCoverageGateTextIsHarmlessAndExact(t *testing.T) {
	var b bytes.Buffer
	assert.NilError(t, render.CoverageGateText(&b, gateView(ci.VerdictFail)))
	assert.Assert(t, !strings.Contains(b.String(), "\x1b"))
	assert.Assert(t, strings.Contains(b.String(), "baseline  89.99 %"), "a figure was rounded up to what it is not: %s", b.String())
	b.Reset()
	assert.NilError(t, render.CoverageGateSummary(&b, gateView(ci.VerdictFail)))
	assert.Assert(t, !strings.Contains(b.String(), "<b>") && !strings.Contains(b.String(), "\x1b"))
}

func TestCoverageBadgeIsXML(t *testing.T) {
	noData := gateView(ci.VerdictNoData)
	noData.Gate.Now = nil
	for want, v := range map[string]render.CoverageView{"88.8 %": gateView(ci.VerdictPass), "no data": noData} {
		var b bytes.Buffer
		assert.NilError(t, render.CoverageBadge(&b, v))
		assert.Assert(t, strings.Contains(b.String(), want))
		isXML(t, &b)
	}
}

func TestVulnsBadgeIsXML(t *testing.T) {
	v := render.VulnsView{Window: []float64{3, 1}}
	v.Gate.Decision.Verdict = ci.VerdictPass
	v.Gate.Now = []ci.Vulnerability{{Severity: ci.VulnCritical}, {Severity: ci.VulnHigh}, {Severity: ci.VulnHigh}, {}}
	var b bytes.Buffer
	assert.NilError(t, render.VulnsBadge(&b, v))
	assert.Assert(t, strings.Contains(b.String(), ">1 critical, 2 high<") && strings.Contains(b.String(), "<polyline"), b.String())
	isXML(t, &b)
	v.Gate.Decision.Verdict = ci.VerdictNoData
	b.Reset()
	assert.NilError(t, render.VulnsBadge(&b, v))
	assert.Assert(t, strings.Contains(b.String(), ">no data<"))
}

func isXML(t *testing.T, r io.Reader) {
	t.Helper()
	dec := xml.NewDecoder(r)
	for {
		_, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		assert.NilError(t, err)
	}
}
