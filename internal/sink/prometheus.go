package sink

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/s2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	"google.golang.org/protobuf/encoding/protowire"

	"keepgreen/internal/ci"
)

// promUnits are what the names of series end in, as Prometheus asks.
var promUnits = map[ci.Unit]string{ci.UnitSeconds: "_seconds", ci.UnitPercent: "_percent", ci.UnitShare: "_ratio", ci.UnitDollars: "_dollars", ci.UnitFlag: "", ci.UnitCount: ""}

// promName is a metric's name there: "build_duration_s" is
// "keepgreen_build_duration_seconds".
func promName(m ci.Metric) string {
	name := m.Name
	for _, end := range []string{"_s", "_pct", "_usd"} {
		name = strings.TrimSuffix(name, end)
	}
	return "keepgreen_" + name + promUnits[m.Unit]
}

// PromNames lists the series of the metrics, for dashboards to be held to.
func PromNames(metrics []ci.Metric) []string {
	out := make([]string, 0, len(metrics)+1)
	for _, m := range metrics {
		out = append(out, promName(m))
	}
	return append(out, "keepgreen_last_run_timestamp_seconds")
}

// recorder takes a request instead of the network.
type recorder struct{ seen *http.Request }

// Do implements push.HTTPDoer.
func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	r.seen = req
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(nil)), Request: req}, nil
}

// pushgateway replaces the group of the repository, workflow and ref class: all of
// it, so that a figure that is not known any more does not stay. All are gauges
// of the last run: a gateway is a cache and no place for counters, and the type
// of a name is the same in every group, or it refuses everybody's.
func pushgateway(c Config, m ci.RunMetrics) ([]Request, error) {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		g.Set(value)
		registry.MustRegister(g)
	}
	for _, one := range figures(m) {
		gauge(promName(one), one.Doc, one.Value)
	}
	gauge("keepgreen_last_run_timestamp_seconds", "when the figures were collected", float64(m.Time.Unix()))
	var seen recorder
	pusher := push.New(c.Gateway, "keepgreen").Gatherer(registry).Client(&seen)
	for _, l := range labels(m) {
		pusher = pusher.Grouping(l.name, cmp.Or(l.value, "none")) // an empty value is no part of a path
	}
	if err := pusher.PushContext(context.Background()); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(seen.seen.Body)
	if err != nil {
		return nil, err
	}
	header := seen.seen.Header.Clone()
	header.Set("User-Agent", c.UserAgent)
	return []Request{{Method: seen.seen.Method, URL: seen.seen.URL.String(), Header: header, Body: body, Text: promText(m)}}, nil
}

// promText is what is pushed, for people: the body is delimited protocol buffers.
func promText(m ci.RunMetrics) string {
	var b strings.Builder
	for _, one := range figures(m) {
		fmt.Fprintf(&b, "%s %g\n", promName(one), one.Value)
	}
	return b.String()
}

// remoteWrite encodes the figures as Prometheus' remote write 1.0 has them: one
// series each, one sample with the time of the run
// (https://prometheus.io/docs/specs/prw/remote_write_spec/). The messages have five
// fields in all, so the wire is written directly.
func remoteWrite(c Config, m ci.RunMetrics) ([]Request, error) {
	var body []byte
	for _, one := range figures(m) {
		body = protowire.AppendTag(body, 1, protowire.BytesType)
		body = protowire.AppendBytes(body, timeSeries(promName(one), one.Value, m))
	}
	header := http.Header{
		"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}, "X-Prometheus-Remote-Write-Version": {"0.1.0"}, "User-Agent": {c.UserAgent},
	}
	return []Request{{Method: http.MethodPost, URL: c.RemoteWrite, Header: header, Body: s2.EncodeSnappy(nil, body), Text: promText(m)}}, nil
}

func timeSeries(name string, value float64, m ci.RunMetrics) []byte {
	all := append([]label{{"__name__", name}, {"job", "keepgreen"}}, labels(m)...)
	slices.SortFunc(all, func(a, b label) int { return strings.Compare(a.name, b.name) }) // as the specification asks
	var out []byte
	for _, l := range all {
		if l.value == "" {
			continue
		}
		pair := protowire.AppendTag(nil, 1, protowire.BytesType)
		pair = protowire.AppendString(pair, l.name)
		pair = protowire.AppendTag(pair, 2, protowire.BytesType)
		pair = protowire.AppendString(pair, strings.ToValidUTF8(l.value, "?"))
		out = protowire.AppendTag(out, 1, protowire.BytesType)
		out = protowire.AppendBytes(out, pair)
	}
	sample := protowire.AppendTag(nil, 1, protowire.Fixed64Type)
	sample = protowire.AppendFixed64(sample, math.Float64bits(value))
	sample = protowire.AppendTag(sample, 2, protowire.VarintType)
	sample = protowire.AppendVarint(sample, uint64(m.Time.UnixMilli()))
	out = protowire.AppendTag(out, 2, protowire.BytesType)
	return protowire.AppendBytes(out, sample)
}
