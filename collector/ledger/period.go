package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"whereby_exporter/collector/billing"
)

// scope says whose billing period it is: those of customers may begin on other days than the
// account's.
type scope int

const (
	scopePrefix scope = iota
	scopeAccount
	scopes
)

// span is a billing period and the previous one.
type span struct{ previous, current billing.Period }

// spanAt returns the span at a time.
func spanAt(c billing.Calendar, now time.Time) span {
	current := c.At(now)
	return span{previous: c.At(current.Start.Add(-time.Nanosecond)), current: current}
}

// closes returns when the figures of the previous period can be final.
func (s span) closes() time.Time { return s.current.Start.Add(Closing) }

// spans are those of a label at the ledger's time.
func (l *Ledger) spans(label string) [scopes]span {
	return [scopes]span{spanAt(l.options.Calendar(label), l.now), spanAt(l.options.Account, l.now)}
}

// starts returns the times at which the rooms of a prefix need an opening balance.
func (p *prefixSum) starts() []int64 {
	starts := make([]int64, 0, 2*int(scopes)+len(p.since))
	for i := range p.since {
		starts = append(starts, p.since[i].Start)
	}
	for _, span := range p.spans {
		starts = append(starts, span.previous.Start.Unix(), span.current.Start.Unix())
	}
	slices.Sort(starts)
	return slices.Compact(starts)
}

// prefixSum is what the rows of a prefix come to. Rooms are those that the last
// full poll saw, rows all that were ever seen.
type prefixSum struct {
	Totals
	rooms, rows int64
	spans       [scopes]span
	usage       [scopes]usageSum
	since       []Since
}

func newPrefixSum(spans [scopes]span, marks []int64) *prefixSum {
	p := &prefixSum{spans: spans}
	for _, mark := range marks {
		p.since = append(p.since, Since{Start: mark})
	}
	return p
}

// usageSum sums the usage of rooms.
type usageSum struct {
	used, previous Totals
	// Of unread rooms it is not known what they used in the period, and of previousUnread
	// in the one before; the figures of unsettled may still change.
	unread, previousUnread, unsettled int64
}

// add puts a row in, take takes it out again.
func (p *prefixSum) add(r Row)  { p.count(r, 1) }
func (p *prefixSum) take(r Row) { p.count(r, -1) }

func (p *prefixSum) count(r Row, sign int64) {
	p.Totals = p.Add(r.times(sign))
	p.rows += sign
	for i := range p.since {
		p.since[i].count(r, sign)
	}
	for s, span := range p.spans {
		u, sum := r.usage(span.previous.Start.Unix(), span.current.Start.Unix()), &p.usage[s]
		sum.used = sum.used.Add(u.used.times(sign))
		sum.previous = sum.previous.Add(u.previous.times(sign))
		if !u.read {
			sum.unread += sign
		}
		if !u.previousRead {
			sum.previousUnread += sign
		} else if !u.settled {
			sum.unsettled += sign
		}
	}
}

// plus returns the sum of two.
func (u usageSum) plus(v usageSum) usageSum {
	return usageSum{
		used: u.used.Add(v.used), previous: u.previous.Add(v.previous),
		unread: u.unread + v.unread, previousUnread: u.previousUnread + v.previousUnread, unsettled: u.unsettled + v.unsettled,
	}
}

// shown returns the usage as it is published. aside rooms are those whose rows could not be
// read: more may have been used in them. looked is when the last full poll began: a short
// one need not see what an old session has grown by.
func (u usageSum) shown(s span, aside int64, looked time.Time) PeriodUsage {
	unread, previousUnread := u.unread+aside, u.previousUnread+aside
	return PeriodUsage{
		Period: s.current, Used: u.used, Unread: unread,
		Previous: PreviousUsage{
			Period: s.previous, Used: u.previous, Unread: previousUnread,
			Final: previousUnread == 0 && u.unsettled == 0 && !looked.Before(s.closes()),
		},
	}
}

// Advance sets the ledger's time. If a billing period has ended, all figures that ended with
// it change in one snapshot.
func (l *Ledger) Advance(now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed, err := l.advance(now)
	if changed {
		l.publish()
	}
	return err
}

// MaxSetBack is how far a clock may be set back without restarting a billing period that has
// ended. A larger difference means that the clock was wrong before.
const MaxSetBack = time.Hour

// tell sets the time.
func (l *Ledger) tell(now time.Time) {
	if back := l.now.Sub(now); back <= 0 || back > MaxSetBack {
		l.now = now
	}
}

// advance reports whether a period has ended, or the previous one can be closed.
func (l *Ledger) advance(now time.Time) (changed bool, err error) {
	before := l.now
	l.tell(now)
	ended, closes := false, false
	for span := range l.allSpans() {
		ended = ended || !span.current.Contains(l.now)
		closes = closes || before.Before(span.closes()) && !l.now.Before(span.closes())
	}
	if !ended && !closes {
		return false, nil
	}
	if err := l.recount(nil); err != nil {
		return false, fmt.Errorf("begin a billing period: %w", err)
	}
	return true, nil
}

// allSpans yields the periods that figures are published for.
func (l *Ledger) allSpans() func(yield func(span) bool) {
	return func(yield func(span) bool) {
		if !yield(l.account) {
			return
		}
		for _, sum := range l.sums {
			if !yield(sum.spans[scopePrefix]) {
				return
			}
		}
	}
}

// nextChange returns when figures change next because time passes.
func (l *Ledger) nextChange() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.account.current.End
	for span := range l.allSpans() {
		for _, at := range [...]time.Time{span.closes(), span.current.End} {
			if at.After(l.now) && at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// Run begins and closes billing periods on time, according to now, until the context is done.
func (l *Ledger) Run(ctx context.Context, now func() time.Time) error {
	for {
		// Clocks are set and machines sleep, so this checks more often than necessary.
		const longest = time.Minute
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(time.Millisecond, min(longest, l.nextChange().Sub(now())))):
		}
		if err := l.Advance(now()); err != nil {
			return err
		}
	}
}
