package live_test

import (
	"fmt"
	"testing"
	"time"

	"whereby_exporter/collector/live"
	"whereby_exporter/whereby"
)

// TestOfOneMomentTheOrderCountsInWhichEachTotalFollows delivers what happened within a
// millisecond in every order, in a room in which something happened before.
func TestOfOneMomentTheOrderCountsInWhichEachTotalFollows(t *testing.T) {
	const room = "/acme-1"
	host := func(eventType whereby.EventType, after clients) whereby.Event {
		return event(eventType, room, "h", "host", after)
	}
	for name, test := range map[string]struct {
		before *whereby.Event
		moment []whereby.Event
		want   string
		roles  map[string]int64
	}{
		"a lone person's connection is replaced": {
			ptr(joined(room, "a", 1)), []whereby.Event{left(room, "a", 0), joined(room, "b", 1)}, "acme 1/1/0", nil,
		},
		"somebody comes and goes": {
			ptr(left(room, "a", 0)), []whereby.Event{joined(room, "b", 1), left(room, "b", 0)}, "acme 0/0/0", nil,
		},
		"somebody comes and goes, and nothing is known of the room": {
			nil, []whereby.Event{joined(room, "b", 1), left(room, "b", 0)}, "acme 0/0/0", nil,
		},
		"one of two is replaced": {
			ptr(joined(room, "b", 2)), []whereby.Event{left(room, "a", 1), joined(room, "c", 2)}, "acme 2/1/0", nil,
		},
		"one of two is replaced, the new connection first": {
			ptr(joined(room, "b", 2)), []whereby.Event{joined(room, "c", 3), left(room, "a", 2)}, "acme 2/1/0", nil,
		},
		"both are replaced, one after the other": {
			ptr(joined(room, "b", 2)), []whereby.Event{left(room, "a", 1), joined(room, "c", 2), left(room, "b", 1), joined(room, "d", 2)}, "acme 2/1/0", nil,
		},
		"both are replaced at once": {
			ptr(joined(room, "b", 2)), []whereby.Event{left(room, "a", 1), left(room, "b", 0), joined(room, "c", 1), joined(room, "d", 2)}, "acme 2/1/0", nil,
		},
		"all leave": {
			ptr(joined(room, "c", 3)), []whereby.Event{left(room, "a", 2), left(room, "b", 1), left(room, "c", 0)}, "acme 0/0/0", nil,
		},
		"one is replaced, then all leave": {
			ptr(joined(room, "b", 2)), []whereby.Event{left(room, "a", 1), joined(room, "c", 2), left(room, "b", 1), left(room, "c", 0)}, "acme 0/0/0", nil,
		},
		"who stays is seen by the roles": {
			ptr(host(whereby.ClientJoined, clients{"visitor": 1, "host": 1})),
			[]whereby.Event{
				event(whereby.ClientLeft, room, "v", "visitor", clients{"host": 1}),
				event(whereby.ClientJoined, room, "w", "visitor", clients{"host": 1, "visitor": 1}),
				host(whereby.ClientLeft, clients{"visitor": 1}),
			}, "acme 1/1/0", map[string]int64{"visitor": 1},
		},
		"a role that changed without an event": {
			ptr(joined(room, "b", 2)),
			[]whereby.Event{
				event(whereby.ClientLeft, room, "a", "visitor", clients{"granted_visitor": 1}),
				event(whereby.ClientJoined, room, "c", "visitor", clients{"granted_visitor": 1, "visitor": 1}),
			}, "acme 2/1/0", map[string]int64{"visitor": 1, "granted_visitor": 1},
		},
		"one of two is replaced, and the join does not tell": {
			ptr(joined(room, "b", 2)), []whereby.Event{left(room, "a", 1), untold(joined(room, "c", 2))}, "acme 2/1/0", nil,
		},
		"one of two is replaced, and the leave does not tell": {
			ptr(joined(room, "b", 2)), []whereby.Event{untold(left(room, "a", 1)), joined(room, "c", 2)}, "acme 2/1/0", nil,
		},
		"one of two is replaced, and neither tells": {
			ptr(joined(room, "b", 2)), []whereby.Event{untold(left(room, "a", 1)), untold(joined(room, "c", 2))}, "acme 2/1/0", nil,
		},
		"somebody comes and goes, and the leave does not tell": {
			ptr(left(room, "a", 0)), []whereby.Event{joined(room, "b", 1), untold(left(room, "b", 0))}, "acme 0/0/0", nil,
		},
		"somebody comes and goes, and the join does not tell": {
			ptr(left(room, "a", 0)), []whereby.Event{untold(joined(room, "b", 1)), left(room, "b", 0)}, "acme 0/0/0", nil,
		},
		"two come, and the first does not tell": {
			ptr(joined(room, "a", 1)), []whereby.Event{untold(joined(room, "b", 2)), joined(room, "c", 3)}, "acme 3/1/0", nil,
		},
		"two come, and the second does not tell": {
			ptr(joined(room, "a", 1)), []whereby.Event{joined(room, "b", 2), untold(joined(room, "c", 3))}, "acme 3/1/0", nil,
		},
		"both are replaced, and one in the middle does not tell": {
			ptr(joined(room, "b", 2)), []whereby.Event{left(room, "a", 1), untold(joined(room, "c", 2)), left(room, "b", 1), joined(room, "d", 2)}, "acme 2/1/0", nil,
		},
		"one of two is replaced, and only totals are told": {
			ptr(joined(room, "b", 2)), []whereby.Event{totalOnly(left(room, "a", 1), 1), totalOnly(joined(room, "c", 2), 2)}, "acme 2/1/0", nil,
		},
		"a total comes last": {
			ptr(joined(room, "b", 2)), []whereby.Event{left(room, "a", 1), totalOnly(joined(room, "c", 2), 2)}, "acme 2/1/0", nil,
		},
		"a total comes first": {
			ptr(joined(room, "b", 2)), []whereby.Event{totalOnly(left(room, "a", 1), 1), joined(room, "c", 2)}, "acme 2/1/0", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			moment := start.Add(time.Minute)
			permute(len(test.moment), func(order []int) {
				for _, restarts := range []bool{false, true} {
					// What was before comes first, or last.
					for _, late := range []bool{false, true} {
						b := newBench(t, options)
						before := func() {
							if test.before != nil {
								e := b.ago(0, *test.before)
								e.ID, e.CreatedAt = "before", start
								b.send(e)
							}
						}
						if !late {
							before()
						}
						b.now = moment
						for _, i := range order {
							e := test.moment[i]
							e.ID, e.CreatedAt = fmt.Sprint("moment-", i), moment
							b.send(e)
							if restarts {
								b.restart()
							}
						}
						if late {
							before()
						}
						b.expect(test.want)
						if test.roles != nil {
							expectFigures(t, "clients", b.View(b.now).Prefixes[0].Clients.All(), test.roles)
						}
						b.wait(3 * time.Minute)
						b.expectCorrections(map[live.Correction]int64{})
						if t.Failed() {
							t.Fatalf("the order is %v, late %v, restarts %v", order, late, restarts)
						}
					}
				}
			})
		})
	}
}

// untold returns an event that does not say who is in the room, and totalOnly one that says how
// many are.
func untold(e whereby.Event) whereby.Event {
	e.Clients, e.Total, e.TotalKnown = nil, 0, false
	return e
}

func totalOnly(e whereby.Event, n int) whereby.Event {
	e.Clients, e.Total, e.TotalKnown = nil, n, true
	return e
}

func ptr(e whereby.Event) *whereby.Event { return &e }

// TestAReplacedConnectionIsBilledOn has the connection of one of two be replaced within a
// millisecond, in both orders of arrival.
func TestAReplacedConnectionIsBilledOn(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		o := options
		o.Shown = func(string) (int64, bool) { return 0, true }
		b := newBench(t, o)
		b.send(joined("/acme-1", "a", 1))
		b.send(joined("/acme-1", "b", 2))
		b.wait(10 * time.Minute)
		at := b.now
		replaced := []whereby.Event{left("/acme-1", "a", 1), joined("/acme-1", "c", 2)}
		for _, i := range order {
			b.send(b.ago(0, replaced[i]))
		}
		b.wait(10 * time.Minute)
		if got := b.View(b.now).Prefixes[0].Pending; got != 10+10+20 {
			t.Errorf("%d minutes are pending after %v, want 40", got, b.now.Sub(at))
		}
		// Both go, and one of them is back at once: alone.
		gone := []whereby.Event{left("/acme-1", "b", 1), left("/acme-1", "c", 0), joined("/acme-1", "d", 1)}
		for _, i := range append(order, 2) {
			b.send(b.ago(0, gone[i]))
		}
		b.wait(10 * time.Minute)
		b.expect("acme 1/1/0")
		if got := b.View(b.now).Prefixes[0].Pending; got != 40 {
			t.Errorf("%d minutes are pending, want 40", got)
		}
	}
}

// TestAHostWhoIsReplacedHasBeenThereFirst has a lone host's connection be replaced within
// a millisecond, before a visitor comes.
func TestAHostWhoIsReplacedHasBeenThereFirst(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		b := newBench(t, options)
		b.send(hostJoined("/acme-1"))
		b.wait(time.Minute)
		replaced := []whereby.Event{
			event(whereby.ClientLeft, "/acme-1", "h", "host", clients{}), event(whereby.ClientJoined, "/acme-1", "i", "host", clients{"host": 1}),
		}
		for _, i := range order {
			b.send(b.ago(0, replaced[i]))
		}
		b.wait(time.Minute)
		b.send(event(whereby.ClientJoined, "/acme-1", "v", "visitor", clients{"host": 1, "visitor": 1}))
		b.expectObserved("host_wait acme 0")
	}
}
