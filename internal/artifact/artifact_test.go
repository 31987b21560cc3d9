package artifact_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/artifact"
	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     func(artifact.Document) bool
	}{
		{"the guide's run_metrics.json", `{"timestamp":"2025-01-15T10:30:00Z","workflow_run_id":"12345","metrics":{"coverage_pct":92.5,"ai_fix_confidence":0.85,"has_flaky_tests":false,"rerun_count":0},"job_statuses":{"lint":"success"}}`, func(d artifact.Document) bool {
			flaky, known := d.Metrics.Metric("has_flaky_tests")
			return d.Kind == artifact.KindMetrics && d.Metrics.Run.ID == "12345" && d.Metrics.Run.Attempt == 1 && known && flaky == 0 && d.Metrics.Statuses["lint"] == ci.JobSuccess
		}},
		{"numbers as texts, as shell scripts write them", `{"timestamp":"2025-01-15T10:30:00","workflow_run_id":12345,"workflow_attempt":"2","metrics":{"coverage_pct":"92.5","has_flaky_tests":"true","queue_time_s":"","vuln_high":null}}`, func(d artifact.Document) bool {
			cover, _ := d.Metrics.Metric("coverage_pct")
			_, queue := d.Metrics.Metric("queue_time_s")
			_, high := d.Metrics.Metric("vuln_high")
			return cover == 92.5 && !queue && !high && d.Metrics.Run.Attempt == 2
		}},
		{"what gate coverage prints", `{"pass":true,"coverage_pct":88.5,"baseline_pct":90,"delta_pp":-1.5,"because":[]}`, func(d artifact.Document) bool { return *d.Coverage == 88.5 }},
		{"what gate vulns prints", `{"pass":true,"counts":{"critical":1,"high":2}}`, func(d artifact.Document) bool { return *d.High == 2 && *d.Critical == 1 }},
		{"a triage without a fix", `{"clusters":[],"flaky_tests":[{"id":"a::b"}],"fixes":[],"ai":{"input_tokens":10,"output_tokens":2,"cost_usd":0.5}}`, func(d artifact.Document) bool {
			return *d.FixConfidence == 0 && d.Flaky[0] == "a::b" && *d.Model.Dollars == 0.5 && d.Model.Calls == nil
		}},
		{"a plan", `{"mode":"selective","tests":[{"id":"a"}],"total":5,"skipped_s":12.5}`, func(d artifact.Document) bool { return d.Selection.Left == 4 && *d.Selection.Saved == 12.5 }},
		{"a job without outputs", `{"lint":{"result":"skipped","outputs":{}}}`, func(d artifact.Document) bool { return d.Needs["lint"] == ci.JobSkipped && d.Coverage == nil }},
	} {
		doc, err := artifact.Read([]byte(c.in))
		assert.NilError(t, err, c.name)
		assert.Assert(t, c.want(doc), "%s: %+v", c.name, doc)
	}
	for name, in := range map[string]string{
		"a percentage above 100":  `{"coverage":101,"covered":1,"statements":1}`,
		"a run without an id":     `{"id":0,"run_started_at":"2026-01-01T00:00:00Z"}`,
		"metrics without a time":  `{"workflow_run_id":"1","metrics":{},"timestamp":"soon"}`,
		"jobs that are no list":   `{"jobs":{},"total_count":1}`,
		"a plan of minus 3 tests": `{"mode":"full","tests":[],"total":-3}`,
	} {
		_, err := artifact.Read([]byte(in))
		assert.Assert(t, err != nil && !errors.Is(err, artifact.ErrUnknown), "%s: %v", name, err)
	}
	for _, in := range []string{"", "{}", "[]", `{"a":1}`, "not json", `{"lint":{"result":"maybe"}}`} {
		_, err := artifact.Read([]byte(in))
		assert.ErrorIs(t, err, artifact.ErrUnknown, "%s", in)
	}
}

// What we write is read back as it was.
func TestMetricsRoundTrip(t *testing.T) {
	m := ci.RunMetrics{
		Time:     time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC),
		Run:      ci.Pipeline{Repo: "o/n", ID: "7", Attempt: 3, Workflow: "CI", Event: "push", Branch: "main", Main: true, Commit: "abc"},
		Timing:   ci.Timing{Status: ci.JobTimeout},
		Metrics:  []ci.Metric{{Name: "build_duration_s", Value: 1.5, Known: true}, {Name: "queue_time_s"}},
		Statuses: map[string]ci.JobStatus{"test": ci.JobTimeout},
	}
	var b bytes.Buffer
	assert.NilError(t, render.RunMetrics(&b, m))
	doc, err := artifact.Read(b.Bytes())
	assert.NilError(t, err)
	got := doc.Metrics
	assert.DeepEqual(t, got.Metrics, m.Metrics)
	assert.DeepEqual(t, got.Statuses, m.Statuses)
	assert.Equal(t, got.Run.Class(), ci.RefMain)
	assert.Equal(t, got.Run.Attempt, 3)
	assert.Equal(t, got.Run.Status, ci.JobTimeout)
}

// What asking a model took is read back from the report of triage.
func TestModelUsage(t *testing.T) {
	var b bytes.Buffer
	assert.NilError(t, render.TriageReport(&b, render.View{Usage: &ci.ModelUsage{Calls: 2, InputTokens: 900, OutputTokens: 80, Dollars: 0.0123}}))
	doc, err := artifact.Read(b.Bytes())
	assert.NilError(t, err)
	assert.Equal(t, *doc.Model.Dollars, 0.0123)
	assert.Equal(t, *doc.Model.InputTokens, 900.0)
	b.Reset()
	assert.NilError(t, render.TriageReport(&b, render.View{}))
	doc, err = artifact.Read(b.Bytes())
	assert.NilError(t, err)
	assert.Assert(t, doc.Model == nil, "nobody was asked: that is not a cost of 0")
}

// FuzzRead: whatever a document holds, it is understood, refused or unknown; a
// figure that comes out of it is one.
func FuzzRead(f *testing.F) {
	f.Add(`{"timestamp":"2025-01-15T10:30:00Z","workflow_run_id":"1","metrics":{"coverage_pct":"NaN","x":1e999}}`)
	f.Add(`{"id":5,"run_started_at":"2026-01-01T00:00:00Z","run_attempt":-3}`)
	f.Add(`{"total_count":1,"jobs":[{"name":"a","started_at":null,"runner_id":null}]}`)
	f.Add(`{"lint":{"result":"success","outputs":{"coverage_pct":"1e400"}}}`)
	f.Add(`{"mode":"full","tests":[],"total":1e300}`)
	f.Fuzz(func(t *testing.T, in string) {
		doc, err := artifact.Read([]byte(in))
		if err != nil {
			return
		}
		if strings.TrimSpace(in) == "" {
			t.Error("nothing was understood")
		}
		for _, v := range []*float64{doc.Coverage, doc.FixConfidence} {
			if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
				t.Errorf("%v", *v)
			}
		}
		if doc.Metrics != nil {
			for _, m := range doc.Metrics.Metrics {
				if m.Known && (math.IsNaN(m.Value) || math.IsInf(m.Value, 0)) {
					t.Errorf("%+v", m)
				}
			}
		}
		if doc.Run != nil && doc.Run.Attempt < 1 {
			t.Errorf("%+v", doc.Run)
		}
	})
}
