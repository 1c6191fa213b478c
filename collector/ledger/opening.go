package ledger

import (
	"math"
	"slices"
	"time"
)

// Certainty is how certain an opening balance is.
type Certainty uint8

// The certainties, from nothing to all.
const (
	// Unknown is the Certainty of the zero Opening.
	Unknown Certainty = iota
	// AtLeast means that there is no opening balance: Totals is what the room has certainly
	// used since Start, and the room is unread.
	AtLeast
	// Provisional means that the balance holds unless a session from before Start appears or
	// grows late. The sessions are listed again a day after Start. If that fails for good,
	// because the room is deleted by then or Insights refuses it, the balance is dropped.
	Provisional
	// Settled means that the balance was computed when all sessions from before Start had been
	// over for a day.
	Settled
	// Listed is Provisional, but all sessions were listed since the row was last raised, and
	// their sum was its totals: should the room be deleted now, the balance is right.
	Listed
)

// Opening is an opening balance: what a room had used before a billing period. It is the
// room's lifetime totals minus those of the sessions that have started in the period.
type Opening struct {
	// Start is the start of the period, in seconds since 1970.
	Start int64
	Totals
	Certainty Certainty
}

// Known reports whether the totals are an opening balance.
func (o Opening) Known() bool { return o.Certainty >= Provisional }

// Insights lags, and changes figures that it has shown. Whereby promises no bounds.
const (
	// still is how long the figures of a session that is over usually have not changed. It
	// only determines when to read sessions.
	still = 15 * time.Minute
	// Quiet is how long a room must not change before its last reading counts as the final sum
	// of its sessions.
	Quiet = time.Hour
	// Closing is how long after the end of a billing period its figures may still change.
	Closing = 24 * time.Hour
	// longestGap is the longest time between two polls after which a room's totals may be
	// carried over: in a longer one, several sessions may have begun.
	longestGap = 30 * time.Minute
)

// opening returns what is known of the opening balance at a time. Most balances follow from
// the times of the first and the last session.
func (r Row) opening(start int64) Opening {
	switch {
	case r.Totals == Totals{}, r.LastSession != 0 && r.LastSession < start:
		return Opening{Start: start, Totals: r.Totals, Certainty: Settled}
	case r.FirstSession != 0 && r.FirstSession >= start:
		return Opening{Start: start, Certainty: Settled}
	}
	for _, o := range r.Openings {
		if o.Start == start {
			return o
		}
	}
	return Opening{Start: start}
}

// raise is the change of a room between two committed readings.
type raise struct {
	before, after Row
	// seen is when the previous poll began: the room did not change from before.Raised until
	// then. looked is when the previous full poll began.
	seen, looked int64
}

// moved reports whether a session has begun.
func (r raise) moved() bool { return r.after.LastSession != r.before.LastSession }

// added returns the number of sessions that were added.
func (r raise) added() int64 { return r.after.Sessions - r.before.Sessions }

// expected returns how many of them the start of the last session can explain.
func (r raise) expected() int64 {
	if r.moved() {
		return r.before.Uncounted + 1
	}
	return r.before.Uncounted
}

// stood returns for how long the room had not changed before.
func (r raise) stood() time.Duration {
	if r.before.Raised == 0 {
		return 0
	}
	return time.Duration(r.seen-r.before.Raised) * time.Second
}

// renamed reports whether another room has the name now.
func (r raise) renamed() bool { return r.before.Created != 0 && r.after.Created != r.before.Created }

// raisedTo returns the row after a reading has raised it, with its opening balances at the
// given times. A balance stays valid unless the raise contradicts it. If the room is used for
// the first time since a start, its former totals are the balance, which costs no request.
func (r Row) raisedTo(after Row, polls State, starts []int64) Row {
	if !after.raises(r) {
		return after
	}
	raised := raise{before: r, after: after, seen: min(Seconds(polls.PollStarted), after.Raised), looked: Seconds(polls.FullPollStarted)}
	after.Uncounted = 0
	if !raised.renamed() {
		after.Uncounted = max(0, raised.expected()-raised.added())
	}
	after.Openings = nil
	for _, start := range starts {
		if after.opening(start).Known() {
			continue // it follows from the times
		}
		if o := raised.openingAt(start); o.Certainty != Unknown {
			after.Openings = append(after.Openings, o)
		}
	}
	return after
}

// openingAt returns the opening balance after the raise if it does not follow from the times.
func (r raise) openingAt(start int64) Opening {
	o := r.before.opening(start)
	// The raise is the first usage since the start.
	crossed := r.before.Totals == Totals{} || r.before.LastSession != 0 && r.before.LastSession < start
	switch {
	case !o.Known():
		return o
	case r.renamed():
		// Insights no longer shows the earlier room.
		if o.Certainty == Provisional || crossed && r.after.Created < start {
			return Opening{}
		}
		o.Certainty = Settled
		return o
	case crossed && r.carries():
		o.Certainty = Provisional
		if r.looked >= start+int64(Closing/time.Second) && r.stood() >= Closing {
			o.Certainty = Settled
		}
		return o
	case !crossed && !r.contradicts(o):
		if o.Certainty == Listed {
			o.Certainty = Provisional
		}
		return o
	}
	// Older sessions may have grown since a provisional balance, so no usage after it is
	// certain.
	if used := r.before.Sub(o.Totals); o.Certainty == Settled && used != (Totals{}) {
		return Opening{Start: start, Totals: used, Certainty: AtLeast}
	}
	return Opening{}
}

// carries reports whether the whole raise belongs to the one session that has begun.
func (r raise) carries() bool {
	gap := time.Duration(r.after.Raised-r.seen) * time.Second
	return r.moved() && r.stood() >= Quiet && gap <= longestGap && r.before.Uncounted == 0 && r.added() <= 1 &&
		r.after.FirstSession == r.before.FirstSession
}

// contradicts reports whether an older session may have appeared or grown, so that the raise
// may be older than the start.
func (r raise) contradicts(o Opening) bool {
	switch {
	case r.after.FirstSession != r.before.FirstSession:
		return true
	case o.Certainty == Settled && r.moved():
		return false // several sessions may have begun since the last poll
	case r.added() > r.expected():
		return true
	}
	return o.Certainty != Settled && !r.moved() && r.added() == 0 && r.stood() >= Quiet
}

// usage is the usage of a room in the current billing period and in the previous one.
type usage struct {
	// used is a lower bound, and exact if read is true.
	used Totals
	read bool
	// previous is 0 unless previousRead is true.
	previous     Totals
	previousRead bool
	// settled is true if the previous figure depends on no provisional balance.
	settled bool
}

// usage returns the usage in the billing period that starts at start, and in the one that
// starts at previous.
func (r Row) usage(previous, start int64) usage {
	var u usage
	opening, earlier := r.opening(start), r.opening(previous)
	switch {
	case opening.Known():
		// The opening balance may come from newer totals than the row's.
		u.used, u.read = r.Sub(opening.Totals).Max(Totals{}), true
	case opening.Certainty == AtLeast:
		u.used = opening.Totals
	}
	if opening.Known() && earlier.Known() {
		u.previous, u.previousRead = opening.Sub(earlier.Totals).Max(Totals{}), true
		u.settled = opening.Certainty == Settled && earlier.Certainty == Settled
	}
	return u
}

// UsedSince returns what the room has used since the start of a billing period that its prefix
// needs. If it is not exact, it is the part that is certain.
func (r Row) UsedSince(start time.Time) (used Totals, exact bool) {
	u := r.usage(0, start.Unix())
	return u.used, u.read
}

// unsettled returns the starts whose opening balances must be read: those without a balance,
// and those with a provisional one that is due.
func (r Row) unsettled(starts []int64, now int64) []int64 {
	return slices.DeleteFunc(slices.Clone(starts), func(start int64) bool {
		o := r.opening(start)
		return o.Certainty == Settled || o.Known() && now < start+int64(Closing/time.Second)
	})
}

// drop returns the row without its provisional opening balances for times before one. ok is
// false if there are none.
func (r Row) drop(before int64) (without Row, ok bool) {
	loose := func(o Opening) bool { return o.Certainty == Provisional && o.Start < before }
	if !slices.ContainsFunc(r.Openings, loose) {
		return r, false
	}
	r.Openings = slices.DeleteFunc(slices.Clone(r.Openings), loose)
	return r, true
}

// unsure reports whether the row has opening balances that are known and not settled.
func (r Row) unsure() bool {
	return slices.ContainsFunc(r.Openings, func(o Opening) bool { return o.Known() && o.Certainty != Settled })
}

// gone returns the row of a deleted room: its opening balances are settled if its sessions were
// listed in time, or else dropped. ok is false if nothing changes.
func (r Row) gone() (row Row, ok bool) {
	if !r.unsure() {
		return r, false
	}
	row, _ = r.drop(math.MaxInt64)
	row.Openings = slices.Clone(row.Openings)
	for i, o := range row.Openings {
		if o.Certainty == Listed {
			row.Openings[i].Certainty = Settled
		}
	}
	return row, true
}
