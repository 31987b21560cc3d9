package history

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

func TestFixesAndFeedback(t *testing.T) {
	ctx := context.Background()
	store, err := Open(ctx, filepath.Join(t.TempDir(), "h.db"), Options{})
	assert.NilError(t, err)
	defer store.Close()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	sure, yes := 0.95, true
	fix := FixRow{Repo: "o/n", ID: "7", Proposed: day, Confidence: &sure}
	assert.NilError(t, store.PutFixes(ctx, []FixRow{fix, {Repo: "o/n", ID: "8", Proposed: day.Add(-time.Hour)}}))
	fix.Merged, fix.Unchanged = day.Add(time.Hour), &yes
	assert.NilError(t, store.PutFixes(ctx, []FixRow{fix}))
	got, err := store.Fixes(ctx, "o/n", time.Time{})
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []FixRow{{Repo: "o/n", ID: "8", Proposed: day.Add(-time.Hour)}, fix})

	said := FeedbackRow{Repo: "o/n", ID: "c1/+1", Kind: "reaction", Value: "+1", N: 2, At: day}
	assert.NilError(t, store.PutFeedback(ctx, []FeedbackRow{said}))
	said.N = 3
	assert.NilError(t, store.PutFeedback(ctx, []FeedbackRow{said}))
	feedback, err := store.Feedback(ctx, "", day)
	assert.NilError(t, err)
	assert.DeepEqual(t, feedback, []FeedbackRow{said})
	none, err := store.Feedback(ctx, "other", day)
	assert.NilError(t, err)
	assert.Equal(t, len(none), 0)
}
