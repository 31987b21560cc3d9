// Package sink sends the figures of a run to where a team looks at figures. Each
// sink is a row of one table: what it is called, what it needs, and which
// requests it makes of a run. It knows HTTP and nothing else of the world, and
// refuses to matter: a sink that is down is told in a line, and what was not sent
// is given back to be kept for the next run.
package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// Config says where the sinks are; one without its address or key is not used.
type Config struct {
	DatadogKey, DatadogSite, DatadogURL string // the site is "datadoghq.com" without one; the URL comes before it
	Gateway                             string // base URL of a Pushgateway
	RemoteWrite                         string // URL that takes remote write
	OTLP                                string // base URL of an OTLP receiver
	OTLPHeaders                         string // "name=value,name=value", as the specification has it
	UserAgent                           string
}

// Request is one request, which has not been made yet: printing it is the dry run.
type Request struct {
	Method, URL string
	Header      http.Header // without the keys that Show leaves out
	Body        []byte
	Text        string // the body for people, where it is not text itself
}

// Sink is a row of the table.
type Sink struct {
	Name, Doc string
	Needs     string // the environment variable without which it is not used; empty: it writes a file
	ready     func(Config) bool
	requests  func(Config, ci.RunMetrics) ([]Request, error)
	maxAge    time.Duration // older figures are refused there; zero: never
	newest    bool          // it keeps the newest figures only, so that older ones are not sent any more
}

var sinks = []Sink{
	{
		Name: "datadog", Doc: "Datadog metrics, `ci.keepgreen.*`, by the v2 series API", Needs: "DATADOG_API_KEY",
		ready: func(c Config) bool { return c.DatadogKey != "" }, requests: datadogSeries, maxAge: time.Hour,
	},
	{
		Name: "datadog-ci", Doc: "Datadog CI Visibility: the pipeline and its jobs as events", Needs: "DATADOG_API_KEY",
		ready: func(c Config) bool { return c.DatadogKey != "" }, requests: datadogPipeline, maxAge: 18 * time.Hour,
	},
	{
		Name: "pushgateway", Doc: "Prometheus Pushgateway, a group for each repository, workflow and ref class", Needs: "PROMETHEUS_GATEWAY",
		ready: func(c Config) bool { return c.Gateway != "" }, requests: pushgateway, newest: true,
	},
	{
		Name: "remote-write", Doc: "Prometheus remote write, with the time of the run", Needs: "PROMETHEUS_REMOTE_WRITE",
		ready: func(c Config) bool { return c.RemoteWrite != "" }, requests: remoteWrite, maxAge: time.Hour,
	},
	{
		Name: "otlp-metrics", Doc: "OpenTelemetry metrics by OTLP, with the CI/CD semantic conventions", Needs: "OTEL_EXPORTER_OTLP_ENDPOINT",
		ready: func(c Config) bool { return c.OTLP != "" }, requests: otlpMetrics,
	},
	{
		Name: "otlp-trace", Doc: "OpenTelemetry trace of the run and its jobs, with ids made of the run's", Needs: "OTEL_EXPORTER_OTLP_ENDPOINT",
		ready: func(c Config) bool { return c.OTLP != "" }, requests: otlpTrace,
	},
	{Name: "json", Doc: "`run_metrics.json`, for the workflow to keep as an artifact"},
	{Name: "summary", Doc: "the job summary, where `GITHUB_STEP_SUMMARY` is set"},
}

// Sinks lists the table.
func Sinks() []Sink { return sinks }

// Remote reports whether the sink is somewhere else, rather than a file.
func (s Sink) Remote() bool { return s.requests != nil }

// Ready reports whether the sink has what it needs.
func (s Sink) Ready(c Config) bool { return s.ready != nil && s.ready(c) }

// Requests are what the sink would send of a run.
func (s Sink) Requests(c Config, m ci.RunMetrics) ([]Request, error) { return s.requests(c, m) }

// Newest reports whether the sink keeps the newest figures only.
func (s Sink) Newest() bool { return s.newest }

// TooOld reports whether the sink would refuse the figures for their age.
func (s Sink) TooOld(m ci.RunMetrics, now time.Time) bool {
	return s.maxAge > 0 && now.Sub(m.Time) > s.maxAge
}

// ErrRefused is returned for what a sink has looked at and will never take:
// sending it again would not help.
var ErrRefused = errors.New("refused")

// Client sends requests.
type Client struct {
	HTTP  *http.Client                               // nil: one with a timeout of 10 s
	Sleep func(context.Context, time.Duration) error // nil: really
}

// tries is how often a request is made; the pauses between are a quarter of a second and a second.
const tries = 3

// Send makes the requests of one run in their order and stops at the first that
// fails. Every request can be made again: the same run is the same point.
func (c Client) Send(ctx context.Context, requests []Request, secrets ...string) error {
	for _, r := range requests {
		if err := c.persist(ctx, r); err != nil {
			return hidden{hide(err.Error(), secrets), errors.Is(err, ErrRefused)}
		}
	}
	return nil
}

// persist tries again where that may help: the network, a server's own failure,
// a limit on requests.
func (c Client) persist(ctx context.Context, r Request) (err error) {
	for i := range tries {
		if i > 0 {
			if c.pause(ctx, time.Duration(i*i)*time.Second/4) != nil {
				return err
			}
		}
		if err = c.once(ctx, r); err == nil || errors.Is(err, ErrRefused) {
			return err
		}
	}
	return err
}

func (c Client) pause(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (c Client) once(ctx context.Context, r Request) error {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	req.Header = r.Header.Clone()
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	response, err := client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			return failed.Err // without the URL, which may hold a password
		}
		return err
	}
	defer response.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(response.Body, 2<<10)) // what it said beside its status only helps
	if response.StatusCode/100 == 2 {
		return nil
	}
	text := strings.Join(strings.Fields(string(said)), " ")
	failed := fmt.Errorf("%s %s", response.Status, text[:min(len(text), 200)])
	switch response.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("%w: %w", ErrRefused, failed)
	}
	return failed
}

// hidden is an error whose text holds no key.
type hidden struct {
	text    string
	refused bool
}

func (h hidden) Error() string        { return h.text }
func (h hidden) Is(target error) bool { return h.refused && target == ErrRefused }

// hide takes keys out of a text.
func hide(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}
