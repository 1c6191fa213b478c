package statuspage

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"whereby_exporter/whereby"
)

const (
	// fresh is how long the sessions of a room are not read again, however often they are
	// requested.
	fresh = time.Minute
	// kept is the number of rooms whose sessions are remembered, 30 KiB each at most.
	kept = 64
	// keptFor is how long they are remembered.
	keptFor = time.Hour
	// perMinute bounds the points that all visitors of the page together spend.
	perMinute = 10
	// answerWithin is how long a visitor waits for a response, including the wait for
	// points. The page then says so, and the visitor can press the button again.
	answerWithin = 8 * time.Second
)

// errTooMany means that visitors have spent their points.
var errTooMany = errors.New("visitors of this page have read the sessions of many rooms in the last minute")

// reading is the sessions of a room, and when they were read.
type reading struct {
	at       time.Time // zero if they never were
	sessions []whereby.RoomSession
	more     bool
	// err is the error of a later attempt, at failed.
	err    error
	failed time.Time
}

// touched returns when the sessions were last requested.
func (r reading) touched() time.Time {
	if r.failed.After(r.at) {
		return r.failed
	}
	return r.at
}

// reader reads sessions on demand, and remembers them.
type reader struct {
	source Source

	mu       sync.Mutex
	readings map[string]reading
	spent    []time.Time // within the last minute
	// busy are the rooms being read. Other requests for the same room wait.
	busy map[string]chan struct{}
}

func newReader(s Source) *reader {
	return &reader{source: s, readings: map[string]reading{}, busy: map[string]chan struct{}{}}
}

// last returns what is remembered of a room. An error matters to a visitor who has just
// pressed the button, and would mislead later.
func (r *reader) last(room string) reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.readings[room]
	if time.Since(found.failed) >= fresh {
		found.err = nil
	}
	if time.Since(found.at) >= keptFor {
		found.at, found.sessions, found.more = time.Time{}, nil, false
	}
	return found
}

// read requests a room's sessions from Insights, unless they are fresh. It returns once last
// returns them, or the context is done.
func (r *reader) read(ctx context.Context, room string) {
	r.mu.Lock()
	if last, ok := r.readings[room]; ok && last.err == nil && time.Since(last.at) < fresh {
		r.mu.Unlock()
		return
	}
	if done, ok := r.busy[room]; ok {
		r.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
		}
		return
	}
	if !r.spend(time.Now()) {
		r.remember(room, reading{failed: time.Now(), err: errTooMany})
		r.mu.Unlock()
		return
	}
	done := make(chan struct{})
	r.busy[room] = done
	r.mu.Unlock()

	// The point is spent, so the next visitor gets the sessions even if this one leaves.
	reading := r.ask(context.WithoutCancel(ctx), room)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember(room, reading)
	delete(r.busy, room)
	close(done)
}

func (r *reader) ask(ctx context.Context, room string) reading {
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, ErrNoAnswer)
	defer cancel()
	sessions, more, err := r.source.Sessions(ctx, room)
	if err != nil {
		return reading{failed: time.Now(), err: err}
	}
	return reading{at: time.Now(), sessions: sessions, more: more}
}

// spend takes one of the visitors' points.
func (r *reader) spend(now time.Time) bool {
	r.spent = slices.DeleteFunc(r.spent, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
	if len(r.spent) >= perMinute {
		return false
	}
	r.spent = append(r.spent, now)
	return true
}

// remember keeps a reading, and forgets the oldest if there are too many. A failed attempt
// keeps the sessions that were read before.
func (r *reader) remember(room string, now reading) {
	if now.err != nil {
		before := r.readings[room]
		now.at, now.sessions, now.more = before.at, before.sessions, before.more
	}
	r.readings[room] = now
	if len(r.readings) <= kept {
		return
	}
	oldest := room
	for name, reading := range r.readings {
		if reading.touched().Before(r.readings[oldest].touched()) {
			oldest = name
		}
	}
	delete(r.readings, oldest)
}
