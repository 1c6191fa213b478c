package exposition

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func TestHeadersOfAnswers(t *testing.T) {
	ours, _ := handlers(t, fixture())
	server := httptest.NewServer(ours)
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	for _, c := range []coding{identity, gzipped} {
		var lengths []int64
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			request, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Accept-Encoding", string(c))
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := response.Header.Values("Vary"), []string{"Accept", "Accept-Encoding"}; !slices.Equal(got, want) {
				t.Errorf("%s %s: Vary %q, want %q", method, c, got, want)
			}
			if method == http.MethodGet && int64(len(body)) != response.ContentLength {
				t.Errorf("%s: %d bytes, said to be %d", c, len(body), response.ContentLength)
			}
			lengths = append(lengths, response.ContentLength)
		}
		if lengths[0] <= 0 || lengths[0] != lengths[1] {
			t.Errorf("%s: lengths %d of HEAD and GET", c, lengths)
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	ours, _ := handlers(t, fixture())
	w := &gone{header: http.Header{}}
	ours.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/metrics", nil))
	if w.writes != 0 {
		t.Errorf("%d writes, want none", w.writes)
	}
}

func TestRegistryIsServedAlone(t *testing.T) {
	self := selfMetrics()
	h := NewHandler(registry(t, self...), Options{})
	check := func(when string) {
		for _, c := range []string{"identity", "gzip"} {
			body := string(bodyOf(t, scrape(h, "/metrics", "Accept-Encoding", c)))
			if !strings.Contains(body, "self_up 1\n") || strings.Contains(body, "usage_") {
				t.Errorf("%s, %s: %s", when, c, body)
			}
		}
	}
	check("before the first set")
	h.Publish(fixture(), nil)
	h.Publish(nil, nil)
	check("after the last")
}

func TestErrorOfRegistry(t *testing.T) {
	broken := prometheus.NewInvalidMetric(prometheus.NewDesc("broken", "", nil, nil), errors.New("it is broken"))
	var told error
	h := NewHandler(registry(t, single{broken}), Options{OnError: func(err error) { told = err }})
	h.Publish(fixture(), nil)
	for _, c := range []string{"identity", "gzip"} {
		response := scrape(h, "/metrics", "Accept-Encoding", c)
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != 500 || !strings.Contains(string(body), "it is broken") || strings.Contains(string(body), "usage_") {
			t.Errorf("status %d: %s", response.StatusCode, body)
		}
		if told == nil {
			t.Error("OnError was told nothing")
		}
		if got := response.Header.Get("Content-Encoding"); got != "" {
			t.Errorf("the error is said to be in %s", got)
		}
	}
}

func TestFamilyOfBothHalvesIsRefused(t *testing.T) {
	up := prometheus.NewGauge(prometheus.GaugeOpts{Name: "both", Help: "Same."})
	h := NewHandler(registry(t, up), Options{})
	h.Publish([]Family{{Name: "both", Help: "Same.", Type: dto.MetricType_GAUGE, Samples: points(point{nil, 1})}}, nil)
	for _, target := range []string{"/metrics", "/metrics?name[]=both"} {
		response := scrape(h, target)
		if body := string(bodyOf(t, response)); response.StatusCode != 500 ||
			!strings.Contains(body, "both is both published and in the registry") {
			t.Errorf("%s: status %d and %q", target, response.StatusCode, body)
		}
	}
}

func TestScraperGoesAway(t *testing.T) {
	ours, _ := handlers(t, fixture())
	w := &gone{header: http.Header{}}
	ours.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.writes != 1 {
		t.Errorf("%d writes, want none after the first that failed", w.writes)
	}
}

// single is a collector of one metric.
type single struct{ metric prometheus.Metric }

func (single) Describe(chan<- *prometheus.Desc)      {}
func (s single) Collect(ch chan<- prometheus.Metric) { ch <- s.metric }

// gone is the connection of a scraper that has closed it.
type gone struct {
	header http.Header
	writes int
}

func (g *gone) Header() http.Header { return g.header }
func (g *gone) WriteHeader(int)     {}
func (g *gone) Write([]byte) (int, error) {
	g.writes++
	return 0, errors.New("closed")
}
