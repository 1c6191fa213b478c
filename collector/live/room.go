package live

// room is what is known of a room. Its times are those of the events, but for heard.
type room struct {
	name   string
	prefix *prefix

	// clients are in the room after newest, the newest event that told.
	clients ByRole
	newest  headcount
	// derived is nil if newest told itself who is in the room.
	derived *derivation

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

// empty tells whether nobody is in the room or waits for it.
func (r *room) empty() bool { return r.waiting == 0 && r.clients == ByRole{} }

// over tells whether the room ended at a time or later, as far as anyone who
// knocked at that time is concerned.
func (r *room) over(at int64) bool { return at <= r.ended || at <= r.floor }

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
