// Package opening reads opening balances: what a room had used before the present billing
// periods began.
//
// Insights give a room's lifetime totals, and a session belongs to the period in which
// it started. A room that is older than the period and was used in it has both kinds
// of sessions: the newer ones are listed once, and what they come to is taken from the
// lifetime totals. The difference is the opening balance. It holds for the rest of the
// period, whatever the room is used for, at no further cost.
package opening

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

const (
	// longSession is from when on a session may have outlasted what polls read again.
	longSession = 20 * time.Hour
	// attempts is how often a room that is in use is read until it holds still.
	attempts = 4
	// retryAfter is when a room, or all of them, are tried again after an error. A room
	// whose sessions cannot be read is tried ever more rarely, up to longestRetry.
	retryAfter   = time.Minute
	longestRetry = time.Hour
)

// Reader reads the opening balances that are missing, in the background of all else.
type Reader struct {
	client *whereby.Client
	lister *whereby.SessionLister
	ledger *ledger.Ledger
	log    *slog.Logger

	kick chan struct{}
	// postponed are rooms to try again at a time.
	postponed map[string]time.Time
	// failed is how long rooms were last postponed whose sessions could not be read.
	failed map[string]time.Duration
}

// New returns a reader; its requests yield to those of polls.
func New(client *whereby.Client, l *ledger.Ledger, log *slog.Logger) *Reader {
	client = client.Background()
	return &Reader{
		client: client, lister: whereby.NewSessionLister(client, log), ledger: l, log: log,
		kick: make(chan struct{}, 1), postponed: map[string]time.Time{},
		failed: map[string]time.Duration{},
	}
}

// Look makes the reader look for missing opening balances. It never waits.
func (r *Reader) Look() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Run reads until the context is done, and returns nil then.
func (r *Reader) Run(ctx context.Context) error {
	r.Look()
	for {
		var again <-chan time.Time
		if wait, ok := r.wait(); ok {
			again = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.kick:
		case <-again:
		}
		if err := r.readAll(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("what rooms used before the billing period could not be read; their period's figures wait for it", "err", err)
			r.postponed[""] = time.Now().Add(retryAfter)
		}
	}
}

// wait is how long it is until a postponed room is due.
func (r *Reader) wait() (time.Duration, bool) {
	var first time.Time
	for _, at := range r.postponed {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return max(0, time.Until(first)), !first.IsZero()
}

// readAll reads the opening balances that are missing now.
func (r *Reader) readAll(ctx context.Context) error {
	now := time.Now()
	for name, at := range r.postponed {
		if !at.After(now) {
			delete(r.postponed, name)
		}
	}
	if _, ok := r.postponed[""]; ok {
		return nil // all of them are
	}
	for {
		list, err := r.ledger.MissingOpenings(func(name string) bool { _, ok := r.postponed[name]; return ok })
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		r.log.Debug("reading what rooms used before the billing period", "rooms", len(list))
		for _, missing := range list {
			if err := r.read(ctx, missing); err != nil {
				return err
			}
		}
	}
}

// read reads one room. An error is of all rooms; what concerns only this one
// postpones it.
func (r *Reader) read(ctx context.Context, missing ledger.MissingOpening) error {
	name := missing.Row.Name
	openings, retry, err := r.openings(ctx, missing)
	var request *whereby.RequestError
	var malformed *whereby.MalformedError
	switch {
	case errors.As(err, &request), errors.As(err, &malformed):
		retry = time.Now().Add(r.backOff(name, err))
	case err != nil:
		return err
	default:
		delete(r.failed, name)
	}
	if !retry.IsZero() {
		r.postponed[name] = retry
	}
	if openings == [2]ledger.Opening{} {
		return nil
	}
	return r.ledger.SetOpenings(name, openings)
}

// backOff returns when to try a room again whose sessions could not be read. The log
// names it the first time.
func (r *Reader) backOff(name string, err error) time.Duration {
	last, again := r.failed[name]
	level := slog.LevelWarn
	if again {
		level = slog.LevelDebug
	}
	wait := min(max(retryAfter, 2*last), longestRetry)
	r.failed[name] = wait
	r.log.Log(context.Background(), level, "a room's sessions could not be read", "room", name, "retry_after", wait, "err", err)
	return wait
}

// openings returns the missing opening balances of a room, or when to try again.
func (r *Reader) openings(ctx context.Context, missing ledger.MissingOpening) (openings [2]ledger.Opening, retry time.Time, err error) {
	since := missing.Starts[0]
	if since == 0 || missing.Starts[1] != 0 && missing.Starts[1] < since {
		since = missing.Starts[1]
	}
	listed, err := r.sessions(ctx, missing.Row, since)
	if err != nil {
		return openings, retry, err
	}
	if len(listed) == 0 {
		r.log.Info("a room was deleted before its sessions could be read; it counts nothing to the billing period", "room", missing.Row.Name)
	}
	totals := missing.Row.Totals
	still := r.still(missing.Row, listed)
	for range attempts {
		if still {
			break
		}
		// The room's totals from right after its sessions belong to these if they were
		// the same before.
		latest, err := r.totals(ctx, missing.Row)
		if err != nil {
			return openings, retry, err
		}
		if still = latest == totals; still {
			break
		}
		totals = latest
		if listed, err = r.sessions(ctx, missing.Row, since); err != nil {
			return openings, retry, err
		}
	}
	if !still {
		return openings, time.Now().Add(retryAfter), nil
	}
	// Where Whereby has lowered a figure, the ledger has not.
	totals = totals.Max(missing.Row.Totals)
	for i, start := range missing.Starts {
		if start == 0 {
			continue
		}
		if settles := listed.settles(start); settles.After(time.Now()) {
			retry = settles
			continue
		}
		openings[i] = ledger.Opening{Start: start, Totals: totals.Sub(listed.since(start)).Max(ledger.Totals{})}
	}
	return openings, retry, nil
}

// still tells whether the polls have read all that the listed sessions come to: the
// latest is the one they know, and was over for long enough when they read it.
func (r *Reader) still(row ledger.Row, listed list) bool {
	latest, ok := listed.latest()
	if !ok || latest.EndedAt.IsZero() || ledger.Seconds(latest.StartedAt) != row.LastSession {
		return false
	}
	read := r.ledger.State().PollStarted
	return latest.EndedAt.Add(whereby.InsightsDelay).Before(read) && latest.EndedAt.Sub(latest.StartedAt) < longSession
}

// totals reads a room's lifetime totals. For a room that Insights no longer show they
// are those of the ledger.
func (r *Reader) totals(ctx context.Context, row ledger.Row) (ledger.Totals, error) {
	for room, err := range whereby.Rows(r.client.Rooms(ctx, whereby.RoomsQuery{NameExact: row.Name})) {
		if err != nil {
			return ledger.Totals{}, fmt.Errorf("read a room's totals: %w", err)
		}
		if room.Name == row.Name {
			return ledger.Totals{
				ParticipantMinutes: room.ParticipantMinutes, RecorderMinutes: room.RecorderMinutes,
				StreamerMinutes: room.StreamerMinutes, Sessions: room.Sessions,
			}, nil
		}
	}
	return row.Totals, nil
}
