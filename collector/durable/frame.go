package durable

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A frame is the length of its payload, the checksum of its payload, both of four bytes
// and big-endian, and the payload. A payload is never empty: a run of zeros, which a file
// system may leave at the end of a file after a power failure, would otherwise read as
// frames.
const (
	// HeadLength is the length of a frame without its payload.
	HeadLength = 8
	// MaxPayload is the length of the longest payload.
	MaxPayload = 1 << 20
)

var (
	// ErrTorn is wrapped in the [*DamagedError] for a file that ends within a frame, as
	// it does after the process was killed while it wrote.
	ErrTorn = errors.New("it ends within a record")

	errLength   = errors.New("the length of a record is wrong")
	errChecksum = errors.New("the checksum of a record does not match")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the checksum of all parts as one.
func Checksum(parts ...[]byte) uint32 {
	var sum uint32
	for _, part := range parts {
		sum = crc32.Update(sum, castagnoli, part)
	}
	return sum
}

// AppendFrame appends the frame of a payload, which must be of 1 to [MaxPayload] bytes.
func AppendFrame(b, payload []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.BigEndian.AppendUint32(b, Checksum(payload))
	return append(b, payload...)
}

// HasFrame reports whether an intact frame begins anywhere in b.
func HasFrame(b []byte) bool {
	for ; len(b) > HeadLength; b = b[1:] {
		length := int64(binary.BigEndian.Uint32(b))
		if length == 0 || length > int64(min(MaxPayload, len(b)-HeadLength)) {
			continue
		}
		if Checksum(b[HeadLength:HeadLength+length]) == binary.BigEndian.Uint32(b[4:]) {
			return true
		}
	}
	return false
}

// Reader reads the frames of a file.
type Reader struct {
	path    string
	r       *bufio.Reader
	offset  int64
	payload []byte
}

// NewReader returns a reader of r. The path is only named in errors.
func NewReader(path string, r io.Reader) *Reader {
	return &Reader{path: path, r: bufio.NewReaderSize(r, 1<<16)}
}

// Offset returns the length of the frames that were read.
func (r *Reader) Offset() int64 { return r.offset }

// Next returns the payload of the next frame, which is valid until Next is called again.
// After the last frame it returns [io.EOF]. It returns a [*DamagedError] if what follows
// is not a frame, and another error if the file could not be read.
func (r *Reader) Next() ([]byte, error) {
	var head [HeadLength]byte
	if n, err := io.ReadFull(r.r, head[:]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, r.failed(err)
	}
	length := binary.BigEndian.Uint32(head[:])
	if length == 0 || length > MaxPayload {
		return nil, r.damaged(errLength)
	}
	if cap(r.payload) < int(length) {
		r.payload = make([]byte, length)
	}
	payload := r.payload[:length]
	if _, err := io.ReadFull(r.r, payload); err != nil {
		return nil, r.failed(err)
	}
	if Checksum(payload) != binary.BigEndian.Uint32(head[4:]) {
		return nil, r.damaged(errChecksum)
	}
	r.offset += HeadLength + int64(length)
	return payload, nil
}

// failed returns the error for a frame that could not be read to its end.
func (r *Reader) failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.damaged(ErrTorn)
	}
	return fmt.Errorf("read %s: %w", r.path, err)
}

func (r *Reader) damaged(err error) error {
	return &DamagedError{Path: r.path, Offset: r.offset, Err: err}
}
