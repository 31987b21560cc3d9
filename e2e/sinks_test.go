//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/sink"
	"keepgreen/internal/trend"
)

// daemon starts a server and waits until it answers.
func daemon(t *testing.T, ready string, args ...string) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	assert.NilError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	eventually(t, ready, func() bool {
		response, err := http.Get(ready)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 150 {
		if holds() {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatal("never: " + what)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// prometheusPair is a real gateway and a real Prometheus that scrapes it and takes
// remote write.
func prometheusPair(t *testing.T) (gateway, prometheus string) {
	t.Helper()
	dir := t.TempDir()
	pushPort, port := freePort(t), freePort(t)
	gateway, prometheus = "http://127.0.0.1:"+pushPort, "http://127.0.0.1:"+port
	daemon(t, gateway+"/-/ready", "prometheus-pushgateway", "--web.listen-address=127.0.0.1:"+pushPort)
	config, err := os.ReadFile("../examples/observability/prometheus.yml")
	assert.NilError(t, err)
	text := strings.NewReplacer("localhost:9091", "127.0.0.1:"+pushPort, "scrape_interval: 30s", "scrape_interval: 1s", "rule_files: [alerts.yml]", "").Replace(string(config))
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(text), 0o644))
	daemon(t, prometheus+"/-/ready", "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:"+port, "--web.enable-remote-write-receiver")
	return gateway, prometheus
}

// query is the value of an expression, "" for none.
func query(t *testing.T, prometheus, expr string) string {
	t.Helper()
	response, err := http.Get(prometheus + "/api/v1/query?query=" + strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22", " ", "%20", "/", "%2F").Replace(expr))
	assert.NilError(t, err)
	defer response.Body.Close()
	var doc struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	assert.NilError(t, json.NewDecoder(response.Body).Decode(&doc))
	if len(doc.Data.Result) == 0 {
		return ""
	}
	return fmt.Sprint(doc.Data.Result[0].Value[1])
}

// metricsOf runs the command as a job of a workflow would.
func metricsOf(t *testing.T, dir string, env []string, coverage float64, args ...string) string {
	t.Helper()
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "coverage_aggregate.json"), fmt.Appendf(nil, `{"coverage": %g, "covered": 1, "statements": 1}`, coverage), 0o644))
	exe, err := filepath.Abs("../keepgreen")
	assert.NilError(t, err)
	cmd := exec.Command(exe, append([]string{"metrics", "--input", "coverage_aggregate.json", "--emit"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=acme/shop", "GITHUB_WORKFLOW=CI / all", "GITHUB_EVENT_NAME=push", "GITHUB_REF_NAME=main", "GITHUB_RUN_ATTEMPT=1",
		"GITHUB_STEP_SUMMARY=", "GITHUB_OUTPUT=", "NO_COLOR=1")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, "%s", out)
	return string(out)
}

// TestPrometheus: push, scrape, and PromQL reads the value; two runs at once; a
// figure that is gone; somebody else's type.
func TestPrometheus(t *testing.T) {
	gateway, prometheus := prometheusPair(t)
	dir := t.TempDir()
	out := metricsOf(t, dir, []string{"PROMETHEUS_GATEWAY=" + gateway, "GITHUB_RUN_ID=1"}, 91.5)
	assert.Assert(t, strings.Contains(out, "pushgateway        sent"), out)
	series := `keepgreen_coverage_percent{repo="acme/shop",workflow="CI / all",ref_class="main",job="keepgreen"}`
	eventually(t, "PromQL reads the pushed value", func() bool { return query(t, prometheus, series) == "91.5" })

	var wait sync.WaitGroup
	for i, pct := range []float64{92, 93} {
		wait.Go(func() {
			metricsOf(t, t.TempDir(), []string{"PROMETHEUS_GATEWAY=" + gateway, fmt.Sprintf("GITHUB_RUN_ID=%d", 2+i)}, pct)
		})
	}
	wait.Wait()
	eventually(t, "the last of two runs at once is there, whole", func() bool {
		v := query(t, prometheus, series)
		return (v == "92" || v == "93") && query(t, prometheus, "count(keepgreen_coverage_percent)") == "1"
	})

	// A name that somebody has pushed as a counter is refused by the gateway, not by us: the job goes on.
	clash := "# TYPE keepgreen_coverage_percent counter\nkeepgreen_coverage_percent 1\n"
	other, otherPrometheus := prometheusPair(t)
	response, err := http.Post(other+"/metrics/job/other", "text/plain", strings.NewReader(clash))
	assert.NilError(t, err)
	response.Body.Close()
	out = metricsOf(t, dir, []string{"PROMETHEUS_GATEWAY=" + other, "GITHUB_RUN_ID=4"}, 94)
	assert.Assert(t, strings.Contains(out, "pushgateway        not sent") && strings.Contains(out, "refused: 400 Bad Request"), out)

	// Remote write takes what the gateway refused, with the time of the run.
	out = metricsOf(t, dir, []string{"PROMETHEUS_REMOTE_WRITE=" + otherPrometheus + "/api/v1/write", "GITHUB_RUN_ID=5"}, 95)
	assert.Assert(t, strings.Contains(out, "remote-write       sent"), out)
	eventually(t, "PromQL reads what was written", func() bool {
		return query(t, otherPrometheus, `keepgreen_coverage_percent{job="keepgreen",repo="acme/shop"}`) == "95"
	})
}

// TestSinkThatIsDown: the job succeeds, the figures are kept, and the next run
// brings them.
func TestSinkThatIsDown(t *testing.T) {
	dir := t.TempDir()
	down := "http://127.0.0.1:" + freePort(t)
	out := metricsOf(t, dir, []string{"DATADOG_API_KEY=k", "DATADOG_API_URL=" + down, "GITHUB_RUN_ID=1"}, 90)
	assert.Assert(t, strings.Contains(out, "datadog            not sent") && strings.Contains(out, "kept for the next run"), out)
	var mu sync.Mutex
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, r.URL.Path+" "+r.Header.Get("DD-API-KEY")+" "+string(data))
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	out = metricsOf(t, dir, []string{"DATADOG_API_KEY=k", "DATADOG_API_URL=" + server.URL, "GITHUB_RUN_ID=2"}, 91)
	assert.Assert(t, strings.Contains(out, "datadog            sent 1 earlier run too"), out)
	assert.Equal(t, len(bodies), 2)
	for i, value := range []string{`"value":90`, `"value":91`} {
		assert.Assert(t, strings.HasPrefix(bodies[i], "/api/v2/series k ") && strings.Contains(bodies[i], value), bodies[i])
	}
	out = metricsOf(t, dir, []string{"DATADOG_API_KEY=k", "DATADOG_API_URL=" + server.URL, "GITHUB_RUN_ID=3"}, 92)
	assert.Assert(t, strings.Contains(out, "datadog            sent \n") && len(bodies) == 3, "%s%d", out, len(bodies))
}

// TestDatadogSchemas: Datadog's own client, which is made from its published
// schemas, understands what we send, whole.
func TestDatadogSchemas(t *testing.T) {
	conf := sink.Config{DatadogKey: "k"}
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	run := ci.Pipeline{
		Repo: "acme/shop", ID: "4711", Attempt: 1, Workflow: "CI", Event: "push", Main: true, Created: start, Started: start, URL: "https://github.com/acme/shop/actions/runs/4711",
		Jobs: []ci.PipelineJob{{Name: "test", Status: ci.JobFailure, Created: start, Started: start.Add(time.Second), Ended: start.Add(time.Minute), Runner: 1}},
	}
	coverage := 92.5
	timing := trend.Timing(run)
	m := ci.RunMetrics{Time: start.Add(2 * time.Minute), Run: run, Timing: timing, Metrics: trend.Collect(trend.Facts{Timing: timing, Coverage: &coverage})}
	models := map[string]string{"datadog": "metric_payload.MetricPayload", "datadog-ci": "ci_app_create_pipeline_event_request.CIAppCreatePipelineEventRequest"}
	for _, s := range sink.Sinks() {
		if models[s.Name] == "" {
			continue
		}
		requests, err := s.Requests(conf, m)
		assert.NilError(t, err)
		cmd := exec.Command(python(t), "testdata/datadog_schema.py", models[s.Name])
		cmd.Stdin = bytes.NewReader(requests[0].Body)
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err, "%s: %s", s.Name, out)
	}
}

// TestAlertRules: the rules fire when they should, and not otherwise.
func TestAlertRules(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}, {"check", "config", "prometheus.yml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = "../examples/observability"
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err, "%s", out)
	}
}
