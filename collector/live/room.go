package live

import "whereby_exporter/whereby"

// room is what is known of a room. Its times are those of the events, but for heard.
type room struct {
	name   string
	prefix *prefix

	// clients are in the room after newest, the newest event that told.
	clients ByRole
	newest  headcount
	// derived is nil if newest told itself who is in the room.
	derived *derivation
	// rivals are the other events of the moment of the newest that told, and prior is the
	// one before that moment; at 0 if that is not known.
	rivals []count
	prior  headcount

	// floor is up to when the room is known to be over: no count from before then
	// is believed.
	floor int64
	// started and ended are of the newest session events.
	started, ended int64
	// checked is as of when Insights bore the counts out.
	checked int64
	// doubted is since when the counts are not to be relied on; 0 is never.
	doubted int64
	// heard is when the last event arrived.
	heard int64
	// ends is the room's endAt; 0 if it has none, or endKnown is false.
	ends     int64
	endKnown bool

	// settled is the last event whose predecessor is certain; unsettled are those
	// after it, in order.
	settled   headcount
	unsettled []headcount

	visits  map[hash]visit
	waiting int64
	meeting meeting
	// meter is nil while no minutes are pending.
	meter *meter
}

// empty reports whether nobody is in the room or waits for it.
func (r *room) empty() bool { return r.waiting == 0 && r.clients == ByRole{} }

// presence is what evidence says of the room.
func (r *room) presence(e whereby.Evidence) whereby.Presence {
	people := r.clients.people()
	return e.Presence(int(people), int(r.clients.Sum()-people+r.waiting))
}

// evidence is what bears on the room's count by now.
func (r *room) evidence(now int64) whereby.Evidence {
	return whereby.Evidence{
		SessionEnded: r.ended > max(r.newest.at, r.started, r.checked),
		Missed:       r.doubted != 0,
		Silent:       r.quiet() <= now-silence.Microseconds(),
	}
}

// quiet is since when nothing was heard of the room.
func (r *room) quiet() int64 { return max(r.heard, r.checked) }

// setClients changes who is in the room.
func (t *Tracker) setClients(r *room, clients ByRole) {
	r.prefix.replace(&r.clients, &clients, t.now)
	r.clients, r.derived = clients, nil
}

// setWaiting changes how many wait for the room.
func (r *room) setWaiting(n int64) {
	r.prefix.waiting += n - r.waiting
	r.waiting = n
}
