package history

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

func pipelineMetrics(run string, started time.Time) ci.RunMetrics {
	return ci.RunMetrics{
		Time: started.Add(time.Hour),
		Run:  ci.Pipeline{Repo: "o/n", ID: run, Attempt: 1, Workflow: "ci", Event: "push", Main: true, Actor: "somebody", Started: started},
		Metrics: []ci.Metric{
			{Name: "build_duration_s", Value: 600, Known: true}, {Name: "queue_time_s"}, {Name: "has_flaky_tests", Value: 0, Known: true},
		},
		Timing: ci.Timing{Status: ci.JobSuccess, Jobs: []ci.JobTiming{{Name: "test", Queue: ci.Lasted(time.Second)}}},
	}
}

func TestPipelines(t *testing.T) {
	ctx := context.Background()
	store, err := Open(ctx, filepath.Join(t.TempDir(), "h.db"), Options{})
	assert.NilError(t, err)
	defer store.Close()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i, run := range []string{"2", "1"} {
		m := pipelineMetrics(run, day.Add(-time.Duration(i)*time.Hour))
		assert.NilError(t, store.PutPipeline(ctx, PipelineOf(m), m.Timing.Jobs))
	}
	// Collected again, with less known of one figure and more of another.
	again := PipelineOf(pipelineMetrics("2", day))
	zero, cover := 0.0, 91.5
	again.Build, again.Queue, again.Coverage = nil, &zero, &cover
	assert.NilError(t, store.PutPipeline(ctx, again, nil))

	got, err := store.Pipelines(ctx, "o/n", time.Time{})
	assert.NilError(t, err)
	assert.Equal(t, len(got), 2)
	assert.Equal(t, got[0].Run, "1", "oldest first")
	assert.Assert(t, got[0].Queue == nil, "unknown is not 0")
	assert.Equal(t, *got[0].Flaky, 0.0, "and 0 is not unknown")
	assert.Equal(t, *got[1].Build, 600.0)
	assert.Equal(t, *got[1].Queue, 0.0)
	assert.Equal(t, *got[1].Coverage, 91.5)
	assert.Equal(t, got[1].Class, ci.RefMain)
	jobs, err := store.PipelineJobs(ctx, "o/n", "2", 1)
	assert.NilError(t, err)
	assert.DeepEqual(t, jobs, []ci.JobTiming{{Name: "test", Queue: ci.Lasted(time.Second)}})
	jobs, err = store.PipelineJobs(ctx, "o/n", "3", 1)
	assert.NilError(t, err)
	assert.Equal(t, len(jobs), 0)
	late, err := store.Pipelines(ctx, "", day)
	assert.NilError(t, err)
	assert.Equal(t, len(late), 1)
}
