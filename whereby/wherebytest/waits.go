package wherebytest

import (
	"cmp"
	"math"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// KnockTruth is a person's wait at the door of a room.
type KnockTruth struct {
	RoomName      string
	ParticipantID string
	Knocked       time.Time
	Ended         time.Time
	Admitted      bool // let in; otherwise they gave up
}

// Wait returns the time at the door.
func (k KnockTruth) Wait() time.Duration { return k.Ended.Sub(k.Knocked) }

// HostWaitTruth is a meeting with both a visitor and a host. It lasts from when the first
// person is in the room or at its door until nobody is.
type HostWaitTruth struct {
	RoomName string
	Visitor  time.Time // when the first visitor or viewer was in, or knocked
	Host     time.Time // when the first owner, member or host was in
}

// Wait returns how long the first visitor waited for the first host, or 0 if the host came
// first.
func (h HostWaitTruth) Wait() time.Duration { return max(0, h.Host.Sub(h.Visitor)) }

// Knocks returns the waits at doors that ended from one time until before another, ordered by
// their end. Those of a demo account go back to its creation.
func (a *Account) Knocks(from, to time.Time) []KnockTruth {
	a.lock()
	defer a.mu.Unlock()
	first, end := ceilMillis(from), ceilMillis(to)
	var all []KnockTruth
	add := func(c *cast, id string, at, ended int64, admitted bool) {
		if c.room.closed(ended) {
			return // nothing tells that they went
		}
		all = append(all, KnockTruth{c.room.name, id, moment(at), moment(ended), admitted})
	}
	for l := range a.meetings.between(first, end) {
		c := a.cast(l)
		for i, leg := range c.legs {
			if leg.knocked != 0 && first <= leg.joined && leg.joined < end {
				add(&c, c.person(i).ID, leg.knocked, leg.joined, true)
			}
		}
		for i, k := range c.knocks {
			if k.until != 0 && first <= k.until && k.until < end {
				add(&c, c.caller(i).ID, k.at, k.until, false)
			}
		}
	}
	slices.SortFunc(all, func(x, y KnockTruth) int {
		return cmp.Or(x.Ended.Compare(y.Ended), cmp.Compare(x.RoomName, y.RoomName), cmp.Compare(x.ParticipantID, y.ParticipantID))
	})
	return all
}

// HostWaits returns the meetings for which it became known, from one time until before
// another, how long the first visitor waited for the first host: when the later of the two
// came. They are in that order. Those of a demo account go back to meetings that were ongoing
// at its creation.
func (a *Account) HostWaits(from, to time.Time) []HostWaitTruth {
	a.lock()
	defer a.mu.Unlock()
	first, end := ceilMillis(from), ceilMillis(to)
	var all []HostWaitTruth
	open := make(map[*room]*encounter)
	// All of the past, as a meeting may go back beyond the session that is asked for.
	for _, o := range a.occurrences(math.MinInt64, end) {
		if o.at >= end {
			break
		}
		e := open[o.cast.room]
		if e == nil {
			e = &encounter{}
			open[o.cast.room] = e
		}
		if e.take(o) && o.at >= first {
			all = append(all, HostWaitTruth{o.cast.room.name, moment(e.visitor), moment(e.host)})
		}
		if e.people == 0 && e.waiting == 0 {
			delete(open, o.cast.room)
		}
	}
	return all
}

// encounter is a meeting as far as it has come.
type encounter struct {
	people, waiting int
	visitor, host   int64 // when the first of each came; 0: not yet
}

// take goes on to the next occurrence. It reports whether it was the one with which
// there had been both a visitor and a host.
func (e *encounter) take(o occurrence) (both bool) {
	before := e.visitor != 0 && e.host != 0
	switch {
	case o.kind == kindKnocked:
		e.waiting++
		e.visitor = earliest(e.visitor, o.at)
	case o.kind == kindKnockCancelled, o.kind == kindGone && o.vain:
		e.waiting--
	case (o.kind == kindJoined || o.kind == kindLeft || o.kind == kindGone) && whereby.IsPerson(o.leg().role):
		if o.kind != kindJoined {
			e.people--
			break
		}
		e.people++
		if o.leg().knocked != 0 {
			e.waiting--
		}
		switch o.leg().role {
		case "owner", "member", "host":
			e.host = earliest(e.host, o.at)
		case "visitor", "granted_visitor", "viewer", "granted_viewer":
			e.visitor = earliest(e.visitor, o.at)
		}
	}
	return !before && e.visitor != 0 && e.host != 0
}
