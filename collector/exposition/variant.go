package exposition

import (
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// variant is one way to write samples as bytes.
type variant struct {
	format expfmt.Format
	coding coding
}

// variantOf returns the variant of a negotiated format. The escaping scheme is left out
// of it: it makes no difference to names that are valid without.
func variantOf(format expfmt.Format, c coding) variant {
	return variant{format: format.WithEscapingScheme(model.NoEscaping), coding: c}
}

// cacheable reports whether blocks are kept in the variant. No Prometheus asks for the
// textual kinds of protobuf.
func (v variant) cacheable() bool {
	switch v.format.FormatType() {
	case expfmt.TypeTextPlain, expfmt.TypeOpenMetrics, expfmt.TypeProtoDelim:
		return true
	}
	return false
}
