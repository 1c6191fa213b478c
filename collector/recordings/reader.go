package recordings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"whereby_exporter/whereby"
)

const (
	// DefaultInterval is how often the listing is read, and asked for again if the key may
	// not read it.
	DefaultInterval = 6 * time.Hour
	// retryAfter is when a reading that failed is tried again: from then on ever more rarely,
	// up to the interval.
	retryAfter = 5 * time.Minute
	// forgetAfter is after how many refusals in a row the last reading is no longer shown.
	forgetAfter = 2
)

// Store keeps the last reading over a restart.
type Store interface {
	// Recordings returns what was last kept; nil if nothing was.
	Recordings() ([]byte, error)
	KeepRecordings([]byte) error
}

// Config is what a Reader is made of.
type Config struct {
	Client *whereby.Client
	Store  Store
	// Label is the value of room_prefix that a room counts under.
	Label func(roomName string) string
	// OnStoreError is called if a reading could not be kept.
	OnStoreError func()
	Logger       *slog.Logger
}

// Reader reads the stored recordings, in the background of all else.
type Reader struct {
	client *whereby.Client
	store  Store
	label  func(string) string
	failed func()
	log    *slog.Logger
	seed   maphash.Seed

	sortBy string
	known  ids           // of the last reading, if nothing can be missing
	wait   time.Duration // before the next try after a failure; 0 if the last one did not fail
	kick   chan struct{}

	mu   sync.Mutex // held while kept is replaced or summed
	kept *reading
	view atomic.Pointer[View]
}

// Open continues from what the store has.
func Open(c Config) (*Reader, error) {
	content, err := c.Store.Recordings()
	if err != nil {
		return nil, fmt.Errorf("restore the reading of recordings: %w", err)
	}
	kept, err := decodeReading(content)
	if err != nil {
		return nil, err
	}
	r := &Reader{
		client: c.Client.Background(), store: c.Store, label: c.Label, failed: c.OnStoreError, log: c.Logger,
		seed: maphash.MakeSeed(), sortBy: whereby.NewestRecordingsFirst, kick: make(chan struct{}, 1), kept: kept,
	}
	r.Relabel()
	return r, nil
}

// View is what was last read; nil if the account has no recordings, or none that the key
// may read.
func (r *Reader) View() *View { return r.view.Load() }

// Relabel sums the reading by the prefixes that rooms count under now.
func (r *Reader) Relabel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.view.Store(r.kept.view(r.label))
}

// Start lets readings begin. It never waits.
func (r *Reader) Start() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Run reads once [Reader.Start] was called, until the context is done, and returns nil then.
func (r *Reader) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-r.kick:
	}
	for {
		timer := time.NewTimer(r.due())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		r.try(ctx)
	}
}

// due is how long it is to the next try.
func (r *Reader) due() time.Duration {
	if r.wait > 0 {
		return r.wait
	}
	// A clock that was ahead must not put it off.
	return min(time.Until(r.kept.Tried.Add(DefaultInterval)), DefaultInterval)
}

// try reads the listing. A failure changes nothing.
func (r *Reader) try(ctx context.Context) {
	last, passes, err := r.read(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case refused(err):
		r.refuse(err)
		return
	case err != nil:
		r.wait = r.backoff()
		r.log.Warn("reading stored recordings failed", "err", err, "retry_after", r.wait)
		return
	}
	level := slog.LevelInfo
	if len(last.seen) == 0 && !r.kept.Used && !r.kept.Tried.IsZero() {
		level = slog.LevelDebug // nothing new about an account that does not record
	}
	r.log.Log(ctx, level, "stored recordings read", "recordings", len(last.seen), "pages", last.pages, "passes", passes,
		"without_size", last.unsized, "unusable", last.unusable)
	wait := r.backoff()
	now := time.Now()
	r.keep(&reading{Tried: now, Read: now, Used: r.kept.Used || len(last.seen) > 0, Rooms: last.rooms})
	if !last.settled { // until the deletion that goes on has ended
		r.wait = wait
	}
}

// backoff returns the wait before the next try after another failure.
func (r *Reader) backoff() time.Duration {
	return min(max(2*r.wait, retryAfter), DefaultInterval)
}

// refused reports whether the account has no recordings to read, or the key may not: after a
// first page they could be.
func refused(err error) bool {
	var of *whereby.Error
	return errors.As(err, &of) && of.Page <= 1 && whereby.Unlisted(err)
}

// refuse notes a refusal. One alone may be an accident, so that what was read before stays.
func (r *Reader) refuse(err error) {
	kept := *r.kept
	kept.Tried = time.Now()
	if kept.Refusals++; kept.Refusals == 1 {
		r.log.Info("stored recordings cannot be read", "err", err, "asked_again_after", DefaultInterval)
	}
	if kept.Refusals >= forgetAfter {
		kept.Read, kept.Rooms = time.Time{}, nil
	}
	r.keep(&kept)
}

// keep shows a reading, and saves it for the next process.
func (r *Reader) keep(kept *reading) {
	r.wait = 0
	r.mu.Lock()
	r.kept = kept
	r.view.Store(kept.view(r.label))
	r.mu.Unlock()
	content, err := json.Marshal(kept)
	if err == nil {
		err = r.store.KeepRecordings(content)
	}
	if err != nil {
		r.failed()
		r.log.Warn("saving what was read about recordings failed", "err", err)
	}
}
