package live

import (
	"cmp"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// Correction is the reason why live counts were corrected.
type Correction string

// The reasons.
const (
	// LostEvent is counted by the tracker itself: an event's count does not follow from the
	// previous event. It is counted a minute later, when the missing event can no longer be
	// merely late.
	LostEvent Correction = "lost_event"
	// Stale and SessionEnded are for Drop: a room had no events for a long time, or its
	// session ended with two or more people in it, and Insights shows no running session.
	Stale        Correction = "stale"
	SessionEnded Correction = "session_ended"
)

// Corrections returns all reasons.
func Corrections() []Correction { return []Correction{LostEvent, Stale, SessionEnded} }

// Doubt is the reason why a room must be checked.
type Doubt string

// The doubts.
const (
	// DoubtEmpty is for a room that is empty according to its events.
	DoubtEmpty Doubt = "empty"
	// DoubtEnded is for a room whose session ended with two or more people in it.
	DoubtEnded Doubt = "ended"
	// DoubtSilent is for a room with somebody in it or waiting, and no event for 6 hours.
	DoubtSilent Doubt = "silent"
	// DoubtRestored is for a room whose state was old when it was restored.
	DoubtRestored Doubt = "restored"
)

// Suspect is a room whose meeting may be over.
type Suspect struct {
	RoomName string
	Doubt    Doubt
	// Since is when the doubt began. Insights does not show the last 15 minutes.
	Since time.Time
}

// Suspects lists rooms to check with Insights, the longest in doubt first, up to limit if it
// is positive. Report the result with [Tracker.Answer].
func (t *Tracker) Suspects(now time.Time, limit int) []Suspect {
	t.advance(now)
	var suspects []Suspect
	for _, r := range t.rooms {
		if doubt, since := r.doubt(t.now); doubt != "" {
			suspects = append(suspects, Suspect{RoomName: r.name, Doubt: doubt, Since: fromMicro(since)})
		}
	}
	slices.SortFunc(suspects, func(a, b Suspect) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.RoomName, b.RoomName))
	})
	if limit > 0 && len(suspects) > limit {
		suspects = slices.Clone(suspects[:limit])
	}
	return suspects
}

// doubt returns why and since when the room must be checked, or "".
func (r *room) doubt(now int64) (Doubt, int64) {
	if r.empty() {
		if r.newest.at > r.checked {
			return DoubtEmpty, r.newest.at
		}
		return "", 0
	}
	e := r.evidence(now)
	switch {
	case r.presence(e) != whereby.InDoubt:
		return "", 0
	case e.Missed:
		return DoubtRestored, r.doubted
	case r.presence(whereby.Evidence{SessionEnded: e.SessionEnded}) == whereby.InDoubt:
		return DoubtEnded, r.ended
	}
	return DoubtSilent, r.quiet()
}

// Answer records whether a session was running in a suspect's room at a time, according to
// Insights.
func (t *Tracker) Answer(s Suspect, sessionRuns bool, asOf time.Time) {
	r := t.rooms[s.RoomName]
	if r == nil {
		return
	}
	e := r.evidence(t.now)
	e.Insights = whereby.NoSessionRuns
	if sessionRuns {
		e.Insights = whereby.SessionRuns
	}
	switch {
	case r.presence(e) != whereby.Nobody:
		t.Confirm(s.RoomName, asOf)
	case s.Doubt == DoubtEnded:
		t.Drop(s.RoomName, SessionEnded, asOf)
	default:
		t.Drop(s.RoomName, Stale, asOf)
	}
}

// Confirm records that, as of a time, Insights confirmed what the tracker knows about a room:
// somebody is in it, or nobody is and its session is over. The room is not in doubt again
// until another event, or 6 hours later.
func (t *Tracker) Confirm(roomName string, asOf time.Time) {
	if r := t.rooms[roomName]; r != nil {
		r.checked = max(r.checked, asOf.UnixMicro())
		r.doubted = 0
	}
}

// Drop records that a room was empty as of a time. No earlier event can change that. It
// reports whether this was a correction, and counts it: it is none if the room was already
// empty. If a newer event has arrived, nothing happens.
func (t *Tracker) Drop(roomName string, reason Correction, asOf time.Time) bool {
	r, at := t.rooms[roomName], asOf.UnixMicro()
	if r == nil || r.newest.at > at {
		return false
	}
	wrong := r.clients != ByRole{}
	waited := r.waiting
	t.clear(r, at)
	if !wrong && r.waiting == waited {
		return false
	}
	t.corrections[reason]++
	return true
}

// clear empties the room as of a time. Knocks until then are over.
func (t *Tracker) clear(r *room, at int64) {
	t.settle(r, len(r.unsettled))
	r.settled = headcount{at: at} // the next headcount is the first one
	r.floor, r.checked, r.doubted = max(r.floor, at), max(r.checked, at), 0
	t.setClients(r, ByRole{})
	r.rivals = nil
	r.recountWaiting()
	r.endMeeting(at)
	if r.meter != nil {
		r.meter.add(meterMark{at: at, kind: markEmpty, people: 0}, t.now)
	}
}

func fromMicro(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}
