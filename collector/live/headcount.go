package live

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

const (
	// settleAfter is how long after an event's arrival an earlier one may still arrive.
	// Whereby retries shortly after a failure.
	settleAfter = time.Minute
	// maxUnsettled bounds the events of a room that wait for late ones.
	maxUnsettled = 16
	// unknownTotal is the total of an event without counts.
	unknownTotal = -1
)

// headcount is the number of clients in a room after an event.
type headcount struct {
	at      int64 // 0 if there is none
	arrived int64
	total   int64 // unknownTotal if the event has no counts
	change  int8  // of the total by the event itself
	role    role  // of the client that joined or left
	id      hash
}

func newHeadcount(e whereby.Event, id hash, at, arrived, total int64) headcount {
	h := headcount{at: at, arrived: arrived, total: total, role: roleOf(e.RoleName), id: id}
	switch e.Type {
	case whereby.ClientJoined:
		h.change = 1
	case whereby.ClientLeft:
		h.change = -1
	}
	return h
}

// compare orders the events of a room, whatever the order of their arrival. Among events with
// the same time, joins come first in ascending order, then leaves in descending order, which
// is most likely; the ID decides between equal ones. [chain] may change this order.
func (h headcount) compare(o headcount) int {
	if c := cmp.Compare(h.at, o.at); c != 0 {
		return c
	}
	if c := cmp.Compare(o.change, h.change); c != 0 {
		return c
	}
	c := cmp.Compare(h.total, o.total)
	if h.change < 0 {
		c = -c
	}
	if c != 0 {
		return c
	}
	return bytes.Compare(h.id[:], o.id[:])
}

// follow adds a headcount to the room's sequence, in which missing events show later. It
// ignores headcounts from before the last settled one.
func (t *Tracker) follow(r *room, h headcount) {
	if h.compare(r.settled) <= 0 {
		return
	}
	if r.unsettled == nil {
		r.unsettled = make([]headcount, 0, 4)
	}
	i, _ := slices.BinarySearchFunc(r.unsettled, h.at, func(o headcount, at int64) int { return cmp.Compare(o.at, at) })
	r.unsettled = slices.Insert(r.unsettled, i, h)
	r.arrange(i)
	if len(r.unsettled) > maxUnsettled {
		t.settle(r, 1)
	}
}

// settleDue settles the headcounts before which none can arrive any more.
func (t *Tracker) settleDue(r *room) {
	n := 0
	for n < len(r.unsettled) && r.unsettled[n].arrived <= t.now-settleAfter.Microseconds() {
		n++
	}
	t.settle(r, n)
}

// settle compares the first n unsettled headcounts with those before them, except for a
// room's first one. It compares totals only: a client's role may change without an event.
func (t *Tracker) settle(r *room, n int) {
	for _, h := range r.unsettled[:n] {
		if h.total == unknownTotal {
			if r.settled.at == 0 {
				continue
			}
			h.total = max(0, r.settled.total+int64(h.change))
		}
		if r.settled.at != 0 && h.total != r.settled.total+int64(h.change) {
			t.corrections[LostEvent]++
		}
		r.settled = h
	}
	r.unsettled = slices.Delete(r.unsettled, 0, n)
	if len(r.unsettled) == 0 {
		r.unsettled = nil
	}
}
