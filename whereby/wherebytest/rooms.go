package wherebytest

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"time"

	"whereby_exporter/whereby"
)

// Room is a room in its compact form: figures without the sessions they come from.
// /insights/room-sessions nevertheless lists Totals.Sessions sessions for it, spread evenly
// from FirstSession to LastSession.
type Room struct {
	Name         string    // as on the wire, with a leading slash
	CreatedAt    time.Time // zero: the moment the room is added
	EndAt        time.Time // zero: a permanent room
	Totals       Totals
	FirstSession time.Time // when the first session started; zero: with the room, if there was one
	LastSession  time.Time // zero: the first
}

// room is what an account keeps of a room. A million of them have to fit into
// memory, so whatever most rooms do not have is behind a pointer.
type room struct {
	name          string
	no            uint32 // ordinal
	shown         bool   // Insights shows it now
	ever          bool   // Insights has shown it
	deleted       bool
	ratings       uint16 // of the last session
	ratingSum     uint16
	created, ends int64
	first, last   int64 // when the first and the last session shown started
	totals        Totals
	high          *Totals  // the highest totals where they were higher than now
	past          *history // nil while there is nothing but the totals
}

// expiry is how long after its end a room is deleted.
const expiry = 24 * time.Hour

// AddRoom adds a room, which Insights shows at once. A room whose name was deleted may be
// added again: it starts at zero, and the truth keeps the higher figures, or both with
// [Insights].SeparateLives. AddRoom panics if a room of that name exists.
//
// With [Config].ExpireRooms, a room that expired before it was added is never shown, and is
// not part of the truth.
func (a *Account) AddRoom(add Room) {
	now := a.lock()
	defer a.mu.Unlock()
	a.addRoom(add, now)
}

func (a *Account) addRoom(add Room, now int64) *room {
	r := a.byName[add.Name]
	switch {
	case r == nil:
		r = a.newRoom(add.Name)
	case !r.deleted:
		panic(fmt.Sprintf("wherebytest: AddRoom: room %q exists", add.Name))
	}
	a.touch(r)
	if !r.shown {
		a.shown++
	}
	var seq uint32
	var former Totals
	formerRows := a.keepRows(r, now)
	if r.past != nil { // of its former life
		maps.DeleteFunc(a.named, func(_ string, l located) bool { return l.room == r })
		seq, former = r.past.seq, r.past.former
	}
	if a.cfg.Insights.SeparateLives && r.ever && r.created != cmp.Or(millis(add.CreatedAt), now) {
		former = former.Add(r.highest())
		r.totals, r.high = Totals{}, nil
	}
	r.shown, r.ever, r.deleted = true, true, false
	r.past, r.ratings, r.ratingSum = nil, 0, 0
	r.created, r.ends = millis(add.CreatedAt), millis(add.EndAt)
	if r.created == 0 {
		r.created = now
	}
	r.first, r.last = millis(add.FirstSession), millis(add.LastSession)
	if r.first == 0 && add.Totals.Sessions > 0 {
		r.first = r.created
	}
	r.last = max(r.first, r.last)
	r.setTotals(add.Totals)
	if seq != 0 || former != (Totals{}) {
		// No session is to have the ID of one from the former life.
		p := r.history()
		p.seq, p.former, p.formerRows = seq, former, formerRows
	}
	if at, ok := a.expires(r); ok {
		if at > now {
			heap.Push(&a.timeline, due{at, r})
		} else {
			r.ever = false
			a.remove(r)
		}
	}
	return r
}

func (a *Account) newRoom(name string) *room {
	const slab = 1024
	if len(a.slab) == 0 {
		a.slab = make([]room, slab)
	}
	r := &a.slab[0]
	a.slab = a.slab[1:]
	r.name, r.no = name, uint32(len(a.rooms))
	a.rooms = append(a.rooms, r)
	a.byName[name] = r
	return r
}

// room finds a room for the method of the given name, and panics without one.
func (a *Account) room(method, name string) *room {
	r := a.byName[name]
	if r == nil || r.deleted {
		panic(fmt.Sprintf("wherebytest: %s: no room %q", method, name))
	}
	return r
}

// Use records meetings with only their totals: t.Sessions sessions that started at the given
// time, shown completely as soon as Insights reaches them. They have no participants. If
// t.Sessions is 0, the latest shown session grows at once, and the time has no meaning.
func (a *Account) Use(name string, t Totals, at time.Time) {
	now := a.lock()
	defer a.mu.Unlock()
	r := a.room("Use", name)
	if t.Sessions == 0 {
		a.touch(r)
		r.history().grow(t)
		a.settle(r, now)
		return
	}
	if t.Sessions < 0 {
		panic(fmt.Sprintf("wherebytest: Use: %d sessions", t.Sessions))
	}
	for i := range t.Sessions {
		part := t.share(i, t.Sessions)
		part.Sessions = 1
		minutes := max(1, part.ParticipantMinutes/max(2, part.UniqueParticipants))
		s := &session{start: millis(at), whole: true, totals: part}
		s.end = s.start + minutes*minute
		r.history().insert(s)
	}
	a.settle(r, now)
}

// Restate sets all totals of a room without a session, as if Whereby corrected its figures.
// The correction is applied to the newest ended sessions first, none of which falls below
// zero.
func (a *Account) Restate(name string, t Totals) {
	now := a.lock()
	defer a.mu.Unlock()
	r := a.room("Restate", name)
	a.touch(r)
	r.history().correct(t.minus(r.totals))
	a.settle(r, now)
}

// Delete deletes a room. Unless [Config].KeepDeleted is set, Insights no longer shows the room
// or its sessions.
func (a *Account) Delete(name string) {
	a.lock()
	defer a.mu.Unlock()
	a.remove(a.room("Delete", name))
}

// remove takes a room out of Insights.
func (a *Account) remove(r *room) {
	r.deleted = true
	if !r.shown || a.cfg.KeepDeleted {
		return
	}
	a.touch(r)
	r.shown = false
	a.shown--
}

// closes returns from when on nobody is in the room, if it has an end; 0: never.
func (r *room) closes() int64 {
	if r.ends == 0 {
		return 0
	}
	return r.ends + whereby.EndGrace.Milliseconds()
}

// closed reports whether nobody can be in the room any more.
func (r *room) closed(at int64) bool { return r.ends != 0 && at >= r.closes() }

// expires tells when a room is deleted for its age.
func (a *Account) expires(r *room) (at int64, ok bool) {
	if !a.cfg.ExpireRooms || a.cfg.KeepDeleted || r.ends == 0 {
		return 0, false
	}
	return r.ends + expiry.Milliseconds() + 1, true
}

// settle brings a room to what Insights says of it now, and puts its next change
// on the timeline. Figures only grow with time, so the states between need not
// be gone through for the highest to be known.
func (a *Account) settle(r *room, now int64) {
	if !r.shown {
		return
	}
	expires, ok := a.expires(r)
	if ok && expires <= now {
		a.update(r, a.horizonOf(EndpointRooms, r, expires-1))
		a.remove(r)
		return
	}
	next := a.update(r, a.horizonOf(EndpointRooms, r, now))
	if next == 0 {
		return
	}
	if at := next + a.lagOf(EndpointRooms, r); at != r.past.due {
		r.past.due = at
		heap.Push(&a.timeline, due{at, r})
	}
}

// setTotals changes what Insights says and remembers the highest they said.
func (r *room) setTotals(t Totals) {
	high := highest(r.highest(), t)
	r.totals = t
	switch {
	case high == t:
		r.high = nil
	case r.high == nil:
		r.high = &high
	default:
		*r.high = high
	}
}

// highest returns the highest totals that Insights has shown for the room.
func (r *room) highest() Totals {
	if r.high != nil {
		return *r.high
	}
	return r.totals
}

// counted returns the highest totals that Insights has shown for all rooms that had the
// name.
func (r *room) counted() Totals {
	return r.highest().Add(r.former())
}

// former returns the figures of rooms that had the name before.
func (r *room) former() Totals {
	if r.past == nil {
		return Totals{}
	}
	return r.past.former
}

func (r *room) rating() (mean float64, ok bool) {
	return meanRating(r.ratingSum, r.ratings)
}

func meanRating(sum, n uint16) (mean float64, ok bool) {
	if n == 0 {
		return 0, false
	}
	return float64(sum) / float64(n), true
}
