package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/render"
	"keepgreen/internal/sink"
)

// sinkConfig is where the sinks are, by the names that the contract and the
// OpenTelemetry specification fix.
func (s *session) sinkConfig() sink.Config {
	version, _ := buildVersion()
	return sink.Config{
		DatadogKey: s.Env["DATADOG_API_KEY"], DatadogSite: s.Env["DD_SITE"], DatadogURL: s.Env["DATADOG_API_URL"],
		Gateway: s.Env["PROMETHEUS_GATEWAY"], RemoteWrite: s.Env["PROMETHEUS_REMOTE_WRITE"],
		OTLP: s.Env["OTEL_EXPORTER_OTLP_ENDPOINT"], OTLPHeaders: s.Env["OTEL_EXPORTER_OTLP_HEADERS"], UserAgent: "keepgreen/" + version,
	}
}

// emit sends the figures to the sinks and says of each what became of them. Only a
// dry run can fail: by not being printed.
func (c *metricsCommand) emit(s *session, store *history.Store, m ci.RunMetrics) ([]render.SinkLine, error) {
	conf := s.sinkConfig()
	e := emitter{s: s, conf: conf, store: store, secrets: []string{conf.DatadogKey}}
	for pair := range strings.SplitSeq(conf.OTLPHeaders, ",") {
		if _, value, found := strings.Cut(pair, "="); found {
			e.secrets = append(e.secrets, value)
		}
	}
	// Files are written whether or not anything is sent.
	remote := slices.DeleteFunc(slices.Clone(sink.Sinks()), func(one sink.Sink) bool { return !one.Remote() })
	out := make([]render.SinkLine, len(remote))
	var wait sync.WaitGroup
	for i, one := range remote {
		out[i] = render.SinkLine{Name: one.Name, State: "skipped", Detail: one.Needs + " is not set"}
		switch {
		case !one.Ready(conf):
		case c.DryRun:
			if err := e.show(one, m); err != nil {
				return nil, noAnswerf("", "%s: %w", one.Name, err)
			}
			out[i].State, out[i].Detail = "would send", ""
		default:
			wait.Go(func() { out[i].State, out[i].Detail = e.send(one, m) }) // one that is down keeps no other waiting
		}
	}
	wait.Wait()
	return out, nil
}

// emitter sends to one sink after the other.
type emitter struct {
	s       *session
	conf    sink.Config
	store   *history.Store // nil: nothing can be kept
	secrets []string
}

// show prints what would be sent, without the keys.
func (e *emitter) show(one sink.Sink, m ci.RunMetrics) error {
	requests, err := one.Requests(e.conf, m)
	if err != nil {
		return err
	}
	for _, r := range requests {
		body := r.Text
		if body == "" {
			body = string(r.Body)
		}
		text := fmt.Sprintf("# %s\n%s %s\n%s\n", one.Name, r.Method, r.URL, strings.TrimSpace(body))
		for _, secret := range slices.DeleteFunc(slices.Clone(e.secrets), func(s string) bool { return s == "" }) {
			text = strings.ReplaceAll(text, secret, "***")
		}
		fmt.Fprint(e.s.Stderr, render.VisibleLines(text))
	}
	return nil
}

// send sends what was kept of earlier runs, and then this one. What fails is kept,
// and whatever comes after it, so that the order stays.
func (e *emitter) send(one sink.Sink, m ci.RunMetrics) (state, detail string) {
	ctx := context.WithoutCancel(e.s.ctx)
	kept := e.kept(ctx, one)
	var notes []string
	sent := 0
	for i, run := range append(kept, m) {
		current := i == len(kept)
		if !current && one.Newest() {
			e.drop(ctx, one, run)
			continue
		}
		if one.TooOld(run, e.s.Now()) {
			e.drop(ctx, one, run)
			notes = append(notes, fmt.Sprintf("run %s is too old for it by now", run.Run.ID))
			continue
		}
		err := e.one(ctx, one, run)
		switch {
		case err == nil || errors.Is(err, sink.ErrRefused):
			e.drop(ctx, one, run)
		default:
			return "not sent", err.Error() + e.keep(ctx, one, append(kept, m)[i:])
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("run %s: %v", run.Run.ID, err))
			continue
		}
		sent++
	}
	if sent > 1 {
		notes = append(notes, plural(sent-1, "earlier run", "earlier runs")+" too")
	}
	if sent == 0 {
		return "not sent", strings.Join(notes, "; ")
	}
	return "sent", strings.Join(notes, "; ")
}

func (e *emitter) one(ctx context.Context, one sink.Sink, m ci.RunMetrics) error {
	requests, err := one.Requests(e.conf, m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return sink.Client{}.Send(ctx, requests, e.secrets...)
}

func (e *emitter) kept(ctx context.Context, one sink.Sink) []ci.RunMetrics {
	if e.store == nil {
		return nil
	}
	kept, err := e.store.Unsent(ctx, one.Name)
	if err != nil {
		return nil // the history has said what is wrong with it
	}
	return kept
}

func (e *emitter) drop(ctx context.Context, one sink.Sink, m ci.RunMetrics) {
	if e.store != nil {
		_ = e.store.DropUnsent(ctx, one.Name, m) // it would be sent once more, and replace itself
	}
}

// keep keeps what was not sent, and says so.
func (e *emitter) keep(ctx context.Context, one sink.Sink, all []ci.RunMetrics) string {
	if e.store == nil {
		return "; lost, for there is no history to keep it in"
	}
	for _, m := range all {
		if err := e.store.KeepUnsent(ctx, one.Name, m); err != nil {
			return "; lost: " + withHint(err)
		}
	}
	return "; kept for the next run"
}
