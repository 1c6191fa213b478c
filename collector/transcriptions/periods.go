package transcriptions

import (
	"fmt"
	"maps"
)

// Periods are the billing periods that figures are wanted for: those of prefixes may begin on
// other days than the account's.
type Periods struct {
	Prefixes map[string]Span
	Account  Span
}

// Span is where a billing period and the one before begin, in milliseconds since 1970.
type Span struct{ Previous, Current int64 }

func (p *Periods) equal(o *Periods) bool {
	return p == o || p.Account == o.Account && maps.Equal(p.Prefixes, o.Prefixes)
}

// in gives what of an amount belongs to the periods.
func (s Span) in(started, amount int64) usage {
	switch {
	case started >= s.Current:
		return usage{used: amount}
	case started >= s.Previous:
		return usage{previous: amount}
	}
	return usage{}
}

func (u *usage) add(o usage) { u.used, u.previous = u.used+o.used, u.previous+o.previous }

// countPeriods adds a row to the figures of periods, or takes it out.
func (l *Ledger) countPeriods(row Row, sign int64) {
	amount := sign * row.Billable
	if amount == 0 {
		return
	}
	l.account.add(l.periods.Account.in(row.Started, amount))
	label := l.label(row.Room)
	span, ok := l.periods.Prefixes[label]
	if !ok {
		return
	}
	sum := l.used[label]
	if sum == nil {
		sum = &usage{}
		l.used[label] = sum
	}
	sum.add(span.in(row.Started, amount))
}

// recount sums all rows for the periods and the labels of now.
func (l *Ledger) recount(p *Periods) error {
	periods, used, account := l.periods, l.used, l.account
	l.periods, l.used, l.account = p, map[string]*usage{}, usage{}
	for row, err := range l.store.Rows() {
		if err != nil {
			l.periods, l.used, l.account = periods, used, account
			return fmt.Errorf("read transcriptions: %w", err)
		}
		if _, changed := l.unsaved[row.ID]; !changed {
			l.countPeriods(row, 1)
		}
	}
	for _, row := range l.unsaved {
		l.countPeriods(row, 1)
	}
	l.snapshot = nil
	return nil
}
