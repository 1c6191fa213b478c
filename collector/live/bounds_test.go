package live_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// small returns a tracker that soon has no more space.
func small(t testing.TB) *bench {
	t.Helper()
	return newBench(t, live.Options{Label: label, SegmentLimit: 1, MaxRooms: 4, MaxVisits: 4, MaxIDs: 8})
}

// expectKept compares how many rooms are in memory and how much was refused.
func (b *bench) expectKept(tracked, refused int64) {
	b.t.Helper()
	if v := b.View(b.now); v.Tracked != tracked || v.Refused != refused {
		b.t.Errorf("%d rooms are tracked and %d refused, want %d and %d", v.Tracked, v.Refused, tracked, refused)
	}
}

func TestRoomsBeyondTheMaximumCountInTheCountersOnly(t *testing.T) {
	b := small(t)
	for i := range 6 {
		b.send(joined(fmt.Sprint("/acme-", i), "", 1))
	}
	b.send(event(whereby.RecordingFinished, "/acme-9", "", "", nil)) // needs no space
	b.expect("acme 4/4/0")
	b.expectKept(4, 2)
	if got := b.View(b.now).Prefixes[0].Joins.Sum(); got != 6 {
		t.Errorf("%d joins, want 6", got)
	}
	b.send(joined("/acme-0", "", 2)) // known rooms go on
	b.expect("acme 5/4/0")
	b.expectKept(4, 2)
	b.restart()
	b.expectKept(4, 2)
}

func TestKnocksBeyondTheMaximumAreNotWaitedFor(t *testing.T) {
	b := small(t)
	for i := range 6 {
		b.send(knocked("/acme-1", fmt.Sprint("participant-", i)))
	}
	b.expect("acme 0/0/4")
	b.expectKept(1, 2)
	b.restart()
	b.send(knocked("/acme-1", "participant-8"))   // there is no more space than before
	b.send(joined("/acme-1", "participant-9", 1)) // a join needs none
	b.send(joined("/acme-1", "participant-0", 2))
	b.expect("acme 2/1/3")
	b.expectKept(1, 3)
	b.wait(6*time.Hour + time.Minute)
	b.expect("acme 2/1/0")
	b.send(knocked("/acme-1", "participant-7"))
	b.expect("acme 2/1/1")
}

// TestIDsBeyondTheMaximumAreForgotten sends events again that were forgotten early.
func TestIDsBeyondTheMaximumAreForgotten(t *testing.T) {
	b := small(t)
	var sent []whereby.Event
	for i := range 9 {
		e := b.ago(0, joined("/acme-1", "", i+1))
		e.ID = fmt.Sprint(i)
		sent = append(sent, e)
		b.send(e)
		b.wait(2 * time.Minute)
	}
	for i := 4; i < len(sent); i++ {
		if !b.send(sent[i]).Duplicate {
			t.Errorf("event %d of %d is forgotten", i, len(sent))
		}
	}
	if b.send(sent[0]).Duplicate {
		t.Error("the first event is still known")
	}
	b.wait(2 * time.Minute)
	b.expect("acme 9/1/0") // it counts again, but not in the room
	b.expectCorrections(map[live.Correction]int64{})
	if got := b.View(b.now).Prefixes[0].Joins.Sum(); got != 10 {
		t.Errorf("%d joins, want 10", got)
	}
}

func TestIDsAreKnownForADay(t *testing.T) {
	b := newBench(t, options)
	first := b.ago(0, joined("/acme-1", "", 1))
	first.ID = "first"
	b.send(first)
	for range 24 {
		b.wait(time.Hour - time.Microsecond)
		b.send(knocked("/acme-2", ""))
	}
	if !b.send(first).Duplicate {
		t.Error("the event is forgotten within a day")
	}
	b.wait(25 * time.Hour)
	b.send(knocked("/acme-2", ""))
	b.wait(25 * time.Hour)
	b.send(knocked("/acme-2", ""))
	if b.send(first).Duplicate {
		t.Error("the event is known after two days")
	}
}

// emptied has so many rooms with nobody in them any more.
func emptied(b *bench, rooms int) {
	for i := range rooms {
		room := fmt.Sprint("/acme-", i)
		b.send(knocked(room, "a"))
		b.send(cancelled(room, "a"))
	}
}

func TestAnEmptyRoomIsForgottenAfterAnHour(t *testing.T) {
	b := newBench(t, options)
	emptied(b, 3)
	b.send(joined("/acme-9", "", 1))
	b.wait(time.Hour - time.Microsecond)
	b.expectKept(4, 0)
	b.wait(time.Microsecond)
	b.expectKept(1, 0)
	b.expect("acme 1/1/0")
}

func TestEmptyRoomsAreForgottenAfter5MinutesWhereMemoryIsShort(t *testing.T) {
	b := small(t)
	emptied(b, 3)
	b.wait(5*time.Minute - time.Microsecond)
	b.expectKept(3, 0)
	b.wait(time.Microsecond)
	b.expectKept(0, 0)
}

func TestParticipantsAreForgottenAfter5MinutesWhereMemoryIsShort(t *testing.T) {
	b := small(t)
	for i := range 3 {
		b.send(joined("/acme-1", fmt.Sprint("participant-", i), i+1))
	}
	b.wait(5 * time.Minute)
	for i := range 4 {
		b.send(knocked("/acme-1", fmt.Sprint("visitor-", i)))
	}
	b.expect("acme 3/1/4")
	b.expectKept(1, 0)
}

// TestRoomsAreForgottenThoughInsightsAreSilent has rooms whose minutes Insights never
// shows, because they cannot be read. Their live counts must not suffer from that.
func TestRoomsAreForgottenThoughInsightsAreSilent(t *testing.T) {
	b := small(t)
	b.segment = "staff"
	meeting := func(room string) {
		b.send(joined(room, "a", 1))
		b.send(joined(room, "b", 2))
		b.send(left(room, "a", 1))
		b.send(left(room, "b", 0))
	}
	meeting("/acme-1")
	meeting("/acme-2")
	b.wait(2 * time.Hour)
	b.expectKept(2, 0) // there is space
	meeting("/acme-3")
	b.wait(time.Hour - time.Minute)
	b.expectKept(1, 0) // now it is short
	for i := range 3 {
		meeting(fmt.Sprint("/globex-", i))
	}
	b.wait(time.Hour)
	b.send(joined("/acme-5", "", 1))
	b.expectKept(1, 0)
	b.expect("acme 1/1/0, globex 0/0/0")
	for _, s := range b.View(b.now).Segments { // a minute for each who met somebody
		if want := int64(6); s.Minutes != want {
			t.Errorf("%d minutes of %s in %s, want %d", s.Minutes, s.Segment, s.Prefix, want)
		}
	}
}

// filled returns a tracker that has no space left: as many rooms, visits and IDs as it keeps,
// with somebody in each room.
func filled(t testing.TB, rooms, visits, ids int) *bench {
	t.Helper()
	b := newBench(t, live.Options{Label: label, MaxRooms: rooms, MaxVisits: visits, MaxIDs: ids})
	for i := range rooms {
		b.send(joined(fmt.Sprintf("/acme-%08d", i), "", 1))
	}
	for i := range visits {
		b.send(knocked(fmt.Sprintf("/acme-%08d", i%rooms), fmt.Sprint("participant-", i)))
	}
	for range ids {
		b.send(whereby.Event{Type: whereby.AssistantRequested})
	}
	b.wait(3 * time.Minute)
	b.View(b.now)
	return b
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestMemoryIsBounded fills a twentieth of what is the default.
func TestMemoryIsBounded(t *testing.T) {
	before := heap()
	b := filled(t, live.DefaultMaxRooms/20, live.DefaultMaxVisits/20, live.DefaultMaxIDs/20)
	used := heap() - before
	if limit := uint64(250 << 20 / 20); used > limit {
		t.Errorf("%d bytes are used, more than %d", used, limit)
	}
	t.Logf("%d kB are used", used>>10)
	b.expectKept(live.DefaultMaxRooms/20, 0)
}
