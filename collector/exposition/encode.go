package exposition

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// encoder encodes blocks. It keeps its memory, and its compressor, which is much larger
// than what it compresses.
type encoder struct {
	builder    builder
	buffer     bytes.Buffer
	compressor compressor
}

// encoders are kept: as many as are at work at once.
type encoders struct{ pool sync.Pool }

// with calls f with an encoder that nobody else has.
func (e *encoders) with(f func(*encoder) (piece, error)) (piece, error) {
	free, ok := e.pool.Get().(*encoder)
	if !ok {
		free = &encoder{}
	}
	defer e.pool.Put(free)
	return f(free)
}

// block encodes a block.
func (e *encoders) block(b *block, v variant) (piece, error) {
	return e.with(func(e *encoder) (piece, error) {
		e.buffer.Reset()
		text, err := e.encode(b, v.format)
		if err != nil {
			return piece{}, fmt.Errorf("encode %s: %w", b.family.name, err)
		}
		return e.compressor.piece(v.coding, text)
	})
}

// families encodes whole families, of the given names if there are any, and whatever
// ends an exposition.
func (e *encoders) families(families []*dto.MetricFamily, format expfmt.Format, c coding, names []string) (piece, error) {
	return e.with(func(e *encoder) (piece, error) {
		e.buffer.Reset()
		if err := encode(&e.buffer, format, families, names); err != nil {
			return piece{}, err
		}
		return e.compressor.piece(c, e.buffer.Bytes())
	})
}

// encode returns a block's part of its family. It is valid until the next call.
func (e *encoder) encode(b *block, format expfmt.Format) ([]byte, error) {
	message := e.builder.build(b)
	if format.FormatType() == expfmt.TypeProtoDelim {
		// The fields of a message may be put together one after another. What comes
		// before them is frame's.
		if b.isHead() {
			message.Metric = nil
		} else {
			message = &dto.MetricFamily{Metric: message.Metric}
		}
		return proto.MarshalOptions{}.MarshalAppend(e.buffer.AvailableBuffer(), message)
	}
	// The encoder is not closed: that would end the exposition.
	if err := expfmt.NewEncoder(&e.buffer, format).Encode(message); err != nil {
		return nil, err
	}
	text := e.buffer.Bytes()
	head := comments(text)
	if b.isHead() {
		return text[:head], nil
	}
	return text[head:], nil
}

// comments returns the length of the lines at the beginning that are no samples.
func comments(text []byte) int {
	n := 0
	for n < len(text) && text[n] == '#' {
		end := bytes.IndexByte(text[n:], '\n')
		if end < 0 {
			return len(text)
		}
		n += end + 1
	}
	return n
}

// frame returns what comes before the pieces of a family: with protobuf, the length of
// the message.
func frame(v variant, pieces []piece) piece {
	if v.format.FormatType() != expfmt.TypeProtoDelim {
		return piece{}
	}
	size := uint64(0)
	for _, p := range pieces {
		size += uint64(p.sum.size)
	}
	return stored(v.coding, protowire.AppendVarint(nil, size))
}

// encode writes the families of these names, or all of them, and what ends an
// exposition.
func encode(w io.Writer, format expfmt.Format, families []*dto.MetricFamily, names []string) error {
	encoder := expfmt.NewEncoder(w, format)
	for _, family := range families {
		if len(names) > 0 && !slices.Contains(names, family.GetName()) {
			continue
		}
		if err := encoder.Encode(family); err != nil {
			return fmt.Errorf("encode %s: %w", family.GetName(), err)
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil {
			return fmt.Errorf("end the exposition: %w", err)
		}
	}
	return nil
}
