package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

func planView() PlanView {
	return PlanView{
		Mode: "selective", Reason: "2 of 4 tests can be reached by the change", How: "enforce", Base: "0123", Map: "4567", Changed: []string{"shop/a.py", "README.md"},
		Causes: []PlanCause{{"shop/a.py", "who runs what changed in it", 2}, {"README.md", "documentation", 0}},
		Tests: []PlanTest{
			{"tests/test_a.py::test_one", "runs", "it runs shop/a.py::one changed"},
			{"tests/test_b.py::TestB::test_two", "failed", "it failed last time"},
		},
		Skipped: []PlanTest{{"tests/test_a.py::test_x", "", "nothing"}, {"tests/test_c.py::test_y", "", "nothing"}},
		Shards:  []PlanShard{{Tests: nil, Expected: 3 * time.Second}, {Tests: nil, Expected: time.Second}},
		Matrix:  json.RawMessage(`{"python":["3.12"],"shard":[1,2]}`), Runs: 4 * time.Second, Spares: 12 * time.Second, Timed: true,
		Notes: []string{"a note"},
	}
}

func TestPlanText(t *testing.T) {
	var b bytes.Buffer
	assert.NilError(t, PlanText(&b, planView(), TextOptions{}))
	golden.Assert(t, b.String(), "plan.txt")
}

func TestPlanDocument(t *testing.T) {
	v := planView()
	v.Explain = []PlanExplanation{{PlanTest: v.Tests[0], Selected: true, Path: []PlanStep{{From: "a", Line: 3, How: "imports", To: "b"}}}}
	var b bytes.Buffer
	assert.NilError(t, PlanDocument(&b, v))
	golden.Assert(t, b.String(), "plan.json")
	b.Reset()
	assert.NilError(t, PlanDocument(&b, PlanView{Mode: "full", Matrix: json.RawMessage("{}")}))
	for _, key := range []string{`"changed_files": []`, `"tests": []`, `"shards": []`, `"notes": []`, `"expected_s": null`} {
		assert.Assert(t, strings.Contains(b.String(), key), key)
	}
}

func TestPlanSummaryAndAuditAreSafe(t *testing.T) {
	evil := "a|b<script>\n@all \x1b[31m"
	v := planView()
	v.Causes[0].File, v.Notes, v.Reason = evil, []string{evil}, evil
	var b bytes.Buffer
	assert.NilError(t, PlanSummary(&b, v))
	assert.NilError(t, PlanText(&b, v, TextOptions{}))
	assert.NilError(t, AuditText(&b, AuditView{Runs: 1, Failed: 1, Missed: 1, Misses: []AuditMiss{{Test: "t\x1b[2J", Files: []string{evil}, Run: evil}}}, TextOptions{}))
	for _, bad := range []string{"<script>", "\x1b", "\n@all"} {
		assert.Assert(t, !strings.Contains(strings.ReplaceAll(b.String(), "a|b<script>⏎", ""), bad), "%q", bad)
	}
}

func TestAudit(t *testing.T) {
	v := AuditView{
		Runs: 3, Red: 2, Escapes: 1, Selected: 10, Skipped: 30, Failed: 4, Missed: 1, Low: 0.006, High: 0.806, Wide: []string{"runs", "names"},
		Misses: []AuditMiss{{Run: "7", Commit: "abc", Mode: "shadow", Test: "tests/test_a.py::test_x", Files: []string{"shop/a.py"}}},
	}
	var b bytes.Buffer
	assert.NilError(t, AuditText(&b, v, TextOptions{}))
	assert.NilError(t, AuditText(&b, AuditView{High: 1}, TextOptions{}))
	golden.Assert(t, b.String(), "plan_audit.txt")
	b.Reset()
	assert.NilError(t, AuditDocument(&b, v))
	golden.Assert(t, b.String(), "plan_audit.json")
}
