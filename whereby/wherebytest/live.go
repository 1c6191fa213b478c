package wherebytest

import (
	"time"

	"whereby_exporter/whereby"
)

// LiveTruth is who is in the rooms of a prefix, as a reader of every event must
// have it.
type LiveTruth struct {
	// People are in rooms, machines not among them; PeopleMax is the most of them at
	// any moment of the last 5 minutes.
	People, PeopleMax int
	// Clients are in rooms by role, machines too, without zeros.
	Clients map[string]int
	// Rooms are those with a client in them.
	Rooms int
	// Waiting have knocked, and are neither in nor gone.
	Waiting int
}

// peakWindow is how far back [LiveTruth].PeopleMax goes.
const peakWindow = int64(5 * time.Minute / time.Millisecond)

// Live gives who is in rooms at a time, by prefix, without the lag of Insights.
// What happens at that moment has happened. A prefix with nobody in or at the door
// of a room within the last 5 minutes is not in the map.
//
// It is the sum of [Account.Events] up to that time, and knows as little of rooms
// of which only the totals are known. Of sessions that overlap in one room, which
// Whereby does not have, each has its own people at the door: the end of one
// sends nobody away who knocked for the other. Nobody is in a room, or at its door, from
// [whereby.EndGrace] after its EndAt on. prefixOf is as in [Account.Truth].
func (a *Account) Live(at time.Time, prefixOf func(roomName string) string) map[string]LiveTruth {
	a.lock()
	defer a.mu.Unlock()
	now := at.UnixMilli()
	all := make(map[string]LiveTruth)
	used := make(map[*room]bool)
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
	for prefix, most := range a.peaks(now, prefixOf) {
		t := all[prefix]
		t.PeopleMax = most
		all[prefix] = t
	}
	for prefix, t := range all {
		if t.PeopleMax == 0 && t.Rooms == 0 && t.Waiting == 0 {
			delete(all, prefix)
		}
	}
	return all
}

// peaks gives the highest number of people by prefix in the window before now.
func (a *Account) peaks(now int64, prefixOf func(string) string) map[string]int {
	since := now - peakWindow
	people, most := make(map[string]int), make(map[string]int)
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
		prefix := prefixOf(o.cast.room.name)
		if o.at >= since { // what it was until now counts
			most[prefix] = max(most[prefix], people[prefix])
		}
		people[prefix] += step
	}
	for prefix, n := range people {
		most[prefix] = max(most[prefix], n)
	}
	return most
}

// MinutesTruth are the participant minutes of the rooms of a prefix.
type MinutesTruth struct {
	// Shown is what Insights have shown: ParticipantMinutes of [Account.Truth].
	Shown int64
	// True is what Shown would be if Insights did not lag. What is missing from Shown
	// are minutes of connections that [Account.Events] tells of, and sessions that
	// [Account.Use] recorded and Insights have not reached.
	True int64
}

// Minutes gives the participant minutes up to now by prefix: what Insights have
// shown, and what is true, each connection rounded up to whole minutes. The time
// that somebody was in a room alone, before the session started, counts from when it
// has. After a room was deleted Insights count no more; the truth goes on for those
// who are still in it. prefixOf is as in [Account.Truth].
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

// pending gives the participant minutes up to now that Insights, at horizon h, do
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
