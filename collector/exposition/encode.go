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

// encoder encodes blocks. It is reused, because its compressor is much larger than a block.
type encoder struct {
	builder    builder
	buffer     bytes.Buffer
	compressor compressor
}

// encoders is a pool of encoders.
type encoders struct{ pool sync.Pool }

// with calls f with an encoder that nobody else uses.
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

// families encodes whole families, or only those with the given names if there are any,
// and the end of the exposition.
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
		// Fields of a message may be concatenated. frame makes the part before them.
		if b.isHead() {
			message.Metric = nil
		} else {
			message = &dto.MetricFamily{Metric: message.Metric}
		}
		return proto.MarshalOptions{}.MarshalAppend(e.buffer.AvailableBuffer(), message)
	}
	// Closing the encoder would end the exposition.
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

// comments returns the length of the comment lines at the beginning.
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

// frame returns the part before the pieces of a family: with protobuf, the length of the
// message.
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

// encode writes the families with these names, or all of them, and the end of the
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
