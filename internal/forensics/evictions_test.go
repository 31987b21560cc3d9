package forensics_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/forensics"
)

func ptr(v float64) *float64 { return &v }

func TestEvictions(t *testing.T) {
	limits := forensics.Thresholds{MinCoverage: 99.9}
	for name, c := range map[string]struct {
		metrics string
		limits  forensics.Thresholds
		want    []string
	}{
		"all is well":                                 {`{"min_coverage_pct": 99.9, "unsanitized_regions_count": 0, "quarantine_count": 0}`, limits, nil},
		"just below the floor":                        {`{"min_coverage_pct": 99.89999, "unsanitized_regions_count": 0, "quarantine_count": 0}`, limits, []string{"min_coverage_pct is 99.89999; at least 99.9 is asked for"}},
		"one region is one too many":                  {`{"min_coverage_pct": 100, "unsanitized_regions_count": 1, "quarantine_count": 0}`, limits, []string{"unsanitized_regions_count is 1; at most 0 is allowed"}},
		"a metric that is missing":                    {`{"min_coverage_pct": 100, "unsanitized_regions_count": 0}`, limits, []string{"quarantine_count is not a number, or missing; at most 0 is allowed"}},
		"NaN proves nothing":                          {`{"min_coverage_pct": NaN, "unsanitized_regions_count": 0, "quarantine_count": 0}`, limits, []string{"min_coverage_pct is not a number, or missing; at least 99.9 is asked for"}},
		"text is no number":                           {`{"min_coverage_pct": "100", "unsanitized_regions_count": false, "quarantine_count": 0}`, limits, []string{`min_coverage_pct is "100"; at least 99.9 is asked for`, "unsanitized_regions_count is false; at most 0 is allowed"}},
		"more than everything is impossible":          {`{"min_coverage_pct": 100.1, "unsanitized_regions_count": 0, "quarantine_count": 0}`, limits, []string{"min_coverage_pct is 100.1; at most 100 is allowed"}},
		"fewer than none is impossible":               {`{"min_coverage_pct": 100, "unsanitized_regions_count": -1, "quarantine_count": 0}`, limits, []string{"unsanitized_regions_count is -1; at least 0 is asked for"}},
		"reuse and duration have no limit by default": {`{"min_coverage_pct": 100, "unsanitized_regions_count": 0, "quarantine_count": 0, "reuse_rate": 9, "sanitize_duration_p95_ms": 1e9}`, limits, nil},
		"limits that were asked for": {
			`{"min_coverage_pct": 100, "unsanitized_regions_count": 0, "quarantine_count": 0, "reuse_rate": 0.9, "sanitize_duration_p95_ms": 12.5}`,
			forensics.Thresholds{MinCoverage: 99.9, MaxReuse: ptr(0.8), MinReuse: ptr(0.1), MaxP95: ptr(10)},
			[]string{"reuse_rate is 0.9; at most 0.8 is allowed", "sanitize_duration_p95_ms is 12.5; at most 10 is allowed"},
		},
		"the last of equal keys counts": {`{"min_coverage_pct": 1, "min_coverage_pct": 100, "unsanitized_regions_count": 0, "quarantine_count": 0}`, limits, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := forensics.Evictions([]byte(c.metrics), c.limits, time.Unix(0, 0))
			assert.NilError(t, err)
			var got []string
			for _, f := range v.Failures {
				got = append(got, f.String())
			}
			assert.DeepEqual(t, got, c.want)
			assert.Equal(t, v.Pass, len(c.want) == 0)
			_, err = json.Marshal(v)
			assert.NilError(t, err)
		})
	}
	for name, text := range map[string]string{"nothing": " \n", "a list": "[]", "half a file": `{"min_coverage_pct": 1`, "no UTF-8": "{\"\xff\":1}"} {
		_, err := forensics.Evictions([]byte(text), limits, time.Time{})
		assert.Assert(t, err != nil, name)
	}
}

func TestEvictionsOfTheRealChecker(t *testing.T) {
	for dir, pass := range map[string]bool{"plain": true, "leak": false} {
		data, err := os.ReadFile("testdata/" + dir + "/eviction_metrics.json")
		assert.NilError(t, err)
		v, err := forensics.Evictions(data, forensics.Thresholds{MinCoverage: 99.9}, time.Unix(0, 0))
		assert.NilError(t, err)
		assert.Equal(t, v.Pass, pass, "%v", v.Failures)
	}
}
