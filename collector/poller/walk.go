package poller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

const (
	// overlap is how far a short poll reads back beyond the start of the poll
	// before it. It covers Insights' delay of 10 to 15 minutes, clocks that
	// differ, and sessions that run for many hours.
	overlap = 24 * time.Hour
	// maxStalePages ends a poll over pages that go on without any room that it has
	// not seen. Pages that shift while they are read repeat rooms too, but not for
	// a thousand rooms on end.
	maxStalePages = 10
)

// walk is one poll over the pages.
type walk struct {
	poller *Poller
	client *whereby.Client
	poll   *ledger.Poll
	result Result
	order  order
	// sorted is true once it is shown that Insights sorts as asked.
	sorted bool
	// top are the rooms of the first page, as last read.
	top []ledger.Row
	// aside are the rooms whose rows could not be read, and why.
	aside map[string]error
	// reported is when progress was last logged.
	reported time.Time
}

// run reads the pages, from the top until the poll may stop.
func (w *walk) run(ctx context.Context) error {
	if w.poller.sortRefused() {
		return w.list(ctx, "", w.readAll())
	}
	next := w.readAll()
	if w.result.Kind == Short {
		cutoff := ledger.Seconds(w.poller.ledger.State().PollStarted.Add(-overlap))
		next = w.readUntil(cutoff)
	}
	err := w.list(ctx, whereby.RoomsByLastSession, next)
	if w.result.Pages == 0 && whereby.SortRefused(err) {
		w.poller.noteSortRefused(err)
		return w.list(ctx, "", w.readAll())
	}
	if err != nil {
		return err
	}
	switch {
	case w.result.Kind == Full && w.result.Pages == 1:
		// A single page proves nothing, and is read whole each time anyway.
		return nil
	case w.result.Kind == Short:
		w.sorted = w.order.sorted
	case w.order.sorted:
		if err := w.reread(ctx); err != nil {
			return err
		}
		if err := w.probe(ctx); err != nil {
			return err
		}
	}
	w.poller.noteOrder(w.sorted)
	return nil
}

// reread reads the top of the list once more: a room that was used while the poll
// was under way has moved from the pages yet to come to those already read.
func (w *walk) reread(ctx context.Context) error {
	w.order = order{sorted: true}
	return w.list(ctx, whereby.RoomsByLastSession, w.readUntil(ledger.Seconds(w.result.Started)))
}

// probe asks for the opposite order. An account may look sorted by last session
// because it is, say, in the order of creation; but an API that does not heed the
// order asked for gives the same page whichever it is.
func (w *walk) probe(ctx context.Context) error {
	if !w.order.sorted {
		return nil
	}
	for page, err := range w.client.Rooms(ctx, whereby.RoomsQuery{SortBy: whereby.RoomsByLastSessionAscending}) {
		if err != nil {
			return err
		}
		w.result.Pages++
		if dated, err := undated(page); err == nil {
			page = dated // as at the top
		}
		rows := rowsOf(page)
		same := slices.EqualFunc(rows, w.top, func(a, b ledger.Row) bool { return a.Name == b.Name })
		w.sorted = !same && ascending(rows)
		break
	}
	return nil
}

func ascending(rows []ledger.Row) bool {
	var last int64
	for _, row := range rows {
		if row.LastSession == 0 {
			continue
		}
		if row.LastSession < last {
			return false
		}
		last = row.LastSession
	}
	return true
}

// list reads pages as long as next says so.
func (w *walk) list(ctx context.Context, sortBy string, next func(whereby.Page[whereby.Room], ledger.Report) (bool, error)) error {
	for page, err := range w.client.Rooms(ctx, whereby.RoomsQuery{SortBy: sortBy}) {
		if err != nil {
			return err
		}
		page, err = undated(page)
		if err != nil {
			return err
		}
		rows := rowsOf(page)
		if page.Number == 1 {
			w.top = rows
		}
		report, err := w.poll.Add(rows)
		if err != nil {
			return err
		}
		if err := w.setAside(page); err != nil {
			return err
		}
		if w.poller.config.OnRooms != nil {
			w.poller.config.OnRooms(page.Rows)
		}
		w.order.check(rows, report.Repeated)
		w.result.Pages++
		w.result.Rooms += report.Fresh
		for _, lowered := range report.Lowered {
			w.poller.log.Debug("Insights lowered a room's figures; the counters keep the higher ones",
				"room", lowered.RoomName, "participant_minutes", lowered.By.ParticipantMinutes,
				"recorder_minutes", lowered.By.RecorderMinutes, "streamer_minutes", lowered.By.StreamerMinutes,
				"sessions", lowered.By.Sessions)
		}
		w.logProgress()
		if more, err := next(page, report); err != nil || !more {
			return err
		}
	}
	return nil
}

// logProgress logs that the first full poll over a large account is under way.
func (w *walk) logProgress() {
	const every = time.Minute
	if w.reported.IsZero() {
		w.reported = w.result.Started
	}
	if time.Since(w.reported) >= every {
		w.reported = time.Now()
		w.poller.log.Info("poll under way", "kind", w.result.Kind, "pages", w.result.Pages, "rooms", w.result.Rooms)
	}
}

// readAll reads on to the last page, and gives up where pages bring nothing new.
func (w *walk) readAll() func(whereby.Page[whereby.Room], ledger.Report) (bool, error) {
	stale := 0
	return func(page whereby.Page[whereby.Room], report ledger.Report) (bool, error) {
		if report.Fresh > 0 {
			stale = 0
		} else {
			stale++
		}
		w.result.Complete = page.Last
		if stale >= maxStalePages && !page.Last {
			return false, fmt.Errorf("read /insights/rooms page %d: %w", page.Number,
				&whereby.MalformedError{Err: fmt.Errorf("%d pages in a row without a room that was not on an earlier page", stale)})
		}
		return true, nil
	}
}

// readUntil reads on until a page of known, unchanged rooms whose last sessions
// all started before the cutoff. Once the order turns out not to hold, it reads
// on to the last page.
func (w *walk) readUntil(cutoff int64) func(whereby.Page[whereby.Room], ledger.Report) (bool, error) {
	readAll := w.readAll()
	return func(page whereby.Page[whereby.Room], report ledger.Report) (bool, error) {
		settled := report.Changed == 0 && w.order.sorted && w.order.dated && w.order.newest < cutoff
		if settled && !page.Last {
			return false, nil
		}
		if w.result.Kind == Full {
			// The second reading of the top: every room has been seen once already.
			return w.order.sorted, nil
		}
		return readAll(page, report)
	}
}

// rowsOf takes from a page what the ledger keeps.
func rowsOf(page whereby.Page[whereby.Room]) []ledger.Row {
	now := ledger.Seconds(time.Now())
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
			Raised:       now,
		}
	}
	return rows
}
