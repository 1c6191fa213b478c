package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/poller"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/shared"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

const (
	// checkpointEvery is how often the leader keeps the live state, and by that what a
	// replica has to read that starts.
	checkpointEvery = time.Minute
	// reconnectEvery is how often Redis is tried while it is gone.
	reconnectEvery = time.Second
	// resignEvery is how often the lease is given back until nobody here reads Insights.
	resignEvery = 100 * time.Millisecond
	// refillAtOnce is how many rooms or records are written with one request.
	refillAtOnce = 1000
)

// replica keeps a collector in step with the others that share its Redis. It reads the
// log, always; while it holds the lease it also runs what reads Insights.
type replica struct {
	redis *shared.Redis
	c     *Collector
	log   *slog.Logger

	// mirror is what the log said of the ledger and of call quality.
	mirror  *store.Memory
	records *mirroredRecords

	// applied is the number of the last entry that was; last is that entry, by which a
	// Redis is known again.
	mu      sync.Mutex
	applied int64
	moved   chan struct{} // closed when applied grows
	// These are the reader's own.
	begun      bool
	last       shared.Entry
	checkpoint time.Time

	// current is true while all there is has been read.
	current atomic.Bool
	// once is closed when it was for the first time.
	once     chan struct{}
	onceOnly sync.Once
	// polled is true once any replica's poll was heard of.
	polled atomic.Bool
	// reading is held while this replica reads Insights.
	reading sync.Mutex
}

// openReplica puts stores into the stores' place that follow the log.
func openReplica(redis *shared.Redis, log *slog.Logger) (*replica, stores) {
	r := &replica{
		redis: redis, log: log, mirror: store.NewMemory(), records: &mirroredRecords{known: map[string]quality.Record{}},
		moved: make(chan struct{}), once: make(chan struct{}),
	}
	r.records.write = func(s shared.Sampled, apply func() error) error {
		return r.redis.Log.Keep(r.leading(), s, apply)
	}
	return r, stores{mirroredLedger{r.mirror, r}, r.records}
}

// leading is the context of writes: they end by themselves when the lease is lost.
func (r *replica) leading() context.Context { return context.Background() }

// mirroredLedger is a [ledger.Store] that commits to the log first.
type mirroredLedger struct {
	*store.Memory
	replica *replica
}

// Commit implements [ledger.Store].
func (m mirroredLedger) Commit(c ledger.Change) error {
	return m.replica.redis.Log.Commit(m.replica.leading(), c, func() error { return m.Memory.Commit(c) })
}

// mirroredRecords is a [quality.Store] that commits to the log first.
type mirroredRecords struct {
	store.NoRecords
	write func(shared.Sampled, func() error) error

	mu    sync.Mutex
	known map[string]quality.Record
}

// Records implements [quality.Store].
func (m *mirroredRecords) Records() iter.Seq2[quality.Record, error] {
	return func(yield func(quality.Record, error) bool) {
		for _, r := range m.all() {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *mirroredRecords) all() []quality.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.known))
}

// Keep implements [quality.Store].
func (m *mirroredRecords) Keep(records []quality.Record, gone []string) error {
	s := shared.Sampled{Records: records, Gone: gone}
	return m.write(s, func() error {
		m.take(s)
		return nil
	})
}

func (m *mirroredRecords) take(s shared.Sampled) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range s.Gone {
		delete(m.known, key)
	}
	for _, r := range s.Records {
		m.known[r.Key] = r
	}
}

// run follows the log, and leads at times, until the context is done.
func (r *replica) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.follow(ctx) })
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-r.once:
		}
		return r.redis.Lease.Run(ctx, r.lead)
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-r.once:
		}
		return r.c.ledger.Run(ctx)
	})
	return group.Wait()
}

// follow reads the log until the context is done.
func (r *replica) follow(ctx context.Context) error {
	gone := false
	for ctx.Err() == nil {
		err := r.read(ctx, func() {
			if gone {
				r.log.Info("Redis is back")
			}
			gone = false
		})
		r.current.Store(false)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, shared.ErrGap) {
			r.log.Warn("some of what the replicas share was missed; all of it is read anew")
			r.begun = false
			continue
		}
		if !gone {
			r.log.Error("Redis can't be read; what was last known is still served, and webhooks are refused until it is back", "err", err)
		}
		gone = true
		select {
		case <-ctx.Done():
		case <-time.After(reconnectEvery):
		}
	}
	return nil
}

// read reads the log until an error, and calls reached once Redis has answered.
func (r *replica) read(ctx context.Context, reached func()) error {
	if err := r.redis.Check(ctx); err != nil {
		return err
	}
	if r.begun {
		// It may be another Redis by now, or an older state of it.
		if err := r.checkLast(ctx); err != nil {
			return err
		}
	}
	reached()
	if !r.begun {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		entries, all, err := r.redis.Log.Read(ctx, r.appliedTo())
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			// A log that was begun anew may have grown past this one while it was waited for.
			if err := r.checkLast(ctx); err != nil {
				return err
			}
		}
		for _, entry := range entries {
			if err := r.apply(entry); err != nil {
				return fmt.Errorf("entry %d of the log: %w", entry.N, err)
			}
			r.last = entry
		}
		r.advance(len(entries))
		if all {
			if err := r.reveal(); err != nil {
				return err
			}
		}
		r.save(ctx)
	}
	return nil
}

// checkLast holds that the entry applied last is in the log as it was.
func (r *replica) checkLast(ctx context.Context) error {
	if r.last.N == 0 {
		return nil
	}
	same, err := r.redis.Log.Has(ctx, r.last)
	if err == nil && !same {
		err = shared.ErrGap
	}
	return err
}

func (r *replica) appliedTo() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applied
}

func (r *replica) advance(n int) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied += int64(n)
	close(r.moved)
	r.moved = make(chan struct{})
}

// begin reads what the log led to.
func (r *replica) begin(ctx context.Context) error {
	// Whoever reads Insights builds on what is about to be read anew.
	for !r.reading.TryLock() {
		r.redis.Lease.Resign()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(resignEvery):
		}
	}
	defer r.reading.Unlock()
	young, err := r.redis.Log.Young(ctx)
	if err != nil {
		return err
	}
	if lost := young && r.begunOnce(); lost {
		// What is known here is all that is left, and what the log holds has come since.
		// Whoever leads next fills Redis again.
		r.log.Error("Redis has lost what the replicas share; this replica goes on from what it knows")
		r.startAt(0)
		return nil
	}
	r.c.ledger.Hold()
	if r.c.feed != nil {
		r.c.feed.replay()
	}
	n, err := r.redis.Log.Load(ctx, loader{r})
	if err != nil {
		return fmt.Errorf("read what the replicas share: %w", err)
	}
	r.startAt(n)
	return nil
}

// startAt reads the log from behind an entry on.
func (r *replica) startAt(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.applied = n
	r.begun, r.last = true, shared.Entry{}
	r.checkpoint = time.Time{}
}

// reveal shows what was read, once that is all there is. What was shown before stays
// until then: it must not fall back to what the log began with.
func (r *replica) reveal() error {
	if !r.current.Load() {
		if err := r.c.sampling.Follow(r.records.all()); err != nil {
			return err
		}
		if r.c.feed != nil {
			r.c.feed.observe()
		}
		r.current.Store(true)
	}
	r.c.ledger.Reveal()
	r.onceOnly.Do(func() { close(r.once) })
	return nil
}

// begunOnce tells whether all there is was read at least once.
func (r *replica) begunOnce() bool {
	select {
	case <-r.once:
		return true
	default:
		return false
	}
}

// loader applies what a replica begins with.
type loader struct{ *replica }

// Live implements [shared.Loader].
func (l loader) Live(state []byte) error {
	if l.c.feed == nil || len(state) == 0 {
		return nil
	}
	return l.c.feed.UnmarshalBinary(state)
}

// Ledger implements [shared.Loader].
func (l loader) Ledger(change ledger.Change) error {
	return l.c.ledger.Follow(change, l.mirror.Commit)
}

// Quality implements [shared.Loader].
func (l loader) Quality(records []quality.Record) error {
	l.records.take(shared.Sampled{Records: records})
	return nil
}

// Poll implements [shared.Loader].
func (l loader) Poll(result []byte) error { return l.hear(result) }

// apply takes an entry of the log.
func (r *replica) apply(e shared.Entry) error {
	switch e.Kind {
	case shared.Event:
		if r.c.feed == nil {
			return nil
		}
		return r.applyEvent(e.Value)
	case shared.Correction:
		var c correction
		if err := json.Unmarshal(e.Value, &c); err != nil || r.c.feed == nil {
			return err
		}
		r.c.feed.correct(c)
	case shared.Ledger:
		change, err := e.Change()
		if err != nil {
			return err
		}
		return r.c.ledger.Follow(change, r.mirror.Commit)
	case shared.Quality:
		sampled, err := e.Sampled()
		if err != nil {
			return err
		}
		if r.records.take(sampled); !r.current.Load() {
			return nil
		}
		return r.c.sampling.Follow(sampled.Records)
	case shared.Poll:
		return r.hear(e.Value)
	}
	return nil // this process's own, or what a newer version tells beside
}

// sharedEvent is an event in the log.
type sharedEvent struct {
	Record json.RawMessage `json:"record"`
	// Shown is what Insights showed of the room when the event arrived, for all replicas
	// to reckon from; absent where that was not known.
	Shown *int64 `json:"shown,omitempty"`
}

func (r *replica) applyEvent(value []byte) error {
	if r.c.feed == nil {
		return nil
	}
	var shared sharedEvent
	if err := json.Unmarshal(value, &shared); err != nil {
		return fmt.Errorf("read an event: %w", err)
	}
	event, segment, arrived, err := webhook.DecodeRecord(shared.Record)
	if err != nil {
		return err
	}
	r.c.feed.applyShown(event, segment, arrived, func(string) (int64, bool) {
		if shared.Shown == nil {
			return 0, false
		}
		return *shared.Shown, true
	})
	return nil
}

// save keeps the live state from time to time while this replica leads.
func (r *replica) save(ctx context.Context) {
	if !r.redis.Lease.Held() || time.Since(r.checkpoint) < checkpointEvery || r.c.feed == nil || !r.current.Load() {
		return
	}
	r.checkpoint = time.Now()
	state, err := r.c.feed.AppendBinary(nil)
	if err == nil {
		err = r.redis.Log.Checkpoint(ctx, r.appliedTo(), state)
	}
	if err != nil && !errors.Is(err, shared.ErrNotLeading) {
		r.log.Warn("the live state could not be kept in Redis; the log grows until it can", "err", err)
	}
}

// accept makes an event known to all.
func (r *replica) accept(ctx context.Context, event whereby.Event) error {
	arrived := time.Now()
	segment := r.c.feed.Segment(event)
	record, err := webhook.EncodeRecord(event, segment, arrived)
	if err != nil {
		return err
	}
	shared := sharedEvent{Record: record}
	if shown, known := shownMinutes(r.c.ledger, event.RoomName); known {
		shared.Shown = &shown
	}
	value, err := json.Marshal(shared)
	if err != nil {
		return err
	}
	return r.redis.Log.Append(ctx, value)
}

// lead reads Insights until the context is done.
func (r *replica) lead(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	// What the leader before has written comes first. It can write no more.
	if err := r.catchUp(ctx); err != nil {
		return r.giveUp(ctx, err)
	}
	if err := r.resumeBudget(ctx); err != nil {
		return r.giveUp(ctx, err)
	}
	if err := r.refill(ctx); err != nil {
		return r.giveUp(ctx, err)
	}
	if err := r.c.sampling.Reload(); err != nil {
		return err
	}
	return r.c.readInsights(ctx)
}

// refill writes all that is known, should Redis have lost some of it.
func (r *replica) refill(ctx context.Context) error {
	records := r.records.all()
	lacks, err := r.redis.Log.Lacks(ctx, r.mirror.Len(), len(records))
	if err != nil || !lacks {
		return err
	}
	r.log.Warn("Redis lacks some of what the replicas share; it is written again", "rooms", r.mirror.Len())
	var rows []ledger.Row
	for row, err := range r.mirror.Rows("") {
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	state, err := r.mirror.State()
	if err != nil {
		return err
	}
	present, err := r.mirror.Present()
	if err != nil {
		return err
	}
	nothing := func() error { return nil } // it is known here
	if err := r.redis.Log.Commit(ctx, ledger.Change{Prefixes: state.Prefixes}, nothing); err != nil {
		return err
	}
	for chunk := range slices.Chunk(rows, refillAtOnce) {
		if err := r.redis.Log.Commit(ctx, ledger.Change{Rows: chunk}, nothing); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(records, refillAtOnce) {
		if err := r.redis.Log.Keep(ctx, shared.Sampled{Records: chunk}, nothing); err != nil {
			return err
		}
	}
	if !state.Complete {
		return nil
	}
	return r.redis.Log.Commit(ctx, ledger.Change{State: &state, Present: &present}, nothing)
}

// giveUp lets another replica try. This one does too, after a while.
func (r *replica) giveUp(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		r.log.Warn("this replica could not begin to read Insights", "err", err)
	}
	return nil
}

func (r *replica) resumeBudget(ctx context.Context) error {
	if r.c.config.Client.Budget == nil {
		return nil
	}
	limit, spent, err := r.redis.Lease.Spent(ctx)
	if err != nil {
		return fmt.Errorf("read which points were spent: %w", err)
	}
	r.c.config.Client.Budget.Resume(limit, spent)
	return nil
}

// catchUp waits until all that is in the log now is applied.
func (r *replica) catchUp(ctx context.Context) error {
	end, err := r.redis.Log.End(ctx)
	if err != nil {
		return err
	}
	for {
		r.mu.Lock()
		applied, moved := r.applied, r.moved
		r.mu.Unlock()
		if applied >= end && r.current.Load() {
			now, err := r.redis.Log.End(ctx)
			if err != nil || now >= applied {
				return err
			}
			// Redis has lost the log. Nothing may be written to a new one until whoever reads
			// it here has noticed, and has taken this lease away.
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-moved:
		case <-time.After(reconnectEvery):
		}
	}
}

// spend is the budget's.
func (r *replica) spend(ctx context.Context, _ time.Time, limit int) error {
	return r.redis.Lease.Spend(ctx, limit)
}

// tellCorrection is the reconciler's.
func (r *replica) tellCorrection(ctx context.Context, c correction) error {
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return r.redis.Log.Write(ctx, shared.Correction, value, nil, nil)
}

// pollResult is what the others are told of a poll.
type pollResult struct {
	Kind    poller.Kind `json:"kind"`
	Started time.Time   `json:"started"`
	Ended   time.Time   `json:"ended"`
	Err     string      `json:"err,omitempty"`
}

// tellPoll tells the others of a poll. They know the figures by then.
func (r *replica) tellPoll(p poller.Result) {
	told := pollResult{Kind: p.Kind, Started: p.Started, Ended: p.Ended}
	if p.Err != nil {
		told.Err = p.Err.Error()
	}
	value, err := json.Marshal(told)
	if err == nil {
		err = r.redis.Log.Tell(r.leading(), value)
	}
	if err != nil && !errors.Is(err, shared.ErrNotLeading) {
		r.log.Debug("the other replicas could not be told of a poll", "err", err)
	}
}

// hear takes another replica's poll.
func (r *replica) hear(value []byte) error {
	var told pollResult
	if err := json.Unmarshal(value, &told); err != nil {
		return fmt.Errorf("read the result of a poll: %w", err)
	}
	result := poller.Result{Kind: told.Kind, Started: told.Started, Ended: told.Ended}
	if told.Err != "" {
		result.Err = errors.New(told.Err)
	}
	r.c.self.hear(result)
	r.c.watch.onPass(result)
	if result.Err == nil {
		r.polled.Store(true)
	}
	return nil
}

// registerReplica exposes who leads, and whether Redis is there.
func registerReplica(registry prometheus.Registerer, r *replica) {
	metrics.Leader.NewGaugeFunc(registry, func() float64 { return number(r.redis.Lease.Held()) })
	metrics.SharedStateCurrent.NewGaugeFunc(registry, func() float64 { return number(r.current.Load()) })
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
