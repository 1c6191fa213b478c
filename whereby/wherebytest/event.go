package wherebytest

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"whereby_exporter/whereby"
)

// Event is something that Whereby sends a webhook of. Which of the fields a type
// has is said with them; the others are zero.
// https://docs.whereby.com/reference/webhooks
type Event struct {
	// ID is unique to the event, and the same whenever it is asked for.
	ID   string
	Type whereby.EventType
	// CreatedAt is when it happened, UTC, in milliseconds.
	CreatedAt time.Time

	// MeetingID and RoomName are of every type: a decimal number that belongs to the
	// room, and the room's name as Insights has it, with a leading slash.
	MeetingID, RoomName string
	// RoomSessionID is the session's ID in Insights, of the types room.*; "" where
	// somebody knocks, or gives up, before the session has started.
	RoomSessionID string

	// ParticipantID is of client events, and the same as in Insights for those who
	// join. The texts next to it are what the embedding application gave them.
	ParticipantID                     string
	DisplayName, ExternalID, Metadata string
	// RoleName and Clients are of joins and leaves: the client's role, and the
	// clients in the room after the event by role, machines too, without zeros.
	RoleName string
	Clients  map[string]int
	// DialIn is of joins and leaves: the client is a telephone.
	DialIn bool

	// RecordingID and Filename are of recordings, TranscriptionID, Duration and Error
	// of transcriptions, Status of both: "completed" of recordings, and "ready",
	// "in_progress" or "failed" of transcriptions.
	RecordingID, Filename  string
	TranscriptionID, Error string
	Duration               time.Duration
	Status                 string

	nulls NullStyle
}

// apiVersion is of Whereby's webhooks, and subdomain of the simulated organization.
const (
	apiVersion = "1.0"
	subdomain  = "example"
)

// MarshalJSON writes the body of the webhook request. Absent values are written as
// [Config].Nulls of the account says. It returns no error.
func (e Event) MarshalJSON() ([]byte, error) {
	w := encoder{b: make([]byte, 0, 768), nulls: e.nulls}
	w.open()
	w.string("id", e.ID)
	w.string("apiVersion", apiVersion)
	w.time("createdAt", e.CreatedAt.UnixMilli())
	w.string("type", string(e.Type))
	w.name("data")
	w.open()
	w.string("meetingId", e.MeetingID)
	w.string("roomName", e.RoomName)
	w.string("subdomain", subdomain)
	switch e.Type {
	case whereby.ClientJoined, whereby.ClientLeft:
		w.string("roleName", e.RoleName)
		w.clients(e.Clients)
		w.client(&e)
		w.name("isDialIn")
		w.b = strconv.AppendBool(w.b, e.DialIn)
	case whereby.ClientKnocked, whereby.ClientKnockCancelled:
		w.client(&e)
	case whereby.SessionStarted, whereby.SessionEnded:
		w.text("roomSessionId", e.RoomSessionID)
	case whereby.RecordingFinished:
		w.string("filename", e.Filename)
		w.string("recordingId", e.RecordingID)
		w.string("status", e.Status)
	case whereby.TranscriptionStarted, whereby.TranscriptionFinished, whereby.TranscriptionFailed:
		w.string("transcriptionId", e.TranscriptionID)
		w.string("type", "RECORDING_TRANSCRIPTION")
		w.string("status", e.Status)
		if e.Duration == 0 {
			w.absent("durationInSeconds")
		} else {
			w.int("durationInSeconds", int64(e.Duration/time.Second))
		}
		w.text("error", e.Error)
	}
	w.close()
	w.close()
	return w.b, nil
}

func (e *encoder) client(of *Event) {
	e.text("displayName", of.DisplayName)
	e.string("participantId", of.ParticipantID)
	e.text("roomSessionId", of.RoomSessionID)
	e.text("metadata", of.Metadata)
	e.text("externalId", of.ExternalID)
}

func (e *encoder) clients(byRole map[string]int) {
	sum := 0
	for _, n := range byRole {
		sum += n
	}
	e.int("numClients", int64(sum))
	e.name("numClientsByRoleName")
	e.open()
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		e.key(role)
		e.b = strconv.AppendInt(e.b, int64(byRole[role]), 10)
	}
	e.close()
}
