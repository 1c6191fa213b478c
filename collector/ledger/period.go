package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"whereby_exporter/collector/billing"
)

// scope is for whom a billing period is: the customers' may begin on other days than
// the account's.
type scope int

const (
	scopePrefix scope = iota
	scopeAccount
	scopes
)

// Base is what a room had used when a billing period began: its lifetime totals less
// those of the sessions that have started since. Sessions from before that grow later
// are in it with all their minutes.
type Base struct {
	// Start is that of the period, in seconds since 1970; 0 where there is no base.
	Start int64
	Totals
}

// used is what the room used in the period from start. It is not known where the room
// is older than the period and was used in it, and nobody has read yet how much of
// its totals is older.
func (r Row) used(s scope, start int64) (used Totals, known bool) {
	switch {
	case r.LastSession < start:
		return Totals{}, true
	case r.FirstSession != 0 && r.FirstSession >= start:
		return r.Totals, true
	case r.Bases[s].Start == start:
		// A reading of the base may be newer than that of the totals.
		return r.Totals.Sub(r.Bases[s].Totals).Max(Totals{}), true
	}
	return Totals{}, false
}

// prefixSum is what the rows of a prefix come to. Rooms are those that the last
// complete pass saw, rows all that were ever seen.
type prefixSum struct {
	Totals
	rooms, rows int64

	periods [scopes]billing.Period
	used    [scopes]Totals
	// wanting counts the rows whose use in the period is not known; known is set once
	// there was none. Later such rows count from when their base has been read.
	wanting [scopes]int64
	known   [scopes]bool
}

// add puts a row in, take takes it out again.
func (p *prefixSum) add(r Row) {
	p.Totals = p.Totals.Add(r.Totals)
	p.rows++
	for s := range scopes {
		used, known := r.used(s, p.periods[s].Start.Unix())
		p.used[s] = p.used[s].Add(used)
		if !known {
			p.wanting[s]++
		}
	}
}

func (p *prefixSum) take(r Row) {
	p.Totals = p.Totals.Sub(r.Totals)
	p.rows--
	for s := range scopes {
		used, known := r.used(s, p.periods[s].Start.Unix())
		p.used[s] = p.used[s].Sub(used)
		if !known {
			p.wanting[s]--
		}
	}
}

// settle notes which periods are known.
func (p *prefixSum) settle() {
	for s := range scopes {
		p.known[s] = p.known[s] || p.wanting[s] == 0
	}
}

// next returns an empty sum for the same prefix at a time.
func (p *prefixSum) next(periods [scopes]billing.Period) *prefixSum {
	n := &prefixSum{periods: periods}
	for s := range scopes {
		// Where a period simply follows the last one, all rows begin at nothing.
		same, follows := periods[s].Start.Equal(p.periods[s].Start), periods[s].Start.Equal(p.periods[s].End)
		n.known[s] = p.known[s] && (same || follows)
	}
	return n
}

// periods are those of a label at the ledger's time.
func (l *Ledger) periods(label string) [scopes]billing.Period {
	return [scopes]billing.Period{l.options.Calendar(label).At(l.now), l.options.Account.At(l.now)}
}

// Advance tells the ledger the time. Where a billing period has ended, the figures of
// all that ended with it change in one snapshot.
func (l *Ledger) Advance(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	rolled, err := l.advance(now)
	if rolled {
		l.publish()
	}
	return err
}

// MaxSetBack is by how far a clock may be set back without a billing period that has
// ended beginning anew. A time that is further ahead was that of a wrong clock.
const MaxSetBack = time.Hour

// tell takes the time.
func (l *Ledger) tell(now time.Time) {
	if back := l.now.Sub(now); back <= 0 || back > MaxSetBack {
		l.now = now
	}
}

// advance tells whether a period has ended.
func (l *Ledger) advance(now time.Time) (rolled bool, err error) {
	l.tell(now)
	now = l.now
	ended := !l.account.Contains(now)
	for _, sum := range l.sums {
		ended = ended || !sum.periods[scopePrefix].Contains(now)
	}
	if !ended {
		return false, nil
	}
	if err := l.recount(); err != nil {
		return false, fmt.Errorf("begin a billing period: %w", err)
	}
	return true, nil
}

// NextPeriod is when the next billing period begins.
func (l *Ledger) NextPeriod() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.account.End
	for _, sum := range l.sums {
		if end := sum.periods[scopePrefix].End; end.Before(next) {
			next = end
		}
	}
	return next
}

// Wanting is a room of which it has to be read how much of its totals is older than
// the present billing periods.
type Wanting struct {
	Row Row
	// Starts are those of the periods for which that is not known; 0 elsewhere.
	Starts [2]int64
}

// wanting tells of a row what has to be read, if anything.
func (l *Ledger) wanting(row Row) (Wanting, bool) {
	sum := l.sum(l.Label(row.Name))
	w, any := Wanting{Row: row}, false
	for s := range scopes {
		start := sum.periods[s].Start.Unix()
		if _, known := row.used(s, start); !known {
			w.Starts[s], any = start, true
		}
	}
	return w, any
}

// maxFresh bounds the names that are kept of rooms whose base is wanted; where there
// are more, the store is gone through for them.
const maxFresh = 1000

// wantingList knows which rooms' bases have to be read.
type wantingList struct {
	names []string
	// partial is set where there may be others in the store.
	partial bool
}

func (w *wantingList) add(name string) {
	if len(w.names) == maxFresh {
		w.partial = true
		return
	}
	w.names = append(w.names, name)
}

// Wanting lists rooms whose base has to be read, but for those that skip is true for;
// some of them where there are very many.
func (l *Ledger) Wanting(skip func(roomName string) bool) ([]Wanting, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.state.Complete {
		return nil, nil
	}
	var list []Wanting
	names := slices.Compact(slices.Sorted(slices.Values(l.wanted.names)))
	l.wanted.names = nil
	take := func(row Row) {
		if w, any := l.wanting(row); any {
			l.wanted.add(row.Name)
			if !skip(row.Name) {
				list = append(list, w)
			}
		}
	}
	if !l.wanted.partial {
		err := l.store.Get(names, func(_ int, row Row) { take(row) })
		if err != nil {
			l.wanted.partial = true
			return nil, fmt.Errorf("look for rooms older than the billing period: %w", err)
		}
		return list, nil
	}
	l.wanted.partial = false
	for row, err := range l.store.Rows("") {
		if err != nil {
			l.wanted.partial = true
			return nil, fmt.Errorf("look for rooms older than the billing period: %w", err)
		}
		if take(row); len(list) == maxFresh {
			l.wanted.partial = true
			break
		}
	}
	return list, nil
}

// SetBases notes what a room had used when billing periods began, those whose Start is
// not 0, and makes it durable and visible.
func (l *Ledger) SetBases(roomName string, bases [2]Base) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var row Row
	err := l.store.Get([]string{roomName}, func(_ int, found Row) { row = found })
	if err != nil || row.Name == "" {
		return fmt.Errorf("look up a room: %w", err)
	}
	before := row
	for s, base := range bases {
		if base.Start != 0 {
			row.Bases[s] = base
		}
	}
	if err := l.store.Commit(Change{Rows: []Row{row}}); err != nil {
		return fmt.Errorf("write what a room used before the billing period: %w", err)
	}
	sum := l.sum(l.Label(roomName))
	sum.take(before)
	sum.add(row)
	l.publish()
	return nil
}

// Run begins billing periods as they come, until the context is done.
func (l *Ledger) Run(ctx context.Context) error {
	for {
		// Clocks are set and machines sleep, so this looks more often than it has to.
		const longest = time.Minute
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(time.Millisecond, min(longest, time.Until(l.NextPeriod())))):
		}
		if err := l.Advance(time.Now()); err != nil {
			return err
		}
	}
}
