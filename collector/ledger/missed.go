package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// existing are the rooms that are taken to exist. If cursors count rows, each room that is
// deleted while pages are read hides another one. So a room that a full poll does not see
// exists until Insights does not show it when requested by name.
type existing struct {
	// listed are the rooms that the last full poll saw.
	listed IDSet
	// unlisted are the others: full polls have missed them, or they are newer.
	unlisted IDSet
	// missed are those of unlisted that no poll has seen since the last full one missed
	// them, and missedAside such rooms that were set aside before.
	missed      IDSet
	missedAside []string
	// looking is when that full poll began, while there are missed rooms.
	looking time.Time
}

// knownSince adds the rooms with IDs from first to before next, which are newer than the last
// full poll.
func (e *existing) knownSince(first, next uint32) {
	for id := first; id < next; id++ {
		e.unlisted.Add(id)
	}
}

// after returns the rooms that exist after a poll, except those that are new in it. left are
// the rooms set aside that it has not seen.
func (e existing) after(p *Poll, c Completion, left []string) existing {
	unseen := e.listed.union(&e.unlisted)
	unseen = unseen.without(&p.seen)
	switch {
	case c.OnePage: // one page shows all rooms
		return existing{looking: c.Started}
	case c.Complete:
		if e.hidNothing(p, c) {
			unseen = unseen.without(&e.missed)
		}
		return existing{unlisted: unseen, missed: unseen.clone(), missedAside: left, looking: c.Started}
	}
	e.unlisted = e.unlisted.union(&p.seen)
	e.unlisted = e.unlisted.without(&e.listed)
	e.unlisted = e.unlisted.without(&p.goneRows)
	e.missed = e.missed.without(&p.seen)
	e.missed = e.missed.without(&p.goneRows)
	e.missedAside = slices.DeleteFunc(slices.Clone(e.missedAside), func(name string) bool { return !slices.Contains(left, name) })
	return e
}

// hidNothing reports whether the previous full poll saw all rooms. It may miss a room for each
// one that is deleted after it was seen, but all rooms that it saw still exist.
func (e existing) hidNothing(p *Poll, c Completion) bool {
	deleted := e.listed.without(&p.seen)
	return c.Complete && deleted.Len() == 0
}

// unconfirmable returns the rows of rooms that a poll shows to be deleted, without the opening
// balances that cannot be confirmed: their sessions may no longer be listed.
func (l *Ledger) unconfirmable(p *Poll, c Completion, after existing) (dropped []replaced, err error) {
	drop := func(row Row) {
		if gone, ok := row.gone(); ok {
			dropped = append(dropped, replaced{row, gone})
		}
	}
	if !c.Complete {
		err = l.store.Get(slices.Sorted(maps.Keys(p.gone)), func(_ int, row Row) { drop(row) })
		if err != nil {
			return nil, fmt.Errorf("look rooms up in the ledger: %w", err)
		}
		return dropped, nil
	}
	gone := l.exist.listed.union(&l.exist.unlisted)
	gone = gone.without(&p.seen)
	gone = gone.without(&after.unlisted)
	if gone.Len() == 0 {
		return nil, nil
	}
	if !l.unsure.partial {
		if err := l.store.Get(l.unsure.among(&gone), func(_ int, row Row) { drop(row) }); err != nil {
			return nil, fmt.Errorf("look rooms up in the ledger: %w", err)
		}
		return dropped, nil
	}
	for row, err := range l.store.Rows("") {
		if err != nil {
			return nil, fmt.Errorf("look for rooms that are deleted: %w", err)
		}
		if gone.Has(row.ID) {
			drop(row)
		}
	}
	return dropped, nil
}

// Missed lists up to limit rooms that the last full poll missed, starting at a name, and
// returns the name to continue from, or "" if there are no more. Such a room was deleted, or
// is hidden.
func (l *Ledger) Missed(from string, limit int) (names []string, next string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from == "" {
		names = slices.Clone(l.exist.missedAside)
	}
	left := l.exist.missed.Len()
	if left == 0 {
		return names, "", nil
	}
	for row, err := range l.store.Rows(from) {
		switch {
		case err != nil:
			return nil, "", fmt.Errorf("look for rooms that a poll has missed: %w", err)
		case !l.exist.missed.Has(row.ID):
		case len(names) >= limit:
			return names, row.Name, nil
		default:
			names = append(names, row.Name)
		}
	}
	return names, "", nil
}

// Gone records a room that Insights does not show when requested by name.
func (p *Poll) Gone(roomName string) error {
	p.gone[roomName] = struct{}{}
	err := p.ledger.store.Get([]string{roomName}, func(_ int, row Row) { p.goneRows.Add(row.ID) })
	if err != nil {
		return fmt.Errorf("look a room up in the ledger: %w", err)
	}
	return nil
}
