package live

import "whereby_exporter/whereby"

// room is the state of a room. Its times are those of events, except heard.
type room struct {
	name   string
	prefix *prefix

	// clients are in the room after newest, the newest event.
	clients ByRole
	newest  headcount
	// derived is nil if newest has a count itself.
	derived *derivation
	// rivals are the other events with a count of the newest such moment. prior is the
	// headcount before that moment; its time is 0 if it is unknown.
	rivals []count
	prior  headcount

	// floor is when the room was last known to be empty. Earlier counts are ignored.
	floor int64
	// started and ended are the times of the newest session events.
	started, ended int64
	// checked is the time as of which Insights confirmed the counts.
	checked int64
	// doubted is when the counts became unreliable; 0 if they are reliable.
	doubted int64
	// heard is when the last event arrived.
	heard int64
	// ends is the room's endAt; 0 if it has none, or endKnown is false.
	ends     int64
	endKnown bool

	// settled is the last event whose predecessor is certain. unsettled are those after it,
	// sorted.
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

// presence returns what the evidence proves about the room.
func (r *room) presence(e whereby.Evidence) whereby.Presence {
	people := r.clients.people()
	return e.Presence(int(people), int(r.clients.Sum()-people+r.waiting))
}

// evidence returns the present evidence about the room's count.
func (r *room) evidence(now int64) whereby.Evidence {
	return whereby.Evidence{
		SessionEnded: r.ended > max(r.newest.at, r.started, r.checked),
		Missed:       r.doubted != 0,
		Silent:       r.quiet() <= now-silence.Microseconds(),
	}
}

// quiet returns when the room was last heard of.
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
