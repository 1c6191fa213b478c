package live_test

import (
	"slices"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// TestEveryRoleCountsAsWhatItIs has somebody of each role, and of one that is not
// documented, with a host for ten minutes.
func TestEveryRoleCountsAsWhatItIs(t *testing.T) {
	for _, role := range append(whereby.Roles(), "moderator") {
		t.Run(role, func(t *testing.T) {
			o := options
			o.Shown = func(string) (int64, bool) { return 0, true }
			b := newBench(t, o)
			both := clients{"host": 1}
			both[role]++
			b.send(hostJoined("/acme-1"))
			b.send(event(whereby.ClientJoined, "/acme-1", "g", "visitor", clients{"host": 1, "visitor": 1}))
			b.segment = "staff"
			both["visitor"]++
			b.send(event(whereby.ClientJoined, "/acme-1", "x", role, both))
			b.wait(10 * time.Minute)
			p := b.View(b.now).Prefixes[0]
			people, pending, inSegment := int64(2), int64(20), int64(0)
			if whereby.IsPerson(role) {
				people, inSegment = 3, 1
			}
			if whereby.BilledAs(role) == whereby.BilledAsParticipant {
				pending = 30
			}
			if p.Participants != people || p.ParticipantsMax != people {
				t.Errorf("%d people, at most %d; want %d", p.Participants, p.ParticipantsMax, people)
			}
			if p.Pending != pending {
				t.Errorf("%d minutes are pending; want %d", p.Pending, pending)
			}
			for _, s := range b.View(b.now).Segments {
				if s.Participants != inSegment {
					t.Errorf("%d people in segment %s; want %d", s.Participants, s.Segment, inSegment)
				}
			}
			label := role
			if !slices.Contains(live.Roles(), role) {
				label = "other"
			}
			for _, figures := range []live.ByRole{p.Clients, p.Joins} {
				if figures.Sum() != 3 || figures.Get(label) == 0 {
					t.Errorf("by role: %v", figures)
				}
			}
			b.segment = ""
			both[role]--
			b.send(event(whereby.ClientLeft, "/acme-1", "x", role, both))
			b.wait(time.Hour)
			if got := b.View(b.now).Prefixes[0]; got.Participants != 2 || got.Leaves.Get(label) != 1 || got.Pending != pending+120 {
				t.Errorf("after it left: %+v; want %d minutes pending", got, pending+120)
			}
		})
	}
}

// TestAnAssistantAloneIsNobody leaves assistants in a room without people. Its minutes
// with people count; that it waits for them alone does not.
func TestAnAssistantAloneIsNobody(t *testing.T) {
	o := options
	o.Shown = func(string) (int64, bool) { return 0, true }
	b := newBench(t, o)
	expect := func(people, rooms, pending int64) {
		t.Helper()
		for _, restarted := range []bool{false, true} {
			if p := b.View(b.now).Prefixes[0]; p.Participants != people || p.Rooms != rooms || p.Pending != pending {
				t.Errorf("%d people in %d rooms, %d minutes pending; want %d, %d, %d (restarted %v)", p.Participants, p.Rooms, p.Pending, people, rooms, pending, restarted)
			}
			b.restart()
		}
	}
	b.send(event(whereby.ClientJoined, "/acme-1", "x", "assistant", clients{"assistant": 1}))
	b.wait(10 * time.Minute)
	expect(0, 1, 0)
	b.send(event(whereby.ClientJoined, "/acme-1", "h", "host", clients{"assistant": 1, "host": 1}))
	b.wait(10 * time.Minute)
	expect(1, 1, 0) // one person is no session
	b.send(event(whereby.ClientJoined, "/acme-1", "v", "visitor", clients{"assistant": 1, "host": 1, "visitor": 1}))
	b.wait(10 * time.Minute)
	expect(2, 1, 10+20+30)
	b.send(event(whereby.ClientLeft, "/acme-1", "v", "visitor", clients{"assistant": 1, "host": 1}))
	b.send(event(whereby.ClientLeft, "/acme-1", "h", "host", clients{"assistant": 1}))
	expect(0, 1, 60)
	b.wait(20 * time.Minute)
	expect(0, 1, 60)
	b.Settle(map[string]int64{"/acme-1": 60}, b.now, b.now)
	expect(0, 1, 0)
	b.send(event(whereby.ClientLeft, "/acme-1", "x", "assistant", clients{}))
	expect(0, 0, 0)
	b.wait(20 * time.Minute)
	b.Settle(map[string]int64{"/acme-1": 60}, b.now, b.now)
	if rooms := b.Metered(); len(rooms) != 0 {
		t.Errorf("%v are still followed", rooms)
	}
}

// TestAMachineNeitherWaitsNorHosts tries what could begin a meeting.
func TestAMachineNeitherWaitsNorHosts(t *testing.T) {
	for _, role := range whereby.Roles() {
		if whereby.IsPerson(role) {
			continue
		}
		b := newBench(t, options)
		b.send(event(whereby.ClientJoined, "/acme-1", "x", role, clients{role: 1}))
		b.wait(time.Second)
		b.send(event(whereby.ClientJoined, "/acme-1", "h", "host", clients{role: 1, "host": 1}))
		b.wait(time.Second)
		b.send(event(whereby.ClientJoined, "/acme-1", "v", "visitor", clients{role: 1, "host": 1, "visitor": 1}))
		b.expectObserved("host_wait acme 0")
		b.expect("acme 2/1/0")
	}
}
