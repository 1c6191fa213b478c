package exposition

import (
	"bufio"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Options configures a [Handler]. The zero value is valid.
type Options struct {
	// OnError is called with the error of each scrape that fails with status 500.
	OnError func(error)
	// Dynamic returns the families that may change between two calls of
	// [Handler.Publish]. It is called for each scrape, and never while a set is being
	// published; the functions for their samples are called after it. nil means none.
	Dynamic func() []Family
}

// Handler serves the published set of families, then the dynamic ones, then those of a
// registry. It responds like promhttp: the same formats, the filter name[], and status
// 500 with the error as text if anything cannot be gathered or encoded.
type Handler struct {
	registry prometheus.Gatherer
	onError  func(error)
	dynamic  func() []Family
	formats  []expfmt.Format
	recent   recentVariants
	// lastDynamic are the dynamic families of the last scrape.
	lastDynamic atomic.Pointer[set]

	publishing sync.Mutex
	// changing is held for writing while the set and the source of the dynamic families
	// change.
	changing  sync.RWMutex
	published *set
}

// NewHandler returns a handler that serves only the registry and the dynamic families
// until the first [Handler.Publish].
func NewHandler(registry prometheus.Gatherer, o Options) *Handler {
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	if o.Dynamic == nil {
		o.Dynamic = func() []Family { return nil }
	}
	return &Handler{
		registry:  registry,
		onError:   o.OnError,
		dynamic:   o.Dynamic,
		formats:   expfmt.DefaultOpenMetricsAcceptedFormats(),
		published: &set{},
	}
}

// Publish replaces the set with families in any order. It reads their samples, and encodes
// those that changed in the variants that recent scrapes have requested, so that no scrape
// waits for it. An invalid set is published too: failing scrapes are noticed, old figures
// are not.
//
// also, unless nil, changes the source of the dynamic families: no scrape sees one change
// without the other.
func (h *Handler) Publish(families []Family, also func()) {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	next := read(families, h.published)
	h.recent.prepare(next)
	h.changing.Lock()
	defer h.changing.Unlock()
	h.published = next
	if also != nil {
		also()
	}
}

// current returns the published set and the dynamic families of one moment.
func (h *Handler) current() (*set, []Family) {
	h.changing.RLock()
	defer h.changing.RUnlock()
	return h.published, h.dynamic()
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format := expfmt.NegotiateAccept(r.Header, h.formats...)
	c := negotiate(r.Header.Values("Accept-Encoding"))
	header := w.Header()
	header.Add("Vary", "Accept")
	header.Add("Vary", "Accept-Encoding")
	pieces, err := h.pieces(format, c, r.URL.Query()["name[]"])
	if err != nil {
		h.onError(err)
		http.Error(w, "An error has occurred while serving metrics:\n\n"+err.Error(), http.StatusInternalServerError)
		return
	}
	whole := join(c, pieces)
	header.Set("Content-Type", string(format))
	header.Set("Content-Length", strconv.Itoa(whole.length))
	if c != identity {
		header.Set("Content-Encoding", string(c))
	}
	if r.Method == http.MethodHead {
		return
	}
	out := bufio.NewWriterSize(w, writeSize)
	for _, p := range whole.pieces {
		if _, err := out.Write(p); err != nil {
			return // the scraper has gone
		}
	}
	_ = out.Flush()
}

// writeSize is the size of a write in bytes: pieces are small.
const writeSize = 64 << 10

// pieces returns the body with the families with these names, or with all of them.
func (h *Handler) pieces(format expfmt.Format, c coding, names []string) ([]piece, error) {
	published, families := h.current()
	v := variantOf(format, c)
	kept := len(names) == 0 && v.cacheable()
	before := h.lastDynamic.Load()
	dynamic := read(families, before)
	if err := cmp.Or(published.invalid, dynamic.invalid); err != nil {
		return nil, err
	}
	gathered, err := h.registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather the registry: %w", err)
	}
	if err := distinct(published, dynamic, gathered); err != nil {
		return nil, err
	}
	if !kept {
		all := slices.Concat(published.messages(names), dynamic.messages(names), gathered)
		p, err := h.recent.encoders.families(all, format, c, names)
		return []piece{p}, err
	}
	h.lastDynamic.Store(dynamic)
	pieces, err := h.recent.scrape(v, published, dynamic)
	if err != nil {
		return nil, err
	}
	last, err := h.recent.encoders.families(gathered, format, c, nil)
	return append(pieces, last), err
}

// distinct returns an error if two parts have the same family.
func distinct(published, dynamic *set, gathered []*dto.MetricFamily) error {
	for _, family := range gathered {
		if published.has(family.GetName()) || dynamic.has(family.GetName()) {
			return fmt.Errorf("metric family %s is both published and in the registry", family.GetName())
		}
	}
	for _, family := range dynamic.families {
		if published.has(family.name) {
			return fmt.Errorf("metric family %s is published twice", family.name)
		}
	}
	return nil
}
