package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// metricsDoc is run_metrics.json: the contract's keys first.
type metricsDoc struct {
	Timestamp string                  `json:"timestamp"`
	RunID     string                  `json:"workflow_run_id"`
	Attempt   int                     `json:"workflow_attempt"`
	Event     string                  `json:"event_name"`
	Ref       string                  `json:"ref"`
	Actor     string                  `json:"actor"`
	Metrics   figuresDoc              `json:"metrics"`
	Statuses  map[string]ci.JobStatus `json:"job_statuses"`

	Repo     string         `json:"repository"`
	Workflow string         `json:"workflow"`
	Commit   string         `json:"commit"`
	Branch   string         `json:"branch"`
	Class    ci.RefClass    `json:"ref_class"`
	Status   *ci.JobStatus  `json:"status"`
	Mode     *string        `json:"test_selection_mode"`
	Created  *string        `json:"created_at"`
	Started  *string        `json:"started_at"`
	Jobs     []jobTimingDoc `json:"jobs"`
}

type jobTimingDoc struct {
	Name     string        `json:"name"`
	Status   *ci.JobStatus `json:"status"`
	Queue    *number       `json:"queue_s"`
	Needs    *number       `json:"needs_wait_s"`
	Duration *number       `json:"duration_s"`
	Carried  bool          `json:"carried_over"`
	Critical bool          `json:"critical_path"`
}

// figuresDoc are metrics in the order of their table; one that is not known is
// null.
type figuresDoc []ci.Metric

// MarshalJSON implements json.Marshaler.
func (f figuresDoc) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.WriteString(figureText(m))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// figureText is a metric's value as JSON has it.
func figureText(m ci.Metric) string {
	switch {
	case !m.Known || math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
		return "null"
	case m.Unit == ci.UnitFlag:
		return strconv.FormatBool(m.Value != 0)
	}
	return strconv.FormatFloat(math.Round(m.Value*1e4)/1e4, 'f', -1, 64)
}

// RunMetrics writes run_metrics.json.
func RunMetrics(w io.Writer, m ci.RunMetrics) error {
	doc := metricsDoc{
		Timestamp: m.Time.UTC().Format(time.RFC3339), RunID: m.Run.ID, Attempt: m.Run.Attempt, Event: m.Run.Event, Ref: m.Run.Ref, Actor: m.Run.Actor,
		Metrics: m.Metrics, Statuses: m.Statuses, Repo: m.Run.Repo, Workflow: m.Run.Workflow, Commit: m.Run.Commit, Branch: m.Run.Branch, Class: m.Run.Class(),
		Created: moment(m.Run.Created), Started: moment(m.Run.Started), Jobs: []jobTimingDoc{},
	}
	if doc.Statuses == nil {
		doc.Statuses = map[string]ci.JobStatus{}
	}
	if m.Timing.Status != "" {
		doc.Status = &m.Timing.Status
	}
	if m.Mode != "" {
		doc.Mode = &m.Mode
	}
	for _, j := range m.Timing.Jobs {
		one := jobTimingDoc{Name: j.Name, Queue: spanOf(j.Queue), Needs: spanOf(j.Needs), Duration: spanOf(j.Duration), Carried: j.Carried, Critical: j.Critical}
		if j.Status != "" {
			one.Status = &j.Status
		}
		doc.Jobs = append(doc.Jobs, one)
	}
	return encode(w, doc)
}

// moment is a time that was said.
func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

func spanOf(s ci.Span) *number {
	if !s.Known {
		return nil
	}
	n := seconds(s.Length)
	return &n
}

// figure is a metric as a person reads it.
func figure(m ci.Metric) string {
	if !m.Known {
		return "unknown"
	}
	switch m.Unit {
	case ci.UnitSeconds:
		return spent(time.Duration(m.Value * float64(time.Second)))
	case ci.UnitPercent:
		return percent(m.Value)
	case ci.UnitShare:
		return percent(100 * m.Value)
	case ci.UnitDollars:
		return "$" + strconv.FormatFloat(m.Value, 'f', 4, 64)
	case ci.UnitFlag:
		return map[bool]string{true: "yes", false: "no"}[m.Value != 0]
	case ci.UnitCount:
	}
	return thousands(int(m.Value))
}

// SinkLine is what became of the metrics in one sink.
type SinkLine struct {
	Name, State, Detail string // State: "sent", "skipped", "kept", "dropped", "would send"
}

// MetricsView is what the command "metrics" shows.
type MetricsView struct {
	ci.RunMetrics
	Sinks []SinkLine
	Notes []string
}

// headline is the run in one line.
func (v MetricsView) headline() string {
	name := strings.TrimSpace(v.Run.Workflow + " " + v.Run.ID)
	parts := []string{fmt.Sprintf("%s, attempt %d", name, v.Run.Attempt), string(v.Run.Class())}
	if v.Timing.Status != "" {
		parts = append(parts, string(v.Timing.Status))
	}
	return strings.Join(parts, " · ")
}

// known splits the metrics into those with a value and the names of the others.
func (v MetricsView) known() (known []ci.Metric, unknown []string) {
	for _, m := range v.Metrics {
		if m.Known {
			known = append(known, m)
		} else {
			unknown = append(unknown, m.Name)
		}
	}
	return known, unknown
}

// MetricsText writes the metrics for a terminal.
func MetricsText(w io.Writer, v MetricsView, o TextOptions) error {
	var b strings.Builder
	i := ink(o.Colour)
	fmt.Fprintf(&b, "%s\n", i.bold(Visible(v.headline())))
	known, unknown := v.known()
	for _, m := range known {
		fmt.Fprintf(&b, "  %s %s  %s\n", pad(m.Name, 18), padLeft(figure(m), 12), i.dim(m.Doc))
	}
	if len(unknown) > 0 {
		for _, line := range wrap("not known: "+strings.Join(unknown, ", "), max(o.Width, 80)-2, 6) {
			fmt.Fprintf(&b, "  %s\n", i.dim(line))
		}
	}
	for _, s := range v.Sinks {
		fmt.Fprintf(&b, "  %s %s %s\n", pad(s.Name, 18), s.State, Visible(s.Detail))
	}
	for _, note := range v.Notes {
		fmt.Fprintf(&b, "  %s %s\n", i.yellow("!"), Visible(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// MetricsSummary writes the job summary: a sink like the others.
func MetricsSummary(w io.Writer, v MetricsView) error {
	s := &sheet{}
	s.part("### 📈 CI metrics\n\n" + Neutral(v.headline()) + "\n\n")
	known, unknown := v.known()
	var b strings.Builder
	b.WriteString("| Metric | Value | |\n|---|--:|---|\n")
	for _, m := range known {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", NeutralCode(m.Name), Neutral(figure(m)), Neutral(m.Doc))
	}
	s.part(b.String() + "\n")
	if len(unknown) > 0 {
		s.part("Not known: " + Neutral(strings.Join(unknown, ", ")) + ".\n\n")
	}
	s.part(metricsJobs(v))
	for _, line := range v.Sinks {
		s.part(fmt.Sprintf("- %s: %s %s\n", Neutral(line.Name), Neutral(line.State), Neutral(cut(Visible(line.Detail), 300))))
	}
	_, err := io.WriteString(w, s.b.String())
	return err
}

func metricsJobs(v MetricsView) string {
	if len(v.Timing.Jobs) == 0 {
		return ""
	}
	jobs := slices.Clone(v.Timing.Jobs)
	var b strings.Builder
	b.WriteString("| Job | Ended | Duration | Waited for a machine | |\n|---|---|--:|--:|---|\n")
	for _, j := range jobs[:min(len(jobs), 100)] {
		note := ""
		switch {
		case j.Carried:
			note = "of an earlier attempt"
		case j.Critical:
			note = "critical path"
		}
		status := string(j.Status)
		if status == "" {
			status = "running"
		}
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %s |\n", Neutral(cut(Visible(j.Name), 80)), jobGlyph(j.Status), status, spanText(j.Duration), spanText(j.Queue), note)
	}
	return fold("Jobs", b.String())
}

func spanText(s ci.Span) string {
	if !s.Known {
		return "–"
	}
	return spent(s.Length)
}
