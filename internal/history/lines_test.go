package history

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

// What is exported and imported elsewhere is exported there again, byte for byte.
func TestLinesRoundTrip(t *testing.T) {
	ctx := context.Background()
	open := func() *Store {
		store, err := Open(ctx, filepath.Join(t.TempDir(), "h.db"), Options{})
		assert.NilError(t, err)
		t.Cleanup(func() { store.Close() })
		return store
	}
	one, two := open(), open()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	m := pipelineMetrics("7", day)
	assert.NilError(t, one.PutPipeline(ctx, PipelineOf(m), m.Timing.Jobs))
	assert.NilError(t, one.PutFixes(ctx, []FixRow{{Repo: "o/n", ID: "7", Proposed: day}}))
	assert.NilError(t, one.PutFeedback(ctx, []FeedbackRow{{Repo: "o/n", ID: "c", Kind: "survey", Value: "5", N: 1, At: day}}))
	run := ci.Run{ID: "7", Attempt: 1, Repo: "o/n", Started: day, Tests: []ci.TestResult{
		{ID: "b", Outcome: ci.Failed, Attempt: 1, Failure: &ci.Failure{Kind: ci.KindTest, Message: "<no>"}},
		{ID: "b", Outcome: ci.Passed, Attempt: 2, Timed: true, Duration: 1234500 * time.Microsecond},
		{ID: "a", Variant: "x", Outcome: ci.Skipped},
	}}
	_, err := one.Append(ctx, run, nil)
	assert.NilError(t, err)

	var first, second bytes.Buffer
	lines, err := one.ExportLines(ctx, &first, "", time.Time{})
	assert.NilError(t, err)
	assert.Equal(t, lines, 5)
	assert.Assert(t, IsLines(first.Bytes()))
	for _, known := range []int{0, 1} {
		n, err := two.ImportLines(ctx, bytes.NewReader(first.Bytes()))
		assert.NilError(t, err)
		assert.DeepEqual(t, n, Imported{Runs: 1, Records: 1 - known, Known: known, Fixes: 1, Feedback: 1})
	}
	_, err = two.ExportLines(ctx, &second, "", time.Time{})
	assert.NilError(t, err)
	assert.Equal(t, second.String(), first.String())
}

func TestLinesOfOthers(t *testing.T) {
	ctx := context.Background()
	store, err := Open(ctx, filepath.Join(t.TempDir(), "h.db"), Options{})
	assert.NilError(t, err)
	defer store.Close()
	header := `{"format":"keepgreen-history-lines","version":1}` + "\n"
	n, err := store.ImportLines(ctx, strings.NewReader(header+`{"kind":"record","run":{"repo":"o/n","run":"1","started":"2026-03-01T00:00:00Z"},"results":[{"test":"a","outcome":"failed","attempt":1},{"test":"a","outcome":"passed","attempt":2,"duration_s":0.5}]}`))
	assert.NilError(t, err)
	assert.Equal(t, n.Records, 1)
	rows, err := store.Runs(ctx, Filter{})
	assert.NilError(t, err)
	assert.Equal(t, rows[0].Recovered, 1)
	for name, text := range map[string]string{
		"no header":            `{"kind":"pipeline"}`,
		"a newer version":      `{"format":"keepgreen-history-lines","version":9}`,
		"an unknown kind":      header + `{"kind":"secret"}`,
		"an unknown outcome":   header + `{"kind":"record","run":{"repo":"o","run":"2","started":"2026-03-01T00:00:00Z"},"results":[{"test":"a","outcome":"maybe"}]}`,
		"a broken checksum":    header + `{"kind":"record","run":{"repo":"o","run":"2","sha256":"00","results":0},"results":[]}`,
		"a pipeline of nobody": header + `{"kind":"pipeline","run":"1","attempt":1}`,
		"half a line":          header + `{"kind":"pipe`,
	} {
		_, err := store.ImportLines(ctx, strings.NewReader(text))
		assert.Assert(t, err != nil, name)
	}
}

// FuzzLines: whatever the file holds, it is imported or refused; what is imported
// can be exported.
func FuzzLines(f *testing.F) {
	header := `{"format":"keepgreen-history-lines","version":1}` + "\n"
	f.Add(header + `{"kind":"fix","repo":"o","id":"1","proposed":"2026-03-01T00:00:00Z","confidence":2}`)
	f.Add(header + `{"kind":"feedback","repo":"o","id":"1","said":"survey","value":"5","n":-1,"at":"0001-01-01T00:00:00Z"}`)
	f.Add(header + `{"kind":"pipeline","repo":"o","run":"1","attempt":1,"started":"9999-01-01T00:00:00Z","build_s":-5}`)
	f.Fuzz(func(t *testing.T, text string) {
		ctx := context.Background()
		store, err := Open(ctx, filepath.Join(t.TempDir(), "h.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if _, err := store.ImportLines(ctx, strings.NewReader(text)); err != nil {
			return
		}
		var b bytes.Buffer
		if _, err := store.ExportLines(ctx, &b, "", time.Time{}); err != nil {
			t.Error(err)
		}
	})
}
