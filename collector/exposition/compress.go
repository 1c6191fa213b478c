package exposition

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
)

// piece is a part of a body in its content coding. It can stand between any others.
//
// With gzip, a piece is a run of deflate blocks that ends on a byte boundary, refers to
// nothing outside of the piece and has no final block. All pieces of a body form one gzip
// member, because not every reader continues with a second one.
type piece struct {
	bytes []byte
	// sum is the checksum of the bytes before compression.
	sum checksum
}

// smallest is the length below which compression is not worth its setup.
const smallest = 256

// compressor makes pieces. The zero value is ready for use.
type compressor struct {
	out    bytes.Buffer
	blocks *flate.Writer
}

// piece returns the piece of some bytes, and does not retain them.
func (c *compressor) piece(to coding, text []byte) (piece, error) {
	if to != gzipped || len(text) < smallest {
		return stored(to, text), nil
	}
	c.out.Reset()
	if c.blocks == nil {
		var err error
		// The samples of a block are much alike: a better level saves one percent, and
		// doubles the cost.
		if c.blocks, err = flate.NewWriter(nil, flate.BestSpeed); err != nil {
			return piece{}, fmt.Errorf("make a gzip compressor: %w", err)
		}
	}
	c.blocks.Reset(&c.out)
	if _, err := c.blocks.Write(text); err != nil {
		return piece{}, fmt.Errorf("compress with gzip: %w", err)
	}
	// A flush ends on a byte boundary, where other blocks can follow.
	if err := c.blocks.Flush(); err != nil {
		return piece{}, fmt.Errorf("compress with gzip: %w", err)
	}
	return piece{bytes.Clone(c.out.Bytes()), sumOf(text)}, nil
}

// stored returns the piece of some bytes without compressing them.
func stored(to coding, text []byte) piece {
	if len(text) == 0 {
		return piece{}
	}
	if to != gzipped {
		return piece{bytes.Clone(text), checksum{size: uint32(len(text))}}
	}
	// A block that is neither final nor compressed: its length, and the complement of its
	// length (RFC 1951, 3.2.4).
	length := uint16(len(text))
	block := binary.LittleEndian.AppendUint16([]byte{0}, length)
	block = binary.LittleEndian.AppendUint16(block, ^length)
	return piece{append(block, text...), sumOf(text)}
}

// body is a whole body in a content coding.
type body struct {
	pieces [][]byte
	length int
	sum    checksum
}

// gzipHeader is the header of a member without a name or time (RFC 1952).
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// join returns the body that consists of pieces. It skips empty ones.
func join(c coding, pieces []piece) body {
	b := body{pieces: make([][]byte, 0, len(pieces)+2)}
	if c == gzipped {
		b.add(piece{bytes: gzipHeader})
	}
	for _, p := range pieces {
		b.add(p)
	}
	if c == gzipped {
		end := []byte{1, 0, 0, 0xff, 0xff} // a final block without content
		end = binary.LittleEndian.AppendUint32(end, b.sum.crc)
		end = binary.LittleEndian.AppendUint32(end, b.sum.size)
		b.add(piece{bytes: end})
	}
	return b
}

func (b *body) add(p piece) {
	if len(p.bytes) == 0 {
		return
	}
	b.pieces = append(b.pieces, p.bytes)
	b.length += len(p.bytes)
	b.sum = b.sum.then(p.sum)
}
