package exposition

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// generation is a set all of whose samples have its number.
func generation(number int, encodings *atomic.Int64) *Rendered {
	var families []Family
	for f := range 3 {
		families = append(families, Family{
			Name: fmt.Sprintf("usage_%d", f), Help: "Generation.", Type: dto.MetricType_GAUGE, Labels: []string{"prefix"},
			Samples: func(yield func([]string, float64)) {
				if f == 0 && encodings != nil {
					encodings.Add(1)
				}
				for prefix := range 50 {
					yield([]string{fmt.Sprint(prefix)}, float64(number))
				}
			},
		})
	}
	return Render(families)
}

func TestAnswersAreOfOneSet(t *testing.T) {
	current := 0 // guarded by the handler
	live := func() []Family {
		number := current
		return []Family{{Name: "usage_live", Help: "Generation.", Type: dto.MetricType_GAUGE,
			Samples: func(yield func([]string, float64)) { yield(nil, float64(number)) }}}
	}
	h := NewHandler(registry(t, selfMetrics()...), Options{Live: live, OnError: func(err error) { t.Error(err) }})
	publish := func(number int) { h.Publish(generation(number, nil), func() { current = number }) }
	publish(1)
	done := make(chan struct{})
	var publishers, scrapers sync.WaitGroup
	for range 2 {
		publishers.Go(func() {
			for number := 1; number < 60; number++ {
				publish(number)
			}
		})
	}
	go func() {
		publishers.Wait()
		close(done)
	}()
	for i := range 6 {
		c := []string{"identity", "gzip", "zstd"}[i%3]
		accept := []string{accepts["text 0.0.4"], accepts["protobuf"]}[i/3]
		scrapers.Go(func() {
			for scraped := 0; ; scraped++ {
				select {
				case <-done:
					if scraped > 0 {
						return
					}
				default:
				}
				response := scrape(h, "/metrics", "Accept", accept, "Accept-Encoding", c)
				format := expfmt.Format(response.Header.Get("Content-Type"))
				if err := sameGeneration(format, bodyOf(t, response)); err != nil {
					t.Errorf("%s, %s: %v", format, c, err)
					return
				}
			}
		})
	}
	scrapers.Wait()
}

func sameGeneration(format expfmt.Format, body []byte) error {
	decoder := expfmt.SampleDecoder{
		Dec:  expfmt.NewDecoder(bytes.NewReader(body), format),
		Opts: &expfmt.DecodeOptions{},
	}
	samples, number := 0, model.SampleValue(0)
	for {
		var vector model.Vector
		if err := decoder.Decode(&vector); err != nil {
			break // the number of samples tells whether it was the end
		}
		for _, sample := range vector {
			if !bytes.HasPrefix([]byte(sample.Metric[model.MetricNameLabel]), []byte("usage_")) {
				continue
			}
			if samples > 0 && sample.Value != number {
				return fmt.Errorf("samples of generations %v and %v", number, sample.Value)
			}
			number = sample.Value
			samples++
		}
	}
	if samples != 151 {
		return fmt.Errorf("%d samples, want 151", samples)
	}
	return nil
}

func TestOneFormIsMadeOnce(t *testing.T) {
	var encodings atomic.Int64
	h := NewHandler(registry(t), Options{})
	h.Publish(generation(1, &encodings), nil)
	var scrapers sync.WaitGroup
	for i := range 32 {
		scrapers.Go(func() {
			escaping := []string{"dots", "values", "allow-utf-8", "underscores"}[i%4]
			scrape(h, "/metrics", "Accept", "text/plain;version=0.0.4;escaping="+escaping, "Accept-Encoding", "gzip")
		})
	}
	scrapers.Wait()
	if got := encodings.Load(); got != 1 {
		t.Errorf("encoded %d times, want once", got)
	}
}

func TestFormsAreMadeAhead(t *testing.T) {
	var encodings atomic.Int64
	h := NewHandler(registry(t), Options{})
	h.Publish(generation(1, &encodings), nil)
	if got := encodings.Load(); got != 0 {
		t.Fatalf("encoded %d times before anybody asked", got)
	}
	scrape(h, "/metrics")
	scrape(h, "/metrics", "Accept", accepts["protobuf"], "Accept-Encoding", "gzip")
	scrape(h, "/metrics", "Accept", accepts["protobuf text"]) // is not kept
	scrape(h, "/metrics?name[]=usage_0")                      // neither

	encodings.Store(0)
	h.Publish(generation(2, &encodings), nil)
	if got := encodings.Load(); got != 2 {
		t.Errorf("encoded %d forms ahead, want 2", got)
	}
	scrape(h, "/metrics")
	scrape(h, "/metrics", "Accept", accepts["protobuf"], "Accept-Encoding", "gzip")
	if got := encodings.Load(); got != 2 {
		t.Errorf("encoded %d times with the scrapes, want 2", got)
	}

	// Only text goes on to be asked for.
	for range patience {
		h.Publish(generation(3, nil), nil)
		scrape(h, "/metrics")
	}
	encodings.Store(0)
	h.Publish(generation(4, &encodings), nil)
	if got := encodings.Load(); got != 1 {
		t.Errorf("encoded %d forms ahead, want only what is still asked for", got)
	}
}

// TestScrapesDoNotWaitForThePublisher wants the old set to be served for as long
// as the next one is being made.
func TestScrapesDoNotWaitForThePublisher(t *testing.T) {
	h := NewHandler(registry(t), Options{})
	old := generation(1, nil)
	h.Publish(old, nil)
	scrape(h, "/metrics")
	made := false
	next := Render([]Family{{
		Name: "usage", Type: dto.MetricType_GAUGE,
		Samples: func(yield func([]string, float64)) {
			made = true
			if h.published != old {
				t.Error("the next set was served before it was made")
			}
			yield(nil, 2)
		},
	}})
	h.Publish(next, nil)
	if !made || h.published != next {
		t.Errorf("made: %t, served: %t, want both", made, h.published == next)
	}
}

func TestPanicOfSamplesIsNotHidden(t *testing.T) {
	h := NewHandler(registry(t), Options{})
	h.Publish(Render([]Family{{
		Name: "broken", Type: dto.MetricType_GAUGE,
		Samples: func(func([]string, float64)) { panic("broken") },
	}}), nil)
	for range 2 { // the second must not see an empty set
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a broken set was served")
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
		}()
	}
}
