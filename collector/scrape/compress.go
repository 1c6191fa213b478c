package scrape

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// compression is a content coding of HTTP.
type compression string

const (
	identity  compression = "identity"
	gzipped   compression = "gzip"
	zstandard compression = "zstd"
)

// encoded is the head of an exposition in one form. The bytes of gzip are deflate
// blocks of which none is the last, so that the tail's can follow in the same
// gzip member: not every reader goes on to a second member. A second zstd frame
// every reader knows.
type encoded struct {
	bytes []byte
	// crc and size are of the uncompressed bytes; used for gzip.
	crc  uint32
	size uint32
}

// encode compresses what write writes.
func encode(c compression, write func(io.Writer) error) (encoded, error) {
	var out bytes.Buffer
	switch c {
	case gzipped:
		sum := &summed{}
		blocks := flatePool.Get().(*flate.Writer)
		defer flatePool.Put(blocks)
		blocks.Reset(&out)
		if err := write(io.MultiWriter(sum, blocks)); err != nil {
			return encoded{}, err
		}
		if err := blocks.Flush(); err != nil {
			return encoded{}, fmt.Errorf("compress: %w", err)
		}
		return encoded{bytes: out.Bytes(), crc: sum.crc, size: sum.size}, nil
	case zstandard:
		encoder, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return encoded{}, fmt.Errorf("compress: %w", err)
		}
		if err := write(encoder); err != nil {
			return encoded{}, err
		}
		if err := encoder.Close(); err != nil {
			return encoded{}, fmt.Errorf("compress: %w", err)
		}
		return encoded{bytes: out.Bytes()}, nil
	}
	err := write(&out)
	return encoded{bytes: out.Bytes()}, err
}

// summed is a writer that keeps what gzip's trailer needs.
type summed struct{ crc, size uint32 }

func (s *summed) Write(b []byte) (int, error) {
	s.crc = crc32.Update(s.crc, crc32.IEEETable, b)
	s.size += uint32(len(b)) // modulo 2³², as gzip wants it
	return len(b), nil
}

// flatePool holds writers, each of which has some 800 KiB of tables.
var flatePool = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a valid one
	}
	return w
}}

// gzipHeader is that of a member without name and time (RFC 1952).
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// join gives the parts of a whole body: the head as it was encoded, then the
// tail.
func join(c compression, head encoded, tail []byte) ([][]byte, error) {
	switch c {
	case gzipped:
		var out bytes.Buffer
		blocks := flatePool.Get().(*flate.Writer)
		defer flatePool.Put(blocks)
		blocks.Reset(&out)
		if _, err := blocks.Write(tail); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if err := blocks.Close(); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		end := binary.LittleEndian.AppendUint32(nil, crc32.Update(head.crc, crc32.IEEETable, tail))
		end = binary.LittleEndian.AppendUint32(end, head.size+uint32(len(tail)))
		return [][]byte{gzipHeader, head.bytes, out.Bytes(), end}, nil
	case zstandard:
		rest, err := encode(zstandard, func(w io.Writer) error {
			_, err := w.Write(tail)
			return err
		})
		return [][]byte{head.bytes, rest.bytes}, err
	}
	return [][]byte{head.bytes, tail}, nil
}

// negotiate picks the compression that a request's Accept-Encoding likes best, and
// of several equal ones gzip before zstd before none.
func negotiate(acceptEncoding string) compression {
	quality := map[string]float64{}
	for part := range strings.SplitSeq(acceptEncoding, ",") {
		name, params, _ := strings.Cut(part, ";")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q="); ok {
			parsed, err := strconv.ParseFloat(value, 64)
			if err != nil || !(parsed >= 0) {
				parsed = 0
			}
			q = parsed
		}
		quality[strings.ToLower(strings.TrimSpace(name))] = q
	}
	best, bestQuality := identity, 0.0
	if q, ok := quality[string(identity)]; ok {
		bestQuality = q
	}
	for _, c := range []compression{zstandard, gzipped} {
		q, ok := quality[string(c)]
		if !ok {
			q = quality["*"]
		}
		if q > 0 && q >= bestQuality {
			best, bestQuality = c, q
		}
	}
	return best
}
