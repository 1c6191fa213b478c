package live

import (
	"math"
	"slices"
	"strings"
	"time"

	"whereby_exporter/whereby"
)

// SetEnd sets the endAt of a room as Insights shows it, or zero for a permanent room. It
// ignores rooms that are not tracked. A room is empty from [whereby.EndGrace] after its
// endAt.
func (t *Tracker) SetEnd(roomName string, endAt time.Time) {
	r := t.rooms[roomName]
	if r == nil {
		return
	}
	r.ends, r.endKnown = 0, true
	if !endAt.IsZero() {
		r.ends = endAt.UnixMicro()
	}
	t.watchEnd(r)
}

// WithoutEnd lists up to limit rooms that have somebody in them or waiting, whose endAt is
// unknown, and that had no event since a time.
func (t *Tracker) WithoutEnd(since time.Time, limit int) []string {
	var rooms []*room
	for _, r := range t.rooms {
		if !r.endKnown && !r.empty() && r.heard <= since.UnixMicro() {
			rooms = append(rooms, r)
		}
	}
	slices.SortFunc(rooms, func(a, b *room) int { return strings.Compare(a.name, b.name) })
	var names []string
	for _, r := range rooms[:min(len(rooms), limit)] {
		names = append(names, r.name)
	}
	return names
}

// expires returns when the room is empty for certain: never if it has no known end.
func (r *room) expires() int64 {
	if r.ends == 0 {
		return math.MaxInt64
	}
	return r.ends + whereby.EndGrace.Microseconds()
}

// watchEnd makes sure that the room expires in time.
func (t *Tracker) watchEnd(r *room) {
	if at := r.expires(); at > max(r.floor, r.newest.at) {
		t.nextEnd = min(t.nextEnd, at)
	}
}

// expire empties the rooms that have expired. This is no correction: Whereby sends no events
// of who leaves such a room.
func (t *Tracker) expire() {
	t.nextEnd = math.MaxInt64
	for _, r := range t.rooms {
		at := r.expires()
		switch {
		case at > t.now:
			t.nextEnd = min(t.nextEnd, at)
		case r.newest.at > at || r.floor >= at:
			// The endAt was moved, as a newer event shows, or the room has expired already.
		case r.presence(whereby.Evidence{Expired: true}) == whereby.Nobody || r.meter != nil:
			t.clear(r, at)
		}
	}
}
