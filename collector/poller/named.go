package poller

import (
	"context"
	"errors"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

const (
	// namesPerCommit is how many missed rooms are asked for before the answers are
	// committed.
	namesPerCommit = 20
	// maxFailedNames is how many rooms in a row may fail to be read before the others wait.
	maxFailedNames = 3
	// askAgain is how long after a failure rooms are asked for again. The wait grows with
	// each failure, up to longestAskAgain.
	askAgain        = time.Minute
	longestAskAgain = 6 * time.Hour
)

// askFor asks for one room by its name, and reports whether there is one.
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

// askForMissed asks for the rooms that the last full poll has missed: each was deleted, or
// hidden by others that were. It stops for a full poll that is due.
func (p *Poller) askForMissed(ctx context.Context) {
	p.mu.Lock()
	rest := p.knowledge.missed
	p.mu.Unlock()
	// Before a poll has succeeded, the API key may be of another account.
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

// askForAll asks for rooms by name and commits what that told. failed counts the rooms that
// could not be asked for. An error is of all rooms.
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
