package exposition

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// point is one sample of a fixture.
type point struct {
	labels []string
	value  float64
}

func points(list ...point) func(func([]string, float64)) {
	return func(yield func([]string, float64)) {
		for _, p := range list {
			yield(p.labels, p.value)
		}
	}
}

// fixture has what is awkward to write: values that need quoting, numbers that
// are no integers, labels and samples out of order, and nothing at all.
func fixture() []Family {
	return []Family{
		{
			Name: "usage_minutes_total", Help: "Minutes, \"quoted\" \\ and\nbroken.", Type: dto.MetricType_COUNTER,
			Labels: []string{"prefix"},
			Samples: points(
				point{[]string{"team"}, 12},
				point{[]string{`quo"te`}, 0.25},
				point{[]string{`back\slash`}, 1e21},
				point{[]string{"new\nline"}, 3},
				point{[]string{"smörgås-会议-🎥"}, 4},
				point{[]string{""}, 5},
				point{[]string{"# EOF"}, 6},
			),
		},
		{
			Name: "usage_drift", Help: "", Type: dto.MetricType_GAUGE,
			Labels: []string{"unit", "prefix"},
			Samples: points(
				point{[]string{"b", "x"}, -1.5},
				point{[]string{"a", "y"}, math.Inf(1)},
				point{[]string{"a", "x"}, math.Inf(-1)},
				point{[]string{"c", "x"}, math.MaxFloat64},
			),
		},
		{Name: "usage_dropped", Help: "No labels.", Type: dto.MetricType_GAUGE, Samples: points(point{nil, 7})},
		{Name: "usage_absent", Help: "No samples.", Type: dto.MetricType_GAUGE, Labels: []string{"prefix"}, Samples: points()},
		{Name: "a_first_total", Help: "Sorts before all.", Type: dto.MetricType_COUNTER, Samples: points(point{nil, 0})},
	}
}

// constants exposes families through client_golang, for comparison.
type constants []Family

func (constants) Describe(chan<- *prometheus.Desc) {}

func (c constants) Collect(ch chan<- prometheus.Metric) {
	for _, f := range c {
		desc := prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
		kind := prometheus.GaugeValue
		if f.Type == dto.MetricType_COUNTER {
			kind = prometheus.CounterValue
		}
		f.Samples(func(values []string, value float64) {
			ch <- prometheus.MustNewConstMetric(desc, kind, value, values...)
		})
	}
}

// selfMetrics returns collectors of every kind, whose values stay as they are.
func selfMetrics() []prometheus.Collector {
	polls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "self_polls_total", Help: "Polls."}, []string{"result"})
	polls.WithLabelValues("ok").Add(3)
	polls.WithLabelValues("it \"failed\"\\\n").Inc()
	up := prometheus.NewGauge(prometheus.GaugeOpts{Name: "self_up", Help: "Up."})
	up.Set(1)
	classic := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "self_poll_seconds", Help: "Poll time.", Buckets: []float64{0.5, 1, 5},
	})
	native := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "self_request_seconds", Help: "Request time.", Buckets: []float64{1, 2}, NativeHistogramBucketFactor: 1.1,
	})
	summary := prometheus.NewSummary(prometheus.SummaryOpts{
		Name: "self_page_rows", Help: "Rows.", Objectives: map[float64]float64{0.5: 0.05},
	})
	for _, seconds := range []float64{0.1, 0.7, 3, 100} {
		classic.Observe(seconds)
		native.(prometheus.ExemplarObserver).ObserveWithExemplar(seconds, prometheus.Labels{"trace": "t1"})
		summary.Observe(seconds)
	}
	return []prometheus.Collector{polls, up, classic, native, summary}
}

func registry(t testing.TB, collectors ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// handlers returns two for the same data: ours, and promhttp over one registry.
func handlers(t testing.TB, families []Family) (ours *Handler, baseline http.Handler) {
	t.Helper()
	self := selfMetrics()
	published := len(families) * 2 / 3
	ours = NewHandler(registry(t, self...), Options{
		OnError: func(err error) { t.Error(err) },
		Dynamic: func() []Family { return families[published:] },
	})
	ours.Publish(families[:published], nil)
	all := registry(t, append(self, constants(families))...)
	return ours, promhttp.HandlerFor(all, promhttp.HandlerOpts{EnableOpenMetrics: true, DisableCompression: true})
}

// scrape asks h, with headers given as name, value, name, value.
func scrape(h http.Handler, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// bodyOf undoes the content coding that the response says it has.
func bodyOf(t *testing.T, response *http.Response) []byte {
	t.Helper()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	switch response.Header.Get("Content-Encoding") {
	case "":
		return raw
	case "gzip":
		return gunzipOne(t, raw)
	}
	t.Fatalf("unexpected content coding %q", response.Header.Get("Content-Encoding"))
	return nil
}
