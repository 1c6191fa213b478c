package exposition

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

const benchFamilies = 20

// benchPrefixes is the number of prefixes; a short run only shows that the benchmarks work.
func benchPrefixes() int {
	if testing.Short() {
		return 1000
	}
	return 10_000
}

// BenchmarkScrape compares scrapes of the same series:
//
//	vectors   client_golang's counter and gauge vectors, by promhttp
//	const     const metrics made by a collector, by promhttp
//	warm      this package
//	changed   this package when each scrape finds a new set in which every sample has
//	          changed: the whole cost of a change, encoding and publishing included
//	changed-little  the same when two samples in 1000 have changed
//
// x-vectors is the time of vectors, measured in the same run, divided by the time
// of the case; x-vectors-allocs and x-vectors-bytes the same of allocations.
func BenchmarkScrape(b *testing.B) {
	for _, form := range []struct{ name, accept, coding string }{
		{"text", "text/plain;version=0.0.4", "identity"},
		{"text-gzip", "text/plain;version=0.0.4", "gzip"},
		{"openmetrics-gzip", "application/openmetrics-text;version=1.0.0", "gzip"},
		{"protobuf", accepts["protobuf"], "identity"},
		{"protobuf-gzip", accepts["protobuf"], "gzip"},
	} {
		request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		request.Header.Set("Accept", form.accept)
		request.Header.Set("Accept-Encoding", form.coding)
		families := benchSet()
		b.Run(form.name, func(b *testing.B) {
			vectors := promhttpOf(b, benchVectors(families)...)
			baseline := measure(5, func() { discard(b, vectors, request) })

			b.Run("vectors", func(b *testing.B) {
				report(b, baseline, func() { discard(b, vectors, request) })
			})
			b.Run("const", func(b *testing.B) {
				constant := promhttpOf(b, constants(families))
				report(b, baseline, func() { discard(b, constant, request) })
			})
			ours := NewHandler(registry(b, benchSelf()...), Options{OnError: func(err error) { b.Error(err) }})
			ours.Publish(families, nil)
			b.Run("warm", func(b *testing.B) {
				discard(b, ours, request)
				report(b, baseline, func() { discard(b, ours, request) })
			})
			for _, change := range []struct {
				name  string
				every int
			}{{"changed-little", 1000}, {"changed", 1}} {
				b.Run(change.name, func(b *testing.B) {
					n := 0
					report(b, baseline, func() {
						n++
						ours.Publish(changed(families, change.every, n), nil)
						discard(b, ours, request)
					})
				})
			}
		})
	}
}

// BenchmarkEncode is the cost of making one variant, and the memory that it keeps.
func BenchmarkEncode(b *testing.B) {
	for _, c := range []coding{identity, gzipped} {
		b.Run(string(c), func(b *testing.B) {
			families := benchSet()
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				var r recentVariants
				pieces, err := r.scrape(variant{textVariant.format, c}, read(families, nil))
				if err != nil {
					b.Fatal(err)
				}
				size = 0
				for _, p := range pieces {
					size += cap(p.bytes)
				}
			}
			b.ReportMetric(float64(size), "kept-bytes")
		})
	}
}

// changed returns the families with another value for one sample in so many, spread
// evenly.
func changed(families []Family, every, n int) []Family {
	families = slices.Clone(families)
	for i, f := range families {
		families[i].Samples = func(yield func([]string, float64)) {
			sample := 0
			f.Samples(func(values []string, value float64) {
				if (sample+n)%every == 0 {
					value += float64(n)
				}
				sample++
				yield(values, value)
			})
		}
	}
	return families
}

func benchSet() []Family {
	labels := make([][]string, benchPrefixes())
	for i := range labels {
		labels[i] = []string{fmt.Sprintf("customer-%05d-", i)}
	}
	families := make([]Family, benchFamilies)
	for i := range families {
		families[i] = Family{
			Name: fmt.Sprintf("whereby_usage_%02d_minutes", i), Help: "Minutes used, by the prefix of the room name.",
			Type: dto.MetricType_GAUGE, Labels: []string{"prefix"},
			Samples: func(yield func([]string, float64)) {
				for n, values := range labels {
					yield(values, float64(n*(i+7)))
				}
			},
		}
		if i%2 == 0 {
			families[i].Name += "_total"
			families[i].Type = dto.MetricType_COUNTER
		}
	}
	return families
}

func benchVectors(families []Family) []prometheus.Collector {
	var vectors []prometheus.Collector
	for _, f := range families {
		if f.Type == dto.MetricType_COUNTER {
			vector := prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.Name, Help: f.Help}, f.Labels)
			f.Samples(func(values []string, value float64) { vector.WithLabelValues(values...).Add(value) })
			vectors = append(vectors, vector)
			continue
		}
		vector := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.Name, Help: f.Help}, f.Labels)
		f.Samples(func(values []string, value float64) { vector.WithLabelValues(values...).Set(value) })
		vectors = append(vectors, vector)
	}
	return vectors
}

// benchSelf is what an exporter says of itself.
func benchSelf() []prometheus.Collector {
	return append(selfMetrics(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

func promhttpOf(_ *testing.B, cs ...prometheus.Collector) http.Handler {
	all := prometheus.NewRegistry()
	all.MustRegister(append(cs, benchSelf()...)...)
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// cost is of one run.
type cost struct{ seconds, allocs, bytes float64 }

func measure(runs int, run func()) cost {
	run()
	return meter(func() int {
		for range runs {
			run()
		}
		return runs
	})
}

// meter divides what runs cost by their number.
func meter(runs func() int) cost {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	n := float64(runs())
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	return cost{
		seconds: elapsed.Seconds() / n,
		allocs:  float64(after.Mallocs-before.Mallocs) / n,
		bytes:   float64(after.TotalAlloc-before.TotalAlloc) / n,
	}
}

func report(b *testing.B, baseline cost, run func()) {
	b.ReportAllocs()
	got := meter(func() int {
		for b.Loop() {
			run()
		}
		return b.N
	})
	b.ReportMetric(baseline.seconds/got.seconds, "x-vectors")
	b.ReportMetric(baseline.allocs/got.allocs, "x-vectors-allocs")
	b.ReportMetric(baseline.bytes/got.bytes, "x-vectors-bytes")
}

// discard scrapes without keeping the answer.
func discard(b *testing.B, h http.Handler, r *http.Request) {
	w := &nowhere{header: http.Header{}}
	h.ServeHTTP(w, r)
	coding := strings.TrimPrefix(r.Header.Get("Accept-Encoding"), "identity")
	if w.bytes < 10*benchPrefixes() || w.header.Get("Content-Encoding") != coding {
		b.Fatalf("%d bytes in %q", w.bytes, w.header.Get("Content-Encoding"))
	}
}

type nowhere struct {
	header http.Header
	bytes  int
}

func (n *nowhere) Header() http.Header { return n.header }
func (n *nowhere) WriteHeader(int)     {}
func (n *nowhere) Write(b []byte) (int, error) {
	n.bytes += len(b)
	return len(b), nil
}
