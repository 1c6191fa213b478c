package wherebytest

import (
	"maps"
	"slices"
	"time"
)

const (
	// lookAhead is how much of the future is asked for at a time. What a demo plans
	// is complete for longer than that.
	lookAhead = time.Minute
	// grace is for how long an event may be scheduled into the past and still be sent.
	grace = time.Minute
)

// feed hands an account's events out, each once, as they happen.
type feed struct {
	account *Account
	ahead   []Event              // to come, in order
	known   time.Time            // up to when ahead is complete
	stale   bool                 // ahead is not complete after all
	since   time.Time            // what is older is left alone
	given   map[string]time.Time // the events given out since then, by ID
}

func newFeed(a *Account, since time.Time) feed {
	if since.IsZero() {
		// Sessions are scheduled for time.Now, and have its milliseconds.
		since = time.Now().Truncate(time.Millisecond)
	}
	return feed{account: a, since: since, known: since, stale: true, given: make(map[string]time.Time)}
}

// next returns the next event that has happened by now.
func (f *feed) next(now time.Time) (e Event, ok bool) {
	if f.stale || !f.known.After(now) {
		f.refill(now)
	}
	if len(f.ahead) == 0 || f.ahead[0].CreatedAt.After(now) {
		return Event{}, false
	}
	e = f.ahead[0]
	f.ahead = f.ahead[1:]
	f.given[e.ID] = e.CreatedAt
	return e, true
}

// wake returns the time at which next may have something.
func (f *feed) wake() time.Time {
	if len(f.ahead) > 0 {
		return f.ahead[0].CreatedAt
	}
	return f.known
}

// refill asks the account for what is to come, and again for the last minute.
func (f *feed) refill(now time.Time) {
	from := f.known
	if len(f.ahead) > 0 && f.ahead[0].CreatedAt.Before(from) {
		from = f.ahead[0].CreatedAt
	}
	if now.Before(from) {
		from = now
	}
	// Never further back than before: what was given out then is forgotten.
	if from = from.Add(-grace); from.After(f.since) {
		f.since = from
	}
	f.known, f.stale = now.Add(lookAhead), false
	f.ahead = slices.DeleteFunc(f.account.Events(f.since, f.known), func(e Event) bool {
		_, given := f.given[e.ID]
		return given
	})
	maps.DeleteFunc(f.given, func(_ string, at time.Time) bool { return at.Before(f.since) })
}
