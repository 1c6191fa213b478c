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

// maxStalePages ends a poll over pages that continue without any room that it has not seen.
// Pages that shift while they are read repeat rooms too, but not for a thousand rooms on
// end.
const maxStalePages = 10

var errNoEnd = errors.New("pages continue without any new room")

// walk is one poll over the pages: a full one or a short one.
type walk struct {
	poller *Poller
	client *whereby.Client
	poll   *ledger.Poll
	result Result
	began  time.Time
	order  order
	// aside are the rooms whose rows could not be read, and why.
	aside map[string]error
	// untold are rooms that OnRooms was not told of yet.
	untold []whereby.Room
	// sightings are of rooms that may be rising. first is true if all rooms are new.
	sightings
	first bool
	// reported is when progress was last logged.
	reported time.Time

	// cursor leads to the page to read next, "" to the first one; number counts the pages
	// before it.
	cursor string
	number int
	// depth counts the pages read from the first one with a session on.
	depth int
	// marks are the pages so far that began with a room that was never used.
	marks []mark
	// fromTop is true if the first page read was that of the whole list.
	fromTop bool
	// onePage is true if a single page was the whole list.
	onePage bool
	// stale counts the pages in a row without a room that is new to the poll.
	stale int
}

func (p *Poller) newWalk(kind Kind, state ledger.State) walk {
	return walk{
		poller:    p,
		result:    Result{Kind: kind, Started: p.config.Now()},
		began:     time.Now(),
		poll:      p.ledger.Begin(),
		aside:     map[string]error{},
		sightings: newSightings(p.growingRooms()),
		first:     !state.Complete,
	}
}

// listed is a page, and what the ledger says of it.
type listed struct {
	whereby.Page[whereby.Room]
	rows   []ledger.Row
	report ledger.Report
}

// start has the next page be that of the last of some marks, of which the first one is the
// top of the list.
func (w *walk) start(marks []mark) {
	last := marks[len(marks)-1]
	w.cursor, w.number, w.depth, w.marks = last.cursor, last.number, 0, slices.Clone(marks)
	w.fromTop = len(marks) == 1
	w.order.top()
}

// list reads pages as long as next says so. After an error the next page is the one that
// failed.
func (w *walk) list(ctx context.Context, sortBy string, next func(listed) (bool, error)) error {
	before := w.number
	for page, err := range w.client.Rooms(ctx, whereby.RoomsQuery{SortBy: sortBy, Cursor: w.cursor}) {
		if err != nil {
			return numbered(err, before)
		}
		page.Number += before
		if !w.order.dated && w.number > w.marks[len(w.marks)-1].number && startsUnused(page) {
			w.marks = append(w.marks, mark{w.cursor, w.number})
		}
		got, err := w.take(page)
		if err != nil {
			return err
		}
		w.order.check(got.rows, got.report.Repeated)
		if w.order.dated {
			w.depth++
		}
		for i, row := range got.rows {
			w.see(row, got.report.Raised[i] && (!w.first || got.report.Repeated[i]), w.depth)
		}
		w.onePage = page.Last && w.fromTop && w.number == 0
		w.cursor = page.Cursor
		w.number++
		if got.report.Fresh > 0 {
			w.stale = 0
		} else {
			w.stale++
		}
		if more, err := next(got); err != nil || !more {
			return err
		}
	}
	return nil
}

// numbered gives an error of a listing that went on the number of its page.
func numbered(err error, before int) error {
	var of *whereby.Error
	if before == 0 || !errors.As(err, &of) || of.Page == 0 {
		return err
	}
	return &whereby.Error{Endpoint: of.Endpoint, Page: of.Page + before, Err: of.Err}
}

// take hands a page on.
func (w *walk) take(page whereby.Page[whereby.Room]) (listed, error) {
	got := listed{Page: page, rows: rowsOf(page, w.poller.config.Now())}
	var err error
	if got.report, err = w.poll.Add(got.rows); err != nil {
		return got, err
	}
	if err := w.setAside(page); err != nil {
		return got, err
	}
	w.tell(page.Rows)
	w.result.Pages++
	w.result.Rooms += got.report.Fresh
	for _, lowered := range got.report.Lowered {
		w.poller.log.Debug("Insights lowered a room's figures; the counters keep the higher ones",
			"room", lowered.RoomName, "participant_minutes", lowered.By.ParticipantMinutes,
			"recorder_minutes", lowered.By.RecorderMinutes, "streamer_minutes", lowered.By.StreamerMinutes,
			"sessions", lowered.By.Sessions)
	}
	w.logProgress()
	return got, nil
}

// fromMarks reads pages from the last of the poller's marks that still holds.
func (w *walk) fromMarks(ctx context.Context, marks []mark, next func(listed) (bool, error)) error {
	for {
		w.start(marks)
		top := len(marks) == 1
		held, misled := top, false
		err := w.list(ctx, whereby.RoomsByLastSession, func(page listed) (bool, error) {
			// If a mark leads to the end without a room that was used, the rooms that
			// were never used no longer come first.
			misled = !held && !startsUnused(page.Page) || !top && page.Last && !w.order.dated
			held = true
			if misled {
				return false, nil
			}
			return next(page)
		})
		switch {
		case misled:
			marks = marks[:len(marks)-1]
		case !held && refused(err):
			marks = marks[:1] // what is as old is refused as well
		default:
			return err
		}
	}
}

// refused reports whether Insights did not accept a request as it was.
func refused(err error) bool { return whereby.ClassOf(err) == whereby.ClassRequest }

// checkEnd returns an error if the pages continue without end.
func (w *walk) checkEnd(page listed) error {
	if w.stale < maxStalePages || page.Last {
		return nil
	}
	return noEnd(page, fmt.Errorf("%d %w", w.stale, errNoEnd))
}

func noEnd(page listed, err error) error {
	return fmt.Errorf("read /insights/rooms page %d: %w", page.Number, &whereby.MalformedError{Err: err})
}

// logProgress logs that the first full poll over a large account is in progress.
func (w *walk) logProgress() {
	const every = time.Minute
	if w.reported.IsZero() {
		w.reported = w.began
	}
	if time.Since(w.reported) >= every {
		w.reported = time.Now()
		w.poller.log.Info("poll in progress", "kind", w.result.Kind, "pages", w.result.Pages, "rooms", w.result.Rooms)
	}
}

// rowsOf takes from a page what the ledger keeps. A room that was used, nobody knows when,
// has no times.
func rowsOf(page whereby.Page[whereby.Room], now time.Time) []ledger.Row {
	rows := make([]ledger.Row, len(page.Rows))
	for i, room := range page.Rows {
		rows[i] = ledger.Row{
			Name:    room.Name,
			Created: ledger.Seconds(room.CreatedAt),
			Totals: ledger.Totals{
				ParticipantMinutes: room.ParticipantMinutes,
				RecorderMinutes:    room.RecorderMinutes,
				StreamerMinutes:    room.StreamerMinutes,
				Sessions:           room.Sessions,
			},
			FirstSession: ledger.Seconds(room.FirstSessionStartedAt),
			LastSession:  ledger.Seconds(room.LastSessionStartedAt),
			Ends:         ledger.Seconds(room.EndAt),
			Raised:       ledger.Seconds(now),
		}
	}
	return rows
}
