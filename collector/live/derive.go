package live

import (
	"slices"

	"whereby_exporter/whereby"
)

// maxChanges bounds the events of a room whose counts are derived from earlier ones.
const maxChanges = 16

// derivation is the basis of a room's count if the newest events have no counts: the last
// event that has one, and the events of the same moment and later that have none. They are
// sorted whenever one arrives, so the order of their arrival changes nothing.
type derivation struct {
	told    count
	changes []headcount
}

// told returns the newest event of the room that has a count.
func (r *room) told() count {
	if r.derived != nil {
		return r.derived.told
	}
	return count{r.newest, r.clients}
}

// changes returns the events of that moment and later that have no count.
func (r *room) changes() []headcount {
	if r.derived != nil {
		return r.derived.changes
	}
	return nil
}

// applyChange applies an event without a count. The count is derived from the one before.
func (t *Tracker) applyChange(r *room, e whereby.Event, id hash, at int64) {
	total := int64(unknownTotal)
	if e.TotalKnown {
		total = int64(e.Total)
	}
	h := newHeadcount(e, id, at, t.now, total)
	if h.change == 0 && total == unknownTotal {
		return
	}
	t.follow(r, h)
	told, changes := r.told(), r.changes()
	if at >= told.at {
		changes = append(changes, h)
		if len(changes) > maxChanges {
			told, changes = r.fold(told, changes)
		}
	}
	t.derive(r, told, changes)
	if at == r.newest.at {
		r.doubted = 0
	}
}

// fold merges the changes of the first moment into told, so that fewer are kept.
func (r *room) fold(told count, changes []headcount) (count, []headcount) {
	first := changes[0].at
	for _, h := range changes {
		first = min(first, h.at)
	}
	isFirst := func(h headcount) bool { return h.at == first }
	told, _ = r.after(told, slices.DeleteFunc(slices.Clone(changes), func(h headcount) bool { return !isFirst(h) }))
	told.total = told.clients.Sum()
	r.rivals, r.prior = nil, headcount{}
	return told, slices.DeleteFunc(changes, isFirst)
}

// derive computes the count of a room.
func (t *Tracker) derive(r *room, told count, changes []headcount) {
	r.updatePrior(told.at)
	now, told := r.after(told, changes)
	r.newest = now.headcount
	if now.clients != r.clients {
		t.setClients(r, now.clients)
	}
	r.derived = nil
	if len(changes) > 0 {
		r.derived = &derivation{told, changes}
	}
}

// after returns the count after the changes. last is the last event with a count of told's
// moment, which may be another one than told.
func (r *room) after(told count, changes []headcount) (now, last count) {
	changes = slices.Clone(changes)
	slices.SortFunc(changes, headcount.compare)
	n := 0
	for n < len(changes) && changes[n].at == told.at {
		n++
	}
	last, rest := r.choose(told, changes[:n])
	now = last
	for _, h := range rest {
		now = h.after(now.clients)
	}
	for changes = changes[n:]; len(changes) > 0; changes = changes[n:] {
		n = 1
		for n < len(changes) && changes[n].at == changes[0].at {
			n++
		}
		for _, i := range inOrder(changes[:n], now.clients.Sum(), true) {
			now = changes[i].after(now.clients)
		}
	}
	return now, last
}

// after returns the count after an event that has none, from the clients before it.
func (h headcount) after(clients ByRole) count {
	switch h.change {
	case 1:
		clients[h.role]++
	case -1:
		clients.leave(h.role, 1)
	}
	if h.total != unknownTotal {
		// Events were lost. The roles of those who joined are unknown.
		difference := h.total - clients.Sum()
		clients[otherRole] += max(0, difference)
		clients.leave(otherRole, -difference)
	}
	return count{h, clients}
}

// leave removes n clients of a role. If there are fewer, it removes clients of the largest
// role: roles may change without an event.
func (b *ByRole) leave(who role, n int64) {
	for n > 0 && b.Sum() > 0 {
		if b[who] == 0 {
			for i := range b {
				if b[i] > b[who] {
					who = role(i)
				}
			}
		}
		gone := min(n, b[who])
		b[who] -= gone
		n -= gone
	}
}

// derivations describes the rooms' derivations. They are at the end of the state, and rare: a
// state without any has the same format as before they were introduced.
func (c *codec) derivations(t *Tracker) {
	if c.reading {
		for len(c.bytes) > 0 {
			var name string
			c.text(&name)
			d := &derivation{}
			c.derivation(d)
			r := t.rooms[name]
			if c.damaged || r == nil || len(d.changes) == 0 {
				c.damage()
				return
			}
			r.derived = d
		}
		return
	}
	for _, r := range t.rooms {
		if r.derived != nil {
			c.text(&r.name)
			c.derivation(r.derived)
		}
	}
}

func (c *codec) derivation(d *derivation) {
	c.byRole(&d.told.clients)
	c.headcount(&d.told.headcount)
	n := c.size(len(d.changes))
	if n > maxChanges {
		c.damage()
		return
	}
	if c.reading {
		d.changes = make([]headcount, n)
	}
	for i := range d.changes {
		c.headcount(&d.changes[i])
	}
}
