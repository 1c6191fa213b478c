package ledger

import (
	"fmt"
	"time"
)

// Hold keeps what follows from being published, until [Ledger.Reveal].
func (l *Ledger) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true
}

// Reveal publishes what was followed.
func (l *Ledger) Reveal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	l.publish()
}

// Follow takes a change that the ledger of another process has committed: the rows may
// be known already, or newer ones of the same rooms. keep puts what becomes of them into
// the store. Nothing is published before [Ledger.Reveal].
func (l *Ledger) Follow(change Change, keep func(Change) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]string, len(change.Rows))
	for i, row := range change.Rows {
		names[i] = row.Name
	}
	known := make([]bool, len(change.Rows))
	before := make([]Row, len(change.Rows))
	err := l.store.Get(names, func(i int, row Row) {
		known[i], before[i] = true, row
		change.Rows[i] = row.follow(change.Rows[i])
	})
	if err != nil {
		return fmt.Errorf("compare with the ledger: %w", err)
	}
	change.Prefixes = l.prefixes.Load().adopt(change.Prefixes)
	if err := keep(change); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	for i, row := range change.Rows {
		l.nextID = max(l.nextID, row.ID+1)
		sum := l.sum(l.Label(row.Name))
		if known[i] {
			sum.take(before[i])
		}
		sum.add(row)
		if _, any := l.wanting(row); any {
			l.wanted.add(row.Name)
		}
	}
	if change.State != nil {
		l.state = *change.State
		l.state.Prefixes = nil
	}
	if change.Present == nil {
		_, err := l.advance(time.Now())
		return err
	}
	l.present = *change.Present
	l.tell(time.Now())
	return l.recount()
}

// follow joins a row with what another process committed. It is as merge is, but that
// rows have bases: the one that is read last goes first, whatever its period, as a
// configuration may move the periods back.
func (r Row) follow(o Row) Row {
	joined := r.merge(o)
	for s, base := range o.Bases {
		if base.Start != 0 {
			joined.Bases[s] = base
		}
	}
	return joined
}
