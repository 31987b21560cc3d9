package sink

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// OTLP as JSON over HTTP (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding):
// ids are hexadecimal, 64-bit integers are texts, enumerations are numbers. The
// names are those of the CI/CD semantic conventions, v1.43.

type otlpAny struct {
	String *string `json:"stringValue,omitempty"`
	Int    *string `json:"intValue,omitempty"`
}

type otlpAttribute struct {
	Key   string  `json:"key"`
	Value otlpAny `json:"value"`
}

// attrs makes attributes of names and values in turn; those without a value are
// left out.
func attrs(pairs ...string) []otlpAttribute {
	out := []otlpAttribute{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := strings.ToValidUTF8(pairs[i+1], "?"); value != "" {
			out = append(out, otlpAttribute{pairs[i], otlpAny{String: &value}})
		}
	}
	return out
}

type otlpResource struct {
	Attributes []otlpAttribute `json:"attributes"`
}

type otlpScope struct {
	Name string `json:"name"`
}

func (c Config) otlp(path string, body any) ([]Request, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {c.UserAgent}}
	for pair := range strings.SplitSeq(c.OTLPHeaders, ",") {
		if name, value, found := strings.Cut(pair, "="); found {
			if plain, err := url.QueryUnescape(strings.TrimSpace(value)); err == nil {
				header.Set(strings.TrimSpace(name), plain)
			}
		}
	}
	return []Request{{Method: http.MethodPost, URL: strings.TrimSuffix(c.OTLP, "/") + path, Header: header, Body: data}}, nil
}

// resourceOf is the pipeline. The run itself is no part of it on metrics: the
// conventions make that opt-in, since each run would be new series.
func resourceOf(m ci.RunMetrics) otlpResource {
	return otlpResource{attrs("service.name", "keepgreen", "cicd.system.component", "controller", "vcs.repository.name", nameOf(m.Run.Repo), "vcs.owner.name", ownerOf(m.Run.Repo),
		"vcs.provider.name", "github")}
}

func ownerOf(repo string) string {
	if owner, _, found := strings.Cut(repo, "/"); found {
		return owner
	}
	return ""
}

func nameOf(repo string) string {
	_, name, found := strings.Cut(repo, "/")
	if !found {
		return repo
	}
	return name
}

// result is a status in the conventions' words: a failure is the code's, an error
// the system's.
func result(s ci.JobStatus) string {
	switch s {
	case ci.JobSuccess:
		return "success"
	case ci.JobFailure:
		return "failure"
	case ci.JobError:
		return "error"
	case ci.JobTimeout:
		return "timeout"
	case ci.JobCancelled:
		return "cancellation"
	case ci.JobSkipped:
		return "skip"
	}
	return ""
}

type otlpMetricsDoc struct {
	ResourceMetrics []otlpResourceMetrics `json:"resourceMetrics"`
}

type otlpResourceMetrics struct {
	Resource     otlpResource       `json:"resource"`
	ScopeMetrics []otlpScopeMetrics `json:"scopeMetrics"`
}

type otlpScopeMetrics struct {
	Scope   otlpScope    `json:"scope"`
	Metrics []otlpMetric `json:"metrics"`
}

type otlpMetric struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Unit        string         `json:"unit,omitempty"`
	Gauge       *otlpGauge     `json:"gauge,omitempty"`
	Histogram   *otlpHistogram `json:"histogram,omitempty"`
}

type otlpGauge struct {
	DataPoints []otlpNumber `json:"dataPoints"`
}

type otlpNumber struct {
	Attributes []otlpAttribute `json:"attributes"`
	Start      string          `json:"startTimeUnixNano,omitempty"`
	Time       string          `json:"timeUnixNano"`
	Double     float64         `json:"asDouble"`
}

type otlpHistogram struct {
	Temporality int             `json:"aggregationTemporality"`
	DataPoints  []otlpHistPoint `json:"dataPoints"`
}

type otlpHistPoint struct {
	Attributes []otlpAttribute `json:"attributes"`
	Start      string          `json:"startTimeUnixNano"`
	Time       string          `json:"timeUnixNano"`
	Count      string          `json:"count"`
	Sum        float64         `json:"sum"`
	Bounds     []float64       `json:"explicitBounds"`
	Buckets    []string        `json:"bucketCounts"`
}

// otlpDelta is AGGREGATION_TEMPORALITY_DELTA: each run is sent once.
const otlpDelta = 1

// bounds are the buckets of durations in seconds, from a lint job to a nightly run.
var bounds = []float64{10, 30, 60, 120, 300, 600, 900, 1200, 1800, 2700, 3600, 7200, 14400}

var otlpUnits = map[ci.Unit]string{ci.UnitSeconds: "s", ci.UnitPercent: "%", ci.UnitShare: "1", ci.UnitCount: "1", ci.UnitFlag: "1", ci.UnitDollars: "USD"}

func otlpMetrics(c Config, m ci.RunMetrics) ([]Request, error) {
	pipeline := cmp.Or(m.Run.Workflow, "ci")
	var list []otlpMetric
	run := &otlpHistogram{Temporality: otlpDelta}
	add := func(span ci.Span, state string) {
		if s, ok := span.Seconds(); ok {
			run.DataPoints = append(run.DataPoints, histPoint(m, s, attrs("cicd.pipeline.name", pipeline, "cicd.pipeline.run.state", state,
				"cicd.pipeline.result", result(m.Timing.Status), "keepgreen.ref_class", string(m.Run.Class()))))
		}
	}
	add(m.Timing.Queue, "pending") // the conventions have no other place for the time in the queue
	executing := m.Timing.Build
	if m.Timing.Queue.Known {
		executing.Length -= m.Timing.Queue.Length
	}
	add(executing, "executing")
	if len(run.DataPoints) > 0 {
		list = append(list, otlpMetric{Name: "cicd.pipeline.run.duration", Unit: "s", Description: "Duration of a pipeline run grouped by pipeline, state and result.", Histogram: run})
	}
	for _, one := range figures(m) {
		point := otlpNumber{Attributes: attrs("cicd.pipeline.name", pipeline, "keepgreen.ref_class", string(m.Run.Class())), Time: nanos(m.Time), Double: one.Value}
		list = append(list, otlpMetric{Name: "keepgreen." + one.Name, Description: one.Doc, Unit: otlpUnits[one.Unit], Gauge: &otlpGauge{[]otlpNumber{point}}})
	}
	return c.otlp("/v1/metrics", otlpMetricsDoc{[]otlpResourceMetrics{{resourceOf(m), []otlpScopeMetrics{{otlpScope{"keepgreen"}, list}}}}})
}

func histPoint(m ci.RunMetrics, seconds float64, attributes []otlpAttribute) otlpHistPoint {
	p := otlpHistPoint{Attributes: attributes, Start: nanos(m.Run.Started), Time: nanos(m.Time), Count: "1", Sum: seconds, Bounds: bounds}
	at := len(bounds)
	for i, b := range bounds {
		if seconds <= b {
			at = i
			break
		}
	}
	for i := range len(bounds) + 1 {
		p.Buckets = append(p.Buckets, map[bool]string{true: "1", false: "0"}[i == at])
	}
	return p
}

func nanos(t time.Time) string { return strconv.FormatInt(max(t.UnixNano(), 0), 10) }

type otlpTraceDoc struct {
	ResourceSpans []otlpResourceSpans `json:"resourceSpans"`
}

type otlpResourceSpans struct {
	Resource   otlpResource     `json:"resource"`
	ScopeSpans []otlpScopeSpans `json:"scopeSpans"`
}

type otlpScopeSpans struct {
	Scope otlpScope  `json:"scope"`
	Spans []otlpSpan `json:"spans"`
}

type otlpSpan struct {
	TraceID    string          `json:"traceId"`
	SpanID     string          `json:"spanId"`
	ParentID   string          `json:"parentSpanId,omitempty"`
	Name       string          `json:"name"`
	Kind       int             `json:"kind"`
	Start      string          `json:"startTimeUnixNano"`
	End        string          `json:"endTimeUnixNano"`
	Attributes []otlpAttribute `json:"attributes"`
	Status     otlpStatus      `json:"status"`
}

type otlpStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message,omitempty"`
}

// The kinds of spans and codes of statuses, by their numbers.
const (
	kindInternal, kindServer     = 1, 2
	statusOK, statusError    int = 1, 2
)

// otlpTrace is the attempt as a span with one for each job that ran in it. The ids
// are those that the collector's githubreceiver and setup-telemetry make, from
// the run, the attempt and the job's name, so that spans of several sources join,
// and sending again is sending the same.
func otlpTrace(c Config, m ci.RunMetrics) ([]Request, error) {
	end := ended(m)
	if m.Run.Started.IsZero() || end.IsZero() {
		return nil, nil
	}
	trace, root := traceID(m), spanID(m, "s")
	pipeline := cmp.Or(m.Run.Workflow, "ci")
	spans := []otlpSpan{{
		TraceID: trace, SpanID: root, Name: "RUN " + pipeline, Kind: kindServer, Start: nanos(m.Run.Started), End: nanos(end), Status: spanStatus(m.Timing.Status),
		Attributes: attrs("cicd.pipeline.name", pipeline, "cicd.pipeline.action.name", "RUN", "cicd.pipeline.run.id", m.Run.ID, "cicd.pipeline.run.url.full", m.Run.URL,
			"cicd.pipeline.result", result(m.Timing.Status), "vcs.ref.head.name", m.Run.Branch, "vcs.ref.head.revision", m.Run.Commit, "keepgreen.attempt", attempt(m)),
	}}
	for i, j := range m.Run.Jobs {
		if i >= len(m.Timing.Jobs) || !m.Timing.Jobs[i].Duration.Known {
			continue
		}
		t := m.Timing.Jobs[i]
		id := spanID(m, j.Name)
		attributes := attrs("cicd.pipeline.task.name", j.Name, "cicd.pipeline.task.run.id", id, "cicd.pipeline.task.run.url.full", j.URL, "cicd.pipeline.task.run.result", result(t.Status))
		if s, ok := t.Queue.Seconds(); ok {
			attributes = append(attributes, attrs("keepgreen.queue_s", strconv.FormatFloat(s, 'f', -1, 64))...)
		}
		spans = append(spans, otlpSpan{
			TraceID: trace, SpanID: id, ParentID: root, Name: j.Name, Kind: kindInternal, Start: nanos(j.Started), End: nanos(j.Ended), Attributes: attributes, Status: spanStatus(t.Status),
		})
	}
	return c.otlp("/v1/traces", otlpTraceDoc{[]otlpResourceSpans{{resourceOf(m), []otlpScopeSpans{{otlpScope{"keepgreen"}, spans}}}}})
}

func spanStatus(s ci.JobStatus) otlpStatus {
	switch s {
	case ci.JobSuccess:
		return otlpStatus{Code: statusOK}
	case ci.JobFailure, ci.JobError, ci.JobTimeout:
		return otlpStatus{Code: statusError, Message: string(s)}
	case ci.JobCancelled, ci.JobSkipped:
	}
	return otlpStatus{}
}

func traceID(m ci.RunMetrics) string {
	sum := sha256.Sum256([]byte(m.Run.ID + attempt(m) + "t"))
	return hex.EncodeToString(sum[:16])
}

func spanID(m ci.RunMetrics, of string) string {
	sum := sha256.Sum256([]byte(m.Run.ID + attempt(m) + of))
	return hex.EncodeToString(sum[8:16])
}
