package live

import (
	"slices"

	"whereby_exporter/whereby"
)

// maxSteps bounds the events of a room that are derived one from the other.
const maxSteps = 16

// derivation is who is in a room by events that do not say it: what the last one that did
// said, and what came after it, in order. So the order of their arrival changes nothing.
type derivation struct {
	base   ByRole
	baseAt headcount
	steps  []step
}

// step is an event that does not say who is in the room after it.
type step struct {
	headcount
	role role
}

// applyChange takes an event that does not say who is in the room after it: it follows
// from who was there before.
func (t *Tracker) applyChange(r *room, e whereby.Event, id hash, at int64) {
	total := int64(unknownTotal)
	if e.TotalKnown {
		total = int64(e.Total)
	}
	s := step{newHeadcount(e, id, at, t.now, total), roleOf(e.RoleName)}
	if s.change == 0 && total == unknownTotal {
		return
	}
	t.follow(r, s.headcount)
	d := r.derived
	if d == nil {
		if s.compare(r.newest) <= 0 {
			return
		}
		d = &derivation{base: r.clients, baseAt: r.newest}
	}
	if s.compare(d.baseAt) <= 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(d.steps, s, func(a, b step) int { return a.compare(b.headcount) })
	d.steps = slices.Insert(d.steps, i, s)
	if len(d.steps) > maxSteps {
		d.base, d.baseAt = d.steps[0].after(d.base), d.steps[0].headcount
		d.steps = slices.Delete(d.steps, 0, 1)
	}
	t.derive(r, d)
}

// rebase takes an event that says who was in the room, in the midst of those that do not.
func (t *Tracker) rebase(r *room, at headcount, clients ByRole) {
	d := r.derived
	if d == nil || at.compare(d.baseAt) <= 0 {
		return
	}
	d.base, d.baseAt = clients, at
	d.steps = slices.DeleteFunc(d.steps, func(s step) bool { return s.compare(at) <= 0 })
	t.derive(r, d)
}

// derive works out who is in a room.
func (t *Tracker) derive(r *room, d *derivation) {
	clients := d.base
	for _, s := range d.steps {
		clients = s.after(clients)
	}
	newest := d.steps[len(d.steps)-1].headcount
	if newest != r.newest {
		r.newest, r.doubted = newest, 0
	}
	t.setClients(r, clients)
	r.derived = d
}

// after is who is in a room after the event.
func (s step) after(clients ByRole) ByRole {
	switch s.change {
	case 1:
		clients[s.role]++
	case -1:
		clients.leave(s.role, 1)
	}
	if s.total == unknownTotal {
		return clients
	}
	// Others came or went unnoticed. Of those who came nothing is known.
	difference := s.total - clients.Sum()
	clients[otherRole] += max(0, difference)
	clients.leave(otherRole, -difference)
	return clients
}

// leave takes n clients away: of a role, and then, since roles may change without an
// event, of that which most have.
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

// derivations describes what the rooms' derivations are. They stand at the end of the
// state, which has none as a rule: a state without any is as it was before there were some.
func (c *codec) derivations(t *Tracker) {
	if c.reading {
		for len(c.bytes) > 0 {
			var name string
			c.text(&name)
			d := &derivation{}
			c.derivation(d)
			r := t.rooms[name]
			if c.damaged || r == nil || len(d.steps) == 0 {
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
	c.figures(d.base[:])
	c.headcount(&d.baseAt)
	n := c.size(len(d.steps))
	if n > maxSteps {
		c.damage()
		return
	}
	if c.reading {
		d.steps = make([]step, n)
	}
	for i := range d.steps {
		s := &d.steps[i]
		c.headcount(&s.headcount)
		who := int64(s.role)
		c.whole(&who)
		if who < 0 || who >= int64(roles) {
			c.damage()
			return
		}
		s.role = role(who)
	}
}
