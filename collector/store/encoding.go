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

// extended comes after a row's first figures where what format 1 did not have follows: in
// that format, no figure there was below 0.
const extended = -1

// encodeRow returns a row's sealed value; its name is the key.
func encodeRow(row ledger.Row) []byte {
	value := make([]byte, 0, 64)
	value = binary.AppendUvarint(value, uint64(row.ID))
	put := func(figures ...int64) {
		for _, figure := range figures {
			value = binary.AppendVarint(value, figure)
		}
	}
	put(row.ParticipantMinutes, row.RecorderMinutes, row.StreamerMinutes, row.Sessions, row.FirstSession, row.LastSession)
	put(extended, row.Created, row.Raised, row.Uncounted)
	put(row.Former.ParticipantMinutes, row.Former.RecorderMinutes, row.Former.StreamerMinutes, row.Former.Sessions)
	for _, o := range row.Openings {
		put(o.Start, int64(o.Certainty), o.ParticipantMinutes, o.RecorderMinutes, o.StreamerMinutes, o.Sessions)
	}
	return seal([]byte(row.Name), value)
}

// decodeRow reads what encodeRow wrote, of format 1 too.
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
	value = value[n:]
	get := func(figures ...*int64) error {
		for _, figure := range figures {
			n := 0
			if *figure, n = binary.Varint(value); n <= 0 {
				return errors.New("a row is too short")
			}
			value = value[n:]
		}
		return nil
	}
	err = get(&row.ParticipantMinutes, &row.RecorderMinutes, &row.StreamerMinutes, &row.Sessions, &row.FirstSession, &row.LastSession)
	if err != nil || len(value) == 0 {
		return row, err
	}
	var mark int64
	if mark, _ = binary.Varint(value); mark != extended {
		return row, decodeOldOpenings(&row, get)
	}
	err = get(&mark, &row.Created, &row.Raised, &row.Uncounted,
		&row.Former.ParticipantMinutes, &row.Former.RecorderMinutes, &row.Former.StreamerMinutes, &row.Former.Sessions)
	for err == nil && len(value) > 0 {
		var o ledger.Opening
		var certainty int64
		err = get(&o.Start, &certainty, &o.ParticipantMinutes, &o.RecorderMinutes, &o.StreamerMinutes, &o.Sessions)
		o.Certainty = ledger.Certainty(certainty)
		row.Openings = append(row.Openings, o)
	}
	return row, err
}

// decodeOldOpenings reads the two opening balances of format 1: that of the prefix's
// period and that of the account's, with a start of 0 if there is none.
func decodeOldOpenings(row *ledger.Row, get func(...*int64) error) error {
	for range 2 {
		o := ledger.Opening{Certainty: ledger.Provisional}
		if err := get(&o.Start, &o.ParticipantMinutes, &o.RecorderMinutes, &o.StreamerMinutes, &o.Sessions); err != nil {
			return err
		}
		if o.Start != 0 && (len(row.Openings) == 0 || row.Openings[0].Start != o.Start) {
			row.Openings = append(row.Openings, o)
		}
	}
	return nil
}

// stateRecord is the stored form of [ledger.State]. Rows is how many rows the
// file must hold, so that a lost one is noticed.
type stateRecord struct {
	Complete        bool          `json:"complete"`
	PollStarted     time.Time     `json:"pass_started"`
	FullPoll        time.Time     `json:"full_scan"`
	FullPollStarted time.Time     `json:"full_scan_started"`
	Drift           ledger.Totals `json:"drift"`
	Sorted          bool          `json:"sorted"`
	Rows            uint64        `json:"rows"`
	Aside           []string      `json:"aside,omitempty"`
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
