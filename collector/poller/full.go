package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

const (
	// maxPause is how long after its last page a failed full poll can continue. After that,
	// rows have moved, and cursors may be invalid.
	maxPause = 6 * time.Hour
	// maxLooks ends the first poll of an account in which old rooms keep appearing, as with a
	// clock that is days ahead.
	maxLooks = 10
)

// stage is the stage of a full poll.
type stage int

const (
	reading stage = iota // all pages, once or more
	topping              // the top of the list once more
	probing              // the opposite order
	done
)

// full is a poll that reads every page. It keeps its stage and its position after a failure: the
// next attempt continues from the page that failed.
type full struct {
	walk
	stage  stage
	sortBy string
	// read is when the last page was read.
	read time.Time
	// looks counts how often all pages were read, and pages the pages of the first look.
	looks, pages int
	// missed counts the rooms that earlier looks did not show.
	missed int
	// top are the rooms of the first page.
	top []ledger.Row
	// heeded is true once Insights has shown that it heeds the order asked for.
	heeded bool
}

func (p *Poller) newFull() *full {
	f := &full{walk: p.newWalk(Full, p.ledger.State()), sortBy: whereby.RoomsByLastSession, read: time.Now()}
	if p.sortRefused() {
		f.sortBy = ""
	}
	f.start([]mark{{}})
	return f
}

// run runs the stages that are left.
func (f *full) run(ctx context.Context) error {
	for f.stage != done {
		var err error
		switch f.stage {
		case reading:
			err = f.look(ctx)
		case topping:
			err = f.reread(ctx)
		case probing:
			err = f.probe(ctx)
		}
		if f.result.Pages == 0 && f.sortBy != "" && whereby.SortRefused(err) {
			f.poller.noteSortRefused(err)
			f.sortBy = ""
			continue
		}
		if err != nil {
			return err
		}
	}
	f.result.Complete = true
	return nil
}

// look reads all pages, or those that are left.
func (f *full) look(ctx context.Context) error {
	if err := f.list(ctx, f.sortBy, f.next); err != nil {
		return err
	}
	f.looks++
	if f.looks == 1 {
		f.pages = f.number
	}
	switch {
	case f.lookAgain():
		f.missed = 0
		f.start([]mark{{}})
	case f.sortBy == "" || f.pages == 1 || !f.order.holds() || !f.order.shown():
		// A single page proves nothing, and is read whole each time anyway.
		f.stage = done
	default:
		f.stage = topping
	}
	return nil
}

// lookAgain reports whether the pages must be read once more before the account is complete. If
// cursors count rows, each room that is deleted in the meantime hides another one. A later poll
// would count the usage of that room as new. So the first figures wait for a look that finds no
// old room that earlier looks have missed.
func (f *full) lookAgain() bool {
	switch {
	case !f.first || f.pages == 1:
		return false
	case f.looks >= maxLooks:
		f.poller.log.Warn("rooms from before the first poll keep appearing", "looks", f.looks, "rooms", f.missed)
		return false
	}
	return f.looks == 1 || f.missed > 0
}

func (f *full) next(page listed) (bool, error) {
	f.read = time.Now()
	if f.number == 1 {
		f.top = page.rows
	}
	if f.looks == 0 {
		return true, f.checkEnd(page)
	}
	for i, room := range page.Rows {
		if !page.report.Repeated[i] && f.hidden(room) {
			f.missed++
		}
	}
	if most := f.pages + f.pages/10 + maxStalePages; f.number > most && !page.Last {
		return false, noEnd(page, fmt.Errorf("%w: %d of them, and the account had %d", errNoEnd, f.number, f.pages))
	}
	return true, nil
}

// hidden reports whether a room that is new to a look existed during earlier looks, and only the
// deletion of another room explains why they did not show it.
func (f *full) hidden(room whereby.Room) bool {
	if room.Sessions == 0 && room.ParticipantMinutes == 0 && room.RecorderMinutes == 0 && room.StreamerMinutes == 0 {
		return false
	}
	since, began := room.FirstSessionStartedAt, f.result.Started
	if f.sortBy != "" {
		// One that was used since, or whose session was shown since, has moved to the top.
		since, began = room.LastSessionStartedAt, began.Add(-settled)
	}
	if since.IsZero() {
		since = room.CreatedAt
	}
	return since.Before(began)
}

// reread reads the top of the list once more: a room that was used during the poll has moved
// from unread pages to pages that were already read.
func (f *full) reread(ctx context.Context) error {
	cutoff := ledger.Seconds(f.result.Started)
	f.stale = 0
	err := f.fromMarks(ctx, thin(f.marks), func(page listed) (bool, error) {
		f.read = time.Now()
		unchanged := page.report.Changed == 0 && f.order.dated && f.order.newest < cutoff
		// Every room has been seen already, so pages are stale.
		return !unchanged && f.number < f.pages+maxStalePages, nil
	})
	if err == nil {
		f.stage = probing
	}
	return err
}

// probe requests the opposite order. An account may appear sorted by last session although it is
// in the order of creation. An API that ignores the requested order returns the same page for
// both.
func (f *full) probe(ctx context.Context) error {
	for page, err := range f.client.Rooms(ctx, whereby.RoomsQuery{SortBy: whereby.RoomsByLastSessionAscending}) {
		if err != nil {
			return err
		}
		f.result.Pages++
		rows := rowsOf(page, f.poller.config.Now())
		same := slices.EqualFunc(rows, f.top, func(a, b ledger.Row) bool { return a.Name == b.Name })
		f.heeded = !same && ascending(rows)
		break
	}
	f.stage = done
	return nil
}

// keeps reports whether a full poll can continue from its position after an error.
func (f *full) keeps(err error) bool {
	switch whereby.ClassOf(err) {
	case whereby.ClassAuth, whereby.ClassThrottled, whereby.ClassServer:
		return f.result.Pages > 0
	case whereby.ClassMalformed:
		return f.result.Pages > 0 && !whereby.Endless(err) && !errors.Is(err, errNoEnd)
	}
	return false // the cursor was refused, or the store failed
}
