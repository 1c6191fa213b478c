package poller

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

// Config says how often the poller reads the account.
type Config struct {
	// Interval is the time from the start of a poll to the start of the next one.
	Interval time.Duration
	// FullPollInterval is the longest time between the ends of two full polls.
	FullPollInterval time.Duration
	// OnRooms, where not nil, is told of the rooms of every page that was read, those of
	// a poll that fails later too. It must be quick.
	OnRooms func([]whereby.Room)
	// OnPoll is told of every poll once it is over, from the goroutine that ran it.
	OnPoll func(Result)
	Logger *slog.Logger
}

// Kind is what a poll set out to read.
type Kind string

// The kinds of polls.
const (
	Full  Kind = "full"
	Short Kind = "short"
)

// Result is what a poll came to.
type Result struct {
	Kind    Kind
	Started time.Time
	Ended   time.Time
	// Pages counts the pages read; failed attempts are not among them.
	Pages int
	// Rooms counts different rooms.
	Rooms int
	// SetAside counts rooms whose rows could not be read.
	SetAside int
	// Complete is true where the poll reached the end of the account, as a short
	// poll may do too.
	Complete bool
	// Err is nil for a poll that is committed.
	Err error
}

// Poller owns the schedule. It starts nothing by itself; see [Poller.Run].
type Poller struct {
	client *whereby.Client
	ledger *ledger.Ledger
	config Config
	log    *slog.Logger

	polled, failing atomic.Bool

	mu sync.Mutex
	// refusedAt is when Insights last refused to sort by last session.
	refusedAt time.Time
	// unsorted is true once the log says that polls can't stop early.
	unsorted bool
}

// New returns a poller that reads the account of client into l.
func New(client *whereby.Client, l *ledger.Ledger, c Config) *Poller {
	return &Poller{client: client, ledger: l, config: c, log: c.Logger}
}

// Polled reports whether a poll has succeeded since the process started.
func (p *Poller) Polled() bool { return p.polled.Load() }

// Run polls until the context is done, and then returns nil. The first poll
// starts at once.
func (p *Poller) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		p.every(ctx, p.pollDue)
		return nil
	})
	group.Go(func() error {
		p.every(ctx, p.fullPollIfDue)
		return nil
	})
	return group.Wait()
}

// every calls f at the interval, counted from start to start. A call that takes
// longer delays the next one; it is never caught up.
func (p *Poller) every(ctx context.Context, f func(context.Context)) {
	for ctx.Err() == nil {
		next := time.Now().Add(p.config.Interval)
		f(ctx)
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pollDue runs the poll that is due at every interval.
func (p *Poller) pollDue(ctx context.Context) {
	state := p.ledger.State()
	kind := Short
	if !state.Complete || !state.Sorted || ahead(state.PollStarted) {
		kind = Full
	}
	p.poll(ctx, p.client, kind)
}

// fullPollIfDue runs a full poll in the background where the last one is too long
// ago. While every poll is a full one, it has nothing to do.
func (p *Poller) fullPollIfDue(ctx context.Context) {
	state := p.ledger.State()
	if !state.Complete || !state.Sorted || ahead(state.PollStarted) {
		return
	}
	if time.Since(state.FullPoll) >= p.config.FullPollInterval || ahead(state.FullPoll) {
		p.poll(ctx, p.client.Background(), Full)
	}
}

// ahead reports whether the time of a poll was that of a wrong clock: nothing follows
// from it for what has to be read now.
func ahead(poll time.Time) bool {
	// A poll of another process is compared by the clock alone, and so is one of this.
	return poll.Round(0).Sub(time.Now().Round(0)) > ledger.MaxSetBack
}

// poll runs one poll and tells of it.
func (p *Poller) poll(ctx context.Context, client *whereby.Client, kind Kind) {
	w := &walk{
		poller: p,
		client: client,
		result: Result{Kind: kind, Started: time.Now()},
		poll:   p.ledger.Begin(),
		order:  order{sorted: true},
		aside:  map[string]error{},
	}
	err := w.run(ctx)
	if ctx.Err() != nil {
		return // shutting down is no result
	}
	w.result.Ended = time.Now()
	w.result.SetAside = len(w.aside)
	fresh := w.freshlyAside()
	if err == nil {
		err = w.poll.Commit(ledger.Completion{
			Started:  w.result.Started,
			Ended:    w.result.Ended,
			Complete: w.result.Complete,
			Sorted:   w.sorted,
		})
	}
	w.result.Err = err
	p.logResult(w.result)
	if err == nil {
		p.logSetAside(w.aside, fresh)
	}
	if p.config.OnPoll != nil {
		p.config.OnPoll(w.result)
	}
	if err == nil {
		p.polled.Store(true) // last, so that who waits for it sees what the poll brought
	}
}

// sortRefused reports whether Insights refused to sort so recently that it is not worth
// another point to ask again.
func (p *Poller) sortRefused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.refusedAt.IsZero() && time.Since(p.refusedAt) < p.config.FullPollInterval
}

func (p *Poller) noteSortRefused(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusedAt = time.Now()
	if !p.unsorted {
		p.unsorted = true
		p.log.Warn("Insights refuses to sort rooms by their last session, so every poll reads the whole account", "err", err)
	}
}

// noteOrder takes what a poll found out about the order of the rooms.
func (p *Poller) noteOrder(sorted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !sorted && !p.unsorted {
		p.log.Warn("Insights does not sort rooms by their last session as asked, so every poll reads the whole account")
	}
	p.unsorted = !sorted
}

func (p *Poller) logResult(r Result) {
	attrs := []any{
		"kind", r.Kind, "pages", r.Pages, "rooms", r.Rooms,
		"unusable", r.SetAside, "complete", r.Complete, "duration", r.Ended.Sub(r.Started).Round(time.Millisecond),
	}
	switch {
	case r.Err != nil:
		p.failing.Store(true)
		p.log.Warn("poll failed; what was last known is still served", append(attrs, "err", r.Err, "class", cmp.Or(whereby.ClassOf(r.Err), "store"))...)
	case p.failing.Swap(false):
		p.log.Info("poll succeeded again", attrs...)
	case !p.polled.Load():
		p.log.Info("first poll succeeded", attrs...)
	default:
		p.log.Debug("poll succeeded", attrs...)
	}
}

// IsStorageError reports whether a poll failed because of the store, and not because of
// what Whereby answered.
func IsStorageError(err error) bool { return whereby.ClassOf(err) == "" }
