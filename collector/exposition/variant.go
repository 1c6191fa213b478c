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

// variantOf returns the variant of a negotiated format. It has no escaping scheme: valid
// names are the same in all of them.
func variantOf(format expfmt.Format, c coding) variant {
	return variant{format: format.WithEscapingScheme(model.NoEscaping), coding: c}
}

// cacheable reports whether blocks are kept in the variant. No Prometheus requests the
// textual forms of protobuf.
func (v variant) cacheable() bool {
	switch v.format.FormatType() {
	case expfmt.TypeTextPlain, expfmt.TypeOpenMetrics, expfmt.TypeProtoDelim:
		return true
	}
	return false
}
