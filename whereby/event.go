package whereby

import (
	"errors"
	"slices"
	"time"
)

// EventType is what happened. Whereby adds types without a new API version, so a type that is
// not among the constants is not an error.
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

// EventTypes returns the documented types.
func EventTypes() []EventType {
	return []EventType{
		ClientJoined, ClientLeft, ClientKnocked, ClientKnockCancelled, SessionStarted, SessionEnded,
		RecordingFinished, TranscriptionStarted, TranscriptionFinished, TranscriptionFailed, AssistantRequested,
	}
}

// Event is the body of a webhook request. Display names and other free texts are deliberately
// left out: they name people, and nothing here needs them. See
// https://docs.whereby.com/reference/webhooks.
type Event struct {
	// ID is unique to the event, and the same in all of its deliveries.
	ID   string
	Type EventType
	// CreatedAt is when the event happened. Deliveries may arrive later, twice, or in another
	// order.
	CreatedAt time.Time

	MeetingID string
	// RoomName begins with a slash, as in Insights; "" if the event has none.
	RoomName string
	// RoomSessionID may be "" even for events of a session.
	RoomSessionID string
	// ParticipantID is set for client events.
	ParticipantID string
	// RoleName is the role of the client that joined or left.
	RoleName string
	// DialIn is true if the client that joined or left is a phone.
	DialIn bool
	// Clients are the clients in the room after the event by role; nil if the
	// event does not say.
	Clients map[string]int
	// Total is the number of clients, for an event that does not give them by role. It has no
	// meaning unless TotalKnown is set.
	Total      int
	TotalKnown bool
	// ExternalID and Metadata are what the embedding application set for the client. They may
	// name a person: store neither.
	ExternalID, Metadata string
	// Status is set for recordings and transcriptions.
	Status string
	// TranscriptionID and Billable are set for transcriptions, as in [Transcription].
	TranscriptionID string
	Billable        time.Duration

	// Oddities lists what the body lacks, or has in an unusable form.
	Oddities []Oddity
}

// Oddity is a reason why a genuine event could not be used, or only partly.
type Oddity string

// The oddities.
const (
	// OddType means that an event has no type: it cannot be used at all.
	OddType Oddity = "type"
	// OddID means that an event has no ID: its body identifies it.
	OddID Oddity = "id"
	// OddTime means that an event has no time, or one that cannot be right.
	OddTime Oddity = "created_at"
	// OddRoom means that an event of a room does not name it.
	OddRoom Oddity = "room"
	// OddCounts means that an event does not say who is in the room after it.
	OddCounts Oddity = "counts"
)

// Oddities returns all of them.
func Oddities() []Oddity { return []Oddity{OddType, OddID, OddTime, OddRoom, OddCounts} }

// ErrNoType means that a body is a JSON object but not an event.
var ErrNoType = errors.New("the event has no type")

// known reports whether the type is documented.
func (t EventType) known() bool { return slices.Contains(EventTypes(), t) }
