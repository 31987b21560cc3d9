package sink_test

import dto "github.com/prometheus/client_model/go"

// newFamily is what the decoder fills.
func newFamily() *dto.MetricFamily { return &dto.MetricFamily{} }
