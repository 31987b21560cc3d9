package sink_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/sink"
	"keepgreen/internal/trend"
)

// TestDashboardsAskForWhatIsSent: a renamed metric leaves no empty panel behind.
func TestDashboardsAskForWhatIsSent(t *testing.T) {
	var datadog []string
	for _, m := range trend.Metrics() {
		datadog = append(datadog, "ci.keepgreen."+m.Name)
	}
	prometheus := sink.PromNames(trend.Metrics())
	for file, known := range map[string][]string{"grafana.json": prometheus, "alerts.yml": prometheus, "datadog.json": datadog} {
		text, err := os.ReadFile("../../examples/observability/" + file)
		assert.NilError(t, err)
		names := regexp.MustCompile(`\bci\.keepgreen\.\w+|\bkeepgreen_\w+`).FindAllString(string(text), -1)
		assert.Assert(t, len(names) >= 5, file)
		for _, name := range names {
			assert.Assert(t, slices.Contains(known, name), "%s: %s is not sent", file, name)
		}
	}
}
