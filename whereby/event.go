package whereby

import (
	"errors"
	"time"
)

// EventType names what happened. Whereby adds types without a new API version, so
// a type that is not among the constants is no error.
type EventType string

// The documented types.
const (
	ClientJoined          EventType = "room.client.joined"
	ClientLeft            EventType = "room.client.left"
	ClientKnocked         EventType = "room.client.knocked"
	ClientKnockCancelled  EventType = "room.client.knockCancelled"
	SessionStarted        EventType = "room.session.started"
	SessionEnded          EventType = "room.session.ended"
	RecordingFinished     EventType = "recording.finished"
	TranscriptionStarted  EventType = "transcription.started"
	TranscriptionFinished EventType = "transcription.finished"
	TranscriptionFailed   EventType = "transcription.failed"
	AssistantRequested    EventType = "assistant.requested"
)

// EventTypes are the documented types.
func EventTypes() []EventType {
	return []EventType{
		ClientJoined, ClientLeft, ClientKnocked, ClientKnockCancelled, SessionStarted, SessionEnded,
		RecordingFinished, TranscriptionStarted, TranscriptionFinished, TranscriptionFailed, AssistantRequested,
	}
}

// Event is the body of a webhook request. Display names and other free texts are
// left out on purpose: they name people, and nothing here needs them.
// https://docs.whereby.com/reference/webhooks
type Event struct {
	// ID is unique to the event, and the same in every delivery of it.
	ID   string
	Type EventType
	// CreatedAt is when it happened; deliveries may come later, twice, and in
	// another order.
	CreatedAt time.Time

	MeetingID string
	// RoomName begins with a slash, as in Insights; "" where the event has none.
	RoomName string
	// RoomSessionID may be "" even for events of a session.
	RoomSessionID string
	// ParticipantID is of client events.
	ParticipantID string
	// RoleName is of the client that joined or left.
	RoleName string
	// Clients are the clients in the room after the event by role; nil where the
	// event does not say.
	Clients map[string]int
	// ExternalID and Metadata are what the embedding application gave the client.
	// They may name a person: keep neither.
	ExternalID, Metadata string
	// Status is of recordings and transcriptions.
	Status string
}

// IsMachine tells whether clients of a role are recorders and the like, which take
// part without being people. Source: the webhook reference on numClients.
func IsMachine(roleName string) bool {
	switch roleName {
	case "recorder", "streamer", "captioner":
		return true
	}
	return false
}

type wireEvent struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	CreatedAt timestamp `json:"createdAt"`
	Data      struct {
		MeetingID     string           `json:"meetingId"`
		RoomName      string           `json:"roomName"`
		RoomSessionID string           `json:"roomSessionId"`
		ParticipantID string           `json:"participantId"`
		RoleName      string           `json:"roleName"`
		NumClients    count            `json:"numClients"`
		Clients       map[string]count `json:"numClientsByRoleName"`
		ExternalID    freeText         `json:"externalId"`
		Metadata      freeText         `json:"metadata"`
		Status        string           `json:"status"`
	} `json:"data"`
}

// ParseEvent reads the body of a webhook request. It insists on what every use of
// an event needs, its id, type and time, and on counts that are no nonsense.
// Verify the body's signature first.
func ParseEvent(body []byte) (Event, error) {
	var wire wireEvent
	if err := decodeJSON(body, &wire); err != nil {
		return Event{}, &MalformedError{Err: err}
	}
	event, err := wire.event()
	if err != nil {
		return Event{}, &MalformedError{Err: err}
	}
	return event, nil
}

// maxText bounds the texts of an event that are kept or compared.
const maxText = 1024

func (w wireEvent) event() (Event, error) {
	switch {
	case w.ID == "":
		return Event{}, &fieldError{"id is missing"}
	case w.Type == "":
		return Event{}, &fieldError{"type is missing"}
	case w.CreatedAt.IsZero():
		return Event{}, &fieldError{"createdAt is missing"}
	}
	for _, text := range []string{w.ID, w.Type, w.Data.RoomName, w.Data.RoomSessionID, w.Data.ParticipantID, w.Data.RoleName, w.Data.Status} {
		if len(text) > maxText {
			return Event{}, errors.New("a text is longer than 1024 bytes")
		}
	}
	event := Event{
		ID:            w.ID,
		Type:          EventType(w.Type),
		CreatedAt:     w.CreatedAt.Time,
		MeetingID:     w.Data.MeetingID,
		RoomName:      slashed(w.Data.RoomName),
		RoomSessionID: w.Data.RoomSessionID,
		ParticipantID: w.Data.ParticipantID,
		RoleName:      w.Data.RoleName,
		ExternalID:    string(w.Data.ExternalID),
		Metadata:      string(w.Data.Metadata),
		Status:        w.Data.Status,
	}
	return event, w.clients(&event)
}

// maxClients is far above the participants that a room holds.
const maxClients = 1_000_000

// clients takes the counts by role. Where only the number of all is given, it is
// taken for that of the event's own role: the best that can be said.
func (w wireEvent) clients(event *Event) error {
	if w.Data.Clients == nil && !w.Data.NumClients.known {
		if event.Type == ClientJoined || event.Type == ClientLeft {
			return &fieldError{"numClients is missing"}
		}
		return nil
	}
	event.Clients = map[string]int{}
	if w.Data.Clients == nil {
		w.Data.Clients = map[string]count{event.RoleName: w.Data.NumClients}
	}
	for role, n := range w.Data.Clients {
		if n.value > maxClients || len(role) > maxText {
			return errors.New("numClientsByRoleName is out of range")
		}
		if n.value > 0 {
			event.Clients[role] = int(n.value)
		}
	}
	return nil
}
