package live

import (
	"time"

	"whereby_exporter/whereby"
)

// applyMinutes applies an event to the room's minutes. segment is that of the participant, or
// "".
func (t *Tracker) applyMinutes(r *room, e whereby.Event, segment string, at int64) {
	mark := meterMark{at: at, kind: markCount, people: unknownPeople}
	if e.Clients != nil {
		clients := byRole(e.Clients)
		mark.people, mark.assistants = clients.people(), clients.billedMachines()
	}
	if mark.people > maxPeople || mark.assistants > maxPeople {
		mark.people, mark.assistants = unknownPeople, 0
	}
	billed := whereby.BilledAs(e.RoleName) == whereby.BilledAsParticipant
	mark.assistant = billed && !whereby.IsPerson(e.RoleName)
	switch {
	case e.Type == whereby.ClientJoined && billed:
		mark.kind = markJoin
		mark.segment = t.segments.number(segment, t.now)
	case e.Type == whereby.ClientLeft && billed:
		mark.kind = markLeave
	case e.Type == whereby.SessionEnded:
		if r.meter == nil {
			return
		}
		mark.kind, mark.people, mark.assistants = markEnded, unknownPeople, 0
	case e.Clients == nil:
		return
	}
	if mark.kind != markCount && e.ParticipantID != "" {
		mark.who = t.hash(e.ParticipantID)
	}
	if r.meter == nil {
		if mark.kind != markJoin && mark.people+mark.assistants <= 0 {
			return // the end of a meeting that is settled
		}
		r.meter = &meter{}
		if t.options.Shown != nil {
			r.meter.shown, r.meter.known = t.options.Shown(r.name)
			r.meter.base = r.meter.shown
		}
	}
	r.meter.add(mark, t.now)
}

// Metered lists the rooms that may have pending minutes.
func (t *Tracker) Metered() []string {
	var names []string
	for name, r := range t.rooms {
		if r.meter != nil {
			names = append(names, name)
		}
	}
	return names
}

// Settle records the lifetime participant minutes that Insights showed for rooms. They were
// read between started and ended.
func (t *Tracker) Settle(shown map[string]int64, started, ended time.Time) {
	for name, minutes := range shown {
		r := t.rooms[name]
		if r == nil || r.meter == nil {
			continue
		}
		segments, done := r.meter.settle(minutes, started.UnixMicro(), ended.UnixMicro())
		for _, sum := range segments {
			t.segments.total(r.prefix.label, sum.segment).minutes += sum.minutes
		}
		if done {
			r.meter = nil
		}
	}
}

// endMeter stops tracking the minutes of an empty room. Minutes by segment stay counted.
func (t *Tracker) endMeter(r *room) {
	if r.meter == nil {
		return
	}
	for _, sum := range r.meter.tally(t.now).segments {
		t.segments.total(r.prefix.label, sum.segment).minutes += sum.minutes
	}
	r.meter = nil
}

// pending returns the sums of pending minutes by prefix.
func (t *Tracker) pending() map[*prefix]int64 {
	sums := map[*prefix]int64{}
	for _, r := range t.rooms {
		if r.meter == nil {
			continue
		}
		sums[r.prefix] += r.meter.pending(r.present(t.now))
	}
	return sums
}

// present returns the time up to which it is known who is in the room.
func (r *room) present(now int64) int64 {
	if r.doubted != 0 {
		return min(now, r.doubted)
	}
	return now
}
