package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/ledger"
)

var errChecksum = errors.New("a checksum does not match")

// checksumLength is that of the checksum before each value. bbolt itself checks
// only its two meta pages.
const checksumLength = 4

// seal puts a checksum of key and value before the value.
func seal(key, value []byte) []byte {
	sum := durable.Checksum(key, value)
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, checksumLength+len(value)), sum), value...)
}

// open checks what seal made and returns the value.
func open(key, sealed []byte) ([]byte, error) {
	if len(sealed) < checksumLength {
		return nil, errChecksum
	}
	value := sealed[checksumLength:]
	sum := durable.Checksum(key, value)
	if sum != binary.BigEndian.Uint32(sealed) {
		return nil, errChecksum
	}
	return value, nil
}

// encodeRow gives a row's sealed value; its name is the key.
func encodeRow(row ledger.Row) []byte {
	value := make([]byte, 0, 48)
	value = binary.AppendUvarint(value, uint64(row.ID))
	for _, figure := range [...]int64{
		row.ParticipantMinutes, row.RecorderMinutes, row.StreamerMinutes, row.Sessions,
		row.FirstSession, row.LastSession,
	} {
		value = binary.AppendVarint(value, figure)
	}
	// Most rows have no opening balance, and nothing is written for it then.
	if row.Openings != [2]ledger.Opening{} {
		for _, opening := range row.Openings {
			for _, figure := range [...]int64{
				opening.Start, opening.ParticipantMinutes, opening.RecorderMinutes, opening.StreamerMinutes, opening.Sessions,
			} {
				value = binary.AppendVarint(value, figure)
			}
		}
	}
	return seal([]byte(row.Name), value)
}

// decodeRow reads what encodeRow wrote.
func decodeRow(name, sealed []byte) (ledger.Row, error) {
	value, err := open(name, sealed)
	if err != nil {
		return ledger.Row{}, err
	}
	row := ledger.Row{Name: string(name)}
	id, n := binary.Uvarint(value)
	if n <= 0 || id > 1<<32-1 {
		return ledger.Row{}, errors.New("a row has no ID")
	}
	row.ID = uint32(id)
	for _, figure := range []*int64{
		&row.ParticipantMinutes, &row.RecorderMinutes, &row.StreamerMinutes, &row.Sessions,
		&row.FirstSession, &row.LastSession,
	} {
		value = value[n:]
		if *figure, n = binary.Varint(value); n <= 0 {
			return ledger.Row{}, errors.New("a row is too short")
		}
	}
	value = value[n:]
	if len(value) == 0 {
		return row, nil
	}
	for i := range row.Openings {
		opening := &row.Openings[i]
		for _, figure := range []*int64{
			&opening.Start, &opening.ParticipantMinutes, &opening.RecorderMinutes, &opening.StreamerMinutes, &opening.Sessions,
		} {
			if *figure, n = binary.Varint(value); n <= 0 {
				return ledger.Row{}, errors.New("a row is too short")
			}
			value = value[n:]
		}
	}
	return row, nil
}

// stateRecord is the stored form of [ledger.State]. Rows is how many rows the
// file must hold, so that a lost one is noticed.
type stateRecord struct {
	Complete    bool          `json:"complete"`
	PollStarted time.Time     `json:"pass_started"`
	FullPoll    time.Time     `json:"full_scan"`
	Drift       ledger.Totals `json:"drift"`
	Sorted      bool          `json:"sorted"`
	Rows        uint64        `json:"rows"`
}

func encodeState(key []byte, s stateRecord) ([]byte, error) {
	value, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return seal(key, value), nil
}

func decodeState(key, sealed []byte) (stateRecord, error) {
	var s stateRecord
	value, err := open(key, sealed)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(value, &s)
}
