package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// vectorsServerVariable makes the test's own binary a server of the series of a file, in
// client_golang's vectors: the baseline, in a process of its own as the exporter is.
const vectorsServerVariable = "VECTORS_SERVER_ADDRESS"

// serveVectors is the baseline's process.
func serveVectors(address, file string) {
	registry, err := vectorsOf(file)
	if err == nil {
		server := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{})}
		err = server.ListenAndServe()
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// vectorsOf puts the series of an exposition into vectors.
func vectorsOf(file string) (*client.Registry, error) {
	exposition, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer exposition.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(exposition)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", file, err)
	}
	registry := client.NewRegistry()
	for _, name := range slices.Sorted(maps.Keys(families)) {
		registry.MustRegister(vectorOf(families[name]))
	}
	return registry, nil
}

func vectorOf(family *dto.MetricFamily) client.Collector {
	name, help := family.GetName(), strings.TrimSpace(family.GetHelp())
	var labels []string
	for _, pair := range family.GetMetric()[0].GetLabel() {
		labels = append(labels, pair.GetName())
	}
	values := func(m *dto.Metric) []string {
		var values []string
		for _, pair := range m.GetLabel() {
			values = append(values, pair.GetValue())
		}
		return values
	}
	switch family.GetType() {
	case dto.MetricType_COUNTER:
		v := client.NewCounterVec(client.CounterOpts{Name: name, Help: help}, labels)
		for _, m := range family.GetMetric() {
			v.WithLabelValues(values(m)...).Add(m.GetCounter().GetValue())
		}
		return v
	case dto.MetricType_HISTOGRAM:
		var buckets []float64
		for _, bucket := range family.GetMetric()[0].GetHistogram().GetBucket() {
			buckets = append(buckets, bucket.GetUpperBound())
		}
		v := client.NewHistogramVec(client.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		for _, m := range family.GetMetric() {
			v.WithLabelValues(values(m)...).Observe(m.GetHistogram().GetSampleSum())
		}
		return v
	case dto.MetricType_SUMMARY:
		v := client.NewSummaryVec(client.SummaryOpts{Name: name, Help: help}, labels)
		for _, m := range family.GetMetric() {
			v.WithLabelValues(values(m)...).Observe(m.GetSummary().GetSampleSum())
		}
		return v
	}
	v := client.NewGaugeVec(client.GaugeOpts{Name: name, Help: help}, labels)
	for _, m := range family.GetMetric() {
		v.WithLabelValues(values(m)...).Set(m.GetGauge().GetValue() + m.GetUntyped().GetValue())
	}
	return v
}
