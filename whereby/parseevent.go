package whereby

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// maxText bounds the texts of an event that are kept or compared.
const maxText = 1024

// maxClients is far above the participants that a room holds.
const maxClients = 1_000_000

type wireEvent struct {
	ID        looseText      `json:"id"`
	Type      freeText       `json:"type"`
	CreatedAt looseTimestamp `json:"createdAt"`
	Data      wireEventData  `json:"data"`
}

// wireEventData is what is used of the data of documented types.
type wireEventData struct {
	MeetingID     looseText               `json:"meetingId"`
	RoomName      freeText                `json:"roomName"`
	RoomSessionID looseText               `json:"roomSessionId"`
	ParticipantID looseText               `json:"participantId"`
	RoleName      freeText                `json:"roleName"`
	NumClients    looseClients            `json:"numClients"`
	Clients       map[string]looseClients `json:"numClientsByRoleName"`
	DialIn        looseFlag               `json:"isDialIn"`
	ExternalID    freeText                `json:"externalId"`
	Metadata      freeText                `json:"metadata"`
	Status        looseText               `json:"status"`

	TranscriptionID looseText     `json:"transcriptionId"`
	Duration        looseBillable `json:"durationInSeconds"`
}

// ParseEvent parses the body of a webhook request. A genuine event is never sent again, so
// everything usable is used: what is missing or odd is left out, and listed in
// [Event.Oddities]. An event without a usable time has none. The error is ErrNoType, or a
// [MalformedError] if the body is not a JSON object. Verify the body's signature first.
func ParseEvent(body []byte) (Event, error) {
	var wire *wireEvent
	err := json.Unmarshal(body, &wire)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && (kind.Field == "data" || kind.Field == "data.numClientsByRoleName"):
		// Whatever is not an object has nothing to be used; the rest is decoded nevertheless.
	case err != nil:
		return Event{}, &MalformedError{Err: jsonError(body, err)}
	case wire == nil:
		return Event{}, &MalformedError{Err: errors.New("the event is null")}
	case wire.Type == "":
		return Event{}, ErrNoType
	}
	event := Event{
		ID:        string(wire.ID),
		Type:      EventType(wire.Type[:min(len(wire.Type), maxText)]),
		CreatedAt: time.Time(wire.CreatedAt),
	}
	if event.ID == "" || len(event.ID) > maxText {
		// Whereby repeats a delivery byte for byte.
		sum := sha256.Sum256(body)
		event.ID = "body-" + hex.EncodeToString(sum[:])
		event.odd(OddID)
	}
	if event.CreatedAt.IsZero() {
		event.odd(OddTime)
	}
	if event.Type.known() {
		event.take(&wire.Data)
	}
	return event, nil
}

func (e *Event) odd(o Oddity) { e.Oddities = append(e.Oddities, o) }

// take takes the data of an event.
func (e *Event) take(data *wireEventData) {
	short := func(s string) string {
		if len(s) > maxText {
			return ""
		}
		return s
	}
	e.MeetingID = short(string(data.MeetingID))
	e.RoomName = slashed(short(string(data.RoomName)))
	e.RoomSessionID = short(string(data.RoomSessionID))
	e.ParticipantID = short(string(data.ParticipantID))
	e.RoleName, e.DialIn = short(string(data.RoleName)), bool(data.DialIn)
	e.ExternalID, e.Metadata = string(data.ExternalID), string(data.Metadata)
	e.Status = short(string(data.Status))
	e.TranscriptionID, e.Billable = short(string(data.TranscriptionID)), time.Duration(data.Duration)
	if e.RoomName == "" && strings.HasPrefix(string(e.Type), "room.") {
		e.odd(OddRoom)
	}
	e.takeClients(data)
}

// takeClients takes the clients by role, or how many they are.
func (e *Event) takeClients(data *wireEventData) {
	total, known := data.NumClients.value, data.NumClients.known
	clients := clientsByRole(data.Clients)
	switch {
	case clients != nil && (len(clients) > 0 || known && total == 0):
		e.Clients = clients
	case known && total == 0:
		e.Clients = map[string]int{}
	default:
		e.Total, e.TotalKnown = total, known
		if e.Type == ClientJoined || e.Type == ClientLeft {
			e.odd(OddCounts)
		}
	}
}

// looseClients is a number of clients, if it is one.
type looseClients struct {
	value int
	known bool
}

func (n *looseClients) UnmarshalJSON(data []byte) error {
	*n = looseClients{}
	var c count
	if c.UnmarshalJSON(data) == nil && c.known && c.value <= maxClients {
		*n = looseClients{int(c.value), true}
	}
	return nil
}

// clientsByRole returns the numbers of clients by role without zeros, or nil if one of them
// is odd.
func clientsByRole(all map[string]looseClients) map[string]int {
	if all == nil {
		return nil
	}
	counts := make(map[string]int, len(all))
	for role, n := range all {
		if !n.known || len(role) > maxText {
			return nil
		}
		if n.value > 0 {
			counts[role] = n.value
		}
	}
	return counts
}
