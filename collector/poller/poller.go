package poller

import (
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
	// Storage is the place of the ledger, for messages.
	Storage string
	// OnRooms, if not nil, is called with the rooms of every page, once they are known to be
	// the account's, even if the poll fails later. It must be quick.
	OnRooms func([]whereby.Room)
	// OnPoll is called with the result of every poll, from the goroutine that ran it.
	OnPoll func(Result)
	// Now returns the time; nil means [time.Now].
	Now    func() time.Time
	Logger *slog.Logger
}

// Kind is the kind of a poll.
type Kind string

// The kinds of polls.
const (
	Full  Kind = "full"
	Short Kind = "short"
	// Named polls request rooms by name. They have no Result.
	Named Kind = "named"
)

// Result is the outcome of a poll.
type Result struct {
	Kind    Kind
	Started time.Time
	Ended   time.Time
	// Duration is how long the poll took, even if the clock was set in the meantime.
	Duration time.Duration
	// Pages counts the pages read, without failed attempts.
	Pages int
	// Rooms counts different rooms.
	Rooms int
	// SetAside counts rooms whose rows could not be read.
	SetAside int
	// Complete is true if the poll reached the end of the account. Short polls may do so too.
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

	// inFull is held while a full poll is in progress. kept is one that failed and can go on.
	inFull sync.Mutex
	kept   *full

	mu        sync.Mutex
	knowledge knowledge
}

// New returns a poller that reads the account of client into l.
func New(client *whereby.Client, l *ledger.Ledger, c Config) *Poller {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Poller{client: client, ledger: l, config: c, log: c.Logger, knowledge: newKnowledge()}
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
		p.every(ctx, p.inBackground)
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
	switch {
	case !state.Complete, p.ahead(state.PollStarted), !state.Sorted && p.onePage():
		p.fullPoll(ctx, p.client)
	case !state.Sorted:
		p.fullPoll(ctx, p.client.Background())
	default:
		p.shortPoll(ctx, state)
	}
}

// inBackground does what short polls leave undone.
func (p *Poller) inBackground(ctx context.Context) {
	p.fullPollIfDue(ctx)
	p.askForMissed(ctx)
}

// fullPollIfDue runs a full poll in the background if the last one is too long ago, or
// if a short one found the order in doubt. While every poll is a full one, it has nothing
// to do.
func (p *Poller) fullPollIfDue(ctx context.Context) {
	if p.fullPollDue() {
		p.fullPoll(ctx, p.client.Background())
	}
}

func (p *Poller) fullPollDue() bool {
	state := p.ledger.State()
	if !state.Complete || !state.Sorted || p.ahead(state.PollStarted) {
		return false
	}
	return p.config.Now().Sub(state.FullPoll) >= p.config.FullPollInterval || p.ahead(state.FullPoll) || p.inDoubt()
}

// ahead reports whether the time of a poll was that of a wrong clock: nothing follows
// from it for what has to be read now.
func (p *Poller) ahead(poll time.Time) bool {
	// A poll of another process is compared by the clock alone, and so is one of this.
	return poll.Round(0).Sub(p.config.Now().Round(0)) > ledger.MaxSetBack
}

// onePage reports whether the account was a single page in the last full poll: its order
// can't be shown, and a full poll costs no more than a short one.
func (p *Poller) onePage() bool {
	var rooms int64
	for _, prefix := range p.ledger.Snapshot().Prefixes {
		rooms += prefix.Rooms
	}
	return rooms <= whereby.MaxPageSize
}

func (p *Poller) shortPoll(ctx context.Context, state ledger.State) {
	s := p.newShort(state)
	err := s.run(ctx)
	if s.result.Pages == 0 && whereby.SortRefused(err) {
		p.noteSortRefused(err)
		p.fullPoll(ctx, p.client.Background())
		return
	}
	sorted := err == nil && p.judge(Short, s.order.holds(), true)
	if p.finish(ctx, &s.walk, sorted, err) == nil {
		p.learn(&s.walk, s.wide)
	}
}

// fullPoll starts a full poll, or continues with the one that failed before.
func (p *Poller) fullPoll(ctx context.Context, client *whereby.Client) {
	if !p.inFull.TryLock() {
		return // one is in progress
	}
	defer p.inFull.Unlock()
	f, resumed := p.kept, p.kept != nil
	if !resumed || time.Since(f.read) > maxPause {
		f, resumed = p.newFull(), false
	}
	f.client = client
	if resumed {
		f.poll.Resume()
	}
	before := f.result.Pages
	err := f.run(ctx)
	if resumed && f.result.Pages == before && refused(err) {
		p.log.Debug("the page at which the poll failed has expired; the poll starts over", "err", err)
		f = p.newFull()
		f.client = client
		err = f.run(ctx)
	}
	sorted := false
	if err == nil && f.sortBy != "" && f.pages > 1 {
		sorted = p.judge(Full, f.order.holds() && f.order.shown() && f.heeded, p.ledger.State().Sorted)
	}
	p.kept = nil
	if err = p.finish(ctx, &f.walk, sorted, err); err != nil && f.keeps(err) {
		p.kept = f
	}
	if !sorted {
		f.marks = []mark{{}} // cursors of another order
	}
	if err == nil {
		p.learn(&f.walk, true)
	}
}

// finish commits a poll that succeeded, or what one has read that did not, and tells of it.
func (p *Poller) finish(ctx context.Context, w *walk, sorted bool, err error) error {
	if err != nil || ctx.Err() != nil {
		if err := w.poll.Keep(); err != nil {
			p.log.Warn("keeping what a failed poll has read failed", "err", err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err() // shutting down is no result
	}
	w.result.Ended, w.result.Duration = p.config.Now(), time.Since(w.began)
	w.result.SetAside = len(w.aside)
	fresh, replaced := w.freshlyAside(), w.poll.Replaced()
	if err == nil {
		err = w.poll.Commit(ledger.Completion{
			Started:  w.result.Started,
			Ended:    w.result.Ended,
			Complete: w.result.Complete,
			OnePage:  w.result.Complete && w.onePage,
			Sorted:   sorted,
		})
	}
	err = p.explain(err)
	w.result.Err = err
	p.logResult(w.result)
	if err == nil {
		p.logSetAside(w.aside, fresh)
		w.tellRest(replaced)
	}
	if p.config.OnPoll != nil {
		p.config.OnPoll(w.result)
	}
	if err == nil {
		p.polled.Store(true) // last, so that who waits for it sees what the poll brought
	}
	return err
}

func (p *Poller) logResult(r Result) {
	attrs := []any{
		"kind", r.Kind, "pages", r.Pages, "rooms", r.Rooms,
		"unusable", r.SetAside, "complete", r.Complete, "duration", r.Duration.Round(time.Millisecond),
	}
	switch {
	case r.Err != nil:
		p.failing.Store(true)
		p.log.Warn("poll failed; serving the last known figures", append(attrs, "err", r.Err, "class", classOf(r.Err))...)
	case p.failing.Swap(false):
		p.log.Info("poll succeeded again", attrs...)
	case !p.polled.Load():
		p.log.Info("first poll succeeded", attrs...)
	default:
		p.log.Debug("poll succeeded", attrs...)
	}
}
