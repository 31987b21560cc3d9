package history

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

func TestUnsent(t *testing.T) {
	ctx := context.Background()
	store, err := Open(ctx, filepath.Join(t.TempDir(), "h.db"), Options{})
	assert.NilError(t, err)
	defer store.Close()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range maxUnsent + 20 {
		m := pipelineMetrics(fmt.Sprint(i), day.Add(time.Duration(i)*time.Minute))
		assert.NilError(t, store.KeepUnsent(ctx, "datadog", m))
		assert.NilError(t, store.KeepUnsent(ctx, "datadog", m))
	}
	got, err := store.Unsent(ctx, "datadog")
	assert.NilError(t, err)
	assert.Equal(t, len(got), maxUnsent)
	assert.Equal(t, got[0].Run.ID, "20", "the oldest made room")
	want := pipelineMetrics("20", day.Add(20*time.Minute))
	assert.DeepEqual(t, got[0], want)
	assert.NilError(t, store.DropUnsent(ctx, "datadog", got[0]))
	got, err = store.Unsent(ctx, "datadog")
	assert.NilError(t, err)
	assert.Equal(t, len(got), maxUnsent-1)
	other, err := store.Unsent(ctx, "pushgateway")
	assert.NilError(t, err)
	assert.Equal(t, len(other), 0)
}
