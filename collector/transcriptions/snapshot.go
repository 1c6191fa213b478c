package transcriptions

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Snapshot is what transcriptions come to. It is immutable.
type Snapshot struct {
	// Complete is true once the listing was read to its end: until then there is nothing but
	// counts by status that rest on events.
	Complete bool
	// Exposed is true if counts by status are shown nevertheless.
	Exposed bool
	// Prefixes are lifetime figures, sorted by prefix.
	Prefixes []PrefixFigures
	account  Usage
	used     map[string]Usage
	none     Usage // of a prefix without transcriptions
	fullRead time.Time
	periods  *Periods
}

// PrefixFigures are lifetime figures of a prefix.
type PrefixFigures struct {
	Prefix   string
	Billable time.Duration
	ByStatus ByStatus
	// Cost is what they cost by [Periods.Rates], in the unit of [Rate.Minute].
	Cost int64
}

// Usage is the billable time of transcriptions that started in a billing period, and in the
// one before.
type Usage struct {
	Used, Previous time.Duration
	// Cost and PreviousCost are what they cost by [Periods.Rates], in the unit of
	// [Rate.Minute].
	Cost, PreviousCost int64
	// Known is true if that is all.
	Known bool
}

// Minutes are minutes as they are billed: seconds by 60, not rounded.
func Minutes(d time.Duration) float64 { return d.Seconds() / 60 }

// Account returns the usage of the whole account.
func (s *Snapshot) Account() Usage { return s.account }

// Prefix returns the usage of a prefix.
func (s *Snapshot) Prefix(prefix string) Usage {
	if usage, ok := s.used[prefix]; ok {
		return usage
	}
	return s.none
}

// Shown reports whether there are figures but for counts by status. Nil has none.
func (s *Snapshot) Shown() bool { return s != nil && s.Complete }

// Final reports whether nothing of a period that could be closed at a time will change any
// more: the listing was read to its end since. What is not known does not count.
func (s *Snapshot) Final(closes time.Time) bool {
	return !s.Shown() || !s.account.Known || !s.fullRead.Before(closes)
}

// Snapshot returns the figures for billing periods, which must not change from then on.
func (l *Ledger) Snapshot(p *Periods) (*Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.periods.equal(p) {
		if err := l.recount(p); err != nil {
			return nil, err
		}
	}
	if l.periods != p {
		l.periods, l.snapshot = p, nil
	}
	return l.current(), nil
}

// Refresh returns the figures of now for the billing periods of a snapshot, as long as it is
// the last one that was asked for; else it gives the snapshot. Nil stays nil.
func (l *Ledger) Refresh(s *Snapshot) *Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == nil || l.periods != s.periods {
		return s
	}
	return l.current()
}

func (l *Ledger) current() *Snapshot {
	if l.snapshot == nil {
		l.snapshot = l.make()
	}
	return l.snapshot
}

// Recount has labels be asked for again: the configuration may have moved rooms.
func (l *Ledger) Recount() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.periods = &Periods{Account: Span{Previous: math.MinInt64}} // equal to none
}

func (l *Ledger) make() *Snapshot {
	known := l.state.Complete && !l.state.Refused
	asideUnder := map[string]bool{}
	for _, room := range l.state.Aside {
		if room == "" {
			known = false
		} else {
			asideUnder[l.label(room)] = true
		}
	}
	s := &Snapshot{
		Complete: l.state.Complete, Exposed: l.state.Complete || l.state.Exposed, fullRead: l.state.FullRead, periods: l.periods,
		none: Usage{Known: known}, account: l.account.shown(known && len(asideUnder) == 0), used: make(map[string]Usage, len(l.used)),
	}
	for label, sum := range l.used {
		s.used[label] = sum.shown(known && !asideUnder[label])
	}
	for label := range asideUnder {
		if _, ok := s.used[label]; !ok {
			s.used[label] = Usage{}
		}
	}
	for label, c := range l.counters {
		s.Prefixes = append(s.Prefixes, PrefixFigures{label, time.Duration(c.billable) * time.Millisecond, c.byStatus, l.costs[label]})
	}
	slices.SortFunc(s.Prefixes, func(a, b PrefixFigures) int { return cmp.Compare(a.Prefix, b.Prefix) })
	return s
}

func (u usage) shown(known bool) Usage {
	return Usage{
		Used: time.Duration(u.used.billable) * time.Millisecond, Previous: time.Duration(u.previous.billable) * time.Millisecond,
		Cost: u.used.cost, PreviousCost: u.previous.cost, Known: known,
	}
}
