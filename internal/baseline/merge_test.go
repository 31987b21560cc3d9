package baseline_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/baseline"
)

func parsed(t *testing.T, text string) *baseline.Quality {
	t.Helper()
	q, err := baseline.Parse([]byte(text))
	assert.NilError(t, err)
	return q
}

func TestMerge(t *testing.T) {
	older := `{"owner": "qa", "coverage": {"baseline": 90}, "history": [{"run_id": "1", "timestamp": "2026-01-01T00:00:00Z", "coverage": 90, "mine": 1}, {"run_id": "3", "timestamp": "2026-01-03T00:00:00Z", "coverage": 90}], "last_updated": "2026-01-03T00:00:00Z"}`
	newer := `{"owner": "qa", "coverage": {"baseline": 91}, "history": [{"run_id": "1", "timestamp": "2026-01-01T00:00:00Z", "coverage": 90}, {"run_id": "2", "timestamp": "2026-01-02T00:00:00Z", "coverage": 92}], "last_updated": "2026-01-04T00:00:00Z"}`
	for name, pair := range map[string][2]string{"one way": {older, newer}, "the other way": {newer, older}} {
		t.Run(name, func(t *testing.T) {
			m, err := baseline.Merge(parsed(t, pair[0]), parsed(t, pair[1]))
			assert.NilError(t, err)
			var ids []string
			for _, e := range m.History() {
				ids = append(ids, e.RunID)
			}
			assert.DeepEqual(t, ids, []string{"1", "2", "3"})
			assert.Equal(t, *m.Coverage(), 91.0)
			again, err := baseline.Merge(m, parsed(t, pair[0]))
			assert.NilError(t, err)
			assert.Equal(t, string(again.Bytes()), string(m.Bytes()), "merging again changes nothing")
		})
	}
	var many []string
	for i := range 12 {
		many = append(many, `{"run_id": "m`+string(rune('a'+i))+`", "timestamp": "2025-01-`+string(rune('0'+i/10))+string(rune('0'+i%10))+`T00:00:00Z", "coverage": 1}`)
	}
	m, err := baseline.Merge(parsed(t, newer), parsed(t, `{"history": [`+strings.Join(many, ",")+`]}`))
	assert.NilError(t, err)
	assert.Equal(t, len(m.History()), baseline.Keep)
}
