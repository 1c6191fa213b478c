package live

import (
	"time"

	"whereby_exporter/whereby"
)

// Kind is what an observation measures.
type Kind string

// The kinds.
const (
	// KnockWait is the time from a visitor's knock until it is answered or abandoned.
	KnockWait Kind = "knock_wait"
	// HostWait is how long the first visitor of a meeting waited, in the room or at the door,
	// for the first owner, member or host. It is 0 if the host came first.
	HostWait Kind = "host_wait"
)

// Outcome is how a knock ended.
type Outcome string

// The outcomes.
const (
	Admitted  Outcome = "admitted"
	Cancelled Outcome = "cancelled"
)

// Observation is a waiting time.
type Observation struct {
	Kind   Kind
	Prefix string
	// Outcome is set for a KnockWait, else "".
	Outcome Outcome
	Seconds float64
}

// Result is the effect of an event.
type Result struct {
	// Duplicate is true if the event had already arrived, and changed nothing.
	Duplicate bool
	// Mistimed is true if the event's time cannot be right. The time of arrival is used
	// instead.
	Mistimed bool
	// Observations are the waits that the event completed, usually none.
	Observations []Observation
}

func (r *Result) observe(kind Kind, prefix string, outcome Outcome, micros int64) {
	r.Observations = append(r.Observations, Observation{
		Kind: kind, Prefix: prefix, Outcome: outcome, Seconds: float64(micros) / 1e6,
	})
}

// Apply applies an event that arrived at a time.
func (t *Tracker) Apply(e whereby.Event, arrived time.Time) Result {
	return t.ApplySegment(e, "", arrived)
}

// ApplySegment is Apply for an event of a participant in a segment; "" is none.
func (t *Tracker) ApplySegment(e whereby.Event, segment string, arrived time.Time) Result {
	t.advance(arrived)
	t.lastEvent = t.now
	id := t.hash(e.ID)
	if !t.seen.add(id, t.now) {
		t.duplicates++
		return Result{Duplicate: true}
	}
	if _, ok := t.events[e.Type]; !ok {
		e.Type = otherType
	}
	t.events[e.Type]++

	var result Result
	at := e.CreatedAt.UnixMicro()
	if at > t.now+ahead.Microseconds() || at < t.now-behind.Microseconds() {
		at, result.Mistimed = t.now, true
	}
	if e.RoomName != "" && follows(e) {
		if r := t.room(e.RoomName); r != nil {
			r.heard = t.now
			t.watchEnd(r)
			t.applyClients(r, e, id, at)
			t.applyDoor(r, e, at, &result)
			t.applyMinutes(r, e, segment, at)
		}
	}
	t.count(e)
	return result
}

// follows reports whether an event affects who is in its room.
func follows(e whereby.Event) bool {
	switch e.Type {
	case whereby.ClientJoined, whereby.ClientLeft, whereby.ClientKnocked, whereby.ClientKnockCancelled,
		whereby.SessionStarted, whereby.SessionEnded:
		return true
	}
	return e.Clients != nil || e.TotalKnown
}

// applyClients applies an event to the count of its room.
func (t *Tracker) applyClients(r *room, e whereby.Event, id hash, at int64) {
	if at <= r.floor {
		return
	}
	if e.Clients == nil {
		t.applyChange(r, e, id, at)
		return
	}
	clients := byRole(e.Clients)
	h := newHeadcount(e, id, at, t.now, clients.Sum())
	t.follow(r, h)
	t.take(r, count{h, clients})
}

// applyDoor applies an event to who waits, and to the meeting.
func (t *Tracker) applyDoor(r *room, e whereby.Event, at int64, result *Result) {
	role := roleOf(e.RoleName)
	person := whereby.IsPerson(e.RoleName)
	switch {
	case e.Type == whereby.ClientJoined && person:
		if e.Clients != nil && peopleIn(e) == 1 && r.waiting == 0 {
			// The people of the meeting before have left, even if no event says so yet.
			r.meeting.end(at - 1)
		}
		t.visit(r, e.ParticipantID, doorMark{at, admitted}, result)
		r.rejoin(at)
		if role.hosts() {
			r.arriveMeeting(&r.meeting.host, at, result)
		} else if role.visits() {
			r.arriveMeeting(&r.meeting.visitor, at, result)
		}
	case e.Type == whereby.ClientLeft:
		if person {
			t.visit(r, e.ParticipantID, doorMark{at, gone}, result)
		}
		// The room was empty after a late event, even if somebody is in it now.
		if e.Clients == nil {
			r.endMeeting(at)
		} else if r.waiting == 0 && peopleIn(e) == 0 && !r.peopleAt(at) {
			r.meeting.end(at)
		}
	case e.Type == whereby.ClientKnocked:
		t.visit(r, e.ParticipantID, doorMark{at, knock}, result)
		r.arriveMeeting(&r.meeting.visitor, at, result)
	case e.Type == whereby.ClientKnockCancelled:
		t.visit(r, e.ParticipantID, doorMark{at, cancelled}, result)
		r.endMeeting(at)
	case e.Type == whereby.SessionStarted:
		r.started = max(r.started, at)
	case e.Type == whereby.SessionEnded:
		r.ended = max(r.ended, at)
		r.endMeeting(at)
	}
}

// peopleIn returns the number of people in the room after an event.
func peopleIn(e whereby.Event) int64 {
	clients := byRole(e.Clients)
	return clients.people()
}

// count adds an event to the counters, late or not.
func (t *Tracker) count(e whereby.Event) {
	if e.RoomName == "" && !counted(e.Type) {
		return
	}
	p := t.prefixOf(e.RoomName)
	p.lastEvent = t.now
	switch e.Type {
	case whereby.ClientJoined:
		p.joins[roleOf(e.RoleName)]++
		if e.DialIn {
			p.dialIns++
		}
	case whereby.ClientLeft:
		p.leaves[roleOf(e.RoleName)]++
	case whereby.RecordingFinished:
		p.recordings[statusOf(e)]++
	case whereby.TranscriptionFinished, whereby.TranscriptionFailed:
		if e.TranscriptionID == "" { // others are counted by ID
			p.transcriptions[statusOf(e)]++
		}
	}
}

// counted reports whether there is a counter by prefix for a type.
func counted(eventType whereby.EventType) bool {
	switch eventType {
	case whereby.ClientJoined, whereby.ClientLeft, whereby.RecordingFinished,
		whereby.TranscriptionFinished, whereby.TranscriptionFailed:
		return true
	}
	return false
}
