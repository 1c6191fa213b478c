package webhook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"whereby_exporter/whereby"
)

// record is what is kept of an event: no external id and no metadata, as they may
// name a person.
type record struct {
	ID          string            `json:"id"`
	Type        whereby.EventType `json:"type"`
	Created     time.Time         `json:"created"`
	Arrived     time.Time         `json:"arrived"`
	Room        string            `json:"room,omitempty"`
	Session     string            `json:"session,omitempty"`
	Participant string            `json:"participant,omitempty"`
	Role        string            `json:"role,omitempty"`
	Clients     map[string]int    `json:"clients"`
	// Total is of an event that does not say it by role.
	Total  *int   `json:"total,omitempty"`
	Status string `json:"status,omitempty"`
	// Transcription and Billable are of transcriptions.
	Transcription string        `json:"transcription,omitempty"`
	Billable      time.Duration `json:"billable,omitempty"`
	// Segment is the captured group of what an operator asked for, and nothing else.
	Segment string `json:"segment,omitempty"`
}

// encodeRecord gives what is kept of an event that arrived at a time: no external id and
// no metadata. It writes the fields of a record itself, as every event is encoded, and few
// records are ever read.
func encodeRecord(e whereby.Event, segment string, arrived time.Time) ([]byte, error) {
	b := make([]byte, 0, usualRecord)
	b = appendText(b, `{"id":`, e.ID)
	b = appendText(b, `,"type":`, string(e.Type))
	b, err := appendTime(b, `,"created":`, e.CreatedAt)
	if err == nil {
		b, err = appendTime(b, `,"arrived":`, arrived)
	}
	if err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	b = appendTextIfAny(b, `,"room":`, e.RoomName)
	b = appendTextIfAny(b, `,"session":`, e.RoomSessionID)
	b = appendTextIfAny(b, `,"participant":`, e.ParticipantID)
	b = appendTextIfAny(b, `,"role":`, e.RoleName)
	b = appendTextIfAny(b, `,"status":`, e.Status)
	b = appendTextIfAny(b, `,"transcription":`, e.TranscriptionID)
	b = appendTextIfAny(b, `,"segment":`, segment)
	if e.Billable != 0 {
		b = strconv.AppendInt(append(b, `,"billable":`...), int64(e.Billable), 10)
	}
	if e.TotalKnown {
		b = strconv.AppendInt(append(b, `,"total":`...), int64(e.Total), 10)
	}
	if e.Clients != nil {
		b = append(b, `,"clients":{`...)
		separator := ""
		for role, n := range e.Clients {
			b = strconv.AppendInt(append(appendText(b, separator, role), ':'), int64(n), 10)
			separator = ","
		}
		b = append(b, '}')
	}
	return append(b, '}'), nil
}

// usualRecord is the length of most records, and more.
const usualRecord = 384

// appendText appends what goes before a text, and the text as JSON has it.
func appendText(b []byte, before, text string) []byte {
	b = append(b, before...)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(text) // a string is no error
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

func appendTextIfAny(b []byte, before, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(b, before, text)
}

func appendTime(b []byte, before string, at time.Time) ([]byte, error) {
	b, err := at.AppendText(append(append(b, before...), '"'))
	return append(b, '"'), err
}

// decodeRecord reads what [encodeRecord] gave.
func decodeRecord(b []byte) (event whereby.Event, segment string, arrived time.Time, err error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return whereby.Event{}, "", time.Time{}, fmt.Errorf("decode an event: %w", err)
	}
	event = whereby.Event{
		ID: r.ID, Type: r.Type, CreatedAt: r.Created, RoomName: r.Room, RoomSessionID: r.Session,
		ParticipantID: r.Participant, RoleName: r.Role, Clients: r.Clients, Status: r.Status,
		TranscriptionID: r.Transcription, Billable: r.Billable,
	}
	if r.Total != nil {
		event.Total, event.TotalKnown = *r.Total, true
	}
	return event, r.Segment, r.Arrived, nil
}
