package live_test

import (
	"slices"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

func TestARoomIsInDoubtWhereItsMeetingMayBeOver(t *testing.T) {
	const room = "/acme-1"
	ended := session(whereby.SessionEnded, room)
	for name, test := range map[string]struct {
		told []told
		wait time.Duration
		want []string
	}{
		"not while somebody is in it and it is heard of": {
			[]told{{Event: joined(room, "a", 1)}}, 6*time.Hour - time.Microsecond, nil,
		},
		"once it was silent for 6 hours": {
			[]told{{Event: joined(room, "a", 1)}}, 6 * time.Hour, []string{"/acme-1 silent 0s"},
		},
		"not because it only waits for the silence to end": {
			[]told{{Event: joined(room, "a", 1)}, {after: 5 * time.Hour, Event: knocked(room, "b")}}, 5 * time.Hour, nil,
		},
		"since nobody is in it": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: left(room, "a", 0)}}, time.Second, []string{"/acme-1 empty 1s"},
		},
		"since its session ended with two people in it": {
			[]told{{Event: joined(room, "b", 2)}, {after: time.Second, Event: ended}}, 0, []string{"/acme-1 ended 1s"},
		},
		"not if its session ended with one person in it": {
			[]told{{Event: joined(room, "a", 1)}, {after: time.Second, Event: ended}}, 0, nil,
		},
		"not if its session ended with one person and machines in it": {
			[]told{
				{Event: event(whereby.ClientJoined, room, "x", "assistant", clients{"host": 1, "assistant": 1, "recorder": 1})},
				{after: time.Second, Event: ended},
			}, 0, nil,
		},
		"not if its session ended with somebody at the door": {
			[]told{{Event: knocked(room, "a")}, {Event: knocked(room, "b")}, {after: time.Second, Event: ended}}, 0, nil,
		},
		"not if the last leave but one comes late": {
			[]told{{Event: joined(room, "b", 2)}, {after: time.Minute, Event: ended}, {after: time.Second, ago: 30 * time.Second, Event: left(room, "b", 1)}}, 0, nil,
		},
		"not if somebody came after the end": {
			[]told{{Event: joined(room, "b", 2)}, {after: time.Second, Event: ended}, {after: time.Second, Event: joined(room, "c", 2)}}, 0, nil,
		},
		"not if another session began": {
			[]told{{Event: joined(room, "b", 2)}, {after: time.Second, Event: ended}, {after: time.Second, Event: session(whereby.SessionStarted, room)}}, 0, nil,
		},
		"not by the late end of a session before": {
			[]told{{Event: joined(room, "b", 2)}, {after: time.Second, ago: time.Minute, Event: ended}}, 0, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			for _, told := range test.told {
				b.wait(told.after)
				b.send(b.ago(told.ago, told.Event))
			}
			b.wait(test.wait)
			b.expectSuspects(test.want...)
		})
	}
}

func TestTheLongestDoubtedRoomsAreTheFirst(t *testing.T) {
	b := newBench(t, options)
	for _, room := range []string{"/globex-1", "/acme-2", "/acme-1"} {
		b.wait(time.Minute)
		b.send(left(room, "a", 0))
	}
	b.send(left("/acme-3", "a", 0))
	b.expectSuspects("/globex-1 empty 1m0s", "/acme-2 empty 2m0s", "/acme-1 empty 3m0s", "/acme-3 empty 3m0s")
	if got := b.Suspects(b.now, 1); len(got) != 1 || got[0].RoomName != "/globex-1" {
		t.Errorf("the first suspect is %+v", got)
	}
}

func TestADroppedRoomIsEmptyAndStaysSo(t *testing.T) {
	b := newBench(t, options)
	b.send(joined("/acme-1", "a", 1))
	b.send(knocked("/acme-1", "b"))
	b.wait(7 * time.Hour)
	asOf := b.now.Add(-15 * time.Minute)
	if !b.Drop("/acme-1", live.Stale, asOf) {
		t.Error("nothing was put right")
	}
	b.expect("acme 0/0/0")
	b.expectSuspects()
	b.expectCorrections(map[live.Correction]int64{live.Stale: 1})
	// What happened before changes nothing any more, what happened since does.
	b.send(b.ago(15*time.Minute, joined("/acme-1", "c", 5)))
	b.send(b.ago(15*time.Minute, knocked("/acme-1", "d")))
	b.expect("acme 0/0/0")
	b.send(b.ago(14*time.Minute, joined("/acme-1", "c", 1)))
	b.send(b.ago(14*time.Minute, knocked("/acme-1", "e")))
	b.expect("acme 1/1/1")
	b.wait(3 * time.Minute)
	b.expectCorrections(map[live.Correction]int64{live.Stale: 1}) // the lost leave was counted once
}

func TestDropDoesNothingWhere(t *testing.T) {
	for name, test := range map[string]struct {
		told []told
		room string
		want string
	}{
		"a newer event came since":         {[]told{{Event: joined("/acme-1", "a", 1)}}, "/acme-1", "acme 1/1/0"},
		"the knock is newer":               {[]told{{Event: knocked("/acme-1", "a")}}, "/acme-1", "acme 0/0/1"},
		"nobody is in the room anyway":     {[]told{{ago: time.Hour, Event: left("/acme-1", "a", 0)}}, "/acme-1", "acme 0/0/0"},
		"nothing is known of such a room":  {[]told{{Event: joined("/acme-1", "a", 1)}}, "/acme-2", "acme 1/1/0"},
		"the doubt was answered by a join": {[]told{{ago: time.Hour, Event: session(whereby.SessionEnded, "/acme-1")}, {Event: joined("/acme-1", "a", 1)}}, "/acme-1", "acme 1/1/0"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			for _, told := range test.told {
				b.send(b.ago(told.ago, told.Event))
			}
			if b.Drop(test.room, live.SessionEnded, b.now.Add(-15*time.Minute)) {
				t.Error("that was a correction")
			}
			b.expect(test.want)
			b.expectCorrections(map[live.Correction]int64{})
		})
	}
}

func TestADropCountsUnderItsReason(t *testing.T) {
	b := newBench(t, options)
	b.send(joined("/acme-1", "a", 1))
	b.send(knocked("/acme-2", "a"))
	b.wait(time.Hour)
	for room, reason := range map[string]live.Correction{"/acme-1": live.SessionEnded, "/acme-2": live.Stale} {
		if !b.Drop(room, reason, b.now) {
			t.Errorf("%s was right", room)
		}
	}
	b.expect("acme 0/0/0")
	b.expectCorrections(map[live.Correction]int64{live.SessionEnded: 1, live.Stale: 1})
	if got, want := live.Corrections(), []live.Correction{live.LostEvent, live.Stale, live.SessionEnded}; !slices.Equal(got, want) {
		t.Errorf("corrections are %v", got)
	}
}

func TestAConfirmedRoomIsNotDoubtedAgainFor6Hours(t *testing.T) {
	b := newBench(t, options)
	b.send(joined("/acme-1", "a", 2))
	b.send(left("/acme-2", "a", 0))
	b.wait(time.Second)
	b.send(session(whereby.SessionEnded, "/acme-1"))
	b.expectSuspects("/acme-2 empty 0s", "/acme-1 ended 1s")
	b.wait(time.Hour)
	b.Confirm("/acme-1", b.now)
	b.Confirm("/acme-2", b.now)
	b.Confirm("/acme-3", b.now) // nothing is known of it
	b.expectSuspects()
	b.wait(6*time.Hour - time.Microsecond)
	b.expectSuspects()
	b.wait(time.Microsecond)
	b.expectSuspects("/acme-1 silent 1h0m1s")
	b.expect("acme 2/1/0")
	b.expectCorrections(map[live.Correction]int64{})
}
