package live

import (
	"cmp"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// Correction is why live counts were corrected.
type Correction string

// The reasons.
const (
	// LostEvent is counted by the tracker itself: an event's count is not explained
	// by the one before it. It is counted a minute later, when the missing event
	// can't be just late any more.
	LostEvent Correction = "lost_event"
	// Stale and SessionEnded are for Drop: nothing was heard of a room, or its session
	// ended with two people in it or more. No session runs in it, as Insights says.
	Stale        Correction = "stale"
	SessionEnded Correction = "session_ended"
)

// Corrections are all reasons.
func Corrections() []Correction { return []Correction{LostEvent, Stale, SessionEnded} }

// Doubt is why a room is to be checked.
type Doubt string

// The doubts.
const (
	// DoubtEmpty is of a room that nobody is in, as far as events tell.
	DoubtEmpty Doubt = "empty"
	// DoubtEnded is of one whose session ended with two people in it, or more.
	DoubtEnded Doubt = "ended"
	// DoubtSilent is of one with somebody in it or waiting, and no event for 6 hours.
	DoubtSilent Doubt = "silent"
	// DoubtRestored is of one whose state was old when it was restored.
	DoubtRestored Doubt = "restored"
)

// Suspect is a room of which it is not certain whether its meeting is over.
type Suspect struct {
	RoomName string
	Doubt    Doubt
	// Since is when the doubt began. Insights knows nothing of the last 15 minutes.
	Since time.Time
}

// Suspects lists rooms to check against Insights, the longest doubted first; limit
// bounds them where it is above 0. Tell the outcome with [Tracker.Answer].
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

// doubt says why the room is to be checked, if it is, and since when.
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

// Answer takes what Insights says of a suspect: whether a session ran in the room as of a
// time.
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

// Confirm says that as of a time Insights bore out what the tracker has of a room:
// somebody is in it, or nobody is and its session is over. It is not doubted again
// before a further event, or 6 hours later.
func (t *Tracker) Confirm(roomName string, asOf time.Time) {
	if r := t.rooms[roomName]; r != nil {
		r.checked = max(r.checked, asOf.UnixMicro())
		r.doubted = 0
	}
}

// Drop says that a room was over as of a time. Nobody is in it then, and no event
// from before will say otherwise. It reports whether that was a correction, which it
// counts: it is none where the tracker had nobody in the room anyway, and nothing
// happens where a newer event has come since.
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

// clear has nobody be in the room as of a time, or have knocked by then.
func (t *Tracker) clear(r *room, at int64) {
	t.settle(r, len(r.unsettled))
	r.settled = headcount{at: at} // the next to come is the first
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
