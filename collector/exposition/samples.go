package exposition

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// samples are all or some of the samples of a family. A single sample has no allocation.
type samples struct {
	width  int      // the number of labels of a sample
	labels []string // width values for each sample, in the order of the labels' names
	values []float64
}

// read replaces the samples with those of a family. order are the indexes of the family's
// labels, sorted by name.
func (s *samples) read(f Family, order []int) error {
	s.width, s.labels, s.values = len(order), s.labels[:0], s.values[:0]
	var invalid error
	f.Samples(func(labelValues []string, value float64) {
		if len(labelValues) != s.width {
			if invalid == nil {
				invalid = fmt.Errorf("a sample of %s has %d label values, want %d", f.Name, len(labelValues), s.width)
			}
			return
		}
		for _, i := range order {
			s.labels = append(s.labels, labelValues[i])
		}
		s.values = append(s.values, value)
	})
	return invalid
}

func (s *samples) len() int { return len(s.values) }

// of returns the label values of a sample.
func (s *samples) of(i int) []string { return s.labels[i*s.width : (i+1)*s.width] }

// part returns a copy of some of the samples.
func (s *samples) part(from, to int) samples {
	return samples{
		width:  s.width,
		labels: slices.Clone(s.labels[from*s.width : to*s.width]),
		values: slices.Clone(s.values[from:to]),
	}
}

// is reports whether a sample has these label values, which are in the order of
// [Family.Labels].
func (s *samples) is(i int, labelValues []string, order []int) bool {
	if len(labelValues) != s.width {
		return false
	}
	own := s.of(i)
	for n, from := range order {
		if own[n] != labelValues[from] {
			return false
		}
	}
	return true
}

// has reports whether the samples from an index on begin with those of o.
func (s *samples) has(from int, o *samples) bool {
	to := from + o.len()
	return to <= s.len() &&
		slices.EqualFunc(s.values[from:to], o.values, sameValue) &&
		slices.Equal(s.labels[from*s.width:to*s.width], o.labels)
}

// sameValue distinguishes 0 from -0, which are written differently.
func sameValue(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// increasing reports whether the samples from an index to another are sorted by their
// labels, and come after the one before them.
func (s *samples) increasing(from, to int) bool {
	for i := max(from, 1); i < to; i++ {
		if slices.Compare(s.of(i-1), s.of(i)) >= 0 {
			return false
		}
	}
	return true
}

// search returns the index of the first sample, from an index on, that does not come
// before one with other label values.
func (s *samples) search(from int, other []string) int {
	for from < s.len() && slices.Compare(s.of(from), other) < 0 {
		from++
	}
	return from
}

// sort sorts the samples by their labels, and returns the former index of each. Two samples
// with the same labels are an error.
func (s *samples) sort(family string) ([]int, error) {
	order := make([]int, s.len())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return slices.Compare(s.of(i), s.of(j)) })
	sorted := samples{width: s.width, labels: make([]string, 0, len(s.labels)), values: make([]float64, 0, len(s.values))}
	for n, i := range order {
		if n > 0 && slices.Equal(s.of(order[n-1]), s.of(i)) {
			return nil, fmt.Errorf("metric family %s has two samples with the labels %q", family, s.of(i))
		}
		sorted.labels = append(sorted.labels, s.of(i)...)
		sorted.values = append(sorted.values, s.values[i])
	}
	*s = sorted
	return order, nil
}

// checkText returns an error if a label value is not valid in any format.
func (s *samples) checkText(f *descriptor) error {
	for i, value := range s.labels {
		if !utf8.ValidString(value) {
			return fmt.Errorf("the value %q of label %s of %s is not UTF-8", value, f.labels[i%s.width], f.name)
		}
	}
	return nil
}

// byName returns the indexes of labels, sorted by name.
func byName(labels []string) []int {
	order := make([]int, len(labels))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(labels[i], labels[j]) })
	return order
}
