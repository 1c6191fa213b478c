package poller

import (
	"context"
	"errors"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

const (
	// namesPerCommit is the number of missed rooms that are requested before the results are
	// committed.
	namesPerCommit = 20
	// maxFailedNames is the number of rooms in a row that may fail before the others wait.
	maxFailedNames = 3
	// askAgain is how long after a failure rooms are requested again. The wait grows with
	// each failure, up to longestAskAgain.
	askAgain        = time.Minute
	longestAskAgain = 6 * time.Hour
)

// askFor requests a room by name, and reports whether it exists.
func (w *walk) askFor(ctx context.Context, name string) (there bool, err error) {
	for page, err := range w.client.Rooms(ctx, whereby.RoomsQuery{NameExact: name}) {
		switch {
		case whereby.UnusableRows(err):
			return true, w.poll.SetAside([]string{name}) // it waits, as on a page with others
		case whereby.NotFound(err):
			return false, nil
		case err != nil:
			return false, err
		}
		got, err := w.take(page)
		if err != nil {
			return false, err
		}
		for i, row := range got.rows {
			there = there || row.Name == name
			w.see(row, got.report.Raised[i], 0)
		}
		for _, row := range page.Unusable {
			there = there || row.RoomName == name
		}
		break
	}
	return there, nil
}

// askForMissed requests the rooms that the last full poll has missed: each was deleted, or hidden
// by another deleted room. It stops if a full poll is due.
func (p *Poller) askForMissed(ctx context.Context) {
	p.mu.Lock()
	rest := p.knowledge.missed
	p.mu.Unlock()
	// Before a poll has succeeded, the API key may be that of another account.
	if !p.Polled() || p.exactRefused() || time.Now().Before(rest.until) {
		return
	}
	failed := 0
	for from, first := "", true; first || from != ""; first = false {
		names, next, err := p.ledger.Missed(from, namesPerCommit)
		if err == nil && len(names) > 0 {
			err = p.askForAll(ctx, names, &failed)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failed++
			p.log.Debug("looking up rooms that a full poll missed failed", "err", err)
			break
		}
		if p.fullPollDue() {
			break
		}
		from = next
	}
	if failed == 0 {
		rest = pause{}
	} else {
		rest.next = min(max(askAgain, 2*rest.next), longestAskAgain)
		rest.until = time.Now().Add(rest.next)
	}
	p.mu.Lock()
	p.knowledge.missed = rest
	p.mu.Unlock()
}

// askForAll requests rooms by name and commits the results. failed counts the requests that
// failed. An error concerns all rooms.
func (p *Poller) askForAll(ctx context.Context, names []string, failed *int) error {
	w := p.newWalk(Named, p.ledger.State())
	w.client = p.client.Background()
	var stop error
	inRow := 0
	for _, name := range names {
		there, err := w.askFor(ctx, name)
		if err == nil && !there {
			err = w.poll.Gone(name)
		}
		if err == nil {
			inRow = 0
			continue
		}
		*failed++
		inRow++
		var throttled *whereby.ThrottledError
		if refused(err) {
			p.noteExactRefused(err)
			stop = err
		} else if ctx.Err() != nil || inRow == maxFailedNames || errors.As(err, &throttled) {
			stop = err
		}
		if stop != nil {
			break
		}
	}
	if err := w.poll.Commit(ledger.Completion{Ended: p.config.Now(), Named: true}); err != nil {
		return err
	}
	return stop
}
