package backfill

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"whereby_exporter/collector/durable"
)

// frames appends records to a file. It is safe for concurrent use. Each record is passed to
// the system on its own, so a killed process loses at most the last.
type frames struct {
	mu   sync.Mutex
	file *os.File
	b    []byte
}

// openFrames opens a file for appending at a length and cuts off the bytes after it.
func openFrames(path string, length int64) (*frames, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	err = file.Truncate(length)
	if err == nil {
		_, err = file.Seek(length, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &frames{file: file}, nil
}

func (f *frames) append(record []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.b = durable.AppendFrame(f.b[:0], record)
	if _, err := f.file.Write(f.b); err != nil {
		return fmt.Errorf("write the work file: %w", err)
	}
	return nil
}

// close syncs and closes the file.
func (f *frames) close() error { return errors.Join(f.file.Sync(), f.file.Close()) }

// scan calls do with each record and returns the length of the whole ones. A last record
// that was being written when the process died is skipped; a missing file has no records.
// A record is only valid during the call.
func scan(path string, do func(record []byte) error) (length int64, err error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	r := durable.NewReader(path, file)
	for {
		length = r.Offset()
		record, err := r.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, durable.ErrTorn):
			return length, nil
		case err != nil:
			return length, err
		}
		if err := do(record); err != nil {
			if errors.Is(err, errShort) {
				err = &durable.DamagedError{Path: path, Offset: length, Err: err}
			}
			return length, err
		}
	}
}

// errShort means that a record ends too early.
var errShort = errors.New("a record is too short")

// reader decodes a record. Once the record is too short, all values that follow are zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.b, r.err = nil, errShort
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) string() string {
	n := r.int()
	if n < 0 || n > int64(len(r.b)) {
		r.b, r.err = nil, errShort
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

func appendInts(b []byte, ints ...int64) []byte {
	for _, v := range ints {
		b = binary.AppendVarint(b, v)
	}
	return b
}
