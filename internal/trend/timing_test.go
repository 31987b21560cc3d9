package trend_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"keepgreen/internal/artifact"
	"keepgreen/internal/ci"
	"keepgreen/internal/trend"
)

// TestTiming holds each rule to a golden: the files are GitHub's answers about a
// run and its jobs, as the public reports of wrong figures describe them.
func TestTiming(t *testing.T) {
	cases, err := filepath.Glob("testdata/timing/*.json")
	assert.NilError(t, err)
	assert.Assert(t, len(cases) >= 8)
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			golden.Assert(t, told(trend.Timing(pipeline(t, path))), "timing/"+name+".golden")
		})
	}
}

func pipeline(t *testing.T, path string) ci.Pipeline {
	t.Helper()
	data, err := os.ReadFile(path)
	assert.NilError(t, err)
	var both struct{ Run, Jobs json.RawMessage }
	assert.NilError(t, json.Unmarshal(data, &both))
	run, err := artifact.Read(both.Run)
	assert.NilError(t, err)
	jobs, err := artifact.Read(both.Jobs)
	assert.NilError(t, err)
	run.Run.Jobs = jobs.Jobs
	return *run.Run
}

func told(t ci.Timing) string {
	var b strings.Builder
	fmt.Fprintf(&b, "status %s\nbuild %s\nqueue %s, longest %s\ncritical path %s\nreruns %d, spent %s\nmachine time %s\n",
		t.Status, span(t.Build), span(t.Queue), span(t.QueueMax), span(t.Path), t.Reruns, span(t.RerunSpent), span(t.Spent))
	for _, j := range t.Jobs {
		fmt.Fprintf(&b, "  %s: %s, needs %s, queue %s, took %s", j.Name, j.Status, span(j.Needs), span(j.Queue), span(j.Duration))
		if j.Carried {
			b.WriteString(", carried over")
		}
		if j.Critical {
			b.WriteString(", critical")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func span(s ci.Span) string {
	if !s.Known {
		return "unknown"
	}
	return s.Length.String()
}

func TestStatusesFoldTheMatrix(t *testing.T) {
	got := trend.Statuses([]ci.JobTiming{
		{Name: "test (3.11, ubuntu-latest)", Status: ci.JobSuccess},
		{Name: "test (3.12, ubuntu-latest)", Status: ci.JobFailure},
		{Name: "coverage-aggregate", Status: ci.JobSkipped},
		{Name: "ci_metrics"},
	})
	assert.DeepEqual(t, got, map[string]ci.JobStatus{"test": ci.JobFailure, "coverage": ci.JobSkipped})
}

func TestUnknownIsNeverZero(t *testing.T) {
	for _, m := range trend.Metrics() {
		assert.Assert(t, !m.Known || m.Name == "rerun_count", "%s is known of a run of which nothing is", m.Name)
	}
}

// FuzzTiming: whatever times a server sends, no span is negative, and what a job
// waited and took lies within the attempt's machine time.
func FuzzTiming(f *testing.F) {
	f.Add(int64(0), int64(40), int64(300), int64(7), 1, "success")
	f.Add(int64(-100), int64(-40), int64(300), int64(0), 2, "cancelled")
	f.Fuzz(func(t *testing.T, created, started, ended, runner int64, attempt int, conclusion string) {
		at := func(s int64) time.Time { return time.Unix(1_700_000_000+s%100_000, 0).UTC() }
		p := ci.Pipeline{Attempt: attempt, Started: at(0), Status: ci.Concluded(conclusion), Jobs: []ci.PipelineJob{
			{Name: "a", Status: ci.Concluded(conclusion), Created: at(created), Started: at(started), Ended: at(ended), Runner: runner},
			{Name: "b", Status: ci.JobSuccess, Created: at(ended), Started: at(ended + 5), Ended: at(ended + 50), Runner: 1},
		}}
		got := trend.Timing(p)
		spans := []ci.Span{got.Build, got.Queue, got.QueueMax, got.Path, got.Spent, got.RerunSpent}
		for _, j := range got.Jobs {
			spans = append(spans, j.Queue, j.Needs, j.Duration)
		}
		for _, s := range spans {
			if s.Length < 0 || !s.Known && s.Length != 0 {
				t.Errorf("%+v of %+v", got, p)
			}
		}
		if got.Path.Length > got.Spent.Length {
			t.Errorf("the path %v is longer than everything %v", got.Path, got.Spent)
		}
	})
}
