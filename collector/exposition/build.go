package exposition

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
)

// builder turns families into the form that encoders take. What it built is valid
// until it builds the next one: encoding hundreds of thousands of samples one
// family at a time then needs the memory of the largest family only.
type builder struct {
	rows   slab[row]
	labels slab[*dto.LabelPair]
	pairs  slab[pair]
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

// build returns the family with labels and samples sorted as a registry sorts
// them. It refuses samples that a registry would refuse.
func (b *builder) build(f Family) (*dto.MetricFamily, error) {
	b.rows.reset()
	b.labels.reset()
	b.pairs.reset()
	byName := make([]int, len(f.Labels))
	for i := range byName {
		byName[i] = i
	}
	slices.SortFunc(byName, func(i, j int) int { return cmp.Compare(f.Labels[i], f.Labels[j]) })

	family := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: &f.Type}
	var invalid error
	f.Samples(func(values []string, value float64) {
		if invalid != nil {
			return
		}
		if invalid = checkValues(f, values); invalid == nil {
			family.Metric = append(family.Metric, b.sample(f, byName, values, value))
		}
	})
	if invalid != nil {
		return nil, invalid
	}
	if !slices.IsSortedFunc(family.Metric, compareLabels) {
		slices.SortFunc(family.Metric, compareLabels)
	}
	for i := 1; i < len(family.Metric); i++ {
		if compareLabels(family.Metric[i-1], family.Metric[i]) == 0 {
			return nil, fmt.Errorf("metric family %s has two samples with the labels %v", f.Name, family.Metric[i].Label)
		}
	}
	return family, nil
}

func checkValues(f Family, values []string) error {
	if len(values) != len(f.Labels) {
		return fmt.Errorf("a sample of %s has %d label values, want %d", f.Name, len(values), len(f.Labels))
	}
	for i, value := range values {
		if !utf8.ValidString(value) {
			return fmt.Errorf("the value %q of label %s of %s is not UTF-8", value, f.Labels[i], f.Name)
		}
	}
	return nil
}

func (b *builder) sample(f Family, byName []int, values []string, value float64) *dto.Metric {
	labels := b.labels.take(len(values))
	pairs := b.pairs.take(len(values))
	for to, from := range byName {
		p := &pairs[to]
		p.value = values[from]
		p.label.Name, p.label.Value = &f.Labels[from], &p.value
		labels[to] = &p.label
	}
	r := &b.rows.take(1)[0]
	r.value = value
	r.metric.Label = labels
	// The row may have been of a family of the other type.
	r.metric.Counter, r.metric.Gauge = nil, nil
	if f.Type == dto.MetricType_COUNTER {
		r.counter.Value = &r.value
		r.metric.Counter = &r.counter
	} else {
		r.gauge.Value = &r.value
		r.metric.Gauge = &r.gauge
	}
	return &r.metric
}

// compareLabels orders samples of one family by their label values.
func compareLabels(a, b *dto.Metric) int {
	for i := range a.Label {
		if c := cmp.Compare(*a.Label[i].Value, *b.Label[i].Value); c != 0 {
			return c
		}
	}
	return 0
}

// slab hands out values that it allocated many at a time.
type slab[T any] struct {
	chunks [][]T
	// current is the chunk in use, of which the first used values are taken.
	current, used int
}

// chunkLength is how many values a slab allocates at once.
const chunkLength = 256

// take returns n adjacent values, perhaps with what was in them before a reset.
func (s *slab[T]) take(n int) []T {
	for s.current < len(s.chunks) {
		if chunk := s.chunks[s.current]; n <= len(chunk)-s.used {
			taken := chunk[s.used : s.used+n : s.used+n]
			s.used += n
			return taken
		}
		s.current++
		s.used = 0
	}
	s.chunks = append(s.chunks, make([]T, max(n, chunkLength)))
	s.used = n
	return s.chunks[s.current][:n:n]
}

// reset takes back all that was handed out.
func (s *slab[T]) reset() { s.current, s.used = 0, 0 }
