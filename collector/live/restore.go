package live

import (
	"errors"
	"fmt"
	"time"

	"whereby_exporter/whereby"
)

// version is the first byte of a state. States of the versions from oldestVersion on can
// be restored.
const (
	version       = 4
	oldestVersion = 1
)

// ErrVersion means that a state was written by another version of the exporter.
var ErrVersion = errors.New("the live state is of another version")

// AppendBinary appends the whole state to b. It contains room names, and participants and
// events only as hashes. The error is always nil.
func (t *Tracker) AppendBinary(b []byte) ([]byte, error) {
	c := &codec{version: version, bytes: append(b, version)}
	c.tracker(t)
	return c.bytes, nil
}

// Restore returns a tracker with a state written by AppendBinary, which continues like the
// saved one. If the state's time is older than maxAge, events may have been missed: rooms with
// somebody in them or waiting become suspects. A time after now came from a clock that was
// ahead, and is set to now. The age of such a state is unknown, so its rooms become suspects
// too. The prefixes of rooms are looked up again.
func Restore(state []byte, now time.Time, maxAge time.Duration, o Options) (*Tracker, error) {
	t, wasAhead, err := read(state, now, o)
	if err != nil {
		return nil, err
	}
	if !wasAhead && t.now >= now.Add(-maxAge).UnixMicro() {
		return t, nil
	}
	for _, r := range t.rooms {
		if !r.empty() && r.doubted == 0 {
			r.doubted = t.now
		}
	}
	return t, nil
}

// With returns a tracker with the same state and other options, as of now. It misses no event,
// so no room becomes a suspect.
func (t *Tracker) With(o Options, now time.Time) (*Tracker, error) {
	state, err := t.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	with, _, err := read(state, now, o)
	return with, err
}

// read reads a state as of now, and reports whether the clock was ahead when it was written.
func read(state []byte, now time.Time, o Options) (t *Tracker, wasAhead bool, err error) {
	if len(state) == 0 {
		return nil, false, fmt.Errorf("restore: %w", ErrDamaged)
	}
	if state[0] < oldestVersion || state[0] > version {
		return nil, false, fmt.Errorf("restore version %d: %w", state[0], ErrVersion)
	}
	t = New(o)
	c := &codec{reading: true, version: state[0], bytes: state[1:], now: now.UnixMicro()}
	c.tracker(t)
	if c.damaged || len(c.bytes) > 0 {
		return nil, false, fmt.Errorf("restore: %w", ErrDamaged)
	}
	t.dropSegments()
	if c.ahead {
		// The exposed values included people who seemed to stay for years. The counter
		// starts over.
		for _, total := range t.segments.sums {
			total.highest = total.minutes
		}
	}
	for _, r := range t.rooms {
		r.prefix = t.prefix(o.Label(r.name))
		r.prefix.enter(r)
		r.recountWaiting()
		t.visits += len(r.visits)
	}
	// Rooms may count under another label than before.
	for _, p := range t.prefixes {
		if p.people != p.peak.present() {
			p.peak.set(p.people, t.now)
		}
		if largest := p.sizes.largest(); largest != p.fullest.present() {
			p.fullest.set(largest, t.now)
		}
	}
	return t, c.ahead, nil
}

// tracker describes the whole state.
func (c *codec) tracker(t *Tracker) {
	c.times(&t.now, &t.swept, &t.lastEvent)
	c.wholes(&t.duplicates, &t.refused)
	c.times(&t.seen.since)
	c.ids(&t.seen.young)
	c.ids(&t.seen.old)
	c.counts(len(t.events), func(count func(string, *int64)) {
		for eventType, n := range t.events {
			count(string(eventType), &n)
		}
	}, func(name string, n int64) int64 {
		// Types that are no longer documented count as "other".
		eventType := whereby.EventType(name)
		if _, ok := t.events[eventType]; !ok {
			eventType = otherType
		}
		t.events[eventType] += n
		return t.events[eventType]
	})
	c.counts(len(t.corrections), func(count func(string, *int64)) {
		for reason, n := range t.corrections {
			count(string(reason), &n)
		}
	}, func(name string, n int64) int64 {
		t.corrections[Correction(name)] += n
		return t.corrections[Correction(name)]
	})

	c.segments(&t.segments, t.now)

	n := c.size(len(t.prefixes))
	if !c.reading {
		for _, p := range t.prefixes {
			c.prefix(p)
		}
	}
	for i := 0; c.reading && !c.damaged && i < n; i++ {
		p := &prefix{}
		c.prefix(p)
		t.prefixes[p.label] = p
	}
	n = c.size(len(t.rooms))
	if !c.reading {
		for _, r := range t.rooms {
			c.room(r)
		}
	}
	for i := 0; c.reading && !c.damaged && i < n; i++ {
		r := &room{}
		c.room(r)
		if r.meter != nil {
			for _, mark := range r.meter.marks {
				c.known(&t.segments, mark.segment, true)
			}
			for _, sum := range r.meter.carriedSegments {
				c.known(&t.segments, sum.segment, false)
			}
		}
		t.rooms[r.name] = r
	}
	c.derivations(t)
}

// counts writes or reads named counters. all yields them for writing. add adds one that was
// read and returns the sum, which must not overflow.
func (c *codec) counts(n int, all func(count func(string, *int64)), add func(string, int64) int64) {
	n = c.size(n)
	if !c.reading {
		all(func(name string, n *int64) {
			c.text(&name)
			c.whole(n)
		})
		return
	}
	for range n {
		var name string
		var value int64
		c.text(&name)
		c.whole(&value)
		if c.damaged || value < 0 || add(name, value) < 0 {
			c.damage()
			return
		}
	}
}
