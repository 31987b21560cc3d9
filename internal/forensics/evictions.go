package forensics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Thresholds are the limits of the eviction gate; nil: no limit.
type Thresholds struct {
	MinCoverage    float64  `json:"min_coverage_pct"`
	MaxUnsanitized float64  `json:"unsanitized_regions_count"`
	MaxQuarantined float64  `json:"quarantine_count"`
	MinReuse       *float64 `json:"min_reuse_rate"`
	MaxReuse       *float64 `json:"max_reuse_rate"`
	MaxP95         *float64 `json:"sanitize_duration_p95_ms"`
}

// Verdict is the answer of the eviction gate, and the file that keeps it.
type Verdict struct {
	Schema     int             `json:"schema"`
	TS         string          `json:"ts"` // RFC 3339, UTC
	Pass       bool            `json:"pass"`
	Failures   []Failure       `json:"failures"`
	Metrics    json.RawMessage `json:"metrics"` // as they came
	Thresholds Thresholds      `json:"thresholds"`
}

// Failure is a metric that is missing, no number, impossible, or past a limit.
type Failure struct {
	Metric string          `json:"metric"`
	Actual json.RawMessage `json:"actual"` // null: missing
	Min    *float64        `json:"expected_min,omitempty"`
	Max    *float64        `json:"expected_max,omitempty"`
}

// limit holds one metric to a range. A metric without limits is not looked at.
type limit struct {
	metric   string
	min, max *float64
	ceiling  *float64 // beyond it the figure is impossible, e.g. 100 of a percentage
}

func (t Thresholds) limits() []limit {
	zero, one, hundred := new(float64), 1.0, 100.0
	return []limit{
		{"min_coverage_pct", &t.MinCoverage, nil, &hundred},
		{"unsanitized_regions_count", zero, &t.MaxUnsanitized, nil},
		{"quarantine_count", zero, &t.MaxQuarantined, nil},
		{"reuse_rate", t.MinReuse, t.MaxReuse, &one},
		{"sanitize_duration_p95_ms", nil, t.MaxP95, nil},
	}
}

// Evictions holds eviction metrics, a JSON object, to the limits. A metric that
// is limited and missing, no number, negative or impossible fails: what cannot
// be true proves nothing. NaN and the infinities, which Python writes, are kept
// as null.
func Evictions(metrics []byte, limits Thresholds, now time.Time) (Verdict, error) {
	v := Verdict{Schema: 1, TS: now.UTC().Format(time.RFC3339), Failures: []Failure{}, Thresholds: limits}
	if len(bytes.TrimSpace(metrics)) == 0 {
		return v, errors.New("it is empty")
	}
	w := writer{finite: true}
	if err := w.document(metrics); err != nil {
		return v, err
	}
	if w.out[0] != '{' {
		return v, errors.New("it is no JSON object")
	}
	v.Metrics = w.out
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(w.out, &fields); err != nil {
		return v, fmt.Errorf("metrics: %w", err)
	}
	for _, l := range limits.limits() {
		v.Failures = append(v.Failures, l.check(fields[l.metric])...)
	}
	v.Pass = len(v.Failures) == 0
	return v, nil
}

func (l limit) check(raw json.RawMessage) []Failure {
	if l.min == nil && l.max == nil {
		return nil
	}
	f := Failure{Metric: l.metric, Actual: raw, Min: l.min, Max: l.max}
	if f.Min != nil && f.Max != nil && *f.Min == 0 {
		f.Min = nil // that a count is not negative goes without saying
	}
	var x *float64
	if err := json.Unmarshal(raw, &x); err != nil || x == nil {
		if len(raw) == 0 {
			f.Actual = json.RawMessage("null")
		}
		return []Failure{f}
	}
	switch {
	case *x < 0:
		f.Min, f.Max = new(float64), nil
	case l.min != nil && *x < *l.min:
		f.Max = nil
	case l.max != nil && *x > *l.max:
		f.Min = nil
	case l.ceiling != nil && *x > *l.ceiling:
		f.Min, f.Max = nil, l.ceiling
	default:
		return nil
	}
	return []Failure{f}
}

// String is the failure as a sentence.
func (f Failure) String() string {
	actual := string(f.Actual)
	if actual == "null" {
		actual = "not a number, or missing"
	}
	switch {
	case f.Min != nil && f.Max != nil:
		return fmt.Sprintf("%s is %s; %v to %v is asked for", f.Metric, actual, *f.Min, *f.Max)
	case f.Min != nil:
		return fmt.Sprintf("%s is %s; at least %v is asked for", f.Metric, actual, *f.Min)
	}
	return fmt.Sprintf("%s is %s; at most %v is allowed", f.Metric, actual, *f.Max)
}

// Metrics names what is held to a limit.
func (t Thresholds) Metrics() []string {
	var out []string
	for _, l := range t.limits() {
		if l.min != nil || l.max != nil {
			out = append(out, l.metric)
		}
	}
	return out
}
