package exposition

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// generation is families all of whose samples have its number.
func generation(number int) []Family {
	var families []Family
	for f := range 3 {
		families = append(families, Family{
			Name: fmt.Sprintf("usage_%d", f), Help: "Generation.", Type: dto.MetricType_GAUGE, Labels: []string{"prefix"},
			Samples: func(yield func([]string, float64)) {
				for prefix := range 50 {
					yield([]string{fmt.Sprint(prefix)}, float64(number))
				}
			},
		})
	}
	return families
}

func TestAnswersAreOfOneSet(t *testing.T) {
	current := 0 // guarded by the handler
	dynamic := func() []Family {
		number := current
		return []Family{{Name: "usage_dynamic", Help: "Generation.", Type: dto.MetricType_GAUGE,
			Samples: func(yield func([]string, float64)) { yield(nil, float64(number)) }}}
	}
	h := NewHandler(registry(t, selfMetrics()...), Options{Dynamic: dynamic, OnError: func(err error) { t.Error(err) }})
	publish := func(number int) { h.Publish(generation(number), func() { current = number }) }
	publish(1)
	generations := 60
	if testing.Short() {
		generations = 15
	}
	done := make(chan struct{})
	var publishers, scrapers sync.WaitGroup
	for range 2 {
		publishers.Go(func() {
			for number := 1; number < generations; number++ {
				publish(number)
			}
		})
	}
	go func() {
		publishers.Wait()
		close(done)
	}()
	for i := range 4 {
		c := []string{"identity", "gzip"}[i%2]
		accept := []string{accepts["text 0.0.4"], accepts["protobuf"]}[i/2]
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
			break // the number of samples shows whether it was the end
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

// made returns how many pieces of published blocks are kept in a variant.
func made(h *Handler, v variant) int {
	c := h.recent.variants[v]
	if c == nil {
		return 0
	}
	n := 0
	for _, f := range h.published.families {
		for _, b := range f.blocks {
			if p := c.pieces[b]; p != nil && p.piece.bytes != nil {
				n++
			}
		}
	}
	return n
}

var (
	textVariant     = variantOf("text/plain; version=0.0.4; charset=utf-8", identity)
	textGzip        = variant{textVariant.format, gzipped}
	protobufVariant = variantOf("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", gzipped)
)

func TestScrapesShareTheirPieces(t *testing.T) {
	h := NewHandler(registry(t), Options{})
	h.Publish(generation(1), nil)
	var mu sync.Mutex
	seen := map[*byte]int{}
	var scrapers sync.WaitGroup
	const scrapes = 32
	for i := range scrapes {
		scrapers.Go(func() {
			escaping := []string{"dots", "values", "allow-utf-8", "underscores"}[i%4]
			pieces, err := h.pieces(textGzip.format+expfmt.Format("; escaping="+escaping), gzipped, nil)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range pieces {
				if len(p.bytes) > 0 {
					seen[&p.bytes[0]]++
				}
			}
		})
	}
	scrapers.Wait()
	if len(seen) != 6 { // three heads, and a block each
		t.Errorf("%d pieces were made, want 6", len(seen))
	}
	for _, n := range seen {
		if n != scrapes {
			t.Errorf("a piece was used for %d scrapes of %d", n, scrapes)
		}
	}
}

func TestVariantsAreMadeAhead(t *testing.T) {
	h := NewHandler(registry(t), Options{})
	check := func(when string, text, protobuf, variants int) {
		t.Helper()
		if got := made(h, textVariant); got != text {
			t.Errorf("%s: %d pieces of text are made, want %d", when, got, text)
		}
		if got := made(h, protobufVariant); got != protobuf {
			t.Errorf("%s: %d pieces of protobuf are made, want %d", when, got, protobuf)
		}
		if got := len(h.recent.variants); got != variants {
			t.Errorf("%s: %d variants are kept, want %d", when, got, variants)
		}
	}
	h.Publish(generation(1), nil)
	check("before anybody asked", 0, 0, 0)
	scrape(h, "/metrics")
	scrape(h, "/metrics", "Accept", accepts["protobuf"], "Accept-Encoding", "gzip")
	scrape(h, "/metrics", "Accept", accepts["protobuf text"]) // is not kept
	scrape(h, "/metrics?name[]=usage_0")                      // neither
	check("after scrapes", 6, 6, 2)
	h.Publish(generation(2), nil)
	check("with the next set", 6, 6, 2)

	// Only text goes on to be asked for.
	for range maxIdle {
		h.Publish(generation(3), nil)
		scrape(h, "/metrics")
	}
	check("while protobuf is not asked for", 6, 0, 1)
}

func TestFewVariantsAreKept(t *testing.T) {
	h := NewHandler(registry(t), Options{})
	h.Publish(generation(1), nil)
	for name, accept := range accepts {
		if name != "text 0.0.4" {
			scrape(h, "/metrics", "Accept", accept)
		}
		scrape(h, "/metrics", "Accept", accepts["text 0.0.4"]) // is never the oldest
		if got := made(h, textVariant); got != 6 {
			t.Errorf("%d pieces of text are kept after %s, want 6", got, name)
		}
	}
	if got := len(h.recent.variants); got != maxVariants {
		t.Errorf("%d variants are kept, want %d", got, maxVariants)
	}
}

// TestScrapesDoNotWaitForThePublisher wants the old set to be served for as long
// as the next one is being made.
func TestScrapesDoNotWaitForThePublisher(t *testing.T) {
	h := NewHandler(registry(t), Options{})
	h.Publish(generation(1), nil)
	old := string(bodyOf(t, scrape(h, "/metrics")))
	next := generation(2)
	served := ""
	samples := next[2].Samples
	next[2].Samples = func(yield func([]string, float64)) {
		served = string(bodyOf(t, scrape(h, "/metrics")))
		samples(yield)
	}
	h.Publish(next, nil)
	if served != old {
		t.Errorf("while the next set was made, %q was served, want %q", served, old)
	}
	if got := string(bodyOf(t, scrape(h, "/metrics"))); got == old {
		t.Error("the next set is not served")
	}
}

func TestPanicOfSamplesIsNotHidden(t *testing.T) {
	broken := []Family{{
		Name: "broken", Type: dto.MetricType_GAUGE,
		Samples: func(func([]string, float64)) { panic("broken") },
	}}
	h := NewHandler(registry(t), Options{Dynamic: func() []Family { return broken }})
	for what, run := range map[string]func(){
		"publishing":     func() { h.Publish(broken, nil) },
		"a scrape":       func() { scrape(h, "/metrics") },
		"another scrape": func() { scrape(h, "/metrics") }, // which must not see an empty set
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s hides a panic", what)
				}
			}()
			run()
		}()
	}
}
