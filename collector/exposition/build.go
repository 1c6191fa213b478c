package exposition

import (
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// builder turns blocks into the messages that encoders take. It reuses them: a result is
// valid until the next call.
type builder struct {
	metrics []*dto.Metric
	rows    []row
	labels  []*dto.LabelPair
	pairs   []pair
}

// row holds the messages of one sample side by side.
type row struct {
	metric  dto.Metric
	counter dto.Counter
	gauge   dto.Gauge
	value   float64
}

// pair is a label with the memory for its value.
type pair struct {
	label dto.LabelPair
	value string
}

// build returns the block's samples as a family. A head gets one sample, as the encoders
// of text refuse a family without.
func (b *builder) build(from *block) *dto.MetricFamily {
	if from.isHead() {
		return from.family.message([]*dto.Metric{b.sample(&row{}, from.family, nil, nil, nil, 0)})
	}
	s := &from.samples
	b.metrics = b.metrics[:0]
	b.rows = resized(b.rows, s.len())
	b.labels = resized(b.labels, len(s.labels))
	b.pairs = resized(b.pairs, len(s.labels))
	for i, value := range s.values {
		first, end := i*s.width, (i+1)*s.width
		b.metrics = append(b.metrics, b.sample(
			&b.rows[i], from.family, b.labels[first:end:end], b.pairs[first:end], s.of(i), value))
	}
	return from.family.message(b.metrics)
}

// sample fills in the messages of one sample.
func (b *builder) sample(r *row, f *descriptor, labels []*dto.LabelPair, pairs []pair, values []string, value float64) *dto.Metric {
	for i := range labels {
		p := &pairs[i]
		p.value = values[i]
		p.label.Name, p.label.Value = &f.labels[i], &p.value
		labels[i] = &p.label
	}
	r.value = value
	r.metric.Label = labels
	// The row may have been of a family of the other type.
	r.metric.Counter, r.metric.Gauge = nil, nil
	if f.kind == dto.MetricType_COUNTER {
		r.counter.Value = &r.value
		r.metric.Counter = &r.counter
	} else {
		r.gauge.Value = &r.value
		r.metric.Gauge = &r.gauge
	}
	return &r.metric
}

// message returns a family with these samples.
func (d *descriptor) message(metrics []*dto.Metric) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &d.name, Help: &d.help, Type: &d.kind, Metric: metrics}
}

// resized returns a slice of the given length, in the memory of s if that is large enough.
// Its values are undefined.
func resized[T any](s []T, length int) []T {
	return slices.Grow(s[:0], length)[:length]
}
