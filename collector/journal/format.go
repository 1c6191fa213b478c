package journal

import (
	"encoding/binary"
	"errors"

	"whereby_exporter/collector/durable"
)

// A file is a row of frames. The payload of the first is its head: magic, the number of the
// file before it, how much of that is to be used, and then records that continue from there.
// Each further one is what was written at once: records, each with its length before it. So
// whatever a failure leaves of the last write, it leaves no intact frame after one that is
// not.
//
// Files of an earlier format have no head, and a record in each frame.
const magic = "journal\x02"

const (
	headPayload = len(magic) + 16
	headLength  = int64(durable.HeadLength + headPayload)
	// maxBatch is the length of the longest batch, maxPrefix that of the longest length.
	maxBatch  = durable.MaxPayload - headPayload
	maxPrefix = 3
)

var errBatch = errors.New("a batch of records cannot be read")

// appendHead appends the head of a file that continues from a position with a batch.
func appendHead(b []byte, after position, batch []byte) []byte {
	payload := append([]byte(nil), magic...)
	payload = binary.BigEndian.AppendUint64(payload, after.number)
	payload = binary.BigEndian.AppendUint64(payload, uint64(after.offset))
	return durable.AppendFrame(b, append(payload, batch...))
}

// parseHead reports whether the first payload of a file is a head, and what it says.
func parseHead(payload []byte) (after position, batch []byte, ok bool) {
	if len(payload) < headPayload || string(payload[:len(magic)]) != magic {
		return position{}, nil, false
	}
	after = position{
		binary.BigEndian.Uint64(payload[len(magic):]),
		int64(binary.BigEndian.Uint64(payload[len(magic)+8:])),
	}
	return after, payload[headPayload:], true
}

// lengthInBatch is what a record takes of a batch.
func lengthInBatch(record []byte) int {
	var prefix [binary.MaxVarintLen64]byte
	return binary.PutUvarint(prefix[:], uint64(len(record))) + len(record)
}

// appendRecord appends a record to a batch.
func appendRecord(b, record []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(record))), record...)
}

// appendBatch appends the frame of records.
func appendBatch(b []byte, entries []*entry) []byte {
	start := len(b)
	b = append(b, make([]byte, durable.HeadLength)...)
	for _, e := range entries {
		b = appendRecord(b, e.record)
	}
	payload := b[start+durable.HeadLength:]
	binary.BigEndian.PutUint32(b[start:], uint32(len(payload)))
	binary.BigEndian.PutUint32(b[start+4:], durable.Checksum(payload))
	return b
}

// nextInBatch splits the first record off what is left of a batch.
func nextInBatch(b []byte) (record, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n == 0 || n > uint64(len(b)-size) {
		return nil, nil, errBatch
	}
	return b[size : size+int(n)], b[size+int(n):], nil
}
