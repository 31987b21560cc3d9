package render

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

// evilView is an architecture whose names try to be markup.
func evilView() ArchView {
	evil := "a\"]\n```\n<script>alert(1)</script>|@team #1 \x1b[31m"
	g := ci.Graph{
		Modules: []ci.Module{
			{Name: evil, File: evil + ".py", Code: 10, Defs: []ci.Definition{{Name: "f" + evil, Kind: ci.DefFunction, Complexity: 20, Line: 1, Last: 9}}},
			{Name: "b", File: "b.py", Code: 10},
		},
		Imports: []ci.ImportEdge{{From: 0, To: 1, Kind: ci.ImportRuntime, Line: 1}, {From: 1, To: 0, Kind: ci.ImportRuntime, Line: 2, Names: []string{"n"}}},
	}
	a := ci.Architecture{
		Graph: g, Metrics: []ci.ModuleMetrics{{Module: 0, FanIn: 1, FanOut: 1, Hub: true}, {Module: 1, FanIn: 1, FanOut: 1}},
		Tangles:  []ci.Tangle{{Modules: []int{0, 1}, Kind: ci.ImportRuntime, Edges: 2, Cycles: [][]int{{0, 1}}, Cuts: []ci.Cut{{From: 0, To: 1, Weight: 1, Lines: g.Imports[:1]}}, Weight: 1, AtLeast: 1}},
		Hotspots: []ci.Hotspot{{File: evil, Function: g.Modules[0].Defs[0], Total: 20, Rank: 1, Functions: 1}},
		Score:    ci.HealthScore{Known: true, Value: 4.2},
		Advice:   []ci.Advice{{Rule: "import-cycle", Text: evil + " imports b", Pos: ci.Position{File: evil, Line: 1}, Key: "k"}},
	}
	a.Contracts = []ci.ContractResult{{Contract: ci.Contract{Name: evil, Kind: ci.ContractLayers}, Problem: evil}, {Contract: ci.Contract{Name: "rule", Kind: ci.ContractLayers}, Broken: 1}}
	a.Violations = []ci.Violation{{Rule: "rule", Kind: "layers", Chain: []int{0, 1}, Edge: g.Imports[0], Text: evil + " must not import b"}}
	a.Findings = []ci.ModuleFindings{{Module: 0, Errors: 1, Findings: []ci.Diagnostic{{Tool: evil, Rule: evil, Message: evil, Pos: ci.Position{File: evil, Line: 1}}}}}
	return ArchView{Architecture: a, Repo: evil, Now: time.Unix(0, 0)}
}

func TestArchitectureOfHostileNamesIsText(t *testing.T) {
	v := evilView()
	var md, page, text strings.Builder
	assert.NilError(t, ArchMarkdown(&md, v))
	assert.NilError(t, ArchHTML(&page, v))
	assert.NilError(t, ArchText(&text, v, TextOptions{}))
	for name, out := range map[string]string{"Markdown": md.String(), "HTML": page.String()} {
		assert.Assert(t, !strings.Contains(out, "<script>alert"), name)
		assert.Assert(t, !strings.Contains(out, "\x1b"), name)
	}
	assert.Equal(t, strings.Count(md.String(), "```"), 2, "one drawing, opened and closed once")
	assert.Assert(t, strings.Contains(md.String(), "＠team"), "a mention in prose is none; code mentions nobody")
	assert.Assert(t, !strings.Contains(text.String(), "\x1b[31m"))
	assert.Assert(t, strings.Contains(md.String(), "## Architecture Health Score: 4.2/10"))
}

// TestRunTellsWhatTheChangeDoes holds that a run's outputs tell the delta, and
// that hostile names stay text in them.
func TestRunTellsWhatTheChangeDoes(t *testing.T) {
	a := evilView()
	evil := a.Graph.Modules[0].Name
	a.Delta = &ci.ArchitectureDelta{
		Before: ci.HealthScore{Known: true, Value: 5}, After: a.Score, NewCycles: [][]string{{evil, "b"}}, GoneCycles: [][]string{{"x", "y"}},
		NewAdvice: []ci.Advice{{Rule: "import-cycle", Text: "told as a cycle"}, {Rule: "contract", Text: "rule: b must not import " + evil}},
	}
	v := View{Arch: &a, Verdict: ci.VerdictPass}
	var text, md, page, doc strings.Builder
	assert.NilError(t, Text(&text, v, TextOptions{Full: true}))
	assert.NilError(t, StepSummary(&md, v))
	assert.NilError(t, HTML(&page, v))
	assert.NilError(t, RunDocument(&doc, v))
	assert.Assert(t, strings.Contains(text.String(), "  arch      health 4.2/10 · -0.80 by this change · 1 new cycle\n    + new import cycle "), text.String())
	assert.Assert(t, strings.Contains(text.String(), "- no longer circular: x → y → x"))
	assert.Assert(t, !strings.Contains(text.String(), "told as a cycle"))
	for name, out := range map[string]string{"text": text.String(), "Markdown": md.String(), "HTML": page.String(), "JSON": doc.String()} {
		assert.Assert(t, name == "text" || name == "JSON" || !strings.Contains(out, "<script>alert"), name)
		assert.Assert(t, !strings.Contains(out, "\x1b"), name)
	}
	assert.Assert(t, strings.Contains(doc.String(), `"health_score_before": 5`))
	assert.Assert(t, strings.Contains(page.String(), `<span class="pill bad">worse</span>`))
}

// TestCirclesDoNotOverlap packs random circles.
func TestCirclesDoNotOverlap(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		root := &circle{}
		for range 1 + random.IntN(60) {
			root.parts = append(root.parts, &circle{R: 1 + 30*random.Float64()})
		}
		root.pack()
		for i, a := range root.parts {
			assert.Assert(t, math.Hypot(a.X, a.Y)+a.R <= root.R+1e-6, "outside of its folder")
			for _, b := range root.parts[i+1:] {
				assert.Assert(t, math.Hypot(a.X-b.X, a.Y-b.Y) >= a.R+b.R-1e-3, "seed %d", seed)
			}
		}
	}
}
