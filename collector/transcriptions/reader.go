package transcriptions

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

const (
	// idle is how often an account is asked in which there never was a transcription, or
	// that may not list them.
	idle = 6 * time.Hour
	// lookInterval is how often a reading looks lookBack back.
	lookInterval, lookBack = 15 * time.Minute, 24 * time.Hour
	// asideInterval is how often all is read while there are rows that cannot be read.
	asideInterval = time.Hour
	// flushRows is how many rows are held before they go to the store.
	flushRows = 2_000
	// firstReadings bounds how often the first reading is repeated.
	firstReadings = 3
)

// Config is what a Reader needs to know.
type Config struct {
	// Interval is that of polls, FullInterval the longest time between readings to the
	// listing's end.
	Interval, FullInterval time.Duration
	// Counted are the labels whose transcriptions webhooks counted by status before rows were
	// kept.
	Counted func() map[string]bool
	// OnRead runs after the figures have changed.
	OnRead func()
	Logger *slog.Logger
}

// Reader reads the listing of transcriptions after polls.
type Reader struct {
	client *whereby.Client
	ledger *Ledger
	config Config
	polled chan struct{}

	looked time.Time // when a reading last looked back
	failed int       // readings in a row
	// unsorted is true if the listing does not come in the order that was asked for, and
	// unsortable if it cannot be asked for.
	unsorted, unsortable bool
}

// New returns a reader whose requests yield to those of polls.
func New(client *whereby.Client, ledger *Ledger, config Config) *Reader {
	client = client.Background()
	client.Retry.MaxAttempts = 2 // the next poll comes soon
	return &Reader{client: client, ledger: ledger, config: config, polled: make(chan struct{}, 1)}
}

// Look has the listing be read if it is time.
func (r *Reader) Look() {
	select {
	case r.polled <- struct{}{}:
	default:
	}
}

// Run reads until the context is done.
func (r *Reader) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.ledger.woken:
		case <-r.polled:
			if !r.due(time.Now()) {
				continue
			}
		}
		if err := r.read(ctx); ctx.Err() == nil {
			r.note(err)
		}
	}
}

// due reports whether it is time to read.
func (r *Reader) due(now time.Time) bool {
	state := r.ledger.State()
	wait := r.config.Interval / 2 // two polls may end at once
	switch {
	case state.Refused || state.Complete && !r.ledger.Any():
		wait = idle
	case r.unsorted || r.unsortable:
		wait = lookInterval
	}
	if r.failed > 0 {
		wait = max(wait, min(lookInterval, r.config.Interval<<min(r.failed-1, 8)))
	}
	since := now.Sub(state.Read)
	return since >= wait || since < -time.Minute // a clock was wrong
}

// note logs how a reading ended, once until it ends otherwise.
func (r *Reader) note(err error) {
	if err == nil {
		if r.failed > 0 {
			r.config.Logger.Info("reading transcriptions succeeded again")
		}
		r.failed = 0
		return
	}
	if r.failed++; r.failed == 1 {
		r.config.Logger.Warn("reading transcriptions failed", "err", err)
	}
}

// read reads the listing as far as is due.
func (r *Reader) read(ctx context.Context) error {
	state := r.ledger.State()
	err := r.readDue(ctx, &state)
	switch {
	case err == nil:
		r.config.OnRead()
	case whereby.Unlisted(err):
		if !state.Refused {
			r.config.Logger.Warn("transcriptions cannot be listed", "err", err, "next_try", idle)
		}
		state.Refused, state.Exposed, state.Read = true, state.Exposed || !state.Complete, time.Now()
		if err := r.ledger.commit(&state); err != nil {
			return err
		}
		r.config.OnRead()
		return nil
	case ctx.Err() == nil:
		state := r.ledger.State()
		state.Read = time.Now()
		return errors.Join(err, r.ledger.commit(&state))
	}
	return err
}

func (r *Reader) readDue(ctx context.Context, state *State) error {
	now := time.Now()
	fullInterval := r.config.FullInterval
	if len(state.Aside) > 0 {
		fullInterval = min(fullInterval, asideInterval)
	}
	since := now.Sub(state.FullRead)
	if state.Complete && since >= 0 && since < fullInterval {
		var stop int64 // rows from before may be left out
		if now.Sub(r.looked) >= lookInterval {
			r.looked = now
			stop = now.Add(-lookBack).UnixMilli()
		} else {
			stop = math.MaxInt64
		}
		_, err := r.walk(ctx, state, stop)
		return err
	}
	for n := 1; ; n++ {
		// Rows that are deleted while pages are read hide others. So the first reading is
		// repeated until it brings none that was hidden.
		w, err := r.walk(ctx, state, 0)
		if err != nil {
			return err
		}
		if state.Complete || w.pages == 1 || n > 1 && !w.old || n >= firstReadings {
			break
		}
	}
	r.looked = now
	if state.Complete {
		return nil
	}
	state.Complete = true
	return r.ledger.commit(state)
}

// walked is what a walk over pages came to.
type walked struct {
	pages int
	// old is true if it brought a transcription from before it that was not known.
	old bool
}

// walk reads pages until one tells nothing new and only of what started before stop, or to
// the end if that is 0, and commits them.
func (r *Reader) walk(ctx context.Context, state *State, stop int64) (w walked, err error) {
	started := time.Now()
	reading := &reading{ledger: r.ledger, rows: map[string]Row{}}
	query := whereby.TranscriptionsQuery{SortBy: whereby.TranscriptionsNewestFirst}
	if r.unsortable {
		query.SortBy = ""
	}
	var aside []string
	last, sorted, ended := time.Time{}, true, false
	for page, err := range r.client.Transcriptions(ctx, query) {
		if err != nil {
			if page.Number == 1 && query.SortBy != "" && whereby.SortRefused(err) {
				r.unsortable = true
				return r.walk(ctx, state, 0)
			}
			return w, err
		}
		w.pages++
		rows := make([]Row, len(page.Rows))
		newest := int64(0)
		for i, row := range page.Rows {
			rows[i] = listed(row)
			newest = max(newest, rows[i].Started)
			sorted = sorted && (last.IsZero() || !row.StartedAt.After(last))
			last = row.StartedAt
		}
		for _, odd := range page.Unusable {
			aside = append(aside, odd.RoomName)
		}
		news, old, err := reading.add(rows, started.Add(-whereby.InsightsDelay).UnixMilli())
		if err != nil {
			return w, err
		}
		w.old = w.old || old
		if len(reading.rows) >= flushRows {
			// Facts, whatever becomes of the reading; but what lies below them is then to be
			// looked for.
			part := r.ledger.State()
			part.FullRead = time.Time{}
			if err := reading.commit(part, r.config.Counted); err != nil {
				return w, err
			}
		}
		ended = page.Last
		if stop != 0 && sorted && !r.unsortable && !news && newest < stop {
			break
		}
	}
	r.unsorted = !sorted
	state.Read, state.Refused = time.Now(), false
	if ended {
		state.FullRead = started
		state.Aside = nil
	}
	for _, room := range aside {
		if !slices.Contains(state.Aside, room) {
			state.Aside = append(state.Aside, room)
		}
	}
	return w, reading.commit(*state, r.config.Counted)
}
