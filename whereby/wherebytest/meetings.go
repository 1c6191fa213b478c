package wherebytest

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// meeting is a session as far as it must be known to find it by time: from the
// first moment that something happens in it to the last, or a little later.
type meeting struct {
	located
	opens, closes int64 // closes math.MaxInt64: it runs on
	latest        int64 // the highest closes up to and including this one
}

// meetings finds the sessions of any time without going through all rooms. Of a
// demo, it holds those alone that had not ended when the account was made.
type meetings struct {
	sorted []meeting // by opens
	added  []meeting // since sorted was put in order
	// version counts the changes.
	version int
}

func (m *meetings) add(l located, opens, closes int64) {
	m.version++
	m.added = append(m.added, meeting{located: l, opens: opens, closes: closes})
}

// drop takes a session out as if it had never been.
func (m *meetings) drop(s *session) {
	m.version++
	m.arrange()
	m.sorted = slices.DeleteFunc(m.sorted, func(x meeting) bool { return x.session == s })
	m.chain(0)
}

// arrange puts what was added in its place.
func (m *meetings) arrange() {
	if len(m.added) == 0 {
		return
	}
	first := slices.MinFunc(m.added, meeting.compare)
	from := sort.Search(len(m.sorted), func(i int) bool { return m.sorted[i].compare(first) > 0 })
	m.sorted = append(m.sorted, m.added...)
	slices.SortStableFunc(m.sorted[from:], meeting.compare)
	m.chain(from)
	clear(m.added)
	m.added = m.added[:0]
}

// chain computes latest again from a position on.
func (m *meetings) chain(from int) {
	latest := int64(math.MinInt64)
	if from > 0 {
		latest = m.sorted[from-1].latest
	}
	for i := from; i < len(m.sorted); i++ {
		latest = max(latest, m.sorted[i].closes)
		m.sorted[i].latest = latest
	}
}

func (x meeting) compare(y meeting) int { return cmp.Compare(x.opens, y.opens) }

// between yields the sessions in which something may happen from a time until
// before another, in no useful order.
func (m *meetings) between(from, to int64) func(yield func(located) bool) {
	m.arrange()
	return func(yield func(located) bool) {
		end := sort.Search(len(m.sorted), func(i int) bool { return m.sorted[i].opens >= to })
		for i := end - 1; i >= 0 && m.sorted[i].latest >= from; i-- {
			if m.sorted[i].closes >= from && !yield(m.sorted[i].located) {
				return
			}
		}
	}
}

// meet takes a session into the account's meetings, and lets those know who wait
// for a change.
func (a *Account) meet(r *room, s *session) {
	c := a.cast(located{r, s})
	opens, closes := c.span()
	a.meetings.add(c.located, opens, closes)
	if a.changed != nil {
		close(a.changed)
		a.changed = nil
	}
}

// changes returns a channel that is closed when a session is scheduled.
func (a *Account) changes() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return a.changed
}
