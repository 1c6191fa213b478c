package live

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

const (
	// settleAfter is for how long after an event's arrival the one before it may
	// still come. Whereby tries again shortly after a failure.
	settleAfter = time.Minute
	// maxUnsettled bounds the events of a room that wait for late ones.
	maxUnsettled = 16
)

// step is an event that told how many clients are in the room after it.
type step struct {
	at      int64 // 0 is no step
	arrived int64
	total   int64
	change  int8 // what the event itself does to the total
	id      hash
}

func newStep(e whereby.Event, id hash, at, arrived, total int64) step {
	s := step{at: at, arrived: arrived, total: total, id: id}
	switch e.Type {
	case whereby.ClientJoined:
		s.change = 1
	case whereby.ClientLeft:
		s.change = -1
	}
	return s
}

// compare orders the events of a room, the same way whatever the order in which
// they came. Of several at the same time, joins go first and upwards, then leaves
// downwards, as most often they happen; the ID decides between the rest.
func (s step) compare(o step) int {
	if c := cmp.Compare(s.at, o.at); c != 0 {
		return c
	}
	if c := cmp.Compare(o.change, s.change); c != 0 {
		return c
	}
	c := cmp.Compare(s.total, o.total)
	if s.change < 0 {
		c = -c
	}
	if c != 0 {
		return c
	}
	return bytes.Compare(s.id[:], o.id[:])
}

// follow puts a step into the room's sequence, to see later whether one is missing.
// One from before what is settled comes too late for that.
func (t *Tracker) follow(r *room, s step) {
	if s.compare(r.settled) <= 0 {
		return
	}
	if r.unsettled == nil {
		r.unsettled = make([]step, 0, 4)
	}
	i, _ := slices.BinarySearchFunc(r.unsettled, s, step.compare)
	r.unsettled = slices.Insert(r.unsettled, i, s)
	if len(r.unsettled) > maxUnsettled {
		t.settle(r, 1)
	}
}

// settleDue settles the steps before which none can come any more.
func (t *Tracker) settleDue(r *room) {
	n := 0
	for n < len(r.unsettled) && r.unsettled[n].arrived <= t.now-settleAfter.Microseconds() {
		n++
	}
	t.settle(r, n)
}

// settle compares the first n unsettled steps with those before them. Only the
// totals are compared: a client's role may change without an event. A room's first
// step has nothing to be compared with.
func (t *Tracker) settle(r *room, n int) {
	for _, s := range r.unsettled[:n] {
		if r.settled.at != 0 && s.total != r.settled.total+int64(s.change) {
			t.corrections[LostEvent]++
		}
		r.settled = s
	}
	r.unsettled = slices.Delete(r.unsettled, 0, n)
	if len(r.unsettled) == 0 {
		r.unsettled = nil
	}
}
