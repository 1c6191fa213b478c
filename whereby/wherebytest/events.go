package wherebytest

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"whereby_exporter/whereby"
)

// Events returns what happens from one time until before another, in chronological order. The
// same account always returns the same events, however they are sliced.
//
// They are the events of scheduled sessions, with the participants and knocks in their
// descriptions, and of the activity of a demo account. Rooms and sessions with only totals
// have no events. For a session that is replaced (see [Account.Schedule]), the events are
// those of its last description. Deleting a room does not affect the people in it.
//
// A session starts when the second person is in the room, and ends at the end of its
// description. If there were never two people, it neither starts nor ends. A recording is
// finished up to three minutes after its recorder has left, and some are then transcribed.
// Transcriptions that were added (see [Account.Transcribe]) start and end.
//
// The events of a demo account go back to its creation, and are complete up to half an hour
// ahead of time.Now.
func (a *Account) Events(from, to time.Time) []Event {
	a.lock()
	defer a.mu.Unlock()
	first, end := ceilMillis(from), ceilMillis(to)
	var events []Event
	inside := make(map[*room]map[string]int)
	for _, o := range a.occurrences(first, end) {
		if o.at >= end {
			break
		}
		if o.kind == kindJoined || o.kind == kindLeft || o.kind == kindGone && !o.vain {
			o.count(inside)
		}
		if o.at >= first && o.kind != kindGone {
			events = append(events, a.event(o, inside[o.cast.room]))
		}
	}
	return withTranscriptions(events, a.transcriptionEvents(first, end))
}

// ceilMillis returns the first time in the account's resolution not before t.
func ceilMillis(t time.Time) int64 {
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}

// count keeps the numbers of clients in rooms by role, without zeros.
func (o occurrence) count(inside map[*room]map[string]int) {
	clients := inside[o.cast.room]
	if clients == nil {
		clients = make(map[string]int)
		inside[o.cast.room] = clients
	}
	role := o.leg().role
	if o.kind == kindJoined {
		clients[role]++
		return
	}
	if clients[role]--; clients[role] == 0 {
		delete(clients, role)
	}
}

// event describes an occurrence; clients are in the room after it.
func (a *Account) event(o occurrence, clients map[string]int) Event {
	c := o.cast
	e := Event{
		ID:        uuid(hash(fmt.Sprintf("%s/%d/%d/%t/%d", c.id, o.kind, o.i, o.vain, o.at)), uint64(o.kind)),
		Type:      eventTypes[o.kind],
		CreatedAt: moment(o.at),
		MeetingID: meetingID(c.room),
		RoomName:  c.room.name,
		nulls:     a.cfg.Nulls,
	}
	switch {
	case o.kind >= kindRecordingFinished:
		o.describeRecording(&e)
		return e
	case o.kind == kindSessionStarted || o.kind == kindSessionEnded:
		e.RoomSessionID = c.id
		return e
	case o.vain:
		k := c.caller(o.i)
		e.ParticipantID = k.ID
		e.DisplayName, e.ExternalID, e.Metadata = k.DisplayName, k.ExternalID, k.Metadata
	default:
		p := c.person(o.i)
		e.ParticipantID = p.ID
		e.DisplayName, e.ExternalID, e.Metadata = p.DisplayName, p.ExternalID, p.Metadata
		e.DialIn = p.DialIn && (o.kind == kindJoined || o.kind == kindLeft)
	}
	if o.kind == kindJoined || o.kind == kindLeft {
		e.RoleName, e.Clients = o.leg().role, maps.Clone(clients)
	}
	over := c.session.end != 0 && o.at > c.session.end
	if (e.Clients != nil || o.at >= c.session.start) && !over {
		e.RoomSessionID = c.id
	}
	return e
}

// meetingID returns a room's number.
func meetingID(r *room) string { return strconv.FormatUint(1+hash(r.name)%1_000_000_000, 10) }

func (o occurrence) describeRecording(e *Event) {
	r, l := o.cast.recording(o.i), o.leg()
	switch e.Type {
	case whereby.RecordingFinished:
		e.RecordingID = uuid(r.id, 3)
		e.Filename = fmt.Sprintf("%s-%s.mp4", strings.TrimPrefix(o.cast.room.name, "/"), moment(l.joined).Format(time.RFC3339))
		e.Status = "completed"
		return
	case whereby.TranscriptionStarted:
		e.Status = "in_progress"
	case whereby.TranscriptionFinished:
		e.Status = "ready"
		e.Duration = l.transcribed()
	case whereby.TranscriptionFailed:
		e.Status, e.Error = "failed", "no speech was found"
	}
	e.TranscriptionID = uuid(r.id, 4)
}
