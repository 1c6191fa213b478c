package metrics_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"whereby_exporter/collector/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRowsAreWhatPrometheusExpects(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range metrics.All() {
		t.Run(m.Name, func(t *testing.T) {
			if seen[m.Name] {
				t.Error("is listed twice")
			}
			seen[m.Name] = true
			if !strings.HasPrefix(m.Name, "whereby_") {
				t.Error("does not begin with whereby_")
			}
			if counter := m.Type == metrics.Counter; counter != strings.HasSuffix(m.Name, "_total") {
				t.Errorf("is of type %s: counters, and only they, end in _total", m.Type)
			}
			if m.Help == "" || strings.ContainsAny(m.Help, "\n\\") {
				t.Errorf("has the help %q", m.Help)
			}
			if len(slices.Compact(slices.Sorted(slices.Values(m.Labels)))) != len(m.Labels) {
				t.Errorf("has a label twice: %v", m.Labels)
			}
			for _, label := range m.Labels {
				if slices.Contains([]string{"job", "instance", "le", "quantile", "__name__"}, label) {
					t.Errorf("has the label %s, which is Prometheus's own", label)
				}
			}
		})
	}
}

// TestEachKindOfCollectorHasTheRowsNameAndHelp makes one of each kind.
func TestEachKindOfCollectorHasTheRowsNameAndHelp(t *testing.T) {
	const help = "What it says."
	for _, c := range []struct {
		name   string
		metric metrics.Metric
		make   func(metrics.Metric, prometheus.Registerer)
		want   string // the samples
	}{
		{"a gauge", metrics.Metric{Name: "x", Type: metrics.Gauge, Help: help},
			func(m metrics.Metric, r prometheus.Registerer) { m.NewGauge(r).Set(3) }, "x 3\n"},
		{"a gauge with a label", metrics.Metric{Name: "x", Type: metrics.Gauge, Labels: []string{"l"}, Help: help},
			func(m metrics.Metric, r prometheus.Registerer) { m.NewGaugeVec(r).WithLabelValues("v").Set(3) }, "x{l=\"v\"} 3\n"},
		{"a counter", metrics.Metric{Name: "x_total", Type: metrics.Counter, Help: help},
			func(m metrics.Metric, r prometheus.Registerer) { m.NewCounter(r).Inc() }, "x_total 1\n"},
		{"a counter with labels", metrics.Metric{Name: "x_total", Type: metrics.Counter, Labels: []string{"b", "a"}, Help: help},
			func(m metrics.Metric, r prometheus.Registerer) { m.NewCounterVec(r).WithLabelValues("1", "2").Inc() }, "x_total{a=\"2\",b=\"1\"} 1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := prometheus.NewPedanticRegistry()
			c.make(c.metric, r)
			want := fmt.Sprintf("# HELP %s %s\n# TYPE %s %s\n%s", c.metric.Name, help, c.metric.Name, c.metric.Type, c.want)
			if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAGaugeWithoutLabelsIsAbsentUntilItIsSet(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	gauge := metrics.APIRateLimit.NewGaugeVec(r)
	if n, err := testutil.GatherAndCount(r); err != nil || n != 0 {
		t.Errorf("%d series before a value is known, %v", n, err)
	}
	gauge.WithLabelValues().Set(0)
	if n, err := testutil.GatherAndCount(r); err != nil || n != 1 {
		t.Errorf("%d series after a value is known, %v", n, err)
	}
}

func TestHistogramsAreNativeWithClassicBuckets(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	m := metrics.PollDuration
	m.NewHistogramVec(r, []float64{1, 5}).WithLabelValues().Observe(2)
	families, err := r.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != m.Name || families[0].GetHelp() != m.Help {
		t.Fatalf("gathered %v, %v", families, err)
	}
	histogram := families[0].GetMetric()[0].GetHistogram()
	if len(histogram.GetBucket()) != 2 || histogram.GetBucket()[0].GetCumulativeCount() != 0 || histogram.GetBucket()[1].GetCumulativeCount() != 1 {
		t.Errorf("the classic buckets are %v", histogram.GetBucket())
	}
	if len(histogram.GetPositiveSpan()) == 0 {
		t.Error("there are no native buckets")
	}
	// Ten buckets from a value to its double are schema 3: 2^(2^-3) is 1.0905.
	if histogram.GetSchema() != 3 {
		t.Errorf("the native schema is %d; want 3", histogram.GetSchema())
	}
}

func TestCollectorsDoNotShareTheRowsLabels(t *testing.T) {
	before := slices.Clone(metrics.APIRequests.Labels)
	metrics.APIRequests.NewCounterVec(prometheus.NewRegistry()).WithLabelValues("rooms", "200").Inc()
	if !slices.Equal(before, metrics.APIRequests.Labels) {
		t.Errorf("the row's labels became %v", metrics.APIRequests.Labels)
	}
}
