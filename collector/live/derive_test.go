package live_test

import (
	"fmt"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// TestCountsThatFollowFromOthersDoNotDependOnTheOrder has people come and go, with some
// events that do not say who is there, delivered in any order and over restarts.
func TestCountsThatFollowFromOthersDoNotDependOnTheOrder(t *testing.T) {
	random := seeded(t)
	for range 300 {
		b := newBench(t, options)
		present := map[string]int{}
		var events []whereby.Event
		for i := range 12 {
			role := []string{"host", "visitor", "recorder"}[random.IntN(3)]
			e := whereby.Event{
				ID: fmt.Sprint(i), Type: whereby.ClientJoined, RoomName: "/acme-1", RoleName: role, ParticipantID: role,
				CreatedAt: start.Add(time.Duration(i) * time.Second),
			}
			if present[role] > 0 && random.IntN(2) == 0 {
				e.Type = whereby.ClientLeft
				present[role]--
			} else {
				present[role]++
			}
			sum := present["host"] + present["visitor"] + present["recorder"]
			switch random.IntN(3) {
			case 0:
				e.Clients = map[string]int{"host": present["host"], "visitor": present["visitor"], "recorder": present["recorder"]}
			case 1:
				e.Total, e.TotalKnown = sum, true
			}
			events = append(events, e)
		}
		b.wait(20 * time.Second)
		random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		for _, e := range events {
			b.send(e)
			if random.IntN(4) == 0 {
				b.restart()
			}
		}
		b.wait(2 * time.Minute)
		p := b.View(b.now).Prefixes[0]
		for role, n := range present {
			if p.Clients.Get(role) != int64(n) {
				t.Fatalf("%d of role %s are shown, want %d, after %+v", p.Clients.Get(role), role, n, events)
			}
		}
		for _, c := range b.View(b.now).Corrections {
			if c.Reason == live.LostEvent && c.N > 0 {
				t.Errorf("%d events are taken for lost", c.N)
			}
		}
	}
}

// TestTheOrderOfArrivalChangesNothing has several events in each millisecond, with and
// without counts, and some that do not fit together, delivered in two orders.
func TestTheOrderOfArrivalChangesNothing(t *testing.T) {
	random := seeded(t)
	for range 500 {
		var events []whereby.Event
		n := 0
		for i := range 12 {
			e := whereby.Event{
				ID: fmt.Sprint(i), Type: whereby.ClientJoined, RoomName: "/acme-1",
				RoleName: []string{"host", "visitor"}[random.IntN(2)], ParticipantID: fmt.Sprint(i),
				CreatedAt: start.Add(time.Duration(i/4) * time.Second),
			}
			if n > 0 && random.IntN(2) == 0 {
				e.Type = whereby.ClientLeft
				n--
			} else {
				n++
			}
			if random.IntN(10) == 0 {
				n++
			}
			switch random.IntN(3) {
			case 0:
				e.Clients = map[string]int{"host": n / 2, "visitor": n - n/2}
			case 1:
				e.Total, e.TotalKnown = n, true
			}
			events = append(events, e)
		}
		var want live.PrefixView
		var lost int64
		for i := range 4 {
			b := newBench(t, options)
			b.wait(20 * time.Second)
			random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			for _, e := range events {
				b.send(e)
				if random.IntN(4) == 0 {
					b.restart()
				}
			}
			p := b.View(b.now).Prefixes[0]
			b.wait(2 * time.Minute)
			n := corrections(b.View(b.now))[live.LostEvent]
			if i == 0 {
				want, lost = p, n
			}
			if p.Clients != want.Clients || n != lost {
				t.Fatalf("shown are %v with %d lost, and in another order %v with %d, after %+v", p.Clients, n, want.Clients, lost, events)
			}
		}
	}
}

// TestManyEventsWithoutCounts has more of them than are put in order.
func TestManyEventsWithoutCounts(t *testing.T) {
	b := newBench(t, options)
	for range 100 {
		b.wait(time.Second)
		b.send(whereby.Event{Type: whereby.ClientJoined, RoomName: "/acme-1", RoleName: "visitor"})
	}
	b.expect("acme 100/1/0")
	for range 120 {
		b.wait(time.Second)
		b.send(whereby.Event{Type: whereby.ClientLeft, RoomName: "/acme-1", RoleName: "granted_visitor"})
	}
	b.expect("acme 0/0/0")
}

// TestAnEventOfAnotherAgeIsTakenAsOfItsArrival has times that cannot be right.
func TestAnEventOfAnotherAgeIsTakenAsOfItsArrival(t *testing.T) {
	for name, at := range map[string]time.Time{
		"none": {}, "the epoch": time.Unix(0, 0), "years ago": start.AddDate(-4, 0, 0), "in years": start.AddDate(4, 0, 0),
	} {
		b := newBench(t, options)
		b.send(whereby.Event{Type: whereby.ClientJoined, RoomName: "/acme-1", RoleName: "host", Clients: map[string]int{"host": 1}})
		b.wait(time.Minute)
		e := whereby.Event{ID: "odd", Type: whereby.ClientJoined, CreatedAt: at, RoomName: "/acme-1", RoleName: "visitor", Clients: map[string]int{"host": 1, "visitor": 1}}
		if result := b.ApplySegment(e, "", b.now); !result.Mistimed {
			t.Errorf("%s: the event's time is taken for right", name)
		}
		b.expect("acme 2/1/0")
		b.wait(time.Minute)
		b.send(whereby.Event{Type: whereby.ClientLeft, RoomName: "/acme-1", RoleName: "visitor", Clients: map[string]int{"host": 1}})
		b.expect("acme 1/1/0")
	}
}
