package live

// visit is what is known of one participant of a room at its door. Its latest knock
// and its latest end, in whatever order they came, decide if it waits.
type visit struct {
	knocked, ended int64
	heard          int64 // when its last event arrived
	// marks are the knocks and ends that have no partner yet, in order of time. An
	// end right after a knock is taken away with it at once, so the ends go first.
	marks [4]doorMark
	used  int8
}

// doorMark is a knock, or its end.
type doorMark struct {
	at      int64
	outcome outcome
}

type outcome uint8

const (
	knock outcome = iota // no end yet
	admitted
	cancelled
	gone // left: ends the waiting, is nobody's answer to a knock
)

var outcomeNames = [...]Outcome{admitted: Admitted, cancelled: Cancelled}

// add takes a mark. Where it makes a pair with another, it returns the time between
// the two and how the knock ended.
func (v *visit) add(m doorMark) (wait int64, end outcome, ok bool) {
	if m.outcome == knock {
		v.knocked = max(v.knocked, m.at)
	} else {
		v.ended = max(v.ended, m.at)
	}
	if m.outcome == gone {
		return 0, 0, false
	}
	i := 0 // how many marks come before m; at the same time, a knock does
	for i < int(v.used) && (v.marks[i].at < m.at || v.marks[i].at == m.at && v.marks[i].outcome <= m.outcome) {
		i++
	}
	switch {
	case m.outcome == knock && i < int(v.used) && v.marks[i].outcome != knock:
		end := v.remove(i)
		return end.at - m.at, end.outcome, true
	case m.outcome != knock && i > 0 && v.marks[i-1].outcome == knock:
		return m.at - v.remove(i-1).at, m.outcome, true
	}
	if int(v.used) == len(v.marks) {
		if i == 0 {
			return 0, 0, false
		}
		v.remove(0)
		i--
	}
	copy(v.marks[i+1:], v.marks[i:v.used])
	v.marks[i] = m
	v.used++
	return 0, 0, false
}

// remove takes a mark away.
func (v *visit) remove(i int) doorMark {
	m := v.marks[i]
	copy(v.marks[i:], v.marks[i+1:v.used])
	v.used--
	v.marks[v.used] = doorMark{}
	return m
}

// waits reports whether the participant of a room knocked and is still waiting.
func (v *visit) waits(r *room) bool { return v.knocked > v.ended && v.knocked > r.floor }

// visit takes a participant's mark at the door of a room. A pair is an observation.
func (t *Tracker) visit(r *room, participant string, m doorMark, result *Result) {
	if participant == "" {
		return
	}
	id := t.hash(participant)
	v, known := r.visits[id]
	if !known {
		if t.visits >= t.options.MaxVisits {
			if m.outcome == knock {
				t.refused++
			}
			return
		}
		if r.visits == nil {
			r.visits = map[hash]visit{}
		}
		t.visits++
	}
	waiting := r.waiting
	if v.waits(r) {
		waiting--
	}
	v.heard = t.now
	if wait, end, ok := v.add(m); ok {
		result.observe(KnockWait, r.prefix.label, outcomeNames[end], wait)
	}
	if v.waits(r) {
		waiting++
	}
	r.visits[id] = v
	r.setWaiting(waiting)
}

// recountWaiting counts who waits, after the room's floor has moved.
func (r *room) recountWaiting() {
	var n int64
	for _, v := range r.visits {
		if v.waits(r) {
			n++
		}
	}
	r.setWaiting(n)
}

// forgetVisits forgets the participants of whom nothing arrived since a time, and
// those who wait longer than anyone does.
func (t *Tracker) forgetVisits(r *room, since int64) {
	for id, v := range r.visits {
		waits := v.waits(r)
		switch {
		case waits && v.heard <= t.now-silence.Microseconds():
			r.setWaiting(r.waiting - 1)
			r.endMeeting(v.knocked)
		case waits || v.heard > since:
			continue
		}
		delete(r.visits, id)
		t.visits--
	}
	if len(r.visits) == 0 {
		r.visits = nil
	}
}
