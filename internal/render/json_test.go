package render_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func written(t testing.TB, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDocumentGoldens(t *testing.T) {
	documents := map[string]func(io.Writer, render.View) error{
		"run": render.RunDocument, "triage": render.TriageReport, "errors": render.ErrorReport,
	}
	for doc, write := range documents {
		for _, name := range []string{"believable", "nothing", "zero"} {
			t.Run(doc+" "+name, func(t *testing.T) {
				golden.Assert(t, written(t, func(w io.Writer) error { return write(w, views()[name]) }), name+"-"+doc+".json")
			})
		}
		t.Run(doc+" of hostile text is valid JSON", func(t *testing.T) {
			if got := written(t, func(w io.Writer) error { return write(w, hostile()) }); !json.Valid([]byte(got)) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func TestDocumentsHaveTheirPromisedKeys(t *testing.T) {
	vulns := func(w io.Writer, _ render.View) error { return render.VulnDocument(w, render.VulnGate{}) }
	coverage := func(w io.Writer, _ render.View) error { return render.CoverageDocument(w, render.CoverageGate{}) }
	flake := func(w io.Writer, _ render.View) error { return render.FlakeDocument(w, nil) }
	for name, c := range map[string]struct {
		write func(io.Writer, render.View) error
		keys  []string
	}{
		"run":              {render.RunDocument, []string{"tests", "clusters", "gate", "duration_s"}},
		"triage_report":    {render.TriageReport, []string{"clusters", "flaky_tests", "fixes", "summary", "failures"}},
		"error_report":     {render.ErrorReport, []string{"errors", "warnings", "error_count", "warning_count"}},
		"flake":            {flake, []string{"tests"}},
		"gate of vulns":    {vulns, []string{"pass", "counts", "baseline", "new", "fixed", "because"}},
		"gate of coverage": {coverage, []string{"pass", "coverage_pct", "baseline_pct", "delta_pp", "because"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []render.View{{}, believable()} {
				var doc map[string]json.RawMessage
				if err := json.Unmarshal([]byte(written(t, func(w io.Writer) error { return c.write(w, v) })), &doc); err != nil {
					t.Fatal(err)
				}
				for _, key := range c.keys {
					if _, ok := doc[key]; !ok {
						t.Errorf("no key %q", key)
					}
				}
			}
		})
	}
}

func TestPlanAndArchAppearOnlyWhenPresent(t *testing.T) {
	v := green()
	plan := func() map[string]any {
		var doc map[string]any
		if err := json.Unmarshal([]byte(written(t, func(w io.Writer) error { return render.RunDocument(w, v) })), &doc); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if _, there := plan()["plan"]; there {
		t.Error("a plan that nobody made")
	}
	v.Plan = map[string]string{"mode": "full"}
	if _, there := plan()["plan"]; !there {
		t.Error("the plan is missing")
	}
}

func TestGateDocuments(t *testing.T) {
	cover := render.CoverageGate{
		Decision: ci.Decision{Gate: "coverage", Verdict: ci.VerdictFail, Because: []string{"regression exceeds delta threshold: 93.3 % against 99.0 %"}},
		Now:      believable().Run.Coverage, Baseline: render.Baseline{Known: true, Pct: 99},
	}
	golden.Assert(t, written(t, func(w io.Writer) error { return render.CoverageDocument(w, cover) }), "gate-coverage.json")
	vulns := render.VulnGate{
		Decision: ci.Decision{Gate: "vulns", Verdict: ci.VerdictWarn, Because: []string{"2 high against 1"}},
		Now: []ci.Vulnerability{
			{ID: "CVE-2026-0002", Package: "b", Version: "1.0", Severity: ci.VulnHigh, Fixed: []string{"1.1"}, Scanners: []string{"grype", "trivy"}},
			{ID: "CVE-2026-0001", Package: "a", Version: "2.0", Severity: ci.VulnCritical, Exploited: true},
		},
		Baseline: render.VulnCounts{ci.VulnHigh: 1},
	}
	vulns.New = vulns.Now
	golden.Assert(t, written(t, func(w io.Writer) error { return render.VulnDocument(w, vulns) }), "gate-vulns.json")
	flakes := []render.FlakeTest{
		{ID: "t::b", Verdict: ci.FlakeFlaky, Runs: 10, Failures: 1, Flips: 2, Rate: 0.1, Low: 0.005, High: 0.404},
		{ID: "t::a", Rate: math.NaN(), Low: math.NaN(), High: math.NaN()},
	}
	golden.Assert(t, written(t, func(w io.Writer) error { return render.FlakeDocument(w, flakes) }), "flake.json")
}

func TestTheOrderOfFactsDoesNotMatter(t *testing.T) {
	a, b := believable(), believable()
	slices.Reverse(b.Run.Diagnostics)
	slices.Reverse(b.Fixes)
	slices.Reverse(b.Compare.New)
	tests := b.Run.Tests
	b.Run.Tests = append(slices.Clone(tests[100:]), tests[:100]...)
	for name, write := range map[string]func(io.Writer, render.View) error{
		"run": render.RunDocument, "triage": render.TriageReport,
		"text": func(w io.Writer, v render.View) error { return render.Text(w, v, render.TextOptions{}) },
	} {
		one, other := written(t, func(w io.Writer) error { return write(w, a) }), written(t, func(w io.Writer) error { return write(w, b) })
		if one != other {
			t.Errorf("%s depends on the order of its input", name)
		}
	}
}

func TestRenderingLeavesTheViewAsItWas(t *testing.T) {
	v := believable()
	slices.Reverse(v.Run.Diagnostics)
	first := v.Run.Diagnostics[0]
	_ = text(t, v, render.TextOptions{})
	if v.Run.Diagnostics[0] != first {
		t.Error("the caller's diagnostics were reordered")
	}
}

func TestConfidenceNeverRoundsOverAThreshold(t *testing.T) {
	for in, want := range map[float64]float64{0.9: 0.9, 0.89999: 0.8999, 0.93: 0.93, 1.5: 1, -1: 0} {
		if got := render.FixConfidence([]render.Fix{{Confidence: in}}); got != want {
			t.Errorf("%v is written as %v, not %v", in, got, want)
		}
	}
	if got := render.FixConfidence([]render.Fix{{Confidence: math.NaN()}}); got != 0 {
		t.Errorf("an unknown confidence is written as %v", got)
	}
}
