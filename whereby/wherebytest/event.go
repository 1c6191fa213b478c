package wherebytest

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"whereby_exporter/whereby"
)

// Event is an event that Whereby sends a webhook for. The comments of the fields say which
// types have them; for other types, they are zero. See
// https://docs.whereby.com/reference/webhooks.
type Event struct {
	// ID is unique to the event, and always the same for it.
	ID   string
	Type whereby.EventType
	// CreatedAt is when the event happened, in UTC, to the millisecond.
	CreatedAt time.Time

	// MeetingID and RoomName are set for every type: a decimal number that belongs to the
	// room, and the room's name as in Insights, with a leading slash.
	MeetingID, RoomName string
	// RoomSessionID is the session's ID in Insights, for types room.*. It is "" if somebody
	// knocks or gives up before the session has started.
	RoomSessionID string

	// ParticipantID is set for client events. For those who join, it is the same as in
	// Insights. The fields next to it are what the embedding application set.
	ParticipantID                     string
	DisplayName, ExternalID, Metadata string
	// RoleName and Clients are set for joins and leaves: the client's role, and the clients in
	// the room after the event by role, including machines, without zeros.
	RoleName string
	Clients  map[string]int
	// DialIn is set for joins and leaves of a client by phone.
	DialIn bool

	// RecordingID and Filename are set for recordings; TranscriptionID, Duration and Error for
	// transcriptions. Status is set for both: "completed" for recordings, and "ready",
	// "in_progress" or "failed" for transcriptions.
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

// MarshalJSON returns the body of the webhook request. Absent values are written according to
// [Config].Nulls of the account. The error is always nil.
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
