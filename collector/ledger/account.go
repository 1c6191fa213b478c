package ledger

import (
	"fmt"
	"time"
)

// maxLate is how long after its creation or first use a room of the account may be shown
// for the first time.
const maxLate = 30 * time.Minute

// identity determines from a poll's rooms whether it reads the account of the store.
// Insights does not say whose rooms it lists, and all rooms of an account may be deleted
// and others made. But a room from before the last full poll was in that: if a poll finds
// none of the store's rooms, and some that are as old, the account is another one.
type identity struct {
	// before is the time before which a room must be known, in seconds since 1970; 0 if
	// unknown.
	before int64
	// known is true once the poll has read a room of the store.
	known bool
	// read counts the other rooms, and old those of them from before that time.
	read, old int
}

// identity returns the identity of a poll that begins.
func (l *Ledger) identity() identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.state.FullPollStarted
	if last.IsZero() {
		last = l.state.FullPoll // the store does not have it
	}
	if !l.state.Complete || l.nextID == 0 || last.IsZero() {
		return identity{}
	}
	return identity{before: Seconds(last.Add(-maxLate))}
}

// see takes a reading that is the poll's first of a room, with the store's row if that has
// the name.
func (i *identity) see(reading, row Row, named bool) {
	if named && (row.Created == reading.Created || row.Created == 0 || reading.Created == 0) {
		i.known = true
		return
	}
	i.read++
	since := reading.FirstSession
	if since == 0 {
		since = reading.LastSession
	}
	if since == 0 {
		since = reading.Created
	}
	if since != 0 && since < i.before {
		i.old++
	}
}

// settled reports whether the account is known to be the store's.
func (i *identity) settled() bool { return i.known || i.before == 0 }

// check returns an error if the account is another one.
func (i *identity) check() error {
	if i.settled() || i.old == 0 {
		return nil
	}
	return &AnotherAccountError{Rooms: i.read, Old: i.old, FullPoll: time.Unix(i.before, 0).Add(maxLate).UTC()}
}

// AnotherAccountError means that the rooms read by a poll do not belong to the store's
// account.
type AnotherAccountError struct {
	// Rooms counts the rooms read that are not in the store. Old counts those among them that
	// the last full poll should have read.
	Rooms, Old int
	// FullPoll is when the last full poll began.
	FullPoll time.Time
}

func (e *AnotherAccountError) Error() string {
	return fmt.Sprintf("of %d rooms read it has none, though %d are older than its last full poll of %s",
		e.Rooms, e.Old, e.FullPoll.Format(time.RFC3339))
}

// Resume makes a poll that continues after a failure check again whose rooms it reads: the API
// key may have been changed.
func (p *Poll) Resume() { p.identity = p.ledger.identity() }

// Recognized reports whether the poll is known to read the store's account. Until then,
// nothing that it read may be used.
func (p *Poll) Recognized() bool { return p.identity.settled() }

// Replaced counts the rooms of a poll that found none of the store's rooms: if it can be
// committed, all of them are new.
func (p *Poll) Replaced() int {
	if p.identity.settled() {
		return 0
	}
	return p.identity.read
}
