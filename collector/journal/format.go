package journal

import (
	"encoding/binary"
	"errors"

	"whereby_exporter/collector/durable"
)

// A file is a sequence of frames. The payload of the first frame is its head: magic, the number
// of the previous file, how much of that file is valid, and then records. The payload of each
// further frame is a batch that was written at once: records, each preceded by its length. A
// failed write therefore never leaves an intact frame after a damaged one.
//
// Files of an earlier format have no head, and a record in each frame.
const magic = "journal\x02"

const (
	headPayload = len(magic) + 16
	headLength  = int64(durable.HeadLength + headPayload)
	// maxBatch is the maximum length of a batch, maxPrefix that of a record's encoded length.
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

// parseHead parses the first payload of a file. ok is false if it is no head.
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

// lengthInBatch returns the space that a record takes in a batch.
func lengthInBatch(record []byte) int {
	var prefix [binary.MaxVarintLen64]byte
	return binary.PutUvarint(prefix[:], uint64(len(record))) + len(record)
}

// appendRecord appends a record to a batch.
func appendRecord(b, record []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(record))), record...)
}

// appendBatch appends a frame of records.
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

// nextInBatch splits the first record off the rest of a batch.
func nextInBatch(b []byte) (record, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n == 0 || n > uint64(len(b)-size) {
		return nil, nil, errBatch
	}
	return b[size : size+int(n)], b[size+int(n):], nil
}
