package transcriptions

import (
	"fmt"
	"maps"
	"slices"
)

// Periods are the billing periods that figures are wanted for: those of prefixes may begin on
// other days than the account's.
type Periods struct {
	Prefixes map[string]Span
	// Account is also the span of prefixes that are not named.
	Account Span
	// Rates give what transcriptions cost; nil if they have no price.
	Rates Rates
}

// Span is where a billing period and the one before begin, in milliseconds since 1970.
type Span struct{ Previous, Current int64 }

func (p *Periods) equal(o *Periods) bool {
	return p == o || p.Account == o.Account && maps.Equal(p.Prefixes, o.Prefixes) && slices.Equal(p.Rates, o.Rates)
}

// in returns what of an amount belongs to the periods.
func (s Span) in(started int64, amount amount) usage {
	switch {
	case started >= s.Current:
		return usage{used: amount}
	case started >= s.Previous:
		return usage{previous: amount}
	}
	return usage{}
}

func (u *usage) add(o usage) {
	u.used.add(o.used)
	u.previous.add(o.previous)
}

// countPeriods adds a row to the figures of periods and to the costs, or takes it out.
func (l *Ledger) countPeriods(row Row, sign int64) {
	if row.Billable == 0 {
		return
	}
	amount := amount{sign * row.Billable, sign * l.periods.Rates.Cost(row)}
	l.costs[row.Label] += amount.cost
	l.account.add(l.periods.Account.in(row.Started, amount))
	label := l.label(row.Room)
	span, ok := l.periods.Prefixes[label]
	if !ok {
		span = l.periods.Account
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
	periods, used, account, costs := l.periods, l.used, l.account, l.costs
	l.periods, l.used, l.account, l.costs = p, map[string]*usage{}, usage{}, map[string]int64{}
	for row, err := range l.store.Rows() {
		if err != nil {
			l.periods, l.used, l.account, l.costs = periods, used, account, costs
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
