package ledger_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/store"
)

// recorder is a store that remembers what was committed.
type recorder struct {
	*store.Memory
	changes []ledger.Change
}

func (r *recorder) Commit(c ledger.Change) error {
	c.Rows = append([]ledger.Row(nil), c.Rows...)
	r.changes = append(r.changes, c)
	return r.Memory.Commit(c)
}

// TestAFollowerKnowsWhatTheLeaderKnows lets a ledger follow another one's changes: all of
// them; from the middle, beginning with the state of that time or a later one; some of
// them twice.
func TestAFollowerKnowsWhatTheLeaderKnows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		recorded := &recorder{Memory: store.NewMemory()}
		leader := open(t, recorded, 4)
		room := rapid.SampledFrom([]string{"/a-1", "/a-2", "/b-1", "/b-2", "/c-1", "/d-1", "/e-1", "plain"})
		lead := func() {
			for range rapid.IntRange(1, 12).Draw(rt, "passes") {
				if rapid.IntRange(0, 3).Draw(rt, "kind") == 0 {
					name := room.Draw(rt, "based")
					start := rapid.Int64Range(100, 300).Draw(rt, "start")
					_ = leader.SetBases(name, [2]ledger.Base{{Start: start, Totals: ledger.Totals{Sessions: 1}}}) // of rooms it knows
					continue
				}
				var rows []ledger.Row
				for _, name := range rapid.SliceOfDistinct(room, func(s string) string { return s }).Draw(rt, "rooms") {
					rows = append(rows, minutes(name, rapid.Int64Range(0, 50).Draw(rt, "minutes")))
				}
				pass(t, leader, rapid.Bool().Draw(rt, "complete"), rows...)
			}
		}
		lead()
		mirror := store.NewMemory()
		follower := open(t, mirror, 4)
		follower.Hold()
		follow := func(c ledger.Change) {
			c.Rows = append([]ledger.Row(nil), c.Rows...)
			if err := follower.Follow(c, mirror.Commit); err != nil {
				t.Fatal(err)
			}
		}
		next := 0
		if rapid.Bool().Draw(rt, "begins in the middle") {
			next = rapid.IntRange(0, len(recorded.changes)).Draw(rt, "from")
			// What it begins with is of now, and may be newer than where it goes on from.
			state, err := recorded.State()
			if err != nil {
				t.Fatal(err)
			}
			follow(ledger.Change{Prefixes: state.Prefixes})
			for row := range recorded.Rows("") {
				follow(ledger.Change{Rows: []ledger.Row{row}})
			}
			present, err := recorded.Present()
			if err != nil {
				t.Fatal(err)
			}
			follow(ledger.Change{State: &state, Present: &present})
		}
		if follower.Snapshot() != nil {
			t.Fatal("published what it had only half read")
		}
		lead()
		for ; next < len(recorded.changes); next++ {
			follow(recorded.changes[next])
			if next == len(recorded.changes)-1 && rapid.Bool().Draw(rt, "the last one twice") {
				follow(recorded.changes[next])
			}
		}
		follower.Reveal()
		if got, want := figures(follower), figures(leader); got != want {
			t.Fatalf("the follower knows %s, the leader %s", got, want)
		}
		for row := range recorded.Rows("") {
			var got ledger.Row
			_ = mirror.Get([]string{row.Name}, func(_ int, found ledger.Row) { got = found })
			if !reflect.DeepEqual(got, row) {
				t.Fatalf("the follower has %+v, the leader %+v", got, row)
			}
		}
		// It leads from here on as the leader would.
		more := minutes("/new-1", 7)
		pass(t, leader, true, more)
		pass(t, follower, true, more)
		if got, want := figures(follower), figures(leader); got != want {
			t.Fatalf("leading, the follower knows %s, the leader %s", got, want)
		}
	})
}

func TestNothingIsPublishedWhileHeld(t *testing.T) {
	l := open(t, store.NewMemory(), 4)
	l.Hold()
	pass(t, l, true, minutes("/a-1", 5))
	if err := l.Advance(time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := figures(l); got != "nothing" {
		t.Errorf("it shows %s", got)
	}
	l.Reveal()
	if got := figures(l); got != "a 5/1/1" {
		t.Errorf("it shows %s", got)
	}
}
