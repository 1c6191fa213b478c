package live_test

import (
	"slices"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// pendingOptions are those of a tracker while Insights has shown nothing yet.
func pendingOptions() live.Options {
	o := options
	o.Shown = func(string) (int64, bool) { return 0, true }
	return o
}

// TestARoomIsEmptyAnHourAfterItsEnd has everybody be in a room that nobody leaves.
func TestARoomIsEmptyAnHourAfterItsEnd(t *testing.T) {
	const room = "/acme-1"
	b := newBench(t, pendingOptions())
	b.send(event(whereby.ClientJoined, room, "h", "host", clients{"host": 1}))
	b.send(event(whereby.ClientJoined, room, "v", "visitor", clients{"host": 1, "visitor": 1}))
	b.send(event(whereby.ClientJoined, room, "r", "recorder", clients{"host": 1, "visitor": 1, "recorder": 1}))
	b.send(knocked(room, "w"))
	b.SetEnd(room, start.Add(30*time.Minute))
	b.SetEnd("/acme-2", start) // nothing is known of it
	for _, restarted := range []bool{false, true} {
		if restarted {
			b.restart()
		}
		b.now = start.Add(90*time.Minute - time.Microsecond)
		b.expect("acme 2/1/1")
	}
	minutes := func(want int64) {
		t.Helper()
		if got := b.View(b.now).Prefixes[0].Pending; got != want {
			t.Errorf("%d minutes are pending, want %d", got, want)
		}
	}
	b.wait(time.Microsecond)
	b.expect("acme 0/0/0")
	minutes(180)
	b.wait(24 * time.Hour)
	b.expect("acme 0/0/0")
	minutes(180)
	b.expectSuspects()
	b.expectCorrections(map[live.Correction]int64{})
	b.send(b.ago(23*time.Hour, joined(room, "late", 5))) // but that was after it
	b.expect("acme 5/1/0")
}

func TestWhatAnEndCannotTell(t *testing.T) {
	const room = "/acme-1"
	for name, test := range map[string]struct {
		ends time.Duration // after the start; 0 is a permanent room
		wait time.Duration
		then *whereby.Event
		want string
	}{
		"a permanent room":                             {0, 5 * time.Hour, nil, "acme 1/1/1"},
		"its end, but no hour after":                   {time.Hour, 2*time.Hour - time.Second, nil, "acme 1/1/1"},
		"an hour after its end":                        {time.Hour, 2 * time.Hour, nil, "acme 0/0/0"},
		"it was over before anybody came":              {-3 * time.Hour, 0, nil, "acme 1/1/1"},
		"somebody comes after all":                     {time.Hour, 2*time.Hour + time.Second, ptr(joined(room, "b", 2)), "acme 2/1/0"},
		"a late event of before":                       {time.Hour, 2 * time.Hour, ptr(lately(joined(room, "b", 7), time.Hour)), "acme 0/0/0"},
		"a late knock of before":                       {time.Hour, 2 * time.Hour, ptr(lately(knocked(room, "b"), time.Hour)), "acme 0/0/0"},
		"the session ends when the room is empty":      {time.Hour, 2 * time.Hour, ptr(session(whereby.SessionEnded, room)), "acme 0/0/0"},
		"a session that ends leaves a lone host there": {0, time.Hour, ptr(session(whereby.SessionEnded, room)), "acme 1/1/1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			b.send(hostJoined(room))
			b.send(knocked(room, "w"))
			var ends time.Time
			if test.ends != 0 {
				ends = start.Add(test.ends)
			}
			b.SetEnd(room, ends)
			b.wait(test.wait)
			if test.then != nil {
				b.View(b.now)
				b.send(*test.then)
			}
			b.expect(test.want)
			b.expectCorrections(map[live.Correction]int64{})
		})
	}
}

func lately(e whereby.Event, after time.Duration) whereby.Event {
	e.CreatedAt = start.Add(after)
	return e
}

// TestRoomsWithoutAKnownEndAreListed lists those that are worth asking for.
func TestRoomsWithoutAKnownEndAreListed(t *testing.T) {
	b := newBench(t, options)
	for _, room := range []string{"/acme-3", "/acme-1", "/acme-4"} {
		b.send(joined(room, "a", 1))
	}
	b.send(knocked("/acme-2", "a"))
	b.send(joined("/acme-5", "a", 1))
	b.send(left("/acme-5", "a", 0))
	b.SetEnd("/acme-4", time.Time{})
	b.wait(15 * time.Minute)
	b.send(knocked("/acme-3", "b"))
	b.restart()
	for limit, want := range [][]string{nil, {"/acme-1"}, {"/acme-1", "/acme-2"}, {"/acme-1", "/acme-2"}} {
		if got := b.WithoutEnd(b.now.Add(-15*time.Minute), limit); !slices.Equal(got, want) {
			t.Errorf("rooms are %v, want %v", got, want)
		}
	}
}

// TestMinutesEndWithTheSession has a host wait alone between two sessions: minutes alone
// are nobody's, as far as is known.
func TestMinutesEndWithTheSession(t *testing.T) {
	const room = "/acme-1"
	b := newBench(t, pendingOptions())
	minutes := func(want int64) {
		t.Helper()
		for range 2 {
			if got := b.View(b.now).Prefixes[0].Pending; got != want {
				t.Errorf("%d minutes are pending after %v, want %d", got, b.now.Sub(start), want)
			}
			b.restart()
		}
	}
	host := func(visitors int) clients { return clients{"host": 1, "visitor": visitors} }
	b.send(event(whereby.ClientJoined, room, "h", "host", clients{"host": 1}))
	b.send(event(whereby.ClientJoined, room, "v", "visitor", host(1)))
	b.wait(10 * time.Minute)
	b.send(event(whereby.ClientLeft, room, "v", "visitor", clients{"host": 1}))
	b.wait(time.Minute)
	b.send(session(whereby.SessionEnded, room))
	minutes(10 + 11)
	b.wait(20 * time.Minute)
	minutes(10 + 11)
	// Insights shows them, and the meeting is no longer followed though the host stays.
	b.Settle(map[string]int64{room: 21}, b.now, b.now)
	minutes(0)
	b.send(event(whereby.ClientJoined, room, "w", "visitor", host(1)))
	b.wait(5 * time.Minute)
	minutes(5 + 25)
	b.send(event(whereby.ClientLeft, room, "w", "visitor", clients{"host": 1}))
	b.send(event(whereby.ClientLeft, room, "h", "host", clients{}))
	b.wait(20 * time.Minute)
	b.Settle(map[string]int64{room: 51}, b.now, b.now)
	minutes(0)
	if rooms := b.Metered(); len(rooms) != 0 {
		t.Errorf("%v are still followed", rooms)
	}
}
