package live_test

import (
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// told is what happens in the tests of a rule: an event that arrives after a pause, and
// happened some time before that.
type told struct {
	after, ago time.Duration
	whereby.Event
}

func TestWhoIsInTheRooms(t *testing.T) {
	const room = "/acme-1"
	for name, test := range map[string]struct {
		told []told
		want string
	}{
		"the newest event wins": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: joined(room, "b", 2)}, {after: time.Second, Event: left(room, "a", 1)}},
			"acme 1/1/0",
		},
		"a late event changes no count that a newer one set": {
			[]told{{Event: joined(room, "b", 2)}, {after: time.Second, ago: time.Minute, Event: joined(room, "a", 1)}},
			"acme 2/1/0",
		},
		"a late event of another room counts there": {
			[]told{{Event: joined(room, "b", 2)}, {after: time.Second, ago: time.Minute, Event: joined("/acme-2", "a", 1)}},
			"acme 3/2/0",
		},
		"an event by another ID at the same time does not fall behind a join": {
			[]told{{Event: joined(room, "b", 2)}, {Event: joined(room, "a", 1)}},
			"acme 2/1/0",
		},
		"leaves at the same time go down": {
			[]told{{Event: left(room, "b", 0)}, {Event: left(room, "a", 1)}},
			"acme 0/0/0",
		},
		"at the same time a join goes before a leave": {
			[]told{{Event: left(room, "a", 0)}, {Event: joined(room, "a", 1)}},
			"acme 0/0/0",
		},
		"machines are not people, but are in the room": {
			[]told{{Event: event(whereby.ClientJoined, room, "r", "recorder", clients{"recorder": 1, "streamer": 1, "captioner": 1, "assistant": 1})}},
			"acme 0/1/0",
		},
		"roles that are not documented are people": {
			[]told{{Event: event(whereby.ClientJoined, room, "a", "narrator", clients{"narrator": 1, "moderator": 2})}},
			"acme 3/1/0",
		},
		"a role that changed without an event shows with the next one": {
			[]told{
				{Event: joined(room, "a", 1)},
				{after: time.Second, Event: event(whereby.ClientJoined, room, "b", "host", clients{"host": 1, "recorder": 1})},
			},
			"acme 1/1/0",
		},
		"an event from the far future has happened now": {
			[]told{{ago: -25 * time.Hour, Event: joined(room, "a", 9)}, {after: time.Second, Event: left(room, "a", 1)}},
			"acme 1/1/0",
		},
		"a clock that is ahead by less than an hour is believed": {
			[]told{{ago: -time.Hour, Event: joined(room, "a", 9)}, {after: time.Second, Event: left(room, "a", 1)}},
			"acme 9/1/0",
		},
		"events without counts change none": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: session(whereby.SessionStarted, room)}, {after: time.Second, Event: event(whereby.RecordingFinished, room, "", "", nil)}},
			"acme 1/1/0",
		},
		"a session that ends leaves those inside there": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: session(whereby.SessionEnded, room)}},
			"acme 1/1/0",
		},
		"an unknown event that counts heads is believed": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: event("room.client.moved", room, "a", "visitor", clients{"visitor": 5})}},
			"acme 5/1/0",
		},
		"a count of nobody is one": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: left(room, "a", 0)}},
			"acme 0/0/0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			for _, told := range test.told {
				b.wait(told.after)
				b.send(b.ago(told.ago, told.Event))
			}
			b.expect(test.want)
		})
	}
}

func TestADuplicateChangesNothing(t *testing.T) {
	b := newBench(t, options)
	first := joined("/acme-1", "a", 1)
	first.ID, first.CreatedAt = "same", b.now
	knock := b.ago(0, knocked("/acme-1", "b"))
	knock.ID = "knock"
	b.send(first)
	b.send(knock)
	b.wait(time.Second)
	b.send(event(whereby.ClientJoined, "/acme-1", "b", "host", clients{"visitor": 1, "host": 1}))
	b.expect("acme 2/1/0")
	b.expectObserved("knock_wait acme admitted 1", "host_wait acme 1")
	b.wait(23 * time.Hour)
	first.Clients = clients{"visitor": 7} // not even if it says something else
	for _, e := range []whereby.Event{first, knock} {
		if result := b.send(e); !result.Duplicate || len(result.Observations) > 0 {
			t.Errorf("%s again brings %+v", e.ID, result)
		}
	}
	b.expect("acme 2/1/0")
	v := b.View(b.now)
	if v.Duplicates != 2 || v.Prefixes[0].Joins.Sum() != 2 {
		t.Errorf("%d duplicates, %d joins, want 2 and 2", v.Duplicates, v.Prefixes[0].Joins.Sum())
	}
	if !v.LastEvent.Equal(b.now) {
		t.Errorf("the last event was at %v, want that of the duplicate", v.LastEvent)
	}
}

func TestCountersByRoleAndStatus(t *testing.T) {
	b := newBench(t, options)
	for _, role := range []string{"owner", "visitor", "visitor", "recorder", "assistant", ""} {
		b.send(event(whereby.ClientJoined, "/acme-1", "a", role, clients{}))
	}
	b.send(event(whereby.ClientLeft, "/acme-1", "a", "granted_viewer", clients{}))
	b.send(b.ago(10*time.Hour, event(whereby.ClientLeft, "/acme-1", "a", "host", clients{}))) // late
	for _, status := range []string{"completed", "finished", "ready", "", "failed", "weird"} {
		b.send(whereby.Event{Type: whereby.RecordingFinished, RoomName: "/acme-1", Status: status})
	}
	b.send(whereby.Event{Type: whereby.TranscriptionFinished, RoomName: "/acme-1"})
	b.send(whereby.Event{Type: whereby.TranscriptionFailed, RoomName: "/acme-1"})
	b.send(whereby.Event{Type: whereby.TranscriptionStarted, RoomName: "/acme-1"})
	p := b.View(b.now).Prefixes[0]
	expectFigures(t, "joins", p.Joins.All(), map[string]int64{"owner": 1, "visitor": 2, "recorder": 1, "assistant": 1, "other": 1})
	expectFigures(t, "leaves", p.Leaves.All(), map[string]int64{"granted_viewer": 1, "host": 1})
	expectFigures(t, "recordings", p.Recordings.All(), map[string]int64{"finished": 4, "failed": 1, "other": 1})
	expectFigures(t, "transcriptions", p.Transcriptions.All(), map[string]int64{"finished": 1, "failed": 1})
	if got := p.Joins.Get("moderator"); got != 1 {
		t.Errorf("%d joins of a role that is not documented, want those of other", got)
	}
}

func expectFigures(t *testing.T, what string, all func(func(string, int64) bool), want map[string]int64) {
	t.Helper()
	for name, n := range all {
		if n != want[name] {
			t.Errorf("%d %s of %s, want %d", n, what, name, want[name])
		}
	}
}

func TestEventsByType(t *testing.T) {
	b := newBench(t, options)
	for _, eventType := range append(whereby.EventTypes(), "room.client.moved", "other", "") {
		b.send(whereby.Event{Type: eventType, RoomName: "/acme-1"})
	}
	b.send(session(whereby.SessionEnded, ""))
	events := b.View(b.now).Events
	if len(events) != len(whereby.EventTypes())+1 {
		t.Fatalf("events are %v", events)
	}
	want := map[whereby.EventType]int64{"other": 3, whereby.SessionEnded: 2}
	for _, e := range events {
		if e.N != max(1, want[e.Type]) {
			t.Errorf("%d events %s, want %d", e.N, e.Type, max(1, want[e.Type]))
		}
	}
}

// TestAnEventWithoutARoom counts where rooms without a name do, if it counts at all.
func TestAnEventWithoutARoom(t *testing.T) {
	b := newBench(t, options)
	b.send(whereby.Event{Type: whereby.AssistantRequested})
	b.expect("")
	b.send(whereby.Event{Type: whereby.RecordingFinished})
	b.expect(" 0/0/0")
	if v := b.View(b.now); v.Tracked != 0 {
		t.Errorf("%d rooms are tracked", v.Tracked)
	}
}

func TestLostEvents(t *testing.T) {
	const room = "/acme-1"
	for name, test := range map[string]struct {
		told []told
		want int64
	}{
		"the first event of a room may say anything": {
			[]told{{Event: joined(room, "a", 7)}}, 0,
		},
		"a lost join shows in the next event": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: joined(room, "c", 3)}}, 1,
		},
		"several lost at once count once": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: joined(room, "e", 5)}}, 1,
		},
		"what cancels itself out is not noticed": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: joined(room, "d", 2)}}, 0,
		},
		"a lost event that changes no count does not matter": {
			[]told{{Event: knocked(room, "a")}, {after: time.Second, Event: joined(room, "a", 1)}}, 0,
		},
		"an event that is late by less than a minute is not lost": {
			[]told{
				{Event: joined(room, "a", 1)}, {after: time.Second, Event: joined(room, "c", 3)},
				{after: 59 * time.Second, ago: 59*time.Second + time.Second/2, Event: joined(room, "b", 2)},
			}, 0,
		},
		"one that is later than that was counted as lost": {
			[]told{
				{Event: joined(room, "a", 1)}, {after: time.Second, Event: joined(room, "c", 3)},
				{after: 3 * time.Minute, ago: 3*time.Minute + time.Second/2, Event: joined(room, "b", 2)},
			}, 1,
		},
		"a role that changed without an event is no loss": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: event(whereby.ClientJoined, room, "b", "host", clients{"host": 2})}}, 0,
		},
		"machines count": {
			[]told{
				{Event: joined(room, "a", 1)},
				{after: time.Second, Event: event(whereby.ClientJoined, room, "r", "recorder", clients{"visitor": 1, "recorder": 1})},
				{after: time.Second, Event: event(whereby.ClientLeft, room, "a", "visitor", clients{"recorder": 1})},
			}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			for _, told := range test.told {
				b.wait(told.after)
				b.send(b.ago(told.ago, told.Event))
			}
			b.wait(2 * time.Minute)
			want := map[live.Correction]int64{}
			if test.want > 0 {
				want[live.LostEvent] = test.want
			}
			b.expectCorrections(want)
		})
	}
}

// TestACrowdIsNoLoss has more people come at once than events are put in order.
func TestACrowdIsNoLoss(t *testing.T) {
	b := newBench(t, options)
	for i := range 1000 {
		b.send(joined("/acme-1", "a", i+1))
		b.wait(time.Millisecond)
	}
	b.wait(3 * time.Minute)
	b.expect("acme 1000/1/0")
	b.expectCorrections(map[live.Correction]int64{})
}
