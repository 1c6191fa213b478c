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
	// fresh is how long what was read of a room is not read again, however often
	// somebody asks.
	fresh = time.Minute
	// kept is how many rooms' sessions are remembered, some 30 KiB each at most.
	kept = 64
	// keptFor is how long: somebody may look at them for a while.
	keptFor = time.Hour
	// perMinute bounds the points that all visitors of the page together spend.
	perMinute = 10
	// answerWithin is how long a person waits for an answer, the wait for a point
	// included. Then it says so; pressing the button again is no harm.
	answerWithin = 8 * time.Second
)

// errTooMany says that visitors have spent their points.
var errTooMany = errors.New("visitors of this page have read the sessions of many rooms in the last minute")

// reading is what was read of a room.
type reading struct {
	at       time.Time // zero if it never was
	sessions []whereby.RoomSession
	more     bool
	// err is why it could not be read later, at failed.
	err    error
	failed time.Time
}

// touched is when somebody last asked.
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
	// busy are rooms being read; those who ask for the same one wait for it.
	busy map[string]chan struct{}
}

func newReader(s Source) *reader {
	return &reader{source: s, readings: map[string]reading{}, busy: map[string]chan struct{}{}}
}

// last is what is remembered of a room. An error is of interest to a visitor who has just
// asked, and misleads later.
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

// read asks Insights for a room's sessions, unless they were read just now. It returns
// once they can be had from last, or the context is done.
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

	// A visitor who has gone leaves the reading to the next one: the point is spent.
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

// remember keeps a reading, and forgets the oldest where there are too many. One that
// failed does not push out what was read before.
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
