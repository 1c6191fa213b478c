package exposition

import (
	"cmp"
	"errors"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// set is the samples of some families at one time. It is immutable.
type set struct {
	families []family // sorted by name
	invalid  error
}

// family is one with at least one sample.
type family struct {
	*descriptor
	// blocks are the head of the family and its samples.
	blocks []*block
	// positions are where the samples are, in the order in which Samples yields them.
	positions []position
}

// position is where a sample is in the blocks of a family.
type position struct{ block, index int32 }

// read reads families, which may come in any order, and uses the blocks of an earlier set
// again if nothing has changed. Families without samples are not exposed. A set with
// a mistake in it has only its error, with which scrapes are answered.
func read(families []Family, before *set) *set {
	families = slices.Clone(families)
	slices.SortStableFunc(families, func(a, b Family) int { return cmp.Compare(a.Name, b.Name) })
	if err := checkAll(families); err != nil {
		return &set{invalid: err}
	}
	s := &set{families: make([]family, 0, len(families))}
	var buffer samples
	for _, f := range families {
		next, err := readFamily(f, &buffer, before.family(f.Name))
		if err != nil {
			return &set{invalid: err}
		}
		if len(next.blocks) > 0 {
			s.families = append(s.families, next)
		}
	}
	return s
}

// readFamily reads the samples of a family. It has no blocks if there are none.
func readFamily(f Family, buffer *samples, before family) (family, error) {
	order := byName(f.Labels)
	d := describe(f, order)
	if before.descriptor == nil || !before.equal(d) {
		before = family{descriptor: d, blocks: []*block{{family: d}}}
	} else if next, ok := before.update(f, order); ok {
		return next, nil
	}
	return before.replace(f, order, buffer)
}

// update returns the family with the values that samples have now. It returns false if
// there are other samples than before, or in another order.
func (f family) update(from Family, order []int) (family, bool) {
	before, changed, same, n := f.blocks, false, true, 0
	from.Samples(func(labelValues []string, value float64) {
		if same = same && n < len(f.positions); !same {
			return
		}
		p := f.positions[n]
		n++
		b := f.blocks[p.block]
		if same = b.samples.is(int(p.index), labelValues, order); !same || sameValue(b.samples.values[p.index], value) {
			return
		}
		if !changed {
			f.blocks, changed = slices.Clone(before), true
		}
		if b == before[p.block] {
			b = b.copy()
			f.blocks[p.block] = b
		}
		b.samples.values[p.index] = value
	})
	return f, same && n == len(f.positions)
}

// replace returns the family with the samples that there are now. Blocks with the same
// samples as before are used again.
func (f family) replace(from Family, order []int, buffer *samples) (family, error) {
	if err := buffer.read(from, order); err != nil {
		return family{}, err
	}
	var yielded []int // which of those that were yielded each sample is; nil if they came sorted
	made, err := cut(f.descriptor, buffer, f.blocks[1:])
	if errors.Is(err, errUnsorted) {
		yielded, err = buffer.sort(f.name)
		if err == nil {
			made, err = cut(f.descriptor, buffer, f.blocks[1:])
		}
	}
	if err != nil || len(made) == 0 {
		return family{}, err
	}
	next := family{descriptor: f.descriptor, blocks: append(f.blocks[:1:1], made...)}
	next.positions = make([]position, buffer.len())
	n := 0
	for number, b := range next.blocks {
		for index := range b.samples.values {
			at := n
			if yielded != nil {
				at = yielded[n]
			}
			next.positions[at] = position{int32(number), int32(index)}
			n++
		}
	}
	return next, nil
}

// family returns the one of a name; without blocks if there is none.
func (s *set) family(name string) family {
	if s == nil {
		return family{}
	}
	i, found := slices.BinarySearchFunc(s.families, name, func(f family, name string) int { return cmp.Compare(f.name, name) })
	if !found {
		return family{}
	}
	return s.families[i]
}

// has reports whether a family is of this set.
func (s *set) has(name string) bool { return s.family(name).descriptor != nil }

// messages returns the families of these names, or all of them, as a registry would
// gather them.
func (s *set) messages(names []string) []*dto.MetricFamily {
	var messages []*dto.MetricFamily
	for _, f := range s.families {
		if len(names) > 0 && !slices.Contains(names, f.name) {
			continue
		}
		message := f.message(nil)
		for _, b := range f.blocks[1:] {
			message.Metric = append(message.Metric, (&builder{}).build(b).Metric...)
		}
		messages = append(messages, message)
	}
	return messages
}
