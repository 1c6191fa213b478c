package live_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

// hostJoined is of the only one in a room.
func hostJoined(room string) whereby.Event {
	return event(whereby.ClientJoined, room, "h", "host", clients{"host": 1})
}

// hostJoinedTo is of a host who joined visitors.
func hostJoinedTo(room string, visitors int) whereby.Event {
	return event(whereby.ClientJoined, room, "h", "host", clients{"host": 1, "visitor": visitors})
}

func TestWhoWaits(t *testing.T) {
	const room = "/acme-1"
	for name, test := range map[string]struct {
		told     []told
		want     string
		observed []string
	}{
		"a visitor knocks": {
			[]told{{Event: knocked(room, "a")}}, "acme 0/0/1", nil,
		},
		"a visitor knocks twice": {
			[]told{{Event: knocked(room, "a")}, {after: time.Second, Event: knocked(room, "a")}}, "acme 0/0/1", nil,
		},
		"a visitor knocks at two doors": {
			[]told{{Event: knocked(room, "a")}, {after: time.Second, Event: knocked("/acme-2", "a")}}, "acme 0/0/2", nil,
		},
		"a visitor is admitted": {
			[]told{{Event: knocked(room, "a")}, {after: 3 * time.Second, Event: joined(room, "a", 1)}},
			"acme 1/1/0", []string{"knock_wait acme admitted 3"},
		},
		"a visitor gives up": {
			[]told{{Event: knocked(room, "a")}, {after: 3 * time.Second, Event: cancelled(room, "a")}},
			"acme 0/0/0", []string{"knock_wait acme cancelled 3"},
		},
		"another one gives up": {
			[]told{{Event: knocked(room, "a")}, {after: 3 * time.Second, Event: cancelled(room, "b")}},
			"acme 0/0/1", nil,
		},
		"the knock comes after its end": {
			[]told{{Event: cancelled(room, "a")}, {after: time.Second, ago: 3 * time.Second, Event: knocked(room, "a")}},
			"acme 0/0/0", []string{"knock_wait acme cancelled 2"},
		},
		"a knock and its end are at the same time": {
			[]told{{Event: cancelled(room, "a")}, {Event: knocked(room, "a")}},
			"acme 0/0/0", []string{"knock_wait acme cancelled 0"},
		},
		"one who left knocks again": {
			[]told{
				{Event: joined(room, "a", 1)}, {after: time.Second, Event: left(room, "a", 0)},
				{after: time.Second, Event: knocked(room, "a")},
			},
			"acme 0/0/1", nil,
		},
		"the end of an earlier knock comes late": {
			[]told{
				{Event: knocked(room, "a")}, {after: 4 * time.Second, Event: knocked(room, "a")},
				{after: time.Second, Event: joined(room, "a", 1)}, {after: time.Second, ago: 3 * time.Second, Event: cancelled(room, "a")},
			},
			"acme 1/1/0", []string{"knock_wait acme admitted 1", "knock_wait acme cancelled 3"},
		},
		"an earlier knock comes late": {
			[]told{
				{Event: knocked(room, "a")}, {after: time.Second, Event: joined(room, "a", 1)},
				{after: time.Second, ago: time.Minute, Event: knocked(room, "a")},
			},
			"acme 1/1/0", []string{"knock_wait acme admitted 1"},
		},
		"a leave is nobody's answer": {
			[]told{{Event: knocked(room, "a")}, {after: time.Second, Event: left(room, "a", 0)}},
			"acme 0/0/0", nil,
		},
		"the session ends": {
			[]told{{Event: knocked(room, "a")}, {after: time.Second, Event: session(whereby.SessionEnded, room)}},
			"acme 0/0/1", nil,
		},
		"a visitor is admitted after the session's end": {
			[]told{
				{Event: knocked(room, "a")}, {after: time.Second, Event: session(whereby.SessionEnded, room)},
				{after: time.Second, Event: joined(room, "a", 1)},
			},
			"acme 1/1/0", []string{"knock_wait acme admitted 2"},
		},
		"the session ended before": {
			[]told{{Event: knocked(room, "a")}, {after: time.Second, ago: time.Minute, Event: session(whereby.SessionEnded, room)}},
			"acme 0/0/1", nil,
		},
		"nobody is told who": {
			[]told{{Event: knocked(room, "")}}, "acme 0/0/0", nil,
		},
		"a machine's joining is no answer": {
			[]told{{Event: knocked(room, "a")}, {after: time.Second, Event: event(whereby.ClientJoined, room, "a", "recorder", clients{"recorder": 1})}},
			"acme 0/1/1", nil,
		},
		"the end comes only after nobody waits that long": {
			[]told{{Event: knocked(room, "a")}, {after: 6*time.Hour + time.Minute, Event: session(whereby.SessionStarted, "/acme-2")}},
			"acme 0/0/0", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			for _, told := range test.told {
				b.wait(told.after)
				b.send(b.ago(told.ago, told.Event))
			}
			b.expect(test.want)
			b.expectObserved(test.observed...)
		})
	}
}

func TestWaitsForTheHost(t *testing.T) {
	const room = "/acme-1"
	for name, test := range map[string]struct {
		told []told
		want []string
	}{
		"a visitor is there first": {
			[]told{{Event: joined(room, "a", 1)}, {after: 3 * time.Second, Event: hostJoinedTo(room, 1)}},
			[]string{"host_wait acme 3"},
		},
		"the host is there first": {
			[]told{{Event: hostJoined(room)}, {after: 3 * time.Second, Event: joined(room, "a", 2)}},
			[]string{"host_wait acme 0"},
		},
		"a visitor is at the door first": {
			[]told{{Event: knocked(room, "a")}, {after: 3 * time.Second, Event: hostJoined(room)}},
			[]string{"host_wait acme 3"},
		},
		"the first of several visitors counts, once": {
			[]told{
				{Event: joined(room, "a", 1)}, {after: time.Second, Event: joined(room, "b", 2)},
				{after: time.Second, Event: hostJoinedTo(room, 2)}, {after: time.Second, Event: hostJoinedTo(room, 2)},
			},
			[]string{"host_wait acme 2"},
		},
		"the second visitor's event overtakes the first one's": {
			[]told{
				{Event: joined(room, "b", 2)}, {after: time.Second, ago: 5 * time.Second, Event: joined(room, "a", 1)},
				{after: time.Second, Event: hostJoinedTo(room, 2)},
			},
			[]string{"host_wait acme 6"},
		},
		"the host's event overtakes the visitor's": {
			[]told{{Event: hostJoinedTo(room, 1)}, {after: time.Second, ago: 5 * time.Second, Event: joined(room, "a", 1)}},
			[]string{"host_wait acme 4"},
		},
		"each meeting has its own": {
			[]told{
				{Event: joined(room, "a", 1)}, {after: time.Second, Event: hostJoinedTo(room, 1)},
				{after: time.Second, Event: left(room, "a", 0)},
				{after: time.Second, Event: joined(room, "a", 1)}, {after: 2 * time.Second, Event: hostJoinedTo(room, 1)},
			},
			[]string{"host_wait acme 1", "host_wait acme 2"},
		},
		"the end of the meeting before comes last": {
			[]told{
				{Event: hostJoined(room)}, {after: time.Second, Event: joined(room, "a", 2)},
				{after: 5 * time.Second, Event: joined(room, "b", 1)}, {after: 2 * time.Second, Event: hostJoinedTo(room, 1)},
				{after: time.Second, ago: 5 * time.Second, Event: left(room, "a", 0)},
			},
			[]string{"host_wait acme 0", "host_wait acme 2"},
		},
		"a visitor who gave up waited for another meeting": {
			[]told{
				{Event: knocked(room, "a")}, {after: time.Second, Event: cancelled(room, "a")},
				{after: time.Second, Event: hostJoined(room)},
			},
			[]string{"knock_wait acme cancelled 1"},
		},
		"a recorder that stays does not keep the meeting up": {
			[]told{
				{Event: hostJoined(room)}, {after: time.Second, Event: event(whereby.ClientLeft, room, "h", "host", clients{"recorder": 1})},
				{after: time.Second, Event: joined(room, "a", 1)}, {after: 5 * time.Second, Event: hostJoinedTo(room, 1)},
			},
			[]string{"host_wait acme 5"},
		},
		"an undocumented role neither waits nor hosts": {
			[]told{
				{Event: event(whereby.ClientJoined, room, "a", "moderator", clients{"moderator": 1})},
				{after: time.Second, Event: hostJoined(room)},
			},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			for _, told := range test.told {
				b.wait(told.after)
				b.send(b.ago(told.ago, told.Event))
			}
			b.expectObserved(test.want...)
		})
	}
}

// TestAShuffledMeetingHasOneWaitForItsHostAtMost tells a meeting in every order. The
// wait is exact where the first visitor's and the first host's event come before those
// of others and before that of the end.
func TestAShuffledMeetingHasOneWaitForItsHostAtMost(t *testing.T) {
	events := []whereby.Event{
		joined("/acme-1", "a", 1), // 0: the first visitor
		event(whereby.ClientJoined, "/acme-1", "h", "host", clients{"visitor": 1, "host": 1}), // 1: the first host
		joined("/acme-1", "b", 3),
		event(whereby.ClientJoined, "/acme-1", "i", "host", clients{"visitor": 2, "host": 2}),
		left("/acme-1", "a", 3),
		left("/acme-1", "b", 0),
	}
	for i := range events {
		events[i].ID, events[i].CreatedAt = fmt.Sprint(i), start.Add(time.Duration(i*i+1)*time.Second)
	}
	orders := 0
	permute(len(events), func(order []int) {
		orders++
		b := newBench(t, options)
		b.wait(time.Minute)
		for _, i := range order {
			b.send(events[i])
		}
		exact := true
		for _, other := range []int{2, 3, 5} {
			at := slices.Index(order, other)
			exact = exact && slices.Index(order, 0) < at && slices.Index(order, 1) < at
		}
		if len(b.observed) > 1 || exact && !slices.Equal(b.observed, []string{"host_wait acme 1"}) {
			t.Errorf("in the order %v observed are %q", order, b.observed)
		}
		b.expect("acme 0/0/0")
	})
	if orders != 720 {
		t.Errorf("%d orders", orders)
	}
}

// permute calls f with every order of the first n numbers.
func permute(n int, f func(order []int)) {
	var extend func(order []int)
	extend = func(order []int) {
		if len(order) == n {
			f(order)
			return
		}
		for i := range n {
			if !slices.Contains(order, i) {
				extend(append(order[:len(order):len(order)], i))
			}
		}
	}
	extend(nil)
}
