package ledger

import "time"

// Row is what the ledger keeps of a room, and what a reading of Insights says of
// it. Rows are never deleted: a room that vanishes keeps counting.
type Row struct {
	// Name is the room's name as Whereby gives it, with its slash.
	Name string
	// ID numbers the rows from 0 in the order in which they were first committed.
	// It means nothing in a reading.
	ID uint32
	// Totals are lifetime figures; in the ledger, the highest ever read.
	Totals
	// FirstSession and LastSession are the starts of the room's first and last
	// session in seconds since 1970; 0 for a room that was never used.
	FirstSession, LastSession int64
	// Openings are the opening balances for the billing periods of the room's prefix and
	// of the account, if they had to be read. Readings have none.
	Openings [2]Opening
}

// Seconds is t in the form that a Row keeps.
func Seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// merge joins two readings of a room. It is commutative, associative and
// idempotent, so that the order of readings, repeated ones and overlapping
// polls change nothing in the result.
func (r Row) merge(o Row) Row {
	r.Totals = r.Totals.Max(o.Totals)
	r.LastSession = max(r.LastSession, o.LastSession)
	if r.FirstSession == 0 || (o.FirstSession != 0 && o.FirstSession < r.FirstSession) {
		r.FirstSession = o.FirstSession
	}
	return r
}
