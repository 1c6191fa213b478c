package webhook

import (
	"encoding/json"
	"fmt"
	"time"

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
	DialIn      bool              `json:"dial_in,omitempty"`
	Clients     map[string]int    `json:"clients"`
	// Total is set for an event that has no count by role.
	Total  *int   `json:"total,omitempty"`
	Status string `json:"status,omitempty"`
	// Transcription and Billable are of transcriptions.
	Transcription string        `json:"transcription,omitempty"`
	Billable      time.Duration `json:"billable,omitempty"`
	// Segment is the captured group of the operator's pattern, and nothing else.
	Segment string `json:"segment,omitempty"`
}

// encodeRecord returns what is kept of an event that arrived at a time: no external id and
// no metadata.
func encodeRecord(e whereby.Event, segment string, arrived time.Time) ([]byte, error) {
	var total *int
	if e.TotalKnown {
		total = &e.Total
	}
	return json.Marshal(record{
		ID: e.ID, Type: e.Type, Created: e.CreatedAt, Arrived: arrived,
		Room: e.RoomName, Session: e.RoomSessionID, Participant: e.ParticipantID,
		Role: e.RoleName, DialIn: e.DialIn, Clients: e.Clients, Total: total, Status: e.Status,
		Transcription: e.TranscriptionID, Billable: e.Billable, Segment: segment,
	})
}

// decodeRecord reads what [encodeRecord] returned.
func decodeRecord(b []byte) (event whereby.Event, segment string, arrived time.Time, err error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return whereby.Event{}, "", time.Time{}, fmt.Errorf("decode an event: %w", err)
	}
	event = whereby.Event{
		ID: r.ID, Type: r.Type, CreatedAt: r.Created, RoomName: r.Room, RoomSessionID: r.Session,
		ParticipantID: r.Participant, RoleName: r.Role, DialIn: r.DialIn, Clients: r.Clients, Status: r.Status,
		TranscriptionID: r.Transcription, Billable: r.Billable,
	}
	if r.Total != nil {
		event.Total, event.TotalKnown = *r.Total, true
	}
	return event, r.Segment, r.Arrived, nil
}
