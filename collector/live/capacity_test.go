package live_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// expectFullness compares what is shown of acme's rooms, as
// "full rooms, people in the fullest of capacity, the most within 5 minutes".
func (b *bench) expectFullness(when, want string) {
	b.t.Helper()
	v := b.View(b.now).Prefixes[0]
	if got := fmt.Sprintf("%d full, %d of %d, at most %d", v.FullRooms, v.Fullest, v.Capacity, v.FullestMax); got != want {
		b.t.Errorf("%s: shown is %q, want %q", when, got, want)
	}
}

func TestARoomIsFullFrom90PercentOfItsCapacity(t *testing.T) {
	for _, test := range []struct{ capacity, fullFrom int64 }{
		{1, 1}, {2, 2}, {4, 4}, {9, 9}, {10, 9}, {11, 10}, {20, 18}, {100, 90}, {101, 91}, {200, 180},
	} {
		b := newBench(t, live.Options{Label: label, Capacity: func(string) int64 { return test.capacity }})
		for people := int64(1); people <= test.capacity; people++ {
			b.wait(time.Second)
			b.send(joined("/acme-1", "a", int(people)))
			if full := b.View(b.now).Prefixes[0].FullRooms == 1; full != (people >= test.fullFrom) {
				t.Errorf("a room for %d with %d people in it is full: %v", test.capacity, people, full)
			}
		}
	}
}

// TestMachinesTakeNoPlace has recorders, and whom Whereby bills like people, in rooms.
func TestMachinesTakeNoPlace(t *testing.T) {
	b := newBench(t, options)
	b.send(event(whereby.ClientJoined, "/acme-1", "a", "host", clients{
		"host": 1, "visitor": 2, "recorder": 1, "streamer": 1, "captioner": 1, "assistant": 1,
	}))
	b.expectFullness("three people and four machines", "0 full, 3 of 4, at most 3")
	b.wait(time.Second)
	b.send(event(whereby.ClientJoined, "/acme-1", "d", "narrator", clients{"host": 1, "visitor": 2, "narrator": 1, "recorder": 1}))
	b.expectFullness("four people", "1 full, 4 of 4, at most 4")
}

func TestAnotherCapacityHoldsAtOnce(t *testing.T) {
	b := newBench(t, options)
	b.send(joined("/acme-1", "a", 3))
	b.send(joined("/acme-2", "a", 9))
	for _, test := range []struct {
		capacity int64
		want     string
	}{
		{10, "1 full, 9 of 10, at most 9"}, {3, "2 full, 9 of 3, at most 9"}, {200, "0 full, 9 of 200, at most 9"}, {0, "0 full, 9 of 0, at most 9"},
	} {
		b.options.Capacity = func(string) int64 { return test.capacity }
		tracker, err := b.With(b.options, b.now)
		if err != nil {
			t.Fatal(err)
		}
		b.Tracker = tracker
		b.expectFullness(fmt.Sprint("a capacity of ", test.capacity), test.want)
	}
}

// TestAStateOfVersion3IsRestored reads what an exporter wrote that did not know how many
// people are in one room at most: two visitors are in /acme-2, after there were three, a host
// and a recorder in /acme-1, and nobody any more in /globex-1.
func TestAStateOfVersion3IsRestored(t *testing.T) {
	state, err := os.ReadFile("testdata/state-v3.bin")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, options)
	b.wait(10 * time.Second)
	b.Tracker = restored(t, state, b.now, options)
	b.expect("acme 3/2/0, globex 0/0/0")
	b.expectFullness("at first", "0 full, 2 of 4, at most 2")
	if v := b.View(b.now).Prefixes[0]; v.ParticipantsMax != 4 || v.Joins.Sum() != 5 || v.DialIns != 0 {
		t.Errorf("shown is %+v", v)
	}
	b.restart()
	b.events = 100 // further IDs
	b.send(event(whereby.ClientJoined, "/acme-1", "i", "visitor", clients{"host": 1, "visitor": 3, "recorder": 1}))
	b.expectFullness("later", "1 full, 4 of 4, at most 4")
	b.expect("acme 6/2/0, globex 0/0/0")
	b.wait(3 * time.Minute)
	b.expectFullness("as long as it was so", "1 full, 4 of 4, at most 4")
	b.restart()
	b.events = 200
	b.send(event(whereby.ClientLeft, "/acme-1", "i", "visitor", clients{"host": 1, "recorder": 1}))
	b.restart()
	b.wait(5 * time.Minute)
	b.expectFullness("5 minutes after its end", "0 full, 2 of 4, at most 4")
	b.wait(time.Microsecond)
	b.expectFullness("after more than that", "0 full, 2 of 4, at most 2")
}
