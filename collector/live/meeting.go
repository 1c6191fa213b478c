package live

// meeting is the time from when the first person is in a room, or at its door,
// until nobody is. It is used rather than Whereby's session, which begins only with
// the second person, and whose ID may be missing.
type meeting struct {
	// since is when the one before it was over: what is older belongs to that.
	since int64
	// visitor and host are when the first of each came; 0 is not yet.
	visitor, host int64
	observed      bool
}

// arrive takes somebody's coming. It returns how long the first visitor waited for
// the first host, once, when that is known.
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

// end ends the meeting, but for those who came later.
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

// peopleAt reports whether a moment is the newest that is known, and people are in the
// room after all that happened in it.
func (r *room) peopleAt(at int64) bool { return at == r.newest.at && r.clients.people() > 0 }

// rejoin has somebody who came in the moment in which the room was empty be of the next
// meeting.
func (r *room) rejoin(at int64) {
	if at == r.meeting.since && r.peopleAt(at) {
		r.meeting.since--
	}
}

// arriveMeeting takes the coming of a visitor or host.
func (r *room) arriveMeeting(first *int64, at int64, result *Result) {
	if wait, ok := r.meeting.arrive(first, at); ok {
		result.observe(HostWait, r.prefix.label, "", wait)
	}
}
