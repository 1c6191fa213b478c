package exposition

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Rendered is an immutable set of families. Its encodings are made when first
// asked for, and kept.
type Rendered struct {
	families []Family // sorted by name
	invalid  error

	mu    sync.Mutex
	heads map[form]func() (head, error)
}

// form is one way to write the families as bytes.
type form struct {
	format expfmt.Format
	coding coding
}

// formOf returns the form of a negotiated format. The escaping scheme is left out
// of it: it makes no difference to names that are valid without.
func formOf(format expfmt.Format, c coding) form {
	return form{format: format.WithEscapingScheme(model.NoEscaping), coding: c}
}

// cacheable tells whether a form is worth memory. No Prometheus asks for the
// textual kinds of protobuf.
func (f form) cacheable() bool {
	switch f.format.FormatType() {
	case expfmt.TypeTextPlain, expfmt.TypeOpenMetrics, expfmt.TypeProtoDelim:
		return true
	}
	return false
}

// Render takes the families of a set, which may come in any order. Families
// without samples are not exposed. Mistakes in them show as the error of
// [Rendered.Gather], and as status 500 of a scrape, as with a registry.
func Render(families []Family) *Rendered {
	sorted := slices.Clone(families)
	slices.SortStableFunc(sorted, func(a, b Family) int { return cmp.Compare(a.Name, b.Name) })
	return &Rendered{families: sorted, invalid: checkAll(sorted), heads: map[form]func() (head, error){}}
}

// Gather implements the Gatherer of client_golang. It builds every sample anew,
// which is what Rendered is there to avoid; it is for tests and the like.
func (r *Rendered) Gather() ([]*dto.MetricFamily, error) {
	var families []*dto.MetricFamily
	err := r.each(nil, func() *builder { return &builder{} }, func(family *dto.MetricFamily) error {
		families = append(families, family)
		return nil
	})
	return families, err
}

// head returns all families in a form. Those who ask for the same form at once
// wait for one of them to make it.
func (r *Rendered) head(f form) (head, error) {
	r.mu.Lock()
	made, ok := r.heads[f]
	if !ok {
		made = sync.OnceValues(func() (head, error) { return r.make(f, nil) })
		r.heads[f] = made
	}
	r.mu.Unlock()
	return made()
}

// make encodes the families of these names, or all of them.
func (r *Rendered) make(f form, names []string) (head, error) {
	return pack(f.coding, func(w io.Writer) error {
		return r.encode(w, f.format, names)
	})
}

// encode writes the families of these names, or all of them, to be followed by others.
func (r *Rendered) encode(w io.Writer, format expfmt.Format, names []string) error {
	// The encoder is not closed: that would end the exposition.
	encoder := expfmt.NewEncoder(w, format)
	reused := &builder{}
	return r.each(names, func() *builder { return reused }, func(family *dto.MetricFamily) error {
		if err := encoder.Encode(family); err != nil {
			return fmt.Errorf("encode %s: %w", family.GetName(), err)
		}
		return nil
	})
}

// each builds the families of these names, or all of them, with the builder it is
// given for each, and passes on those with samples.
func (r *Rendered) each(names []string, with func() *builder, do func(*dto.MetricFamily) error) error {
	if r.invalid != nil {
		return r.invalid
	}
	for _, f := range r.families {
		if len(names) > 0 && !slices.Contains(names, f.Name) {
			continue
		}
		family, err := with().build(f)
		if err != nil {
			return err
		}
		if len(family.Metric) == 0 {
			continue
		}
		if err := do(family); err != nil {
			return err
		}
	}
	return nil
}

// has tells whether a family is of this set.
func (r *Rendered) has(name string) bool {
	if r == nil {
		return false
	}
	_, found := slices.BinarySearchFunc(r.families, name, func(f Family, name string) int {
		return cmp.Compare(f.Name, name)
	})
	return found
}
