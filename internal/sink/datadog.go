package sink

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// The bodies are those of Datadog's published v2 schemas, MetricPayload and
// CIAppCreatePipelineEventRequest. Its Go client would triple the time to build
// for these two structs.

type ddPayload struct {
	Series []ddSeries `json:"series"`
}

type ddSeries struct {
	Metric string    `json:"metric"`
	Type   int       `json:"type"`
	Unit   string    `json:"unit,omitempty"`
	Points []ddPoint `json:"points"`
	Tags   []string  `json:"tags"`
}

type ddPoint struct {
	Timestamp int64   `json:"timestamp"`
	Value     float64 `json:"value"`
}

// ddGauge is MetricIntakeType's "gauge": of equal points the last one counts, so
// that sending again changes nothing.
const ddGauge = 3

var ddUnits = map[ci.Unit]string{ci.UnitSeconds: "second", ci.UnitPercent: "percent", ci.UnitDollars: "dollar"}

func (c Config) datadog(method, path string, body any) ([]Request, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	base := cmp.Or(c.DatadogURL, "https://api."+cmp.Or(c.DatadogSite, "datadoghq.com"))
	header := http.Header{"Content-Type": {"application/json"}, "Dd-Api-Key": {c.DatadogKey}, "User-Agent": {c.UserAgent}}
	return []Request{{Method: method, URL: strings.TrimSuffix(base, "/") + path, Header: header, Body: data}}, nil
}

func ddTags(m ci.RunMetrics) []string {
	var tags []string
	for _, l := range labels(m) {
		if l.value != "" {
			tags = append(tags, l.name+":"+l.value)
		}
	}
	if m.Timing.Status != "" {
		tags = append(tags, "status:"+string(m.Timing.Status))
	}
	return tags
}

func datadogSeries(c Config, m ci.RunMetrics) ([]Request, error) {
	payload := ddPayload{Series: []ddSeries{}}
	for _, one := range figures(m) {
		payload.Series = append(payload.Series, ddSeries{
			Metric: "ci.keepgreen." + one.Name, Type: ddGauge, Unit: ddUnits[one.Unit], Tags: ddTags(m), Points: []ddPoint{{m.Time.Unix(), one.Value}},
		})
	}
	return c.datadog(http.MethodPost, "/api/v2/series", payload)
}

type ddEvents struct {
	Data []ddEvent `json:"data"`
}

type ddEvent struct {
	Type       string       `json:"type"`
	Attributes ddAttributes `json:"attributes"`
}

type ddAttributes struct {
	Provider string     `json:"provider_name"`
	Service  string     `json:"service,omitempty"`
	Resource ddResource `json:"resource"`
}

type ddResource struct {
	Level        string   `json:"level"`
	UniqueID     string   `json:"unique_id,omitempty"`
	ID           string   `json:"id,omitempty"`
	PipelineID   string   `json:"pipeline_id,omitempty"`
	Pipeline     string   `json:"pipeline_name,omitempty"`
	PipelineUID  string   `json:"pipeline_unique_id,omitempty"`
	Name         string   `json:"name"`
	URL          string   `json:"url"`
	Start        string   `json:"start"`
	End          string   `json:"end"`
	Status       string   `json:"status"`
	QueueTime    *int64   `json:"queue_time,omitempty"` // milliseconds
	PartialRetry *bool    `json:"partial_retry,omitempty"`
	Tags         []string `json:"tags,omitempty"`
	Metrics      []string `json:"metrics,omitempty"`
	Error        *ddError `json:"error,omitempty"`
}

type ddError struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Domain  string `json:"domain"`
}

// ddStatus is a status in Datadog's words.
func ddStatus(s ci.JobStatus) string {
	switch s {
	case ci.JobSuccess:
		return "success"
	case ci.JobCancelled:
		return "canceled"
	case ci.JobSkipped:
		return "skipped"
	case ci.JobFailure, ci.JobError, ci.JobTimeout:
	}
	return "error"
}

// datadogPipeline makes events of the attempt and the jobs that ran in it. Their
// ids are made of the run's, so that an event that is sent again replaces itself.
// Without the jobs' times there is nothing to tell.
func datadogPipeline(c Config, m ci.RunMetrics) ([]Request, error) {
	end := ended(m)
	if m.Run.Started.IsZero() || end.IsZero() || m.Run.URL == "" {
		return nil, nil
	}
	name, uid := cmp.Or(m.Run.Workflow, "ci"), ddID(m, "")
	again := m.Run.Attempt > 1
	pipeline := ddResource{
		Level: "pipeline", UniqueID: uid, PipelineID: m.Run.ID, Name: name, URL: m.Run.URL, Start: ddTime(m.Run.Started), End: ddTime(end),
		Status: ddStatus(m.Timing.Status), PartialRetry: &again, QueueTime: millis(m.Timing.Queue), Tags: ddTags(m), Error: ddFailure(m.Timing.Status),
	}
	events := ddEvents{Data: []ddEvent{pipeline.event(m)}}
	for i, j := range m.Run.Jobs {
		if i >= len(m.Timing.Jobs) || !m.Timing.Jobs[i].Duration.Known {
			continue
		}
		t := m.Timing.Jobs[i]
		events.Data = append(events.Data, ddResource{
			Level: "job", ID: ddID(m, j.Name), Pipeline: name, PipelineUID: uid, Name: j.Name, URL: cmp.Or(j.URL, m.Run.URL),
			Start: ddTime(j.Started), End: ddTime(j.Ended), Status: ddStatus(t.Status), QueueTime: millis(t.Queue), Error: ddFailure(t.Status),
		}.event(m))
	}
	return c.datadog(http.MethodPost, "/api/v2/ci/pipeline", events)
}

func (r ddResource) event(m ci.RunMetrics) ddEvent {
	return ddEvent{"cipipeline_resource_request", ddAttributes{"github", m.Run.Repo, r}}
}

// ddFailure tells the code's failure from the system's.
func ddFailure(s ci.JobStatus) *ddError {
	switch s {
	case ci.JobFailure:
		return &ddError{"failed", "failure", "user"}
	case ci.JobError:
		return &ddError{"could not do its work", "error", "provider"}
	case ci.JobTimeout:
		return &ddError{"took too long", "timeout", "unknown"}
	case ci.JobSuccess, ci.JobCancelled, ci.JobSkipped:
	}
	return nil
}

func ddTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func ddID(m ci.RunMetrics, job string) string {
	sum := sha256.Sum256([]byte(m.Run.Repo + "\n" + m.Run.ID + "\n" + attempt(m) + "\n" + job))
	return hex.EncodeToString(sum[:16])
}

func millis(s ci.Span) *int64 {
	if !s.Known {
		return nil
	}
	ms := s.Length.Milliseconds()
	return &ms
}
