package live

// meeting is the time during which people are in a room or at its door. It is used instead of
// Whereby's session, which begins only with the second person, and whose ID may be missing.
type meeting struct {
	// since is when the meeting before it ended. Older events belong to that one.
	since int64
	// visitor and host are when the first of each arrived, or 0.
	visitor, host int64
	observed      bool
}

// arrive records the arrival of a visitor or a host. Once per meeting, it returns how long the
// first visitor waited for the first host.
func (m *meeting) arrive(first *int64, at int64) (wait int64, ok bool) {
	if at <= m.since {
		return 0, false
	}
	if *first == 0 || at < *first {
		*first = at
	}
	if m.observed || m.visitor == 0 || m.host == 0 {
		return 0, false
	}
	m.observed = true
	return max(0, m.host-m.visitor), true
}

// end ends the meeting at a time. Later arrivals belong to the next one.
func (m *meeting) end(at int64) {
	m.since = max(m.since, at)
	if m.visitor <= m.since {
		m.visitor = 0
	}
	if m.host <= m.since {
		m.host = 0
	}
	m.observed = m.observed && (m.visitor != 0 || m.host != 0)
}

// endMeeting ends the room's meeting if nobody is in the room or waits for it.
func (r *room) endMeeting(at int64) {
	if r.waiting == 0 && r.clients.people() == 0 {
		r.meeting.end(at)
	}
}

// peopleAt reports whether at is the time of the newest event, and people are in the room
// after it.
func (r *room) peopleAt(at int64) bool { return at == r.newest.at && r.clients.people() > 0 }

// rejoin assigns somebody who arrived in the moment in which the room was empty to the next
// meeting.
func (r *room) rejoin(at int64) {
	if at == r.meeting.since && r.peopleAt(at) {
		r.meeting.since--
	}
}

// arriveMeeting records the arrival of a visitor or host.
func (r *room) arriveMeeting(first *int64, at int64, result *Result) {
	if wait, ok := r.meeting.arrive(first, at); ok {
		result.observe(HostWait, r.prefix.label, "", wait)
	}
}
