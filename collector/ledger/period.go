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

// Opening is an opening balance: what a room had used before a billing period. It is the
// room's lifetime totals less those of the sessions that have started in the period.
// Sessions from before that grow later are in it with all their minutes.
type Opening struct {
	// Start is that of the period, in seconds since 1970; 0 if there is no opening balance.
	Start int64
	Totals
}

// used is what the room used in the period from start. It is not known if the room
// is older than the period and was used in it, and its opening balance is missing.
func (r Row) used(s scope, start int64) (used Totals, known bool) {
	switch {
	case r.LastSession < start:
		return Totals{}, true
	case r.FirstSession != 0 && r.FirstSession >= start:
		return r.Totals, true
	case r.Openings[s].Start == start:
		// The opening balance may be read from totals newer than that of the totals.
		return r.Totals.Sub(r.Openings[s].Totals).Max(Totals{}), true
	}
	return Totals{}, false
}

// prefixSum is what the rows of a prefix come to. Rooms are those that the last
// full poll saw, rows all that were ever seen.
type prefixSum struct {
	Totals
	rooms, rows int64

	periods [scopes]billing.Period
	used    [scopes]Totals
	// missing counts the rows whose opening balance is missing; known is set once there
	// was none. Later such rows count from when their opening balance has been read.
	missing [scopes]int64
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
			p.missing[s]++
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
			p.missing[s]--
		}
	}
}

// settle notes which periods are known.
func (p *prefixSum) settle() {
	for s := range scopes {
		p.known[s] = p.known[s] || p.missing[s] == 0
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

// advance reports whether a period has ended.
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

// MissingOpening is a room whose opening balances of the present billing periods have to
// be read.
type MissingOpening struct {
	Row Row
	// Starts are those of the periods whose opening balance is missing; 0 for others.
	Starts [2]int64
}

// missing returns the opening balances of a row that have to be read, if any.
func (l *Ledger) missing(row Row) (MissingOpening, bool) {
	sum := l.sum(l.Label(row.Name))
	m, any := MissingOpening{Row: row}, false
	for s := range scopes {
		start := sum.periods[s].Start.Unix()
		if _, known := row.used(s, start); !known {
			m.Starts[s], any = start, true
		}
	}
	return m, any
}

// maxFresh bounds the names that are kept of rooms whose opening balance is missing; if
// there are more, the store is gone through for them.
const maxFresh = 1000

// missingList knows the rooms whose opening balances have to be read.
type missingList struct {
	names []string
	// partial is set if there may be others in the store.
	partial bool
}

func (m *missingList) add(name string) {
	if len(m.names) == maxFresh {
		m.partial = true
		return
	}
	m.names = append(m.names, name)
}

// MissingOpenings lists rooms whose opening balances have to be read, without those for
// which skip returns true; if there are very many, some of them.
func (l *Ledger) MissingOpenings(skip func(roomName string) bool) ([]MissingOpening, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.state.Complete {
		return nil, nil
	}
	var list []MissingOpening
	names := slices.Compact(slices.Sorted(slices.Values(l.openings.names)))
	l.openings.names = nil
	take := func(row Row) {
		if m, any := l.missing(row); any {
			l.openings.add(row.Name)
			if !skip(row.Name) {
				list = append(list, m)
			}
		}
	}
	if !l.openings.partial {
		err := l.store.Get(names, func(_ int, row Row) { take(row) })
		if err != nil {
			l.openings.partial = true
			return nil, fmt.Errorf("look for rooms older than the billing period: %w", err)
		}
		return list, nil
	}
	l.openings.partial = false
	for row, err := range l.store.Rows("") {
		if err != nil {
			l.openings.partial = true
			return nil, fmt.Errorf("look for rooms older than the billing period: %w", err)
		}
		if take(row); len(list) == maxFresh {
			l.openings.partial = true
			break
		}
	}
	return list, nil
}

// SetOpenings sets the opening balances of a room whose Start is not 0, and makes them
// durable and visible.
func (l *Ledger) SetOpenings(roomName string, openings [2]Opening) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var row Row
	err := l.store.Get([]string{roomName}, func(_ int, found Row) { row = found })
	if err != nil || row.Name == "" {
		return fmt.Errorf("look up a room: %w", err)
	}
	before := row
	for s, opening := range openings {
		if opening.Start != 0 {
			row.Openings[s] = opening
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
