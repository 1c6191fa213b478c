package wherebytest

import (
	"time"

	"whereby_exporter/whereby"
)

// LiveTruth is who is in the rooms of a prefix, as a reader of all events must see it.
type LiveTruth struct {
	// People are in rooms, not counting machines. PeopleMax is their highest number in the
	// last 5 minutes.
	People, PeopleMax int
	// Sizes counts rooms by the number of people in them, without empty rooms. FullestMax is
	// the highest number of people in one room in the last 5 minutes.
	Sizes      map[int]int
	FullestMax int
	// Clients counts clients in rooms by role, including machines, without zeros.
	Clients map[string]int
	// Rooms counts rooms with a client in them.
	Rooms int
	// Waiting counts those who have knocked and are still waiting.
	Waiting int
}

// Full returns how many rooms are filled to at least nine tenths of a capacity.
func (t LiveTruth) Full(capacity int) (rooms int) {
	for people, n := range t.Sizes {
		if 10*people >= 9*capacity {
			rooms += n
		}
	}
	return rooms
}

// Fullest returns the most people in one room now.
func (t LiveTruth) Fullest() (people int) {
	for n := range t.Sizes {
		people = max(people, n)
	}
	return people
}

// peakWindow is how far back [LiveTruth].PeopleMax and FullestMax go.
const peakWindow = int64(5 * time.Minute / time.Millisecond)

// Live returns who is in rooms at a time, by prefix, without the lag of Insights. What happens
// at that moment has happened. A prefix that had nobody in or at the door of a room in the
// last 5 minutes is not in the map.
//
// It is derived from [Account.Events] up to that time, so it knows nothing of rooms with only
// totals. If sessions overlap in one room, which does not happen at Whereby, each has its own
// people at the door: the end of one sends away nobody who knocked for the other. Nobody is in
// a room, or at its door, from [whereby.EndGrace] after its EndAt on. prefixOf is as in
// [Account.Truth].
func (a *Account) Live(at time.Time, prefixOf func(roomName string) string) map[string]LiveTruth {
	a.lock()
	defer a.mu.Unlock()
	now := at.UnixMilli()
	all := make(map[string]LiveTruth)
	used := make(map[*room]bool)
	people := make(map[*room]int)
	for l := range a.meetings.between(now-peakWindow-1, now+1) {
		if l.room.closed(now) {
			continue
		}
		prefix := prefixOf(l.room.name)
		c, t := a.cast(l), all[prefix]
		for i := range c.legs {
			leg := &c.legs[i]
			if leg.waits(now) {
				t.Waiting++
			}
			if !leg.present(now) {
				continue
			}
			if t.Clients == nil {
				t.Clients = make(map[string]int)
			}
			t.Clients[leg.role]++
			if whereby.IsPerson(leg.role) {
				t.People++
				people[l.room]++
			}
			if !used[l.room] {
				used[l.room] = true
				t.Rooms++
			}
		}
		for _, k := range c.knocks {
			if k.waits(now) {
				t.Waiting++
			}
		}
		all[prefix] = t
	}
	for room, n := range people {
		t := all[prefixOf(room.name)]
		if t.Sizes == nil {
			t.Sizes = make(map[int]int)
		}
		t.Sizes[n]++
		all[prefixOf(room.name)] = t
	}
	most, fullest := a.peaks(now, prefixOf)
	for prefix := range most {
		t := all[prefix]
		t.PeopleMax, t.FullestMax = most[prefix], fullest[prefix]
		all[prefix] = t
	}
	for prefix, t := range all {
		if t.PeopleMax == 0 && t.Rooms == 0 && t.Waiting == 0 {
			delete(all, prefix)
		}
	}
	return all
}

// peaks returns the highest number of people in the window before now by prefix, and the
// highest in one room.
func (a *Account) peaks(now int64, prefixOf func(string) string) (most, fullest map[string]int) {
	since := now - peakWindow
	people, most := make(map[string]int), make(map[string]int)
	inRoom, fullest := make(map[*room]int), make(map[string]int)
	for _, o := range a.occurrences(since-1, now+1) {
		if o.at > now {
			break
		}
		step := 1
		switch {
		case o.kind == kindLeft, o.kind == kindGone && !o.vain:
			step = -1
		case o.kind != kindJoined:
			continue
		}
		if !whereby.IsPerson(o.leg().role) {
			continue
		}
		room := o.cast.room
		prefix := prefixOf(room.name)
		if o.at >= since { // what it was until now counts
			most[prefix] = max(most[prefix], people[prefix])
			fullest[prefix] = max(fullest[prefix], inRoom[room])
		}
		people[prefix] += step
		inRoom[room] += step
	}
	for prefix, n := range people {
		most[prefix] = max(most[prefix], n)
	}
	for room, n := range inRoom {
		prefix := prefixOf(room.name)
		fullest[prefix] = max(fullest[prefix], n)
	}
	return most, fullest
}

// MinutesTruth has the participant minutes of the rooms of a prefix.
type MinutesTruth struct {
	// Shown is what Insights has shown: ParticipantMinutes of [Account.Truth].
	Shown int64
	// True is what Shown would be if Insights did not lag. Shown lacks minutes of connections
	// in [Account.Events], and of sessions that [Account.Use] recorded and Insights has not
	// reached.
	True int64
}

// Minutes returns the participant minutes up to now by prefix: what Insights has shown, and
// what is true, with each connection rounded up to whole minutes. Time that somebody was alone
// in a room before the session started counts from the session's start. After a room was
// deleted, Insights counts nothing more; the truth continues for those who are still in it.
// prefixOf is as in [Account.Truth].
func (a *Account) Minutes(prefixOf func(roomName string) string) map[string]MinutesTruth {
	now := a.lock()
	defer a.mu.Unlock()
	all := make(map[string]MinutesTruth)
	for _, r := range a.rooms {
		if !r.ever {
			continue
		}
		prefix := prefixOf(r.name)
		t := all[prefix]
		shown := r.highest().ParticipantMinutes
		t.Shown += shown
		t.True += max(shown, r.totals.ParticipantMinutes+r.pending(now, a.horizon(now)))
		all[prefix] = t
	}
	return all
}

// pending returns the participant minutes up to now that Insights, at horizon h, do
// not show.
func (r *room) pending(now, h int64) int64 {
	if r.past == nil {
		return 0
	}
	var sum int64
	for _, s := range r.past.open {
		if s.whole {
			if h < s.start && s.start <= now {
				sum += s.totals.ParticipantMinutes
			}
			continue
		}
		if now < s.start {
			continue
		}
		var t Totals
		for i := range s.detail.legs {
			if minutes, _ := s.detail.legs[i].minutesAt(s.until(now)); minutes > 0 {
				t.add(&s.detail.legs[i], minutes)
			}
		}
		sum += t.ParticipantMinutes - s.totals.ParticipantMinutes
	}
	return sum
}
