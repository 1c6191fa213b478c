package exposition

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Options are what a [Handler] may be told. The zero value is fine.
type Options struct {
	// OnError is told the errors that scrapes are answered with status 500 for.
	OnError func(error)
	// Live gives families of the moment, which are encoded anew for each scrape. It
	// is called while no set is being published; nil is none.
	Live func() []Family
}

// Handler serves the published set of families, then those of the moment, then those
// of a registry. It
// answers like promhttp: the same formats, the filter name[], and status 500 with
// the error as text when anything cannot be gathered or encoded.
type Handler struct {
	tail    prometheus.Gatherer
	onError func(error)
	live    func() []Family
	formats []expfmt.Format
	packer  packer
	demand  demand

	publishing sync.Mutex
	// changing is held for writing while the set and what goes with it change.
	changing  sync.RWMutex
	published *Rendered
}

// NewHandler returns a handler that serves only the registry until the first
// [Handler.Publish].
func NewHandler(registry prometheus.Gatherer, o Options) *Handler {
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.Live == nil {
		o.Live = func() []Family { return nil }
	}
	return &Handler{
		tail:    registry,
		onError: o.OnError,
		live:    o.Live,
		formats: expfmt.DefaultOpenMetricsAcceptedFormats(),
	}
}

// Publish replaces the set. It first makes the forms that scrapes have asked for
// lately, so that none waits for them. A set that cannot be encoded is published
// too: failing scrapes are noticed, old figures are not. A nil set leaves the others
// alone.
//
// also, where not nil, changes what the families of the moment rest on: no scrape sees
// the one without the other.
func (h *Handler) Publish(r *Rendered, also func()) {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	if r != nil {
		for _, f := range h.demand.next() {
			_, _ = r.head(f) // the scrape that gets the error reports it
		}
	}
	h.changing.Lock()
	defer h.changing.Unlock()
	h.published = r
	if also != nil {
		also()
	}
}

// current returns the published set and the families of the same moment.
func (h *Handler) current() (*Rendered, *Rendered) {
	h.changing.RLock()
	defer h.changing.RUnlock()
	return h.published, Render(h.live())
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format := expfmt.NegotiateAccept(r.Header, h.formats...)
	c := negotiate(r.Header.Values("Accept-Encoding"))
	header := w.Header()
	header.Add("Vary", "Accept")
	header.Add("Vary", "Accept-Encoding")
	body, err := h.body(format, c, r.URL.Query()["name[]"])
	if err != nil {
		h.onError(err)
		http.Error(w, "An error has occurred while serving metrics:\n\n"+err.Error(), http.StatusInternalServerError)
		return
	}
	length := 0
	for _, piece := range body {
		length += len(piece)
	}
	header.Set("Content-Type", string(format))
	header.Set("Content-Length", strconv.Itoa(length))
	if c != identity {
		header.Set("Content-Encoding", string(c))
	}
	if r.Method == http.MethodHead {
		return
	}
	for _, piece := range body {
		if _, err := w.Write(piece); err != nil {
			return // the scraper has gone
		}
	}
}

// body returns the pieces of an answer that has the families of these names, or
// all of them.
func (h *Handler) body(format expfmt.Format, c coding, names []string) ([][]byte, error) {
	published, live := h.current()
	first, err := h.first(published, formOf(format, c), names)
	if err != nil {
		return nil, err
	}
	families, err := h.tail.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather the registry: %w", err)
	}
	if err := distinct(published, live, families); err != nil {
		return nil, err
	}
	var second bytes.Buffer
	if err := live.encode(&second, format, names); err != nil {
		return nil, err
	}
	if err := encode(&second, format, families, names); err != nil {
		return nil, err
	}
	return h.packer.finish(c, first, second.Bytes())
}

// distinct refuses what is valid in each part and not in the whole.
func distinct(published, live *Rendered, families []*dto.MetricFamily) error {
	for _, family := range families {
		if published.has(family.GetName()) || live.has(family.GetName()) {
			return fmt.Errorf("metric family %s is both published and in the registry", family.GetName())
		}
	}
	for _, family := range live.families {
		if published.has(family.Name) {
			return fmt.Errorf("metric family %s is published twice", family.Name)
		}
	}
	return nil
}

// first returns the published half.
func (h *Handler) first(published *Rendered, f form, names []string) (head, error) {
	if published == nil {
		return head{}, nil
	}
	if len(names) > 0 || !f.cacheable() {
		return published.make(f, names)
	}
	h.demand.note(f)
	return published.head(f)
}

// encode writes the families of these names, or all of them, and what ends an
// exposition.
func encode(w io.Writer, format expfmt.Format, families []*dto.MetricFamily, names []string) error {
	encoder := expfmt.NewEncoder(w, format)
	for _, family := range families {
		if len(names) > 0 && !slices.Contains(names, family.GetName()) {
			continue
		}
		if err := encoder.Encode(family); err != nil {
			return fmt.Errorf("encode %s: %w", family.GetName(), err)
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil {
			return fmt.Errorf("end the exposition: %w", err)
		}
	}
	return nil
}
