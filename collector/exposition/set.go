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

// family is a metric family with at least one sample.
type family struct {
	*descriptor
	// blocks are the head of the family and its samples.
	blocks []*block
	// positions are those of the samples, in the order in which Samples yields them.
	positions []position
}

// position is the place of a sample in the blocks of a family.
type position struct{ block, index int32 }

// read reads families in any order. It reuses blocks of an earlier set that have not
// changed. Families without samples are not exposed. An invalid set has only its error,
// which scrapes return.
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

// update returns the family with the current values of its samples. It returns false if
// the samples or their order have changed.
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

// replace returns the family with its current samples. It reuses blocks that have the same
// samples as before.
func (f family) replace(from Family, order []int, buffer *samples) (family, error) {
	if err := buffer.read(from, order); err != nil {
		return family{}, err
	}
	var yielded []int // the index at which each sample was yielded; nil if they came sorted
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

// family returns the family with a name, or one without blocks.
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

// has reports whether the set has a family.
func (s *set) has(name string) bool { return s.family(name).descriptor != nil }

// messages returns the families with these names, or all of them, as a registry gathers
// them.
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
