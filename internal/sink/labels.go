package sink

import (
	"strconv"
	"time"

	"keepgreen/internal/ci"
)

// figures are the metrics that have a value, in the order of their table.
func figures(m ci.RunMetrics) []ci.Metric {
	var out []ci.Metric
	for _, one := range m.Metrics {
		if one.Known {
			out = append(out, one)
		}
	}
	return out
}

// ended is when the attempt ended, as far as it has; the zero time: not known.
func ended(m ci.RunMetrics) time.Time {
	if m.Timing.Build.Known {
		return m.Run.Started.Add(m.Timing.Build.Length)
	}
	return m.Run.Ended
}

// label is a name and a value that a series is told apart by. A run, a commit or
// a branch is none of them: each would be a series of its own that nobody ever
// deletes (kubernetes/test-infra #8567).
type label struct{ name, value string }

func labels(m ci.RunMetrics) []label {
	return []label{{"repo", m.Run.Repo}, {"workflow", m.Run.Workflow}, {"ref_class", string(m.Run.Class())}}
}

func attempt(m ci.RunMetrics) string { return strconv.Itoa(max(m.Run.Attempt, 1)) }
