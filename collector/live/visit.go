package live

// visit is a participant at the door of a room. The times of the latest knock and the latest
// end decide whether the participant waits, whatever the order of their arrival.
type visit struct {
	knocked, ended int64
	heard          int64 // when its last event arrived
	// marks are the knocks and ends without a partner, sorted by time. A knock and the end
	// right after it are removed at once, so all ends come before all knocks.
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
	gone // left: the wait is over, without an outcome
)

var outcomeNames = [...]Outcome{admitted: Admitted, cancelled: Cancelled}

// add adds a mark. If it forms a pair with another one, add returns the time between them and
// the outcome of the knock.
func (v *visit) add(m doorMark) (wait int64, end outcome, ok bool) {
	if m.outcome == knock {
		v.knocked = max(v.knocked, m.at)
	} else {
		v.ended = max(v.ended, m.at)
	}
	if m.outcome == gone {
		return 0, 0, false
	}
	i := 0 // the number of marks before m; at the same time, a knock comes first
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

// remove removes and returns a mark.
func (v *visit) remove(i int) doorMark {
	m := v.marks[i]
	copy(v.marks[i:], v.marks[i+1:v.used])
	v.used--
	v.marks[v.used] = doorMark{}
	return m
}

// waits reports whether the participant knocked and is still waiting.
func (v *visit) waits(r *room) bool { return v.knocked > v.ended && v.knocked > r.floor }

// visit adds a participant's mark at the door of a room. A pair is an observation.
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

// recountWaiting counts the waiting participants after the room's floor has changed.
func (r *room) recountWaiting() {
	var n int64
	for _, v := range r.visits {
		if v.waits(r) {
			n++
		}
	}
	r.setWaiting(n)
}

// forgetVisits forgets the participants without an event since a time. Those who wait are
// forgotten after [silence].
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
