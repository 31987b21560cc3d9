package sink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/sink"
)

var at = time.Date(2026, 3, 2, 12, 30, 0, 0, time.UTC)

// run is a run with everything that sinks make a difference of: a carried-over
// job, one that failed, one without a queue time, a figure that is not known.
func run() ci.RunMetrics {
	start := at.Add(-30 * time.Minute)
	job := func(name string, status ci.JobStatus, from, to int) ci.PipelineJob {
		return ci.PipelineJob{
			Name: name, Attempt: 2, Status: status, Created: start, Started: start.Add(time.Duration(from) * time.Second), Ended: start.Add(time.Duration(to) * time.Second), Runner: 1,
		}
	}
	timed := func(name string, status ci.JobStatus, queue, took int) ci.JobTiming {
		return ci.JobTiming{Name: name, Status: status, Queue: ci.Lasted(time.Duration(queue) * time.Second), Duration: ci.Lasted(time.Duration(took) * time.Second)}
	}
	carried := job("lint", ci.JobSuccess, -9000, -8000)
	return ci.RunMetrics{
		Time: at,
		Run: ci.Pipeline{
			Repo: "acme/shop", ID: "4711", Attempt: 2, Workflow: "CI / main", Event: "push", Branch: "main", Main: true, Commit: "c0ffee0", Created: start.Add(-time.Hour), Started: start,
			URL: "https://github.com/acme/shop/actions/runs/4711", Jobs: []ci.PipelineJob{carried, job("test (3.12)", ci.JobFailure, 20, 620), job("types", ci.JobTimeout, 5, 65)},
		},
		Timing: ci.Timing{
			Status: ci.JobFailure, Build: ci.Lasted(620 * time.Second), Queue: ci.Lasted(20 * time.Second),
			Jobs: []ci.JobTiming{{Name: "lint", Status: ci.JobSuccess, Carried: true}, timed("test (3.12)", ci.JobFailure, 20, 600), {Name: "types", Status: ci.JobTimeout, Duration: ci.Lasted(time.Minute)}},
		},
		Metrics: []ci.Metric{
			{Name: "coverage_pct", Unit: ci.UnitPercent, Doc: "coverage", Value: 92.5, Known: true},
			{Name: "has_flaky_tests", Unit: ci.UnitFlag, Doc: "flaky", Value: 0, Known: true},
			{Name: "build_duration_s", Unit: ci.UnitSeconds, Doc: "build", Value: 620, Known: true},
			{Name: "vuln_high", Unit: ci.UnitCount, Doc: "not known"},
			{Name: "model_cost_usd", Unit: ci.UnitDollars, Doc: "cost", Value: 0.25, Known: true},
		},
	}
}

var everywhere = sink.Config{
	DatadogKey: "secret-key", Gateway: "http://gateway:9091", RemoteWrite: "http://prometheus:9090/api/v1/write", OTLP: "http://collector:4318/",
	OTLPHeaders: "Authorization=Bearer%20token", UserAgent: "keepgreen/test",
}

func requests(t *testing.T, name string, m ci.RunMetrics) []sink.Request {
	t.Helper()
	for _, s := range sink.Sinks() {
		if s.Name == name {
			assert.Assert(t, s.Ready(everywhere), name)
			assert.Assert(t, !s.Ready(sink.Config{}), name)
			out, err := s.Requests(everywhere, m)
			assert.NilError(t, err)
			return out
		}
	}
	t.Fatalf("no sink %s", name)
	return nil
}

// TestRequests holds what each sink is sent to a golden, and to being the same
// when it is made again.
func TestRequests(t *testing.T) {
	for _, s := range sink.Sinks() {
		if !s.Remote() {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			first, second := requests(t, s.Name, run()), requests(t, s.Name, run())
			var b strings.Builder
			for i, r := range first {
				assert.Assert(t, bytes.Equal(r.Body, second[i].Body), "sent again it is another")
				fmt.Fprintf(&b, "%s %s\n", r.Method, ordered(r.URL))
				var pretty bytes.Buffer
				if json.Indent(&pretty, r.Body, "", " ") == nil {
					b.WriteString(pretty.String() + "\n")
				} else {
					b.WriteString(r.Text)
				}
			}
			golden.Assert(t, b.String(), s.Name+".golden")
		})
	}
}

// ordered brings the labels in a gateway's path into an order; they have none.
func ordered(url string) string {
	base, path, found := strings.Cut(url, "/metrics/job/keepgreen/")
	if !found {
		return url
	}
	var labels []string
	for pair := range slices.Chunk(strings.Split(path, "/"), 2) {
		labels = append(labels, strings.Join(pair, "/"))
	}
	slices.Sort(labels)
	return base + "/metrics/job/keepgreen/" + strings.Join(labels, "/")
}

// The published schemas of OpenTelemetry refuse what they do not know.
func TestOTLPIsWhatTheSchemaSays(t *testing.T) {
	var traces coltrace.ExportTraceServiceRequest
	body := requests(t, "otlp-trace", run())[0].Body
	assert.NilError(t, protojson.Unmarshal(hexIDs(t, body), &traces))
	spans := traces.ResourceSpans[0].ScopeSpans[0].Spans
	assert.Equal(t, len(spans), 3, "the carried-over job did not run")
	for _, s := range spans {
		assert.Assert(t, len(s.TraceId) == 16 && len(s.SpanId) == 8 && s.EndTimeUnixNano >= s.StartTimeUnixNano && bytes.Equal(s.TraceId, spans[0].TraceId), "%v", s)
	}
	var metrics colmetrics.ExportMetricsServiceRequest
	assert.NilError(t, protojson.Unmarshal(requests(t, "otlp-metrics", run())[0].Body, &metrics))
	list := metrics.ResourceMetrics[0].ScopeMetrics[0].Metrics
	hist := list[0].GetHistogram()
	assert.Equal(t, list[0].Name, "cicd.pipeline.run.duration")
	for _, p := range hist.DataPoints {
		assert.Equal(t, len(p.BucketCounts), len(p.ExplicitBounds)+1)
		total := uint64(0)
		for _, n := range p.BucketCounts {
			total += n
		}
		assert.Equal(t, total, p.Count)
	}
	assert.Equal(t, len(list), 1+4, "what is not known is not sent")
}

// hexIDs turns ids from hexadecimal, as OTLP has them, to base64, as protobuf's
// own JSON has bytes.
func hexIDs(t *testing.T, body []byte) []byte {
	t.Helper()
	var doc any
	assert.NilError(t, json.Unmarshal(body, &doc))
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for key, value := range x {
				if s, ok := value.(string); ok && strings.HasSuffix(key, "Id") {
					var raw []byte
					_, err := fmt.Sscanf(s, "%x", &raw)
					assert.NilError(t, err)
					x[key] = raw // encoded as base64
				}
				walk(value)
			}
		case []any:
			for _, value := range x {
				walk(value)
			}
		}
	}
	walk(doc)
	out, err := json.Marshal(doc)
	assert.NilError(t, err)
	return out
}

func TestPushedIsDelimitedProtobufOfGauges(t *testing.T) {
	r := requests(t, "pushgateway", run())[0]
	assert.Equal(t, r.Method, http.MethodPut)
	assert.Assert(t, strings.HasPrefix(r.URL, "http://gateway:9091/metrics/job/keepgreen/"), r.URL)
	assert.Assert(t, !strings.Contains(r.URL, "4711") && !strings.Contains(r.URL, "c0ffee"), "neither runs nor commits are labels: %s", r.URL)
	decode := expfmt.NewDecoder(bytes.NewReader(r.Body), expfmt.ResponseFormat(r.Header))
	names := 0
	for ; ; names++ {
		family := newFamily()
		if err := decode.Decode(family); errors.Is(err, io.EOF) {
			break
		} else {
			assert.NilError(t, err)
		}
		assert.Equal(t, family.GetType().String(), "GAUGE")
		assert.Assert(t, family.Metric[0].TimestampMs == nil, "a gateway refuses timestamps")
	}
	assert.Equal(t, names, 5)
}

func TestSendTriesAgainAndTellsRefusals(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int
		refused  bool
		fails    bool
	}{
		{"a server that recovers", []int{503, 429, 202}, false, false},
		{"a server that is down", []int{500, 500, 500}, false, true},
		{"figures that it will never take", []int{400}, true, true},
		{"a key that is wrong today", []int{403, 403, 403}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := slices.Clone(c.statuses)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(left[0])
				left = left[1:]
				fmt.Fprint(w, "because of secret-key")
			}))
			defer server.Close()
			client := sink.Client{Sleep: func(context.Context, time.Duration) error { return nil }}
			err := client.Send(t.Context(), []sink.Request{{Method: http.MethodPost, URL: server.URL, Header: http.Header{}}}, "secret-key")
			assert.Equal(t, err != nil, c.fails)
			assert.Equal(t, errors.Is(err, sink.ErrRefused), c.refused)
			assert.Equal(t, len(left), 0)
			if err != nil {
				assert.Assert(t, !strings.Contains(err.Error(), "secret-key"), "%v", err)
			}
		})
	}
	err := sink.Client{Sleep: func(context.Context, time.Duration) error { return nil }}.Send(t.Context(), []sink.Request{{Method: http.MethodPost, URL: "http://user:password@127.0.0.1:1/x", Header: http.Header{}}})
	assert.ErrorContains(t, err, "refused")
	assert.Assert(t, !strings.Contains(err.Error(), "password") && !errors.Is(err, sink.ErrRefused), "%v", err)
}

// FuzzRequests: whatever a forge calls its workflow and jobs, every sink's body is
// what its schema says.
func FuzzRequests(f *testing.F) {
	f.Add("CI", "test", "acme/shop", int64(5))
	f.Add("", "\x00\xff/..", "a b//", int64(-1))
	f.Fuzz(func(t *testing.T, workflow, job, repo string, took int64) {
		m := run()
		m.Run.Workflow, m.Run.Repo, m.Run.Jobs[1].Name = workflow, repo, job
		m.Timing.Build = ci.Lasted(time.Duration(took))
		for _, s := range sink.Sinks() {
			if !s.Remote() {
				continue
			}
			all, err := s.Requests(everywhere, m)
			if err != nil {
				t.Fatal(s.Name, err)
			}
			for _, r := range all {
				if r.Header.Get("Content-Type") == "application/json" && !json.Valid(r.Body) {
					t.Errorf("%s: %q", s.Name, r.Body)
				}
			}
		}
		body := requests(t, "otlp-trace", m)
		for _, r := range body {
			var traces coltrace.ExportTraceServiceRequest
			if err := protojson.Unmarshal(hexIDs(t, r.Body), &traces); err != nil {
				t.Error(err)
			}
			_ = proto.Size(&traces)
		}
	})
}
