package exposition

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// head is the first half of a body in one content coding, made to be followed by
// any other half.
//
// With gzip it is deflate blocks of which none is the last, so that both halves
// are of one gzip member: not every reader goes on to a second one. With zstd it
// is a whole frame, as every reader goes on to the next frame.
type head struct {
	pieces [][]byte
	// sum is of the bytes before compression. Only gzip needs it.
	sum checksum
}

// checksum is a writer that keeps what ends a gzip member.
type checksum struct{ crc, size uint32 }

// Write implements [io.Writer]. It never fails.
func (s *checksum) Write(b []byte) (int, error) {
	s.crc = crc32.Update(s.crc, crc32.IEEETable, b)
	s.size += uint32(len(b)) // gzip wants it modulo 2³²
	return len(b), nil
}

// pack makes a head of what write writes.
func pack(c coding, write func(io.Writer) error) (head, error) {
	var out chunks
	var made head
	switch c {
	case gzipped:
		blocks, err := newDeflater(&out)
		if err != nil {
			return head{}, err
		}
		if err := write(io.MultiWriter(&made.sum, blocks)); err != nil {
			return head{}, err
		}
		// The marker of a flush ends on a byte, where other blocks can follow.
		if err := blocks.Flush(); err != nil {
			return head{}, fmt.Errorf("compress with gzip: %w", err)
		}
	case zstandard:
		frame, err := newZstd(&out)
		if err != nil {
			return head{}, err
		}
		if err := write(frame); err != nil {
			return head{}, err
		}
		if err := frame.Close(); err != nil {
			return head{}, fmt.Errorf("compress with zstd: %w", err)
		}
	default:
		if err := write(&out); err != nil {
			return head{}, err
		}
	}
	made.pieces = out.pieces
	return made, nil
}

// packer appends second halves. It keeps compressors, which are much larger than
// what they compress for one scrape.
type packer struct {
	deflaters, zstds sync.Pool
}

// gzipHeader is that of a member without name and time (RFC 1952).
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// finish returns the pieces of a whole body.
func (p *packer) finish(c coding, first head, second []byte) ([][]byte, error) {
	switch c {
	case gzipped:
		blocks, err := p.deflate(second)
		if err != nil {
			return nil, fmt.Errorf("compress with gzip: %w", err)
		}
		sum := first.sum
		_, _ = sum.Write(second)
		end := binary.LittleEndian.AppendUint32(nil, sum.crc)
		end = binary.LittleEndian.AppendUint32(end, sum.size)
		return joined([][]byte{gzipHeader}, first.pieces, blocks, end), nil
	case zstandard:
		encoder, ok := p.zstds.Get().(*zstd.Encoder)
		if !ok {
			var err error
			if encoder, err = newZstd(nil); err != nil {
				return nil, err
			}
		}
		defer p.zstds.Put(encoder)
		return joined(first.pieces, nil, encoder.EncodeAll(second, nil)), nil
	}
	return joined(first.pieces, nil, second), nil
}

// deflate returns blocks of which the last says that it is.
func (p *packer) deflate(b []byte) ([]byte, error) {
	var out bytes.Buffer
	blocks, ok := p.deflaters.Get().(*flate.Writer)
	if !ok {
		var err error
		if blocks, err = newDeflater(nil); err != nil {
			return nil, err
		}
	}
	defer p.deflaters.Put(blocks)
	blocks.Reset(&out)
	if _, err := blocks.Write(b); err != nil {
		return nil, err
	}
	if err := blocks.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// joined copies the lists, as cached ones must not be appended to.
func joined(first, second [][]byte, rest ...[]byte) [][]byte {
	pieces := make([][]byte, 0, len(first)+len(second)+len(rest))
	pieces = append(pieces, first...)
	pieces = append(pieces, second...)
	return append(pieces, rest...)
}

func newDeflater(w io.Writer) (*flate.Writer, error) {
	blocks, err := flate.NewWriter(w, flate.DefaultCompression)
	if err != nil {
		return nil, fmt.Errorf("make a gzip compressor: %w", err)
	}
	return blocks, nil
}

func newZstd(w io.Writer) (*zstd.Encoder, error) {
	encoder, err := zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		// Neighbouring samples are alike, so a larger window only costs memory, and
		// HTTP clients need not take one of more than 8 MB (RFC 9659).
		zstd.WithWindowSize(1<<20),
		zstd.WithLowerEncoderMem(true),
		// One works without goroutines of its own.
		zstd.WithEncoderConcurrency(1),
	)
	if err != nil {
		return nil, fmt.Errorf("make a zstd compressor: %w", err)
	}
	return encoder, nil
}
