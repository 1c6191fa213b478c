package exposition

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
)

// piece is a part of a body in its content coding, made to stand between any others.
//
// With gzip it is deflate blocks that end on a byte, refer to nothing outside of the
// piece, and of which none says that it is the last. So all pieces are of one gzip
// member: not every reader goes on to a second one.
type piece struct {
	bytes []byte
	// sum is of the bytes before compression.
	sum checksum
}

// smallest is the length from which on compressing is worth setting up the compressor.
const smallest = 256

// compressor makes pieces. Its zero value is ready for use.
type compressor struct {
	out    bytes.Buffer
	blocks *flate.Writer
}

// piece returns the piece of some bytes, and does not keep those.
func (c *compressor) piece(to coding, text []byte) (piece, error) {
	if to != gzipped || len(text) < smallest {
		return stored(to, text), nil
	}
	c.out.Reset()
	if c.blocks == nil {
		var err error
		// Blocks are alike within, so that better levels save a percent and cost as much
		// again.
		if c.blocks, err = flate.NewWriter(nil, flate.BestSpeed); err != nil {
			return piece{}, fmt.Errorf("make a gzip compressor: %w", err)
		}
	}
	c.blocks.Reset(&c.out)
	if _, err := c.blocks.Write(text); err != nil {
		return piece{}, fmt.Errorf("compress with gzip: %w", err)
	}
	// The marker of a flush ends on a byte, where other blocks can follow.
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
	// A block that is not the last and not compressed: its length and the complement of
	// that (RFC 1951, 3.2.4).
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

// gzipHeader is that of a member without name and time (RFC 1952).
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// join returns the body of pieces, of which empty ones count for nothing.
func join(c coding, pieces []piece) body {
	b := body{pieces: make([][]byte, 0, len(pieces)+2)}
	if c == gzipped {
		b.add(piece{bytes: gzipHeader})
	}
	for _, p := range pieces {
		b.add(p)
	}
	if c == gzipped {
		end := []byte{1, 0, 0, 0xff, 0xff} // a last block, with nothing in it
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
