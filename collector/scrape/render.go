package scrape

import (
	"fmt"
	"io"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Family describes one metric family of a snapshot.
type Family struct {
	Name, Help string
	// Type is COUNTER or GAUGE.
	Type   dto.MetricType
	Labels []string
	// Samples yields each label set once, always in the same order. The values are
	// in the order of Labels; the slice may be reused for the next sample.
	Samples func(yield func(labelValues []string, value float64))
}

// Rendered is an immutable set of families. Its encodings are made when first
// asked for, one family at a time, and kept.
type Rendered struct {
	families []Family

	mu        sync.Mutex
	encodings map[encodingKey]*encoding
}

// encodingKey names a form of the snapshot's bytes.
type encodingKey struct {
	// format has no escaping parameter: all names are valid without any.
	format      expfmt.Format
	compression compression
}

// encoding is one form of the snapshot's bytes.
type encoding struct {
	once  sync.Once
	bytes encoded
	err   error

	mu     sync.Mutex
	usedAt time.Time
}

// Render takes the families of a snapshot. They must not change any more.
func Render(families []Family) *Rendered {
	return &Rendered{families: families, encodings: map[encodingKey]*encoding{}}
}

// encoding returns the bytes in one form. Those who ask for the same at once wait
// for one that makes it.
func (r *Rendered) encoding(key encodingKey) (encoded, error) {
	r.mu.Lock()
	e := r.encodings[key]
	if e == nil {
		e = &encoding{}
		r.encodings[key] = e
	}
	r.mu.Unlock()

	e.once.Do(func() {
		e.bytes, e.err = encode(key.compression, func(w io.Writer) error { return r.writeTo(w, key.format) })
	})
	return e.bytes, e.err
}

// used notes that a scrape asked for a form.
func (r *Rendered) used(key encodingKey, at time.Time) {
	r.mu.Lock()
	e := r.encodings[key]
	r.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.usedAt = at
}

// inUse returns the forms that scrapes asked for since the given time.
func (r *Rendered) inUse(since time.Time) map[encodingKey]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := map[encodingKey]time.Time{}
	for key, e := range r.encodings {
		e.mu.Lock()
		if e.usedAt.After(since) {
			keys[key] = e.usedAt
		}
		e.mu.Unlock()
	}
	return keys
}

// writeTo writes all families in a format, without what ends an exposition.
func (r *Rendered) writeTo(w io.Writer, format expfmt.Format) error {
	encoder := expfmt.NewEncoder(w, format)
	for _, family := range r.families {
		metrics := family.metricFamily()
		if len(metrics.Metric) == 0 {
			continue // a family without samples is absent
		}
		if err := encoder.Encode(metrics); err != nil {
			return fmt.Errorf("encode %s: %w", family.Name, err)
		}
	}
	return nil
}

// Gather implements [prometheus.Gatherer]. It builds every series anew, which is
// what Rendered is there to avoid; scrapes for some families only and rare
// formats use it.
func (r *Rendered) Gather() ([]*dto.MetricFamily, error) {
	if r == nil {
		return nil, nil
	}
	var families []*dto.MetricFamily
	for _, family := range r.families {
		if metrics := family.metricFamily(); len(metrics.Metric) > 0 {
			families = append(families, metrics)
		}
	}
	return families, nil
}

// metricFamily builds the family in client_golang's form.
func (f Family) metricFamily() *dto.MetricFamily {
	family := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: &f.Type}
	f.Samples(func(values []string, value float64) {
		metric := &dto.Metric{Label: make([]*dto.LabelPair, len(values))}
		for i := range values {
			name, labelValue := f.Labels[i], values[i]
			metric.Label[i] = &dto.LabelPair{Name: &name, Value: &labelValue}
		}
		if f.Type == dto.MetricType_COUNTER {
			metric.Counter = &dto.Counter{Value: &value}
		} else {
			metric.Gauge = &dto.Gauge{Value: &value}
		}
		family.Metric = append(family.Metric, metric)
	})
	return family
}
