package ledger

import (
	"slices"
	"time"
)

// Row is what the ledger keeps for a room, and also a reading of Insights. Rows are never
// deleted: a room that disappears keeps counting.
type Row struct {
	// Name is the room's name as Whereby gives it, with its slash.
	Name string
	// ID numbers the rows from 0, in the order in which they were first committed. It has no
	// meaning in a reading.
	ID uint32
	// Created is when the room was created, in seconds since 1970, or 0 if that is unknown. A
	// room that is created later with the same name is another room, and both count.
	Created int64
	// Totals are lifetime figures; in the ledger, the highest ever read.
	Totals
	// Former is the part of Totals that belongs to earlier rooms of the same name. Readings
	// have none.
	Former Totals
	// FirstSession and LastSession are the start times of the room's first and last session,
	// in seconds since 1970. They are 0 if there was none, or if Insights does not show the
	// time.
	FirstSession, LastSession int64
	// Ends is the room's endAt, in seconds since 1970, or 0 if it has none. Only readings have
	// it.
	Ends int64
	// Raised is the time of the reading that last raised the figures, in seconds since 1970,
	// or 0 if that is unknown. In a reading, it is the time of that reading.
	Raised int64
	// Uncounted is the number of sessions that LastSession has shown but Totals does not count
	// yet: Insights may count sessions when they end. Readings have none. It is unknown, and
	// 0, for a room that is first read during a session. When that session is counted, it is
	// taken for an older one that arrived late.
	Uncounted int64
	// Openings are the opening balances that do not follow from the times of the first and
	// last session. The slice is never modified. Readings have none.
	Openings []Opening
}

// Seconds returns t in the form that a Row keeps.
func Seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Current returns the part of the totals that belongs to the room that has the name now.
func (r Row) Current() Totals { return r.Totals.Sub(r.Former) }

// merge joins a row with a reading, or with the row that a poll made of its readings. Except for
// Raised, Uncounted and Openings, which are those of r, it is commutative and idempotent: the
// order of readings, repeated readings and overlapping polls do not change the result.
func (r Row) merge(o Row) Row {
	m := r
	switch {
	case r.Created != 0 && o.Created > r.Created:
		m.Created = o.Created
		m.Former = o.Former.Max(r.Totals)
		m.Totals = m.Former.Add(o.Current())
	case o.Created != 0 && o.Created < r.Created:
		m.Former = r.Former.Max(o.Totals)
		m.Totals = m.Former.Add(r.Current())
	default:
		m.Created = max(r.Created, o.Created)
		m.Former = r.Former.Max(o.Former)
		m.Totals = m.Former.Add(r.Current().Max(o.Current()))
	}
	m.LastSession = max(r.LastSession, o.LastSession)
	m.Ends = max(r.Ends, o.Ends)
	if r.FirstSession == 0 || (o.FirstSession != 0 && o.FirstSession < r.FirstSession) {
		m.FirstSession = o.FirstSession
	}
	if m.raises(r) {
		m.Raised = max(r.Raised, o.Raised)
	}
	return m
}

// raises reports whether a row has more than an earlier state of it.
func (r Row) raises(before Row) bool {
	return r.Totals != before.Totals || r.FirstSession != before.FirstSession || r.LastSession != before.LastSession ||
		before.Created != 0 && r.Created != before.Created
}

// withOpening returns the row with an opening balance, which replaces one for the same time.
func (r Row) withOpening(o Opening) Row {
	openings := slices.DeleteFunc(slices.Clone(r.Openings), func(old Opening) bool { return old.Start == o.Start })
	r.Openings = append(openings, o)
	return r
}
