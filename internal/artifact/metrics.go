package artifact

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"keepgreen/internal/baseline"
	"keepgreen/internal/ci"
)

// readMetrics reads run_metrics.json, the guide's own as well as ours: whatever
// figures it holds, in the order of their names.
func readMetrics(f fields, doc *Document) error {
	var w struct {
		Timestamp string                     `json:"timestamp"`
		RunID     json.RawMessage            `json:"workflow_run_id"`
		Attempt   json.RawMessage            `json:"workflow_attempt"`
		Event     string                     `json:"event_name"`
		Ref       string                     `json:"ref"`
		Repo      string                     `json:"repository"`
		Workflow  string                     `json:"workflow"`
		Commit    string                     `json:"commit"`
		Branch    string                     `json:"branch"`
		Class     string                     `json:"ref_class"`
		Status    ci.JobStatus               `json:"status"`
		Created   time.Time                  `json:"created_at"`
		Started   time.Time                  `json:"started_at"`
		Mode      string                     `json:"test_selection_mode"`
		Metrics   map[string]json.RawMessage `json:"metrics"`
		Statuses  map[string]string          `json:"job_statuses"`
	}
	if err := remarshal(f, &w); err != nil {
		return err
	}
	at := baseline.Instant(w.Timestamp)
	if at.IsZero() {
		return fmt.Errorf("timestamp: %.40q is no time", w.Timestamp)
	}
	m := ci.RunMetrics{Time: at, Mode: w.Mode, Statuses: map[string]ci.JobStatus{}}
	m.Run = ci.Pipeline{
		Repo: w.Repo, ID: baseline.Text(w.RunID), Attempt: 1, Workflow: w.Workflow, Event: w.Event, Ref: w.Ref, Branch: w.Branch, Commit: w.Commit,
		Main: w.Class == string(ci.RefMain), Status: w.Status, Created: w.Created, Started: w.Started,
	}
	if n, err := count(w.Attempt); err == nil && n != nil && *n > 0 {
		m.Run.Attempt = *n
	} else if n, err := strconv.Atoi(baseline.Text(w.Attempt)); err == nil && n > 0 {
		m.Run.Attempt = n
	}
	if m.Run.ID == "" {
		return fmt.Errorf("workflow_run_id: is missing")
	}
	if m.Run.Class() == ci.RefOther && (w.Ref == "refs/heads/main" || w.Ref == "refs/heads/master") {
		m.Run.Main = true
	}
	for name, raw := range w.Metrics {
		one := ci.Metric{Name: name}
		one.Value, one.Known = figure(raw)
		m.Metrics = append(m.Metrics, one)
	}
	slices.SortFunc(m.Metrics, func(a, b ci.Metric) int { return cmp.Compare(a.Name, b.Name) })
	for job, status := range w.Statuses {
		if s := ci.Concluded(status); s != "" {
			m.Statuses[job] = s
		}
	}
	doc.Metrics = &m
	return nil
}

// figure is a number, or a truth value as 0 or 1; the guide's scripts write
// numbers as texts too.
func figure(raw json.RawMessage) (v float64, known bool) {
	var any any
	if json.Unmarshal(raw, &any) != nil {
		return 0, false
	}
	switch x := any.(type) {
	case float64:
		return x, true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	case string:
		switch x {
		case "true":
			return 1, true
		case "false":
			return 0, true
		}
		return finite(x)
	}
	return 0, false
}

// finite is a number in a text; ok is false for what is none.
func finite(s string) (v float64, ok bool) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}
