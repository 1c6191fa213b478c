// Package clock returns the time of day, guarding against a system clock that is wrong for
// a while.
package clock

import (
	"sync"
	"time"
)

const (
	// maxJump is by how much the system's clock may go ahead at once and be believed. Time
	// services correct a clock that runs by less.
	maxJump = time.Minute
	// convincing is for how long a clock that jumped ahead must stay there to be believed.
	// After the machine slept, it is right, and is so for a while already when anything is
	// read again.
	convincing = time.Minute
)

// Clock tells the time by the system's clock, but not if that jumps ahead: then it goes on
// by the time that has passed, until the other time has stood for a minute. Much follows from
// a time and cannot be taken back: people leave rooms that have ended, months end, a day's
// samples are forgotten. A clock that is set back is believed at once, since nothing follows
// from that.
//
// It is safe for concurrent use.
type Clock struct {
	system func() time.Time

	mu sync.Mutex
	// at is the time that was told at the moment since, which also knows the time that has
	// passed.
	at, since time.Time
	// jumped is the moment at which the system's clock first had the time claimed, or later
	// by what has passed; zero if it is believed.
	jumped, claimed time.Time
}

// New returns a clock that believes the system's time as it is now. system tells that; nil is
// [time.Now].
func New(system func() time.Time) *Clock {
	if system == nil {
		system = time.Now
	}
	return &Clock{system: system, at: system().Round(0), since: time.Now()}
}

// Now returns the time. Differences between two times are those of the clock, as it has no
// monotonic reading.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	moment, system := time.Now(), c.system().Round(0)
	expected := c.at.Add(moment.Sub(c.since))
	if system.Sub(expected) > maxJump && !c.convinced(moment, system) {
		return expected
	}
	c.at, c.since, c.jumped = system, moment, time.Time{}
	return system
}

// convinced reports whether the system's clock has been where it is for long enough.
func (c *Clock) convinced(moment, system time.Time) bool {
	if c.jumped.IsZero() || system.Sub(c.claimed.Add(moment.Sub(c.jumped))).Abs() > maxJump {
		c.jumped, c.claimed = moment, system
		return false
	}
	return moment.Sub(c.jumped) >= convincing
}
