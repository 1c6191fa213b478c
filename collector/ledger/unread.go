package ledger

import (
	"cmp"
	"fmt"
	"slices"
)

// Unread is a room whose opening balances must be read.
type Unread struct {
	Row Row
	// Starts are the times for which balances are needed next, earliest first. All also
	// includes those that can wait because they need longer lists.
	Starts, All []int64
	// Leaving is set if the balances could wait, but Whereby will delete the room.
	Leaving bool
}

// maxUnread bounds the unread rooms that are known at once. If there are more, the store is
// searched again once these are read.
const maxUnread = 20_000

// unreadQueue holds unread rooms, the most urgent first.
type unreadQueue struct {
	rooms []unreadRoom
	// partial is true if there may be others in the store.
	partial bool
}

// unreadRoom is an unread room with its urgency.
type unreadRoom struct {
	name, label string
	// closing is true if only the previous period's figures wait for the room.
	closing bool
	minutes int64
}

// add appends a room.
func (q *unreadQueue) add(room unreadRoom) {
	if len(q.rooms) >= 2*maxUnread {
		q.partial = true
		return
	}
	q.rooms = append(q.rooms, room)
}

// sort sorts the rooms, and drops those beyond [maxUnread]. The current period comes before the
// previous one, customers with a quota come before others, then prefixes with few unread rooms,
// then the rooms with the highest totals.
func (q *unreadQueue) sort(limited func(label string) bool, unread func(label string) int64) {
	rank := func(room unreadRoom) int {
		switch {
		case room.closing:
			return 2
		case limited(room.label):
			return 0
		}
		return 1
	}
	slices.SortFunc(q.rooms, func(a, b unreadRoom) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(unread(a.label), unread(b.label)),
			cmp.Compare(a.label, b.label), cmp.Compare(b.minutes, a.minutes), cmp.Compare(a.name, b.name))
	})
	if len(q.rooms) > maxUnread {
		q.rooms, q.partial = slices.Clip(q.rooms[:maxUnread]), true
	}
}

// sortUnread sorts the unread rooms.
func (l *Ledger) sortUnread() {
	l.unread.sort(l.options.Limited, func(label string) int64 { return l.sum(label).usage[scopePrefix].unread })
}

// unreadAs returns the unread room of a row; ok is false if it is none.
func (l *Ledger) unreadAs(label string, sum *prefixSum, row Row) (room unreadRoom, ok bool) {
	if len(row.unsettled(sum.starts(), l.now.Unix())) == 0 {
		return unreadRoom{}, false
	}
	closing := true
	for _, span := range sum.spans {
		closing = closing && row.opening(span.current.Start.Unix()).Known()
	}
	return unreadRoom{name: row.Name, label: label, closing: closing, minutes: row.ParticipantMinutes}, true
}

// noteUnread adds a row to the unread rooms if it is one.
func (l *Ledger) noteUnread(label string, sum *prefixSum, row Row) {
	room, ok := l.unreadAs(label, sum, row)
	if !ok {
		return
	}
	l.unread.add(room)
	if len(l.unread.rooms) >= 2*maxUnread {
		l.sortUnread()
	}
}

// Unread lists up to limit rooms whose opening balances must be read, the most urgent first,
// except those for which skip returns true. Rooms that Whereby will delete before their
// balances are due come before all others.
func (l *Ledger) Unread(limit int, skip func(roomName string) bool) ([]Unread, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.state.Complete {
		return nil, nil
	}
	if list, err := l.listLeaving(limit, skip); err != nil || len(list) > 0 {
		return list, err
	}
	list, err := l.listUnread(limit, skip)
	if err != nil || len(list) > 0 || !l.unread.partial {
		return list, err
	}
	if err := l.findUnread(); err != nil {
		return nil, err
	}
	return l.listUnread(limit, skip)
}

// listUnread lists the rooms that are known to be unread.
func (l *Ledger) listUnread(limit int, skip func(roomName string) bool) ([]Unread, error) {
	const batch = 256
	var list []Unread
	seen := make(map[string]bool)
	rooms := l.unread.rooms
	kept := rooms[:0]
	for len(rooms) > 0 && len(list) < limit {
		some := rooms[:min(batch, len(rooms))]
		rows := make([]Row, len(some))
		names := make([]string, len(some))
		for i, room := range some {
			names[i] = room.name
		}
		if err := l.store.Get(names, func(i int, row Row) { rows[i] = row }); err != nil {
			l.unread = unreadQueue{partial: true}
			return nil, fmt.Errorf("look for rooms older than the billing period: %w", err)
		}
		n := 0
		for i, room := range some {
			if len(list) == limit {
				break
			}
			n++
			starts, all := l.wanted(room.label, rows[i])
			if len(starts) == 0 || seen[room.name] {
				continue
			}
			seen[room.name] = true
			kept = append(kept, room)
			if !skip(room.name) {
				list = append(list, Unread{Row: rows[i], Starts: starts, All: all})
			}
		}
		rooms = rooms[n:]
	}
	l.unread.rooms = append(kept, rooms...)
	return list, nil
}

// wanted returns the times for which a room's opening balances must be read next, and all for
// which they must be read: those of the current periods come first.
func (l *Ledger) wanted(label string, row Row) (current, all []int64) {
	sum := l.sum(label)
	all = row.unsettled(sum.starts(), l.now.Unix())
	for _, start := range all {
		if slices.ContainsFunc(sum.spans[:], func(s span) bool { return s.current.Start.Unix() == start }) && !row.opening(start).Known() {
			current = append(current, start)
		}
	}
	if len(current) == 0 {
		current = all
	}
	return current, all
}

// findUnread searches the store for unread rooms.
func (l *Ledger) findUnread() error {
	l.unread = unreadQueue{}
	for row, err := range l.store.Rows("") {
		if err != nil {
			l.unread = unreadQueue{partial: true}
			return fmt.Errorf("look for rooms older than the billing period: %w", err)
		}
		label := l.Label(row.Name)
		l.noteUnread(label, l.sum(label), row)
	}
	l.sortUnread()
	return nil
}

// noteRaised is noteUnread for a row that has replaced another one, which may already be among
// the unread rooms.
func (l *Ledger) noteRaised(label string, sum *prefixSum, before, row Row) {
	if was, ok := l.unreadAs(label, sum, before); ok {
		if is, ok := l.unreadAs(label, sum, row); ok && is.closing == was.closing {
			return
		}
	}
	l.noteUnread(label, sum, row)
}

// SetOpenings sets opening balances that were computed for a row, and makes them durable and
// visible. If a session has begun or been counted in the room since, it changes nothing and
// returns false.
func (l *Ledger) SetOpenings(base Row, openings []Opening) (ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var before Row
	err = l.store.Get([]string{base.Name}, func(_ int, found Row) { before = found })
	if err != nil {
		return false, fmt.Errorf("look up a room: %w", err)
	}
	if before.Name == "" || before.Created != base.Created || before.LastSession != base.LastSession || before.Sessions != base.Sessions {
		return false, nil
	}
	row := before
	for _, o := range openings {
		if o.Known() || !row.opening(o.Start).Known() {
			if o.Certainty == Listed && before.Totals != base.Totals {
				o.Certainty = Provisional // a poll has raised the row, or will
			}
			row = row.withOpening(o)
		}
	}
	if err := l.replace([]replaced{{before, row}}, Change{}); err != nil {
		return false, err
	}
	l.publish()
	return true, nil
}

// Unconfirmed records that the sessions of a room could not be listed for a long time. Its
// opening balances that should have been confirmed by now are dropped, so the room is unread.
func (l *Ledger) Unconfirmed(roomName string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var dropped []replaced
	err := l.store.Get([]string{roomName}, func(_ int, row Row) {
		if without, ok := row.drop(l.now.Add(-Closing).Unix() + 1); ok {
			dropped = append(dropped, replaced{row, without})
		}
	})
	if err != nil {
		return fmt.Errorf("look up a room: %w", err)
	}
	if len(dropped) == 0 {
		return nil
	}
	if err := l.replace(dropped, Change{}); err != nil {
		return err
	}
	l.publish()
	return nil
}
