package scrape

import (
	"bytes"
	"net/http"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	// Lets promhttp offer zstd too, for the requests that it answers by itself.
	_ "github.com/prometheus/client_golang/prometheus/promhttp/zstd"
)

// keepRendering is how long after the last scrape for it a form of the snapshot is
// still made ahead of the next one.
const keepRendering = 10 * time.Minute

// Handler serves the published snapshot together with a registry.
type Handler struct {
	// tail serves the registry alone, whole everything by promhttp's own means.
	tail, whole http.Handler
	snapshot    atomic.Pointer[Rendered]
}

// NewHandler returns a handler that serves only the registry until the first
// [Handler.Publish]. No family may be in both.
func NewHandler(registry *prometheus.Registry) *Handler {
	h := &Handler{}
	h.tail = promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		Registry:           registry,
		EnableOpenMetrics:  true,
		DisableCompression: true,
	})
	both := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		return prometheus.Gatherers{h.snapshot.Load(), registry}.Gather()
	})
	h.whole = promhttp.HandlerFor(both, promhttp.HandlerOpts{Registry: registry, EnableOpenMetrics: true})
	return h
}

// Publish replaces the snapshot. The forms that scrapes asked for lately are made
// before, so that no scrape waits for them.
func (h *Handler) Publish(r *Rendered) {
	if previous := h.snapshot.Load(); previous != nil {
		for key, usedAt := range previous.inUse(time.Now().Add(-keepRendering)) {
			if _, err := r.encoding(key); err == nil {
				r.used(key, usedAt)
			}
		}
	}
	h.snapshot.Store(r)
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	snapshot := h.snapshot.Load()
	if snapshot == nil || r.URL.Query().Has("name[]") {
		h.whole.ServeHTTP(w, r)
		return
	}
	tail := &answer{header: http.Header{}, status: http.StatusOK}
	h.tail.ServeHTTP(tail, r)
	format, ok := cacheable(tail.header.Get("Content-Type"))
	if tail.status != http.StatusOK || !ok {
		h.whole.ServeHTTP(w, r)
		return
	}
	key := encodingKey{format: format, compression: negotiate(r.Header.Get("Accept-Encoding"))}
	head, err := snapshot.encoding(key)
	var parts [][]byte
	if err == nil {
		snapshot.used(key, time.Now())
		parts, err = join(key.compression, head, tail.body.Bytes())
	}
	if err != nil {
		http.Error(w, "An error has occurred while serving metrics:\n\n"+err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	for name, values := range tail.header {
		header[name] = values
	}
	header.Add("Vary", "Accept-Encoding")
	if key.compression != identity {
		header.Set("Content-Encoding", string(key.compression))
	}
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	header.Set("Content-Length", strconv.Itoa(length))
	if r.Method == http.MethodHead {
		return
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return // the scraper has gone
		}
	}
}

// escapingParameter is what a content type says about names that need escaping.
// None here does.
var escapingParameter = regexp.MustCompile(`; *escaping=[a-z0-9-]+`)

// cacheable returns the format of a content type without its escaping. Formats
// that no Prometheus asks for are left to promhttp.
func cacheable(contentType string) (expfmt.Format, bool) {
	format := expfmt.Format(escapingParameter.ReplaceAllString(contentType, ""))
	switch format.FormatType() {
	case expfmt.TypeTextPlain, expfmt.TypeOpenMetrics, expfmt.TypeProtoDelim:
		return format, true
	}
	return "", false
}

// answer takes what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
