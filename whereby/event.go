package whereby

import (
	"errors"
	"slices"
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

// EventTypes returns the documented types.
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
	// RoomName begins with a slash, as in Insights; "" if the event has none.
	RoomName string
	// RoomSessionID may be "" even for events of a session.
	RoomSessionID string
	// ParticipantID is of client events.
	ParticipantID string
	// RoleName is of the client that joined or left.
	RoleName string
	// DialIn is of a client that joined or left: it is a telephone.
	DialIn bool
	// Clients are the clients in the room after the event by role; nil if the
	// event does not say.
	Clients map[string]int
	// Total is how many they are, for an event that does not say it by role. It means
	// nothing unless TotalKnown.
	Total      int
	TotalKnown bool
	// ExternalID and Metadata are what the embedding application gave the client.
	// They may name a person: keep neither.
	ExternalID, Metadata string
	// Status is of recordings and transcriptions.
	Status string
	// TranscriptionID and Billable are of transcriptions, as in [Transcription].
	TranscriptionID string
	Billable        time.Duration

	// Oddities are what the body lacks, or has in a form that cannot be used.
	Oddities []Oddity
}

// Oddity is why a genuine event could not be used, or only in part.
type Oddity string

// The oddities.
const (
	// OddType is of an event without a type: nothing of it can be used.
	OddType Oddity = "type"
	// OddID is of one without an id: its body stands for it.
	OddID Oddity = "id"
	// OddTime is of one without a time, or with one that cannot be right.
	OddTime Oddity = "created_at"
	// OddRoom is of one of a room that does not say of which.
	OddRoom Oddity = "room"
	// OddCounts is of one that does not say who is in the room after it.
	OddCounts Oddity = "counts"
)

// Oddities are all of them.
func Oddities() []Oddity { return []Oddity{OddType, OddID, OddTime, OddRoom, OddCounts} }

// ErrNoType means that a body is a JSON object, and no event.
var ErrNoType = errors.New("the event has no type")

// known reports whether the type is documented.
func (t EventType) known() bool { return slices.Contains(EventTypes(), t) }
