// Package opening reads opening balances: what a room had used before a billing period
// began.
//
// Insights reports the lifetime totals of a room, and a session belongs to the period in
// which it started. Most opening balances follow from totals and times that the ledger
// already knows, see [ledger.Row]. For the others, this package lists the room's sessions,
// and subtracts those of the period from the lifetime totals. The result stays valid for
// the rest of the period, however the room is used, so it is read only once.
package opening

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

const (
	// batch is the number of rooms that are read before the most urgent ones are listed
	// again.
	batch = 20
	// attempts is how often the totals of a room in use are compared with its sessions.
	attempts = 3
	// retryAfter is the first wait for a room that was in use, or whose sessions could not be
	// read. Later waits are longer, up to longestRetry.
	retryAfter   = time.Minute
	longestRetry = 6 * time.Hour
	// whileRunning is the wait for a room with a running session, or that is deleted soon.
	whileRunning = 15 * time.Minute
	// wholeAgain is the first wait for a room in use after all its sessions were listed
	// without a result. Later waits are longer, up to longestRetry.
	wholeAgain = 15 * time.Minute
	// failures is the number of rooms in a row that cannot be read after which all rooms wait
	// for retryAfter.
	failures = 3
	// reportEvery is the time between log lines with the number of rooms left.
	reportEvery = 10 * time.Minute
)

// Reader reads missing opening balances in the background, with lower priority than everything
// else.
type Reader struct {
	client *whereby.Client
	lister *whereby.SessionLister
	ledger *ledger.Ledger
	log    *slog.Logger

	kick chan struct{}
	// paused is the time until which no room is read.
	paused time.Time
	// postponed are rooms that wait until a time.
	postponed map[string]time.Time
	// waits are the last waits of rooms whose sessions could not be read, or did not agree
	// with their totals.
	waits map[string]time.Duration
	// busy are rooms that are in use too often to wait for a pause. All their sessions are
	// listed when no other room waits.
	busy map[string]pause
	// started is when the reader was made, and recent when the sessions of rooms were last
	// listed, if that was less than ledger.Quiet ago.
	started time.Time
	recent  map[string]time.Time
	// failed are the rooms that could not be read since the last success, for reasons that
	// may concern all rooms.
	failed   map[string]bool
	reported time.Time
}

// pause is when to continue, and how long the next wait is.
type pause struct {
	until time.Time
	next  time.Duration
}

// New returns a reader. Its requests yield to those of polls.
func New(client *whereby.Client, l *ledger.Ledger, log *slog.Logger) *Reader {
	client = client.Background()
	return &Reader{
		client: client, lister: whereby.NewSessionLister(client, log), ledger: l, log: log,
		kick: make(chan struct{}, 1), postponed: map[string]time.Time{}, waits: map[string]time.Duration{}, busy: map[string]pause{}, failed: map[string]bool{},
		started: time.Now(), recent: map[string]time.Time{},
	}
}

// Look makes the reader look for missing opening balances. It does not block.
func (r *Reader) Look() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Run reads until the context is done, and then returns nil.
func (r *Reader) Run(ctx context.Context) error {
	r.Look()
	for {
		var again <-chan time.Time
		if at := r.due(); !at.IsZero() {
			again = time.After(time.Until(at))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.kick:
		case <-again:
		}
		if err := r.readAll(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("reading opening balances failed; quota figures of unread rooms are delayed", "err", err, "retry_after", retryAfter)
			r.paused = time.Now().Add(retryAfter)
		}
	}
}

// due returns when there is work again; zero means never.
func (r *Reader) due() time.Time {
	var first time.Time
	for _, at := range r.postponed {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	for _, p := range r.busy {
		if first.IsZero() || p.until.Before(first) {
			first = p.until
		}
	}
	if !r.paused.IsZero() && (first.IsZero() || first.Before(r.paused)) {
		first = r.paused
	}
	return first
}

// readAll reads the opening balances that are missing now. An error concerns all rooms.
func (r *Reader) readAll(ctx context.Context) error {
	now := time.Now()
	if r.paused.After(now) {
		return nil
	}
	r.paused = time.Time{}
	for name, at := range r.postponed {
		if !at.After(now) {
			delete(r.postponed, name)
		}
	}
	maps.DeleteFunc(r.recent, func(_ string, at time.Time) bool { return now.Sub(at) >= ledger.Quiet })
	for {
		list, err := r.ledger.Unread(batch, func(name string) bool { _, ok := r.postponed[name]; return ok })
		if err != nil {
			return err
		}
		whole := len(list) == 0
		if whole {
			if list, err = r.ledger.Unread(batch, r.rests); err != nil {
				return err
			}
			if len(list) == 0 {
				// Rooms that are due and not listed are no longer unread.
				maps.DeleteFunc(r.busy, func(name string, _ pause) bool { return !r.rests(name) })
				return nil
			}
		}
		r.report()
		for _, unread := range list {
			if whole {
				p := r.busy[unread.Row.Name]
				p.next = min(max(wholeAgain, 2*p.next), longestRetry)
				p.until = time.Now().Add(p.next)
				r.busy[unread.Row.Name] = p
			}
			if err := r.read(ctx, unread, whole); err != nil {
				return err
			}
		}
	}
}

// rests reports whether a room waits now.
func (r *Reader) rests(name string) bool {
	p, ok := r.busy[name]
	return !ok || p.until.After(time.Now())
}

// report logs how many rooms are left.
func (r *Reader) report() {
	snapshot := r.ledger.Snapshot()
	if snapshot == nil || snapshot.Account.Unread == 0 || time.Since(r.reported) < reportEvery {
		return
	}
	r.reported = time.Now()
	r.log.Info("reading usage from before the billing period", "unread_rooms", snapshot.Account.Unread)
}

// read reads one room, all of its sessions or those that are needed. An error is of all rooms; what concerns only this one postpones
// it.
func (r *Reader) read(ctx context.Context, unread ledger.Unread, whole bool) error {
	name := unread.Row.Name
	finding, err := r.find(ctx, unread, whole)
	if err != nil {
		return r.onError(ctx, name, err)
	}
	r.onSuccess()
	r.recent[name] = time.Now()
	ok, err := r.ledger.SetOpenings(finding.row, finding.openings)
	switch {
	case err != nil:
		return err
	case !ok:
		// A poll has changed the row in the meantime, or will change it.
		r.postponed[name] = time.Now().Add(retryAfter)
	case finding.odd != nil:
		return r.postpone(name, finding.odd)
	case !finding.again.IsZero():
		r.postponed[name] = finding.again
		if _, known := r.busy[name]; finding.busy && !known {
			r.busy[name] = pause{until: time.Now()}
		}
	default:
		delete(r.waits, name)
		delete(r.busy, name)
		if unread.Leaving { // it may be raised again, and the list need not be complete
			r.postponed[name] = time.Now().Add(whileRunning)
		}
	}
	return nil
}

// onError postpones a room that could not be read. It returns an error if no room can be read.
func (r *Reader) onError(ctx context.Context, name string, err error) error {
	var throttled *whereby.ThrottledError
	if ctx.Err() != nil || errors.As(err, &throttled) {
		return err
	}
	if err := r.postpone(name, err); err != nil {
		return err
	}
	switch whereby.ClassOf(err) {
	case whereby.ClassRequest, whereby.ClassMalformed:
		return nil
	}
	if r.failed[name] = true; len(r.failed)%failures == 0 {
		return err
	}
	return nil
}

// onSuccess records that rooms can be read. Earlier failures then did not concern single rooms.
func (r *Reader) onSuccess() {
	if len(r.failed) >= failures {
		for name := range r.failed {
			r.postponed[name] = time.Now().Add(retryAfter)
		}
	}
	clear(r.failed)
}

// postpone makes a room wait, each time longer. The first time, it logs the room. Once the wait
// is an hour, balances that could not be confirmed are dropped, unless the sessions are known
// and only their sum differs.
func (r *Reader) postpone(name string, err error) error {
	level := slog.LevelInfo
	if _, again := r.waits[name]; again {
		level = slog.LevelDebug
	}
	wait := min(max(retryAfter, 2*r.waits[name]), longestRetry)
	r.waits[name] = wait
	r.postponed[name] = time.Now().Add(wait)
	r.log.Log(context.Background(), level, "the opening balance of a room is not known", "room", name, "retry_after", wait, "err", err)
	if wait < ledger.Quiet || errors.Is(err, errSum) {
		return nil
	}
	return r.ledger.Unconfirmed(name)
}

// finding is the result of reading a room's sessions.
type finding struct {
	// row is the row that the opening balances are for.
	row      ledger.Row
	openings []ledger.Opening
	// again is when to read the room again; zero if all is settled.
	again time.Time
	// odd is the reason why there is no result, if it does not change with time.
	odd error
	// busy is true if there is no result because the room is in use and not all of its
	// sessions are listed.
	busy bool
}

// find lists a room's sessions and compares them with its totals. They may be from different
// moments: if they differ, the totals are read once more after the sessions.
func (r *Reader) find(ctx context.Context, unread ledger.Unread, whole bool) (finding, error) {
	row, current := unread.Row, unread.Row.Current()
	lately := r.lately(row.Name)
	var since time.Time
	if !whole {
		since = time.Unix(unread.Starts[0], 0)
	}
	for attempt := 1; ; attempt++ {
		list, err := r.lister.Sessions(ctx, row.Name, since, time.Unix(row.LastSession, 0))
		if err != nil {
			return finding{}, fmt.Errorf("list the sessions of a room: %w", err)
		}
		sessions := newSessions(list, row.Created)
		starts, now := unread.Starts, time.Now()
		if sessions.complete {
			starts = unread.All
		}
		if sessions.comesLate(row, now) {
			return sessions.undecided(row, starts, now), nil
		}
		// The sum of an incomplete list proves nothing: the totals must be new.
		if sessions.complete && sessions.agree(current, row.LastSession, now) {
			return found(row, sessions, starts, now, lately), nil
		}
		latest, known, err := r.totals(ctx, row.Name)
		if err != nil {
			return finding{}, err
		}
		if known && sessions.agree(latest.Totals, latest.LastSession, now) {
			row.Totals = row.Totals.Max(row.Former.Add(latest.Totals))
			row.LastSession = max(row.LastSession, latest.LastSession)
			return found(row, sessions, starts, now, lately), nil
		}
		if !known || latest.Totals == current && latest.LastSession == row.LastSession || attempt == attempts {
			return sessions.undecided(row, starts, now), nil
		}
		current = latest.Totals
		row.Totals = row.Totals.Max(row.Former.Add(current))
		row.LastSession = latest.LastSession
	}
}

// lately reports whether the sessions of a room may have been listed in the last hour.
func (r *Reader) lately(name string) bool {
	if time.Since(r.started) < ledger.Quiet {
		return true
	}
	at, ok := r.recent[name]
	return ok && time.Since(at) < ledger.Quiet
}

// totals reads a room's present totals. known is false if Insights does not show the room.
func (r *Reader) totals(ctx context.Context, name string) (row ledger.Row, known bool, err error) {
	for room, err := range whereby.Rows(r.client.Rooms(ctx, whereby.RoomsQuery{NameExact: name})) {
		if err != nil {
			return ledger.Row{}, false, fmt.Errorf("read a room's totals: %w", err)
		}
		if room.Name == name {
			return ledger.Row{Totals: ledger.Totals{
				ParticipantMinutes: room.ParticipantMinutes, RecorderMinutes: room.RecorderMinutes,
				StreamerMinutes: room.StreamerMinutes, Sessions: room.Sessions,
			}, LastSession: ledger.Seconds(room.LastSessionStartedAt)}, true, nil
		}
	}
	return ledger.Row{}, false, nil
}
