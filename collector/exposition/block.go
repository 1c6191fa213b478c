package exposition

import (
	"errors"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// block is a run of samples of one family, or the part before its first sample. It is
// immutable, so its encoded form is valid for as long as it exists.
type block struct {
	family *descriptor
	// samples are sorted, and come after those of the block before. The block that stands
	// for the family's HELP and TYPE has none.
	samples samples
}

// isHead reports whether the block is the part before the first sample.
func (b *block) isHead() bool { return b.samples.len() == 0 }

// copy returns a block whose values may be changed until it is shared.
func (b *block) copy() *block {
	c := *b
	c.samples.values = slices.Clone(b.samples.values)
	return &c
}

// descriptor is what all samples of a family have in common.
type descriptor struct {
	name, help string
	kind       dto.MetricType
	labels     []string // sorted
}

// describe returns the descriptor of a family. order are the indexes of its labels, sorted
// by name.
func describe(f Family, order []int) *descriptor {
	d := &descriptor{name: f.Name, help: f.Help, kind: f.Type, labels: make([]string, 0, len(order))}
	for _, i := range order {
		d.labels = append(d.labels, f.Labels[i])
	}
	return d
}

func (d *descriptor) equal(o *descriptor) bool {
	return d.name == o.name && d.help == o.help && d.kind == o.kind && slices.Equal(d.labels, o.labels)
}

// blockLength is about how many samples a block has. Shorter blocks compress less well;
// longer ones cost more when a single sample changes.
const blockLength = 128

// errUnsorted says that samples are not sorted, or that two have the same labels.
var errUnsorted = errors.New("samples are not sorted")

// cut divides the samples of a family into blocks. It reuses earlier blocks that have the
// same samples.
func cut(f *descriptor, s *samples, before []*block) ([]*block, error) {
	var blocks []*block
	next := 0 // the first of before that may be used
	for from := 0; from < s.len(); {
		if next < len(before) && s.has(from, &before[next].samples) {
			// All samples so far come before the first of these: search stops there.
			blocks = append(blocks, before[next])
			from += before[next].samples.len()
			next++
			continue
		}
		// New blocks replace that one, up to the beginning of the next.
		next++
		to := s.len()
		if next < len(before) {
			to = s.search(from, before[next].samples.of(0))
		}
		if !s.increasing(from, to) {
			return nil, errUnsorted
		}
		for parts := max(1, (to-from)/blockLength); from < to; parts-- {
			end := from + (to-from)/parts
			b := &block{family: f, samples: s.part(from, end)}
			if err := b.samples.checkText(f); err != nil {
				return nil, err
			}
			blocks = append(blocks, b)
			from = end
		}
	}
	if len(before) > 0 && len(blocks) > 2*(s.len()/blockLength+1) {
		return cut(f, s, nil) // samples that came one by one have left many short blocks
	}
	return blocks, nil
}
