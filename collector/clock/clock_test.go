package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/clock"
)

// TestAJumpAheadIsBelievedAfterAMinute sets the system's clock at times, and looks at every
// step how far ahead of the time that passed the clock is.
func TestAJumpAheadIsBelievedAfterAMinute(t *testing.T) {
	const year = 365 * 24 * time.Hour
	// look is after how long, how far the system's clock is off by then, and how far the
	// clock is.
	type look struct{ after, system, want time.Duration }
	for name, looks := range map[string][]look{
		"a clock that is right":     {{time.Second, 0, 0}, {time.Hour, 0, 0}, {24 * time.Hour, 0, 0}},
		"set ahead a little":        {{time.Second, 59 * time.Second, 59 * time.Second}},
		"a minute a day":            {{24 * time.Hour, time.Minute, time.Minute}, {24 * time.Hour, 2 * time.Minute, 2 * time.Minute}},
		"ahead for one look":        {{15 * time.Second, year, 0}, {15 * time.Second, 0, 0}, {2 * time.Minute, 0, 0}},
		"ahead, again and again":    {{40 * time.Second, year, 0}, {40 * time.Second, 0, 0}, {40 * time.Second, year, 0}, {40 * time.Second, 0, 0}, {40 * time.Second, year, 0}},
		"ahead, each time farther":  {{40 * time.Second, year, 0}, {40 * time.Second, 2 * year, 0}, {40 * time.Second, 3 * year, 0}, {40 * time.Second, 3 * year, 0}, {40 * time.Second, 3 * year, 3 * year}},
		"ahead for good, as slept":  {{15 * time.Second, 8 * time.Hour, 0}, {30 * time.Second, 8 * time.Hour, 0}, {30 * time.Second, 8 * time.Hour, 8 * time.Hour}, {time.Second, 8 * time.Hour, 8 * time.Hour}},
		"ahead for good, and runs":  {{0, time.Hour, 0}, {30 * time.Second, time.Hour + time.Second, 0}, {30 * time.Second, time.Hour + 2*time.Second, time.Hour + 2*time.Second}},
		"slept, and looked at late": {{time.Hour, 8 * time.Hour, 0}, {time.Hour, 8 * time.Hour, 8 * time.Hour}},
		"set back":                  {{time.Second, -time.Hour, -time.Hour}, {time.Second, -time.Hour, -time.Hour}},
		"ahead for long, set right": {{0, year, 0}, {time.Minute, year, year}, {time.Minute, 0, 0}, {time.Minute, 0, 0}},
		"back, and right again":     {{time.Second, -time.Hour, -time.Hour}, {time.Second, 0, -time.Hour}, {time.Minute, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var off time.Duration
				c := clock.New(func() time.Time { return time.Now().Add(off) })
				for i, l := range looks {
					time.Sleep(l.after)
					off = l.system
					if got := c.Now().Sub(time.Now().Round(0)); got != l.want {
						t.Errorf("at look %d it is off by %v; want %v", i, got, l.want)
					}
				}
			})
		})
	}
}

// TestTheClockIsRight compares with the system's.
func TestTheClockIsRight(t *testing.T) {
	c := clock.New(nil)
	before := time.Now().Round(0)
	if now := c.Now(); now.Before(before) || now.After(time.Now().Round(0)) {
		t.Errorf("it is %v at %v", now, before)
	}
}
