package exposition

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
)

// Family describes one metric family.
type Family struct {
	// Name and Labels must be valid without escaping or quoting.
	Name, Help string
	// Type is COUNTER or GAUGE.
	Type dto.MetricType
	// Labels are the label names that all samples have.
	Labels []string
	// Samples yields each sample once, with its label values in the order of
	// Labels. The slice may be reused for the next sample. Samples may be called more
	// than once until the families are published or the scrape is answered, and must
	// yield the same samples each time. Samples in the same order as the time before
	// cost least.
	Samples func(yield func(labelValues []string, value float64))
}

// check returns an error if the family is invalid, whatever its samples are.
func (f Family) check() error {
	// Blocks are served whatever escaping was negotiated, so none may change the name.
	if !model.LegacyValidation.IsValidMetricName(f.Name) {
		return fmt.Errorf("metric family name %q is not valid", f.Name)
	}
	if f.Type != dto.MetricType_COUNTER && f.Type != dto.MetricType_GAUGE {
		return fmt.Errorf("metric family %s is a %s, want counter or gauge", f.Name, strings.ToLower(f.Type.String()))
	}
	if f.Samples == nil {
		return fmt.Errorf("metric family %s has no function for its samples", f.Name)
	}
	for i, label := range f.Labels {
		if !model.LegacyValidation.IsValidLabelName(label) || strings.HasPrefix(label, model.ReservedLabelPrefix) {
			return fmt.Errorf("label name %q of metric family %s is not valid", label, f.Name)
		}
		if slices.Contains(f.Labels[:i], label) {
			return fmt.Errorf("metric family %s has the label %s twice", f.Name, label)
		}
	}
	return nil
}

// checkAll checks families that are sorted by name.
func checkAll(families []Family) error {
	var errs []error
	for i, f := range families {
		errs = append(errs, f.check())
		if i > 0 && families[i-1].Name == f.Name {
			errs = append(errs, fmt.Errorf("metric family %s was given twice", f.Name))
		}
	}
	return errors.Join(errs...)
}
