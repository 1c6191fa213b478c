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
	// unknownTotal is that of an event without counts.
	unknownTotal = -1
)

// headcount is how many clients an event says are in the room after it.
type headcount struct {
	at      int64 // 0 is none
	arrived int64
	total   int64 // unknownTotal where the event does not say
	change  int8  // what the event itself does to the total
	role    role  // whose joining or leaving does it
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

// compare orders the events of a room, the same way whatever the order in which
// they came. Of several at the same time, joins go first and upwards, then leaves
// downwards, as most often they happen, and the ID decides between the rest, as far as
// [chain] leaves that open.
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

// follow puts a headcount into the room's sequence, to see later whether one is missing.
// One from before what is settled comes too late for that.
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

// settleDue settles the headcounts before which none can come any more.
func (t *Tracker) settleDue(r *room) {
	n := 0
	for n < len(r.unsettled) && r.unsettled[n].arrived <= t.now-settleAfter.Microseconds() {
		n++
	}
	t.settle(r, n)
}

// settle compares the first n unsettled headcounts with those before them. Only the
// totals are compared: a client's role may change without an event. A room's first
// headcount has nothing to be compared with.
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
